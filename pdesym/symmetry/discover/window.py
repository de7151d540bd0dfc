"""A plateau by which functions that are not periodic become periodic, and the inner window where nothing notices."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.grid import Grid


@dataclass(frozen=True)
class Margins:
    """Where along each axis functions are cut off, and where all is compared; in shares of the box.

    Attributes:
        plateau: half the width of the plateau.
        other_plateau: that of another, by which it is checked.
        slope: the width of their slopes.
        window: half the width of the window.
    """

    plateau: float
    other_plateau: float
    slope: float
    window: float


# Nothing may travel from the slopes to the window, which lies far inside.
EXACT = Margins(0.36, 0.33, 0.025, 0.05)
# What an operator of some error does far outside reaches the window whatever the distance, in proportion to what is
# there: x varies less over a wider window and a narrower plateau.
TRAINED = Margins(0.33, 0.30, 0.03, 0.10)


def middle_coordinates(grid: Grid, like: Tensor) -> tuple[Float[Tensor, "..."], ...]:
    """The coordinates of each axis from the middle of the box, −L/2 … L/2, shaped to broadcast over the space axes."""
    result = []
    for axis, (points, length) in enumerate(zip(grid.points, grid.length, strict=True)):
        line = (torch.arange(points, dtype=like.dtype, device=like.device) - points // 2) * (length / points)
        result.append(line.reshape(*(-1 if other == axis else 1 for other in range(grid.dims))))
    return tuple(result)


def plateau(grid: Grid, like: Tensor, half_width: float, slope: float) -> Float[Tensor, "*space"]:
    """χ(x) = ½ erf((x + a)/s) − ½ erf((x − a)/s) along each axis: 1 in the window and 0 at the ends.

    Its spectrum decays like a Gaussian.

    Args:
        grid: where.
        like: for dtype and device.
        half_width: a, as a share of the box.
        slope: s, as a share of the box.
    """
    result = torch.ones(grid.points, dtype=like.dtype, device=like.device)
    for x, length in zip(middle_coordinates(grid, like), grid.length, strict=True):
        edge, width = half_width * length, slope * length
        result = result * 0.5 * (torch.special.erf((x + edge) / width) - torch.special.erf((x - edge) / width))
    return result


def inside(grid: Grid, like: Tensor, half_width: float) -> Bool[Tensor, "*space"]:
    """Whether a point lies in the inner window, of half a width that is a share of the box."""
    result = torch.ones(grid.points, dtype=torch.bool, device=like.device)
    for x, length in zip(middle_coordinates(grid, like), grid.length, strict=True):
        result = result & (x.abs() <= half_width * length)
    return result
