"""A small run that learns generators, also as a program: `python learning_run.py FOLDER` learns into the folder."""

import sys

import torch

from pdesym.solvers import Grid, RandomSinusoids, kdv, solve
from pdesym.symmetry.learn import LearningProblem, LearnSettings, from_trajectories

SETTINGS = LearnSettings(slots=4, width=8, branch=4, steps=12, batch=4, seed=3)


def problem() -> LearningProblem:
    grid = Grid(64, length=48.0)
    u0 = RandomSinusoids(waves=(1, 2), amplitude=0.3).sample(grid, range(4), seed=0)
    data = solve(kdv(), u0, grid, torch.linspace(1, 5, 12, dtype=torch.float64), rtol=1e-7)
    return from_trajectories(data, kdv(), frames=16)


if __name__ == "__main__":
    from pdesym.training import learn_generators

    torch.set_num_threads(1)
    learn_generators(problem(), SETTINGS, sys.argv[1], checkpoint_every=1, progress=False)
