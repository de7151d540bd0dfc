"""Closed forms of c' = M(t) c, M over constants and functions of time."""

from collections.abc import Sequence

import sympy
from sympy.polys.matrices import DomainMatrix
from sympy.utilities.iterables import strongly_connected_components

from pdesym.solvers.jets import TIME
from pdesym.symmetry.span import field_matrix

Solution = tuple[sympy.Expr, ...]


def solve_in_time(matrix: Sequence[Sequence[sympy.Expr]]) -> list[Solution]:
    """As many independent solutions as there are components.

    A constant matrix is taken by its eigenvalues, real or in pairs, with chains of generalised eigenvectors. Any other
    one is taken in blocks of components that depend on each other, block after block by variation of constants: a block
    of one component by quadrature, a larger one where powers of t + p or of an exponential make it constant.

    Raises:
        ValueError: when a block is none of these, or an integral or an eigenvalue has no closed form.
    """
    n = len(matrix)
    if n == 0:
        return []
    if not any(TIME in entry.free_symbols for row in matrix for entry in row):
        return _constant_solutions(matrix)
    solutions: list[Solution] = []
    edges = [(i, j) for i in range(n) for j in range(n) if matrix[i][j] != 0]
    order = strongly_connected_components((list(range(n)), edges))
    for place, block in enumerate(order):
        own = _fundamental([[matrix[i][j] for j in block] for i in block])
        for column in range(len(block)):
            solution = [sympy.Integer(0)] * n
            for row, i in enumerate(block):
                solution[i] = own[row, column]
            for later in order[place + 1 :]:
                source = sympy.Matrix(
                    [sum(matrix[i][j] * solution[j] for j in range(n) if j not in later) for i in later]
                )
                if not any(source):
                    continue
                inner = _fundamental([[matrix[i][j] for j in later] for i in later])
                moved = (inner.inv() * source).applyfunc(lambda e: _integral(sympy.simplify(e)))
                for row, i in enumerate(later):
                    solution[i] = sympy.expand(sympy.simplify((inner * moved)[row]))
            solutions.append(tuple(solution))
    return solutions


def _constant_solutions(rows: Sequence[Sequence[sympy.Expr]]) -> list[Solution]:
    """The solutions e^{rt} Σ_j t^j/j! (M − r)^j w, w in the kernel of (M − r)^m for every root r of multiplicity m."""
    n = len(rows)
    matrix = field_matrix([entry for row in rows for entry in row], n, n)
    spectral = sympy.Dummy("r")
    polynomial = matrix.charpoly()
    characteristic = sympy.Add(*(matrix.domain.to_sympy(c) * spectral ** (n - k) for k, c in enumerate(polynomial)))
    solutions: list[Solution] = []
    for factor, multiplicity in sympy.factor_list(characteristic, spectral)[1]:
        poly = sympy.Poly(factor, spectral)
        if poly.degree() == 1:
            root = sympy.cancel(-poly.nth(0) / poly.nth(1))
            solutions += _chains(matrix, root, int(multiplicity))
        elif poly.degree() == 2 and (pairs := _pairs(rows, poly, int(multiplicity))):
            solutions += pairs
        else:
            raise ValueError(
                f"The symmetries depend on time by the roots of {factor.subs(spectral, sympy.Symbol('r'))}, which have "
                "no closed form here: give values to the parameters."
            )
    return solutions


def _chains(matrix: DomainMatrix, root: sympy.Expr, multiplicity: int) -> list[Solution]:
    n = matrix.shape[0]
    shifted = matrix - DomainMatrix.eye(n, matrix.domain) * matrix.domain.from_sympy(root)
    kernel = (shifted**multiplicity).nullspace(divide_last=False).rref()[0].to_Matrix()
    step = shifted.to_Matrix()
    solutions = []
    for index in range(kernel.rows):
        vector, total, factor = kernel[index, :].T, sympy.zeros(n, 1), sympy.Integer(1)
        for power in range(multiplicity):
            total += factor * vector
            vector, factor = step * vector, factor * TIME / (power + 1)
        growth = sympy.exp(root * TIME)
        solutions.append(tuple(sympy.expand(growth * entry) for entry in total))
    return solutions


