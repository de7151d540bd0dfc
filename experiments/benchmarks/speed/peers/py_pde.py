"""py-pde (Zwicker, JOSS 2020): finite differences of second order, compiled by numba, adaptive Runge-Kutta."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from speed.problems import Problem

TOLERANCE = 1e-6


def prepare(problem: Problem, points: int) -> Callable[[Tensor], Tensor]:
    """A function `(samples, 1, points) -> (samples, frames, 1, points)` for KdV; every call compiles anew."""
    import pde

    (length,) = problem.grid.length
    grid = pde.CartesianGrid([[0, length]], points, periodic=True)
    equation = pde.PDE({"u": "-u * d_dx(u) - d_dx(laplace(u))"})

    def one(u: Tensor) -> Tensor:
        storage = pde.MemoryStorage()
        equation.solve(
            # Its points are the centres of cells; on a torus that is a shift of the origin.
            pde.ScalarField(grid, u.numpy()),
            t_range=problem.horizon,
            dt=1e-3,
            solver="explicit",
            scheme="rk",
            adaptive=True,
            tolerance=TOLERANCE,
            backend="numba",
            tracker=storage.tracker(problem.horizon / problem.frames),
        )
        return torch.from_numpy(np.stack(list(storage.data))[1:]).unsqueeze(1)

    return lambda u0: torch.stack([one(u[0]) for u in u0])
