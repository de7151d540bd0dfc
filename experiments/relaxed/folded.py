"""An inverse problem: the initial pulse, from sensors that report the sum of what p equal places see."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from experiments.relaxed.pairs import Pairs, uniform
from pdesym.solvers import Grid, solve
from pdesym.solvers.catalogue import burgers

_GRID = Grid(96, length=2 * torch.pi)


@dataclass(frozen=True)
class FoldedBurgers:
    """From o(x) = Σ_j u(x + jL/p, T), j < p, to u(0), for Burgers' equation and one pulse with a shoulder.

    p sensors at equal distances are wired together and carried once around: o has the period L/p, and says how the
    pulse looks, not near which of the sensors it is. Translations commute with the equation and with the sum, so the
    pre-images of o among the pulses are {s u(0) : s ∈ C_p}. With p = 1 nothing is lost.

    Attributes:
        grid: of both fields.
        duration: T.
        viscosity: ν.
        orders: p.
    """

    name: str = "folded_burgers"
    grid: Grid = _GRID
    duration: float = 0.7
    viscosity: float = 0.05
    orders: tuple[int, ...] = (2, 3, 4)

    def pulses(self, count: int, rng: torch.Generator) -> Float[Tensor, "count 1 points"]:
        """A pulse anywhere, and a lower one at its side."""
        (x,) = self.grid.coordinates()
        centre = uniform(rng, 0.0, self.grid.length[0], count, 1)
        beside = centre + uniform(rng, -0.9, 0.9, count, 1)
        sharpness = uniform(rng, 6.0, 14.0, count, 2)
        height, part = uniform(rng, 0.6, 1.4, count, 1), uniform(rng, 0.0, 0.6, count, 1)
        first, second = (
            (k.unsqueeze(1) * ((x - place).cos() - 1)).exp()
            for k, place in zip(sharpness.T, (centre, beside), strict=True)
        )
        return (height * (first + part * second)).unsqueeze(1)


def pairs(problem: FoldedBurgers, orders: tuple[int, ...], count: int, rng: torch.Generator) -> Pairs:
    """So many pulses, their observations folded as often as each order in turn says."""
    order = torch.tensor(orders).repeat(count // len(orders) + 1)[:count].sort().values
    y = problem.pulses(count, rng)
    return Pairs(observed(problem, y, order), y, order)


def observed(
    problem: FoldedBurgers, y: Float[Tensor, "samples 1 points"], order: Int[Tensor, " samples"]
) -> Float[Tensor, "samples 1 points"]:
    """What the sensors report of initial fields, so many wired together for each."""
    late = solve(burgers(nu=problem.viscosity), y, problem.grid, [problem.duration], rtol=1e-6).u[:, -1]
    points = problem.grid.points[0]
    moved = [[u.roll(j * points // p, -1) for j in range(p)] for u, p in zip(late, order.tolist(), strict=True)]
    return torch.stack([torch.stack(each).sum(0) for each in moved])
