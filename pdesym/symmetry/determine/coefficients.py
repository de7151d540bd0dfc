"""The field of rational functions of constants and of time, in which determining equations are solved."""

from fractions import Fraction
from typing import Any, TypeAlias

import sympy
from sympy.polys.domains import QQ
from sympy.polys.fields import FracField
from sympy.polys.orderings import lex

from pdesym.symmetry.determine.jet_ring import JetRing
from pdesym.symmetry.determine.polynomial import Polynomial

Element: TypeAlias = Any
"""A fraction, or an element of a sympy field of fractions: they know + - * / and == 0."""


class CoefficientField:
    """Q(constants, t, functions of t alone), with d/dt.

    Args:
        ring: whose generators without x, u and derivatives make up the field.
        with_time: whether t and functions of t belong to it; else constants alone.

    Raises:
        ValueError: for functions of time that are no transcendental generators, such as sin(t) beside cos(t).
    """

    def __init__(self, ring: JetRing, with_time: bool):
        self.ring = ring
        constants = list(range(len(ring.constants)))
        self.places: tuple[int, ...] = tuple(constants)
        self._images: dict[int, Element] = {}
        if with_time:
            atoms = [(atom, place) for atom, place in ring.atom_places.items() if self._is_of_time(place)]
            moving = self._time_occurs(ring)
            timed = [ring.time] if moving else []
            for atom, _ in atoms:
                if atom.kind not in ("base", "power", "exp", "log"):
                    raise ValueError(
                        f"With {atom.expression} in the equation its symmetries are not looked for as functions of t: "
                        "pass library=Library.of_terms([...]) with the functions of t that they may contain."
                    )
            free = [place for atom, place in atoms if atom.kind != "base"]
            self.places = (*constants, ring.time, *(place for _, place in atoms))
            generators = [*constants, *timed, *free]
        else:
            generators = constants
        self._generators = generators
        self._names = [sympy.Dummy(str(ring.expressions[place])) for place in generators]
        self.field = FracField(tuple(self._names), QQ, lex) if generators else None
        if self.field is not None:
            self._images |= dict(zip(generators, self.field.gens, strict=True))
        self.one: Element = Fraction(1) if self.field is None else self.field.one
        self.zero: Element = Fraction(0) if self.field is None else self.field.zero
        if with_time:
            for atom, place in atoms:
                if atom.kind == "base":
                    self._images[place] = self.element(ring.element(atom.argument))
        self.timed = [place for place in generators if place >= ring.time]
        self._rates = [self._rate(place) for place in generators]

    def _time_occurs(self, ring: JetRing) -> bool:
        return any(exponents[ring.time] for side in ring.sides for exponents in side) or any(
            ring.expressions[ring.time] in atom.expression.free_symbols for atom in ring.atom_places
        )

    def _is_of_time(self, place: int) -> bool:
        symbols = self.ring.expressions[place].free_symbols
        inside = {self.ring.expressions[self.ring.time], *self.ring.constants}
        return bool(symbols <= inside)

    def _rate(self, place: int) -> Element:
        return self.element(self.ring.total_time(self.ring.generator(place)))

    def element(self, polynomial: Polynomial) -> Element:
        """A polynomial in the generators of the field.

        Raises:
            ValueError: for a root of a function of time.
        """
        total = self.zero
        for exponents, coefficient in polynomial.items():
            term = self.one * (
                coefficient if isinstance(coefficient, int) or self.field is None else _quotient(self, coefficient)
            )
            for place in self.places:
                if n := exponents[place]:
                    if isinstance(n, Fraction):
                        raise ValueError(
                            f"With the root of {self.ring.expressions[place]} in the equation its symmetries are not "
                            "looked for as functions of t: take another time, or pass library=Library.of_terms([...])."
                        )
                    term = term * self._images[place] ** n
            total = total + term
        return total

    def rate(self, element: Element) -> Element:
        """d/dt."""
        if not self.timed:
            return self.zero
        total = self.zero
        for generator, rate in zip(self.field.gens, self._rates, strict=True):  # type: ignore[union-attr]
            if rate:
                total = total + element.diff(generator) * rate
        return total

    def is_number(self, element: Element) -> bool:
        """Whether the element contains no generator."""
        return self.field is None or (element.numer.is_ground and element.denom.is_ground)

    def is_constant(self, element: Element) -> bool:
        """Whether the element does not depend on time."""
        if not self.timed:
            return True
        places = [i for i, place in enumerate(self._generators) if place in self.timed]
        return not any(m[i] for part in (element.numer, element.denom) for m in part for i in places)

    def size(self, element: Element) -> int:
        """The number of terms."""
        return 1 if self.field is None else len(element.numer) + len(element.denom)

    def expression(self, element: Element) -> sympy.Expr:
        """The element as a sympy expression."""
        if self.field is None:
            return sympy.Rational(element.numerator, element.denominator)
        values = {name: self.ring.expressions[place] for name, place in zip(self._names, self._generators, strict=True)}
        return element.as_expr().xreplace(values)

    def vanishing(self, element: Element) -> list[sympy.Expr]:
        """Polynomials in the constants, each of which makes the element vanish at all times where it does."""
        if self.is_number(element):
            return []
        timed = [name for name, place in zip(self._names, self._generators, strict=True) if place in self.timed]
        polynomial = element.numer.as_expr()
        content = sympy.Poly(polynomial, *timed).coeffs() if timed else [polynomial]
        values = {name: self.ring.expressions[place] for name, place in zip(self._names, self._generators, strict=True)}
        common = sympy.gcd_list(content).xreplace(values)
        constants = self.ring.constants
        factors = sympy.factor_list(common)[1] if common.free_symbols & set(constants) else []
        return [factor for factor, _ in factors]


def _quotient(field: CoefficientField, coefficient: int | Fraction) -> Element:
    return field.one * coefficient.numerator / coefficient.denominator
