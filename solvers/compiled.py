"""An equation's right-hand side made ready for evaluation: what to transform, and the functions in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy
from torch import Tensor

from pdesym.solvers.conservative import Form, Orders, fewest_transforms, normalised
from pdesym.solvers.declaration import Constraint, Declaration, constraints, parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.jets import TIME, Jet, JetSpace, Linear, expanded, linear_expression
from pdesym.solvers.quadratic import Quadratic, quadratic
from pdesym.solvers.split import split
from pdesym.solvers.torch_function import torch_function


@dataclass(frozen=True)
class Term:
    """coefficient · ∂^orders of a product, in the equation of one field; the coefficient has parameters and numbers."""

    field: int
    orders: Orders
    coefficient: sympy.Expr


@dataclass(frozen=True)
class Product:
    """One function F(jets, x, t, parameters) that is taken point by point, and what its transform is used for."""

    flux: sympy.Expr
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Compiled:
    """A right-hand side as L u + L'(t) u + c + Σ coefficient ∂^orders F.

    Fields are counted through the jet space: those that evolve, then the auxiliary ones.

    Attributes:
        linear: L by rows of evolving fields and columns of fields.
        explicit_linear: L'(t), shaped like L.
        constraints: what defines the auxiliary fields.
        constant: `(*coordinates, *parameters) → [c, …]`, one for each evolving field.
        constants: the same as expressions, zero for most.
        jets: the jets that the products F need.
        products: the products F, each of which is transformed once.
        quadratics: the products as quadratic forms in the jets with numbers before them, None unless all are.
        flux: `(*jets, *coordinates, t, *parameters) → [F, …]`.
        slopes: the same arguments to the non-zero ∂F/∂jet, row after row.
        slope_jets: for each product the jets it depends on, by index.
        degree: largest degree of a product in the jets; 3 for those that are no polynomial.
        explicit_time: whether t occurs.
        explicit_space: whether a coordinate occurs.
    """

    linear: tuple[tuple[Linear, ...], ...]
    explicit_linear: tuple[tuple[Linear, ...], ...]
    constraints: tuple[Constraint, ...]
    constant: Callable[..., list[Tensor | float]]
    constants: tuple[sympy.Expr, ...]
    jets: tuple[Jet, ...]
    products: tuple[Product, ...]
    quadratics: tuple[Quadratic, ...] | None
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
    return _compile(equation.declaration, dims)


@lru_cache(maxsize=256)
def _compile(declaration: Declaration, dims: int) -> Compiled:
    parts = split(declaration, dims)
    space, relations = parts.space, constraints(declaration, dims)
    constants, remainders = [], []
    for remainder, row in zip(parts.remainder, parts.explicit_linear, strict=True):
        terms = sympy.Add.make_args(expanded(remainder - linear_expression(row, space)))
        changing = [term for term in terms if space.jets_in(term) or term.has(TIME)]
        remainders.append(sympy.Add(*changing))
        constants.append(sympy.Add(*(term for term in terms if term not in changing)))
    products = _products(fewest_transforms(tuple(remainders), space, relations), space)
    fluxes = [product.flux for product in products]
    jets = space.jets_in(fluxes)
    symbols = [space.symbol(jet) for jet in jets]
    parameters = list(parameter_symbols(declaration.parameters).values())
    arguments = [*symbols, *space.coordinates, TIME, *parameters]
    slope_jets = tuple(tuple(j for j, symbol in enumerate(symbols) if flux.has(symbol)) for flux in fluxes)
    slopes = [_slope(flux, symbols[j]) for flux, row in zip(fluxes, slope_jets, strict=True) for j in row]
    forms = [quadratic(flux, symbols) for flux in fluxes]
    quadratics = tuple(form for form in forms if form is not None)
    return Compiled(
        linear=parts.linear,
        explicit_linear=parts.explicit_linear,
        constraints=relations,
        constant=torch_function([*space.coordinates, *parameters], constants),
        constants=tuple(constants),
        jets=jets,
        products=products,
        quadratics=quadratics if len(quadratics) == len(products) else None,
        flux=torch_function(arguments, fluxes),
        slopes=torch_function(arguments, slopes),
        slope_jets=slope_jets,
        degree=_degree(fluxes, space),
        explicit_time=any(flux.has(TIME) for flux in fluxes) or any(any(row) for row in parts.explicit_linear),
        explicit_space=any(flux.has(*space.coordinates) for flux in (*fluxes, *constants)),
    )


def _products(form: Sequence[Form], space: JetSpace) -> tuple[Product, ...]:
    """The distinct products of a form, with all places where each is used."""
    terms: dict[sympy.Expr, list[Term]] = {}
    for field, equation in enumerate(form):
        for orders, flux in equation.items():
            coefficient, product = normalised(flux, space)
            terms.setdefault(product, []).append(Term(field, orders, coefficient))
    return tuple(Product(flux, tuple(used)) for flux, used in terms.items())


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
