"""Trajectories moved point by point."""

import math
from itertools import pairwise

import pytest
import torch

from pdesym.solvers import Grid, kdv
from pdesym.solvers.integration import AccuracyWarning
from pdesym.symmetry import Generator
from pdesym.symmetry.augment.family import family_of
from pdesym.symmetry.augment.point_motion import move_points
from pdesym.symmetry.augment.space_time import SpaceTimeField

GRID = Grid(96, length=4.0)
K = 2 * math.pi / 4.0
TIMES = torch.linspace(1.0, 2.0, 21, dtype=torch.float64)
EPSILON = torch.tensor([0.2, -0.15], dtype=torch.float64)
X, T = GRID.coordinates()[0], TIMES[:, None]


def wave(x, t):
    """Two samples of one field at points `(…, time, x)`."""
    first = torch.sin(K * (x - 0.7 * t)) + 0.3 * torch.cos(2 * K * x + t) + 0.2
    second = 0.8 * torch.cos(K * x + 2 * t) - 0.4 * torch.sin(K * x)
    return torch.stack([first[0], second[-1]]) if first.ndim == 3 else torch.stack([first, second])


def frames(x, t):
    return wave(x.expand(2, 21, 96), t.expand(2, 21, 96)).unsqueeze(2)


def error(moved, truth, mask=None):
    """Largest relative difference on the frames that count."""
    difference = (moved - truth).abs().amax((2, 3)) / truth.square().mean((1, 2, 3)).sqrt()[:, None]
    return float((difference if mask is None else difference[mask]).max())


def moved_by(text, epsilon=EPSILON, u=None):
    family = family_of([Generator(text)])
    return move_points(frames(X, T) if u is None else u, TIMES, GRID, None, family, epsilon[:, None])


def graph_under(speed):
    """u' with u'(x, t) = u(x − ε speed(u'), t), by fixed-point iteration."""
    w = frames(X, T)
    for _ in range(200):
        w = frames(X - EPSILON[:, None, None] * speed(w[:, :, 0]), T)
    return w


def along_sine():
    """x = exp(−ε sin(Kx) ∂_x) x', in closed form: tan(Kx/2) = e^{−εK} tan(Kx'/2)."""
    half = K * X / 2
    factor = torch.exp(-EPSILON * K)[:, None, None]
    return 2 / K * torch.atan2(factor * torch.sin(half), torch.cos(half))


E1, E2 = EPSILON[:, None, None], EPSILON[:, None, None, None]
EXACT = {
    "t*d_x + d_u": lambda: frames(X - E1 * T, T) + E2,
    "d_t": lambda: frames(X, T - E1),
    "u*d_u": lambda: frames(X, T) * E2.exp(),
    "sin(pi*x/2)*d_t": lambda: frames(X, T - E1 * torch.sin(K * X)),
    "sin(pi*x/2)*d_x": lambda: frames(along_sine(), T),
    "u*d_x/5": lambda: graph_under(lambda w: w / 5),
    "u**2*d_x/5": lambda: graph_under(lambda w: w**2 / 5),
    "t*u*d_u + d_x": lambda: frames(X - E1, T) * (E2 * T.unsqueeze(1)).exp(),
}


@pytest.mark.parametrize("text", EXACT)
def test_points_move_as_the_exact_action_says(text):
    moved, mask = moved_by(text)
    assert error(moved, EXACT[text](), mask) < 1e-8
    # Another parameter is told apart.
    assert error(moved_by(text, EPSILON * 1.001)[0], EXACT[text](), mask) > 1e-5
    assert mask.any(1).all()
    assert mask.all() == ("d_t" not in text)


def test_frames_with_a_pre_image_outside_the_data_are_masked():
    _, mask = moved_by("d_t")
    assert torch.equal(mask, torch.stack([TIMES >= 1.2 - 1e-9, TIMES <= 1.85 + 1e-9]))
    _, mask = moved_by("sin(pi*x/2)*d_t")
    inner = [(TIMES >= 1 + e - 1e-9) & (TIMES <= 2 - e + 1e-9) for e in (0.2, 0.15)]
    assert torch.equal(mask, torch.stack(inner))


