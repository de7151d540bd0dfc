"""Linear algebra with vector fields: coordinates of a family in independent functions."""

from collections.abc import Sequence

import numpy as np
import sympy
from jaxtyping import Float
from sympy.polys.constructor import construct_domain
from sympy.polys.matrices import DomainMatrix

from pdesym.symmetry.vector_field import VectorField

Key = tuple[int, sympy.Expr]
"""A component of a vector field, and a function of its variables."""


def coordinates_of(vector_fields: Sequence[VectorField]) -> tuple[tuple[Key, ...], list[dict[Key, sympy.Expr]]]:
    """Constants by function, for a family of vector fields of the same variables.

    Each component is brought over one denominator for the whole family and expanded. What depends on no variable is a
    constant: numbers and parameters.

    Returns:
        The functions that occur, and for each vector field its constants by function.
    """
    variables = vector_fields[0].variables
    rows: list[dict[Key, sympy.Expr]] = [{} for _ in vector_fields]
    for component in range(len(variables)):
        family = [vector_field.components[component] for vector_field in vector_fields]
        for row, expression in zip(rows, over_one_denominator(family, variables), strict=True):
            for term in sympy.Add.make_args(expression):
                constant, function = term.as_independent(*variables, as_Add=False)
                key = (component, function)
                row[key] = row.get(key, sympy.Integer(0)) + constant
    rows = [{key: constant for key, constant in row.items() if constant != 0} for row in rows]
    return tuple(dict.fromkeys(key for row in rows for key in row)), rows


def over_one_denominator(family: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """The expressions times one function of the variables, the same for all, as sums without sums in denominators."""
    plain = [_expanded(expression) for expression in family]
    denominators = []
    for expression in plain:
        _, denominator = sympy.fraction(sympy.together(expression))
        denominators.append(sympy.Mul(*_sums(denominator, variables)))
    common = sympy.lcm_list(denominators) if any(d != 1 for d in denominators) else sympy.Integer(1)
    if common == 1:
        return plain
    return [_expanded(sympy.cancel(sympy.together(expression * common))) for expression in plain]


def _expanded(expression: sympy.Expr) -> sympy.Expr:
    """A sum of products in which sin(a)² is 1 − cos(a)² and cosh(a)² is 1 + sinh(a)²."""
    plain = sympy.expand(expression)
    if not plain.has(sympy.sin, sympy.cosh):
        return plain
    for one, other, sign in ((sympy.sin, sympy.cos, -1), (sympy.cosh, sympy.sinh, 1)):
        plain = plain.replace(
            lambda e, one=one: e.is_Pow and isinstance(e.base, one) and e.exp.is_Integer and e.exp > 1,
            lambda e, other=other, sign=sign: (
                (1 + sign * other(e.base.args[0]) ** 2) ** (e.exp // 2) * e.base ** (e.exp % 2)
            ),
        )
    return sympy.expand(plain)


def _sums(denominator: sympy.Expr, variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """The factors of a denominator that are powers of sums of the variables: all others stand in a term's function."""
    return [
        factor
        for factor in sympy.Mul.make_args(sympy.factor(denominator))
        if factor.as_base_exp()[0].is_Add and factor.has(*variables)
    ]


def exact_matrix(keys: Sequence[Key], rows: Sequence[dict[Key, sympy.Expr]]) -> DomainMatrix:
    """The constants as a matrix `(vector field, function)` over the smallest field that holds them."""
    flat = [row.get(key, sympy.Integer(0)) for row in rows for key in keys]
    return field_matrix(flat, len(rows), len(keys))


def field_matrix(entries: Sequence[sympy.Expr], rows: int, columns: int) -> DomainMatrix:
    """Constants row by row as a matrix over the smallest field that holds them."""
    domain, elements = construct_domain(entries or [sympy.Integer(0)], field=True)
    table = [list(elements[i * columns : (i + 1) * columns]) for i in range(rows)]
    return DomainMatrix(table, (rows, columns), domain)


def float_matrix(
    keys: Sequence[Key], rows: Sequence[dict[Key, sympy.Expr]]
) -> Float[np.ndarray, "vector_fields functions"]:
    """The constants in float64.

    Raises:
        ValueError: where a constant contains a parameter without a value.
    """
    try:
        table = [[float(row.get(key, 0)) for key in keys] for row in rows]
    except TypeError:
        raise ValueError(
            "The generators contain parameters without a value, and numbers are computed here: give values with "
            ".at(nu=...)."
        ) from None
    return np.array(table, dtype=np.float64).reshape(len(rows), len(keys))


def combinations_of(basis: Sequence[VectorField], wanted: Sequence[VectorField]) -> list[tuple[sympy.Expr, ...] | None]:
    """For each wanted vector field its constants in the basis, or None; one elimination for all."""
    n = len(basis)
    if not wanted:
        return []
    keys, rows = coordinates_of([*basis, *wanted])
    if not keys:
        return [(sympy.Integer(0),) * n for _ in wanted]
    # The columns of the basis come first, so a wanted column is a combination where no row of its own is a pivot.
    reduced, pivots = exact_matrix(keys, rows).transpose().rref()
    table = reduced.to_Matrix()
    result: list[tuple[sympy.Expr, ...] | None] = []
    for column in range(n, n + len(wanted)):
        outside = any(table[row, column] != 0 for row in range(n, len(pivots)))
        result.append(None if outside else tuple(table[row, column] for row in range(n)))
    return result
