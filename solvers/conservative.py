"""Writing a right-hand side as Σ_α ∂^α F_α(jets) with the fewest transforms.

Evaluating R pseudo-spectrally costs one inverse transform for each jet that occurs and one forward transform for each
∂^α. `u*u_x` as it stands costs three, as ∂_x(u²/2) two, and the second form also conserves the mean exactly.
"""

from collections import defaultdict
from collections.abc import Sequence

import sympy
from sympy.integrals.manualintegrate import manualintegrate

from pdesym.solvers.declaration import Constraint
from pdesym.solvers.jets import TIME, Jet, JetSpace, expanded

Orders = tuple[int, ...]
Form = dict[Orders, sympy.Expr]
"""{α: F_α} stands for Σ_α ∂^α F_α."""

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


def conservative_form(expression: sympy.Expr, space: JetSpace) -> Form:
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


def fewest_transforms(
    expressions: tuple[sympy.Expr, ...], space: JetSpace, constraints: Sequence[Constraint] = ()
) -> tuple[Form, ...]:
    """For each right-hand side of a system the form Σ_α ∂^α F_α, the pointwise or the conservative one for all.

    The cheapest is taken; at equal cost the conservative one, which keeps the mean exact. The advection of a vorticity
    by the stream function that a constraint defines is also written with two products of velocities.
    """
    whole: tuple[Form, ...] = ({},) * len(expressions)
    candidates = [whole]
    pairs = [_without_advection(expression, space, constraints) for expression in expressions]
    if any(advection for _, advection in pairs):
        candidates.append(tuple(advection for _, advection in pairs))
    zero = (0,) * space.dims
    forms = []
    for extra in candidates:
        rest = expressions if extra is whole else tuple(left for left, _ in pairs)
        pointwise: tuple[Form, ...] = tuple({zero: expression} for expression in rest)
        conservative = tuple(conservative_form(expression, space) for expression in rest)
        forms += [tuple(map(_sum, form, extra)) for form in (conservative, pointwise)]
    return min(forms, key=lambda form: count_transforms(form, space))


def _without_advection(
    expression: sympy.Expr, space: JetSpace, constraints: Sequence[Constraint]
) -> tuple[sympy.Expr, Form]:
    """(rest, form) where the form stands for κ (ψ_x w_y − ψ_y w_x) with w = σ ∇²ψ, which is

    κσ [(∂_yy − ∂_xx)(ψ_x ψ_y) + ∂_xy(ψ_x² − ψ_y²)]

    (Basdevant, J. Comput. Phys. 50, 1983): two inverse and two forward transforms instead of four and one.
    """
    rest, form = expanded(expression), Form()
    for constraint in constraints if space.dims == 2 else ():
        sources = {b: operator for b, operator in enumerate(constraint.sources) if operator}
        pure = set(constraint.operator) == {(2, 0), (0, 2)} and len(set(constraint.operator.values())) == 1
        if not pure or len(sources) != 1 or set(next(iter(sources.values()))) != {(0, 0)}:
            continue
        ((vorticity, operator),) = sources.items()
        ratio = constraint.operator[2, 0] / operator[0, 0]
        along = [[space.symbol(Jet(f, orders)) for orders in ((1, 0), (0, 1))] for f in (constraint.field, vorticity)]
        (psi_x, psi_y), (w_x, w_y) = along
        factor = _coefficient(rest, psi_x * w_y, space)
        if factor == 0 or sympy.simplify(factor + _coefficient(rest, psi_y * w_x, space)) != 0:
            continue
        rest = expanded(rest - factor * (psi_x * w_y - psi_y * w_x))
        factor = factor * ratio
        cross, difference = factor * psi_x * psi_y, factor * (psi_x**2 - psi_y**2)
        form = _sum(form, {(0, 2): cross, (2, 0): -cross, (1, 1): difference})
    return rest, form


def _coefficient(expression: sympy.Expr, product: sympy.Expr, space: JetSpace) -> sympy.Expr:
    """The sum of what stands before a product of jets, as far as that contains no jet and no coordinate."""
    quotients = [term / product for term in sympy.Add.make_args(expression) if term.has(*product.free_symbols)]
    return sympy.Add(*(q for q in quotients if not space.jets_in(q) and not q.has(*space.coordinates)))


def _sum(form: Form, other: Form) -> Form:
    total = {
        orders: form.get(orders, sympy.Integer(0)) + other.get(orders, sympy.Integer(0)) for orders in form | other
    }
    return {orders: flux for orders, flux in sorted(total.items()) if flux != 0}


def normalised(flux: sympy.Expr, space: JetSpace) -> tuple[sympy.Expr, sympy.Expr]:
    """(coefficient, product): the factors of numbers and parameters apart, which a Fourier multiplier takes along.

    Fluxes that differ by such a factor have the same product.
    """
    jets = (space.symbol(jet) for jet in space.jets_in(flux))
    coefficient, product = flux.as_independent(*jets, *space.coordinates, TIME, as_Add=False)
    content, product = product.primitive()
    if product.could_extract_minus_sign():
        content, product = -content, -product
    return content * coefficient, product


def count_transforms(form: tuple[Form, ...], space: JetSpace) -> int:
    """Number of real transforms that one evaluation of the form takes; numbers and parameters alone cost none."""
    fluxes = {normalised(flux, space)[1] for equation in form for flux in equation.values()}
    forward = sum(bool(space.jets_in(flux)) or flux.has(TIME, *space.coordinates) for flux in fluxes)
    return len(space.jets_in(fluxes)) + int(forward)
