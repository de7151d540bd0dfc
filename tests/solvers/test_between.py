"""Frames between the frames of trajectories, and trajectories made of given fields."""

import math

import pytest
import torch

from pdesym.solvers import Grid, RandomSinusoids, Trajectories, burgers, frames_between, kdv, nkdv, solve


@pytest.mark.parametrize("equation", [burgers(0.1), nkdv(5.0)], ids=["burgers", "explicit time"])
def test_new_frames_are_those_that_solve_gives_and_old_ones_stay(equation):
    grid = Grid(128, length=2 * math.pi if equation.parameters.get("nu") else 32.0)
    u0 = RandomSinusoids(waves=(1, 2), amplitude=0.3).sample(grid, range(2), seed=0)
    every = torch.linspace(0.2, 1.0, 13, dtype=torch.float64)
    fine = solve(equation, u0, grid, every, rtol=1e-8)
    coarse = solve(equation, u0, grid, every[::3], rtol=1e-8)
    made = frames_between(coarse, 3, rtol=1e-8)
    assert torch.equal(made.u[:, ::3], coarse.u)
    assert torch.allclose(made.times, every, rtol=1e-12)
    assert (made.u - fine.u).abs().max() < 1e-5 * fine.u.abs().max()
    # They are not what lies halfway in a straight line.
    straight = coarse.u[:, :-1] + (coarse.u[:, 1:] - coarse.u[:, :-1]) / 3
    assert (straight - fine.u[:, 1::3]).abs().max() > 1e-4 * fine.u.abs().max()
    assert torch.isnan(made.error).all()


def test_one_part_is_no_change():
    grid = Grid(32, length=2 * math.pi)
    given = Trajectories.of(torch.zeros(1, 3, 1, 32), torch.arange(3.0), grid, burgers(0.1))
    assert frames_between(given, 1) is given


@pytest.mark.parametrize("parts", [0, 1.5, True])
def test_parts_are_whole_numbers(parts):
    grid = Grid(32, length=2 * math.pi)
    given = Trajectories.of(torch.zeros(1, 3, 1, 32), torch.arange(3.0), grid, burgers(0.1))
    with pytest.raises((ValueError, TypeError), match="parts"):
        frames_between(given, parts)


def test_given_fields_must_fit():
    grid = Grid(32, length=2 * math.pi)
    with pytest.raises(ValueError, match=r"Expected fields \(batch, 4, 1, 32\)"):
        Trajectories.of(torch.zeros(1, 4, 2, 32), torch.arange(4.0), grid, kdv())
    with pytest.raises(ValueError, match="'nu' has 2 values, but there are 1 samples"):
        Trajectories.of(torch.zeros(1, 3, 1, 32), torch.arange(3.0), grid, burgers(torch.tensor([0.1, 0.2])))
