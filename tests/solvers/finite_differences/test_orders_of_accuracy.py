"""The error falls with the order of the grid, in the interior and with every boundary."""

import math

import pytest
import torch

from experiments.finite_differences import orders
from experiments.finite_differences.orders import COARSE, ORDERS, PROBLEMS, asymptotic, computed, errors
from pdesym.solvers import Equation, Grid
from pdesym.solvers.control import Fixed
from pdesym.solvers.finite_differences import Dirichlet, FiniteDifferenceGrid, Neumann, Outflow, Robin, stencils
from pdesym.solvers.finite_differences.march import march
from pdesym.solvers.finite_differences.system import FiniteDifferenceSystem
from pdesym.solvers.finite_differences.tableaus import TABLEAUS
from pdesym.solvers.system import SpectralSystem
from tests.solvers.cases import slope

ZERO = torch.zeros((), dtype=torch.float64)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_error_falls_with_the_order_of_the_grid(name, order):
    problem = PROBLEMS[name]
    found = errors(problem, order, asymptotic(name, order))
    for part in ("error", "interior", "interior_defect"):
        assert abs(found.slope(part) - order) < 0.2
    # Ghost values of the second order next to a given value are those of the interior: there is no other row.
    if problem.sides is not None and any(found.boundary):
        assert abs(found.slope("boundary") - (order + problem.gain)) < 0.2


@pytest.mark.parametrize("order", [*(pytest.param(k, marks=pytest.mark.slow) for k in (2, 4)), 6, 8])
@pytest.mark.parametrize("name", PROBLEMS)
def test_on_few_points_double_precision_has_the_same_error_and_the_boundary_makes_its_slope(name, order):
    problem = PROBLEMS[name]
    expected, found = errors(problem, order, COARSE), computed(problem, order, COARSE)
    for error, exact, rounding in zip(found.error, expected.error, found.rounding, strict=True):
        assert abs(error - exact) < 1e-3 * exact + rounding
    # Where the slope is another than the order, the rows next to the ends have a quarter of the error or more.
    off = abs(expected.slope() - order) > 0.2
    assert not off or expected.boundary[0] > 0.25 * expected.interior[0]
    if order < 8:
        assert found.rounding[0] < 1e-2 * found.error[0]


def test_a_closure_of_a_lower_order_shows_in_the_slopes(monkeypatch):
    """The negative control: ghost values from polynomials of three degrees less."""
    lower = stencils.degree
    monkeypatch.setattr(stencils, "degree", lambda *of: lower(*of) - 3)
    caches = (orders.formula, stencils._ghost_closure)
    for cache in caches:
        cache.cache_clear()
    try:
        found = errors(PROBLEMS["u_xx, Dirichlet"], 6, orders.ASYMPTOTIC)
    finally:
        for cache in caches:
            cache.cache_clear()
    assert found.slope() < 5.8
    assert abs(found.slope("interior") - 6) < 0.2


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_periodic_right_hand_sides_converge_to_the_spectral_ones(order):
    equation = Equation("u_t = -u*u_x - 0.1*u_xxx + u_xx*u - 0.01*u_xxxx + sin(x)*u")
    length = 2 * math.pi
    errors, points = [], [24, 32, 40, 48] if order == 8 else [32, 48, 64, 96]
    for n in points:
        spectral, boxed = Grid(n, length=length), FiniteDifferenceGrid(n, length=length, order=order)
        (x,) = boxed.coordinates()
        assert torch.equal(x, spectral.coordinates()[0])
        u = (torch.sin(x) + 0.5 * torch.cos(2 * x + 1)).reshape(1, 1, -1)
        exact = SpectralSystem(equation, spectral, padded=True)
        spectrum = exact.to_spectrum(u)
        right = exact.to_field(exact.rhs(spectrum, ZERO))
        errors.append((FiniteDifferenceSystem(equation, boxed).rhs(u, ZERO) - right).norm().item() / math.sqrt(n))
    assert abs(slope(points, errors) - order) < 0.2


