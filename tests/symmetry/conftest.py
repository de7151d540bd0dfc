"""Solution maps known in closed form, `(u, horizon) -> u`, differentiable, to measure symmetries against."""

import math
import warnings
from types import SimpleNamespace

import pytest
import torch

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import (
    derivative,
    inverse_transform,
    nyquist_mask,
    transform,
    translate,
    wavenumbers,
)

with warnings.catch_warnings():
    # The first forward-mode derivative of a process loads a part of torch that warns about another one.
    warnings.simplefilter("ignore", DeprecationWarning)
    torch.func.jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))

GRID = Grid(256, length=2 * math.pi)
NU = 0.1


def multiply(u, multiplier):
    return inverse_transform(transform(u, GRID) * multiplier, GRID.points)


def heat(u, horizon):
    """u_t = ν u_xx, ν = 0.1."""
    (k,) = wavenumbers(GRID)
    return multiply(u, torch.exp(-NU * k**2 * horizon))


def airy(u, horizon):
    """u_t = -u_xxx."""
    (k,) = wavenumbers(GRID)
    return multiply(u, torch.exp(1j * k**3 * horizon) * nyquist_mask(GRID))


def burgers(u, horizon):
    """u_t = -u u_x + ν u_xx, ν = 0.1, by Cole-Hopf; the mean, which makes the potential grow, travels apart."""
    (k,) = wavenumbers(GRID)
    mean = u.mean(-1)
    primitive = torch.where(k == 0, 0, nyquist_mask(GRID) / (1j * torch.where(k == 0, 1, k)))
    potential = heat(torch.exp(-multiply(u - mean.unsqueeze(-1), primitive) / (2 * NU)), horizon)
    still = -2 * NU * derivative(potential, GRID, 1) / potential
    return translate(still, GRID, mean * horizon) + mean.unsqueeze(-1)


def riccati(u, horizon):
    """u_t = u², point by point."""
    return u / (1 - horizon * u)


RHS = {
    "heat": lambda u, t: NU * derivative(u, GRID, 2),
    "airy": lambda u, t: -derivative(u, GRID, 3),
    "burgers": lambda u, t: NU * derivative(u, GRID, 2) - u * derivative(u, GRID, 1),
    "riccati": lambda u, t: u**2,
}


@pytest.fixture
def exact():
    """The grid, the solution maps and their right-hand sides."""
    maps = {"heat": heat, "airy": airy, "burgers": burgers, "riccati": riccati}
    return SimpleNamespace(grid=GRID, nu=NU, maps=maps, rhs=RHS, **maps)


@pytest.fixture
def waves():
    """Four smooth fields `(4, 1, 256)` with a mean, float64."""
    rng = torch.Generator().manual_seed(0)
    (x,) = GRID.coordinates()
    modes = torch.arange(1, 6, dtype=torch.float64).unsqueeze(-1)
    amplitudes = 0.3 * torch.randn(2, 4, 1, 5, 1, generator=rng, dtype=torch.float64) / modes
    return 0.3 + (amplitudes[0] * torch.sin(modes * x) + amplitudes[1] * torch.cos(modes * x)).sum(-2)
