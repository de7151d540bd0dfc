"""Direct sums by kind of summand, so that a null space is computed once for each pair of kinds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.enforce.representation import Representation


@dataclass(frozen=True, eq=False)
class Kinds:
    """The different summands of a direct sum, how often each occurs, and where.

    Entry i of a vector of the sum is entry `position[i]` of the vector in which summands of one kind stand together.
    """

    kinds: tuple[Representation, ...]
    counts: tuple[int, ...]
    position: Int[Tensor, " d"]

    @property
    def sizes(self) -> tuple[int, ...]:
        """For each kind, how much of the dimension it takes up."""
        return tuple(count * kind.dimension for kind, count in zip(self.kinds, self.counts, strict=True))


def kinds_of(representation: Representation) -> Kinds:
    """The summands sorted by kind, kinds in the order of their first occurrence."""
    kinds = list(dict.fromkeys(representation.parts))
    numbers = [kinds.index(part) for part in representation.parts]
    counts = [numbers.count(number) for number in range(len(kinds))]
    starts, total = [], 0
    for kind, count in zip(kinds, counts, strict=True):
        starts.append(total)
        total += kind.dimension * count
    position = []
    for number in numbers:
        position.append(torch.arange(starts[number], starts[number] + kinds[number].dimension))
        starts[number] += kinds[number].dimension
    return Kinds(tuple(kinds), tuple(counts), torch.cat(position))


def assembled(
    blocks: Sequence[Sequence[Float[Tensor, "*batch _ _"]]],
    rows: Int[Tensor, " d_out"],
    columns: Int[Tensor, " d_in"],
) -> Float[Tensor, "*batch d_out d_in"]:
    """The matrix with blocks[b][a] for kind b of the output and kind a of the input, in the order of the sums."""
    grouped = torch.cat([torch.cat(tuple(row), -1) for row in blocks], -2)
    return grouped.index_select(-2, rows).index_select(-1, columns)


def combined(
    coefficients: Float[Tensor, "*batch copies_out copies_in r"], basis: Float[Tensor, "r *inner d_out d_in"]
) -> Float[Tensor, "*total"]:
    """Σ_r c_r B_r for every pair of copies, `(*batch, *inner, copies_out d_out, copies_in d_in)`."""
    *batch, copies_out, copies_in, r = coefficients.shape
    *inner, d_out, d_in = basis.shape[1:]
    product = (
        coefficients.reshape(math.prod(coefficients.shape[:-1]), r) @ basis.reshape(r, math.prod(basis.shape[1:]))
    ).reshape(math.prod(batch), copies_out, copies_in, math.prod(inner), d_out, d_in)
    return product.permute(0, 3, 1, 4, 2, 5).reshape(*batch, *inner, copies_out * d_out, copies_in * d_in)
