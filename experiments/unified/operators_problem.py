"""Three equations with a Galilean boost, and the same with a drag that breaks it by a known amount."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, solve
from pdesym.solvers.random_streams import stream
from pdesym.symmetry import Generator

TRANSLATION, TIME, BOOST, SIZE = (Generator(text) for text in ("d_x", "d_t", "t*d_x + d_u", "u*d_u"))
WAYS = ("plain", "augmented", "promoted", "informed", "enforced")
CANDIDATES = (TRANSLATION, BOOST, TIME)
"""The symmetries of the equations without drag that do not move the circle."""
MEASURED = (*CANDIDATES, SIZE)
"""Those, and one that is a symmetry of none."""

_TRAIN, _TEST, _MEANS = 0, 1, 2
_RTOL = 1e-7


@dataclass(frozen=True)
class Problem:
    """u(0) → u(T) of an equation on a circle.

    Attributes:
        name: of the equation.
        text: the equation without drag.
        grid: of input and output.
        waves: of the initial fields, whose mean is zero.
        amplitude: of the initial fields.
        duration: T.
        scaling: (b, a) of x → λx, t → λᵃt, u → λᵇu where that is a symmetry.
        odd: whether (x, u) → (−x, −u) is one.
    """

    name: str
    text: str
    grid: Grid
    waves: tuple[int, ...]
    amplitude: float
    duration: float
    scaling: tuple[float, float] | None
    odd: bool

    def equation(self, breaking: float) -> Equation:
        """With the drag −(breaking/T) u, which takes a part 1 − exp(−breaking) of a mean until T."""
        drag = breaking / self.duration
        return Equation(f"{self.text} - drag*u" if drag else self.text, **({"drag": drag} if drag else {}))

    def flow(self, breaking: float) -> FlowMap:
        """The exact operator, with its derivatives."""
        return FlowMap(self.equation(breaking), self.grid, [0.0, self.duration], rtol=1e-8)

    def initial(self, split: int, samples: int) -> Tensor:
        """Initial fields of zero mean."""
        law = RandomSinusoids(terms=10, amplitude=self.amplitude, waves=self.waves)
        return law.sample(self.grid, range(samples), seed=(split, 0))

    @property
    def fluctuation(self) -> float:
        """Root mean square of the initial fields over many, √(terms/6) times the amplitude."""
        return self.amplitude * (10 / 6) ** 0.5

    def pairs(self, breaking: float, samples: int, *, test: bool, least: float, most: float) -> tuple[Tensor, Tensor]:
        """Initial fields with means of a size between two multiples of the fluctuation, and what becomes of them."""
        split = _TEST if test else _TRAIN
        draws = torch.tensor([stream((split, _MEANS), i).random(2).tolist() for i in range(samples)])
        size = (least + (most - least) * draws[:, 0]) * torch.where(draws[:, 1] < 0.5, -1.0, 1.0)
        u = self.initial(split, samples) + self.fluctuation * size.double().reshape(-1, 1, 1)
        return u, solve(self.equation(breaking), u, self.grid, [0.0, self.duration], rtol=_RTOL).u[:, -1]


PROBLEMS = {
    "burgers": Problem(
        "burgers", "u_t = -u*u_x + 0.1*u_xx", Grid(64, length=6.283185307179586), (1, 2, 3, 4), 0.4, 1.0, (-1, 2), True
    ),
    "kdv": Problem("kdv", "u_t = -u*u_x - u_xxx", Grid(64, length=32.0), (1, 2, 3), 0.4, 2.0, (-2, 3), False),
    "ks": Problem("ks", "u_t = -u*u_x - u_xx - u_xxxx", Grid(64, length=32.0), (1, 2, 3, 4), 0.8, 2.0, None, True),
}
