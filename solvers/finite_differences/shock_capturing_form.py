"""The conservation law that a text states: fluxes, their wave speeds, and what else stands on the right."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sympy
from torch import Tensor

from pdesym.solvers.conservative import Form, Orders, conservative_form, inverse_total_derivative
from pdesym.solvers.declaration import Declaration, parameter_symbols, right_hand_sides
from pdesym.solvers.equation import Equation
from pdesym.solvers.jets import TIME, Jet, JetSpace, expanded
from pdesym.solvers.torch_function import torch_function

# The characteristic polynomial of more fields is too long to be factored.
_MOST_FIELDS_FACTORED = 3


@dataclass(frozen=True)
class ConservationLaw:
    """u_t + Σ_i ∂_i F_i(u, x, t) = Σ_α ∂^α R_α(jets, x, t).

    The functions take `(*fields, *coordinates, t, *parameters)`, `rest` and `slopes` the `jets` in place of the fields.

    Attributes:
        fluxes: F_i by axis, one expression a field.
        flux: function to [F_0 of every field, F_1 of every field, …].
        jacobian: function to the entries ∂F_i,a/∂u_b, axis by axis, row by row.
        eigenvalues: by axis the eigenvalues of that matrix, or None where there is no formula for them.
        speeds: for each axis with a formula the function to its eigenvalues.
        terms: (field, α, expression of R_α).
        jets: the jets in which the R_α are written.
        rest: function to all R_α.
        slopes: function to their derivatives by the jets, those that are not 0.
        slope_of: for each of these the indices (term, jet).
    """

    fluxes: tuple[tuple[sympy.Expr, ...], ...]
    flux: Callable[..., list[Tensor | float]]
    jacobian: Callable[..., list[Tensor | float]]
    eigenvalues: tuple[tuple[sympy.Expr, ...] | None, ...]
    speeds: tuple[Callable[..., list[Tensor | float]] | None, ...]
    terms: tuple[tuple[int, Orders, sympy.Expr], ...]
    jets: tuple[Jet, ...]
    rest: Callable[..., list[Tensor | float]]
    slopes: Callable[..., list[Tensor | float]]
    slope_of: tuple[tuple[int, int], ...]


def conservation_law(equation: Equation, dims: int) -> ConservationLaw:
    """The conservation law that the text of an equation states, on `dims` space axes.

    First-order terms must be derivatives of fluxes: `-u*u_x` is −∂ₓ(u²/2), `-dx(a*u)` with a function a of x is as it
    stands, while no flux has the derivative `v*u_x`, or `a*u_x`, which is none without a source −a'u. What is conserved
    decides how fast shocks are: (h, u) with u_t = −∂ₓ(u²/2 + gh) has other ones than (h, q) with
    q_t = −∂ₓ(q²/h + gh²/2), and only the latter are those of water.

    Raises:
        ValueError: for text without conservative form, without flux, with auxiliary fields, or that needs more axes.
    """
    return _law(equation.declaration, dims)


@lru_cache(maxsize=64)
def _law(declaration: Declaration, dims: int) -> ConservationLaw:
    if declaration.auxiliaries:
        raise ValueError(
            f"Shock capturing takes conservation laws of the fields alone, but {declaration.statement!r} defines "
            f"{declaration.auxiliaries[0]!r} by a relation: use a Grid, or write the law without it."
        )
    space = declaration.space(dims)
    parts = [
        _fluxes_and_rest(expression, space, line)
        for expression, line in zip(right_hand_sides(declaration, dims), declaration.text, strict=True)
    ]
    if not any(flux for fluxes, _ in parts for flux in fluxes):
        raise ValueError(
            f"Shock capturing needs a flux, and {declaration.statement!r} has no first-order term: use the scheme "
            "'central'."
        )
    fluxes = tuple(tuple(row[axis] for row, _ in parts) for axis in range(dims))
    fields = [space.symbol(Jet(i, (0,) * dims)) for i in range(len(space.fields))]
    matrices = [sympy.Matrix(row).jacobian(sympy.Matrix(fields)) for row in fluxes]
    others = [*space.coordinates, TIME, *parameter_symbols(declaration.parameters).values()]
    eigenvalues = tuple(map(_eigenvalues, matrices))
    terms = tuple((a, orders, term) for a, (_, form) in enumerate(parts) for orders, term in form.items())
    expressions = [term for _, _, term in terms]
    jets = space.jets_in(expressions)
    symbols = [space.symbol(jet) for jet in jets]
    slope_of = tuple((i, j) for i, term in enumerate(expressions) for j, s in enumerate(symbols) if term.has(s))
    return ConservationLaw(
        fluxes=fluxes,
        flux=torch_function([*fields, *others], [flux for row in fluxes for flux in row]),
        jacobian=torch_function([*fields, *others], [entry for matrix in matrices for entry in matrix]),
        eigenvalues=eigenvalues,
        speeds=tuple(None if row is None else torch_function([*fields, *others], row) for row in eigenvalues),
        terms=terms,
        jets=jets,
        rest=torch_function([*symbols, *others], expressions),
        slopes=torch_function([*symbols, *others], [expressions[i].diff(symbols[j]) for i, j in slope_of]),
        slope_of=slope_of,
    )


def _fluxes_and_rest(expression: sympy.Expr, space: JetSpace, line: str) -> tuple[tuple[sympy.Expr, ...], Form]:
    """(F_i by axis, {α: R_α}) with expression = −Σ ∂_i F_i + Σ ∂^α R_α."""
    first: dict[int, list[sympy.Expr]] = defaultdict(list)
    rest, sources = [], []
    for term in sympy.Add.make_args(expanded(expression)):
        jets = space.jets_in(term)
        steep = [jet for jet in jets if jet.order]
        axes = {jet.orders.index(1) for jet in steep if jet.order == 1}
        if not steep:
            sources.append(term)
        elif _bends(term, steep, space):
            rest.append(term)
        elif len(axes) == 1:
            first[axes.pop()].append(term)
        else:
            raise _without_form(line, term)
    fluxes, left = [sympy.Integer(0)] * space.dims, sympy.Add(*sources)
    for axis, terms in first.items():
        derivative = sympy.Add(*terms)
        flux = _flux(derivative, axis, space)
        if flux is None:
            raise _without_form(line, derivative)
        fluxes[axis] = -flux
        left += derivative - space.total_derivative(flux, axis)
    # −a(x) u_x is no derivative of a flux; −a(x) u_x − a'(x) u is, and leaves nothing behind.
    if any(term not in sources for term in sympy.Add.make_args(expanded(left)) if term != 0):
        explicit = [term for terms in first.values() for term in terms if term.has(*space.coordinates)]
        raise _without_form(line, sympy.Add(*explicit))
    form = conservative_form(expanded(left + sympy.Add(*rest)), space)
    # What dx(u**2*u_x) gives is now under a derivative; u_x**2 is not, and no central difference suits its kinks.
    for term in sympy.Add.make_args(form.get((0,) * space.dims, sympy.Integer(0))):
        if max((jet.order for jet in space.jets_in(term)), default=0) == 1:
            raise _without_form(line, term)
    return tuple(fluxes), form


def _bends(term: sympy.Expr, steep: list[Jet], space: JetSpace) -> bool:
    """Whether a term has more than one first derivative as a factor."""
    return any(jet.order > 1 for jet in steep) or len(steep) > 1 or term.diff(space.symbol(steep[0]), 2) != 0


def _flux(derivative: sympy.Expr, axis: int, space: JetSpace) -> sympy.Expr | None:
    """F with ∂F/∂x_axis = derivative at fixed coordinates."""
    fixed = {x: sympy.Dummy(x.name, real=True) for x in space.coordinates}
    flux = inverse_total_derivative(derivative.xreplace(fixed), axis, space)
    return None if flux is None else flux.xreplace({dummy: x for x, dummy in fixed.items()})


def _without_form(line: str, term: sympy.Expr) -> ValueError:
    return ValueError(
        f"The terms {term} of {line!r} are not the derivative of a flux along one axis, so that shocks have no speed: "
        f"write them as -dx(flux) with the quantities that are conserved as fields, or use the scheme 'central'."
    )


def _eigenvalues(matrix: sympy.Matrix) -> tuple[sympy.Expr, ...] | None:
    """The eigenvalues where the characteristic polynomial has factors of degree 1 and 2 only."""
    if matrix.rows > _MOST_FIELDS_FACTORED:
        return None
    unknown = sympy.Dummy("eigenvalue", real=True)
    polynomial = (unknown * sympy.eye(matrix.rows) - matrix).det(method="berkowitz")
    try:
        _, factors = sympy.factor_list(sympy.numer(sympy.together(polynomial)), unknown)
    except sympy.PolynomialError:
        return None
    result: list[sympy.Expr] = []
    for factor, multiplicity in factors:
        coefficients = sympy.Poly(factor, unknown).all_coeffs()
        if len(coefficients) > 3:
            return None
        if len(coefficients) == 1:
            continue
        middle = sympy.cancel(-coefficients[1] / coefficients[0])
        if len(coefficients) == 2:
            result += [middle] * multiplicity
        else:
            square = sympy.factor(sympy.cancel(middle**2 / 4 - coefficients[2] / coefficients[0]))
            result += [middle / 2 - sympy.sqrt(square), middle / 2 + sympy.sqrt(square)] * multiplicity
    return tuple(result)