def evolved(text, boundary, exact, horizon, points, order, steps, length=1.0, method="imex4"):
    """The error at the end of a run with small steps, for the solution `(x, t) → [field, …]`."""
    grid = FiniteDifferenceGrid(points, length=length, boundary=boundary, order=order)
    (x,) = grid.coordinates()
    system = FiniteDifferenceSystem(Equation(*text), grid)
    u0 = torch.stack(exact(x, 0.0))[None]
    run = march(system, u0, 0.0, (horizon,), Fixed(horizon / steps, 0.0), TABLEAUS[method])
    return (run.u[0, 0] - torch.stack(exact(x, horizon))).norm().item() / math.sqrt(points)


ROOT = 6.8512369189634565  # ROOT tan(ROOT/2) = 2: with 2 u + ∂u/∂n = 0 at both ends


EVOLUTIONS = {
    "time-dependent Dirichlet": (
        ("u_t = 0.1*u_xx",),
        (Dirichlet("exp(-4.9*t)"), Dirichlet(lambda t: math.cos(7.0) * torch.exp(-4.9 * t))),
        lambda x, t: [math.exp(-4.9 * t) * torch.cos(7 * x)],
        0.1,
    ),
    "time-dependent Neumann": (
        ("u_t = 0.1*u_xx",),
        (Neumann("-4*exp(-1.6*t)"), Dirichlet("sin(4)*exp(-1.6*t)")),
        lambda x, t: [math.exp(-1.6 * t) * torch.sin(4 * x)],
        0.2,
    ),
    "homogeneous Robin": (
        ("u_t = 0.1*u_xx",),
        Robin(2, 1, 0),
        lambda x, t: [math.exp(-0.1 * ROOT * ROOT * t) * torch.cos(ROOT * (x - 0.5))],
        0.1,
    ),
    "inflow": (
        ("u_t = -u_x",),
        (Dirichlet("sin(-6*t)"), Outflow),
        lambda x, t: [torch.sin(6 * (x - t))],
        0.5,
    ),
    "Burgers": (
        ("u_t = -u*u_x + 0.05*u_xx",),
        (Dirichlet("0.5 - 0.5*tanh(5*(-0.4 - 0.5*t))"), Dirichlet("0.5 - 0.5*tanh(5*(0.6 - 0.5*t))")),
        lambda x, t: [0.5 - 0.5 * torch.tanh(5 * (x - 0.4 - 0.5 * t))],
        0.3,
    ),
    "wave": (
        ("u_t = v", "v_t = u_xx"),
        Dirichlet(0),
        lambda x, t: [
            torch.sin(3 * math.pi * x) * math.cos(3 * math.pi * t),
            -3 * math.pi * torch.sin(3 * math.pi * x) * math.sin(3 * math.pi * t),
        ],
        0.4,
    ),
    "Allen-Cahn": (
        ("u_t = 0.05*u_xx + u - u**3 + exp(-t)*cos(2*pi*x)*(0.2*pi**2 - 2 + exp(-2*t)*cos(2*pi*x)**2)",),
        Neumann(0),
        lambda x, t: [math.exp(-t) * torch.cos(2 * math.pi * x)],
        0.3,
    ),
}


@pytest.mark.parametrize("order", [2, 4, pytest.param(6, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", EVOLUTIONS)
def test_evolutions_keep_the_order(name, order):
    text, boundary, exact, horizon = EVOLUTIONS[name]
    points = {2: [33, 41, 57, 81], 4: [65, 81, 97, 113], 6: [37, 41, 49, 65]}[order]
    steps = {2: 30, 4: 50, 6: 600}[order]
    if (name, order) == ("inflow", 4):  # from here on the closure of ∂ₓ has its order
        points, steps = [161, 193, 225, 257], 200
    method = "dopri5" if name in ("wave", "inflow") else "imex4"
    found = slope(
        [n - 1 for n in points],
        [evolved(text, boundary, exact, horizon, n, order, steps, method=method) for n in points],
    )
    # Beside a given value the boundary's part has order 8, which on so few points is most of the error: see PROBLEMS.
    more = PROBLEMS["u_xx, Dirichlet"].gain if order == 6 and name in ("time-dependent Dirichlet", "wave") else 0
    assert order - 0.2 < found < order + more + 0.2
