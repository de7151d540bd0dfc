"""Mixed precision: what it loses is measured, and what it cannot do is refused."""

import pytest
import torch

from pdesym.solvers import Equation, Grid, RandomSinusoids, kdv, kernel, solve

GRID = Grid(96, length=64.0)
TIMES = torch.linspace(2, 10, 5)


def initial() -> torch.Tensor:
    return RandomSinusoids(waves=(1, 2)).sample(GRID, range(3), seed=0)


@pytest.fixture
def torch_alone(monkeypatch):
    monkeypatch.setattr(kernel, "supports", lambda *_: False)


def test_mixed_precision_loses_digits_but_not_those_of_the_linear_part(torch_alone):
    double, mixed = (solve(kdv(), initial(), GRID, TIMES, dt=0.01, precision=p).u for p in ("double", "mixed"))
    loss = float((mixed - double).norm() / double.norm())
    assert 1e-9 < loss < 3e-6
    # One thousand steps of a wave without a nonlinear part lose nothing.
    wave = Equation("u_t = -u_xxx")
    double, mixed = (solve(wave, initial(), GRID, TIMES, dt=0.01, precision=p).u for p in ("double", "mixed"))
    torch.testing.assert_close(mixed, double, rtol=0, atol=1e-13)


def test_what_is_compiled_loses_nothing():
    double, mixed = (solve(kdv(), initial(), GRID, TIMES, dt=0.01, precision=p).u for p in ("double", "mixed"))
    assert torch.equal(mixed, double)
    # What is not, does.
    compact = Equation("u_t = -6*u*u_x - u_xxx + 0.001*sin(u)")
    double, mixed = (solve(compact, initial(), GRID, TIMES, dt=0.01, precision=p).u for p in ("double", "mixed"))
    assert not torch.equal(mixed, double)


def test_mixed_precision_keeps_to_a_tolerance_that_it_can_reach(torch_alone):
    exact = solve(kdv(), initial(), GRID, TIMES, rtol=1e-9).u
    mixed = solve(kdv(), initial(), GRID, TIMES, rtol=1e-4, precision="mixed")
    assert mixed.u.dtype == torch.float64
    assert ((mixed.u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1) <= 1e-4).all()


def test_what_mixed_precision_cannot_do_is_refused():
    with pytest.raises(ValueError, match="Expected precision 'double' or 'mixed', got 'half'"):
        solve(kdv(), initial(), GRID, TIMES, precision="half")
    with pytest.raises(ValueError, match="Gradients are taken in double precision"):
        solve(kdv(), initial().requires_grad_(), GRID, TIMES, precision="mixed")
    nu = torch.tensor([0.1, 0.2, 0.3], requires_grad=True)
    with pytest.raises(ValueError, match="Gradients are taken in double precision"):
        solve(Equation("u_t = nu*u_xx", nu=nu), initial(), GRID, TIMES, precision="mixed")
