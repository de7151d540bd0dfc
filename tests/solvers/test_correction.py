"""The correction of solutions to a tolerance by the ones before: where it helps, and where it must not be believed."""

import math
from fractions import Fraction

import pytest
import torch

from pdesym.solvers import (
    AccuracyWarning,
    EachField,
    Grid,
    RandomSinusoids,
    burgers,
    cahn_hilliard,
    fisher_kpp,
    kdv,
    ks,
    nls,
    solve,
    tolerance,
)
from pdesym.solvers.control import Adaptive, Replayed
from pdesym.solvers.integrate import integrate
from pdesym.solvers.steppers import STEPPERS, stepper_named
from pdesym.solvers.tolerance import largest_tail, to_tolerance

CIRCLE = 2 * math.pi
SMOOTH = {
    "burgers": (burgers(0.2), Grid(64, length=CIRCLE), RandomSinusoids(waves=(1, 2)), (0.5, 1.0)),
    "fisher_kpp": (fisher_kpp(), Grid(64, length=50.0), RandomSinusoids(4, 0.12, (1, 2, 3), mean=0.5), (2.0, 4.0)),
    "nls": (
        nls(),
        Grid(128, length=40.0),
        EachField(RandomSinusoids(4, 0.3, (1, 2)), RandomSinusoids(4, 0.3, (1, 2))),
        (1.0, 2.0),
    ),
}


def relative(u, exact):
    return (u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)


def solved(equation, grid, law, times, rtol, method="etdrk4", samples=4):
    """(corrected, its stated error, the same before the correction, the truth)"""
    u0, stepper = law.sample(grid, range(samples), seed=0), stepper_named(method)
    run, error, _ = to_tolerance(equation, u0, grid, 0.0, times, rtol, stepper)
    control = Adaptive((), largest_tail(rtol), stepper.estimate_order)
    again = Replayed(tuple(map(tuple, run.taken)), (Fraction(1),) * samples, control.tail)
    raw = integrate(equation, u0, grid, 0.0, times, again, stepper).u
    exact = solve(equation, u0, grid, times, rtol=1e-10).u
    return run.u, error, raw, exact


@pytest.mark.parametrize("method", sorted(set(STEPPERS) - {"dopri5"}))
@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_solution_is_better_than_the_finest_of_which_it_is_made(name, method):
    equation, grid, law, times = SMOOTH[name]
    corrected, stated, raw, exact = solved(equation, grid, law, times, 1e-6, method)
    true, before = relative(corrected, exact), relative(raw, exact)
    assert (true <= 1e-6).all()
    assert (true <= stated).all(), (true, stated)
    assert (true < 0.5 * before).all(), (true, before)


def test_a_correction_by_a_solution_at_the_border_of_stability_is_within_what_is_stated():
    """An explicit method on a stiff equation: the second solution is far better than the first one shows."""
    equation, grid, law, times = SMOOTH["nls"]
    corrected, stated, raw, exact = solved(equation, grid, law, times, 1e-6, "dopri5")
    assert (relative(raw, exact) < 1e-3 * stated).all()
    assert (relative(corrected, raw) <= 0.67 * stated).all()
    assert (stated <= 1e-6).all()


def test_a_correction_for_another_order_is_no_improvement():
    """The control: that of a method of order 1 leaves an error as large as the difference of the two."""
    equation, grid, law, times = SMOOTH["burgers"]
    corrected, _, raw, exact = solved(equation, grid, law, times, 1e-6)
    wrong = raw + 15 * (corrected - raw)
    assert (relative(wrong, exact) > 5 * relative(raw, exact)).all()


def test_where_stiffness_takes_some_of_the_order_the_correction_does_no_harm():
    """Cahn-Hilliard: halved steps lower the error by 2^3.3 instead of 2^4."""
    grid, law = Grid(128, length=CIRCLE), RandomSinusoids(4, 0.1, (3, 5, 7))
    times = tuple(torch.linspace(0.015, 0.3, 20).tolist())
    corrected, stated, raw, exact = solved(cahn_hilliard(0.1), grid, law, times, 1e-5, samples=8)
    true, before, seems = relative(corrected, exact), relative(raw, exact), relative(raw, corrected)
    assert (before > 1.2 * seems).any(), "the order is lower somewhere"
    assert (true < before).all(), (true, before)
    assert (stated >= 0.5 * true).all(), (stated, true)


def test_two_chaotic_solutions_that_agree_by_chance_are_found_out(monkeypatch):
    """Of these samples one has a small error with long steps; a third solution shows that the error is larger."""
    grid, times = Grid(128, length=64.0), torch.linspace(0.2, 100.0, 500, dtype=torch.float64)
    u0 = RandomSinusoids().sample(grid, [49], seed=0)
    exact = solve(ks(), u0, grid, times, rtol=1e-6).u
    solution = solve(ks(), u0, grid, times, rtol=5e-4)
    true = relative(solution.u, exact)
    assert true.item() <= 5e-4
    assert solution.error >= 0.5 * true
    monkeypatch.setattr(tolerance, "_FAST", math.inf)
    unconfirmed = solve(ks(), u0, grid, times, rtol=5e-4)
    assert unconfirmed.error < 0.2 * relative(unconfirmed.u, exact)


def test_solutions_that_have_nothing_in_common_are_not_mixed():
    grid, times = Grid(32, length=22.0), (100.0, 1000.0)
    u0 = RandomSinusoids().sample(grid, [0], seed=0)
    with pytest.warns(AccuracyWarning, match="chaotic"):
        solution = solve(ks(), u0, grid, times, rtol=1e-2)
    late = solution.u[0, 1].norm() / math.sqrt(32)
    assert 0.8 < late < 2.0, "it stays on the attractor"


def test_more_steps_are_taken_at_once_where_waves_travel_far():
    grid = Grid(128, length=64.0)
    stepper = stepper_named("etdrk4")
    assert tolerance._second(50, 1e-5, stepper) == 2
    assert tolerance._second(5000, 1e-5, stepper) == 4
    u0 = RandomSinusoids(waves=(1, 2)).sample(grid, range(3), seed=0)
    solution = solve(kdv(), u0, grid, torch.linspace(1, 60, 60), rtol=1e-5)
    reference = solve(kdv(), u0, grid, torch.linspace(1, 60, 60), rtol=1e-8)
    assert (relative(solution.u, reference.u) <= 1e-5).all()
