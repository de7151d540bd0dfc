"""Energy-stable closures of central differences: semidefinite programmes, made exact in rationals.

    pip install cvxpy clarabel
    python experiments/finite_differences/design_closures.py > solvers/finite_differences/closures.yaml

Nodes count inwards from an end. Unknown are a norm H > 0, the identity beyond its block, and Q with D = H⁻¹Q exact on
polynomials in every row of the block. These conditions, and what makes D stable, are linear in (H, Q):

* first derivatives: Q + Qᵀ = diag(−1, 0, …), h_0j = 0 for j > 0, degree order − 1 (Kreiss and Scherer 1974; Strand,
  J. Comput. Phys. 110, 1994);
* third derivatives at an end where u and u_x are given, on the nodes beyond the first: Q + Qᵀ ≤ 0, where
  ∫ u u_sss ds = 0 for u = u_s = 0, degree `order`; the columns of u(0) and u_s(0) are free.

The programme minimises the error of the block on a few waves exp(iθs), weighted by θ^−power. Minimising the error on
the next degree alone leaves constants a thousand times larger. Takes about a minute.
"""

from collections.abc import Callable
from fractions import Fraction

import cvxpy as cp
import numpy as np
from findiff import coefficients
from scipy.linalg import qr

# derivative, order: rows of the block, waves θ, power, weight of the regularisation
BLOCKS = {
    (1, 4): (5, (0.3, 0.6, 0.9), 4, 1.3e-7),
    (1, 6): (9, (0.15, 0.3, 0.45), 3, 7.3e-10),
    (1, 8): (11, (0.3, 0.6, 0.9), 4, 1.7e-8),
    (3, 6): (8, (0.3, 0.6, 0.9), 3, 1e-6),
    (3, 8): (11, (0.3, 0.6, 0.9), 4, 1e-6),
}
# The smallest eigenvalue of the norm: a smaller one makes the spectral radius of D larger.
LEAST = 0.15

Matrix = list[list[Fraction]]


def coupling(derivative: int, order: int, rows: int) -> Matrix:
    """Q's columns beyond the block."""
    weights = coefficients(derivative, order, symbolic=True)["center"]["coefficients"]
    exact = [Fraction(int(w.p), int(w.q)) for w in weights]
    reach = len(exact) // 2
    return [
        [exact[reach + j - i] if j - i <= reach else Fraction(0) for j in range(rows, rows + reach)]
        for i in range(rows)
    ]


