"""Laws of random initial fields: what a sample depends on, the function on every grid, the statistics, bad numbers."""

import itertools
import math

import numpy as np
import pytest
import torch

from pdesym.solvers import (
    ColeHopf,
    EachField,
    GaussianField,
    Grid,
    HeatPotential,
    RandomSinusoids,
    Specks,
    Uniform,
    burgers,
    heat,
    solve,
)
from pdesym.solvers.random_streams import stream

PLANE = Grid(40, 48, length=(1.0, 1.5))
LAWS = {
    "sinusoids": RandomSinusoids(terms=4, waves=(1, 2, 5), mean=0.2),
    "gaussian": GaussianField(modes=8, mean=-0.4),
    "specks": Specks(count=3, width=0.1),
    "each field": EachField(GaussianField(modes=4), Uniform(0.3), RandomSinusoids()),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


@every_law
@pytest.mark.parametrize("grid", [Grid(48, length=2.0), PLANE, Grid(24, 24, 32, length=2.0)], ids=["1D", "2D", "3D"])
def test_a_sample_is_one_function_whatever_the_grid_and_its_neighbours(law, grid):
    many = law.sample(grid, range(4), seed=3)
    assert many.shape[0] == 4
    assert many.shape[2:] == grid.points
    assert many.dtype == torch.float64
    assert torch.equal(law.sample(grid, [2, 0], seed=3), many[[2, 0]])
    fine = law.sample(grid.refined([2 * n for n in grid.points]), [2], seed=3)
    assert (fine[(..., *(slice(None, None, 2),) * grid.dims)] - many[2:3]).abs().max() < 1e-13
    for other in (law.sample(grid, [2], seed=4), many[1:2]):
        assert (other - many[2:3]).abs().max() > 1e-2


@pytest.mark.parametrize("law", [RandomSinusoids(), GaussianField(modes=4), Specks(width=0.1)], ids=repr)
def test_seeds_of_several_lengths_are_different_seeds(law):
    grid = Grid(32, length=1.0)
    seeds = (5, (5, 0), (5, 0, 0), (5, 1), (0, 5), 0, (0, 0))
    samples = [law.sample(grid, [index], seed) for seed in seeds for index in (0, 1)]
    for one, two in itertools.combinations(samples, 2):
        assert not torch.equal(one, two)
    assert torch.equal(law.sample(grid, [0], 5), law.sample(grid, [0], (5,)))


def test_without_the_length_two_seeds_would_be_one():
    """The control of the test above: NumPy fills the entropy up with zeros."""
    assert np.random.default_rng([5, 0]).random() == np.random.default_rng([5, 0, 0]).random()
    assert stream(5, 0).random() != stream((5, 0), 0).random()


@pytest.mark.parametrize("dims", [1, 2])
def test_a_gaussian_field_has_its_spectrum(dims):
    alpha, tau, sigma, modes = 2.0, 5.0, 3.0, 6
    grid = Grid(*(16,) * dims, length=1.0)
    u = GaussianField(alpha, tau, sigma, modes).sample(grid, range(6000), seed=0)[:, 0]
    axes = tuple(range(-dims, 0))
    power = torch.fft.fftn(u, dim=axes, norm="forward").abs().square().mean(0)
    m = torch.stack(torch.meshgrid(*(torch.fft.fftfreq(16, 1 / 16, dtype=torch.float64),) * dims, indexing="ij"))
    expected = sigma**2 * ((2 * math.pi * m).square().sum(0) + tau**2) ** -alpha
    kept = (m.abs().amax(0) <= modes) & (m.abs().amax(0) > 0)
    assert (power[kept] / expected[kept] - 1).abs().max() < 0.1
    assert power[~kept].max() < 1e-25
    skewed = u.pow(3).mean() / u.var() ** 1.5
    assert abs(float(skewed)) < 0.05
    assert abs(float(u.pow(4).mean() / u.var() ** 2) - 3) < 0.1
    default = GaussianField(alpha, tau, modes=modes).sample(grid, range(2), seed=0)
    given = GaussianField(alpha, tau, tau ** (alpha - dims / 2), modes).sample(grid, range(2), seed=0)
    assert torch.equal(default, given)


def test_more_modes_are_finer_detail_of_the_same_field():
    grid = Grid(32, 32, length=1.0)
    coarse, fine = (torch.fft.rfft2(GaussianField(modes=m).sample(grid, [0], seed=1)) for m in (4, 12))
    assert (coarse[..., :5, :5] - fine[..., :5, :5]).abs().max() < 1e-12 * fine.abs().max()
    assert fine[..., 6:10, 6:10].abs().max() > 1e-6 * fine.abs().max()


def test_waves_in_the_plane_have_their_lengths():
    grid = Grid(32, 32, length=1.0)
    u = RandomSinusoids(terms=3, waves=(3,)).sample(grid, range(200), seed=0)[:, 0]
    power = torch.fft.fft2(u).abs().square().mean(0)
    modes = torch.fft.fftfreq(32, 1 / 32, dtype=torch.float64)
    length = torch.hypot(modes[:, None], modes[None, :])
    ring = length.round() == 3
    assert power[~ring].max() < 1e-20 * power.max()
    assert power[ring].min() > 0.3 * power.max(), "one direction is preferred"


def test_specks_are_what_pearson_put_on_a_fed_background():
    u, v = Specks(count=1, width=0.05).sample(Grid(200, 200, length=1.0), [0], seed=0)[0]
    assert float(v.max()) == pytest.approx(0.25, rel=0.01)
    assert float(u.min()) == pytest.approx(0.5, rel=0.01)
    assert float(v.min()) < 1e-12
    assert float(u.max()) == pytest.approx(1.0)
    assert float(v.mean()) == pytest.approx(0.25 * 2 * math.pi * 0.05**2, rel=0.05)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianField(alpha=-1.0), "positive alpha, tau and sigma, got alpha=-1.0"),
        (lambda: GaussianField(sigma=0.0), "positive alpha, tau and sigma"),
        (lambda: GaussianField(modes=0), "at least one mode"),
        (lambda: GaussianField(modes=20).sample(PLANE, [0], seed=0), "20 waves per domain need at least 41 points"),
        (lambda: RandomSinusoids(mean=math.nan), "The mean must be finite"),
        (
            lambda: RandomSinusoids(waves=(30,)).sample(PLANE, [0], seed=0),
            "the grid has 40: raise the number of points",
        ),
        (lambda: Specks(count=0), "at least one speck"),
        (lambda: Specks(width=0.01).sample(PLANE, [0], seed=0), "need points at most that far apart"),
        (lambda: EachField(), "one law for each field, got none"),
    ],
)
def test_what_makes_no_law_is_refused_in_a_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


