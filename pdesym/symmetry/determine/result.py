"""What `determine` hands back."""

from dataclasses import dataclass
from typing import Any

import sympy

from pdesym.symmetry.algebra import Algebra, Closure
from pdesym.symmetry.algebra_text import latex_vector_field
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.library import Library
from pdesym.symmetry.vector_field import VectorField


@dataclass(frozen=True)
class SuperpositionIdeal:
    """The ideal {α(t, x) g(u) ∂_u : α solves a linear equation}, of infinite dimension.

    Attributes:
        direction: "alpha*d_u", or "alpha*exp(-u)*d_u".
        equation: what α satisfies, "alpha_t = nu*alpha_xx".
        members: a basis of those in the ansatz.
    """

    direction: str
    equation: str
    members: tuple[Generator, ...]

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
        return f"{self.vector_field.text} with any f(t)"


@dataclass(frozen=True)
class Special:
    """Values of parameters at which there are other symmetries.

    Attributes:
        condition: such as "m = -4/3".
        algebra: the finite part there, or None where it was not determined.
        ideal: the superposition there.
        note: why there is no algebra, or "".
    """

    condition: str
    algebra: Algebra | None
    ideal: SuperpositionIdeal | None = None
    note: str = ""

    def __str__(self) -> str:
        if self.algebra is None:
            return f"{self.condition}: {self.note}"
        more = f", and {self.ideal}" if self.ideal else ""
        basis = ", ".join(v.vector_field.text for v in self.algebra)
        return f"{self.condition}: dimension {self.algebra.dimension}{more}: {basis}"


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
        others = [v for family in self.families for v in family.members]
        others += list(self.ideal.members) if self.ideal else []
        return self.algebra.modulo(others) if others else self.algebra.closure

    def __str__(self) -> str:
        lines = [self.equation, str(self.algebra)]
        if self.ideal:
            lines.append(f"  and the superposition {self.ideal}")
        lines += [f"  and {family}" for family in self.families]
        lines += [f"  at {special}" for special in self.special]
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
                    "algebra": special.algebra.to_json() if special.algebra else None,
                    "ideal": _ideal_json(special.ideal),
                    "note": special.note,
                }
                for special in self.special
            ],
            "degree": self.degree,
        }


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