def _pairs(rows: Sequence[Sequence[sympy.Expr]], poly: sympy.Poly, multiplicity: int) -> list[Solution]:
    """Two roots alpha ± sqrt(d) without chains: oscillations where d is the negative of a square, else hyperbolic.

    For every w in the kernel of (M - alpha)² - d the solution e^{alpha t} (cos(bt) w + sin(bt)/b (M - alpha) w).
    """
    lead, middle, last = poly.all_coeffs()
    alpha = sympy.cancel(-middle / (2 * lead))
    square = sympy.factor(alpha**2 - last / lead)
    matrix = sympy.Matrix(rows) - alpha * sympy.eye(len(rows))
    kernel = (matrix**2 - square * sympy.eye(len(rows))).applyfunc(sympy.cancel).nullspace()
    if len(kernel) < 2 * multiplicity:
        return []
    oscillates = (-square).is_nonnegative or sympy.sqrt(-square).is_real
    beta = sympy.sqrt(-square if oscillates else square).replace(sympy.Abs, lambda argument: argument)
    cos, sin = (sympy.cos, sympy.sin) if oscillates else (sympy.cosh, sympy.sinh)
    growth = sympy.exp(alpha * TIME)
    return [
        tuple(
            sympy.expand(growth * (cos(beta * TIME) * a + sin(beta * TIME) * b / beta))
            for a, b in zip(w, matrix * w, strict=True)
        )
        for w in kernel
    ]


def _fundamental(block: Sequence[Sequence[sympy.Expr]]) -> sympy.Matrix:
    """A matrix of independent solutions, as its columns."""
    if len(block) == 1:
        return sympy.Matrix([[sympy.simplify(sympy.exp(_integral(block[0][0])))]])
    if not any(TIME in entry.free_symbols for row in block for entry in row):
        return sympy.Matrix(_constant_solutions(block)).T
    for base in _bases(block):
        if (found := _homogeneous(block, base)) is not None:
            return found
    raise ValueError(
        "The symmetries depend on time by differential equations that are not solved here in closed form: pass "
        "library=Library.of_terms([...]) with the functions of t that they may contain."
    )


def _bases(block: Sequence[Sequence[sympy.Expr]]) -> list[sympy.Expr]:
    """Functions g(t) with g'/g constant, or linear in t, that occur in the entries."""
    entries = [entry for row in block for entry in row]
    exponentials = set().union(*(entry.atoms(sympy.exp) for entry in entries))
    linear = set()
    for entry in entries:
        for factor, _ in sympy.factor_list(sympy.fraction(sympy.together(entry))[1])[1]:
            if factor.is_polynomial(TIME) and sympy.degree(factor, TIME) == 1:
                linear.add(sympy.expand(factor / sympy.Poly(factor, TIME).LC()))
    return [*sorted(exponentials, key=str), *sorted(linear, key=str), TIME]


def _homogeneous(block: Sequence[Sequence[sympy.Expr]], base: sympy.Expr) -> sympy.Matrix | None:
    """Solutions g^{k_i} z_i, where whole numbers k_i make the matrix of z constant up to a factor g'/g."""
    n = len(block)
    rate = sympy.simplify(sympy.diff(base, TIME) / base)
    scaled = [[sympy.simplify(entry / rate) for entry in row] for row in block]
    powers: list[int | None] = [0, *[None] * (n - 1)]
    exponents = {}
    for i in range(n):
        for j in range(n):
            if scaled[i][j] != 0:
                exponent = sympy.simplify(base * sympy.diff(scaled[i][j], TIME) / scaled[i][j] / sympy.diff(base, TIME))
                if not exponent.is_Integer:
                    return None
                exponents[i, j] = int(exponent)
    for _ in range(n):
        for (i, j), exponent in exponents.items():
            if powers[i] is None and powers[j] is not None:
                powers[i] = powers[j] + exponent  # type: ignore[operator]
            if powers[j] is None and powers[i] is not None:
                powers[j] = powers[i] - exponent  # type: ignore[operator]
    known = [0 if power is None else power for power in powers]
    if any(known[i] - known[j] != exponent for (i, j), exponent in exponents.items()):
        return None
    constant = [
        [sympy.simplify(scaled[i][j] * base ** (known[j] - known[i])) - (known[i] if i == j else 0) for j in range(n)]
        for i in range(n)
    ]
    clock = sympy.log(base) if not isinstance(base, sympy.exp) else base.args[0]
    columns = [
        [sympy.simplify(base ** known[i] * entry.subs(TIME, clock)) for i, entry in enumerate(solution)]
        for solution in _constant_solutions(constant)
    ]
    return sympy.Matrix(columns).T


def _integral(integrand: sympy.Expr) -> sympy.Expr:
    """A primitive in t, for generic values of parameters."""
    if integrand == 0:
        return sympy.Integer(0)
    primitive = sympy.integrate(sympy.expand(integrand), TIME)
    primitive = primitive.replace(sympy.Piecewise, lambda *branches: branches[0][0])
    if primitive.has(sympy.Integral):
        raise ValueError(
            f"The symmetries depend on time by the integral of {integrand}, which has no closed form: pass "
            "library=Library.of_terms([...]) with the functions of t that they may contain."
        )
    return primitive