CIRCLE = Grid(256, length=2 * math.pi)


@pytest.mark.parametrize(
    "law", [HeatPotential(), ColeHopf(0.01), ColeHopf(torch.tensor([0.1, 0.2], dtype=torch.float64))]
)
def test_the_laws_of_cole_and_hopf_draw_one_function_whatever_the_grid_and_its_neighbours(law):
    pair = law.sample(CIRCLE, [2, 0], seed=3)
    assert pair.shape == (2, 1, 256)
    assert pair.dtype == torch.float64
    fine, coarse = (law.sample(CIRCLE.refined([points]), [2, 0], seed=3) for points in (1024, 32))
    assert (fine[..., ::4] - pair).abs().max() < 1e-9 * pair.abs().max()
    assert (coarse - pair[..., ::8]).abs().max() < 1e-9 * pair.abs().max()
    assert (law.sample(CIRCLE, [2, 0], seed=4) - pair).abs().max() > 0.1 * pair.abs().max()
    assert (law.sample(CIRCLE, [2, 1], seed=3) - pair)[0].abs().max() == 0


def test_a_heat_potential_lies_between_its_bounds():
    psi = HeatPotential(scale=10.0).sample(CIRCLE.refined([4096]), range(8), seed=0)
    logarithm = psi.log() / 10
    assert (logarithm.amin(-1) + 1).abs().max() < 1e-2
    assert (logarithm.amax(-1) - 1).abs().max() < 1e-2
    doubled = HeatPotential(10.0, amplitude=1.0).sample(CIRCLE, range(2), seed=0)
    assert torch.allclose(doubled, HeatPotential(10.0, amplitude=0.5).sample(CIRCLE, range(2), seed=0), rtol=1e-9)


