"""What `determine` hands back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import sympy

from pdesym.solvers.expression import ELEMENTARY, parse_expression, tokenize
from pdesym.symmetry.algebra import CLOSED, Algebra, Closure
from pdesym.symmetry.algebra_json import plain
from pdesym.symmetry.algebra_text import latex_vector_field
from pdesym.symmetry.determine.family import Family
from pdesym.symmetry.determine.ideal import SuperpositionIdeal
from pdesym.symmetry.library import Library
from pdesym.symmetry.span import combinations_of
from pdesym.symmetry.vector_field import Number, exact, variable


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

    @cached_property
    def closure(self) -> Closure | None:
        """Of the algebra, up to members of the ideal and the families; None where there is no algebra."""
        return None if self.algebra is None else _closure(self.algebra, self.ideal, self.families)

    def __str__(self) -> str:
        if self.algebra is None or self.closure is None:
            return f"{self.condition}: {self.note}"
        if (closure := float(self.closure)) > CLOSED:
            count = self.algebra.dimension + len(self.families)
            return f"{self.condition}: {count} in the ansatz, not closed (closure {closure:.2g}), most likely infinite"
        lines = _lines(self.algebra, self.closure, self.ideal, self.families)
        return "\n".join([f"{self.condition}:", *(f"  {line}" for line in lines)])

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {
            "condition": self.condition,
            "name": self.name,
            "value": str(self.value),
            "algebra": None if self.algebra is None else self.algebra.to_json(),
            "closure": None if self.closure is None else plain(self.closure),
            **_others_json(self.ideal, self.families),
            "note": self.note,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], coordinates: Sequence[str], fields: Sequence[str]) -> "Special":
        """What `to_json` wrote.

        Raises:
            ValueError: for text that cannot be read.
        """
        names = {token.text: variable(token.text) for token in tokenize(data["value"]) if token.kind == "name"}
        return cls(
            data["name"],
            parse_expression(data["value"], names, ELEMENTARY),
            None if data["algebra"] is None else Algebra.from_json(data["algebra"]),
            *_others(data, coordinates, fields),
            data["note"],
        )


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
        determine_at: the finite part for values of parameters, determined anew; None after reading from JSON.
    """

    equation: str
    algebra: Algebra
    ideal: SuperpositionIdeal | None
    families: tuple[Family, ...]
    special: tuple[Special, ...]
    library: Library
    degree: int | None
    determine_at: Callable[[Mapping[str, Number]], Algebra] | None = field(default=None, compare=False, repr=False)

    @property
    def dimension(self) -> int:
        """Of the finite part."""
        return self.algebra.dimension

    @cached_property
    def closure(self) -> Closure:
        """Of the finite part, up to members of the ideal and the families."""
        return _closure(self.algebra, self.ideal, self.families)

    def at(self, **values: Number) -> Algebra:
        """The finite part with values for some of the parameters, determined anew with these values.

        What was read from JSON has no equation to determine: there the values stand in the algebra, or in the special
        one where one value is special, and values that are special together are not noticed.

        Raises:
            ValueError: for a name that is no parameter, and where the symmetries cannot be determined.
        """
        if not values:
            return self.algebra
        if self.determine_at is not None:
            return self.determine_at(values)
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
        lines = [self.equation, *_lines(self.algebra, self.closure, self.ideal, self.families)]
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
        """What JSON can hold: the keys of the algebra's own JSON, with the closure up to the ideal and the families."""
        return {
            "equation": self.equation,
            **self.algebra.to_json(),
            "closure": plain(self.closure),
            **_others_json(self.ideal, self.families),
            "special": [special.to_json() for special in self.special],
            "library": [str(column) for column in self.library],
            "degree": self.degree,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Determined":
        """What `to_json` wrote.

        Raises:
            ValueError: for text that cannot be read.
        """
        coordinates, fields = data["coordinates"], data["fields"]
        return cls(
            data["equation"],
            Algebra.from_json(data),
            *_others(data, coordinates, fields),
            tuple(Special.from_json(special, coordinates, fields) for special in data["special"]),
            Library.of_columns(data["library"], fields, coordinates),
            data["degree"],
        )


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


def _lines(
    algebra: Algebra, closure: Closure, ideal: SuperpositionIdeal | None, families: tuple[Family, ...]
) -> list[str]:
    lines = str(algebra).splitlines()
    if closure > CLOSED:
        lines.append(
            f"  not closed under brackets (closure {float(closure):.2g}): part of an algebra larger than the ansatz, "
            "most likely of infinite dimension"
        )
    if ideal:
        lines.append(f"  and the superposition {ideal}")
    return lines + [f"  and {family}" for family in families]


def _others_json(ideal: SuperpositionIdeal | None, families: tuple[Family, ...]) -> dict[str, Any]:
    return {"ideal": ideal and ideal.to_json(), "families": [family.to_json() for family in families]}


def _others(
    data: Mapping[str, Any], coordinates: Sequence[str], fields: Sequence[str]
) -> tuple[SuperpositionIdeal | None, tuple[Family, ...]]:
    ideal = data["ideal"] and SuperpositionIdeal.from_json(data["ideal"], coordinates, fields)
    return ideal, tuple(Family.from_json(family, coordinates, fields) for family in data["families"])
