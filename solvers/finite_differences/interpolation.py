"""Values on a grid with twice as many intervals, by polynomials through nearby nodes."""

from functools import lru_cache

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid


def doubled(grid: FiniteDifferenceGrid) -> FiniteDifferenceGrid:
    """The grid with every interval halved; its nodes contain those of `grid`."""
    return grid.refined([2 * n - (not p) for n, p in zip(grid.points, grid.periodic, strict=True)])


def halved(grid: FiniteDifferenceGrid) -> FiniteDifferenceGrid | None:
    """The grid of every second node, if both ends are among them."""
    if any(n % 2 for n in grid.intervals) or min(grid.intervals) < 8:
        return None
    return grid.refined([n // 2 + (not p) for n, p in zip(grid.intervals, grid.periodic, strict=True)])


def subsampled(u: Tensor, grid: FiniteDifferenceGrid, step: int) -> Tensor:
    """Every `step`-th value along each axis, the first one included."""
    for axis in range(-grid.dims, 0):
        u = u.index_select(axis, torch.arange(0, u.shape[axis], step, device=u.device))
    return u


def interpolated(u: Tensor, grid: FiniteDifferenceGrid) -> Tensor:
    """Fields `(…, *points)` on the doubled grid, exact for polynomials of a degree two above the grid's order."""
    for axis, (n, periodic) in enumerate(zip(grid.points, grid.periodic, strict=True)):
        matrix = _matrix(n, min(grid.order + 3, n), periodic).to(u.device)
        u = torch.movedim(torch.movedim(u, axis - grid.dims, -1) @ matrix.T, -1, axis - grid.dims)
    return u


@lru_cache(maxsize=16)
def _matrix(n: int, size: int, periodic: bool) -> Tensor:
    """Dense interpolation from n nodes to those and the points between, through `size` nodes each."""
    rows = 2 * n if periodic else 2 * n - 1
    result = sparse.lil_matrix((rows, n))
    for i in range(rows):
        if i % 2 == 0:
            result[i, i // 2] = 1.0
            continue
        first = i // 2 - (size - 1) // 2
        if not periodic:
            first = min(max(first, 0), n - size)
        nodes = np.arange(first, first + size)
        x = i / 2
        for j in nodes:
            others = nodes[nodes != j]
            result[i, j % n] += float(np.prod((x - others) / (j - others)))
    return torch.from_numpy(result.toarray())
