"""The finite action on sampled fields, and the augmentation made of it."""

import math
import pickle

import pytest
import torch

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import translate
from pdesym.symmetry import Generator, RandomFlow, draw_parameters

BOOST = Generator("t*d_x + d_u")
PLANE = {"coordinates": ("x", "y"), "fields": ("u", "v")}
MOVERS = [
    Generator("d_x"),
    BOOST,
    Generator("u*d_u"),
    Generator("(u - u**2)*d_u"),
    Generator("t**2*d_x + exp(t)*u*d_u"),
    Generator("d_x + cos(x)*d_u"),
]
TIMES = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)


def trajectory(exact, u):
    return torch.stack([exact.burgers(u, float(t)) for t in TIMES], dim=1)


def test_the_boost_is_a_shift_and_a_constant(exact, waves):
    epsilon = torch.tensor([0.3, -0.4, 0.0, 1.5], dtype=torch.float64)
    frames = torch.stack([waves, waves**2, -waves], dim=1)
    moved = BOOST.act(frames, exact.grid, TIMES, epsilon)
    expected = torch.stack(
        [translate(frames[:, k], exact.grid, (epsilon * TIMES[k]).unsqueeze(-1)) for k in range(3)], dim=1
    ) + epsilon.reshape(4, 1, 1, 1)
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("generator", "stays"), [(BOOST, True), (Generator("d_u"), False), (-1 * BOOST + 0.1 * BOOST, True)]
)
def test_a_moved_solution_is_the_solution_from_the_moved_start(exact, waves, generator, stays):
    epsilon = torch.tensor([0.4, -0.4, 0.2, 1.0], dtype=torch.float64)
    moved = generator.act(trajectory(exact, waves), exact.grid, TIMES, epsilon)
    again = trajectory(exact, generator.act(waves, exact.grid, 0.0, epsilon))
    assert ((moved - again).norm() / again.norm() < 1e-12) == stays


@pytest.mark.parametrize("generator", MOVERS, ids=str)
def test_the_action_is_a_one_parameter_group(exact, waves, generator):
    a, b = 0.3, torch.tensor([0.2, -0.5, 0.1, 0.0], dtype=torch.float64)
    frames = torch.stack([waves, waves.roll(1, 0), waves.roll(2, 0)], dim=1)

    def move(u, epsilon):
        return generator.act(u, exact.grid, TIMES, epsilon)

    torch.testing.assert_close(move(move(frames, a), b), move(frames, a + b), rtol=0, atol=1e-12)
    torch.testing.assert_close(move(move(frames, b), -b), frames, rtol=0, atol=1e-12)


@pytest.mark.parametrize("generator", MOVERS, ids=str)
def test_the_action_starts_along_the_characteristic(exact, waves, generator):
    zero = torch.zeros((), dtype=torch.float64)
    _, velocity = torch.func.jvp(lambda e: generator.act(waves, exact.grid, 1.5, e), (zero,), (torch.ones_like(zero),))
    expected = generator.characteristic(waves, exact.grid, 1.5)
    torch.testing.assert_close(velocity, expected, rtol=0, atol=1e-12)
    other = (generator + Generator("0.01*d_x")).characteristic(waves, exact.grid, 1.5)
    assert not torch.allclose(velocity, other, rtol=0, atol=1e-4)


def test_each_sample_may_have_its_own_times(exact, waves):
    frames = torch.stack([waves, waves**2, -waves], dim=1)
    each = TIMES + torch.arange(4.0, dtype=torch.float64).unsqueeze(-1)
    moved = BOOST.act(frames, exact.grid, each, 0.7)
    for k in range(4):
        torch.testing.assert_close(moved[k : k + 1], BOOST.act(frames[k : k + 1], exact.grid, each[k], 0.7))
    torch.testing.assert_close(moved[:, 1], BOOST.act(frames[:, 1], exact.grid, each[:, 1], 0.7))


def test_gradients_reach_the_fields_and_the_parameter(exact, waves):
    u = waves.clone().requires_grad_()
    epsilon = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64, requires_grad=True)
    weights = waves.roll(3, -1)
    loss = (BOOST.act(u, exact.grid, 2.0, epsilon) * weights).sum()
    to_field, to_parameter = torch.autograd.grad(loss, (u, epsilon))
    torch.testing.assert_close(to_field, translate(weights, exact.grid, -2.0 * epsilon.detach().unsqueeze(-1)))
    up, down = (BOOST.act(waves, exact.grid, 2.0, epsilon.detach() + d) for d in (1e-6, -1e-6))
    slope = ((up - down) / 2e-6 * weights).sum((1, 2))
    torch.testing.assert_close(to_parameter, slope, rtol=1e-6, atol=1e-6)


def test_single_precision_stays_single_and_shifts_as_far(exact, waves):
    moved = BOOST.act(waves.float(), exact.grid, 100.0, 0.37)
    assert moved.dtype == torch.float32
    torch.testing.assert_close(moved.double(), BOOST.act(waves, exact.grid, 100.0, 0.37), rtol=0, atol=1e-5)