def test_the_velocity_is_the_slope_of_the_logarithm_of_the_potential():
    nu, grid = 0.03, CIRCLE.refined([2048])
    psi = HeatPotential().sample(grid, range(3), seed=1)
    k = 1j * torch.fft.rfftfreq(2048, 1 / 2048, dtype=torch.float64)
    slope = torch.fft.irfft(k * torch.fft.rfft(psi.log()), 2048)
    u = ColeHopf(nu).sample(grid, range(3), seed=1)
    assert (u + 2 * nu * slope).abs().max() < 1e-9 * u.abs().max()


def test_the_fronts_have_the_size_of_those_of_the_published_code():
    u0 = ColeHopf(0.01).sample(CIRCLE, range(16), seed=0)
    u = solve(burgers(0.01), u0, CIRCLE, [4.0 + 2 * k for k in range(8)], rtol=1e-4).u
    assert 0.045 < u.std() < 0.065  # 0.055, with scale 10 between t = 4 and t = 18


def test_burgers_carries_the_velocity_to_that_of_the_potential_that_the_heat_equation_carries():
    nu, times = 0.05, [0.5, 2.0]
    psi = solve(heat(nu), HeatPotential(4.0, waves=(1, 2)).sample(CIRCLE, [0, 1], 5), CIRCLE, times, rtol=1e-9).u
    u = solve(burgers(nu), ColeHopf(nu, 4.0, waves=(1, 2)).sample(CIRCLE, [0, 1], 5), CIRCLE, times, rtol=1e-9).u
    k = 1j * torch.fft.rfftfreq(256, 1 / 256, dtype=torch.float64)
    expected = -2 * nu * torch.fft.irfft(k * torch.fft.rfft(psi), 256) / psi
    assert (u - expected).norm() < 1e-8 * u.norm()
    turned = solve(burgers(nu), -ColeHopf(nu, 4.0, waves=(1, 2)).sample(CIRCLE, [0, 1], 5), CIRCLE, times, rtol=1e-9).u
    assert (turned - expected).norm() > 0.1 * u.norm()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: HeatPotential(scale=0), "between 0 and 300"),
        (lambda: HeatPotential(scale=math.nan), "between 0 and 300"),
        (lambda: HeatPotential(scale=1e4), "between 0 and 300"),
        (lambda: HeatPotential(terms=0), "at least one term"),
        (lambda: ColeHopf(-0.1), "nu must be positive"),
        (lambda: ColeHopf(math.inf), "nu must be positive"),
        (lambda: ColeHopf(torch.tensor([0.1, 0.0])), "nu must be positive"),
        (lambda: ColeHopf(0.1, waves=()), "at least one term"),
        (lambda: ColeHopf(torch.tensor([0.1, 0.2])).sample(CIRCLE, [0], 0), "2 viscosities for 1 samples"),
        (lambda: ColeHopf(0.1).sample(PLANE, [0], 0), "on a line, the grid has 2 dimensions"),
        (lambda: HeatPotential().sample(Grid(8, length=1.0), [0], 0), "raise the number of points"),
    ],
)
def test_numbers_that_make_no_law_of_cole_and_hopf_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
