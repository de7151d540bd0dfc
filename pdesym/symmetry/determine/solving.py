"""From columns to the vector fields in their span that are symmetries."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy

from pdesym.solvers.jets import TIME
from pdesym.symmetry.determine.coefficients import CoefficientField, Element
from pdesym.symmetry.determine.conditions import Linearised, characteristic, collected
from pdesym.symmetry.determine.elimination import Completed, Elimination, Equation
from pdesym.symmetry.determine.jet_ring import JetRing
from pdesym.symmetry.determine.polynomial import Exponents, Polynomial, add_into
from pdesym.symmetry.determine.statement import Statement
from pdesym.symmetry.determine.time_solution import solve_in_time
from pdesym.symmetry.library import Column
from pdesym.symmetry.vector_field import VectorField, variable


@dataclass(frozen=True)
class Solved:
    """The symmetries in the span of some columns.

    Attributes:
        symmetries: a basis of those without arbitrary functions.
        families: those with one arbitrary function f(t) and its derivatives, for every such function.
        doubtful: polynomials in the constants: where none of them vanishes, the result holds.
    """

    symmetries: tuple[VectorField, ...]
    families: tuple[VectorField, ...]
    doubtful: tuple[sympy.Expr, ...]


def solve(statement: Statement, columns: Sequence[Column], with_time: bool) -> Solved:
    """All symmetries Σ c_k f_k ∂_{z_k}, c_k functions of t, or constants where not `with_time`.

    Raises:
        ValueError: for functions that have no place in the calculation, and solutions without closed form.
    """
    ring = JetRing(
        statement.space, statement.sides, statement.constraints, [f for _, f in columns], statement.constants
    )
    ring.atoms.require_independent({TIME} if with_time else set())
    field = CoefficientField(ring, with_time)
    equations, monomials = _equations(ring, field, columns, with_time)
    completed = Elimination(field, len(columns)).complete(equations)
    doubtful = {factor: None for pivot in completed.pivots for factor in field.vanishing(pivot)}
    doubtful |= dict.fromkeys(_coincidences(ring, monomials))
    if not with_time:
        vectors = [{k: sympy.Integer(1)} for k in completed.free]
        families: list[dict[int, sympy.Expr]] = []
    else:
        states = [k for k in completed.free if k not in completed.arbitrary]
        matrix = [[field.expression(completed.rates[i].get(j, field.zero)) for j in states] for i in states]
        vectors = [dict(zip(states, solution, strict=True)) for solution in solve_in_time(matrix)]
        families = [_family(field, completed, k) for k in completed.arbitrary]
    fixed = {k: {j: field.expression(a) for j, a in row.items()} for k, row in completed.fixed.items()}
    return Solved(
        tuple(_vector_field(statement, columns, vector, fixed) for vector in vectors),
        tuple(_vector_field(statement, columns, vector, fixed) for vector in families),
        tuple(doubtful),
    )


def residual(statement: Statement, vector_field: VectorField) -> tuple[sympy.Expr, ...]:
    """What is left of the determining equations for one vector field: nothing for a symmetry.

    Raises:
        ValueError: for functions that have no place in the calculation.
    """
    constants = dict.fromkeys((*statement.constants, *map(variable, vector_field.parameters)))
    functions = [sympy.expand(component) for component in vector_field.components]
    ring = JetRing(statement.space, statement.sides, statement.constraints, functions, tuple(constants))
    ring.atoms.require_independent(set())
    q: list[Polynomial] = [{} for _ in statement.space.fields]
    for component, function in enumerate(functions):
        for total, part in zip(q, characteristic(ring, (component, ring.element(function))), strict=True):
            add_into(total, part)
    return tuple(ring.expression(left) for left in Linearised(ring)(q) if left)


def _equations(
    ring: JetRing, field: CoefficientField, columns: Sequence[Column], with_time: bool
) -> tuple[list[Equation], set[Exponents]]:
    """One equation for every monomial in x, u and derivatives, and the monomials."""
    linearised = Linearised(ring)
    rows: dict[tuple[int, Exponents], Equation] = {}
    for k, (component, function) in enumerate(columns):
        q = characteristic(ring, (component, ring.element(function)))
        for index, condition in enumerate(linearised(q)):
            for monomial, coefficient in collected(ring, condition, field.places).items():
                rows.setdefault((index, monomial), ({}, {}))[1][k] = field.element(coefficient)
        for index in range(ring.evolving if with_time else 0):
            for monomial, coefficient in collected(ring, q[index], field.places).items():
                rows.setdefault((index, monomial), ({}, {}))[0][k] = field.element(coefficient)
    return list(rows.values()), {monomial for _, monomial in rows}


def _family(field: CoefficientField, completed: Completed, arbitrary: int) -> dict[int, sympy.Expr]:
    """c = f^(p) e + Σ_i M^i b f^(p-1-i), where b are the rates that the arbitrary function causes and M^p b = 0."""
    chain: list[dict[int, Element]] = []
    column = {i: row[arbitrary] for i, row in completed.rates.items() if arbitrary in row}
    while column:
        chain.append(column)
        column = {
            i: total
            for i, row in completed.rates.items()
            if (total := sum((row[j] * a for j, a in column.items() if j in row), field.zero)) != 0
        }
        if len(chain) > len(completed.rates) or not all(field.is_constant(a) for a in chain[-1].values()):
            raise ValueError(
                "The symmetries contain arbitrary functions of time together with their integrals: pass "
                "library=Library.polynomial(2) for those with polynomial coefficients."
            )
    f = sympy.Function("f")(TIME)
    result = {arbitrary: sympy.diff(f, TIME, len(chain)) if chain else f}
    for i, link in enumerate(chain):
        order = len(chain) - 1 - i
        derivative = sympy.diff(f, TIME, order) if order else f
        for k, a in link.items():
            result[k] = result.get(k, sympy.Integer(0)) + field.expression(a) * derivative
    return result


def _vector_field(
    statement: Statement,
    columns: Sequence[Column],
    vector: dict[int, sympy.Expr],
    fixed: dict[int, dict[int, sympy.Expr]],
) -> VectorField:
    whole = dict(vector)
    for k, row in fixed.items():
        whole[k] = sympy.Add(*(a * vector[j] for j, a in row.items() if j in vector))
    components = [sympy.Integer(0)] * (statement.space.dims + 1 + len(statement.space.fields))
    for k, value in whole.items():
        component, function = columns[k]
        components[component] += value * function
    return VectorField.of_components(statement.coordinates, statement.space.fields, components, statement.parameters)


def _coincidences(ring: JetRing, monomials: set[Exponents]) -> list[sympy.Expr]:
    """Differences of exponents such as m - 2 that make two monomials of the equations one where they vanish."""
    powers = {place: atom for atom, place in ring.atom_places.items() if atom.kind == "power"}
    found: dict[sympy.Expr, None] = {}
    for place, atom in powers.items():
        if not atom.argument.is_Symbol:
            continue
        base = ring.expressions.index(atom.argument)
        pairs = {(monomial[place], monomial[base]) for monomial in monomials}
        for (p, n), (other, k) in ((a, b) for a in pairs for b in pairs if a[0] > b[0]):
            found[sympy.expand((p - other) * atom.exponent + _number(n) - _number(k))] = None
        found[atom.exponent] = None
    return list(found)


def _number(value: int | Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)
