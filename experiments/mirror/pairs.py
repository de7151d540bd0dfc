"""Pairs u(0) → u(T) of Burgers' equation, what the networks of this folder are trained and judged on."""

import math
from functools import cache
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.datasets import Windows
from pdesym.solvers import GaussianField, Grid, burgers, solve

SPLITS = ("train", "validation", "test")
TOLERANCE = 1e-5
"""Relative error of the solver."""


class Problem(Protocol):
    """What decides the pairs."""

    @property
    def viscosity(self) -> float:
        """ν, dimensionless."""

    @property
    def duration(self) -> float:
        """T, dimensionless."""

    @property
    def points(self) -> int:
        """Of the grid on the circle of length 2π."""

    @property
    def finer(self) -> int:
        """Times as many points on which the equation is solved."""

    @property
    def waves(self) -> int:
        """Highest wavenumber of u₀."""

    @property
    def train(self) -> int:
        """Pairs to train on."""

    @property
    def validation(self) -> int:
        """Pairs that choose strengths."""

    @property
    def test(self) -> int:
        """Pairs that are scored."""


@cache
def pairs(problem: Problem, split: str) -> Windows:
    """The pairs of a split as windows of two frames, in single precision.

    u₀ is a Gaussian field with the law N(0, σ²(4 − ∂ₓₓ)⁻²) up to the wavenumber `waves`, σ such that its standard
    deviation is 1. It is solved on the finer grid, and both frames are taken at every `finer`-th point.
    """
    fine = Grid(problem.finer * problem.points, length=2 * math.pi)
    sigma = (2 * sum((k**2 + 4) ** -2 for k in range(1, problem.waves + 1))) ** -0.5
    law = GaussianField(alpha=2, tau=2, sigma=sigma, modes=problem.waves)
    u0 = law.sample(fine, range(getattr(problem, split)), (SPLITS.index(split),))
    after = solve(burgers(problem.viscosity), u0, fine, [problem.duration], rtol=TOLERANCE).u[:, -1]
    frames = torch.stack((u0, after), 1)[..., :: problem.finer].float()
    times = torch.tensor([0.0, problem.duration], dtype=torch.float64)
    return Windows(frames, times, Grid(problem.points, length=2 * math.pi), 1, 1, ("u",))


def nmse(model: nn.Module, windows: Windows) -> float:
    """‖F u₀ − u(T)‖²/‖u(T)‖², the mean over the pairs; dimensionless."""
    given, expected = predictions(model, windows).double(), windows.u[:, 1:].double()
    return float(((given - expected).flatten(1).norm(dim=1) / expected.flatten(1).norm(dim=1)).square().mean())


def predictions(model: nn.Module, windows: Windows) -> Float[Tensor, "sample one channel points"]:
    """F u₀ of all pairs."""
    with torch.no_grad():
        return torch.cat([model(piece) for piece in windows.u[:, :1].split(64)])
