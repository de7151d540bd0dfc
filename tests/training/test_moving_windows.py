"""Windows that symmetries move while they are cut, and windows of copies that were moved before."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from pdesym.datasets import Windows
from pdesym.operators import fno
from pdesym.solvers import Grid, RandomSinusoids, kdv, nkdv, solve
from pdesym.solvers.spectral import translate
from pdesym.symmetry import Generator
from pdesym.symmetry.augment import augment, move
from pdesym.training import TrainingSettings, draw_batch, train
from pdesym.training.batches import RandomWindows, step_generator
from pdesym.training.moved_pool import MovedPool
from pdesym.training.moving_windows import MovingWindows

GRID = Grid(64, length=32.0)
TIMES = torch.linspace(0, 6, 41, dtype=torch.float64)
BOOST, TIME = Generator("t*d_x + d_u"), Generator("d_t")
ALL, SCALES = (Generator("d_x"), TIME, BOOST), (3.0, 0.5, 0.4)
SAMPLE, START = torch.tensor([0, 3, 5, 1, 2]), torch.tensor([4, 20, 8, 26, 12])


@pytest.fixture(scope="module")
def data():
    u0 = RandomSinusoids(terms=3, waves=(1, 2)).sample(GRID, range(6), seed=0)
    return solve(kdv(), u0, GRID, TIMES, rtol=1e-9)


def windows(data, dtype=torch.float64, frames=(6, 4)):
    return Windows(data.u.to(dtype), data.times, data.grid, *frames, data.equation.fields)


def frames_of(window):
    return torch.cat([window.u_in, window.u_out], 1)


def cut(u, sample, start, frames=10):
    return u[sample[:, None], start[:, None] + torch.arange(frames)]


def part(data, rows):
    """Some of the trajectories."""
    names = ("u", "error", "horizon", "steps", "points_used", "tail")
    return replace(data, **{name: getattr(data, name)[rows] for name in names})


def drawn(scales=SCALES, seed=0):
    rng = torch.Generator().manual_seed(seed)
    uniform = torch.rand(len(SAMPLE), len(scales), generator=rng, dtype=torch.float64)
    return (2 * uniform - 1) * torch.tensor(scales, dtype=torch.float64)


def far(u, truth):
    """Relative difference of each window."""
    return (u - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)


def test_without_time_the_motion_is_that_of_the_frames(data):
    moving = MovingWindows(windows(data), [Generator("d_x"), BOOST], (3.0, 0.4))
    parameters = drawn((3.0, 0.4))
    parameters[2] = 0
    moved = frames_of(moving.moved(SAMPLE, START, parameters))
    plain = cut(data.u, SAMPLE, START)
    times = cut(TIMES.expand(6, -1), SAMPLE, START)
    along, boost = parameters.T[:, :, None, None]
    expected = translate(plain, GRID, along + boost * times[..., None]) + boost[..., None]
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-12)
    for row in range(5):
        assert torch.equal(moved[row], plain[row]) == (row == 2)
    single = MovingWindows(windows(data, torch.float32), [Generator("d_x"), BOOST], (3.0, 0.4))
    moved = frames_of(single.moved(SAMPLE, START, parameters))
    assert moved.dtype == torch.float32
    torch.testing.assert_close(moved, expected.float(), rtol=0, atol=3e-6)
    assert torch.equal(moved[2], plain[2].float())


@pytest.mark.parametrize("known", [True, False])
def test_with_time_the_motion_is_that_of_whole_trajectories(data, known):
    moving = MovingWindows(windows(data), ALL, SCALES, equation=data.equation if known else None)
    parameters = drawn()
    moved = frames_of(moving.moved(SAMPLE, START, parameters))
    whole = move(part(data, SAMPLE), ALL, parameters)
    row = torch.arange(5)
    assert cut(whole.mask, row, START).all()
    expected = cut(whole.u, row, START)
    assert far(moved, expected).max() < 1e-5
    other = frames_of(moving.moved(SAMPLE, START, 1.01 * parameters))
    assert far(other, expected).min() > 1e-3


def test_a_moved_window_is_a_solution(data):
    """From its first frame the solver comes to its last; what is moved by no symmetry is told apart."""
    errors = []
    for generators, scales in ((ALL, SCALES), ((Generator("u*d_u"),), (2.0,))):
        moving = MovingWindows(windows(data), generators, scales, probability=1.0)
        u = frames_of(moving.draw(SAMPLE, START, torch.Generator().manual_seed(1)))
        again = solve(data.equation, u[:, 0], GRID, TIMES[:10], rtol=1e-7).u
        errors.append(far(u, again))
    assert errors[0].max() < 1e-4
    assert errors[1].median() > 1e-2


def test_time_dependent_coefficients_and_another_unit_of_time():
    equation = nkdv()
    generators = (Generator("exp(-t/50)*d_t"), Generator("50*(exp(t/50) - 1)*d_x + d_u"))
    u0 = RandomSinusoids(terms=3, waves=(1, 2)).sample(GRID, range(3), seed=0)
    data = solve(equation, u0, GRID, TIMES[:20] + 3, start=3.0, rtol=1e-5)
    moving = MovingWindows(windows(data), generators, (0.4, 0.3), equation=equation)
    parameters, start = drawn((0.4, 0.3))[:3], torch.tensor([4, 6, 5])
    expected = cut(move(data, generators, parameters).u, torch.arange(3), start)
    assert far(frames_of(moving.moved(torch.arange(3), start, parameters)), expected).max() < 1e-5
    assert far(frames_of(moving.moved(torch.arange(3), start, 0.9 * parameters)), expected).min() > 1e-3


def test_where_the_data_end_time_stays_and_the_rest_moves(data):
    moving = MovingWindows(windows(data), ALL, SCALES)
    start = torch.tensor([0, 31, 0, 31, 15])
    parameters = drawn()
    parameters[:, 1] = torch.tensor([0.5, -0.5, -0.5, 0.5, 0.5])
    moved = frames_of(moving.moved(SAMPLE, start, parameters))
    parameters[:, 1] = torch.tensor([0, 0, -0.5, 0.5, 0.5])
    assert torch.equal(moved, frames_of(moving.moved(SAMPLE, start, parameters)))
    parameters[:, 1] = 0
    without = frames_of(moving.moved(SAMPLE, start, parameters))
    assert [torch.equal(a, b) for a, b in zip(moved, without, strict=True)] == [True, True, False, False, False]
    # Where nothing is left to move, not a bit changes.
    alone = torch.tensor([[0.5], [-0.5], [-0.5], [0.5], [0.5]], dtype=torch.float64)
    moved, plain = (
        frames_of(MovingWindows(windows(data), [TIME], [0.5]).moved(SAMPLE, start, alone)),
        frames_of(windows(data).gather(SAMPLE, start)),
    )
    assert [torch.equal(a, b) for a, b in zip(moved, plain, strict=True)] == [True, True, False, False, False]


def test_several_axes_and_fields():
    grid = Grid(12, 15, length=(2.0, 3.0))
    rng = torch.Generator().manual_seed(0)
    u = torch.randn(6, 12, 2, 12, 15, generator=rng, dtype=torch.float64)
    times = torch.linspace(1, 2, 12, dtype=torch.float64)
    generator = Generator("t*d_x + d_y + d_u - u*d_v", ("u", "v"), ("x", "y"))
    data = Windows(u, times, grid, 3, 2, ("u", "v"))
    parameters = torch.tensor([[0.3], [-0.2], [0.0], [0.7], [1.0]], dtype=torch.float64)
    start = torch.tensor([0, 3, 5, 7, 1])
    moved = frames_of(MovingWindows(data, [generator], [1.0]).moved(SAMPLE, start, parameters))
    expected = generator.act(u, grid, times, torch.zeros(6, dtype=torch.float64).index_add(0, SAMPLE, parameters[:, 0]))
    torch.testing.assert_close(moved, cut(expected, SAMPLE, start, 5), rtol=0, atol=1e-12)


def pool(data, probability=0.5):
    copies = [augment(data, ALL, SCALES, seed) for seed in range(3)]
    return copies, MovedPool(windows(data), copies, probability)


def test_a_pool_gives_valid_windows_of_its_copies(data):
    copies, moved = pool(data, probability=1.0)
    copies[1].accepted[3] = False
    moved = MovedPool(windows(data), copies, 1.0)
    sample, start = (index.flatten() for index in torch.meshgrid(torch.arange(6), torch.arange(32), indexing="ij"))
    taken = torch.zeros(4, dtype=torch.long)
    for seed in range(5):
        u = frames_of(moved.draw(sample, start, torch.Generator().manual_seed(seed)))
        for row, frames in enumerate(u):
            s, window = int(sample[row]), slice(int(start[row]), int(start[row]) + 10)
            usable = [bool(c.mask[s, window].all() and c.accepted[s]) for c in copies]
            equal = [torch.equal(frames, c.u[s, window]) for c in copies]
            assert not any(e and not ok for e, ok in zip(equal, usable, strict=True))
            taken += torch.tensor([*equal, torch.equal(frames, data.u[s, window]) and not any(usable)])
    assert taken.sum() == 5 * 6 * 32
    assert (taken[:3] > 150).all()
    assert moved.bytes == 3 * data.u.numel() * 8 + 3 * 6 * 32


@pytest.mark.parametrize("kind", ["moving", "pool"])
def test_a_step_depends_on_seed_and_step_and_the_windows_are_those_of_a_run_that_does_not_move(data, kind):
    plain = windows(data)

    def made(probability):
        if kind == "pool":
            return pool(data, probability)[1]
        return MovingWindows(plain, ALL, SCALES, probability=probability)

    never, sometimes = made(0.0), made(0.5)
    assert isinstance(never, RandomWindows)
    assert not isinstance(plain, RandomWindows)
    same = []
    for step in range(1, 5):
        first = draw_batch(plain, 8, 0, step)
        assert all(torch.equal(a, b) for a, b in zip(draw_batch(never, 8, 0, step), first, strict=True))
        moved = draw_batch(sometimes, 8, 0, step)
        torch.manual_seed(step)
        assert all(torch.equal(a, b) for a, b in zip(draw_batch(sometimes, 8, 0, step), moved, strict=True))
        same += [torch.equal(a, b) for a, b in zip(moved[0], first[0], strict=True)]
        # What augments the moved windows draws as if nothing had moved.
        lifted = draw_batch(sometimes, 8, 0, step, lambda a, b, t, rng: (a + torch.rand(1, generator=rng), b))
        constant = torch.rand(1, generator=step_generator(0, step, "augmentation"))
        assert torch.equal(lifted[0], moved[0] + constant)
    assert 5 < sum(same) < 27


@dataclass
class Stopping:
    """Windows that stop the program at a given draw."""

    of: RandomWindows
    at: int

    def __getattr__(self, name):
        return getattr(self.of, name)

    @property
    def motion(self):
        return self.of.motion

    def draw(self, sample, start, rng):
        self.at -= 1
        if self.at == 0:
            raise KeyboardInterrupt
        return self.of.draw(sample, start, rng)


@pytest.mark.parametrize("kind", ["moving", "pool"])
def test_an_interrupted_run_ends_with_the_same_bits(data, kind, tmp_path):
    def made(seed=0):
        single = windows(data, torch.float32)
        if kind == "pool":
            return MovedPool(single, [augment(data, ALL, SCALES, seed + k) for k in range(2)])
        return MovingWindows(single, ALL, [(1 + seed) * scale for scale in SCALES])

    settings = TrainingSettings(steps=12, batch=4, log_every=4, checkpoint_every=5, seed=1)

    def trained(source, folder):
        model = fno(6, 4, modes=5, width=6, layers=2)
        train(model, source, settings, folder, progress=False)
        return torch.cat([p.detach().reshape(-1).view(torch.float32) for p in model.parameters()])

    whole = trained(made(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(Stopping(made(), 8), tmp_path / "parts")
    assert torch.equal(trained(made(), tmp_path / "parts"), whole)
    assert not torch.equal(trained(windows(data, torch.float32), tmp_path / "plain"), whole)
    with pytest.raises(KeyboardInterrupt):
        trained(Stopping(made(), 8), tmp_path / "other")
    with pytest.raises(ValueError, match=r"was started with motion = Mov.*, got Mov.*: give the same to continue it"):
        trained(made(seed=1), tmp_path / "other")


def test_bad_input_is_refused_in_one_sentence(data):
    plain = windows(data)
    for generators, options, sentence in (
        (
            [Generator("sin(pi*x/16)*d_x")],
            {},
            r"by generators of the form a\(t\)\*d_x .* alone, got sin\(pi\*x/16\)\*d",
        ),
        ([Generator("x*d_x + 3*t*d_t - 2*u*d_u")], {}, r"-2\*u\*d_u change the length of the box, and windows of one"),
        ([Generator("d_y", coordinates=("y",))], {}, r"variables \(x, t, u\) of the windows, got d_y of \(y, t, u\)"),
        ([BOOST], {"scales": [0.1, 0.2]}, r"not negative for each of the 1 generators, got \[0.1, 0.2\]"),
        ([BOOST], {"scales": [-1.0]}, r"not negative for each of the 1 generators, got \[-1.0\]"),
        ([BOOST], {"probability": 2.0}, r"Expected a probability between 0 and 1, got 2.0"),
        ([Generator("t**2*d_t")], {}, r"The flow of t\*\*2\*d_t with parameters up to 1 leaves the domain"),
    ):
        with pytest.raises(ValueError, match=sentence.replace("-2", "- 2")):
            MovingWindows(plain, generators, **{"scales": [1.0], **options})
    uneven = replace(plain, times=TIMES**2)
    with pytest.raises(ValueError, match=r"Expected frames in equal steps where generators move time: generate such"):
        MovingWindows(uneven, [TIME], [0.1])
    MovingWindows(uneven, [BOOST], [0.1])

    copy = augment(data, [BOOST], [0.1], 0)
    with pytest.raises(ValueError, match=r"Expected at least one moved copy of the trajectories, got none"):
        MovedPool(plain, [])
    with pytest.raises(ValueError, match=r"Expected copies of trajectories of shape .*, got .* in copy 1"):
        MovedPool(plain, [copy, augment(part(data, SAMPLE), [BOOST], [0.1], 0)])
    with pytest.raises(
        ValueError, match=r"Expected copies on the times and the box of the windows, got others in copy 0"
    ):
        MovedPool(plain, [augment(data, [Generator("x*d_x + 3*t*d_t - 2*u*d_u")], [0.1], 0)])
    with pytest.raises(ValueError, match=r"Expected copies with valid windows of 10 frames, got none in 1"):
        MovedPool(plain, [replace(copy, accepted=torch.zeros(6, dtype=torch.bool))])
    with pytest.raises(ValueError, match=r"Expected a probability between 0 and 1, got nan"):
        MovedPool(plain, [copy], math.nan)
