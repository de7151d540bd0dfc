"""py-pde (Zwicker, JOSS 2020): finite differences of second order, compiled by numba, adaptive Runge-Kutta."""

import numpy as np
import torch
from torch import Tensor

from speed.problems import Problem

TOLERANCE = 1e-6


def integrate(problem: Problem, u0: Tensor) -> tuple[Tensor, float, float]:
    """KdV from one field: the frames, the CPU-seconds of the solution and those of its compilation, by its own clock.

    Args:
        problem: KdV.
        u0: `(1, points)`.

    Returns:
        `(frames, 1, points)`, seconds, seconds; every call compiles anew.
    """
    import pde

    (length,) = problem.grid.length
    # Its points are the centres of cells; on a torus that is a shift of the origin.
    grid = pde.CartesianGrid([[0, length]], u0.shape[-1], periodic=True)
    equation = pde.PDE({"u": "-u * d_dx(u) - d_dx(laplace(u))"})
    storage = pde.MemoryStorage()
    _, diagnostics = equation.solve(
        pde.ScalarField(grid, u0[0].numpy()),
        t_range=problem.horizon,
        dt=1e-3,
        solver="runge-kutta",
        adaptive=True,
        tolerance=TOLERANCE,
        backend="numba",
        tracker=storage.tracker(problem.horizon / problem.frames),
        ret_info=True,
    )
    seconds = diagnostics["controller"]["profiler"]
    u = torch.from_numpy(np.stack(list(storage.data))[1:]).unsqueeze(1)
    return u, seconds["solver"] + seconds["tracker"], seconds["compilation"]
