"""Reflections, rotations by right angles, and other finite groups, enforced by the mean over the group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.operators.symmetric.setting import Network, Parameters, Setting, Trial

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

    def __call__(self, u: Float[Tensor, "batch time channel *space"]) -> Float[Tensor, "batch time channel *space"]:
        """g u, exactly on the grid: x → −x is j → −j mod N."""
        dims = len(self.space)
        if self.channels != _identity(len(self.channels)):
            u = torch.einsum("ij,btj...->bti...", torch.tensor(self.channels, dtype=u.dtype, device=u.device), u)
        order = [0] * dims
        flipped = []
        for axis in range(dims):
            (image,) = (row for row in range(dims) if self.space[row][axis])
            order[image] = axis
            if self.space[image][axis] < 0:
                flipped.append(3 + axis)
        if flipped:
            u = u.flip(flipped).roll((1,) * len(flipped), flipped)
        return u.permute(0, 1, 2, *(3 + axis for axis in order))

    def after(self, other: "Element") -> "Element":
        """The element that does the other and then this one."""
        return Element(_integers(_product(self.space, other.space)), _product(self.channels, other.channels))


@dataclass(frozen=True)
class FiniteGroup:
    """F(u) = 1/|G| Σ g⁻¹ F₀(g u) over the group G that the elements generate.

    It takes |G| times the work of the network, in one batch of |G| times the size.

    Args:
        generators: elements; products of them are added until there are no more.

    Raises:
        ValueError: for elements of different numbers of axes or channels, or a group of more than 384 elements.
    """

    generators: tuple[Element, ...]

    order = 0

    def __post_init__(self) -> None:
        sizes = {(len(element.space), len(element.channels)) for element in self.generators}
        if len(sizes) != 1:
            raise ValueError(f"Expected elements for one number of axes and channels, got {sorted(sizes)}.")
        elements = closure(self.generators)
        object.__setattr__(self, "_elements", elements)
        object.__setattr__(self, "_inverses", tuple(_inverse(element, elements) for element in elements))

    @property
    def elements(self) -> tuple[Element, ...]:
        """All of G, the identity first."""
        elements: tuple[Element, ...] = self._elements  # type: ignore[attr-defined]
        return elements

    @property
    def shifted_axes(self) -> tuple[int, ...]:
        """None: it shifts no frame by a part of a cell."""
        return ()

    @property
    def channels(self) -> int | None:
        """Number of fields that it acts on."""
        return len(self.generators[0].channels)

    def require(self, setting: Setting) -> None:
        """Refuse, in one sentence, a grid that the group does not map to itself.

        Raises:
            ValueError: for other axes, or exchanged axes of different points or lengths.
        """
        grid = setting.grid
        axes = list(zip(grid.points, grid.length, strict=True))
        for element in self.generators:
            if len(element.space) != grid.dims:
                raise ValueError(
                    f"Expected a group that acts on {grid.dims} space axes, got one on {len(element.space)}."
                )
            for row, image in enumerate(element.space):
                if axes[[abs(entry) for entry in image].index(1)] != axes[row]:
                    raise ValueError(
                        f"The group exchanges axes of the grid {grid.points} of lengths {grid.length}: it needs the "
                        "same points and the same length on them."
                    )

    def __call__(
        self,
        network: Network,
        setting: Setting,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Parameters,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """What the network with the symmetry makes of the frames."""
        count = len(self.elements)
        moved = torch.cat([element(u) for element in self.elements])
        given = None if parameters is None else parameters.repeat(count, 1)
        images = network(moved, given).chunk(count)
        inverses: tuple[Element, ...] = self._inverses  # type: ignore[attr-defined]
        return torch.stack([inverse(v) for inverse, v in zip(inverses, images, strict=True)]).mean(0)

    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """Some elements of the group with their names, on which equivariance can be tried."""

        def by(element: Element) -> Trial:
            return lambda u, parameters, setting, out: (element(u), parameters)

        return tuple((f"x -> {g.space} x, u -> {g.channels} u", by(g)) for g in self.generators)

    def described(self) -> dict[str, Any]:
        """As JSON holds it."""
        elements = [
            {"space": [list(row) for row in g.space], "channels": [list(row) for row in g.channels]}
            for g in self.generators
        ]
        return {"symmetry": "finite", "generators": elements}


def closure(generators: Sequence[Element]) -> tuple[Element, ...]:
    """The group that elements generate, the identity first.

    Raises:
        ValueError: when there are more than 384 products.
    """
    first = generators[0]
    identity = Element(_integers(_identity(len(first.space))), _identity(len(first.channels)))
    elements, new = {_key(identity): identity}, [identity]
    while new:
        products = {_key(p): p for g in generators for h in new for p in (g.after(h),)}
        new = [element for key, element in products.items() if key not in elements]
        elements |= {_key(element): element for element in new}
        if len(elements) > _LARGEST:
            raise ValueError(
                f"Expected elements that generate at most {_LARGEST} others, and these give more: a power of every "
                "matrix on the channels must be the identity."
            )
    return tuple(elements.values())


def _inverse(element: Element, elements: Sequence[Element]) -> Element:
    return next(other for other in elements if _key(other.after(element)) == _key(elements[0]))


def _key(element: Element) -> tuple[object, ...]:
    channels = tuple(tuple(round(entry, _DIGITS) + 0.0 for entry in row) for row in element.channels)
    return element.space, channels


def _product(a: Matrix, b: Matrix) -> Matrix:
    return tuple(
        tuple(float(sum(x * y for x, y in zip(row, column, strict=True))) for column in zip(*b, strict=True))
        for row in a
    )


def _identity(size: int) -> Matrix:
    return tuple(tuple(float(row == column) for column in range(size)) for row in range(size))


def _integers(matrix: Matrix) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(entry) for entry in row) for row in matrix)
