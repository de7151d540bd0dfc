"""The nonlinear part of an equation as a list of products of fields, for the row kernel to go through.

N = Σ coefficient ∂^orders F with F a polynomial in the jets, whose coefficients may depend on parameters and on x. Each
monomial becomes one instruction, or several where it has more than three factors: "write, or add, c·a·b·d to there",
over all points of a field. Jets, functions of x, powers met on the way and results are numbered slots of one memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy

from pdesym.solvers.compiled import Compiled
from pdesym.solvers.jets import TIME, Jet, JetSpace

STRETCH = sympy.Dummy("stretch", positive=True)
"""The factor by which the box of a sample is longer than the grid says."""

_MOST_FACTORS = 3


@dataclass(frozen=True)
class Instruction:
    """slot[target] = or += coefficient · Π slot[factor], point by point.

    Attributes:
        target: slot that is written.
        final: whether the result is a product to be transformed, which puts the points in their natural order.
        add: whether to add to what is there.
        coefficient: index into `Program.coefficients`, −1 for one.
        factors: slots, at most three.
    """

    target: int
    final: bool
    add: bool
    coefficient: int
    factors: tuple[int, ...]


@dataclass(frozen=True)
class Use:
    """number · ∂^order of a product is added to the equation of a field."""

    field: int
    order: int
    number: float


@dataclass(frozen=True)
class Transformed:
    """A product, its derivative along a tangent, and what its transform is used for."""

    value: tuple[Instruction, ...]
    derivative: tuple[Instruction, ...]
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Program:
    """What to do at each evaluation of N.

    Attributes:
        jets: what is synthesised first.
        functions: of x and parameters, tabulated once for each sample.
        coefficients: of parameters, numbers for each sample.
        products: one after the other.
        slopes: the partial derivatives of the products by the jets, needed for tangents.
        work: slot of the product at hand.
        slots: how many there are: jets, functions of x, the product at hand, powers and slopes.
    """

    jets: tuple[Jet, ...]
    functions: tuple[sympy.Expr, ...]
    coefficients: tuple[sympy.Expr, ...]
    products: tuple[Transformed, ...]
    slopes: tuple[Instruction, ...]
    work: int
    slots: int


Monomials = dict[tuple[int, ...], tuple[int, sympy.Expr]]
"""Coefficients of products of jets: {(0, 0, 2): (3, c)} is 3c·jet₀²·jet₂."""

_Use = tuple[int, int, sympy.Expr]


def program(compiled: Compiled, space: JetSpace, stretched: bool) -> Program | None:
    """The program of an equation in one dimension, None where a product is no polynomial in jets of evolving fields.

    Args:
        compiled: the equation.
        space: its jets.
        stretched: whether lengths are multiplied by `STRETCH`.
    """
    products = tuple(
        (product.flux, tuple((use.field, sum(use.orders), use.coefficient) for use in product.terms))
        for product in compiled.products
    )
    symbols = tuple(space.symbol(jet) for jet in compiled.jets)
    return _program(products, compiled.jets, symbols, space.coordinates, stretched)


@lru_cache(maxsize=256)
def _program(
    products: tuple[tuple[sympy.Expr, tuple[_Use, ...]], ...],
    jets: tuple[Jet, ...],
    symbols: tuple[sympy.Symbol, ...],
    coordinates: tuple[sympy.Symbol, ...],
    stretched: bool,
) -> Program | None:
    orders = [jet.order if stretched else 0 for jet in jets]
    todo: list[tuple[Monomials, list[Use]]] = []
    for flux, uses in products:
        monomials = _monomials(flux, symbols)
        if monomials is None:
            return None
        scaled = {
            factors: (count, coefficient * STRETCH ** -sum(orders[j] for j in factors))
            for factors, (count, coefficient) in monomials.items()
        }
        # What differs from sample to sample goes with the product, numbers with its uses.
        shared: dict[sympy.Expr, list[Use]] = {}
        for field, order, coefficient in uses:
            number, rest = coefficient.as_coeff_Mul()
            rest *= STRETCH ** (-order if stretched else 0)
            shared.setdefault(rest, []).append(Use(field, order, float(number)))
        for rest, same in shared.items():
            todo.append(({factors: (count, rest * c) for factors, (count, c) in scaled.items()}, same))
    everything = [coefficient for monomials, _ in todo for _, coefficient in monomials.values()]
    builder = _Builder(len(jets), list(dict.fromkeys(c for c in everything if c.has(*coordinates))))
    return _written(todo, jets, builder)


def _monomials(flux: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> Monomials | None:
    present = [symbol for symbol in symbols if flux.has(symbol)]
    if flux.has(TIME) or not flux.is_polynomial(*present):
        return None
    if not present:
        return {(): (1, flux)}
    places = [symbols.index(symbol) for symbol in present]
    return {
        tuple(place for place, power in zip(places, powers, strict=True) for _ in range(power)): (1, coefficient)
        for powers, coefficient in sympy.Poly(flux, *present).terms()
    }


def _slope(monomials: Monomials, jet: int) -> Monomials:
    result: Monomials = {}
    for factors, (count, coefficient) in monomials.items():
        if jet in factors:
            place = factors.index(jet)
            result[factors[:place] + factors[place + 1 :]] = (count * factors.count(jet), coefficient)
    return result


class _Builder:
    """Gives out slots and writes instructions."""

    def __init__(self, jets: int, functions: Sequence[sympy.Expr]):
        self.functions = {function: jets + i for i, function in enumerate(functions)}
        self.work = jets + len(functions)
        self.slots = self.work + 1
        self.coefficients: dict[sympy.Expr, int] = {}
        self.powers: dict[tuple[int, ...], int] = {}

    def new_slot(self) -> int:
        """A slot that nothing is in."""
        self.slots += 1
        return self.slots - 1

    def sum(self, monomials: Monomials, target: int) -> tuple[Instruction, ...]:
        """Instructions that leave Σ coefficient · monomial in a slot."""
        result: list[Instruction] = []
        for place, (factors, (count, coefficient)) in enumerate(monomials.items()):
            slots, number = list(factors), sympy.Integer(count)
            if coefficient in self.functions:
                slots.append(self.functions[coefficient])
            else:
                number *= coefficient
            index = -1 if number == 1 else self.coefficients.setdefault(number, len(self.coefficients))
            while len(slots) > _MOST_FACTORS:
                first = tuple(slots[:_MOST_FACTORS])
                if first not in self.powers:
                    self.powers[first] = self.new_slot()
                    result.append(Instruction(self.powers[first], False, False, -1, first))
                slots = [self.powers[first], *slots[_MOST_FACTORS:]]
            result.append(Instruction(target, target == self.work, place > 0, index, tuple(slots)))
        return tuple(result)


def fluxes(compiled: Compiled, space: JetSpace) -> Program | None:
    """The program of the products alone, whatever they are used for; None where one is no polynomial in the jets.

    The numbers of an `Instruction` are those of `program`; there are no functions of coordinates.
    """
    return _fluxes(
        tuple(product.flux for product in compiled.products),
        compiled.jets,
        tuple(space.symbol(jet) for jet in compiled.jets),
        space.coordinates,
    )


@lru_cache(maxsize=256)
def _fluxes(
    products: tuple[sympy.Expr, ...],
    jets: tuple[Jet, ...],
    symbols: tuple[sympy.Symbol, ...],
    coordinates: tuple[sympy.Symbol, ...],
) -> Program | None:
    todo: list[tuple[Monomials, list[Use]]] = []
    for flux in products:
        monomials = _monomials(flux, symbols)
        if monomials is None or any(coefficient.has(*coordinates) for _, coefficient in monomials.values()):
            return None
        todo.append((monomials, []))
    return _written(todo, jets, _Builder(len(jets), []))


def _written(todo: Sequence[tuple[Monomials, list[Use]]], jets: tuple[Jet, ...], builder: "_Builder") -> Program:
    """The instructions of products and of their derivatives along a tangent."""
    values = [builder.sum(monomials, builder.work) for monomials, _ in todo]
    slopes: list[Instruction] = []
    derivatives: list[tuple[Instruction, ...]] = []
    for monomials, _ in todo:
        derivative: list[Instruction] = []
        for jet in sorted({jet for factors in monomials for jet in factors}):
            slot = builder.new_slot()
            slopes += builder.sum(_slope(monomials, jet), slot)
            derivative.append(Instruction(builder.work, True, bool(derivative), -1, (slot, jet)))
        derivatives.append(tuple(derivative))
    return Program(
        jets=jets,
        functions=tuple(builder.functions),
        coefficients=tuple(builder.coefficients),
        products=tuple(
            Transformed(value, derivative, tuple(uses))
            for value, derivative, (_, uses) in zip(values, derivatives, todo, strict=True)
        ),
        slopes=tuple(slopes),
        work=builder.work,
        slots=builder.slots,
    )
