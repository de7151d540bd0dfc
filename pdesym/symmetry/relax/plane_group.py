"""Rotations by right angles and reflections of fields."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.grid_element import Element, closure, identity_element
from pdesym.symmetry.grid_generators import SCALAR, axis_reflection, mirror, quarter_turn
from pdesym.symmetry.relax.finite_action import FiniteAction, digest


class PlaneGroup(FiniteAction):
    """The finite group that some (g u)(x) = M u(A⁻¹ x) generate, on fields `(batch, …, channel, *space)`.

    A is a signed permutation of the axes of a line, a plane or a box, M a matrix on the channels. Exact on the grid.
    Axes that A exchanges have the same points and lengths.

    Args:
        generators: elements; products of them are added until there are no more, the identity first.

    Raises:
        ValueError: for elements of different numbers of axes or channels, or a group of more than 384 elements.
    """

    def __init__(self, *generators: Element):
        self.elements = closure(generators)
        self.generators = generators
        places = {element.key: place for place, element in enumerate(self.elements)}
        super().__init__(torch.tensor([[places[g.after(h).key] for h in self.elements] for g in self.elements]))
        self._generator_places = [places[g.key] for g in generators]

    @classmethod
    def p4(cls, kinds: Sequence[str] = (SCALAR,)) -> "PlaneGroup":
        """Rotations of the square by right angles, 4 elements; `kinds` as in `pdesym.operators.p4`."""
        return cls(quarter_turn(kinds))

    @classmethod
    def p4m(cls, kinds: Sequence[str] = (SCALAR,)) -> "PlaneGroup":
        """Rotations and mirrors of the square, 8 elements; `kinds` as in `pdesym.operators.p4m`."""
        return cls(quarter_turn(kinds), mirror(kinds))

    @classmethod
    def reflection(cls, parities: Sequence[int] = (-1,), axis: int = 0, dims: int = 1) -> "PlaneGroup":
        """x → −x along one axis with u → parity · u for each field, 2 elements."""
        return cls(axis_reflection(parities, axis, dims))

    def __repr__(self) -> str:
        """The number of elements, and a digest of what they do to space and channels."""
        said = [
            digest(torch.tensor(matrices, dtype=torch.float64))
            for matrices in ([e.space for e in self.elements], [e.channels for e in self.elements])
        ]
        return f"{type(self).__qualname__}({len(self)} elements, space {said[0]}, channels {said[1]})"

    def image(self, index: int, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """g x of all samples."""
        element = self.elements[index]
        channels, dims = len(element.channels), len(element.space)
        if x.ndim < 2 + dims or x.shape[-dims - 1] != channels:
            raise ValueError(
                f"Expected fields (batch, …, {channels} channels, {dims} space axes), got shape {tuple(x.shape)}."
            )
        moved = element(x)
        if moved.shape != x.shape:
            raise ValueError(
                f"The group exchanges axes of space, got {tuple(x.shape[-dims:])} points on them: give as many on each."
            )
        return moved

    def on(self, *generators: Element) -> "PlaneGroup":
        """The same group, with the same indices, on fields of other channels.

        Args:
            generators: what each generator of this group does to those fields, in order.

        Raises:
            ValueError: for another number of them, or elements whose products are not those of this group.
        """
        if len(generators) != len(self.generators):
            raise ValueError(
                f"Expected {len(self.generators)} elements, one for each generator, got {len(generators)}."
            )
        images = {0: identity_element(len(generators[0].space), len(generators[0].channels))}
        while len(images) < len(self):
            for place, g in zip(self._generator_places, generators, strict=True):
                for known, h in list(images.items()):
                    images.setdefault(int(self.table[place, known]), g.after(h))
        for place, g in zip(self._generator_places, generators, strict=True):
            for known, h in images.items():
                if g.after(h).key != images[int(self.table[place, known])].key:
                    raise ValueError(
                        "Expected elements whose products are those of the group, got others: give what each of its "
                        f"generators, {[element.space for element in self.generators]}, does to these fields."
                    )
        other = PlaneGroup.__new__(PlaneGroup)
        FiniteAction.__init__(other, self.table)
        other.elements = tuple(images[place] for place in range(len(self)))
        other.generators, other._generator_places = generators, self._generator_places
        return other
