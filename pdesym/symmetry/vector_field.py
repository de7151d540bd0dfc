"""Vector fields on the space of coordinates, time and fields, as sympy coefficients."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import sympy
from sympy.printing.str import StrPrinter

from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, ExpressionError, tokenize

TIME = "t"
DIRECTION = "d_"

Number: TypeAlias = int | float | Fraction | sympy.Expr


def variable(name: str) -> sympy.Symbol:
    """The sympy symbol of a coordinate, of time or of a field: all are real."""
    return sympy.Symbol(name, real=True)


@dataclass(frozen=True)
class VectorField:
    """v = ξⁱ ∂_{xᵢ} + τ ∂_t + φᵃ ∂_{uᵃ} with coefficients that may depend on every x, t and u.

    The coefficients are kept in a normal form, so that equal rational functions of the variables and of elementary
    functions of them are equal objects; identities such as sin² + cos² = 1 are not looked for.

    Attributes:
        coordinates: names of the space coordinates.
        fields: names of the dependent variables, in the order of the channels.
        xi: ξⁱ, one for each coordinate.
        tau: τ.
        phi: φᵃ, one for each field.
        parameters: names of constants without a value that the coefficients may contain, such as nu.

    Raises:
        ValueError: for names that cannot serve, for another number of coefficients than of variables, or for a
            coefficient in other variables.
    """

    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    xi: tuple[sympy.Expr, ...]
    tau: sympy.Expr
    phi: tuple[sympy.Expr, ...]
    parameters: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        check_names(self.coordinates, self.fields, self.parameters)
        if len(self.xi) != len(self.coordinates) or len(self.phi) != len(self.fields):
            raise ValueError(
                f"Expected {len(self.coordinates)} coefficients xi and {len(self.fields)} coefficients phi, one for "
                f"each coordinate and field, got {len(self.xi)} and {len(self.phi)}."
            )
        constants = {variable(name) for name in self.parameters}
        strangers = set().union(*(c.free_symbols for c in self.components)) - set(self.variables) - constants
        if strangers:
            named = ", ".join(sorted(str(symbol) for symbol in strangers))
            raise ValueError(
                f"The coefficients contain {named}, which {_is_not(len(strangers))} among the real symbols "
                f"{', '.join(map(str, self.variables))} of this vector field: declare coordinates, fields, parameters."
            )
        object.__setattr__(self, "xi", tuple(map(_normal_form, self.xi)))
        object.__setattr__(self, "tau", _normal_form(self.tau))
        object.__setattr__(self, "phi", tuple(map(_normal_form, self.phi)))

    @classmethod
    def of_components(
        cls,
        coordinates: tuple[str, ...],
        fields: tuple[str, ...],
        components: Sequence[sympy.Expr],
        parameters: tuple[str, ...] = (),
    ) -> "VectorField":
        """The field with coefficients in the order of `variables`."""
        dims = len(coordinates)
        xi, tau, phi = tuple(components[:dims]), components[dims], tuple(components[dims + 1 :])
        return cls(coordinates, fields, xi, tau, phi, parameters)

    @property
    def variables(self) -> tuple[sympy.Symbol, ...]:
        """The symbols x…, t, u…."""
        return tuple(variable(name) for name in (*self.coordinates, TIME, *self.fields))

    @property
    def components(self) -> tuple[sympy.Expr, ...]:
        """The coefficients ξ…, τ, φ…, in the order of `variables`."""
        return (*self.xi, self.tau, *self.phi)

    @property
    def text(self) -> str:
        """Canonical text, such as "t*d_x + d_u": directions in the order of `variables`."""
        terms = [
            _term(coefficient, f"{DIRECTION}{name}")
            for coefficient, name in zip(self.components, self.variables, strict=True)
            if coefficient != 0
        ]
        return " + ".join(terms).replace("+ -", "- ") or "0"

    def __call__(self, function: sympy.Expr) -> sympy.Expr:
        """v(f) = Σ vᵏ ∂f/∂zᵏ over all variables z = (x, t, u)."""
        parts = (c * sympy.diff(function, z) for c, z in zip(self.components, self.variables, strict=True))
        return sympy.Add(*parts)

    def __add__(self, other: "VectorField") -> "VectorField":
        self._check_same_variables(other)
        return self._like([a + b for a, b in zip(self.components, other.components, strict=True)], other.parameters)

    def scaled(self, factor: sympy.Expr) -> "VectorField":
        """The multiple by a constant."""
        return self._like([factor * c for c in self.components])

    def bracket(self, other: "VectorField") -> "VectorField":
        """[v, w]ᵏ = v(wᵏ) − w(vᵏ)  (Olver, Applications of Lie Groups to Differential Equations, eq. 1.20)."""
        self._check_same_variables(other)
        components = [self(b) - other(a) for a, b in zip(self.components, other.components, strict=True)]
        return self._like(components, other.parameters)

    def at(self, values: Mapping[str, Number]) -> "VectorField":
        """The field with values in place of some of its parameters.

        Raises:
            ValueError: for a name that is no parameter, or a value that is no finite constant.
        """
        unknown = [name for name in values if name not in self.parameters]
        if unknown:
            raise ValueError(f"Expected parameters among {self.parameters}, got {', '.join(unknown)}.")
        numbers = {variable(name): exact(value) for name, value in values.items()}
        rest = tuple(name for name in self.parameters if name not in values)
        components = [c.subs(numbers) for c in self.components]
        return VectorField.of_components(self.coordinates, self.fields, components, rest)

    def require_values(self) -> None:
        """Refuse, in one sentence, coefficients with parameters where numbers are computed.

        Raises:
            ValueError: naming the parameters.
        """
        used = set().union(*(c.free_symbols for c in self.components))
        if names := [name for name in self.parameters if variable(name) in used]:
            values = ", ".join(f"{name}=..." for name in names)
            raise ValueError(f"The generator {self.text} contains {', '.join(names)}: give values with .at({values}).")

    def _like(self, components: Sequence[sympy.Expr], parameters: tuple[str, ...] = ()) -> "VectorField":
        names = tuple(dict.fromkeys((*self.parameters, *parameters)))
        return VectorField.of_components(self.coordinates, self.fields, components, names)

    def _check_same_variables(self, other: "VectorField") -> None:
        if self.variables != other.variables:
            raise ValueError(
                "Expected two generators of the same variables, got one of "
                f"({', '.join(map(str, self.variables))}) and one of ({', '.join(map(str, other.variables))}): "
                "declare both with the same coordinates and fields."
            )


def check_names(coordinates: tuple[str, ...], fields: tuple[str, ...], parameters: tuple[str, ...] = ()) -> None:
    """One sentence for the first name that cannot serve as a coordinate, a field or a parameter."""
    names = (*coordinates, *fields, *parameters)
    if not coordinates or not fields:
        raise ValueError(f"Expected at least one coordinate and one field, got {coordinates} and {fields}.")
    for name in names:
        if not is_name(name):
            raise ValueError(f"Expected names such as x or u1 for coordinates, fields, parameters, got {name!r}.")
        if name == TIME or name in ELEMENTARY or name in CONSTANTS or name.startswith(DIRECTION):
            raise ValueError(f"The name {name!r} already has a meaning in a generator: choose another one.")
    if len(set(names)) < len(names):
        raise ValueError(f"Expected different names for all coordinates, fields, parameters, got {', '.join(names)}.")


def is_name(text: str) -> bool:
    """Whether arithmetic text reads these characters as one name."""
    try:
        return [token.kind for token in tokenize(text)] == ["name", "end"]
    except ExpressionError:
        return False


def exact(number: Number) -> sympy.Expr:
    """A number as an exact constant: 0.1 becomes 1/10, as it would in the text of a generator.

    Raises:
        ValueError: for what is not finite or not a constant.
    """
    finite = number.is_finite and number.is_number if isinstance(number, sympy.Expr) else math.isfinite(number)
    if not finite:
        raise ValueError(f"Expected a finite constant as the factor of a generator, got {number}.")
    if isinstance(number, sympy.Expr):
        return number
    return sympy.Rational(repr(float(number)) if isinstance(number, float) else Fraction(number))


def _normal_form(coefficient: sympy.Expr) -> sympy.Expr:
    polynomial = coefficient.is_polynomial(*coefficient.free_symbols)
    expanded = sympy.expand(coefficient)
    return expanded if polynomial else sympy.cancel(expanded)


def _is_not(count: int) -> str:
    return "is not" if count == 1 else "are not"


class _Printer(StrPrinter):  # type: ignore[misc]
    """Writes what `parse_expression` reads."""

    def _print_Exp1(self, _: sympy.Expr) -> str:
        return "exp(1)"

    def _print_Abs(self, expression: sympy.Expr) -> str:
        return f"sqrt(({self._print(expression.args[0])})**2)"

    def _print_sign(self, expression: sympy.Expr) -> str:
        argument = self._print(expression.args[0])
        return f"(({argument})/sqrt(({argument})**2))"


def _term(coefficient: sympy.Expr, direction: str) -> str:
    if coefficient == 1:
        return direction
    if coefficient == -1:
        return f"-{direction}"
    printed = _Printer().doprint(coefficient)
    return f"({printed})*{direction}" if coefficient.is_Add else f"{printed}*{direction}"
