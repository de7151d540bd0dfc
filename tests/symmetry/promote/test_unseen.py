"""Which generators leave the data: a boost does where all means are zero, a translation does not."""

import pytest
import torch

from pdesym.solvers.grid import Grid
from pdesym.symmetry import Generator
from pdesym.symmetry.promote import unseen_motion, unseen_widths

GRID = Grid(64, length=10.0)
SHIFT, BOOST, SIZE, TIME = (Generator(text) for text in ("d_x", "t*d_x + d_u", "u*d_u", "d_t"))


def fields(mean, samples=60):
    rng = torch.Generator().manual_seed(0)
    (x,) = GRID.coordinates()
    angle = 2 * torch.pi * torch.arange(1, 6, dtype=torch.float64).unsqueeze(-1) * x / 10.0
    amplitude = torch.randn(2, samples, 5, generator=rng, dtype=torch.float64)
    waves = amplitude[0] @ torch.sin(angle) + amplitude[1] @ torch.cos(angle)
    return (waves + mean * torch.randn(samples, 1, generator=rng, dtype=torch.float64)).unsqueeze(1)


@pytest.mark.parametrize(("mean", "boost"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_boost_is_unseen_where_the_mean_never_varies(mean, boost):
    seen = unseen_motion([SHIFT, BOOST, SIZE], fields(mean), GRID, 0.0)
    assert seen.tolist() == pytest.approx([0.0, boost, 0.0], abs=1e-2)
    offset = unseen_motion([BOOST], fields(mean) + 3.0, GRID, 0.0)  # the same mean for all says no more
    assert offset.item() == pytest.approx(boost, abs=1e-2)


def test_an_unseen_generator_is_followed_as_far_as_fields_differ():
    u = fields(0.0)
    shift, boost, time = unseen_widths([SHIFT, BOOST, TIME], u, GRID, 0.0)
    assert shift == time == 0.0
    assert boost == pytest.approx(float((u - u.mean(0)).square().mean().sqrt()), rel=1e-6)
    assert unseen_widths([BOOST], fields(1.0), GRID, 0.0) == (0.0,)


def test_trajectories_count_frame_by_frame():
    u = fields(0.0).reshape(20, 3, 1, 64)
    times = torch.tensor([-0.2, -0.1, 0.0])
    shift, boost = unseen_motion([SHIFT, BOOST], u, GRID, times).tolist()
    assert shift < 0.01
    assert 0.5 < boost < 0.99  # away from t = 0 a boost translates, too, which the data know
    assert unseen_widths([SHIFT, BOOST], u, GRID, 20 * times)[1] > 0


def test_too_few_frames_are_refused():
    with pytest.raises(ValueError, match="The 8 frames differ in 7 directions, too few"):
        unseen_motion([BOOST], fields(0.0, samples=8), GRID, 0.0)


def test_more_values_than_frames_are_no_hindrance():
    grid = Grid(48, 48, length=6.0)
    rng = torch.Generator().manual_seed(0)
    waves = fields(0.0, 30)[:, 0, :48]
    u = (torch.randn(40, 30, generator=rng, dtype=torch.float64)[:, :6] @ waves[:6]).reshape(40, 1, 48, 1)
    boost = Generator("t*d_x + d_u", coordinates=("x", "y"))
    (part,) = unseen_motion([boost], (u - u.mean((2, 3), keepdim=True)).expand(40, 1, 48, 48), grid, 0.0)
    assert part.item() == pytest.approx(1.0, abs=1e-2)
