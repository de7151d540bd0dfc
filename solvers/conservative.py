"""Writing a right-hand side as Σ_α ∂^α F_α(jets) with the fewest transforms.

Evaluating R pseudo-spectrally costs one inverse transform for each jet that occurs and one forward transform for each
∂^α. `u*u_x` as it stands costs three, as ∂_x(u²/2) two, and the second form also conserves the mean exactly.
"""

from collections import defaultdict

import sympy
from sympy.integrals.manualintegrate import manualintegrate

from pdesym.solvers.jets import TIME, Jet, JetSpace, expanded

Orders = tuple[int, ...]

_ENTIRE = {sympy.sin, sympy.cos, sympy.exp, sympy.sinh, sympy.cosh}


def _rank(jet: Jet) -> tuple[int, int]:
    return jet.order, -jet.field


def inverse_total_derivative(expression: sympy.Expr, axis: int, space: JetSpace) -> sympy.Expr | None:
    """F with D_axis F = expression by repeated partial integration, or None when there is none of that form.

    Each pass takes the highest derivative, which must occur linearly, and integrates its coefficient over the
    derivative one order lower; a pass that does not lower the highest derivative shows that there is no F.
    """
    result = sympy.Integer(0)
    remaining = expanded(expression)
    last = None
    while remaining != 0:
        highest = max(space.jets_in(remaining), key=_rank, default=None)
        if highest is None or highest.order == 0 or highest.order != highest.orders[axis]:
            return None
        if last is not None and _rank(highest) >= _rank(last):
            return None
        last = highest
        symbol = space.symbol(highest)
        coefficient = sympy.diff(remaining, symbol)
        if any(jet.order >= highest.order for jet in space.jets_in(coefficient)):
            return None
        lowered = Jet(highest.field, tuple(n - (i == axis) for i, n in enumerate(highest.orders)))
        piece = manualintegrate(coefficient, space.symbol(lowered))
        if not _as_widely_defined(piece, coefficient):
            return None
        result += piece
        remaining = expanded(remaining - space.total_derivative(piece, axis))
    return expanded(result)


def _as_widely_defined(integral: sympy.Expr, integrand: sympy.Expr) -> bool:
    """Whether an integral is finite wherever the integrand is: ∫ du/u = log u is not, at u < 0."""
    new = {type(function) for function in integral.atoms(sympy.Function) - integrand.atoms(sympy.Function)}
    return new <= _ENTIRE and not integral.has(sympy.Integral, sympy.Piecewise)


def _exact_part(terms: list[sympy.Expr], axis: int, space: JetSpace) -> tuple[sympy.Expr, list[sympy.Expr]]:
    """(F, rest) with Σ terms = D_axis F + Σ rest: single terms first, then what is left as a whole."""
    flux = sympy.Integer(0)
    rest = []
    for term in terms:
        integrated = inverse_total_derivative(term, axis, space)
        if integrated is None:
            rest.append(term)
        else:
            flux += integrated
    if len(rest) > 1:
        integrated = inverse_total_derivative(sympy.Add(*rest), axis, space)
        if integrated is not None:
            return flux + integrated, []
    return flux, rest


def conservative_form(expression: sympy.Expr, space: JetSpace) -> dict[Orders, sympy.Expr]:
    """{α: F_α} with expression = Σ_α ∂^α F_α, as many derivatives as possible moved outside.

    Terms with an explicit coordinate, and terms that mix derivatives along several axes, stay as they are.
    """
    done: dict[Orders, sympy.Expr] = defaultdict(lambda: sympy.Integer(0))
    todo = [((0,) * space.dims, expanded(expression))]
    while todo:
        outer, inner = todo.pop()
        by_axis: dict[int | None, list[sympy.Expr]] = defaultdict(list)
        for term in sympy.Add.make_args(inner):
            axes = {i for jet in space.jets_in(term) for i, n in enumerate(jet.orders) if n}
            explicit = term.has(*space.coordinates)
            by_axis[axes.pop() if len(axes) == 1 and not explicit else None].append(term)
        for axis, terms in by_axis.items():
            rest = terms
            if axis is not None:
                flux, rest = _exact_part(terms, axis, space)
                if flux != 0:
                    todo.append((tuple(n + (i == axis) for i, n in enumerate(outer)), flux))
            done[outer] += sympy.Add(*rest)
    return {orders: flux for orders, flux in sorted(done.items()) if flux != 0}


def fewest_transforms(expressions: tuple[sympy.Expr, ...], space: JetSpace) -> tuple[dict[Orders, sympy.Expr], ...]:
    """For each right-hand side of a system the form Σ_α ∂^α F_α, the pointwise or the conservative one for all.

    The cheaper of the two is taken; at equal cost the conservative one, which keeps the mean exact.
    """
    zero = (0,) * space.dims
    pointwise = tuple({zero: expression} if expression != 0 else {} for expression in expressions)
    conservative = tuple(conservative_form(expression, space) for expression in expressions)
    return min(conservative, pointwise, key=lambda form: count_transforms(form, space))


def count_transforms(form: tuple[dict[Orders, sympy.Expr], ...], space: JetSpace) -> int:
    """Number of real transforms that one evaluation of the form takes; TIME and coordinates cost none."""
    fluxes = [flux for equation in form for flux in equation.values()]
    forward = sum(bool(space.jets_in(flux)) or flux.has(TIME, *space.coordinates) for flux in fluxes)
    return len(space.jets_in(fluxes)) + int(forward)
