"""A basis of symmetries as one would write it."""

from collections.abc import Sequence

import sympy

from pdesym.symmetry.span import Key, coordinates_of
from pdesym.symmetry.vector_field import VectorField


def tidied(vector_fields: Sequence[VectorField]) -> tuple[VectorField, ...]:
    """Each times a constant that clears denominators and common factors, the first sign positive; simple ones first."""
    return tuple(sorted((_scaled(v) for v in vector_fields), key=_order))


def _scaled(vector_field: VectorField) -> VectorField:
    components = [sympy.expand(sympy.expand_power_base(c)) for c in vector_field.components]
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
    roots = [c for c in row.values() if c.is_number and not c.is_Rational]
    if len(roots) == len(row):
        factor = factor / roots[0] * abs(sympy.Rational(sympy.cancel(roots[0] ** 2)))
    first = row[min(keys, key=lambda key: (key[0], _weight(key)))]
    if sympy.cancel(first * factor).could_extract_minus_sign():
        factor = -factor
    return vector_field.scaled(sympy.cancel(factor))


def _weight(key: Key) -> tuple[int, str]:
    return (key[1].count_ops() + len(key[1].free_symbols), str(key[1]))


def _order(vector_field: VectorField) -> tuple[int, int, str]:
    keys, (row,) = coordinates_of([vector_field])
    return (sum(1 + _weight(key)[0] for key in row), min((key[0] for key in row), default=0), vector_field.text)
