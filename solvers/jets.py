"""Jet coordinates: the symbols u, u_x, u_xy … of a set of fields, and total derivatives of expressions in them."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy

from pdesym.solvers.grid import AXES

TIME = sympy.Symbol("t", real=True)

MOST_TERMS = 20_000
"""Of an expanded expression, and of one that is to be differentiated."""

MOST_ORDERS = 64
"""The highest order of a derivative."""

Linear = dict[tuple[int, ...], sympy.Expr]
"""Coefficients of a linear operator by orders of derivative: {(3,): -b} is −b ∂ₓ³."""


@dataclass(frozen=True)
class Jet:
    """One jet coordinate: the derivative ∂^orders of a field, by the field's index."""

    field: int
    orders: tuple[int, ...]

    @property
    def order(self) -> int:
        """Total order of differentiation."""
        return sum(self.orders)

    def raised(self, axis: int) -> "Jet":
        """The same derivative, once more along `axis`."""
        return Jet(self.field, tuple(n + (i == axis) for i, n in enumerate(self.orders)))


@dataclass(frozen=True)
class JetSpace:
    """The jets of `fields` over `dims` space axes. Symbols are named as one writes them: u, u_x, u_xxy."""

    fields: tuple[str, ...]
    dims: int

    @property
    def coordinates(self) -> tuple[sympy.Symbol, ...]:
        """The space coordinates x, y, z as far as they exist."""
        return tuple(sympy.Symbol(name, real=True) for name in AXES[: self.dims])

    def symbol(self, jet: Jet) -> sympy.Symbol:
        """The sympy symbol of a jet coordinate."""
        letters = "".join(axis * n for axis, n in zip(AXES, jet.orders, strict=False))
        name = self.fields[jet.field]
        return sympy.Symbol(f"{name}_{letters}" if letters else name, real=True)

    def jet_named(self, name: str) -> Jet | None:
        """The jet that a name such as u_xyx stands for (mixed derivatives commute), or None."""
        if name in self.fields:
            return Jet(self.fields.index(name), (0,) * self.dims)
        base, _, letters = name.rpartition("_")
        if base in self.fields and letters and re.fullmatch(f"[{''.join(AXES[: self.dims])}]+", letters):
            return Jet(self.fields.index(base), tuple(letters.count(axis) for axis in AXES[: self.dims]))
        return None

    def jets_in(self, expressions: sympy.Expr | Iterable[sympy.Expr]) -> tuple[Jet, ...]:
        """The jets that occur in one expression or several, in a fixed order."""
        several = (expressions,) if isinstance(expressions, sympy.Expr) else tuple(expressions)
        symbols = set().union(*(expression.free_symbols for expression in several)) if several else set()
        jets = (self.jet_named(symbol.name) for symbol in symbols)
        return tuple(sorted((jet for jet in jets if jet is not None), key=lambda j: (j.field, j.order, j.orders)))

    def total_derivative(self, expression: sympy.Expr, axis: int) -> sympy.Expr:
        """D_axis f = ∂f/∂x_axis + Σ_J u_{J+axis} ∂f/∂u_J (Olver, Applications of Lie Groups, eq. 2.32).

        Raises:
            ValueError: for an expression so long that its derivatives would fill the memory.
        """
        if expression.count_ops() > MOST_TERMS:
            raise ValueError("so many derivatives of a product make too long an expression")
        result = sympy.diff(expression, self.coordinates[axis])
        for jet in self.jets_in(expression):
            result += self.symbol(jet.raised(axis)) * sympy.diff(expression, self.symbol(jet))
        return result

    def laplacian(self, expression: sympy.Expr) -> sympy.Expr:
        """Σ_axis D_axis D_axis f."""
        twice = (self.total_derivative(self.total_derivative(expression, i), i) for i in range(self.dims))
        return sympy.Add(*twice)


def expanded(expression: sympy.Expr) -> sympy.Expr:
    """The expression as a sum of products. Powers stay whole: exp(a + b) as exp(a)·exp(b) could overflow.

    Raises:
        ValueError: for an expression such as (u + v + w)**300, whose sum would be longer than memory.
    """
    if _terms(expression) > MOST_TERMS:
        raise ValueError(f"Expected an equation that has at most {MOST_TERMS} terms when its brackets are expanded.")
    return sympy.expand(expression, power_exp=False, power_base=False, log=False)


def _terms(expression: sympy.Expr) -> int:
    """An upper bound of the number of terms of the expanded expression, and of those within its functions."""
    if expression.is_Atom:
        return 1
    within = [_terms(part) for part in expression.args]
    if expression.is_Add:
        return sum(within)
    if expression.is_Mul:
        return math.prod(within)
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        return math.comb(within[0] + int(expression.exp) - 1, int(expression.exp))
    return max(within, default=1)


def linear_part(expression: sympy.Expr, space: JetSpace) -> tuple[tuple[Linear, ...], sympy.Expr]:
    """(operators by field, rest) with expression = Σ_b operator_b(field b) + rest, coefficients without x and t."""
    row: tuple[Linear, ...] = tuple({} for _ in space.fields)
    rest: list[sympy.Expr] = []
    for term in sympy.Add.make_args(expanded(expression)):
        jets = space.jets_in(term)
        variables = (*space.coordinates, TIME, *(space.symbol(jet) for jet in jets))
        coefficient, factor = term.as_independent(*variables, as_Add=False)
        if len(jets) == 1 and factor == space.symbol(jets[0]):
            operator = row[jets[0].field]
            operator[jets[0].orders] = operator.get(jets[0].orders, sympy.Integer(0)) + coefficient
        else:
            rest.append(term)
    return row, sympy.Add(*rest)


def linear_expression(row: Sequence[Linear], space: JetSpace) -> sympy.Expr:
    """Σ_b operator_b(field b) in jet symbols."""
    return sympy.Add(
        *(
            coefficient * space.symbol(Jet(b, orders))
            for b, operator in enumerate(row)
            for orders, coefficient in operator.items()
        )
    )
