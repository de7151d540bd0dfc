"""Auxiliary fields in Fourier space: ψ̂ = (B/A) û from relations A(ψ) = B(fields)."""

from collections.abc import Callable, Sequence

from torch import Tensor

from pdesym.solvers.declaration import Constraint
from pdesym.solvers.jets import Linear


def auxiliary_multipliers(
    constraints: Sequence[Constraint],
    fields: int,
    symbol: Callable[[Linear], Tensor],
    inverse: Callable[[Constraint], Tensor],
) -> list[dict[int, Tensor]]:
    """For each auxiliary field the multipliers of the evolving fields whose sum it is, by field.

    Args:
        constraints: the relations, in an order in which each uses those before it.
        fields: the number of evolving fields.
        symbol: the Fourier symbol of an operator.
        inverse: 1/A of a relation, 0 where A vanishes.
    """
    result: list[dict[int, Tensor]] = []
    for constraint in constraints:
        multipliers: dict[int, Tensor] = {}
        over_a = inverse(constraint)
        for field, operator in enumerate(constraint.sources):
            if not operator:
                continue
            factor = symbol(operator) * over_a
            for base, before in on_evolving(field, fields, result).items():
                term = factor if before is None else factor * before
                multipliers[base] = multipliers[base] + term if base in multipliers else term
        result.append(multipliers)
    return result


def on_evolving(field: int, fields: int, multipliers: Sequence[dict[int, Tensor]]) -> dict[int, Tensor | None]:
    """A field by the evolving ones: itself, or its multipliers when it is auxiliary."""
    return {field: None} if field < fields else dict(multipliers[field - fields])
