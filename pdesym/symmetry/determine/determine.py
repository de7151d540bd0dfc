"""The symmetry algebra of an equation, exactly."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import sympy

from pdesym.solvers.equation import Equation
from pdesym.solvers.jets import TIME
from pdesym.symmetry.algebra import Algebra
from pdesym.symmetry.determine.ansatz import ansatz
from pdesym.symmetry.determine.family import Family
from pdesym.symmetry.determine.ideal import SuperpositionIdeal, direction_text
from pdesym.symmetry.determine.result import Determined, Special
from pdesym.symmetry.determine.solving import Solved, residual, solve
from pdesym.symmetry.determine.statement import Statement, statement_of
from pdesym.symmetry.determine.superposition import Superposition, superposition
from pdesym.symmetry.determine.tidy import tidied
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.library import Library
from pdesym.symmetry.span import Key, coordinates_of, exact_matrix
from pdesym.symmetry.vector_field import Number, VectorField, exact, variable


def determine(
    equation: Equation | str | Sequence[str],
    degree: int = 2,
    *,
    where: str | Sequence[str] = (),
    library: Library | None = None,
    dims: int | None = None,
    symbolic: bool | Iterable[str] = True,
    values: Mapping[str, Number] | None = None,
    special: bool = True,
) -> Determined:
    """The Lie point symmetries of u_t = N, by the determining equations, over the rationals.

        determine("u_t = -u*u_x - u_xxx").algebra           # d_x, d_t, t*d_x + d_u, x*d_x + 3*t*d_t - 2*u*d_u
        determine("u_t = dx(u**m*u_x)").special             # m = -4/3: dimension 5, m = 0: ...

    The ansatz: ξ, τ and φ are polynomials in x and u with unknown functions of t as coefficients. The determining
    equations, collected by monomials in x, u and derivatives, are linear differential equations for these functions;
    they are completed by differentiation and solved in closed form. So exponentials, roots and powers of t need not be
    guessed. Coefficients that are no polynomials in x and u are found with `library` alone.

    Args:
        equation: an equation, or its text, in which a name without a meaning is a parameter.
        degree: of ξ and τ in x and u; that of φ is one more.
        where: the relations of auxiliary fields, beside text.
        library: the vector fields to look among, with constant coefficients, in place of the ansatz.
        dims: number of space dimensions, by default the fewest that the text needs.
        symbolic: which parameters stay without a value: all, none, or some names. Those of a text have no value.
        values: values of some parameters, exact: 0.1 is 1/10.
        special: whether values of the parameters with other symmetries are looked for.

    Raises:
        ExpressionError: (a ValueError) for text that cannot be read.
        ValueError: for functions and systems that have no place in this calculation, saying which.
    """
    statement = statement_of(equation, where, dims, symbolic, values or {})
    generic = _determined(statement, degree, library)
    others = _special(statement, degree, library, generic) if special and statement.parameters else ()
    finite, ideal, families, _, columns = generic
    return Determined(
        statement.text,
        finite,
        ideal,
        families,
        others,
        columns,
        None if library is not None else degree,
        partial(_algebra_at, statement, degree, library),
    )


def is_symmetry(
    equation: Equation | str | Sequence[str],
    generator: Generator,
    *,
    where: str | Sequence[str] = (),
    dims: int | None = None,
    symbolic: bool | Iterable[str] = True,
    values: Mapping[str, Number] | None = None,
) -> bool:
    """Whether a generator satisfies the determining equations of an equation, exactly.

    Its coefficients may be any functions that the calculation knows, and contain the equation's parameters. For the
    other arguments see `determine`.

    Raises:
        ExpressionError: (a ValueError) for text that cannot be read.
        ValueError: for a generator of other variables, and functions that have no place in this calculation.
    """
    statement = statement_of(equation, where, dims, symbolic, values or {})
    own = (statement.coordinates, statement.space.fields)
    if (generator.coordinates, generator.fields) != own:
        raise ValueError(f"Expected a generator in {own[0]} and {own[1]}, got {generator!r}.")
    return not residual(statement, generator.vector_field)


_Parts = tuple[Algebra, SuperpositionIdeal | None, tuple[Family, ...], tuple[sympy.Expr, ...], Library]


def _determined(statement: Statement, degree: int, library: Library | None) -> _Parts:
    fields = statement.space.fields
    if library is not None and (library.coordinates, library.fields) != (statement.coordinates, fields):
        raise ValueError(
            f"Expected a library in the equation's coordinates {statement.coordinates} and fields {fields}, got "
            f"{library.coordinates} and {library.fields}."
        )
    rule = superposition(statement)
    columns = ansatz(statement, degree, rule) if library is None else library.columns
    solved = solve(statement, columns, with_time=library is None)
    finite, members = _split(solved, rule, fields, statement.space.dims)
    algebra = Algebra([Generator.of_vector_field(v) for v in tidied(finite)], statement.coordinates, fields)
    ideal = None
    if rule is not None:
        direction = direction_text(fields, rule.directions, rule.name)
        ideal = SuperpositionIdeal(
            direction, rule.equation, rule.directions, tuple(map(Generator.of_vector_field, tidied(members)))
        )
    families = tuple(Family(v, _members(v)) for v in tidied(solved.families))
    return algebra, ideal, families, solved.doubtful, _library(statement, columns, rule)


def _library(statement: Statement, columns: Sequence[tuple[int, sympy.Expr]], rule: Superposition | None) -> Library:
    """The columns as a library; those of a superposition may contain parameters, and are left to the ideal."""
    known = set(map(variable, (*statement.coordinates, *statement.space.fields))) | {TIME}
    plain = tuple(column for column in columns if column[1].free_symbols <= known)
    return Library(statement.coordinates, statement.space.fields, plain)


def _split(
    solved: Solved, rule: Superposition | None, fields: tuple[str, ...], dims: int
) -> tuple[list[VectorField], list[VectorField]]:
    """The symmetries without the superposition, and those that belong to it."""
    symmetries = list(solved.symmetries)
    if rule is None or not symmetries:
        return symmetries, []
    unknowns = {variable(name) for name in fields}

    def in_ideal(key: tuple[int, sympy.Expr]) -> bool:
        component, function = key
        if component <= dims:
            return False
        return not sympy.cancel(function / rule.directions[component - dims - 1]).free_symbols & unknowns

    keys, rows = coordinates_of(symmetries)
    ordered = sorted(keys, key=in_ideal)
    count = sum(not in_ideal(key) for key in keys)
    # With the functions of the ideal last, the elimination leaves rows of such functions alone: its members.
    reduced, pivots = exact_matrix(ordered, rows).rref()
    table = reduced.to_Matrix()
    members = {
        ordered[pivot]: {key: table[i, k] for k, key in enumerate(ordered) if table[i, k] != 0}
        for i, pivot in enumerate(pivots)
        if pivot >= count
    }
    finite: list[dict[Key, sympy.Expr]] = []
    for row in rows:
        rest = dict(row)
        if rule.homogeneous:
            rest = {key: constant for key, constant in rest.items() if not in_ideal(key)}
        for pivot, member in members.items():
            if constant := rest.get(pivot, 0):
                for key, value in member.items():
                    rest[key] = sympy.cancel(rest.get(key, 0) - constant * value)
        rest = {key: constant for key, constant in rest.items() if constant != 0}
        if rest:
            finite.append(rest)
    _, independent = exact_matrix(ordered, finite).transpose().rref() if finite else (None, ())
    return (
        [_of_row(symmetries[0], finite[i]) for i in independent],
        [_of_row(symmetries[0], member) for member in members.values()],
    )


def _of_row(like: VectorField, row: Mapping[Key, sympy.Expr]) -> VectorField:
    components = [sympy.Integer(0)] * len(like.components)
    for (component, function), constant in row.items():
        components[component] += constant * function
    return VectorField.of_components(like.coordinates, like.fields, components, like.parameters)


def _members(family: VectorField) -> tuple[Generator, ...]:
    members = []
    for power in range(3):
        chosen = [
            c.replace(sympy.Function("f")(TIME), TIME**power).doit() if c.has(sympy.Function("f")) else c
            for c in family.components
        ]
        v = VectorField.of_components(family.coordinates, family.fields, chosen, family.parameters)
        members.append(Generator.of_vector_field(v))
    return tuple(members)


def _algebra_at(statement: Statement, degree: int, library: Library | None, values: Mapping[str, Number]) -> Algebra:
    if unknown := sorted(set(values) - set(statement.parameters)):
        names = ", ".join(statement.parameters) or "none"
        raise ValueError(f"The equation has no parameter {', '.join(unknown)} without a value; those it has: {names}.")
    there = statement.where({variable(name): exact(value) for name, value in values.items()})
    if _is_singular(there.sides):
        text = ", ".join(f"{name} = {value}" for name, value in values.items())
        raise ValueError(f"The equation {statement.text} has no meaning at {text}: choose other values.")
    return _determined(there, degree, library)[0]


def _is_singular(expressions: Iterable[sympy.Expr]) -> bool:
    return any(e.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo) for e in expressions)


def _special(statement: Statement, degree: int, library: Library | None, generic: _Parts) -> tuple[Special, ...]:
    """What is found at the parameters for which the elimination does not hold, where it is something else."""
    found: dict[tuple[str, sympy.Expr], Special | None] = {}
    for factor in (*generic[3], *_roots_and_denominators(generic[0], statement.constants)):
        solution = _solved_for_one(factor, statement.constants)
        if solution is None or (str(solution[0]), solution[1]) in found:
            continue
        symbol, value = solution
        key = (str(symbol), value)
        there = statement.where({symbol: value})
        if _is_singular(there.sides):
            found[key] = None
            continue
        try:
            finite, ideal, families, _, _ = _determined(there, degree, library)
        except ValueError as error:
            found[key] = Special(*key, None, None, (), str(error))
            continue
        shape = (finite.dimension, ideal is None, len(families))
        same = shape == (generic[0].dimension, generic[1] is None, len(generic[2]))
        same = same and _stays_a_basis(generic[0], symbol, value)
        found[key] = None if same else Special(*key, finite, ideal, families)
    return tuple(special for special in found.values() if special is not None)


def _roots_and_denominators(algebra: Algebra, constants: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """Where roots, denominators and rates of growth in a basis vanish: factors without variables."""
    known = set(constants)
    found: dict[sympy.Expr, None] = {}
    for component in (c for v in algebra for c in v.vector_field.components):
        powers = [e for e in component.atoms(sympy.Pow) if e.exp.is_Rational and (not e.exp.is_Integer or e.exp < 0)]
        rates = [e.args[0].as_independent(*algebra.variables, as_Add=False)[0] for e in component.atoms(sympy.Function)]
        for expression in (*(e.base for e in powers), *rates):
            if expression.free_symbols and expression.free_symbols <= known and expression.is_rational_function(*known):
                numerator, _ = sympy.fraction(sympy.cancel(expression))
                found |= dict.fromkeys(factor for factor, _ in sympy.factor_list(numerator)[1])
    return list(found)


def _stays_a_basis(algebra: Algebra, symbol: sympy.Symbol, value: sympy.Expr) -> bool:
    """Whether the generators exist, and are independent, with this value in them."""
    there = []
    for v in algebra:
        components = [c.subs(symbol, value) for c in v.vector_field.components]
        if _is_singular(components):
            return False
        names = tuple(name for name in v.parameters if name != str(symbol))
        names = tuple(dict.fromkeys((*names, *sorted(map(str, value.free_symbols)))))
        there.append(VectorField.of_components(algebra.coordinates, algebra.fields, components, names))
    if not there:
        return True
    keys, rows = coordinates_of(there)
    return bool(exact_matrix(keys, rows).rank() == len(there))


def _solved_for_one(factor: sympy.Expr, constants: Sequence[sympy.Symbol]) -> tuple[sympy.Symbol, sympy.Expr] | None:
    """The factor's zero for one of the constants, a number if possible."""
    for symbol in sorted(factor.free_symbols & set(constants), key=lambda s: (len(factor.free_symbols) > 1, str(s))):
        poly = sympy.Poly(factor, symbol)
        if poly.degree() == 1:
            return symbol, sympy.cancel(-poly.nth(0) / poly.nth(1))
    return None