def test_several_fields_are_solved_for_together():
    """ξ = v/5 for fields u, v: both are carried by v."""
    generator = Generator("v*d_x/5 + u*d_v", fields=("u", "v"))
    u = torch.cat([frames(X, T), frames(X + 1, T) / 2], 2)
    moved, mask = move_points(u, TIMES, GRID, None, family_of([generator]), EPSILON[:, None])
    # The flow: u stays, v' = v + εu, x' = x + (εv + ε²u/2)/5.
    u_new, v_new = u[:, :, 0].clone(), u[:, :, 1].clone()
    for _ in range(200):
        source = X - (E1 * (v_new - E1 * u_new) + E1**2 * u_new / 2) / 5
        u_new = frames(source, T)[:, :, 0]
        v_new = frames(source + 1, T)[:, :, 0] / 2 + E1 * u_new
    assert mask.all()
    assert error(moved[:, :, :1], u_new.unsqueeze(2)) < 1e-8
    assert error(moved[:, :, 1:], v_new.unsqueeze(2)) < 1e-8


class Networks:
    """Two vector fields that are networks, periodic by construction."""

    coordinates, fields, names = ("x",), ("u",), ("first network", "second network")

    def __init__(self, dtype=torch.float64):
        rng = torch.Generator().manual_seed(0)
        sizes = (4, 16, 16, 6)
        layers = pairwise(sizes)
        self.weights = [
            (torch.randn(a, b, generator=rng, dtype=torch.float64) / math.sqrt(a)).to(dtype) for a, b in layers
        ]
        self.dtype = dtype

    def __len__(self):
        return 2

    def velocities(self, point):
        x, t, u = point
        z = torch.stack([torch.sin(K * x), torch.cos(K * x), t - 1.5, u], -1).to(self.dtype)
        for k, weight in enumerate(self.weights):
            z = z @ weight if k == 0 else torch.tanh(z) @ weight
        return 0.3 * z.movedim(-1, 0).unflatten(0, (2, 3))


def test_a_network_moves_trajectories_by_a_one_parameter_group():
    times = torch.linspace(1.0, 2.0, 61, dtype=torch.float64)
    u = wave(X.expand(2, 61, 96), times[:, None].expand(2, 61, 96)).unsqueeze(2)
    direction = torch.tensor([[0.4, -0.3], [0.2, 0.5]], dtype=torch.float64)

    def move(u, factor):
        return move_points(u, times, GRID, None, Networks(), factor * direction)

    there, inside = move(u, 0.5)
    assert error(there, u, inside) > 1e-2
    # Moved frames whose pre-images lie outside the data are no part of the moved trajectory.
    held = inside.all(0).nonzero().flatten()
    part = slice(int(held[0]), int(held[-1]) + 1)
    back, again = move_points(there[:, part], times[part], GRID, None, Networks(), -0.5 * direction)
    assert again.any(1).all()
    assert error(back, u[:, part], again) < 1e-7
    twice, again = move_points(there[:, part], times[part], GRID, None, Networks(), 0.5 * direction)
    once, inside = move(u, 1.0)
    both = again & inside[:, part]
    assert both.any(1).all()
    assert error(twice, once[:, part], both) < 1e-7
    assert error(twice, move(u, 1.01)[0][:, part], both) > 1e-4


def test_a_network_in_float32_is_followed_as_far_as_it_is_smooth():
    parameters = torch.tensor([[0.4, -0.3], [0.2, 0.5]], dtype=torch.float64)
    double, mask = move_points(frames(X, T), TIMES, GRID, None, Networks(), parameters)
    single, same = move_points(frames(X, T), TIMES, GRID, None, Networks(torch.float32), parameters)
    assert torch.equal(mask, same)
    assert 1e-9 < error(single, double, mask) < 3e-5


