"""Solving on boxes with boundaries: tolerances, estimates, methods, several axes and fields."""

import math
import pickle
import warnings

import pytest
import torch

from pdesym.solvers import AccuracyWarning, BlowUpError, Card, Equation, solve
from pdesym.solvers.control import Fixed
from pdesym.solvers.finite_differences import Dirichlet, FiniteDifferenceGrid, Neumann, Outflow, Robin, interpolation
from pdesym.solvers.finite_differences.interpolation import doubled, halved, interpolated, subsampled
from pdesym.solvers.finite_differences.march import _March, march
from pdesym.solvers.finite_differences.solve import chosen_tableau, solve_finite_differences
from pdesym.solvers.finite_differences.system import FiniteDifferenceSystem
from pdesym.solvers.finite_differences.tableaus import EXPLICIT, IMPLICIT

HEAT = Equation("u_t = u_xx")


def error(result, exact):
    return (result.u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)


def front(x, t):
    """A front of Burgers' equation with ν = 0.05 that moves with velocity 1/2."""
    return 0.5 - 0.5 * torch.tanh(5 * (x - 0.4 - 0.5 * t))


FRONT = FiniteDifferenceGrid(
    41,
    length=1.0,
    boundary=(
        Dirichlet("0.5 - 0.5*tanh(5*(-0.4 - 0.5*t))"),
        Dirichlet("0.5 - 0.5*tanh(5*(0.6 - 0.5*t))"),
    ),
)
BURGERS = Equation("u_t = -u*u_x + 0.05*u_xx")


@pytest.mark.parametrize("method", ["dopri5", "imex4"])
@pytest.mark.parametrize("rtol", [1e-3, pytest.param(1e-5, marks=pytest.mark.slow)])
def test_the_tolerance_is_reached_and_the_estimate_honest(rtol, method):
    (x,) = FRONT.coordinates()
    times = (0.1, 0.3)
    result = solve_finite_differences(BURGERS, front(x, 0.0)[None, None], FRONT, times, rtol, method=method)
    exact = torch.stack([front(x, t) for t in times])[None, :, None]
    true = error(result, exact)
    assert (true <= rtol).all()
    assert (result.error <= rtol).all()
    assert (true <= result.error).all()
    assert result.horizon.tolist() == [0.3]
    assert result.u.shape == (1, 2, 1, 41)


def test_the_same_solve_is_chosen_by_the_grid():
    (x,) = FRONT.coordinates()
    u0 = front(x, 0.0)[None, None]
    result = solve(BURGERS, u0, FRONT, [0.1], rtol=1e-3)
    assert torch.equal(result.u, solve_finite_differences(BURGERS, u0, FRONT, (0.1,), 1e-3).u)
    assert result.grid == FRONT


def decaying(wave, rates, growth=0.0):
    """Three waves of the heat equation with ν = 0.1."""

    def exact(x, t):
        return sum(
            a * wave(k * x) * math.exp((growth - 0.1 * k * k) * t) for a, k in zip((1, 0.5, 0.7), rates, strict=True)
        )

    return exact


def carried(x, t):
    return torch.exp(torch.sin(2 * math.pi * (x - t)) + 0.5 * torch.cos(6 * math.pi * (x - t)))


PI_WAVES, CIRCLE_WAVES = (math.pi, 4 * math.pi, 7 * math.pi), (2 * math.pi, 6 * math.pi, 10 * math.pi)
# Each is asked for more than its grid gives: the equation, boundary, order, points, tolerance and solution.
REFINED = {
    "heat, Dirichlet": ("u_t = 0.1*u_xx", Dirichlet(0), 4, 33, 1e-5, decaying(torch.sin, PI_WAVES)),
    "heat, Neumann": ("u_t = 0.1*u_xx", Neumann(0), 4, 33, 1e-4, decaying(torch.cos, PI_WAVES)),
    "heat, Neumann, order 6": ("u_t = 0.1*u_xx", Neumann(0), 6, 33, 1e-4, decaying(torch.cos, PI_WAVES)),
    "heat and growth": ("u_t = 0.1*u_xx + 90*u", Dirichlet(0), 4, 33, 1e-4, decaying(torch.sin, PI_WAVES, 90.0)),
    "heat, periodic": ("u_t = 0.1*u_xx", "periodic", 4, 32, 1e-4, decaying(torch.cos, CIRCLE_WAVES)),
    "advection, periodic": ("u_t = -u_x", "periodic", 6, 32, 1e-4, carried),
    "advection, inflow": (
        "u_t = -u_x",
        (Dirichlet("sin(-14*t) + 0.5*cos(-5*t)"), Outflow),
        4,
        33,
        1e-5,
        lambda x, t: torch.sin(14 * (x - t)) + 0.5 * torch.cos(5 * (x - t)),
    ),
    "Burgers": ("u_t = -u*u_x + 0.05*u_xx", None, 4, 17, 1e-4, front),
}


