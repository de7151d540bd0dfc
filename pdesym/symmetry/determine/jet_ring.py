"""Polynomials in x, t, u, its derivatives and elementary functions of them, with total derivatives on solutions."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product as cartesian
from typing import TypeAlias

import sympy

from pdesym.solvers.declaration import Constraint
from pdesym.solvers.jets import TIME, Jet, JetSpace
from pdesym.symmetry.determine.atoms import Atom, Atoms, canonical
from pdesym.symmetry.determine.polynomial import (
    Exponents,
    Polynomial,
    add_into,
    derived,
    monomial,
    product,
    total_of,
    whole,
)

Moving: TypeAlias = tuple[Jet, bool]
"""A derivative of a field in space, or (with True) of its time derivative."""


class JetRing:
    """Polynomials over the rationals in constants, t, x…, jets and atoms.

    Jets of evolving fields are independent, and their time derivative is that of the equation. An auxiliary field ψ is
    known up to its relation A(ψ) = B(fields): its jets that the leading derivative of A does not divide are
    generators, and so are those of ψ_t, for which there is no equation; the others are written in them.

    Args:
        space: the fields and after them the auxiliary fields.
        sides: u_t of each evolving field, in jet symbols.
        constraints: the relations that define the auxiliary fields.
        functions: further expressions that the ring must hold.
        constants: symbols without a value.

    Raises:
        ValueError: for functions that have no place in the ring, or a relation that is not solved for a derivative.
    """

    def __init__(
        self,
        space: JetSpace,
        sides: Sequence[sympy.Expr],
        constraints: Sequence[Constraint],
        functions: Sequence[sympy.Expr],
        constants: Sequence[sympy.Symbol],
    ):
        sides, functions = [canonical(side) for side in sides], [canonical(f) for f in functions]
        self.space, self.evolving, self.constraints = space, len(sides), tuple(constraints)
        relations = [constraint.expression for constraint in constraints]
        self.order = max([1, *(jet.order for jet in space.jets_in((*sides, *relations)))])
        self.atoms = Atoms((*sides, *functions, *relations), constants)
        self.constants = (*constants, *sorted(self.atoms.numbers, key=str))
        self._constraints = {constraint.field: constraint for constraint in constraints}
        self._leading = {
            field: _leading_axis(constraint, space.dims) for field, constraint in self._constraints.items()
        }

        self.moving: tuple[Moving, ...] = tuple(self._independent_jets())
        self.expressions: tuple[sympy.Expr, ...] = (
            *self.constants,
            TIME,
            *space.coordinates,
            *(self._jet_symbol(moving) for moving in self.moving),
            *(atom.expression for atom in self.atoms.atoms),
        )
        self.size = len(self.expressions)
        first = len(self.constants) + 1 + space.dims
        self.time = len(self.constants)
        self.axes = tuple(self.time + 1 + axis for axis in range(space.dims))
        self.jet_places = {moving: first + i for i, moving in enumerate(self.moving)}
        self.atom_places = {atom: first + len(self.moving) + i for i, atom in enumerate(self.atoms.atoms)}
        self._places = {e: i for i, e in enumerate(self.expressions[: first + len(self.moving)])}
        self.one = monomial(self.size, ())
        self._images: dict[object, dict[int, Polynomial | None]] = {}
        self._side_derivatives: dict[Jet, Polynomial] = {}
        self._rules = [self._rule(atom) for atom in self.atoms.atoms if atom.kind in ("base", "sin", "cosh")]
        self.sides = [self.normal(self.element(side)) for side in sides]

    # ── generators ───────────────────────────────────────────────────────────────────────────────

    def generator(self, place: int, exponent: int | Fraction = 1) -> Polynomial:
        """A power of a generator."""
        return monomial(self.size, ((place, exponent),))

    def _jet_symbol(self, moving: Moving) -> sympy.Symbol:
        symbol = self.space.symbol(moving[0])
        return sympy.Symbol(f"{symbol} after t", real=True) if moving[1] else symbol

    def _independent_jets(self) -> Iterator[Moving]:
        largest = 2 * self.order + 1
        for field in range(len(self.space.fields)):
            for orders in cartesian(range(largest + 1), repeat=self.space.dims):
                if sum(orders) > largest:
                    continue
                if field < self.evolving:
                    yield Jet(field, orders), False
                    continue
                axis, lead = self._leading[field]
                if orders[axis] < lead:
                    yield Jet(field, orders), False
                    yield Jet(field, orders), True

    def jet(self, jet: Jet, changed: bool = False) -> Polynomial:
        """A derivative of a field, or with `changed` the same derivative of its time derivative."""
        place = self.jet_places.get((jet, changed))
        if place is not None:
            return self.generator(place)
        if jet.field < self.evolving and changed:
            return self.side_derivative(jet)
        if jet.field < self.evolving or jet.order > 2 * self.order + 1:
            raise ValueError(f"The ring holds derivatives up to the order {2 * self.order + 1}, not {jet}.")
        constraint = self._constraints[jet.field]
        axis, lead = self._leading[jet.field]
        rest = tuple(n - lead * (i == axis) for i, n in enumerate(jet.orders))
        pure = tuple(lead * (i == axis) for i in range(self.space.dims))
        total: Polynomial = {}
        for field, source in enumerate(constraint.sources):
            for orders, coefficient in source.items():
                add_into(total, product(self.element(coefficient), self.jet(Jet(field, _plus(orders, rest)), changed)))
        for orders, coefficient in constraint.operator.items():
            if orders != pure:
                moved = self.jet(Jet(jet.field, _plus(orders, rest)), changed)
                add_into(total, product(self.element(coefficient), moved), -1)
        lead_coefficient = constraint.operator[pure]
        return {e: c / Fraction(int(lead_coefficient.p), int(lead_coefficient.q)) for e, c in total.items()}

    def side_derivative(self, jet: Jet) -> Polynomial:
        """D_J u_t of an evolving field."""
        if jet not in self._side_derivatives:
            if jet.order == 0:
                self._side_derivatives[jet] = self.sides[jet.field]
            else:
                axis = next(i for i, n in enumerate(jet.orders) if n)
                lower = Jet(jet.field, tuple(n - (i == axis) for i, n in enumerate(jet.orders)))
                self._side_derivatives[jet] = self.total(self.side_derivative(lower), axis)
        return self._side_derivatives[jet]

    # ── to and from sympy ────────────────────────────────────────────────────────────────────────

    def element(self, expression: sympy.Expr) -> Polynomial:
        """A sympy expression as an element of the ring."""
        return self._element(canonical(expression))

    def _element(self, e: sympy.Expr) -> Polynomial:
        if e.is_Rational:
            number = whole(Fraction(int(e.p), int(e.q)))
            return dict.fromkeys(self.one, number) if number else {}
        if e in self._places:
            return self.generator(self._places[e])
        if e.is_Symbol:
            jet = self.space.jet_named(e.name)
            if jet is None:
                raise ValueError(f"{e} is no variable and no constant here.")
            return self.jet(jet)
        if e.is_Add:
            return total_of(self._element(part) for part in e.args)
        if e.is_Mul:
            result = self.one
            for part in e.args:
                result = product(result, self._element(part))
            return result
        if isinstance(e, sympy.exp):
            return self._powers(self.atoms.exponential(e.args[0]))
        if e.is_Pow:
            base, exponent = e.args
            if exponent.is_Integer and exponent > 0:
                result, factor = self.one, self._element(base)
                for _ in range(int(exponent)):
                    result = product(result, factor)
                return result
            rational, atoms = self.atoms.power(base, exponent)
            place = self._places[base] if base in self._places else self.atom_places[Atom("base", base)]
            power = self.generator(place, whole(Fraction(int(rational.p), int(rational.q))))
            return product(power, self._powers(atoms))
        return self.generator(self.atom_places[Atom(e.func.__name__, e.args[0])])

    def _powers(self, atoms: Sequence[tuple[Atom, int]]) -> Polynomial:
        return monomial(self.size, [(self.atom_places[atom], exponent) for atom, exponent in atoms])

    def expression(self, element: Polynomial) -> sympy.Expr:
        """An element of the ring as a sympy expression."""
        return sympy.Add(
            *(
                sympy.Mul(
                    _number(coefficient), *(self.expressions[i] ** _number(n) for i, n in enumerate(exponents) if n)
                )
                for exponents, coefficient in element.items()
            )
        )

    # ── derivatives ──────────────────────────────────────────────────────────────────────────────

    def total(self, element: Polynomial, axis: int) -> Polynomial:
        """D_axis on solutions, in normal form."""
        return self.normal(derived(element, self._derivation(("space", axis), lambda i: self._space_step(i, axis))))

    def total_time(self, element: Polynomial) -> Polynomial:
        """D_t on solutions, in normal form."""
        return self.normal(derived(element, self._derivation("time", self._time_step)))

    def partial(self, element: Polynomial, place: int) -> Polynomial:
        """The partial derivative by a generator, atoms being functions of it."""
        step = self._derivation(("partial", place), lambda i: self.one if i == place else None)
        return self.normal(derived(element, step))

    def _space_step(self, place: int, axis: int) -> Polynomial | None:
        if place == self.axes[axis]:
            return self.one
        moving = self._moving_at(place)
        return None if moving is None else self.jet(moving[0].raised(axis), moving[1])

    def _time_step(self, place: int) -> Polynomial | None:
        if place == self.time:
            return self.one
        moving = self._moving_at(place)
        if moving is None:
            return None
        if moving[1]:
            raise ValueError("A second time derivative of an auxiliary field is needed, and no equation gives it.")
        return self.jet(moving[0], True)

    def _moving_at(self, place: int) -> Moving | None:
        first = len(self.constants) + 1 + self.space.dims
        return self.moving[place - first] if first <= place < first + len(self.moving) else None

    def _derivation(self, key: object, step: Callable[[int], Polynomial | None]) -> Callable[[int], Polynomial | None]:
        """The images of all generators under a derivation that is given on those that are no atoms."""
        images = self._images.setdefault(key, {})
        first_atom = self.size - len(self.atoms.atoms)

        def image(place: int) -> Polynomial | None:
            if place not in images:
                if place < first_atom:
                    images[place] = step(place)
                else:
                    atom = self.atoms.atoms[place - first_atom]
                    change = derived(self.element(atom.argument), image)
                    images[place] = product(self._slope(atom), change) if change else None
            return images[place]

        return image

    def _slope(self, atom: Atom) -> Polynomial:
        """The derivative of an atom by its argument."""
        place = self.atom_places[atom]
        if atom.kind == "base":
            return self.one
        if atom.kind == "power":
            below = self.element_of_base(atom.argument, -1)
            return product(self.element(atom.exponent), product(self.generator(place), below))
        if atom.kind == "exp":
            return self.generator(place)
        if atom.kind == "log":
            return self.element_of_base(atom.argument, -1)
        if atom.kind in ("tan", "tanh"):
            return total_of([self.one, dict.fromkeys(self.generator(place, 2), 1 if atom.kind == "tan" else -1)])
        partner = {"sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh"}[atom.kind]
        slope = self.generator(self.atom_places[Atom(partner, atom.argument)])
        return dict.fromkeys(slope, -1) if atom.kind == "cos" else slope

    def element_of_base(self, base: sympy.Expr, exponent: int) -> Polynomial:
        """base**exponent, for a base that is a generator."""
        place = self._places[base] if base in self._places else self.atom_places[Atom("base", base)]
        return self.generator(place, exponent)

    # ── normal form ──────────────────────────────────────────────────────────────────────────────

    def normal(self, element: Polynomial) -> Polynomial:
        """The one form of an element in which equal elements are equal: relations between generators are used up."""
        for rule in self._rules:
            element = rule(element)
        return element

    def _rule(self, atom: Atom) -> Callable[[Polynomial], Polynomial]:
        place = self.atom_places[atom]
        if atom.kind != "base":
            partner = self.atom_places[Atom({"sin": "cos", "cosh": "sinh"}[atom.kind], atom.argument)]
            square = total_of([self.one, dict.fromkeys(self.generator(partner, 2), -1 if atom.kind == "sin" else 1)])
            return lambda element: _reduced(element, lambda e: e[place] >= 2, {place: 2}, square)
        value = self.element(atom.argument)
        constants = len(self.constants)
        lead = max(value, key=lambda e: (sum(e[constants:]), e[constants:]))
        twins = [e for e in value if e[constants:] == lead[constants:]]
        if len(twins) > 1 or any(n < 0 or isinstance(n, Fraction) for n in lead):
            raise ValueError(
                f"Powers of {atom.argument} are not determined exactly: divide it by the factor of its leading term."
            )
        # Constants are units, so the leading term may be divided by its own.
        unit: Polynomial = {
            (*(-n for n in lead[:constants]), *(0,) * (self.size - constants)): 1 / Fraction(value[lead])
        }
        rest: Polynomial = {e: -c for e, c in value.items() if e != lead}
        add_into(rest, self.generator(place))
        rest = product(rest, unit)
        taken = {i: n for i, n in enumerate(lead) if n and i >= constants}

        def rule(element: Polynomial) -> Polynomial:
            # To a whole power of at least 1 the sum is multiplied out; beside other powers its leading term gives way.
            element = _reduced(element, lambda e: isinstance(e[place], int) and e[place] >= 1, {place: 1}, value)
            return _reduced(element, lambda e: bool(e[place]) and all(e[i] >= n for i, n in taken.items()), taken, rest)

        return rule


def _reduced(
    element: Polynomial, applies: Callable[[Exponents], bool], taken: dict[int, int | Fraction], rest: Polynomial
) -> Polynomial:
    """The element with `rest` in place of the monomial `taken`, as long as that applies to a term."""
    if not any(applies(exponents) for exponents in element):
        return element
    done: Polynomial = {}
    left = dict(element)
    while left:
        exponents, coefficient = left.popitem()
        if not applies(exponents):
            add_into(done, {exponents: coefficient})
            continue
        lowered = tuple(n - taken.get(i, 0) for i, n in enumerate(exponents))
        add_into(left, product({lowered: coefficient}, rest))
    return done


def _leading_axis(constraint: Constraint, dims: int) -> tuple[int, int]:
    """The axis and the order of the pure derivative for which a relation is solved."""
    order = max(sum(orders) for orders in constraint.operator)
    for axis in range(dims):
        coefficient = constraint.operator.get(tuple(order * (i == axis) for i in range(dims)), sympy.Integer(0))
        if coefficient.is_Rational and coefficient != 0:
            return axis, order
    raise ValueError(
        f"The symmetries of a system with the relation {constraint.expression} = 0 are not determined: it has no pure "
        "derivative of the highest order with a number before it, such as psi_xx in lap(psi) = -w."
    )


def _plus(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(first, second, strict=True))


def _number(value: int | Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)
