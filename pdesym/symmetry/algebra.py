"""Lie algebras of generators."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import sympy
from jaxtyping import Float

from pdesym.symmetry import algebra_text, structure
from pdesym.symmetry.algebra_json import algebra_json
from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.span import Key, combinations_of, coordinates_of, exact_matrix, float_matrix
from pdesym.symmetry.structure import Constant, Constants
from pdesym.symmetry.vector_field import Number, VectorField

CLOSED = 1e-6
"""The largest closure that counts as closed, where it is not exactly 0."""

Closure: TypeAlias = sympy.Expr | float
"""Exactly 0 (a sympy integer), or a float."""


class Algebra:
    """The span of generators v₁, …, vₙ, with the brackets [v_i, v_j] = Σ_k c_ijᵏ v_k.

        kdv = Algebra([Generator(v) for v in ("d_x", "d_t", "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u")])
        kdv.closure, kdv.derived_series, kdv.is_solvable    # 0, (4, 3, 1, 0), True

    Where every bracket is a combination of the generators, decided exactly, the structure constants are exact and the
    closure is 0. Otherwise (generators from measured data, or a space that is no algebra) the constants are those of
    the nearest combinations, in float64, and `closure` says how far they miss. Instances do not change.

    Args:
        generators: linearly independent generators of the same variables.
        coordinates: names of the space coordinates, needed for an algebra of dimension 0.
        fields: names of the dependent variables, needed for an algebra of dimension 0.

    Raises:
        ValueError: for generators of different variables, or linearly dependent ones.
    """

    def __init__(
        self, generators: Sequence[Generator], coordinates: Sequence[str] = ("x",), fields: Sequence[str] = ("u",)
    ):
        self.basis = tuple(generators)
        self.coordinates = self.basis[0].coordinates if self.basis else tuple(coordinates)
        self.fields = self.basis[0].fields if self.basis else tuple(fields)
        strangers = [v for v in self.basis if (v.coordinates, v.fields) != (self.coordinates, self.fields)]
        if strangers:
            raise ValueError(
                f"Expected generators of the same variables, got {self.basis[0]!r} and {strangers[0]!r}: declare all "
                "with the same coordinates and fields."
            )
        if self.basis:
            keys, rows = coordinates_of(self._vector_fields)
            _, pivots = exact_matrix(keys, rows).transpose().rref()
            if len(pivots) < len(self.basis):
                first = next(i for i in range(len(self.basis)) if i not in pivots)
                raise ValueError(
                    f"Expected linearly independent generators, but {self.basis[first]} is a combination of those "
                    "before it."
                )

    @property
    def dimension(self) -> int:
        """The number of generators."""
        return len(self.basis)

    @property
    def variables(self) -> tuple[sympy.Symbol, ...]:
        """The symbols x…, t, u…."""
        return VectorField.of_components(
            self.coordinates, self.fields, [sympy.Integer(0)] * (len(self.coordinates) + 1 + len(self.fields))
        ).variables

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the constants without a value in the generators."""
        return tuple(dict.fromkeys(name for v in self.basis for name in v.parameters))

    def __len__(self) -> int:
        return self.dimension

    def __getitem__(self, index: int) -> Generator:
        return self.basis[index]

    def __iter__(self) -> Iterator[Generator]:
        return iter(self.basis)

    def __contains__(self, generator: object) -> bool:
        """Whether a generator is a combination of the basis, decided exactly."""
        return isinstance(generator, Generator) and self.combination(generator) is not None

    def combination(self, generator: Generator) -> tuple[sympy.Expr, ...] | None:
        """The constants c with v = Σ_k c_k v_k, or None where there are none.

        Raises:
            ValueError: for a generator of other variables.
        """
        if generator.variables != self.variables:
            raise ValueError(f"Expected a generator of {self.variables}, got one of {generator.variables}.")
        (found,) = combinations_of(self._vector_fields, [generator.vector_field])
        return found

    def at(self, **values: Number) -> "Algebra":
        """The algebra with values in place of parameters.

        Raises:
            ValueError: for a name that is no parameter, or where generators become dependent.
        """
        unknown = [name for name in values if name not in self.parameters]
        if unknown:
            raise ValueError(f"Expected parameters among {self.parameters}, got {', '.join(unknown)}.")
        chosen = [v.at(**{name: x for name, x in values.items() if name in v.parameters}) for v in self.basis]
        return Algebra(chosen, self.coordinates, self.fields)

    @cached_property
    def _exact_brackets(self) -> list[tuple[sympy.Expr, ...] | None]:
        return combinations_of(self._vector_fields, self._brackets)

    @property
    def _vector_fields(self) -> list[VectorField]:
        return [v.vector_field for v in self.basis]

    @cached_property
    def _brackets(self) -> list[VectorField]:
        return [v.bracket(w) for v, w in combinations(self._vector_fields, 2)]

    @cached_property
    def structure_constants(self) -> Constants:
        """c_ijᵏ as `[i][j][k]`: exact where every bracket is a combination of the basis, else float64."""
        n = self.dimension
        if isinstance(self.closure, sympy.Integer):
            brackets: list[tuple[Constant, ...]] = [row for row in self._exact_brackets if row is not None]
            zero: Constant = sympy.Integer(0)
        else:
            fitted, _, _ = _fitted(self._vector_fields, self._brackets)
            brackets, zero = [tuple(row) for row in fitted.tolist()], 0.0
        table = [[(zero,) * n for _ in range(n)] for _ in range(n)]
        for (i, j), row in zip(combinations(range(n), 2), brackets, strict=True):
            table[i][j], table[j][i] = row, tuple(-c for c in row)
        return tuple(tuple(row) for row in table)

    @cached_property
    def closure(self) -> Closure:
        """Exactly 0 where all brackets are combinations of the basis, else the largest relative residual, a float.

        The residual of [v, w] is the norm of what no combination of the basis takes away from it, relative to the
        larger of ‖[v, w]‖ and ‖v‖ ‖w‖: where v and w all but commute, [v, w] alone is noise. Norms are those of the
        constants by function, parameters without a value taken as 3/2, 4/3, 5/4, ….
        """
        return self._closure(self._vector_fields, lambda: self._exact_brackets)

    def modulo(self, ideal: "Algebra | Sequence[Generator]") -> Closure:
        """The closure of this space modulo another one: brackets count as closed up to elements of `ideal`.

        The symmetries of a linear equation close up to superposition: [v, α ∂_u] lies in the ideal, not in their span.
        """
        if not self._brackets:
            return sympy.Integer(0)
        fields = self._vector_fields + [v.vector_field for v in ideal]
        keys, rows = coordinates_of(fields)
        _, pivots = exact_matrix(keys, rows).transpose().rref()
        independent = [fields[i] for i in pivots]
        return self._closure(independent, lambda: combinations_of(independent, self._brackets))

    def _closure(self, space: Sequence[VectorField], exact: Callable[[], Sequence[object]]) -> Closure:
        if not self._brackets:
            return sympy.Integer(0)
        # What is far from closed need not be eliminated exactly, which takes minutes for a hundred generators.
        with suppress(ValueError):  # of a constant that is no number at these values of the parameters
            if (nearest := self._nearest(space)) > CLOSED:
                return nearest
        return self._nearest(space) if None in exact() else sympy.Integer(0)

    @cached_property
    def outside(self) -> tuple[tuple[int, int], ...]:
        """The pairs (i, j), i < j from 0, whose bracket leaves the span: by more than what counts as closed."""
        if self.is_closed():
            return ()
        pairs = tuple(combinations(range(self.dimension), 2))
        try:
            residuals = self._residuals(self._vector_fields)
        except ValueError:  # a constant is no number at the values that the parameters are given
            return tuple(pair for pair, row in zip(pairs, self._exact_brackets, strict=True) if row is None)
        return tuple(pair for pair, residual in zip(pairs, residuals, strict=True) if residual > CLOSED)

    def _nearest(self, space: Sequence[VectorField]) -> float:
        return float(self._residuals(space).max())

    def _residuals(self, space: Sequence[VectorField]) -> Float[np.ndarray, " brackets"]:
        values = {name: sympy.Rational(k + 3, k + 2) for k, name in enumerate(self.parameters)}

        def generic(vector_fields: Sequence[VectorField]) -> list[VectorField]:
            return [v.at({name: x for name, x in values.items() if name in v.parameters}) for v in vector_fields]

        _, norms, residuals = _fitted(generic(space), generic(self._brackets))
        lengths = _norms(generic(self._vector_fields))
        products = np.array([a * b for a, b in combinations(lengths, 2)])
        relative: np.ndarray = residuals / np.maximum(norms, products)
        return relative

    def is_closed(self, tolerance: float = CLOSED) -> bool:
        """Whether brackets stay in the span: exactly, or with a closure of at most `tolerance`."""
        return bool(self.closure <= tolerance)

    def _closed_constants(self) -> Constants:
        if not self.is_closed():
            raise ValueError(
                f"This space of dimension {self.dimension} is not closed under brackets (closure "
                f"{float(self.closure):.2g}), so it is no Lie algebra: ask for its closure alone."
            )
        return self.structure_constants

    @cached_property
    def derived_series(self) -> tuple[int, ...]:
        """Dimensions of g, [g, g], …. ValueError where the space is not closed, as for all that follows."""
        return structure.derived_series(self._closed_constants())

    @cached_property
    def lower_central_series(self) -> tuple[int, ...]:
        """Dimensions of g, [g, g], [g, [g, g]], …."""
        return structure.lower_central_series(self._closed_constants())

    @cached_property
    def killing_form(self) -> tuple[tuple[Constant, ...], ...]:
        """K(v_i, v_j) = tr(ad v_i ad v_j)."""
        return structure.killing_form(self._closed_constants())

    @property
    def is_solvable(self) -> bool:
        """Whether the derived series ends at 0."""
        return self.derived_series[-1] == 0

    @property
    def is_nilpotent(self) -> bool:
        """Whether the lower central series ends at 0."""
        return self.lower_central_series[-1] == 0

    @property
    def is_semisimple(self) -> bool:
        """Whether the Killing form is not degenerate."""
        return structure.is_semisimple(self._closed_constants())

    @cached_property
    def center(self) -> tuple[Generator, ...]:
        """A basis of the generators that commute with all."""
        rows = structure.center(self._closed_constants())
        return tuple(_total(self._vector_fields, row) for row in rows)

    def angle_to(self, other: "Algebra", weights: Mapping[Key, float] | None = None) -> float:
        """The largest principal angle between the two spans, in degrees; 90 where the dimensions differ.

        The metric: the functions f ∂_z that occur in the generators are orthonormal, or have the lengths `weights`.

        Args:
            other: an algebra of the same variables.
            weights: lengths by (index of z among (x…, t, u…), f), 1 where none is given; dimensionless.

        Raises:
            ValueError: for other variables, or parameters without a value.
        """
        if self.variables != other.variables:
            raise ValueError(f"Expected an algebra in {self.variables}, got one in {other.variables}.")
        if self.dimension != other.dimension:
            return 90.0
        if not self.basis:
            return 0.0
        keys, rows = coordinates_of(self._vector_fields + other._vector_fields)
        matrix = float_matrix(keys, rows) * np.array([(weights or {}).get(key, 1.0) for key in keys])
        return largest_angle(matrix[: self.dimension], matrix[self.dimension :])

    def __repr__(self) -> str:
        return f"Algebra([{', '.join(map(repr, self.basis))}])"

    def __str__(self) -> str:
        return algebra_text.pretty(self)

    def commutator_table(self) -> str:
        """The brackets [v_i, v_j] as a table of text."""
        return algebra_text.commutator_table(self)

    def latex(self) -> str:
        """The basis in LaTeX."""
        return algebra_text.latex(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def html(self) -> str:
        """The basis and the brackets as two HTML tables."""
        return algebra_text.as_html(self)

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold, see `algebra_json`: generators, brackets, closure and structure."""
        return algebra_json(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Algebra":
        """The algebra that `to_json` wrote.

        Raises:
            ValueError: for generators that cannot be read.
        """
        coordinates, fields, parameters = data["coordinates"], data["fields"], data.get("parameters", ())
        generators = [Generator(text, fields, coordinates, parameters) for text in data["generators"]]
        return cls(generators, coordinates, fields)


def _fitted(
    basis: Sequence[VectorField], wanted: Sequence[VectorField]
) -> tuple[Float[np.ndarray, "wanted basis"], Float[np.ndarray, " wanted"], Float[np.ndarray, " wanted"]]:
    """The nearest combinations of the basis, the norms of what is wanted, and of what they leave of it."""
    keys, rows = coordinates_of([*basis, *wanted])
    matrix = float_matrix(keys, rows)
    given, targets = matrix[: len(basis)], matrix[len(basis) :]
    fitted = np.linalg.lstsq(given.T, targets.T, rcond=None)[0].T
    residuals = np.linalg.norm(targets - fitted @ given, axis=1)
    return fitted, np.linalg.norm(targets, axis=1), residuals


def _norms(vector_fields: Sequence[VectorField]) -> list[float]:
    return [float(norm) for norm in np.linalg.norm(float_matrix(*coordinates_of(vector_fields)), axis=1)]


def _total(basis: Sequence[VectorField], constants: Sequence[Constant]) -> Generator:
    total = basis[0].scaled(sympy.Integer(0))
    for vector_field, constant in zip(basis, constants, strict=True):
        total = total + vector_field.scaled(sympy.nsimplify(constant) if isinstance(constant, float) else constant)
    return Generator.of_vector_field(total)
