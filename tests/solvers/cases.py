"""The equations over which the laws of the solver are tested: adding one is adding a line to CASES."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pdesym.solvers import Equation, Grid, RandomSinusoids, advection, burgers, heat, kdv, ks
from pdesym.solvers.catalogue.advection import advected
from pdesym.solvers.catalogue.burgers import cole_hopf
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.catalogue.kdv import soliton


@dataclass(frozen=True)
class Case:
    """An equation with a grid, an initial law and a horizon on which it is resolved.

    Attributes:
        name: as in the catalogue.
        equation: makes it.
        grid: resolves the solution to about 1e-9.
        initial: `grid → (batch, 1, points)`.
        horizon: final time.
        exact: `(u₀, grid, t) → u(t)` where a closed form is known for these initial conditions.
        steps: numbers of steps for the order of convergence, in its asymptotic range; none where the solver is exact.
        conserved: invariants that stay, with the relative drift allowed at rtol = 1e-8.
    """

    name: str
    equation: Callable[[], Equation]
    grid: Grid
    initial: Callable[[Grid], Tensor]
    horizon: float
    exact: Callable[[Tensor, Grid, float], Tensor] | None = None
    steps: tuple[int, ...] = ()
    conserved: tuple[tuple[str, float], ...] = (("mass", 1e-13),)


def sinusoids(*waves: int, amplitude: float = 0.5, mean: float = 0.3) -> Callable[[Grid], Tensor]:
    law = RandomSinusoids(terms=4, amplitude=amplitude, waves=waves)
    return lambda grid: law.sample(grid, range(3), seed=0) + mean


CIRCLE = 2 * math.pi
CASES = {
    case.name: case
    for case in (
        Case(
            "advection",
            lambda: advection(0.7),
            Grid(64, length=CIRCLE),
            sinusoids(1, 2, 5),
            2.0,
            lambda u0, grid, t: advected(u0, grid, t, 0.7),
            conserved=(("mass", 1e-13), ("momentum", 1e-13)),
        ),
        Case(
            "heat",
            lambda: heat(0.1),
            Grid(64, length=CIRCLE),
            sinusoids(1, 2, 5),
            2.0,
            lambda u0, grid, t: diffused(u0, grid, t, 0.1),
        ),
        Case(
            "burgers",
            lambda: burgers(0.2),
            Grid(128, length=CIRCLE),
            sinusoids(1, 2),
            1.5,
            lambda u0, grid, t: cole_hopf(u0, grid, t, 0.2),
            steps=(10, 20, 40, 80, 160),
        ),
        Case(
            "kdv",
            kdv,
            Grid(256, length=64.0),
            lambda grid: soliton(grid, 0.0, speed=1.0, centre=20.0),
            4.0,
            lambda u0, grid, t: soliton(grid, t, speed=1.0, centre=20.0),
            steps=(80, 160, 320, 640, 1280),
            conserved=(("mass", 1e-13), ("momentum", 1e-7), ("energy", 1e-6)),
        ),
        # With longer steps the order of such methods on KS lies between 4 and the stiff order 3.
        Case("ks", ks, Grid(64, length=32.0), sinusoids(1, 2), 6.0, steps=(120, 240, 480, 960, 1920)),
    )
}


def relative_error(u: Tensor, exact: Tensor) -> Tensor:
    """‖u − exact‖ / ‖exact‖ of each sample."""
    return (u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)


def slope(steps: tuple[int, ...] | list[int], errors: list[float]) -> float:
    """The order of convergence: −slope of log error over log steps, by least squares."""
    x = torch.tensor(steps, dtype=torch.float64).log()
    y = torch.tensor(errors, dtype=torch.float64).log()
    x, y = x - x.mean(), y - y.mean()
    return -float((x * y).sum() / (x * x).sum())
