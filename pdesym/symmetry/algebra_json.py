"""Lie algebras of generators as what JSON can hold."""

from typing import TYPE_CHECKING, Any

import sympy

from pdesym.symmetry import structure
from pdesym.symmetry.structure import Constant, Constants

if TYPE_CHECKING:
    from pdesym.symmetry.algebra import Algebra


def algebra_json(algebra: "Algebra") -> dict[str, Any]:
    """Generators, brackets, and what they say about the algebra.

    Keys: dimension, coordinates, fields, parameters; generators, as text; structure_constants, cᵢⱼᵏ as [i][j][k], null
    for a space that is not closed and has parameters without a value; closure, exactly 0 for a closed one; structure,
    null for a space that is not closed; outside, the pairs [i, j], i < j from 0, whose bracket leaves the span and has
    the constants of the nearest combination. Exact numbers are integers or text such as "1/2", others are floats.
    """
    nearest = algebra.closure == 0 or not algebra.parameters
    constants = algebra.structure_constants if nearest else None
    return {
        "dimension": algebra.dimension,
        "coordinates": list(algebra.coordinates),
        "fields": list(algebra.fields),
        "parameters": list(algebra.parameters),
        "generators": [v.vector_field.text for v in algebra.basis],
        "structure_constants": _constants_json(constants),
        "outside": [list(pair) for pair in algebra.outside],
        "closure": plain(algebra.closure),
        "structure": structure_json(algebra, constants) if constants is not None and algebra.is_closed() else None,
    }


def structure_json(algebra: "Algebra", constants: Constants) -> dict[str, Any]:
    """Whether a closed algebra is solvable, nilpotent, semisimple, and the numbers behind that."""
    return {
        "solvable": algebra.is_solvable,
        "nilpotent": algebra.is_nilpotent,
        "semisimple": algebra.is_semisimple,
        "derived_series": list(algebra.derived_series),
        "lower_central_series": list(algebra.lower_central_series),
        "killing_rank": structure.killing_rank(constants),
        "center": [v.vector_field.text for v in algebra.center],
    }


def plain(constant: Constant) -> int | float | str:
    """A number as JSON can hold it: exact ones as integers or as text such as "1/2"."""
    if isinstance(constant, sympy.Integer):
        return int(constant)
    return float(constant) if isinstance(constant, float) else str(constant)


def _constants_json(constants: Constants | None) -> list[list[list[int | float | str]]] | None:
    return None if constants is None else [[[plain(c) for c in row] for row in rows] for rows in constants]
