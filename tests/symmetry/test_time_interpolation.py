"""Trajectories between their frames, against the solver."""

import math
from itertools import pairwise

import pytest
import torch

from pdesym.solvers import Equation, Grid, RandomSinusoids, burgers, ckdv, kdv, ks, nkdv, solve
from pdesym.symmetry.augment import TimeInterpolant

LINE = Grid(256, length=128.0)
WAVES = RandomSinusoids(terms=10, amplitude=0.5, waves=(1, 2))


def frames_and_between(equation, grid, law, first, step, count, samples=2, rtol=1e-9):
    """Frames at equal times from `first` on, and the solution half-way between them."""
    times = first + step / 2 * torch.arange(2 * count - 1, dtype=torch.float64)
    u = solve(equation, law.sample(grid, range(samples), seed=0), grid, times, rtol=rtol).u
    return u[:, ::2], times[::2], u[:, 1::2], times[1::2].expand(samples, -1)


def nmse(u, truth):
    return float(((u - truth) ** 2).mean(-1).div((truth**2).mean(-1)).mean())


CASES = {
    "kdv": ((kdv(), LINE, WAVES, 44.2, 0.4016, 40), 1e-9),
    "ks": ((ks(), Grid(128, length=64.0), WAVES, 72.0, 0.2004, 60), 1e-11),
    "burgers": (
        (burgers(nu=0.05), Grid(256, length=2 * math.pi), RandomSinusoids(waves=(1, 2, 3)), 4.0, 0.1006, 60),
        1e-20,
    ),
    "nkdv": ((nkdv(), LINE, RandomSinusoids(waves=(1,)), 4.0, 0.4016, 12), 1e-9),
    "ckdv": ((ckdv(), LINE, WAVES, 10.0, 0.4016, 20), 1e-12),
}


@pytest.mark.parametrize("name", CASES)
def test_half_frames(name):
    arguments, bound = CASES[name]
    frames, times, truth, between = frames_and_between(*arguments)
    interpolant = TimeInterpolant(frames, times, arguments[1], arguments[0])
    measured = nmse(interpolant.fields(between), truth)
    assert measured < bound
    assert torch.equal(interpolant.fields(times.expand(2, -1)), frames)
    # Frames of another equation do not fit together.
    wrong = TimeInterpolant(frames, times, arguments[1], Equation("u_t = u_x + 0.1*u_xx"))
    assert nmse(wrong.fields(between), truth) > 100 * bound


@pytest.mark.parametrize(("equation", "order"), [(Equation("u_t = u**2"), 12), (None, 8)])
def test_the_order_of_the_interpolation(equation, order):
    """Riccati's equation, solved point by point."""
    grid = Grid(32, length=2 * math.pi)
    u0 = -1 - 0.3 * torch.cos(grid.coordinates()[0])
    steps = [0.5 / 1.25**k for k in range(4)]
    errors = []
    for step in steps:
        times = 4 * step * torch.linspace(-1, 1, 9, dtype=torch.float64)
        frames = (u0 / (1 - (times + 3).unsqueeze(-1) * u0)).reshape(1, 9, 1, 32)
        middle = torch.tensor([[step / 2]], dtype=torch.float64)
        truth = u0 / (1 - (middle + 3) * u0)
        errors.append(float((TimeInterpolant(frames, times, grid, equation).fields(middle) - truth).abs().max()))
    slopes = [math.log(a / b) / math.log(1.25) for a, b in pairwise(errors)]
    assert max(abs(slope - order) for slope in slopes) < 0.3


def test_samples_with_parameters_of_their_own():
    grid, law = Grid(64, length=2 * math.pi), RandomSinusoids(waves=(1, 2))
    nu = torch.tensor([0.2, 0.3], dtype=torch.float64)
    frames, times, truth, between = frames_and_between(burgers(nu=nu), grid, law, 0.5, 0.1, 12)
    exact = TimeInterpolant(frames, times, grid, burgers(nu=nu)).fields(between)
    assert nmse(exact, truth) < 1e-12
    exchanged = TimeInterpolant(frames, times, grid, burgers(nu=nu.flip(0))).fields(between)
    assert nmse(exchanged, truth) > 1e-9


def test_spectra_are_those_of_the_fields():
    frames = torch.rand(2, 9, 1, 16, 12, dtype=torch.float64)
    times = torch.linspace(0, 1, 9, dtype=torch.float64)
    interpolant = TimeInterpolant(frames, times, Grid(16, 12, length=1.0), None)
    t = torch.tensor([[0.1, 1.0], [0.77, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(
        interpolant.spectra(t), torch.fft.rfftn(interpolant.fields(t), dim=(-2, -1), norm="forward")
    )
    single = TimeInterpolant(frames.float(), times, Grid(16, 12, length=1.0), None)
    assert single.fields(t).dtype == torch.float32
    assert single.spectra(t).dtype == torch.complex64


@pytest.mark.parametrize(
    ("change", "t", "sentence"),
    [
        ({}, [[1.2], [0.0]], "times between 0 and 1, the first and the last frame of sample 0, got 1.2"),
        ({}, [[0.1], [math.nan]], "last frame of sample 1, got nan"),
        ({}, [[0.1]], r"times of shape \(2, frames\), got \(1, 1\)"),
        ({"frames": 3}, [[0.0], [0.0]], "at least 4 frames to interpolate between, got 3"),
        ({"times": 8}, [[0.0], [0.0]], r"one for each frame, got \(8,\)"),
        ({"backward": True}, [[0.0], [0.0]], "times that increase"),
        ({"channels": 2}, [[0.0], [0.0]], r"equation has 1 fields \(u\), but the data has 2 channels"),
    ],
)
def test_what_cannot_be_interpolated_is_refused(change, t, sentence):
    count = change.get("frames", 9)
    frames = torch.rand(2, count, change.get("channels", 1), 16, dtype=torch.float64)
    times = torch.linspace(0, 1, change.get("times", count), dtype=torch.float64)
    times = -times if change.get("backward") else times
    with pytest.raises(ValueError, match=sentence):
        TimeInterpolant(frames, times, Grid(16, length=1.0), burgers(nu=0.1)).fields(
            torch.tensor(t, dtype=torch.float64)
        )
