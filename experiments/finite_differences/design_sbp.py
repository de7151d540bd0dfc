"""Summation-by-parts closures of central first differences: a semidefinite programme, made exact in rationals.

    pip install cvxpy clarabel
    python experiments/finite_differences/design_sbp.py > solvers/finite_differences/sbp.yaml

Unknown are the norm H (positive definite, h_0j = 0 for j > 0, the identity beyond the block) and Q with
Q + Qᵀ = diag(−1, 0, …); D = H⁻¹Q must be exact on polynomials of degree 2s−1 in every row of the block (Kreiss and
Scherer 1974; Strand, J. Comput. Phys. 110, 1994). All conditions are linear in (H, Q); the programme minimises the
error of the block on a few waves exp(iθx), weighted by θ^−power. With a power of s and more the error stays of order
2s without the large constants that minimising the error on degree 2s alone leaves. Takes about a minute.
"""

from fractions import Fraction

import cvxpy as cp
import numpy as np
from findiff import coefficients
from scipy.linalg import qr

# half order s: rows of the block, waves θ, power, weight of the regularisation
BLOCKS = {
    2: (5, (0.3, 0.6, 0.9), 4, 1.3e-7),
    3: (9, (0.15, 0.3, 0.45), 3, 7.3e-10),
    4: (11, (0.3, 0.6, 0.9), 4, 1.7e-8),
}
# The smallest eigenvalue of the norm: a smaller one makes the spectral radius of D larger.
LEAST = 0.15


def interior(s: int) -> list[Fraction]:
    """The weights c_1 … c_s of the central difference of order 2s."""
    weights = coefficients(1, 2 * s, symbolic=True)["center"]["coefficients"][s + 1 :]
    return [Fraction(int(w.p), int(w.q)) for w in weights]


def coupling(s: int, rows: int) -> list[list[Fraction]]:
    """Q's columns beyond the block."""
    c = interior(s)
    return [[c[j - i - 1] if j - i <= s else Fraction(0) for j in range(rows, rows + s)] for i in range(rows)]


def programme(s: int, rows: int, waves: tuple[float, ...], power: int, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Norm and skew part of Q, to the accuracy of the optimiser."""
    width = rows + s
    outside = np.array(coupling(s, rows), dtype=float)
    skew, norm = cp.Variable((rows, rows)), cp.Variable((rows, rows), symmetric=True)
    conditions = [skew + skew.T == 0, norm >> LEAST * np.eye(rows), norm[0, 1:] == 0]
    corner = np.zeros((rows, rows))
    corner[0, 0] = -0.5

    def error(values: np.ndarray, slopes: np.ndarray) -> cp.Expression:
        return (skew + corner) @ values[:rows] + outside @ values[rows:] - norm @ slopes[:rows]

    j = np.arange(width)
    x = (2 * j - width + 1) / (width - 1)
    for degree in range(2 * s):
        p = np.polynomial.legendre.Legendre.basis(degree)
        conditions.append(error(p(x), p.deriv()(x) * 2 / (width - 1)) == 0)
    cost = weight * (cp.sum_squares(skew) + cp.sum_squares(norm))
    for theta in waves:
        for phase in (0.0, np.pi / 2):
            wave = error(np.cos(theta * j - phase), -theta * np.sin(theta * j - phase))
            cost = cost + cp.sum_squares(wave) * theta ** (-2 * power)
    cp.Problem(cp.Minimize(cost), conditions).solve(solver="CLARABEL")
    return norm.value, skew.value


def exact(s: int, norm: np.ndarray, skew: np.ndarray) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    """Rational H and D that satisfy every condition, next to the optimiser's."""
    rows = len(norm)
    unknowns = [("S", i, j) for i in range(rows) for j in range(i + 1, rows)] + [("H", 0, 0)]
    unknowns += [("H", i, j) for i in range(1, rows) for j in range(i, rows)]
    place = {name: k for k, name in enumerate(unknowns)}
    outside = coupling(s, rows)
    equations, right = [], []
    for i in range(rows):
        for degree in range(2 * s):
            row = [Fraction(0)] * len(unknowns)
            # Powers about the middle of the block, scaled: the pivots are then chosen well.
            x = [Fraction(2 * j - rows, rows) for j in range(rows + s)]
            value = -sum((outside[i][j - rows] * x[j] ** degree for j in range(rows, rows + s)), Fraction(0))
            for j in range(rows):
                if i < j:
                    row[place["S", i, j]] += x[j] ** degree
                elif j < i:
                    row[place["S", j, i]] -= x[j] ** degree
                name = ("H", min(i, j), max(i, j))
                if degree and name in place:
                    row[place[name]] -= degree * x[j] ** (degree - 1) * Fraction(2, rows)
            if i == 0:
                value += Fraction(1, 2) * x[0] ** degree
            equations.append(row)
            right.append(value)
    start = [skew[i, j] if kind == "S" else norm[i, j] for kind, i, j in unknowns]
    matrix = np.array(equations, dtype=float)
    _, r, order = qr(matrix, pivoting=True)
    rank = int((abs(np.diag(r)) > 1e-10 * abs(r[0, 0])).sum())
    pivots = [int(k) for k in order[:rank]]
    value = {k: Fraction(float(start[k])).limit_denominator(10**10) for k in range(len(unknowns)) if k not in pivots}
    system = [
        [row[k] for k in pivots] + [b - sum(row[k] * v for k, v in value.items())]
        for row, b in zip(equations, right, strict=True)
    ]
    value |= dict(zip(pivots, eliminated(system, rank), strict=True))
    h = [[Fraction(0)] * rows for _ in range(rows)]
    q = [[Fraction(0)] * rows + list(outside[i]) for i in range(rows)]
    q[0][0] = Fraction(-1, 2)
    for (kind, i, j), k in place.items():
        if kind == "S":
            q[i][j], q[j][i] = value[k], -value[k]
        else:
            h[i][j] = h[j][i] = value[k]
    columns = [eliminated([[*h[i], q[i][j]] for i in range(rows)], rows) for j in range(rows + s)]
    return h, [[column[i] for column in columns] for i in range(rows)]


def eliminated(system: list[list[Fraction]], rank: int) -> list[Fraction]:
    """The solution of a consistent rational system, augmented matrix given."""
    system = [list(row) for row in system]
    for k in range(rank):
        best = max(range(k, len(system)), key=lambda i: abs(system[i][k]))
        system[k], system[best] = system[best], system[k]
        pivot = system[k]
        for i in range(len(system)):
            if i != k and system[i][k]:
                factor = system[i][k] / pivot[k]
                system[i] = [a - factor * b if b else a for a, b in zip(system[i], pivot, strict=True)]
    assert not any(row[-1] for row in system[rank:]), "the conditions contradict each other"
    return [system[k][-1] / system[k][k] for k in range(rank)]


if __name__ == "__main__":
    print("# Norm and difference closures by their order, written by experiments/finite_differences/design_sbp.py")
    print("2:\n  norm:\n  - [0.5]\n  difference:\n  - [-1.0, 1.0]")
    for s, block in BLOCKS.items():
        h, d = exact(s, *programme(s, *block))
        print(f"{2 * s}:")
        for name, matrix in (("norm", h), ("difference", d)):
            print(f"  {name}:")
            for row in matrix:
                print(f"  - [{', '.join(repr(float(v)) for v in row)}]")