def refined(name):
    """The true error and the result of a solution that takes a finer grid than that of u0."""
    text, boundary, order, points, rtol, exact = REFINED[name]
    ends = boundary or tuple(Dirichlet(f"0.5 - 0.5*tanh(5*({x} - 0.5*t))") for x in (-0.4, 0.6))
    grid = FiniteDifferenceGrid(points, length=1.0, boundary=ends, order=order)
    (x,) = grid.coordinates()
    times = (0.01, 0.02)
    result = solve_finite_differences(Equation(text), exact(x, 0.0)[None, None], grid, times, rtol)
    assert result.points_used.item() > points
    return error(result, torch.stack([exact(x, t) for t in times])[None, :, None]).item(), result.error.item()


@pytest.mark.parametrize("name", REFINED)
def test_the_estimate_holds_on_finer_grids_than_that_of_the_initial_condition(name):
    true, stated = refined(name)
    assert true <= stated <= REFINED[name][4]


@pytest.mark.parametrize("name", ["heat, Dirichlet", "heat and growth", "advection, periodic"])
def test_an_interpolant_that_is_taken_for_the_truth_makes_the_estimate_too_small(name, monkeypatch):
    """The negative control: polynomials through eight nodes, and nothing to compare them with."""

    def trusted(u, grid, factor):
        finer = interpolation._through(u, grid, factor, 8)
        return finer, finer

    monkeypatch.setattr("pdesym.solvers.finite_differences.solve.interpolated", trusted)
    true, stated = refined(name)
    assert true > 1.5 * stated


def test_an_initial_condition_with_too_few_points_is_said():
    grid = FiniteDifferenceGrid(17, length=1.0, boundary=Dirichlet(0), order=4)
    (x,) = grid.coordinates()
    u0 = decaying(torch.sin, PI_WAVES)
    with pytest.warns(AccuracyWarning, match="between its nodes the initial condition is not known to that"):
        result = solve_finite_differences(Equation("u_t = 0.1*u_xx"), u0(x, 0.0)[None, None], grid, (0.02,), 1e-4)
    assert error(result, u0(x, 0.02)[None, None, None]).item() < result.error.item()


@pytest.mark.slow
def test_what_a_grid_does_not_resolve_is_solved_on_a_finer_one():
    (x,) = FRONT.coordinates()
    u0 = front(x, 0.0)[None, None]
    loose = solve_finite_differences(BURGERS, u0, FRONT, (0.3,), 1e-4)
    tight = solve_finite_differences(BURGERS, u0, FRONT, (0.3,), 1e-7)
    assert loose.points_used.tolist() == [41]
    assert tight.points_used.tolist() == [161]
    assert error(tight, front(x, 0.3)[None, None, None]).item() < 1e-7


def test_a_tolerance_out_of_reach_is_said_with_the_points_that_would_do():
    grid = FiniteDifferenceGrid(17, length=1.0, boundary=Dirichlet(0), order=2)
    (x,) = grid.coordinates()
    u0 = torch.sin(4 * math.pi * x)[None, None]
    with pytest.warns(AccuracyWarning, match=r"samples \[0\] stays above rtol = 1e-07 .*about \d+ points would do"):
        result = solve_finite_differences(HEAT, u0, grid, (0.01,), 1e-7)
    exact = math.exp(-16 * math.pi**2 * 0.01) * u0[:, None]
    assert 1e-7 < error(result, exact).item() < result.error.item()


def test_the_method_follows_stiffness_and_can_be_named():
    stiff = FiniteDifferenceSystem(HEAT, FiniteDifferenceGrid(129, length=1.0, boundary=Dirichlet(0)))
    mild = FiniteDifferenceSystem(HEAT, FiniteDifferenceGrid(17, length=1.0, boundary=Dirichlet(0)))
    first = Equation("u_t = -u_x")
    wave = FiniteDifferenceSystem(first, FiniteDifferenceGrid(129, length=1.0, boundary=(Dirichlet(0), Outflow)))
    assert chosen_tableau(stiff, None, 1.0) is IMPLICIT
    assert chosen_tableau(mild, None, 0.1) is EXPLICIT
    assert chosen_tableau(wave, None, 100.0) is EXPLICIT
    assert chosen_tableau(stiff, "dopri5", 1.0) is EXPLICIT
    assert chosen_tableau(mild, "imex4", 0.1) is IMPLICIT


