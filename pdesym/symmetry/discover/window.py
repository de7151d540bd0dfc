"""A plateau by which functions that are not periodic become periodic, and the inner window where nothing notices."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.grid import Grid

# Half the width of the plateau, and of another by which it is checked, as shares of the box.
PLATEAU, OTHER_PLATEAU = 0.36, 0.33
# The width of their slopes, and half the width of the window.
_SLOPE, _WINDOW = 0.025, 0.05


def middle_coordinates(grid: Grid, like: Tensor) -> tuple[Float[Tensor, "..."], ...]:
    """The coordinates of each axis from the middle of the box, −L/2 … L/2, shaped to broadcast over the space axes."""
    result = []
    for axis, (points, length) in enumerate(zip(grid.points, grid.length, strict=True)):
        line = (torch.arange(points, dtype=like.dtype, device=like.device) - points // 2) * (length / points)
        result.append(line.reshape(*(-1 if other == axis else 1 for other in range(grid.dims))))
    return tuple(result)


def plateau(grid: Grid, like: Tensor, half_width: float = PLATEAU) -> Float[Tensor, "*space"]:
    """χ(x) = ½ erf((x + a)/s) − ½ erf((x − a)/s) along each axis: 1 in the window and 0 at the ends, up to 1e-11.

    Its spectrum decays like a Gaussian.

    Args:
        grid: where.
        like: for dtype and device.
        half_width: a, as a share of the box.
    """
    result = torch.ones(grid.points, dtype=like.dtype, device=like.device)
    for x, length in zip(middle_coordinates(grid, like), grid.length, strict=True):
        edge, slope = half_width * length, _SLOPE * length
        result = result * 0.5 * (torch.special.erf((x + edge) / slope) - torch.special.erf((x - edge) / slope))
    return result


def inside(grid: Grid, like: Tensor) -> Bool[Tensor, "*space"]:
    """Whether a point lies in the inner window, so far from the slopes that what starts there does not arrive."""
    result = torch.ones(grid.points, dtype=torch.bool, device=like.device)
    for x, length in zip(middle_coordinates(grid, like), grid.length, strict=True):
        result = result & (x.abs() <= _WINDOW * length)
    return result
