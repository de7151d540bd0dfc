"""Superposition: the symmetries α(t, x) g(u) ∂_u, α any solution of a linear equation."""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy

from pdesym.solvers.jets import TIME, JetSpace
from pdesym.symmetry.determine.conditions import Linearised, collected
from pdesym.symmetry.determine.jet_ring import JetRing
from pdesym.symmetry.determine.polynomial import product
from pdesym.symmetry.determine.statement import Statement
from pdesym.symmetry.vector_field import variable

_NAMES = ("alpha", "beta", "gamma", "chi", "alpha_0")


@dataclass(frozen=True)
class Superposition:
    """The infinite-dimensional ideal of a linear equation, or of one that a change u ↦ w(u) makes linear.

    Attributes:
        name: "alpha", or another name where the equation uses that.
        directions: g for each field: one factor g(u), or 1 for every field of a linear system.
        equation: what α satisfies, as text: "alpha_t = nu*alpha_xx".
        homogeneous: whether α is itself a solution of the equation, which is linear without a source.
    """

    name: str
    directions: tuple[sympy.Expr, ...]
    equation: str
    homogeneous: bool


def superposition(statement: Statement) -> Superposition | None:
    """The superposition that an equation has, if it has one."""
    if statement.constraints:
        return None
    taken = {*statement.space.fields, *statement.parameters}
    name = next(name for name in _NAMES if not any(other.startswith(name) for other in taken))
    if linear := _linear(statement, name):
        return linear
    return _linearisable(statement, name) if len(statement.space.fields) == 1 else None


def _linear(statement: Statement, name: str) -> Superposition | None:
    space = statement.space
    jets = space.jets_in(statement.sides)
    symbols = [space.symbol(jet) for jet in jets]
    lines, homogeneous = [], True
    names = [name] if len(space.fields) == 1 else [f"{name}{i}" for i in range(1, len(space.fields) + 1)]
    renamed = JetSpace(tuple(names), space.dims)
    for own, side in zip(names, statement.sides, strict=True):
        slopes = [sympy.diff(side, symbol) for symbol in symbols]
        if any(slope.free_symbols & set(symbols) for slope in slopes):
            return None
        linear = _text([(slope, renamed.symbol(jet)) for slope, jet in zip(slopes, jets, strict=True)])
        homogeneous &= sympy.expand(side.subs(dict.fromkeys(symbols, 0))) == 0
        lines.append(f"{own}_t = {linear}")
    return Superposition(name, (sympy.Integer(1),) * len(names), "; ".join(lines), homogeneous)


def _linearisable(statement: Statement, name: str) -> Superposition | None:
    """g(u) = exp(λu) or u^λ, with the λ for which the determining equation of α g(u) ∂_u is linear in α alone."""
    rate, change = variable("lambda_"), variable("alpha_after_t")
    u = variable(statement.space.fields[0])
    space = JetSpace((*statement.space.fields, name), statement.space.dims)
    for g in (sympy.exp(rate * u), u**rate):
        ring = JetRing(space, (*statement.sides, change), (), (g,), (*statement.constants, rate, change))
        q = product(ring.element(g), ring.element(variable(name)))
        (condition, *_) = Linearised(ring)([ring.normal(q), {}])
        constants = range(len(ring.constants))
        obstacles, rest = [], sympy.Integer(0)
        alphas = {place for (jet, _), place in ring.jet_places.items() if jet.field == 1}
        base = {ring.time, *ring.axes}
        g_place = next(place for atom, place in ring.atom_places.items() if ring.expressions[place] == g)
        for monomial, coefficient in collected(ring, condition, tuple(constants)).items():
            outside = [i for i, n in enumerate(monomial) if n and i not in alphas and i not in base and i != g_place]
            value = ring.expression(coefficient)
            if outside and not all(ring.expressions[i].free_symbols <= {TIME, *space.coordinates} for i in outside):
                obstacles.append(value)
            else:
                rest += value * ring.expression({tuple(0 if i == g_place else n for i, n in enumerate(monomial)): 1})
        common = sympy.gcd_list(obstacles) if obstacles else sympy.Integer(0)
        for factor, _ in sympy.factor_list(common, rate)[1] if common.has(rate) else ():
            poly = sympy.Poly(factor, rate)
            if poly.degree() != 1:
                continue
            root = sympy.cancel(-poly.nth(0) / poly.nth(1))
            if root == 0:
                continue
            linear = sympy.expand(sympy.cancel(change - rest.subs(rate, root) / sympy.diff(rest, change)))
            terms = [(sympy.diff(linear, symbol), symbol) for symbol in map(space.symbol, space.jets_in(linear))]
            return Superposition(name, (g.subs(rate, root),), f"{name}_t = {_text(terms)}", False)
    return None


def _text(terms: Sequence[tuple[sympy.Expr, sympy.Symbol]]) -> str:
    """Σ coefficient · derivative, the coefficients in front, the highest derivatives last."""
    parts = []
    for coefficient, symbol in terms:
        if coefficient == 0:
            continue
        if coefficient in (1, -1):
            parts.append(f"{'-' if coefficient == -1 else ''}{symbol}")
        else:
            parts.append(f"({coefficient})*{symbol}" if coefficient.is_Add else f"{coefficient}*{symbol}")
    return " + ".join(parts).replace("+ -", "- ") or "0"