def test_two_axes_with_different_boundaries_implicit_and_explicit():
    grid = FiniteDifferenceGrid(
        17, 24, length=(1.0, 2.0), boundary=((Dirichlet("exp(-t)*cos(pi*y)"), Neumann(0)), "periodic")
    )
    equation = Equation("u_t = 0.1*lap(u) - u*u_x + 0.05*u_xy - 0.001*u_xxyy")
    x, y = grid.coordinates()
    u0 = torch.cos(math.pi * y)[None, None, None, :] * (1 + x[:, None] ** 2 * (1 - x[:, None] / 1.5))[None, None]
    results = [
        solve_finite_differences(equation, u0, grid, (0.05,), 1e-6, dt=0.05 / 200, method=method).u
        for method in ("dopri5", "imex4")
    ]
    assert (results[0] - results[1]).abs().max() < 1e-8
    assert results[0].isfinite().all()


@pytest.mark.parametrize("order", [2, 4, 6])
def test_heat_on_a_square(order):
    grid = FiniteDifferenceGrid(33, 33, length=1.0, boundary=(Dirichlet(0), Neumann(0)), order=order)
    x, y = grid.coordinates()
    u0 = (torch.sin(math.pi * x)[:, None] * torch.cos(2 * math.pi * y))[None, None]
    result = solve_finite_differences(Equation("u_t = lap(u)"), u0, grid, (0.02,), 1e-3, dt=0.02 / 40, method="imex4")
    exact = math.exp(-5 * math.pi**2 * 0.02) * u0[:, None]
    assert error(result, exact).item() < {2: 4e-3, 4: 2e-5, 6: 2e-7}[order]


def test_a_value_may_vary_along_the_boundary():
    grid = FiniteDifferenceGrid(33, 33, length=1.0, boundary=Dirichlet("exp(x)*cos(y)"))
    x, y = grid.coordinates()
    u0 = (torch.exp(x)[:, None] * torch.cos(y))[None, None]
    result = solve_finite_differences(Equation("u_t = lap(u)"), u0, grid, (0.1,), 1e-3, dt=0.01, method="imex4")
    assert error(result, u0[:, None]).item() < 1e-7  # harmonic: it stays


def test_fields_have_boundaries_of_their_own():
    grid = FiniteDifferenceGrid(65, length=math.pi, boundary={"u": Dirichlet(0), "v": (Neumann(0), Dirichlet(-1))})
    equation = Equation("u_t = u_xx", "v_t = 2*v_xx - 2*cos(x)")
    (x,) = grid.coordinates()
    u0 = torch.stack([torch.sin(x), -torch.cos(x) * 0 + torch.cos(1.5 * x) - torch.cos(x) - 2])[None]
    result = solve_finite_differences(equation, u0, grid, (0.3,), 1e-5)
    v = torch.cos(1.5 * x) * math.exp(-4.5 * 0.3) - torch.cos(x) - 2
    exact = torch.stack([torch.sin(x) * math.exp(-0.3), v])[None, None]
    assert error(result, exact).item() < 1e-5


def test_samples_do_not_depend_on_each_other():
    grid = FiniteDifferenceGrid(33, length=1.0, boundary=(Dirichlet(0), Robin(1, 1, "sin(t)")))
    (x,) = grid.coordinates()
    nu = torch.tensor([0.5, 2.0], dtype=torch.float64)
    u0 = torch.stack([k * torch.sin(math.pi * x) ** 2 for k in (1, 3)])[:, None]
    equation = Equation("u_t = nu*u_xx - u**3", nu=nu)
    together = solve_finite_differences(equation, u0, grid, (0.2,), 1e-2)
    for row in range(2):
        alone = solve_finite_differences(equation.select([row]), u0[row : row + 1], grid, (0.2,), 1e-2)
        assert torch.allclose(alone.u[0], together.u[row], rtol=1e-12, atol=1e-13)
        assert alone.steps.item() == together.steps[row].item()


def test_a_fixed_step_estimates_nothing_and_keeps_type_and_start():
    grid = FiniteDifferenceGrid(33, length=1.0, boundary=Dirichlet("cos(t)"))
    u0 = torch.ones(2, 1, 33)
    equation = Equation("u_t = u_xx - sin(t)")
    result = solve_finite_differences(equation, u0, grid, (1.0, 1.5), 1e-3, dt=0.01, start=1.0, method="imex4")
    assert result.error.isnan().all()
    assert result.u.dtype == torch.float32
    # u = cos t; at the start the nodes with a given value are overwritten.
    assert result.u[0, 0, 0, 0].item() == pytest.approx(math.cos(1.0))


