import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from pdesym.solvers import Equation, Grid, RandomSinusoids, advection, burgers, heat, kdv, ks, solve
from pdesym.solvers.catalogue.advection import advected
from pdesym.solvers.catalogue.burgers import cole_hopf
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.catalogue.kdv import soliton

GRID = Grid(256, length=2 * math.pi)


def fields(samples=4, waves=(1, 2, 3), grid=GRID, mean=0.3):
    return RandomSinusoids(waves=waves).sample(grid, range(samples), seed=0) + mean


def relative(u, exact):
    return float((u - exact).norm() / exact.norm())


def test_linear_equations_are_exact_whatever_the_step():
    u0 = fields()
    assert relative(solve(heat(0.1), u0, GRID, [2.0], dt=2.0).u[:, 0], diffused(u0, GRID, 2.0, 0.1)) < 1e-14
    assert relative(solve(advection(0.7), u0, GRID, [2.0], dt=2.0).u[:, 0], advected(u0, GRID, 2.0, 0.7)) < 1e-13
    assert relative(solve(heat(0.1), u0, GRID, [2.0], dt=2.0).u[:, 0], diffused(u0, GRID, 2.0, 0.11)) > 1e-3


def test_heat_in_two_dimensions():
    grid = Grid(32, 48, length=(2.0, 3.0))
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    u0 = torch.exp(torch.sin(math.pi * x) + torch.cos(2 * math.pi * y / 3))[None, None]
    assert relative(solve(heat(0.05), u0, grid, [1.0]).u[:, 0], diffused(u0, grid, 1.0, 0.05)) < 1e-9


def test_burgers_is_cole_hopf_with_a_viscosity_for_each_sample():
    u0, nu = fields(waves=(1, 2)), torch.tensor([0.1, 0.2, 0.4, 0.15], dtype=torch.float64)
    solution = solve(burgers(nu), u0, GRID, [0.5, 1.0], rtol=1e-8)
    exact = torch.cat([cole_hopf(u0[i : i + 1], GRID, 1.0, float(nu[i])) for i in range(4)])
    assert relative(solution.at(1.0), exact) < 1e-8
    assert relative(solution.at(0.5), exact) > 1e-2


def test_kdv_soliton_travels_unchanged():
    grid = Grid(256, length=60.0)
    u0 = soliton(grid, 0.0, speed=1.5, centre=10.0, a=6.0, b=0.5)
    solution = solve(kdv(a=6.0, b=0.5), u0, grid, [10.0], rtol=1e-8)
    assert relative(solution.u[:, 0], soliton(grid, 10.0, speed=1.5, centre=10.0, a=6.0, b=0.5)) < 1e-7
    assert relative(solution.u[:, 0], soliton(grid, 10.0, speed=1.6, centre=10.0, a=6.0, b=0.5)) > 0.1


def test_the_wave_equation_as_a_system():
    (x,) = GRID.coordinates()
    u0 = torch.stack([torch.sin(3 * x), torch.zeros_like(x)])[None]
    solution = solve(Equation("u_t = v", "v_t = c**2*lap(u)", c=1.5), u0, GRID, [2.0], dt=1.0)
    expected = torch.stack([torch.sin(3 * x) * math.cos(9.0), -4.5 * torch.sin(3 * x) * math.sin(9.0)])
    assert float((solution.u[0, 0] - expected).abs().max()) < 1e-12


@pytest.mark.parametrize(("equation", "horizon"), [(kdv(), 2.0), (ks(), 5.0)])
def test_another_integrator_agrees(equation, horizon):
    """DOP853 on a pseudo-spectral right-hand side written with NumPy alone."""
    n, length = 64, 32.0
    grid = Grid(n, length=length)
    u0 = RandomSinusoids(waves=(1,), amplitude=0.3).sample(grid, [3], seed=5)
    k = 2 * np.pi / length * np.fft.rfftfreq(n, 1 / n)
    linear = k**2 - k**4 if "u_xxxx" in equation.text[0] else -((1j * k) ** 3)

    def rhs(_, u):
        v = np.fft.rfft(u)
        nonlinear = -0.5j * k * np.fft.rfft(u**2)
        total = linear * v + nonlinear
        total[-1] = 0
        return np.fft.irfft(total, n)

    theirs = solve_ivp(rhs, (0, horizon), u0[0, 0].numpy(), method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    ours = solve(equation, u0, grid, [horizon], rtol=1e-9).u[0, 0, 0].numpy()
    assert np.linalg.norm(ours - theirs) < 1e-7 * np.linalg.norm(theirs)


def test_invariants_of_kdv():
    grid = Grid(256, length=64.0)
    solution = solve(kdv(), fields(grid=grid, waves=(1, 2)), grid, torch.linspace(0, 10, 6), rtol=1e-8)
    for name in ("mass", "momentum", "energy"):
        values = solution.invariant(name)
        assert float((values - values[:, :1]).abs().max() / values.abs().max()) < 1e-7
    with pytest.raises(KeyError, match="declared: mass, momentum, energy"):
        solution.invariant("helicity")


def test_momentum_is_no_invariant_of_burgers():
    solution = solve(Equation("u_t = -u*u_x + 0.1*u_xx", card=kdv().card), fields(), GRID, [1.0], rtol=1e-6)
    momentum = solution.invariant("momentum")
    start = (fields() ** 2).sum((1, 2)) * GRID.spacing[0]
    assert float(((momentum[:, 0] - start) / start).abs().min()) > 1e-2
