"""Measured errors of random samples, and the time up to which a tolerance holds."""

import math

import pytest
import torch

from pdesym.solvers import AccuracyWarning, Grid, RandomSinusoids, burgers, ks, solve
from pdesym.solvers.catalogue.burgers import cole_hopf

CIRCLE = Grid(64, length=2 * math.pi)
TIMES = [0.5, 1.0]


def initial(samples: int) -> torch.Tensor:
    return RandomSinusoids(waves=(1, 2)).sample(CIRCLE, range(samples), seed=0)


def true_errors(solution):
    exact = torch.stack([cole_hopf(solution.u[:, 0] * 0 + initial(6), CIRCLE, t, 0.2) for t in TIMES], dim=1)
    return (solution.u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)


@pytest.mark.parametrize("how", [{"rtol": 1e-4}, {"dt": 0.1}])
def test_what_is_verified_is_the_true_error(how):
    solution = solve(burgers(0.2), initial(6), CIRCLE, TIMES, **how, verify=3, seed=1)
    assert len(solution.verified) == 3
    errors = true_errors(solution)
    for sample, measured in solution.verified.items():
        assert measured == pytest.approx(errors[sample].item(), rel=0.1)


def test_a_rough_solution_is_found_out_and_an_exact_one_is_not():
    rough = solve(burgers(0.2), initial(6), CIRCLE, TIMES, dt=0.25, verify=6)
    exact = solve(burgers(0.2), initial(6), CIRCLE, TIMES, rtol=1e-8, verify=6)
    assert min(rough.verified.values()) > 1e-6 > 1e-8 >= max(exact.verified.values())


def test_the_draw_depends_on_the_seed_alone():
    drawn = [
        tuple(solve(burgers(0.2), initial(6), CIRCLE, [0.1], dt=0.1, verify=2, seed=s).verified)
        for s in (0, 0, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_more_samples_than_there_are_cannot_be_verified():
    with pytest.raises(ValueError, match=r"verify between 0 and 6 samples, got verify = 7"):
        solve(burgers(0.2), initial(6), CIRCLE, TIMES, verify=7)


def test_the_horizon_of_a_chaotic_solution_and_of_one_that_is_not():
    grid, times = Grid(32, length=22.0), torch.linspace(20, 800, 40)
    u0 = RandomSinusoids().sample(grid, [0], seed=0)
    with pytest.warns(AccuracyWarning, match=r"all keep to it until t = \d+.*chaotic"):
        solution = solve(ks(), u0, grid, times, rtol=1e-3)
    assert (solution.horizon < 800).all()
    assert (solution.horizon >= 20).all()
    reference = solve(ks(), u0, grid, times[times <= solution.horizon.min()], rtol=1e-6)
    kept = reference.u.shape[1]
    difference = (solution.u[:, :kept] - reference.u).flatten(1).norm(dim=1) / reference.u.flatten(1).norm(dim=1)
    assert (difference <= 1e-3).all()
    # A horizon of no chaotic solution is the last time; with fixed steps nothing is known.
    assert (solve(burgers(0.2), initial(2), CIRCLE, TIMES, rtol=1e-6).horizon == 1.0).all()
    assert solve(burgers(0.2), initial(2), CIRCLE, TIMES, dt=0.1).horizon.isnan().all()
