"""The superposition of a linear or linearisable equation, as a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, parse_expression
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.vector_field import TIME, VectorField, variable


@dataclass(frozen=True)
class SuperpositionIdeal:
    """The ideal {α(t, x) g(u) ∂_u : α solves a linear equation}, of infinite dimension.

    Attributes:
        direction: "alpha*d_u", or "alpha*exp(-u)*d_u".
        equation: what α satisfies, "alpha_t = nu*alpha_xx".
        factors: g for each field.
        members: a basis of those in the ansatz.
    """

    direction: str
    equation: str
    factors: tuple[sympy.Expr, ...]
    members: tuple[Generator, ...]

    def left_out(self, vector_field: VectorField) -> VectorField:
        """The vector field without its terms of the form α(t, x) g(u) ∂_u, whether α solves the equation or not."""
        dims, unknowns = len(vector_field.coordinates), set(map(variable, vector_field.fields))
        components = list(vector_field.components)
        for place, factor in enumerate(self.factors, start=dims + 1):
            kept = [
                term
                for term in sympy.Add.make_args(sympy.expand(components[place]))
                if sympy.cancel(term / factor).free_symbols & unknowns
            ]
            components[place] = sympy.Add(*kept)
        return VectorField.of_components(
            vector_field.coordinates, vector_field.fields, components, vector_field.parameters
        )

    def __str__(self) -> str:
        return f"{self.direction} with {self.equation}"

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold; `members` are generators in the parameters."""
        parameters = dict.fromkeys(name for v in self.members for name in v.parameters)
        return {
            "direction": self.direction,
            "equation": self.equation,
            "factors": [str(factor) for factor in self.factors],
            "members": [v.vector_field.text for v in self.members],
            "parameters": list(parameters),
        }

    @classmethod
    def from_json(
        cls, data: Mapping[str, Any], coordinates: Sequence[str], fields: Sequence[str]
    ) -> "SuperpositionIdeal":
        """The ideal that `to_json` wrote.

        Raises:
            ExpressionError: (a ValueError) for text that cannot be read.
        """
        parameters = data["parameters"]
        names = {name: variable(name) for name in (*coordinates, TIME, *fields, *parameters)} | CONSTANTS
        return cls(
            data["direction"],
            data["equation"],
            tuple(parse_expression(factor, names, ELEMENTARY) for factor in data["factors"]),
            tuple(Generator(text, fields, coordinates, parameters) for text in data["members"]),
        )


def direction_text(fields: tuple[str, ...], factors: tuple[sympy.Expr, ...], name: str) -> str:
    """The general member of an ideal as text."""
    if len(fields) == 1:
        return f"{name}*d_{fields[0]}" if factors[0] == 1 else f"{name}*{factors[0]}*d_{fields[0]}"
    return " + ".join(f"{name}{i}*d_{field}" for i, field in enumerate(fields, start=1))