def test_a_sample_depends_on_nothing_else_and_stays_bit_for_bit_where_nothing_moves():
    u = torch.cat([frames(X, T), frames(X + 1, T)]).float()
    family = family_of([Generator("u*d_x/5"), Generator("sin(pi*x/2)*d_t")])
    parameters = torch.tensor([[0.2, 0.1], [0.0, 0.0], [-0.1, 0.0], [0.3, 0.2]], dtype=torch.float64)
    moved, mask = move_points(u, TIMES, GRID, None, family, parameters)
    assert moved.dtype == torch.float32
    for sample in range(4):
        alone = move_points(u[sample : sample + 1], TIMES, GRID, None, family, parameters[sample : sample + 1])
        assert torch.equal(alone[0][0], moved[sample])
        assert torch.equal(alone[1][0], mask[sample])
        assert torch.equal(moved[sample], u[sample]) == (sample == 1)
    assert mask[1:3].all()


def test_a_field_is_known_between_frames_and_points():
    rng = torch.Generator().manual_seed(0)
    x, share = torch.rand(2, 4000, generator=rng, dtype=torch.float64)
    x, t = 12 * x - 4, 1 + share
    truth = wave(x, t)[0]
    for tolerance in (1e-6, 1e-10):
        field = SpaceTimeField(frames(X, T)[0], TIMES, GRID, None, tolerance)
        reached = float((field(x, t)[0] - truth).abs().max() / field.scale[0])
        assert reached < tolerance
        assert field.error <= tolerance
    outside = field(x[:2], torch.tensor([-3.0, 7.0], dtype=torch.float64))[0]
    torch.testing.assert_close(outside, field(x[:2], TIMES[[0, -1]])[0], rtol=0, atol=1e-13)
    # Frames that do not solve the equation are joined by violent motions.
    noise = torch.randn(21, 1, 96, generator=rng, dtype=torch.float64)
    with pytest.warns(AccuracyWarning, match=r"Between its frames a sample is known to .* of its size alone: give"):
        SpaceTimeField(noise, TIMES, GRID, kdv(), 1e-8)


def test_what_cannot_be_moved_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"Sample 0 cannot be moved along 5\*u\*d_x by 0.2: the moved graph folds, so"):
        moved_by("5*u*d_x")
    with pytest.raises(ValueError, match=r"Sample 1 cannot be moved along u\*\*2\*d_u by -3: its flow (does|needs)"):
        moved_by("u**2*d_u", torch.tensor([0.0, -3.0], dtype=torch.float64))
    with pytest.raises(
        ValueError, match=r"coefficients of x\*d_x do not close on this grid, where x = 0 and x = 4 are"
    ):
        moved_by("x*d_x")
    with pytest.raises(ValueError, match=r"Expected one parameter for each of the 2 samples and 1 generators, got sha"):
        move_points(frames(X, T), TIMES, GRID, None, family_of([Generator("d_x")]), EPSILON[:, None].expand(2, 2))
    with pytest.raises(ValueError, match=r"parameters must be finite"):
        moved_by("d_x", EPSILON * math.nan)
    with pytest.raises(ValueError, match=r"Expected trajectories of shape \(batch, 21, 1, 96\) from the times, the f"):
        moved_by("d_x", u=frames(X, T).expand(2, 21, 2, 96))
    family = family_of([Generator("u*d_x")])
    with pytest.raises(ValueError, match=r"Expected frames at increasing, equidistant times"):
        move_points(frames(X, T), TIMES**2, GRID, None, family, EPSILON[:, None])
    plane = family_of([Generator("u*d_x", coordinates=("x", "y"))])
    with pytest.raises(ValueError, match=r"one by one on 1D grids alone, got a grid of 2 axes and generators of 2"):
        move_points(frames(X, T), TIMES, Grid(8, 12, length=1.0), None, plane, EPSILON[:, None])
