"""Fewer waves than the grid holds, with equal steps: the 2/3 rule and what it buys."""

import pytest
import torch

from pdesym.solvers import BlowUpError, Equation, GaussianField, Grid, burgers, navier_stokes, solve
from pdesym.solvers.spectral import integer_wavenumbers

GRID = Grid(64, 64, length=1.0)
FLOW = navier_stokes(nu=1e-3)
TIMES = [0.1, 0.2, 0.3, 0.4]


def vorticity(samples=2):
    return GaussianField(sigma=300.0, modes=31).sample(GRID, range(samples), seed=3)


def distance(u, v):
    return float((u - v).norm() / v.norm())


def test_only_these_waves_are_kept():
    result = solve(FLOW, vorticity(), GRID, TIMES, dt=0.02, modes=21)
    rows, columns = integer_wavenumbers(GRID, None)
    spectrum = torch.fft.rfft2(result.u, norm="forward")
    beyond = (rows.abs() > 21) | (columns.abs() > 21)
    assert spectrum[..., beyond].abs().max() < 1e-14 * spectrum.abs().max()
    assert (spectrum[..., (rows.abs() == 21) & (columns == 0)].abs() > 0).all()
    assert (result.points_used == 44).all()


def test_longer_steps_stay_stable():
    with pytest.raises(BlowUpError):
        solve(FLOW, vorticity(6), GRID, TIMES, dt=0.025)
    exact = solve(FLOW, vorticity(6), GRID, TIMES, rtol=1e-6).u
    assert distance(solve(FLOW, vorticity(6), GRID, TIMES, dt=0.025, modes=21).u, exact) < 1e-2


def test_translations_commute_with_the_truncated_flow():
    shift = torch.exp(-2j * torch.pi * 0.123 * torch.arange(33, dtype=torch.float64))

    def moved(u):
        return torch.fft.irfft(torch.fft.rfft(u) * shift, n=64)

    few = torch.fft.rfft2(vorticity())
    few[..., 22:] = 0
    u0 = torch.fft.irfft2(few)
    apart = [solve(FLOW, w, GRID, [0.2], dt=0.02, modes=21).u for w in (u0, moved(u0))]
    assert distance(moved(apart[0]), apart[1]) < 1e-12
    assert distance(apart[0], apart[1]) > 1e-2


def test_more_waves_come_closer_to_all():
    u0 = torch.sin(2 * torch.pi * torch.arange(128) / 128)[None, None].double()
    grid, equation = Grid(128, length=6.283185307179586), burgers(nu=0.2)
    exact = solve(equation, u0, grid, [2.0], rtol=1e-9).u
    errors = [distance(solve(equation, u0, grid, [2.0], dt=0.005, modes=k).u, exact) for k in (8, 16, 32)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_gradients_are_those_of_the_truncated_solution():
    u0 = torch.sin(2 * torch.pi * torch.arange(32, dtype=torch.float64) / 32)[None, None].requires_grad_()
    w = torch.cos(6 * torch.pi * torch.arange(32, dtype=torch.float64) / 32)[None, None]
    grid, equation = Grid(32, length=6.283185307179586), burgers(nu=0.1)

    def total(u):
        return solve(equation, u, grid, [0.5], dt=0.01, modes=8).u.square().sum()

    (gradient,) = torch.autograd.grad(total(u0), u0)
    with torch.no_grad():
        expected = (total(u0 + 1e-5 * w) - total(u0 - 1e-5 * w)) / 2e-5
    assert torch.isclose((gradient * w).sum(), expected, rtol=1e-7)


@pytest.mark.parametrize("modes", [0, 32, True])
def test_a_number_of_modes_that_the_grid_does_not_hold(modes):
    with pytest.raises(ValueError, match="Expected modes between 1 and 31"):
        solve(FLOW, vorticity(), GRID, TIMES, dt=0.1, modes=modes)


def test_modes_without_a_step():
    with pytest.raises(ValueError, match="give modes together with dt"):
        solve(Equation("u_t = lap(u)"), vorticity(), GRID, TIMES, modes=21)
