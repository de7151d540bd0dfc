"""Discontinuous fields from one grid to another."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid

_NODES = 6


def transferred(u: Tensor, grid: FiniteDifferenceGrid, points: Sequence[int]) -> Tensor:
    """Fields `(…, *grid.points)` at the points of the same box with other numbers of points.

    Axis by axis the polynomial through the six nearest cells, within the range of the two cells beside the place, which
    the smaller of their two second differences widens where these agree in sign: of sixth order where u is smooth,
    extrema included, and without overshoot at a jump (the bound of Suresh and Huynh, J. Comput. Phys. 136, 1997,
    section 2.2, in its simplest form).
    """
    target = grid.refined(points)
    places = target.coordinates(u.device)
    for axis, (x, h, shift) in enumerate(zip(places, grid.spacing, _shifts(grid), strict=True)):
        line = u.movedim(axis - grid.dims, -1)
        u = _at(line, x / h - shift, grid.periodic[axis]).movedim(-1, axis - grid.dims)
    return u


def _shifts(grid: FiniteDifferenceGrid) -> tuple[float, ...]:
    """The coordinate of the first point in spacings."""
    return tuple(float(x[0]) / h for x, h in zip(grid.coordinates(), grid.spacing, strict=True))


def _at(v: Tensor, index: Tensor, periodic: bool) -> Tensor:
    """Values along the last axis at fractional indices."""
    n = v.shape[-1]
    # Rounding shall not move a place that is a node to the interval before.
    before = (index + 1e-9).floor().long()
    first = before - (_NODES // 2 - 1)
    if not periodic:
        before, first = before.clamp(0, n - 2), first.clamp(0, n - _NODES)
    nodes = first[:, None] + torch.arange(_NODES, device=v.device)
    away = index[:, None] - nodes
    weights = torch.ones_like(away)
    for j in range(_NODES):
        for k in range(_NODES):
            if j != k:
                weights[:, j] *= away[:, k] / (j - k)
    values = (v[..., nodes % n] * weights).sum(-1)
    left, right = (v[..., (before + side) % n] for side in (0, 1))
    centres = torch.stack((before, before + 1))
    if not periodic:
        centres = centres.clamp(1, n - 2)
    bends = [v[..., (c - 1) % n] - 2 * v[..., c % n] + v[..., (c + 1) % n] for c in centres]
    slack = torch.where(bends[0] * bends[1] > 0, torch.minimum(bends[0].abs(), bends[1].abs()), 0.0)
    return values.clamp(torch.minimum(left, right) - slack, torch.maximum(left, right) + slack)
