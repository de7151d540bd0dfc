"""Sparse polynomials with rational coefficients and exponents of either sign: {exponents: coefficient}.

Exponents are whole numbers or fractions, so that 1/u and sqrt(u) are monomials and need no relation.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TypeAlias

Exponents: TypeAlias = tuple[int | Fraction, ...]
Polynomial: TypeAlias = dict[Exponents, int | Fraction]


def add_into(total: Polynomial, other: Polynomial, factor: int | Fraction = 1) -> None:
    """total += factor · other."""
    for exponents, coefficient in other.items():
        _add(total, exponents, factor * coefficient)


def _add(total: Polynomial, exponents: Exponents, amount: int | Fraction) -> None:
    """total += amount · the monomial; what becomes 0 leaves."""
    value = total.get(exponents, 0) + amount
    if value:
        total[exponents] = value
    else:
        del total[exponents]


def product(first: Polynomial, second: Polynomial) -> Polynomial:
    """first · second."""
    if len(first) > len(second):
        first, second = second, first
    total: Polynomial = {}
    for a, x in first.items():
        for b, y in second.items():
            _add(total, tuple(map(_plus, a, b)), x * y)
    return total


def total_of(parts: Iterable[Polynomial]) -> Polynomial:
    """The sum of several."""
    total: Polynomial = {}
    for part in parts:
        add_into(total, part)
    return total


def derived(polynomial: Polynomial, image: Callable[[int], Polynomial | None]) -> Polynomial:
    """The derivation that sends generator i to image(i), None for 0: Σᵢ ∂p/∂gᵢ · image(i)."""
    total: Polynomial = {}
    for exponents, coefficient in polynomial.items():
        for index, exponent in enumerate(exponents):
            if not exponent:
                continue
            step = image(index)
            if step is None:
                continue
            lowered = (*exponents[:index], exponent - 1, *exponents[index + 1 :])
            weight = coefficient * exponent
            for other, factor in step.items():
                _add(total, tuple(map(_plus, lowered, other)), weight * factor)
    return total


def monomial(size: int, entries: Sequence[tuple[int, int | Fraction]]) -> Polynomial:
    """The product of some generators, each to its exponent."""
    exponents: list[int | Fraction] = [0] * size
    for index, exponent in entries:
        exponents[index] += exponent
    return {tuple(map(whole, exponents)): 1}


def whole(number: int | Fraction) -> int | Fraction:
    """A fraction that is a whole number as an int."""
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 else number


def _plus(a: int | Fraction, b: int | Fraction) -> int | Fraction:
    total = a + b
    return total if type(total) is int else whole(total)
