"""Trajectories of the solver with noise from a seed, for discovery from data."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers import Equation, Grid, RandomSinusoids, Trajectories, burgers, heat, kdv, ks, solve

# The equation, the length of the box, the last time and the waves of the initial condition.
SETTINGS: dict[str, tuple[Equation, float, float, tuple[int, ...]]] = {
    "heat": (heat(nu=0.1), 20.0, 10.0, (1, 2, 3, 4, 5)),
    "burgers": (burgers(nu=0.1), 20.0, 8.0, (1, 2, 3)),
    "kdv": (kdv(), 40.0, 10.0, (1, 2, 3)),
    "ks": (ks(), 50.0, 20.0, (1, 2, 3, 4, 5)),
}
GRID_POINTS, FRAMES, SEED = 256, 201, 11


@cache
def trajectories(name: str, samples: int = 10, seed: int = SEED) -> Trajectories:
    """Clean solutions on 256 points at 201 times."""
    equation, length, end, waves = SETTINGS[name]
    grid = Grid(GRID_POINTS, length=length)
    u0 = RandomSinusoids(waves=waves).sample(grid, range(samples), seed=seed)
    return solve(equation, u0, grid, torch.linspace(0.0, end, FRAMES, dtype=torch.float64), rtol=1e-8)


def with_noise(u: Float[Tensor, "..."], level: float, seed: int) -> Float[Tensor, "..."]:
    """White noise of `level` times the root mean square of u."""
    noise = torch.from_numpy(np.random.default_rng(seed).normal(size=tuple(u.shape)))
    return u + level * u.square().mean().sqrt() * noise