def test_frames_in_the_plane():
    grid = Grid(16, 12, length=(2 * math.pi, 1.0))
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")

    def frame(x, y):
        return torch.stack([torch.sin(x) + torch.cos(2 * math.pi * y), torch.cos(x - 2 * math.pi * y)])

    generator = Generator("t*d_x + 2*d_y + v*d_u - u*d_v", **PLANE)
    epsilon = torch.tensor([0.3, -0.2], dtype=torch.float64)
    frames = frame(x, y).expand(2, 3, 2, 16, 12)
    moved = generator.act(frames, grid, TIMES, epsilon)
    for b, e in enumerate(epsilon):
        for k, t in enumerate(TIMES):
            u, v = frame(x - e * t, y - 2 * e)
            expected = torch.stack([u * torch.cos(e) + v * torch.sin(e), v * torch.cos(e) - u * torch.sin(e)])
            torch.testing.assert_close(moved[b, k], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("d_t", r"The generator d_t moves time, .* act takes generators without d_t"),
        ("x*d_x + 3*t*d_t - 2*u*d_u", "moves time"),
        ("x*d_x - u*d_u", r"moves x by x, which is no shift of whole frames"),
        ("u*d_x", r"moves x by u, which is no shift of whole frames"),
        ("t*d_x - x*u*d_u", "does not close on this grid"),
        ("exp(u)*d_u", r"No closed form of the flow of exp\(u\)\*d_u"),
        ("t*u*d_u + d_u", "has different forms at special values"),
    ],
)
def test_what_cannot_be_exact_is_refused(exact, waves, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        Generator(text).act(waves, exact.grid, 0.0, 0.1)


def test_one_parameter_or_one_a_sample(exact, waves):
    with pytest.raises(ValueError, match=r"one for each of the 4 samples, got \(3,\)"):
        BOOST.act(waves, exact.grid, 0.0, torch.zeros(3))


class TestAugmentation:
    def pair(self, exact, waves):
        frames = trajectory(exact, waves)
        times = (TIMES + torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)).clone()
        return frames[:, :1], frames[:, 1:], times

    def test_one_parameter_moves_input_and_output(self, exact, waves):
        u_in, u_out, times = self.pair(exact, waves)
        augmentation = RandomFlow(BOOST, exact.grid, width=0.8, probability=1.0)
        v_in, v_out = augmentation(u_in, u_out, times, torch.Generator().manual_seed(3))
        epsilon = draw_parameters(4, 0.8, 1.0, torch.Generator().manual_seed(3))
        torch.testing.assert_close(v_in, BOOST.act(u_in, exact.grid, times[:, :1], epsilon))
        torch.testing.assert_close(v_out, BOOST.act(u_out, exact.grid, times[:, 1:], epsilon))
        torch.testing.assert_close(v_in.mean((-1, -2, -3)) - u_in.mean((-1, -2, -3)), epsilon)
        # A solution stays one, up to where it is in space.
        horizon = float(TIMES[2] - TIMES[0])
        torch.testing.assert_close(exact.burgers(v_in[:, 0], horizon), v_out[:, 1], rtol=0, atol=1e-11)

    def test_the_generator_of_random_numbers_decides_alone(self, exact, waves):
        batch = self.pair(exact, waves)
        augmentation = RandomFlow(BOOST, exact.grid)
        runs = [augmentation(*batch, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
        assert all(torch.equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
        assert not torch.equal(runs[0][0], runs[2][0])

    def test_a_sample_without_parameter_is_untouched(self, exact, waves):
        u_in, u_out, times = self.pair(exact, waves)
        rng = torch.Generator().manual_seed(5)
        v_in, v_out = RandomFlow(BOOST, exact.grid, probability=0.5)(u_in, u_out, times, rng)
        kept = draw_parameters(4, 0.4, 0.5, torch.Generator().manual_seed(5)) == 0
        assert 0 < kept.sum() < 4
        for sample, same in enumerate(kept):
            assert torch.equal(v_in[sample], u_in[sample]) == same
            assert torch.equal(v_out[sample], u_out[sample]) == same

    def test_the_draw_has_the_law_it_says(self):
        epsilon = draw_parameters(20_000, 0.4, 0.25, torch.Generator().manual_seed(0))
        moved = epsilon[epsilon != 0]
        assert abs(len(moved) / 20_000 - 0.25) < 0.01
        assert moved.abs().max() <= 0.4
        assert abs(moved.mean()) < 0.01
        assert abs(moved.std() - 0.8 / math.sqrt(12)) < 0.005

    def test_the_precision_is_that_of_the_frames(self, exact, waves):
        u_in, u_out, times = self.pair(exact, waves)
        augmentation = RandomFlow(BOOST, exact.grid, probability=1.0)
        moved = augmentation(u_in.float(), u_out.float(), times.float(), torch.Generator().manual_seed(0))
        assert [u.dtype for u in moved] == [torch.float32] * 2

    def test_it_travels_to_worker_processes(self, exact, waves):
        augmentation = RandomFlow(BOOST, exact.grid)
        batch = self.pair(exact, waves)
        here, there = (
            run(*batch, torch.Generator().manual_seed(1))
            for run in (augmentation, pickle.loads(pickle.dumps(augmentation)))
        )
        assert torch.equal(here[1], there[1])

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            ({"width": -0.1}, "Expected a width that is finite and not negative, got -0.1"),
            ({"width": math.nan}, "Expected a width"),
            ({"probability": 1.5}, "Expected a probability between 0 and 1, got 1.5"),
        ],
    )
    def test_settings_that_cannot_serve_are_refused(self, exact, settings, sentence):
        with pytest.raises(ValueError, match=sentence):
            RandomFlow(BOOST, exact.grid, **settings)


@pytest.mark.parametrize("generator", MOVERS, ids=str)
def test_everything_stays_on_the_device_of_the_fields(exact, generator):
    """Tensors of the meta device refuse to meet those of another."""
    frames = torch.empty(2, 3, 1, 256, device="meta")
    assert generator.act(frames, exact.grid, TIMES, 0.3).device.type == "meta"
    assert generator.characteristic(frames, exact.grid, TIMES).device.type == "meta"
    rng = torch.Generator().manual_seed(0)
    moved = RandomFlow(generator, exact.grid)(frames[:, :1], frames[:, 1:], TIMES.to("meta").expand(2, 3), rng)
    assert [u.device.type for u in moved] == ["meta", "meta"]
