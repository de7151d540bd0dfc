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
    """Fields on the grid with every interval cut into `factor`, by polynomials, and the same less exactly.

    How smooth a field is between its nodes is not known beforehand: of polynomials through 6, 8, … 16 nodes along each
    axis every row gets those P that differ least from the ones P₄ through four nodes less. With P₂ through two nodes
    less P + √g (P₄ − P), g = ‖P − P₂‖ / ‖P − P₄‖ ≤ 1, is the second result. Where errors shrink by ρ for every two
    nodes more, g is ρ and the two results differ by ρ^−1.5 times the error of P; where more nodes do not help g is 1.
    """
    most = min(_MOST_NODES, max(grid.points))
    candidates = [_through(u, grid, factor, size) for size in range(2, most + 1, 2)]
    best, other = candidates[min(2, len(candidates) - 1)], candidates[0]
    least = torch.full((len(u),), torch.inf, dtype=torch.float64, device=u.device)
    for before, near, finer in zip(candidates, candidates[1:], candidates[2:], strict=False):
        difference, step = _distance(finer, before), _distance(finer, near)
        share = (step / difference.clamp_min(torch.finfo(torch.float64).tiny)).clamp_max(1.0).sqrt()
        closer = _columns(difference < least, u)
        best, other = (
            torch.where(closer, finer, best),
            torch.where(closer, finer.lerp(before, _columns(share, u)), other),
        )
        least = torch.minimum(difference, least)
    return best, other


def _distance(u: Tensor, other: Tensor) -> Tensor:
    """Of each row."""
    result: Tensor = torch.linalg.vector_norm((u - other).flatten(1), dim=1)
    return result


def _columns(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *(1,) * (like.ndim - 1))


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
