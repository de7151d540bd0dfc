"""Symmetries with an arbitrary function of time, as a result."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from pdesym.solvers.expression import ELEMENTARY
from pdesym.solvers.jets import TIME
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.generator_text import parse_generator
from pdesym.symmetry.vector_field import VectorField

_F = sympy.Function("f")


@dataclass(frozen=True)
class Family:
    """Symmetries with an arbitrary function f of time.

    Attributes:
        vector_field: with f(t) and its derivatives in the coefficients.
        members: those for f = 1, t and t².
    """

    vector_field: VectorField
    members: tuple[Generator, ...]

    def __str__(self) -> str:
        return f"{_DERIVATIVE.sub(_primes, self.vector_field.text)} with any function f(t)"

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold; in `vector_field` stands f(t, n) for the n-th derivative of f."""
        plain = [c.replace(sympy.Derivative, _by_order) for c in self.vector_field.components]
        v = self.vector_field
        return {
            "text": str(self),
            "vector_field": VectorField.of_components(v.coordinates, v.fields, plain, v.parameters).text,
            "members": [member.vector_field.text for member in self.members],
            "parameters": list(v.parameters),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], coordinates: Sequence[str], fields: Sequence[str]) -> "Family":
        """The family that `to_json` wrote.

        Raises:
            ExpressionError: (a ValueError) for text that cannot be read.
        """
        parameters = tuple(data["parameters"])
        functions = ELEMENTARY | {"f": _derivative}
        vector_field = parse_generator(data["vector_field"], tuple(coordinates), tuple(fields), parameters, functions)
        return cls(vector_field, tuple(Generator(text, fields, coordinates, parameters) for text in data["members"]))


_DERIVATIVE = re.compile(r"Derivative\(f\(t\), (?:t|\(t, (\d+)\))\)")


def _primes(match: re.Match[str]) -> str:
    return "f" + "'" * int(match[1] or 1) + "(t)"


def _by_order(function: sympy.Expr, *orders: sympy.Tuple) -> sympy.Expr:
    """f(t, n) in place of the n-th derivative."""
    return _F(TIME, sum(order for _, order in orders))


def _derivative(time: sympy.Expr, order: sympy.Expr | int = 0) -> sympy.Expr:
    """The derivative of f that f(t, n) stands for."""
    return _F(time).diff(time, order)
