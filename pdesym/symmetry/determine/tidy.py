"""A basis of symmetries as one would write it."""

from collections.abc import Sequence

import sympy

from pdesym.symmetry.span import Key, coordinates_of
from pdesym.symmetry.vector_field import VectorField


def tidied(vector_fields: Sequence[VectorField]) -> tuple[VectorField, ...]:
    """Each times a constant that clears denominators and common factors, the first sign positive; simple ones first."""
    return tuple(sorted((_scaled(v) for v in vector_fields), key=_order))


def _scaled(vector_field: VectorField) -> VectorField:
    components = [_plain(c) for c in vector_field.components]
    vector_field = VectorField.of_components(
        vector_field.coordinates, vector_field.fields, components, vector_field.parameters
    )
    keys, (row,) = coordinates_of([vector_field])
    if not keys:
        return vector_field
    parts = [sympy.fraction(sympy.together(constant)) for constant in row.values()]
    common = sympy.lcm_list([denominator for _, denominator in parts])
    content = sympy.gcd_list([sympy.cancel(constant * common) for constant in row.values()])
    factor = common / content
    left = [sympy.radsimp(constant * factor) for constant in row.values()]
    if all(not c.is_Rational and c.is_number for c in left):
        factor = factor / left[0]
        ratios = [sympy.radsimp(c / left[0]) for c in left]
        if all(ratio.is_Rational for ratio in ratios):
            factor *= sympy.ilcm(*(ratio.q for ratio in ratios))
    first = row[min(keys, key=lambda key: (key[0], _weight(key)))]
    if sympy.cancel(first * factor).could_extract_minus_sign():
        factor = -factor
    return vector_field.scaled(sympy.cancel(factor))


def _plain(coefficient: sympy.Expr) -> sympy.Expr:
    """exp(a log b) as b**a, which is what solving in time leaves."""
    powers = coefficient.replace(
        lambda e: isinstance(e, sympy.exp) and e.args[0].has(sympy.log),
        lambda e: sympy.Mul(*(_power(term) for term in sympy.Add.make_args(sympy.expand(e.args[0])))),
    )
    return sympy.expand(powers)


def _power(term: sympy.Expr) -> sympy.Expr:
    exponent, logarithm = term.as_independent(sympy.log, as_Add=False)
    return logarithm.args[0] ** exponent if isinstance(logarithm, sympy.log) else sympy.exp(term)


def _weight(key: Key) -> tuple[int, str]:
    return (key[1].count_ops() + len(key[1].free_symbols), str(key[1]))


def _order(vector_field: VectorField) -> tuple[int, int, str]:
    _, (row,) = coordinates_of([vector_field])
    return (sum(1 + _weight(key)[0] for key in row), min((key[0] for key in row), default=0), vector_field.text)
