"""Trajectories between their frames, against the solver."""

import math

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
    print(name, measured)
    assert measured < bound
    assert torch.equal(interpolant.fields(times.expand(2, -1)), frames)
    # Frames of another equation do not fit together.
    wrong = TimeInterpolant(frames, times, arguments[1], Equation("u_t = u_x + 0.1*u_xx"))
    assert nmse(wrong.fields(between), truth) > 100 * bound
