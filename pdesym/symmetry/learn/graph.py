"""Graphs of fields over space and time: their points and slopes."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative


def points(grid: Grid, t: Float[Tensor, "..."], u: Float[Tensor, "..."]) -> tuple[Float[Tensor, "..."], ...]:
    """Points (x…, t, u…), all `(*lead, *space)`, of frames `(*lead, fields, *space)`; t has the last axes of lead."""
    coordinates = torch.meshgrid(*grid.coordinates(device=u.device), indexing="ij")
    t = t.to(u).reshape(*t.shape, *(1,) * grid.dims)
    return tuple(torch.broadcast_tensors(*coordinates, t, *u.unbind(-grid.dims - 1)))


def gradient(u: Float[Tensor, "*shape"], grid: Grid) -> tuple[Float[Tensor, "*shape"], ...]:
    """∂ᵢu, one tensor for each coordinate; spectral."""
    return tuple(derivative(u, grid, [int(a == axis) for a in range(grid.dims)]) for axis in range(grid.dims))
