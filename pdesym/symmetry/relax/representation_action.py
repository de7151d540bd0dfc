"""Finite groups acting on vectors by a representation, and representations restricted to subgroups."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.finite_elements import finite_elements
from pdesym.symmetry.enforce.group import MatrixGroup, Word
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.relax.cyclic import require_entries
from pdesym.symmetry.relax.finite_action import FiniteAction, digest

_EQUAL = 1e-6


class RepresentationAction(FiniteAction):
    """g ↦ ρ(g) x on the last axis, for a finite group of matrices; its elements have the same indices for every ρ.

    Args:
        representation: ρ.

    Raises:
        ValueError: for a group with generators of a Lie algebra, or of more than 1000 elements; from a call, for
            vectors of another size.
    """

    def __init__(self, representation: Representation):
        group = representation.group
        if len(group.lie_algebra):
            raise ValueError(f"Expected a finite group, got {group.name} with {len(group.lie_algebra)} generators.")
        self.representation = representation
        self.words = tuple(finite_elements(group))
        """The elements as words, in the order of their indices."""
        elements = torch.stack([group.vector.matrix(word) for word in self.words])
        rows = []
        for g in elements:
            distances = (elements.unsqueeze(1) - g @ elements).abs().amax((-2, -1))
            rows.append((distances < _EQUAL).to(torch.int8).argmax(0))
        super().__init__(torch.stack(rows))
        self.matrices = torch.stack([representation.matrix(word) for word in self.words])
        """ρ of every element."""

    def __repr__(self) -> str:
        """The group and its number of elements, and a digest of their matrices."""
        name = self.representation.group.name
        return f"{type(self).__qualname__}({name}, {len(self)} elements, {digest(self.matrices)})"

    def image(self, index: int, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """ρ(g) x of all samples."""
        require_entries(x, self.representation.dimension)
        return x @ self.matrices[index].T.to(x)


def subgroup(group: MatrixGroup, generators: Sequence[Word]) -> MatrixGroup:
    """The subgroup K that some elements of a finite group generate; {e} for none."""
    matrices = [group.vector.matrix(word) for word in generators]
    discrete = torch.stack(matrices) if matrices else group.discrete[:0]
    return MatrixGroup(group.lie_algebra[:0], discrete, f"subgroup of {group.name}")


def restricted(representation: Representation, to: MatrixGroup, generators: Sequence[Word]) -> Representation:
    """ρ as a representation of the subgroup that these elements generate, summand by summand."""
    parts = []
    for part in representation.parts:
        images = [part.matrix(word) for word in generators]
        size = part.dimension
        none = to.discrete.new_zeros(0, size, size)
        parts.append(to.representation(none, torch.stack(images) if images else none, "restricted"))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