def programme(
    derivative: int, order: int, rows: int, waves: tuple[float, ...], power: int, weight: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Norm, skew part of Q and the two columns of data, to the accuracy of the optimiser."""
    outside = np.array(coupling(derivative, order, rows), dtype=float)
    width = rows + outside.shape[1]
    first = 0 if derivative == 1 else 1
    skew, norm, data = cp.Variable((rows, rows)), cp.Variable((rows, rows), symmetric=True), cp.Variable((rows, 2))
    conditions = [norm >> LEAST * np.eye(rows), skew + skew.T == 0 if derivative == 1 else skew + skew.T << 0]
    corner = np.zeros((rows, rows))
    if derivative == 1:
        conditions += [norm[0, 1:] == 0, data == 0]
        corner[0, 0] = -0.5

    def error(f: Callable[[np.ndarray, int], np.ndarray]) -> cp.Expression:
        s = np.arange(first, first + width)
        given = np.array([f(np.zeros(1), 0)[0], f(np.zeros(1), 1)[0]])
        values, slopes = f(s, 0), f(s[:rows], derivative)
        return (skew + corner) @ values[:rows] + outside @ values[rows:] + data @ given - norm @ slopes

    for degree in range(order + (derivative == 3)):
        p, scale = np.polynomial.legendre.Legendre.basis(degree), 2 / width
        conditions.append(error(lambda s, k, p=p, scale=scale: (p.deriv(k) if k else p)(scale * s - 1) * scale**k) == 0)
    cost = weight * (cp.sum_squares(skew) + cp.sum_squares(norm) + cp.sum_squares(data))
    for theta in waves:
        for phase in (0.0, np.pi / 2):
            wave = error(lambda s, k, theta=theta, phase=phase: theta**k * np.cos(theta * s - phase + k * np.pi / 2))
            cost = cost + cp.sum_squares(wave) * theta ** (-2 * power)
    cp.Problem(cp.Minimize(cost), conditions).solve(solver="CLARABEL")
    return norm.value, skew.value, data.value


def falling(n: int, k: int) -> int:
    """n (n−1) … (n−k+1)."""
    result = 1
    for i in range(k):
        result *= n - i
    return result


def exact(
    derivative: int, order: int, norm: np.ndarray, skew: np.ndarray, data: np.ndarray
) -> tuple[Matrix, Matrix, Matrix]:
    """Rational H, D and data columns of H⁻¹ that satisfy every condition, next to the optimiser's."""
    rows = len(norm)
    outside = coupling(derivative, order, rows)
    width = rows + len(outside[0])
    first = 0 if derivative == 1 else 1
    free = derivative == 3
    start = {("S", i, j): skew[i, j] for i in range(rows) for j in range(rows) if free or i < j}
    start |= {("H", i, j): norm[i, j] for i in range(rows) for j in range(i, rows) if derivative == 3 or i or not j}
    if derivative == 3:
        start |= {("d", i, c): data[i, c] for i in range(rows) for c in range(2)}
    place = {name: k for k, name in enumerate(start)}
    # Scaled powers, so that the pivots are chosen well.
    scale = Fraction(2, width)
    x = [scale * s - 1 for s in range(first, first + width)]

    def power(at: Fraction, degree: int, k: int) -> Fraction:
        return falling(degree, k) * scale**k * at ** (degree - k) if degree >= k else Fraction(0)

    system: Matrix = []
    for i in range(rows):
        for degree in range(order + (derivative == 3)):
            row = [Fraction(0)] * len(start)
            right = -sum((outside[i][j - rows] * x[j] ** degree for j in range(rows, width)), Fraction(0))
            for j in range(rows):
                if free:
                    row[place["S", i, j]] += x[j] ** degree
                elif i != j:
                    row[place["S", min(i, j), max(i, j)]] += (1 if i < j else -1) * x[j] ** degree
                name = ("H", min(i, j), max(i, j))
                if name in place:
                    row[place[name]] -= power(x[j], degree, derivative)
            if derivative == 3:
                for c in range(2):
                    row[place["d", i, c]] += power(Fraction(-1), degree, c)
            elif i == 0:
                right += Fraction(1, 2) * x[0] ** degree
            system.append([*row, right])
    # The unknowns that the others follow from are those that are chosen last.
    _, _, columns = qr(np.array([row[:-1] for row in system], dtype=float), pivoting=True)
    near = list(start.values())
    value = solution(system, [int(k) for k in columns], [Fraction(float(x)).limit_denominator(10**10) for x in near])
    h = [[Fraction(0)] * rows for _ in range(rows)]
    q = [[Fraction(0)] * rows + list(outside[i]) + [Fraction(0)] * 2 for i in range(rows)]
    if derivative == 1:
        q[0][0] = Fraction(-1, 2)
    for (kind, i, j), k in place.items():
        if kind == "S":
            q[i][j] = value[k]
            if not free:
                q[j][i] = -value[k]
        elif kind == "H":
            h[i][j] = h[j][i] = value[k]
        else:
            q[i][width + j] = value[k]
    zeros, every = [Fraction(0)] * rows, list(range(rows))
    solved = [solution([[*h[i], q[i][j]] for i in range(rows)], every, zeros) for j in range(width + 2)]
    table = [[column[i] for column in solved] for i in range(rows)]
    return h, [row[:width] for row in table], [row[width:] for row in table]


def solution(system: Matrix, columns: list[int], near: list[Fraction]) -> list[Fraction]:
    """A solution of a consistent rational system, augmented matrix given: pivots in `columns` first, others as near."""
    system = [list(row) for row in system]
    pivots: list[int] = []
    for k in columns:
        free = [i for i in range(len(pivots), len(system)) if system[i][k]]
        if not free:
            continue
        best, here = max(free, key=lambda i: abs(system[i][k])), len(pivots)
        system[here], system[best] = system[best], system[here]
        system[here] = [x / system[here][k] if x else x for x in system[here]]
        for i, row in enumerate(system):
            if i != here and row[k]:
                system[i] = [a - row[k] * b if b else a for a, b in zip(row, system[here], strict=True)]
        pivots.append(k)
    assert not any(row[-1] for row in system[len(pivots) :]), "the conditions contradict each other"
    result = list(near)
    others = [k for k in range(len(near)) if k not in pivots]
    for row, k in zip(system, pivots, strict=False):
        result[k] = row[-1] - sum((row[j] * near[j] for j in others if row[j]), Fraction(0))
    return result


if __name__ == "__main__":
    print("# Closures by derivative and order, written by experiments/finite_differences/design_closures.py")
    print("1:\n  2:\n    norm:\n    - [0.5]\n    difference:\n    - [-1.0, 1.0]")
    for (derivative, order), block in BLOCKS.items():
        if (derivative, order) == (3, 6):
            print("3:")
        h, d, columns = exact(derivative, order, *programme(derivative, order, *block))
        print(f"  {order}:")
        for name, matrix in (("norm", h), ("difference", d), ("data", columns)):
            if name == "data" and derivative == 1:
                continue
            print(f"    {name}:")
            for row in matrix:
                print(f"    - [{', '.join(repr(float(v)) for v in row)}]")
