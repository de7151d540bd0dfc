"""Energy-stable closures of central differences: semidefinite programmes, made exact in rationals.

    pip install cvxpy clarabel
    python experiments/finite_differences/design_closures.py > solvers/finite_differences/closures.yaml

Nodes count inwards from an end. Unknown are a norm H > 0, the identity beyond its block, and Q with D = H⁻¹Q exact on
polynomials in every row of the block. These conditions, and what makes D stable, are linear in (H, Q):

* first derivatives: Q + Qᵀ = diag(−1, 0, …), h_0j = 0 for j > 0 (Kreiss and Scherer 1974; Strand, J. Comput. Phys.
  110, 1994);
* second derivatives where u is given, on the nodes beyond the first: Q = Qᵀ ≤ 0, with a free column for u(0). The
  eigenvalues are then real, as waves and the Schrödinger equation need;
* third derivatives where u and u_s are given, on the nodes beyond the first: Q + Qᵀ ≤ 0, where ∫ u u_sss ds = 0 for
  u = u_s = 0, with free columns for u(0) and u_s(0).

The programme minimises the error of the block on a few waves exp(iθs), weighted by θ^−power. Minimising the error on
the next degree alone leaves constants a thousand times larger. Takes a minute.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import cvxpy as cp
import numpy as np
from findiff import coefficients
from scipy.linalg import qr

# The smallest eigenvalue of the norm: a smaller one makes the spectral radius of D larger.
LEAST = 0.15
# Q ≤ −COERCIVE times the differences of second order: without that some modes hardly decay.
COERCIVE = 0.5
# How far a half line is followed to see that Q ≤ 0 on it.
FAR = 10

Matrix = list[list[Fraction]]


@dataclass(frozen=True)
class Block:
    """One programme.

    Attributes:
        derivative: which is closed.
        conditions: the orders of the derivatives that are given at the end; the node of a given value is no unknown.
        order: of accuracy.
        degree: of the polynomials on which all rows are exact.
        rows: of the block.
        waves: θ of the waves whose error is minimised.
        power: of their weight.
        weight: of the regularisation.
    """

    derivative: int
    conditions: tuple[int, ...]
    order: int
    degree: int
    rows: int
    waves: tuple[float, ...]
    power: int
    weight: float

    @property
    def first(self) -> int:
        """The first node of the block."""
        return 1 if 0 in self.conditions else 0

    @property
    def weights(self) -> list[Fraction]:
        """The central difference."""
        formula = coefficients(self.derivative, self.order, symbolic=True)["center"]["coefficients"]
        return [Fraction(int(w.p), int(w.q)) for w in formula]

    @property
    def width(self) -> int:
        """Columns of the block and what the interior couples to it."""
        return self.rows + len(self.weights) // 2

    def interior(self, i: int, j: int) -> Fraction:
        """The entry of the central difference."""
        reach = len(self.weights) // 2
        return self.weights[reach + j - i] if abs(j - i) <= reach else Fraction(0)

    def outside(self) -> Matrix:
        """Q's columns beyond the block."""
        return [[self.interior(i, j) for j in range(self.rows, self.width)] for i in range(self.rows)]


WAVES = (0.3, 0.6, 0.9)
BLOCKS = (
    Block(1, (), 4, 3, 5, WAVES, 4, 1.3e-7),
    Block(1, (), 6, 5, 9, (0.15, 0.3, 0.45), 3, 7.3e-10),
    Block(1, (), 8, 7, 11, WAVES, 4, 1.7e-8),
    Block(2, (0,), 6, 7, 8, WAVES, 3, 1e-6),
    Block(2, (0,), 8, 9, 11, WAVES, 4, 1e-6),
    Block(3, (0, 1), 6, 6, 8, WAVES, 3, 1e-6),
    Block(3, (0, 1), 8, 8, 11, WAVES, 4, 1e-6),
)


