"""The error that is delivered against the error that was asked for."""

import math

import pytest
import torch

from pdesym.solvers import AccuracyWarning, Grid, RandomSinusoids, burgers, kdv, ks, solve
from pdesym.solvers.catalogue.burgers import cole_hopf

CASES = {
    "kdv": (kdv(), Grid(128, length=64.0), (1, 2), torch.linspace(1, 10, 10), Grid(384, length=64.0), 0.002),
    "ks": (ks(), Grid(64, length=32.0), (1, 2), torch.linspace(2, 20, 10), Grid(192, length=32.0), 0.005),
}


def errors(solution, reference):
    return (solution - reference).flatten(1).norm(dim=1) / reference.flatten(1).norm(dim=1)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("rtol", [1e-4, 1e-6])
def test_the_error_is_at_most_what_was_asked_and_about_what_was_estimated(name, rtol):
    equation, grid, waves, times, fine, dt = CASES[name]
    law = RandomSinusoids(waves=waves)
    factor = fine.points[0] // grid.points[0]
    reference = solve(equation, law.sample(fine, range(6), seed=0), fine, times, dt=dt).u[..., ::factor]
    solution = solve(equation, law.sample(grid, range(6), seed=0), grid, times, rtol=rtol)
    true = errors(solution.u, reference)
    assert (true <= rtol).all(), true
    assert (solution.error <= rtol).all()
    assert (solution.error >= 0.5 * true).all(), (solution.error, true)


def test_a_tolerance_that_is_not_asked_for_is_not_met():
    """The control: the same check fails for a solution at a looser tolerance."""
    grid = Grid(256, length=2 * math.pi)
    u0 = RandomSinusoids().sample(grid, range(4), seed=0)
    loose = solve(burgers(0.1), u0, grid, [2.0], rtol=1e-2)
    exact = cole_hopf(u0, grid, 2.0, 0.1).unsqueeze(1)
    assert (errors(loose.u, exact) <= 1e-2).all()
    assert not (errors(loose.u, exact) <= 1e-8).all()


def test_the_grid_is_refined_where_the_spectrum_needs_it_and_only_there():
    law, nu = RandomSinusoids(waves=(1, 2)), 0.05
    coarse, fine = Grid(48, length=2 * math.pi), Grid(512, length=2 * math.pi)
    refined = solve(burgers(nu), law.sample(coarse, range(4), seed=0), coarse, [2.0], rtol=1e-6)
    kept = solve(burgers(nu), law.sample(fine, range(4), seed=0), fine, [2.0], rtol=1e-6)
    assert (refined.points_used > 48).any()
    assert (kept.points_used == 512).all()
    exact = cole_hopf(
        law.sample(Grid(1536, length=2 * math.pi), range(4), seed=0), Grid(1536, length=2 * math.pi), 2.0, nu
    )
    assert errors(refined.u[:, 0], exact[..., ::32]).max() < 1e-6


def test_chaos_beyond_the_horizon_is_said_and_names_the_samples():
    grid = Grid(64, length=64.0)
    u0 = RandomSinusoids().sample(grid, range(1), seed=0)
    with pytest.warns(AccuracyWarning, match=r"samples \[0\] stays above rtol"):
        solve(ks(), u0, grid, [300.0], rtol=1e-2)


def test_a_sample_does_not_depend_on_the_others_of_its_batch():
    grid = Grid(128, length=40.0)
    u0 = RandomSinusoids().sample(grid, range(5), seed=0)
    together = solve(kdv(), u0, grid, [2.0, 4.0], rtol=1e-6)
    alone = [solve(kdv(), u0[i : i + 1], grid, [2.0, 4.0], rtol=1e-6) for i in range(5)]
    difference = together.u - torch.cat([each.u for each in alone])
    assert float(difference.abs().max()) < 1e-13
    assert together.steps.tolist() == [int(each.steps[0]) for each in alone]
