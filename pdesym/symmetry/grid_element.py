"""Linear maps of fields that move grid points to grid points and mix channels, and the finite groups they generate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid

Matrix: TypeAlias = tuple[tuple[int | float, ...], ...]

_LARGEST = 384
_DIGITS = 9


@dataclass(frozen=True)
class Element:
    """(g u)(x) = M u(A⁻¹ x), with A a signed permutation of the axes and M a matrix on the channels.

    Args:
        space: A, rows of integers −1, 0, 1, one non-zero in each row and column.
        channels: M, rows of numbers, one for each channel.
        time: 1; an element that turns time back, −1, is refused.

    Raises:
        ValueError: for other matrices, or time = −1.
    """

    space: tuple[tuple[int, ...], ...]
    channels: Matrix
    time: int = 1

    def __post_init__(self) -> None:
        size = len(self.space)
        whole = torch.tensor(self.space, dtype=torch.float64).reshape(size, -1)
        unsigned = whole.abs()
        permutation = whole.shape == (size, size) and bool(((unsigned == 0) | (unsigned == 1)).all())
        if not permutation or not bool((unsigned.sum(0) == 1).all() and (unsigned.sum(1) == 1).all()):
            raise ValueError(
                f"Expected a signed permutation of the axes, which maps grid points to grid points, got {self.space}."
            )
        if any(len(row) != len(self.channels) for row in self.channels):
            raise ValueError(f"Expected a square matrix on the channels, got {self.channels}.")
        if self.time != 1:
            raise ValueError(
                f"Expected an element that leaves time as it is, got time={self.time}: one that turns time back maps "
                "an operator to its inverse, S R S u = R u, and no mean over a group makes that hold."
            )

    def __call__(self, u: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """g u of fields `(…, channel, *space)`, exactly on the grid: x → −x is j → −j mod N."""
        dims = len(self.space)
        first = u.ndim - dims
        if self.channels != _identity(len(self.channels)):
            mixed = torch.tensor(self.channels, dtype=u.dtype, device=u.device)
            u = torch.einsum("ij,bj...->bi...", mixed, u.flatten(0, first - 2)).reshape(u.shape)
        order = [0] * dims
        flipped = []
        for axis in range(dims):
            (image,) = (row for row in range(dims) if self.space[row][axis])
            order[image] = axis
            if self.space[image][axis] < 0:
                flipped.append(first + axis)
        if flipped:
            u = u.flip(flipped).roll((1,) * len(flipped), flipped)
        return u.permute(*range(first), *(first + axis for axis in order))

    def after(self, other: "Element") -> "Element":
        """The element that does the other and then this one."""
        return Element(_integers(_product(self.space, other.space)), _product(self.channels, other.channels))

    @property
    def key(self) -> tuple[object, ...]:
        """What is equal for elements that agree but for rounding."""
        channels = tuple(tuple(round(entry, _DIGITS) + 0.0 for entry in row) for row in self.channels)
        return self.space, channels


def identity_element(dims: int, channels: int) -> Element:
    """The element that leaves all fields as they are."""
    return Element(_integers(_identity(dims)), _identity(channels))


def closure(generators: Sequence[Element]) -> tuple[Element, ...]:
    """The group that elements generate, the identity first.

    Raises:
        ValueError: for elements of different numbers of axes or channels, or when there are more than 384 products.
    """
    sizes = {(len(element.space), len(element.channels)) for element in generators}
    if len(sizes) != 1:
        raise ValueError(f"Expected elements for one number of axes and channels, got {sorted(sizes)}.")
    identity = identity_element(*sizes.pop())
    elements, new = {identity.key: identity}, [identity]
    while new:
        products = {p.key: p for g in generators for h in new for p in (g.after(h),)}
        new = [element for key, element in products.items() if key not in elements]
        elements |= {element.key: element for element in new}
        if len(elements) > _LARGEST:
            raise ValueError(
                f"Expected elements that generate at most {_LARGEST} others, and these give more: a power of every "
                "matrix on the channels must be the identity."
            )
    return tuple(elements.values())


def require_grid(generators: Sequence[Element], grid: Grid) -> None:
    """Refuse, in one sentence, a grid that the elements do not map to itself.

    Raises:
        ValueError: for other axes, or exchanged axes of different points or lengths.
    """
    axes = list(zip(grid.points, grid.length, strict=True))
    for element in generators:
        if len(element.space) != grid.dims:
            raise ValueError(f"Expected a group that acts on {grid.dims} space axes, got one on {len(element.space)}.")
        for row, image in enumerate(element.space):
            if axes[[abs(entry) for entry in image].index(1)] != axes[row]:
                raise ValueError(
                    f"The group exchanges axes of the grid {grid.points} of lengths {grid.length}: it needs the "
                    "same points and the same length on them."
                )


def _product(a: Matrix, b: Matrix) -> Matrix:
    return tuple(
        tuple(float(sum(x * y for x, y in zip(row, column, strict=True))) for column in zip(*b, strict=True))
        for row in a
    )


def _identity(size: int) -> Matrix:
    return tuple(tuple(float(row == column) for column in range(size)) for row in range(size))


def _integers(matrix: Matrix) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(entry) for entry in row) for row in matrix)