@pytest.mark.parametrize("dt", [1e-3, pytest.param(None, marks=pytest.mark.slow)])
def test_a_solution_that_blows_up_is_caught_by_sample(dt):
    grid = FiniteDifferenceGrid(16, length=1.0, boundary=Neumann(0))
    u0 = torch.ones(2, 1, 16, dtype=torch.float64) * torch.tensor([0.1, 10.0], dtype=torch.float64)[:, None, None]
    with pytest.raises(BlowUpError, match="sample 1 blew up") as caught:
        solve_finite_differences(Equation("u_t = u_xx + u**2"), u0, grid, (0.2,), 1e-2, dt=dt)
    assert 0.08 < caught.value.time <= 0.11


@pytest.fixture
def steps(monkeypatch):
    """Counts the steps that are taken, whether they are accepted or not."""
    count = []
    step = _March._step
    monkeypatch.setattr(_March, "_step", lambda self: (count.append(1), step(self)))
    return count


@pytest.mark.parametrize("method", ["dopri5", "imex4"])
def test_a_blow_up_is_told_from_steps_that_are_too_long_before_they_are_as_short_as_can_be(method, steps):
    """Heating beats cooling where u is large: u = 50 sin πx has no solution beyond t = 0.0241."""
    grid = FiniteDifferenceGrid(33, length=1.0, boundary=Dirichlet(0))
    (x,) = grid.coordinates()
    u0 = 50 * torch.sin(math.pi * x)[None, None]
    with pytest.raises(BlowUpError, match=r"The solution of sample 0 blew up shortly after t = 0\.024\d*: .*\.$"):
        solve_finite_differences(Equation("u_t = u_xx + u**2"), u0, grid, (0.2,), 1e-4, method=method)
    # The ladder of steps ends at 2897: its rungs up to there are 4000 steps.
    assert len(steps) < 700


@pytest.mark.parametrize("method", ["dopri5", "imex4"])
def test_what_cools_faster_than_it_heats_does_not_blow_up(method):
    grid = FiniteDifferenceGrid(17, length=1.0, boundary=Dirichlet(0))
    (x,) = grid.coordinates()
    u0 = 8 * torch.sin(math.pi * x)[None, None]
    result = solve_finite_differences(Equation("u_t = u_xx + u**2"), u0, grid, (0.05,), 1e-2, method=method)
    assert result.u.abs().max() < 8
    assert result.error.item() < 1e-2


def test_numbers_that_overflow_with_steps_too_long_are_no_blow_up():
    grid = FiniteDifferenceGrid(9, length=1.0, boundary=Neumann(0), order=2)
    u0 = torch.full((1, 1, 9), 10.0, dtype=torch.float64)
    equation = Equation("u_t = u_xx - 200*u**3")
    result = solve_finite_differences(equation, u0, grid, (0.02,), 1e-2, method="dopri5")
    assert error(result, u0[:, None] / math.sqrt(1 + 400 * 100 * 0.02)).item() < 1e-2
    # With two steps a segment, which are tried first, the state is no number.
    system = FiniteDifferenceSystem(equation, grid)
    with pytest.raises(BlowUpError):
        march(system, u0, 0.0, (0.02,), Fixed(0.02 / 64, 0.0), EXPLICIT)


def test_invariants_are_integrals_over_the_box():
    card = Card("heat", "uₜ = uₓₓ", "", "", invariants={"mass": "u", "slope": "u_x**2"})
    grid = FiniteDifferenceGrid(65, length=math.pi, boundary=Neumann(0), order=6)
    (x,) = grid.coordinates()
    u0 = (1 + torch.cos(x))[None, None]
    result = solve_finite_differences(Equation("u_t = u_xx", card=card), u0, grid, (0.0, 0.5), 1e-7)
    assert (result.invariant("mass") - math.pi).abs().max() < 1e-6
    expected = torch.tensor([[math.pi / 2, math.pi / 2 * math.exp(-1.0)]], dtype=torch.float64)
    assert (result.invariant("slope") - expected).abs().max() < 1e-5


