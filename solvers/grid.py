"""Periodic grids."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

AXES = ("x", "y", "z")


def box_lengths(
    points: tuple[int, ...], length: int | float | Sequence[int | float], example: str
) -> tuple[float, ...]:
    """The length of each axis of a box with so many points, both checked; `example` is how it is written.

    Raises:
        ValueError: for fewer than 4 points, more than three axes, or a length that is not positive and finite.
    """
    if not 1 <= len(points) <= len(AXES):
        raise ValueError(f"A grid has 1 to {len(AXES)} axes, got {len(points)}: write {example}.")
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 4 for n in points):
        raise ValueError(f"Each axis needs at least 4 points, an integer of Python; got {points}: write {example}.")
    lengths = (float(length),) * len(points) if isinstance(length, int | float) else tuple(map(float, length))
    if len(lengths) != len(points):
        raise ValueError(f"Expected one length for each of the {len(points)} axes, got {len(lengths)}.")
    if not all(math.isfinite(size) and size > 0 for size in lengths):
        raise ValueError(f"The length of an axis must be positive and finite, got {lengths}.")
    return lengths


@dataclass(frozen=True, init=False)
class Grid:
    """A periodic box with equidistant points, `Grid(256, length=128.0)` or `Grid(64, 64, length=(1.0, 2.0))`.

    The points of an axis of length L are x_j = j L/N for j = 0 .. N-1: the left end is included, the right end,
    which is the same point of the torus, is not.

    Args:
        points: points along each axis (at least 4).
        length: period of each axis, in the equation's own unit of length; one number serves all axes.

    Raises:
        ValueError: for fewer than 4 points, more than three axes, or a length that is not positive and finite.
    """

    points: tuple[int, ...]
    length: tuple[float, ...]

    def __init__(self, *points: int, length: int | float | Sequence[int | float]):
        lengths = box_lengths(points, length, "Grid(256, length=128.0)")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "length", lengths)

    @property
    def dims(self) -> int:
        """Number of space dimensions."""
        return len(self.points)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, ("x", "y", "z") as far as they exist."""
        return AXES[: self.dims]

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance L/N between neighbours along each axis."""
        return tuple(size / n for size, n in zip(self.length, self.points, strict=True))

    def coordinates(
        self, device: torch.device | str | None = None, dtype: torch.dtype = torch.float64
    ) -> tuple[Float[Tensor, " points"], ...]:
        """The coordinates j L/N of the points of each axis, one 1D tensor an axis."""
        return tuple(
            torch.arange(n, device=device, dtype=dtype) * h for n, h in zip(self.points, self.spacing, strict=True)
        )

    def refined(self, points: Sequence[int]) -> "Grid":
        """The same box with other numbers of points."""
        return Grid(*points, length=self.length)
