"""Values on a grid with more intervals, by polynomials through nearby nodes."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from scipy import sparse
from torch import Tensor

from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid

# Beyond so many nodes polynomials at an end make more of rounding than they gain.
_MOST_NODES = 16


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


def interpolated(
    u: Float[Tensor, "rows field *space"], grid: FiniteDifferenceGrid, factor: int = 2
) -> tuple[Float[Tensor, "rows field *finer"], Float[Tensor, "rows field *finer"]]:
    """Fields on the grid with every interval cut into `factor`, by polynomials, and the same with a degree four lower.

    How smooth a field is between its nodes is not known beforehand: of polynomials through 6, 8, … 16 nodes along each
    axis every row gets those that differ least from the ones through four nodes less, which are the second result.
    Their difference is the error of the second; that of the first is smaller as long as more nodes help.
    """
    most = min(_MOST_NODES, max(grid.points))
    candidates = [_through(u, grid, factor, size) for size in range(2, most + 1, 2)]
    best, other = candidates[min(2, len(candidates) - 1)], candidates[0]
    least = torch.full((len(u),), torch.inf, dtype=torch.float64, device=u.device)
    for finer, before in zip(candidates[2:], candidates, strict=False):
        difference: Tensor = torch.linalg.vector_norm((finer - before).flatten(1), dim=1)
        closer = (difference < least).reshape(-1, *(1,) * (u.ndim - 1))
        best, other = torch.where(closer, finer, best), torch.where(closer, before, other)
        least = torch.minimum(difference, least)
    return best, other


def _through(u: Tensor, grid: FiniteDifferenceGrid, factor: int, size: int) -> Tensor:
    """The polynomials through `size` nodes next to each point, as far as an axis has so many."""
    for axis, (n, periodic) in enumerate(zip(grid.points, grid.periodic, strict=True)):
        matrix = _matrix(n, min(size, n), factor, periodic).to(u.device)
        u = torch.movedim(torch.movedim(u, axis - grid.dims, -1) @ matrix.T, -1, axis - grid.dims)
    return u


@lru_cache(maxsize=64)
def _matrix(n: int, size: int, factor: int, periodic: bool) -> Tensor:
    """Dense interpolation from n nodes to these and the points between, through `size` nodes each."""
    rows = factor * n if periodic else factor * (n - 1) + 1
    result = sparse.lil_matrix((rows, n))
    for i in range(rows):
        if i % factor == 0:
            result[i, i // factor] = 1.0
            continue
        first = i // factor - (size - 1) // 2
        if not periodic:
            first = min(max(first, 0), n - size)
        nodes = np.arange(first, first + size)
        x = i / factor
        for j in nodes:
            others = nodes[nodes != j]
            result[i, j % n] += float(np.prod((x - others) / (j - others)))
    return torch.from_numpy(result.toarray())