def test_grids_are_values_and_nest():
    grid = FiniteDifferenceGrid(33, 16, length=(1.0, 2.0), boundary=(Dirichlet("sin(t)"), "periodic"), order=6)
    same = FiniteDifferenceGrid(33, 16, length=(1.0, 2.0), boundary=(Dirichlet("sin(t)"), "periodic"), order=6)
    assert grid == same
    assert hash(grid) == hash(same)
    assert pickle.loads(pickle.dumps(grid)) == grid
    assert doubled(grid).points == (65, 32)
    assert halved(doubled(grid)) == grid
    assert grid.refined((33, 16)) == grid
    assert halved(FiniteDifferenceGrid(34, length=1.0, boundary=Dirichlet(0))) is None
    for fine, coarse in zip(doubled(grid).coordinates(), grid.coordinates(), strict=True):
        assert torch.allclose(fine[::2], coarse)
    x, y = grid.coordinates()
    u = x[:, None] ** 8 + torch.cos(math.pi * y) * 0
    xx, yy = doubled(grid).coordinates()
    assert (interpolated(u[None, None], grid)[0][0, 0] - (xx[:, None] ** 8 + 0 * yy)).abs().max() < 1e-12
    assert torch.allclose(subsampled(interpolated(u[None, None], grid)[0], grid, 2)[0, 0], u)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: FiniteDifferenceGrid(length=1.0), "A grid has 1 to 3 axes"),
        (lambda: FiniteDifferenceGrid(3, length=1.0), "at least 4 points"),
        (lambda: FiniteDifferenceGrid(33, length=-1.0), "must be positive and finite"),
        (lambda: FiniteDifferenceGrid(33, length=1.0, order=5), "order 2, 4, 6 or 8, got 5"),
        (lambda: FiniteDifferenceGrid(33, length=1.0, scheme="upwind"), "no scheme 'upwind'"),
        (lambda: FiniteDifferenceGrid(33, length=1.0, boundary="dirichlet"), "'periodic' or made of conditions"),
        (lambda: FiniteDifferenceGrid(33, length=1.0, boundary=(Dirichlet(0),)), "a pair \\(left, right\\), got 1"),
        (lambda: FiniteDifferenceGrid(33, length=1.0, boundary=(0, 1)), "Expected a boundary condition such as"),
        (lambda: FiniteDifferenceGrid(9, 9, length=1.0, boundary=("periodic",)), "one boundary for each of the 2"),
        (lambda: Robin(1, 0, 0), "Robin needs b ≠ 0"),
        (lambda: Dirichlet(math.nan), "must be a finite number, text in t"),
        (lambda: Dirichlet("sin(q)"), "Unknown name 'q'"),
        (lambda: Dirichlet("__import__('os')"), "Unexpected character"),
        (lambda: Dirichlet(0) & Dirichlet(1), "must differ in order"),
        (lambda: Dirichlet(0) & Robin(1, 1, 0), "cannot stand beside a Dirichlet"),
    ],
)
def test_grids_and_conditions_that_make_no_sense(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("equation", "boundary", "sentence"),
    [
        (Equation("u_t = v_xx", "v_t = u_xx - v"), {"u": Dirichlet(0)}, "says nothing of the field 'v'"),
        (Equation("u_t = u_xx"), Dirichlet("y"), "uses 'y', which a grid of 1 axes does not have"),
        (Equation("u_t = -u_x*psi", where="lap(psi) = u"), Dirichlet(0), "take no auxiliary fields"),
    ],
)
def test_systems_that_make_no_sense(equation, boundary, sentence):
    with pytest.raises(ValueError, match=sentence):
        FiniteDifferenceSystem(equation, FiniteDifferenceGrid(33, length=1.0, boundary=boundary))


def test_too_few_points_and_unknown_methods_are_said():
    with pytest.raises(ValueError, match="needs at least 22 points along x"):
        FiniteDifferenceSystem(
            Equation("u_t = -u_x"), FiniteDifferenceGrid(16, length=1.0, boundary=(Dirichlet(0), Outflow), order=8)
        )
    grid = FiniteDifferenceGrid(33, length=1.0, boundary=Dirichlet(0))
    with pytest.raises(ValueError, match="stepped by one of dopri5, imex4, got method = 'euler'"):
        solve_finite_differences(HEAT, torch.zeros(1, 1, 33), grid, (0.1,), 1e-3, method="euler")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("method", ["dopri5", "imex4"])
def test_a_gpu_finds_the_same(method):
    (x,) = FRONT.coordinates()
    u0 = front(x, 0.0)[None, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here = solve_finite_differences(BURGERS, u0, FRONT, (0.1,), 1e-3, dt=1e-3, method=method)
        there = solve_finite_differences(BURGERS, u0.cuda(), FRONT, (0.1,), 1e-3, dt=1e-3, method=method)
    assert there.u.is_cuda
    assert (there.u.cpu() - here.u).abs().max() < 1e-12
