"""An equation's right-hand side made ready for evaluation: what to transform, and the functions in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy
from torch import Tensor

from pdesym.solvers.conservative import Orders, fewest_transforms
from pdesym.solvers.equation import Equation, Linear, linear_expression, parameter_symbols, split_text
from pdesym.solvers.jets import TIME, Jet, JetSpace, expanded
from pdesym.solvers.torch_function import torch_function


@dataclass(frozen=True)
class Product:
    """One term of the remainder: coefficient · ∂^orders F(jets, x, t, parameters) in the equation of one field."""

    field: int
    orders: Orders
    coefficient: sympy.Expr
    flux: sympy.Expr


@dataclass(frozen=True)
class Compiled:
    """A right-hand side as L u + L'(t) u + Σ coefficient ∂^orders F.

    Attributes:
        linear: L by rows and columns of fields.
        explicit_linear: L'(t) by rows and columns of fields.
        jets: the jets that the products F need.
        products: the terms of the remainder.
        flux: `(*jets, *coordinates, t, *parameters) → [F, …]`.
        slopes: the same arguments to the non-zero ∂F/∂jet, row after row.
        slope_jets: for each product the jets it depends on, by index.
        degree: largest degree of a product in the jets; 3 for those that are no polynomial.
        explicit_time: whether t occurs.
        explicit_space: whether a coordinate occurs.
    """

    linear: tuple[tuple[Linear, ...], ...]
    explicit_linear: tuple[tuple[Linear, ...], ...]
    jets: tuple[Jet, ...]
    products: tuple[Product, ...]
    flux: Callable[..., list[Tensor | float]]
    slopes: Callable[..., list[Tensor | float]]
    slope_jets: tuple[tuple[int, ...], ...]
    degree: int
    explicit_time: bool
    explicit_space: bool


def compile_equation(equation: Equation, dims: int) -> Compiled:
    """The compiled right-hand side on `dims` space axes; equal texts are compiled once.

    Raises:
        ValueError: when the text needs more axes.
    """
    equation.right_hand_sides(dims)
    return _compile(equation.text, equation.fields, tuple(sorted(equation.parameters)), dims)


@lru_cache(maxsize=256)
def _compile(text: tuple[str, ...], fields: tuple[str, ...], parameters: tuple[str, ...], dims: int) -> Compiled:
    split = split_text(text, fields, parameters, dims)
    space = split.space
    products_only = tuple(
        expanded(remainder - linear_expression(row, space))
        for remainder, row in zip(split.remainder, split.explicit_linear, strict=True)
    )
    form = fewest_transforms(products_only, space)
    products = tuple(
        # A numerical factor costs nothing when it is part of the Fourier multiplier.
        Product(index, orders, *flux.as_coeff_Mul())
        for index, equation in enumerate(form)
        for orders, flux in equation.items()
    )
    fluxes = [product.flux for product in products]
    jets = space.jets_in(fluxes)
    symbols = [space.symbol(jet) for jet in jets]
    arguments = [*symbols, *space.coordinates, TIME, *parameter_symbols(parameters).values()]
    slope_jets = tuple(tuple(j for j, symbol in enumerate(symbols) if flux.has(symbol)) for flux in fluxes)
    slopes = [_slope(flux, symbols[j]) for flux, row in zip(fluxes, slope_jets, strict=True) for j in row]
    return Compiled(
        linear=split.linear,
        explicit_linear=split.explicit_linear,
        jets=jets,
        products=products,
        flux=torch_function(arguments, fluxes),
        slopes=torch_function(arguments, slopes),
        slope_jets=slope_jets,
        degree=_degree(fluxes, space),
        explicit_time=any(flux.has(TIME) for flux in fluxes) or any(any(row) for row in split.explicit_linear),
        explicit_space=any(flux.has(*space.coordinates) for flux in fluxes),
    )


def by_function_of_time(linear: Sequence[Sequence[Linear]]) -> dict[sympy.Expr, list[list[Linear]]]:
    """A linear part with coefficients of t as Σ g(t) · (operators with constant coefficients), by g."""
    result: dict[sympy.Expr, list[list[Linear]]] = {}
    for a, row in enumerate(linear):
        for b, operator in enumerate(row):
            for orders, coefficient in operator.items():
                for term in sympy.Add.make_args(coefficient):
                    constant, function = term.as_independent(TIME, as_Add=False)
                    matrix = result.setdefault(function, [[{} for _ in line] for line in linear])
                    matrix[a][b][orders] = matrix[a][b].get(orders, sympy.Integer(0)) + constant
    return result


def _slope(flux: sympy.Expr, jet: sympy.Symbol) -> sympy.Expr:
    """∂flux/∂jet where it exists; the kinks of |u| are left out."""
    slope: sympy.Expr = flux.diff(jet).replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    return slope


def _degree(fluxes: Sequence[sympy.Expr], space: JetSpace) -> int:
    degree = 2
    for flux in fluxes:
        symbols = [space.symbol(jet) for jet in space.jets_in(flux)]
        if symbols:
            polynomial = flux.is_polynomial(*symbols)
            degree = max(degree, sympy.Poly(flux, *symbols).total_degree() if polynomial else 3)
    return degree