def programme(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """H, the block of Q and the columns of Q for given derivatives, to the accuracy of the optimiser."""
    rows, columns = block.rows, len(block.conditions)
    outside = np.array(block.outside(), dtype=float)
    q, h = cp.Variable((rows, rows)), cp.Variable((rows, rows), symmetric=True)
    given = cp.Variable((rows, max(columns, 1)))
    constraints = [h >> LEAST * np.eye(rows)]
    corner = np.eye(rows)[:, :1]
    if block.derivative == 1:
        constraints += [q + q.T == -corner @ corner.T, h[0, 1:] == 0, given == 0]
    elif block.derivative == 2:
        rest = np.array([[float(block.interior(i, j)) for j in range(rows + FAR)] for i in range(rows, rows + FAR)])
        whole = cp.bmat(
            [[q, np.hstack([outside, np.zeros((rows, FAR - outside.shape[1]))])], [rest[:, :rows], rest[:, rows:]]]
        )
        second = 2 * np.eye(rows + FAR) - np.eye(rows + FAR, k=1) - np.eye(rows + FAR, k=-1)
        constraints += [q == q.T, (whole + whole.T) / 2 << -COERCIVE * second]
    else:
        constraints.append(q + q.T << 0)

    def error(f: Callable[[np.ndarray, int], np.ndarray]) -> cp.Expression:
        s = np.arange(block.first, block.first + block.width)
        data = np.array([f(np.zeros(1), k)[0] for k in block.conditions] or [0.0])
        return q @ f(s, 0)[:rows] + outside @ f(s, 0)[rows:] + given @ data - h @ f(s[:rows], block.derivative)

    for degree in range(block.degree + 1):
        p, scale = np.polynomial.legendre.Legendre.basis(degree), 2 / block.width
        constraints.append(
            error(lambda s, k, p=p, scale=scale: (p.deriv(k) if k else p)(scale * s - 1) * scale**k) == 0
        )
    cost = block.weight * (cp.sum_squares(q) + cp.sum_squares(h) + cp.sum_squares(given))
    for theta in block.waves:
        for phase in (0.0, np.pi / 2):
            wave = error(lambda s, k, theta=theta, phase=phase: theta**k * np.cos(theta * s - phase + k * np.pi / 2))
            cost = cost + cp.sum_squares(wave) * theta ** (-2 * block.power)
    cp.Problem(cp.Minimize(cost), constraints).solve(solver="CLARABEL")
    assert h.value is not None, f"no closure for {block}"
    return h.value, q.value, given.value


def falling(n: int, k: int) -> int:
    """n (n−1) … (n−k+1)."""
    result = 1
    for i in range(k):
        result *= n - i
    return result


def exact(block: Block, norm: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> tuple[Matrix, Matrix, Matrix]:
    """Rational H, D and data columns of H⁻¹ that satisfy every equation, next to the optimiser's."""
    rows, width = block.rows, block.width
    outside = block.outside()
    sign = {1: -1, 2: 1, 3: 0}[block.derivative]  # Q is skew, symmetric, or neither
    pairs = [(i, j) for i in range(rows) for j in range(rows) if not sign or i < j or (i == j and sign > 0)]
    start = {("Q", i, j): matrix[i, j] for i, j in pairs}
    start |= {
        ("H", i, j): norm[i, j] for i in range(rows) for j in range(i, rows) if block.derivative > 1 or i or not j
    }
    start |= {("G", i, c): given[i, c] for i in range(rows) for c in range(len(block.conditions))}
    place = {name: k for k, name in enumerate(start)}
    # Scaled powers, so that the pivots are chosen well.
    scale = Fraction(2, width)
    x = [scale * s - 1 for s in range(block.first, block.first + width)]

    def power(at: Fraction, degree: int, k: int) -> Fraction:
        return falling(degree, k) * scale**k * at ** (degree - k) if degree >= k else Fraction(0)

    system: Matrix = []
    for i in range(rows):
        for degree in range(block.degree + 1):
            row = [Fraction(0)] * len(start)
            right = -sum((outside[i][j - rows] * x[j] ** degree for j in range(rows, width)), Fraction(0))
            for j in range(rows):
                if not sign or ("Q", i, j) in place:
                    row[place["Q", i, j]] += x[j] ** degree
                elif i != j:
                    row[place["Q", j, i]] += sign * x[j] ** degree
                name = ("H", min(i, j), max(i, j))
                if name in place:
                    row[place[name]] -= power(x[j], degree, block.derivative)
            if block.derivative == 1 and i == 0:
                right += Fraction(1, 2) * x[0] ** degree
            for c, k in enumerate(block.conditions):
                row[place["G", i, c]] += power(Fraction(-1), degree, k)
            system.append([*row, right])
    # The unknowns that the others follow from are those that are chosen last.
    _, _, columns = qr(np.array([row[:-1] for row in system], dtype=float), pivoting=True)
    near = [Fraction(float(value)).limit_denominator(10**10) for value in start.values()]
    value = solution(system, [int(k) for k in columns], near)
    h = [[Fraction(0)] * rows for _ in range(rows)]
    q = [[Fraction(0)] * rows + list(outside[i]) + [Fraction(0)] * len(block.conditions) for i in range(rows)]
    if block.derivative == 1:
        q[0][0] = Fraction(-1, 2)
    for (kind, i, j), k in place.items():
        if kind == "Q":
            q[i][j] = value[k]
            if sign and i != j:
                q[j][i] = sign * value[k]
        elif kind == "H":
            h[i][j] = h[j][i] = value[k]
        else:
            q[i][width + j] = value[k]
    zeros, every = [Fraction(0)] * rows, list(range(rows))
    solved = [solution([[*h[i], q[i][j]] for i in range(rows)], every, zeros) for j in range(len(q[0]))]
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
    assert not any(row[-1] for row in system[len(pivots) :]), "the equations contradict each other"
    result = list(near)
    others = [k for k in range(len(near)) if k not in pivots]
    for row, k in zip(system, pivots, strict=False):
        result[k] = row[-1] - sum((row[j] * near[j] for j in others if row[j]), Fraction(0))
    return result


def printed(derivative: int, conditions: tuple[int, ...], order: int, **matrices: list[list[float]]) -> None:
    """One entry of the list."""
    print(f"- derivative: {derivative}\n  conditions: {list(conditions)}\n  order: {order}")
    for name, matrix in matrices.items():
        print(f"  {name}:")
        for row in matrix:
            print(f"  - [{', '.join(repr(float(v)) for v in row)}]")


if __name__ == "__main__":
    print("# Closures at an end, written by experiments/finite_differences/design_closures.py")
    printed(1, (), 2, norm=[[0.5]], difference=[[-1.0, 1.0]], data=[[]])
    for block in BLOCKS:
        h, d, data = exact(block, *programme(block))
        printed(block.derivative, block.conditions, block.order, norm=h, difference=d, data=data)
