"""Random initial conditions depend on (seed, index) alone; types and devices follow the input."""

import math

import pytest
import torch

from pdesym.solvers import FlowMap, Grid, RandomSinusoids, kdv, solve

GRID = Grid(64, length=10.0)


def test_a_sample_depends_on_seed_and_index_alone():
    law = RandomSinusoids()
    many = law.sample(GRID, range(20), seed=3)
    assert torch.equal(law.sample(GRID, [17, 2, 17], seed=3), many[[17, 2, 17]])
    assert not torch.equal(law.sample(GRID, range(20), seed=4), many)
    assert len({tuple(row.flatten().tolist()) for row in many}) == 20


def test_a_finer_grid_samples_the_same_function():
    law = RandomSinusoids(waves=(1, 3, 5))
    fine = law.sample(GRID.refined([192]), range(4), seed=1)
    torch.testing.assert_close(fine[..., ::3], law.sample(GRID, range(4), seed=1), rtol=0, atol=1e-13)


def test_the_law_has_its_mean_variance_and_waves():
    u = RandomSinusoids(terms=10, amplitude=0.5, waves=(1, 2)).sample(GRID, range(4000), seed=0)
    assert u.mean(-1).abs().max() < 1e-14
    assert float(u.var()) == pytest.approx(10 * (0.25 / 3) / 2, rel=0.05)
    power = torch.fft.rfft(u).abs().square().mean((0, 1))
    assert power[3:].max() < 1e-20 * power.max()
    assert float(power[1] / power[2]) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_type_of_the_result_is_that_of_the_field(dtype):
    u0 = RandomSinusoids().sample(GRID, range(2), seed=0).to(dtype)
    solution = solve(kdv(), u0, GRID, [0.5], rtol=1e-5)
    assert (solution.u.dtype, solution.times.dtype, solution.error.dtype) == (dtype, torch.float64, torch.float64)
    assert FlowMap(kdv(), GRID, (0.0, 0.5), rtol=1e-5).rhs(u0).dtype == dtype
    assert math.isfinite(float(solution.u.norm()))
