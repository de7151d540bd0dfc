"""Finite-dimensional spaces of vector fields, in which symmetries are looked for."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, parse_expression
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.vector_field import TIME, Number, VectorField, check_names, exact, variable

Column = tuple[int, sympy.Expr]


@dataclass(frozen=True)
class Library:
    """The span of vector fields f_k ∂_{z_k}, in which v = Σ_k c_k f_k ∂_{z_k} is one vector c of numbers.

    Attributes:
        coordinates: names of the space coordinates.
        fields: names of the dependent variables.
        columns: for each k the index of z_k among (x…, t, u…) and the function f_k of the real symbols x…, t, u….

    Raises:
        ValueError: for names that cannot serve, a component that does not exist, a function that is zero or of other
            symbols, and for columns that occur twice.
    """

    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        check_names(self.coordinates, self.fields)
        known = set(self.variables)
        for component, function in self.columns:
            if not 0 <= component < len(self.variables):
                raise ValueError(
                    f"Expected components from 0 to {len(self.variables) - 1}, the places of "
                    f"{', '.join(map(str, self.variables))}, got {component}."
                )
            if function == 0 or function.free_symbols - known:
                raise ValueError(
                    f"Expected functions of {', '.join(map(str, self.variables))} that are not zero, got {function}."
                )
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("Expected different columns, got one of them twice.")

    @classmethod
    def polynomial(
        cls,
        degree: int,
        fields: Sequence[str] = ("u",),
        coordinates: Sequence[str] = ("x",),
        *,
        space: bool = True,
    ) -> "Library":
        """Every component a polynomial in x…, t, u… of total degree at most `degree`.

        Args:
            degree: the largest total degree.
            fields: names of the dependent variables.
            coordinates: names of the space coordinates.
            space: whether x… occur in the polynomials; without them every field is periodic on every torus.

        Raises:
            ValueError: for a negative degree.
        """
        if degree < 0:
            raise ValueError(f"Expected a degree of at least 0, got {degree}.")
        names = (*(coordinates if space else ()), TIME, *fields)
        return cls._products(tuple(coordinates), tuple(fields), monomials([variable(name) for name in names], degree))

    @classmethod
    def of_terms(
        cls, terms: Sequence[str], fields: Sequence[str] = ("u",), coordinates: Sequence[str] = ("x",)
    ) -> "Library":
        """Every component a combination of the same functions, as text: "1", "x", "t*u", "exp(t)".

        Raises:
            ExpressionError: a ValueError with a caret under the character that cannot be read.
        """
        check_names(tuple(coordinates), tuple(fields))
        names = {name: variable(name) for name in (*coordinates, TIME, *fields)} | CONSTANTS
        functions = [sympy.expand(parse_expression(term, names, ELEMENTARY)) for term in terms]
        return cls._products(tuple(coordinates), tuple(fields), functions)

    @classmethod
    def of_columns(
        cls, texts: Sequence[str], fields: Sequence[str] = ("u",), coordinates: Sequence[str] = ("x",)
    ) -> "Library":
        """One column for each text, such as "t*d_x", in which a function stands before one direction.

        Raises:
            ExpressionError: a ValueError with a caret under the character that cannot be read.
            ValueError: for a text with several directions.
        """
        columns: list[Column] = []
        for text in texts:
            components = Generator(text, fields, coordinates).vector_field.components
            try:
                ((component, function),) = [(k, function) for k, function in enumerate(components) if function != 0]
            except ValueError:
                raise ValueError(f"Expected one direction in a column, such as t*d_x, got {text}.") from None
            columns.append((component, sympy.expand(function)))
        return cls(tuple(coordinates), tuple(fields), tuple(columns))

    @classmethod
    def _products(
        cls, coordinates: tuple[str, ...], fields: tuple[str, ...], functions: Sequence[sympy.Expr]
    ) -> "Library":
        components = range(len(coordinates) + 1 + len(fields))
        return cls(coordinates, fields, tuple(itertools.product(components, functions)))

    def fourier(self, waves: int | Sequence[int], lengths: float | Sequence[float]) -> "Library":
        """This library, and every column times cos(2πkx/L) and times sin(2πkx/L), for each space coordinate.

        Args:
            waves: the wavenumbers k, or the largest of 1, 2, ….
            lengths: L, one for each coordinate or one for all; in the unit of x.

        Raises:
            ValueError: for wavenumbers below 1, or lengths that do not fit.
        """
        chosen = range(1, waves + 1) if isinstance(waves, int) else waves
        if any(k < 1 for k in chosen):
            raise ValueError(f"Expected wavenumbers of at least 1, got {list(chosen)}.")
        several = (lengths,) * len(self.coordinates) if isinstance(lengths, int | float) else tuple(lengths)
        if len(several) != len(self.coordinates) or not all(0 < length < float("inf") for length in several):
            raise ValueError(f"Expected one positive length for each of {', '.join(self.coordinates)}, got {several}.")
        factors = [
            function(2 * sympy.pi * k * variable(name) / exact(length))
            for name, length in zip(self.coordinates, several, strict=True)
            for k in chosen
            for function in (sympy.cos, sympy.sin)
        ]
        waved = [(component, factor * function) for factor in factors for component, function in self.columns]
        return self + Library(self.coordinates, self.fields, tuple(dict.fromkeys(waved)))

    @property
    def variables(self) -> tuple[sympy.Symbol, ...]:
        """The symbols x…, t, u…."""
        return tuple(variable(name) for name in (*self.coordinates, TIME, *self.fields))

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, index: int) -> Generator:
        """The vector field f_k ∂_{z_k}."""
        component, function = self.columns[index]
        return self._generator({component: function})

    def __iter__(self) -> Iterator[Generator]:
        return (self[index] for index in range(len(self)))

    def __add__(self, other: "Library") -> "Library":
        """The columns of both, those of the first in front.

        Raises:
            ValueError: for libraries of different variables.
        """
        if (self.coordinates, self.fields) != (other.coordinates, other.fields):
            raise ValueError(
                f"Expected two libraries of the same variables, got {self.variables} and {other.variables}: declare "
                "both with the same coordinates and fields."
            )
        return Library(self.coordinates, self.fields, tuple(dict.fromkeys((*self.columns, *other.columns))))

    def generator(self, coefficients: Sequence[Number]) -> Generator:
        """Σ_k c_k f_k ∂_{z_k}. Numbers become exact: 0.1 is 1/10.

        Raises:
            ValueError: for another number of coefficients, or one that is no finite constant.
        """
        if len(coefficients) != len(self):
            raise ValueError(f"Expected {len(self)} coefficients, one for each column, got {len(coefficients)}.")
        components: dict[int, sympy.Expr] = {}
        for (component, function), coefficient in zip(self.columns, coefficients, strict=True):
            number = exact(coefficient if isinstance(coefficient, sympy.Expr | int) else _python(coefficient))
            components[component] = components.get(component, sympy.Integer(0)) + number * function
        return self._generator(components)

    def coefficients(self, generator: Generator) -> tuple[sympy.Expr, ...]:
        """The numbers c_k with v = Σ_k c_k f_k ∂_{z_k}.

        Raises:
            ValueError: for other variables, or naming the part of v that the library lacks.
        """
        if generator.variables != self.variables:
            raise ValueError(
                f"Expected a generator of {self.variables}, the variables of the library, got one of "
                f"{generator.variables}."
            )
        result = [sympy.Integer(0)] * len(self)
        for component, wanted in enumerate(generator.vector_field.components):
            indices = [k for k, (place, _) in enumerate(self.columns) if place == component]
            functions = [self.columns[k][1] for k in indices]
            found = _combination(wanted, functions, self.variables)
            below = sympy.denom(wanted)
            if isinstance(found, sympy.Expr) and below.free_symbols:
                # The normal form of a generator has one denominator: u*sqrt(t) + 1/sqrt(t) reads (t*u + 1)/sqrt(t).
                raised = _combination(wanted * below, [function * below for function in functions], self.variables)
                found = found if isinstance(raised, sympy.Expr) else raised
            if isinstance(found, sympy.Expr):
                raise ValueError(
                    f"The library has no combination of columns for the part ({found})*d_{self.variables[component]} "
                    f"of {generator}: add its functions to the library."
                )
            for k, number in zip(indices, found, strict=True):
                result[k] = number
        return tuple(result)

    def matrix(self, generators: Sequence[Generator]) -> np.ndarray:
        """The coefficients of several generators as float64, `(len(generators), len(self))`."""
        rows = [[float(number) for number in self.coefficients(generator)] for generator in generators]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self))

    def _generator(self, components: dict[int, sympy.Expr]) -> Generator:
        several = [components.get(place, sympy.Integer(0)) for place in range(len(self.variables))]
        return Generator.of_vector_field(VectorField.of_components(self.coordinates, self.fields, several))


def monomials(variables: Sequence[sympy.Symbol], degree: int) -> tuple[sympy.Expr, ...]:
    """All monomials of total degree at most `degree`, by degree and then in the order of the variables."""
    return tuple(
        sympy.Mul(*chosen)
        for total in range(degree + 1)
        for chosen in itertools.combinations_with_replacement(variables, total)
    )


def _python(number: Number) -> Number:
    """A number of numpy or torch as one of Python; a Fraction stays what it is."""
    item = getattr(number, "item", None)
    return item() if callable(item) else number


def _terms(expression: sympy.Expr, variables: Sequence[sympy.Symbol]) -> dict[sympy.Expr, sympy.Expr]:
    """The expression as constants times functions: {function: constant}."""
    result: dict[sympy.Expr, sympy.Expr] = {}
    for term in sympy.Add.make_args(sympy.expand(expression)):
        constant, function = term.as_independent(*variables, as_Add=False)
        result[function] = result.get(function, sympy.Integer(0)) + constant
    return {function: constant for function, constant in result.items() if constant != 0}


def _combination(
    wanted: sympy.Expr, functions: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol]
) -> list[sympy.Expr] | sympy.Expr:
    """Constants with Σ c_k f_k = wanted, or the part of `wanted` that has none."""
    target = _terms(wanted, variables)
    parts = [_terms(function, variables) for function in functions]
    single = {next(iter(part)): (k, part) for k, part in reversed([*enumerate(parts)]) if len(part) == 1}
    result = [sympy.Integer(0)] * len(functions)
    for function in [function for function in target if function in single]:
        k, part = single[function]
        result[k] = target.pop(function) / part[function]
    if not target:
        return result
    # What is left needs columns of several terms, if it has a combination at all.
    rows = list(dict.fromkeys(itertools.chain(target, *parts)))
    matrix = sympy.Matrix(len(rows), len(parts), lambda i, k: parts[k].get(rows[i], sympy.Integer(0)))
    right = sympy.Matrix([target.get(function, sympy.Integer(0)) for function in rows])
    unknowns = sympy.symbols(f"c:{len(parts)}", cls=sympy.Dummy) if parts else ()
    solutions = sympy.linsolve((matrix, right), *unknowns) if parts else sympy.S.EmptySet
    if solutions is sympy.S.EmptySet:
        missing = {f: c for f, c in target.items() if not any(f in part for part in parts)} or target
        return sympy.Add(*(constant * function for function, constant in missing.items()))
    (solution,) = solutions
    return [a + b.subs(dict.fromkeys(unknowns, 0)) for a, b in zip(result, solution, strict=True)]
