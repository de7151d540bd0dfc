"""Prolongation of vector fields to derivatives of the fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import sympy

from pdesym.symmetry.vector_field import TIME, VectorField, variable

Orders = tuple[int, ...]
"""How often along each of x…, t."""


@dataclass(frozen=True)
class Prolongation:
    """pr v = v + Σ φᵃ_J ∂/∂uᵃ_J over the derivatives J in space and time up to some order.

    Symbols are named as one writes them, space before time: u_x, u_xx, u_xt, u_t.

    Attributes:
        vector_field: v.
        order: the largest order of J.
        coefficients: φᵃ_J by the symbol of uᵃ_J, lower orders first; order 0 holds φᵃ itself.
    """

    vector_field: VectorField
    order: int
    coefficients: Mapping[sympy.Symbol, sympy.Expr]

    def __getitem__(self, jet: str | sympy.Symbol) -> sympy.Expr:
        """φᵃ_J by the name or the symbol of uᵃ_J."""
        symbol = variable(jet) if isinstance(jet, str) else jet
        try:
            return self.coefficients[symbol]
        except KeyError:
            raise KeyError(f"{symbol} is no derivative of order up to {self.order}.") from None

    def __call__(self, function: sympy.Expr) -> sympy.Expr:
        """pr v (f) for a function f of x…, t, u… and their derivatives up to the order."""
        total = self.vector_field(function)
        fields = {variable(name) for name in self.vector_field.fields}
        for jet, coefficient in self.coefficients.items():
            if jet not in fields:
                total += coefficient * sympy.diff(function, jet)
        return total


def prolong(vector_field: VectorField, order: int) -> Prolongation:
    """The prolongation by φᵃ_{J,i} = D_i φᵃ_J − Σ_k (D_i ξᵏ) uᵃ_{J,k}, k over x… and t (Olver, eq. 2.44).

    Args:
        vector_field: v.
        order: of the highest derivatives.

    Raises:
        ValueError: for a negative order.
    """
    if order < 0:
        raise ValueError(f"Expected an order of at least 0, got {order}.")
    base = [variable(name) for name in (*vector_field.coordinates, TIME)]
    speeds = vector_field.components[: len(base)]
    axes = range(len(base))
    zero = (0,) * len(base)
    symbols: dict[sympy.Symbol, tuple[str, Orders]] = {}

    def symbol(name: str, orders: Orders) -> sympy.Symbol:
        letters = "".join(str(z) * n for z, n in zip(base, orders, strict=True))
        jet = variable(f"{name}_{letters}" if letters else name)
        symbols[jet] = (name, orders)
        return jet

    def raised(orders: Orders, axis: int) -> Orders:
        return tuple(n + (k == axis) for k, n in enumerate(orders))

    def total_derivative(function: sympy.Expr, axis: int) -> sympy.Expr:
        result = sympy.diff(function, base[axis])
        for jet in function.free_symbols & set(symbols):
            name, orders = symbols[jet]
            result += symbol(name, raised(orders, axis)) * sympy.diff(function, jet)
        return result

    found: dict[tuple[str, Orders], sympy.Expr] = {}
    for name, phi in zip(vector_field.fields, vector_field.phi, strict=True):
        symbol(name, zero)
        found[name, zero] = phi
    slopes = [[total_derivative(speed, axis) for speed in speeds] for axis in axes]
    for total in range(1, order + 1):
        for chosen in combinations_with_replacement(axes, total):
            orders, axis = tuple(chosen.count(k) for k in axes), chosen[-1]
            lower = tuple(n - (k == axis) for k, n in enumerate(orders))
            for name in vector_field.fields:
                value = total_derivative(found[name, lower], axis)
                for k in axes:
                    value -= slopes[axis][k] * symbol(name, raised(lower, k))
                found[name, orders] = sympy.expand(value)
    return Prolongation(vector_field, order, {symbol(name, orders): value for (name, orders), value in found.items()})
