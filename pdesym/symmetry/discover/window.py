"""A plateau by which functions that are not periodic become periodic, and the inner window where nothing notices."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid

# Half the width of the plateau, its slope and half the width of the window, as shares of the box.
_PLATEAU, _SLOPE, _WINDOW = 0.3, 0.04, 0.15


def middle_coordinates(grid: Grid, like: Tensor) -> tuple[Float[Tensor, "..."], ...]:
    """The coordinates of each axis from the middle of the box, −L/2 … L/2, shaped to broadcast over the space axes."""
    result = []
    for axis, (points, length) in enumerate(zip(grid.points, grid.length, strict=True)):
        line = (torch.arange(points, dtype=like.dtype, device=like.device) - points // 2) * (length / points)
        result.append(line.reshape(*(-1 if other == axis else 1 for other in range(grid.dims))))
    return tuple(result)


def plateau(grid: Grid, like: Tensor) -> Float[Tensor, "*space"]:
    """χ(x) = ½ erf((x + a)/s) − ½ erf((x − a)/s) along each axis: 1 in the middle, 0 at the ends.

    x χ(x) is periodic up to 1e-11, and its spectrum decays like a Gaussian.
    """
    result = torch.ones(grid.points, dtype=like.dtype, device=like.device)
    for x, length in zip(middle_coordinates(grid, like), grid.length, strict=True):
        edge, slope = _PLATEAU * length, _SLOPE * length
        result = result * 0.5 * (torch.special.erf((x + edge) / slope) - torch.special.erf((x - edge) / slope))
    return result


def inside(grid: Grid, like: Tensor) -> Float[Tensor, "*space"]:
    """Whether a point lies in the inner window, so far from the slopes that what starts there does not arrive."""
    result = torch.ones(grid.points, dtype=torch.bool, device=like.device)
    for x, length in zip(middle_coordinates(grid, like), grid.length, strict=True):
        result = result & (x.abs() <= _WINDOW * length)
    return result
