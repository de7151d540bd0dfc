"""What the structure constants of a Lie algebra say about it.

Everything here is linear algebra in coordinates: an element x is a row, [x, y]ₖ = Σᵢⱼ xᵢ yⱼ cᵢⱼᵏ. Exact constants stay
exact; floats take a relative tolerance of 1e-8 (Humphreys, Introduction to Lie Algebras and Representation
Theory, §3-5).
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import sympy

from pdesym.symmetry.span import field_matrix

Constant: TypeAlias = sympy.Expr | float
Constants: TypeAlias = tuple[tuple[tuple[Constant, ...], ...], ...]
"""cᵢⱼᵏ as constants[i][j][k]: sympy numbers, or floats throughout."""
Row: TypeAlias = tuple[Constant, ...]

_TOLERANCE = 1e-8


def derived_series(constants: Constants) -> tuple[int, ...]:
    """Dimensions of g, [g, g], [[g, g], [g, g]], … down to the first that repeats or is 0."""
    return _series(constants, lambda last, _: (last, last))


def lower_central_series(constants: Constants) -> tuple[int, ...]:
    """Dimensions of g, [g, g], [g, [g, g]], … down to the first that repeats or is 0."""
    return _series(constants, lambda last, whole: (whole, last))


def killing_form(constants: Constants) -> tuple[tuple[Constant, ...], ...]:
    """K(v_i, v_j) = tr(ad v_i ad v_j) = Σ_kl c_ikˡ c_jlᵏ."""
    n = range(len(constants))
    return tuple(tuple(_sum(constants[i][k][m] * constants[j][m][k] for k in n for m in n) for j in n) for i in n)


def center(constants: Constants) -> tuple[Row, ...]:
    """A basis of the elements whose bracket with every element is 0."""
    n = len(constants)
    equations = [[constants[i][j][k] for i in range(n)] for j in range(n) for k in range(n)]
    return _null_space(equations, n)


def is_solvable(constants: Constants) -> bool:
    """Whether the derived series ends at 0."""
    return derived_series(constants)[-1] == 0


def is_nilpotent(constants: Constants) -> bool:
    """Whether the lower central series ends at 0."""
    return lower_central_series(constants)[-1] == 0


def is_semisimple(constants: Constants) -> bool:
    """Whether the Killing form is not degenerate (Cartan's criterion)."""
    return bool(constants) and killing_rank(constants) == len(constants)


def killing_rank(constants: Constants) -> int:
    """The rank of the Killing form: 0 for a nilpotent algebra, the dimension for a semisimple one."""
    return len(_independent(killing_form(constants)))


def bracket(x: Row, y: Row, constants: Constants) -> Row:
    """[x, y] in coordinates."""
    n = range(len(constants))
    pairs = [(i, j) for i in n for j in n if x[i] != 0 and y[j] != 0]
    return tuple(_sum(x[i] * y[j] * constants[i][j][k] for i, j in pairs) for k in n)


def _series(constants: Constants, factors) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
    whole = _unit_rows(len(constants))
    last, dimensions = whole, [len(whole)]
    while last:
        first, second = factors(last, whole)
        last = _independent([bracket(x, y, constants) for x in first for y in second])
        dimensions.append(len(last))
        if dimensions[-1] == dimensions[-2]:
            break
    return tuple(dimensions)


def _unit_rows(n: int) -> tuple[Row, ...]:
    return tuple(tuple(sympy.Integer(i == j) for j in range(n)) for i in range(n))


def _sum(terms) -> Constant:  # type: ignore[no-untyped-def]
    total = sum(terms, sympy.Integer(0))
    return sympy.cancel(total) if isinstance(total, sympy.Expr) and total.free_symbols else total


def is_exact(rows: Sequence[Sequence[Constant]]) -> bool:
    """Whether no entry is a float."""
    return not any(isinstance(entry, float) or getattr(entry, "is_Float", False) for row in rows for entry in row)


def _independent(rows: Sequence[Sequence[Constant]]) -> tuple[Row, ...]:
    """A basis of the span of some rows."""
    rows = [row for row in rows if any(entry != 0 for entry in row)]
    if not rows:
        return ()
    if is_exact(rows):
        reduced, pivots = field_matrix([e for row in rows for e in row], len(rows), len(rows[0])).rref()
        return tuple(tuple(line) for line in reduced.to_Matrix()[: len(pivots), :].tolist())
    _, values, right = np.linalg.svd(np.array(rows, dtype=np.float64), full_matrices=False)
    return tuple(tuple(line) for line in right[values > _TOLERANCE * max(values[0], 1.0)].tolist())


def _null_space(rows: Sequence[Sequence[Constant]], columns: int) -> tuple[Row, ...]:
    rows = [row for row in rows if any(entry != 0 for entry in row)]
    if not rows:
        return _unit_rows(columns)
    if is_exact(rows):
        matrix = field_matrix([e for row in rows for e in row], len(rows), columns)
        return tuple(tuple(line) for line in matrix.nullspace(divide_last=True).to_Matrix().tolist())
    _, values, right = np.linalg.svd(np.array(rows, dtype=np.float64))
    rank = int((values > _TOLERANCE * max(values[0], 1.0)).sum())
    return tuple(tuple(line) for line in right[rank:].tolist())
