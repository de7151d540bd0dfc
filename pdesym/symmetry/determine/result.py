"""What `determine` hands back."""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import sympy

from pdesym.symmetry.algebra import CLOSED, Algebra, Closure
from pdesym.symmetry.algebra_text import latex_vector_field
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.library import Library
from pdesym.symmetry.span import combinations_of
from pdesym.symmetry.vector_field import Number, VectorField, exact, variable


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


_DERIVATIVE = re.compile(r"Derivative\(f\(t\), (?:t|\(t, (\d+)\))\)")


def _primes(match: re.Match[str]) -> str:
    return "f" + "'" * int(match[1] or 1) + "(t)"


@dataclass(frozen=True)
class Special:
    """A value of a parameter at which there are other symmetries.

    Attributes:
        name: of the parameter.
        value: a number, or an expression in the other parameters.
        algebra: the finite part there, or None where it was not determined.
        ideal: the superposition there.
        families: symmetries with arbitrary functions of time there.
        note: why there is no algebra, or "".
    """

    name: str
    value: sympy.Expr
    algebra: Algebra | None
    ideal: SuperpositionIdeal | None = None
    families: tuple[Family, ...] = ()
    note: str = ""

    @property
    def condition(self) -> str:
        """Such as "m = -4/3"."""
        return f"{self.name} = {self.value}"

    def __str__(self) -> str:
        if self.algebra is None:
            return f"{self.condition}: {self.note}"
        if (closure := float(_closure(self.algebra, self.ideal, self.families))) > CLOSED:
            count = self.algebra.dimension + len(self.families)
            return f"{self.condition}: {count} in the ansatz, not closed (closure {closure:.2g}), most likely infinite"
        lines = _lines(self.algebra, self.ideal, self.families)
        return "\n".join([f"{self.condition}:", *(f"  {line}" for line in lines)])


@dataclass(frozen=True)
class Determined:
    """The Lie point symmetries of an equation, among vector fields of an ansatz, exactly.

    Attributes:
        equation: its text.
        algebra: the finite part.
        ideal: the superposition of a linear or linearisable equation, apart from it.
        families: symmetries with arbitrary functions of time, apart from it.
        special: values of parameters with other symmetries; the algebra holds for all others.
        library: the vector fields of the ansatz: times any function of t each, or as given with constants.
        degree: of the polynomials in x and u, or None for a library that was given.
    """

    equation: str
    algebra: Algebra
    ideal: SuperpositionIdeal | None
    families: tuple[Family, ...]
    special: tuple[Special, ...]
    library: Library
    degree: int | None

    @property
    def dimension(self) -> int:
        """Of the finite part."""
        return self.algebra.dimension

    @property
    def closure(self) -> Closure:
        """Of the finite part, up to members of the ideal and the families."""
        return _closure(self.algebra, self.ideal, self.families)

    def at(self, **values: Number) -> Algebra:
        """The finite part with values for some of the parameters, the special one where they are special.

        Raises:
            ValueError: for a name that is no parameter, and where the symmetries were not determined.
        """
        numbers = {variable(name): exact(value) for name, value in values.items()}
        for special in self.special:
            given = numbers.get(variable(special.name))
            if given is not None and sympy.cancel(special.value.subs(numbers) - given) == 0:
                if special.algebra is None:
                    raise ValueError(f"The symmetries at {special.condition} are not determined: {special.note}")
                rest = {name: value for name, value in values.items() if name in special.algebra.parameters}
                return special.algebra.at(**rest)
        return self.algebra.at(**{name: x for name, x in values.items() if name in self.algebra.parameters})

    def __str__(self) -> str:
        lines = [self.equation, *_lines(self.algebra, self.ideal, self.families)]
        for special in self.special:
            lines += str(special).splitlines()
        return "\n".join(lines)

    def latex(self) -> str:
        """The basis in LaTeX, and after it the families."""
        parts = [self.algebra.latex(), *(latex_vector_field(family.vector_field) for family in self.families)]
        return r",\quad ".join(parts)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def html(self) -> str:
        """The algebra as tables of HTML."""
        return self.algebra.html()

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold: the algebra's own keys, and the equation, the ideal, the families and special values."""
        return {
            "equation": self.equation,
            **self.algebra.to_json(),
            "ideal": _ideal_json(self.ideal),
            "families": [str(family) for family in self.families],
            "special": [
                {
                    "condition": special.condition,
                    "families": [str(family) for family in special.families],
                    "algebra": special.algebra.to_json() if special.algebra else None,
                    "ideal": _ideal_json(special.ideal),
                    "note": special.note,
                }
                for special in self.special
            ],
            "degree": self.degree,
        }


def _closure(algebra: Algebra, ideal: SuperpositionIdeal | None, families: tuple[Family, ...]) -> Closure:
    if algebra.closure == 0:
        return algebra.closure
    members = [v for family in families for v in family.members]
    if ideal is not None:
        # A bracket is a symmetry, so what is left of it beside the basis belongs to the ideal where it has its form.
        brackets = [v.bracket(w).vector_field for v, w in combinations(algebra, 2)]
        basis = [ideal.left_out(v.vector_field) for v in (*algebra, *members)]
        if None not in combinations_of(basis, [ideal.left_out(bracket) for bracket in brackets]):
            return sympy.Integer(0)
        members += ideal.members
    return algebra.modulo(members) if members else algebra.closure


def _lines(algebra: Algebra, ideal: SuperpositionIdeal | None, families: tuple[Family, ...]) -> list[str]:
    lines = str(algebra).splitlines()
    if (closure := float(_closure(algebra, ideal, families))) > CLOSED:
        lines.append(
            f"  not closed under brackets (closure {closure:.2g}): part of an algebra larger than the ansatz, most "
            "likely of infinite dimension"
        )
    if ideal:
        lines.append(f"  and the superposition {ideal}")
    return lines + [f"  and {family}" for family in families]


def _ideal_json(ideal: SuperpositionIdeal | None) -> dict[str, Any] | None:
    if ideal is None:
        return None
    members = [v.vector_field.text for v in ideal.members]
    return {"direction": ideal.direction, "equation": ideal.equation, "members": members}


def direction_text(fields: tuple[str, ...], factors: tuple[sympy.Expr, ...], name: str) -> str:
    """The general member of an ideal as text."""
    if len(fields) == 1:
        return f"{name}*d_{fields[0]}" if factors[0] == 1 else f"{name}*{factors[0]}*d_{fields[0]}"
    return " + ".join(f"{name}{i}*d_{field}" for i, field in enumerate(fields, start=1))
