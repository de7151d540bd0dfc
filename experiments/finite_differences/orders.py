"""The order at which solutions by finite differences converge, for every equation, boundary and order.

    .venv/bin/python experiments/finite_differences/orders.py

Expected: on 257 to 641 points the error falls with the order of the grid, to 0.2, with every boundary; where waves have
symmetric closures, on 2049 to 5121. On 33 to 81 points slopes at order 6 and 8 lie between 5.5 and 11. The reason is in
the rows next to the ends: their part of the error falls with the order plus 1 or 2 where ghost values close the
differences (`stencils.degree`), but it starts as large as that of all other rows or larger, up to a hundred times, and
in part they cancel. Half a minute on one core. Writes results/orders.json and the tables results/orders.md, and prints
these.

What is solved is A u − u + f = 0 for u a sum of three waves of unrelated lengths, in four phases. With τ the defects of
the difference formulas the error is e = −(A − 1)⁻¹ τ. In double precision nothing is seen of it on many points, where
rounding, which grows with the power of 1/h in A, is larger. Therefore τ comes from the rational formulas in 50 digits;
double precision only solves for e, and since e is linear in τ, also for what either kind of row makes of it. On few
points the same is solved in double precision throughout, from the boundary values; that error is written beside.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import mpmath
import numpy as np
import torch
from scipy.sparse.linalg import splu

from pdesym.solvers import Equation
from pdesym.solvers.finite_differences import Dirichlet, End, FiniteDifferenceGrid, Normal, Robin
from pdesym.solvers.finite_differences.stencils import (
    closure,
    exact_central,
    exact_ghost_closure,
    half_width,
    tabulated,
)
from pdesym.solvers.finite_differences.system import FiniteDifferenceSystem

HERE = Path(__file__).parent
ORDERS = (2, 4, 6, 8)
ASYMPTOTIC = (257, 321, 385, 513, 641)
FURTHER = (2049, 2561, 3073, 4097, 5121)
COARSE = (33, 41, 49, 65, 81)
PHASES = tuple(i * math.pi / 4 for i in range(4))
# (amplitude, wavenumber, phase) on the unit interval; those of a periodic one must fit.
WAVES = ((1.0, 5.0, 0.4), (0.6, 8.3, 1.9), (0.3, 11.7, 0.9))
PERIODIC_WAVES = ((1.0, 2 * math.pi, 0.4), (0.6, 4 * math.pi, 1.9), (0.3, 6 * math.pi, 0.9))
ROBIN = (1.5, 2.0)
_DIGITS = 50

Condition = int | str
"""k for a given ∂ᵏu/∂nᵏ, "robin" for a given 1.5 u + 2 ∂u/∂n."""
Matrix = list[list[Fraction]]


@dataclass(frozen=True)
class Problem:
    """An equation u_t = ± ∂ᵏu − u, or as a system, on the unit interval with its boundary.

    Attributes:
        equation: as text.
        derivative: k.
        sign: of ∂ᵏ.
        sides: the conditions at the left and the right end; None for a periodic interval.
        gain: by how much the order of the boundary's part in the error exceeds the order of the grid.
    """

    equation: tuple[str, ...]
    derivative: int
    sign: int
    sides: tuple[tuple[Condition, ...], tuple[Condition, ...]] | None
    gain: int = 0

    @property
    def waves(self) -> tuple[tuple[float, float, float], ...]:
        """Those of the solution."""
        return PERIODIC_WAVES if self.sides is None else WAVES


def _one(derivative: int, sign: int, *sides: tuple[Condition, ...], gain: int = 0) -> Problem:
    text = f"u_t = {'-' if sign < 0 else ''}u_{'x' * derivative} - u"
    return Problem((text,), derivative, sign, (sides[0], sides[-1]) if sides else None, gain)


VIBRATION = "u_tt = u_xx, Dirichlet"
PROBLEMS = {
    "u_x, periodic": _one(1, -1),
    "u_x, Dirichlet and outflow": _one(1, -1, (0,), ()),
    "u_xx, periodic": _one(2, 1),
    "u_xx, Dirichlet": _one(2, 1, (0,), gain=2),
    "u_xx, Neumann": _one(2, 1, (1,), gain=1),
    "u_xx, Dirichlet and Neumann": _one(2, 1, (0,), (1,), gain=1),
    "u_xx, Robin": _one(2, 1, ("robin",), gain=1),
    VIBRATION: Problem(("u_t = v", "v_t = u_xx - u"), 2, 1, ((0,), (0,)), 2),
    "u_xxx, periodic": _one(3, -1),
    "u_xxx, Dirichlet and clamped": _one(3, -1, (0,), (0, 1)),
    "u_xxxx, periodic": _one(4, -1),
    "u_xxxx, u and u_n (clamped)": _one(4, -1, (0, 1), gain=2),
    "u_xxxx, u and u_nn (hinged)": _one(4, -1, (0, 2), gain=2),
    "u_xxxx, u_n and u_nnn": _one(4, -1, (1, 3), gain=1),
    "u_xxxx, u_nn and u_nnn (free)": _one(4, -1, (2, 3), gain=1),
    "u_xxxx, Robin and u_nnn": _one(4, -1, ("robin", 3), gain=1),
}


@dataclass(frozen=True)
class Errors:
    """On grids of so many points: errors of the solution in the root mean square over nodes and phases, and defects.

    Attributes:
        points: of the grids.
        intervals: of the grids.
        error: in exact arithmetic.
        interior: what the rows of the central difference make of it.
        boundary: what the rows next to the ends make of it.
        interior_defect: largest defect of a row of the central difference.
        boundary_defect: largest defect of a row next to an end.
    """

    points: list[int]
    intervals: list[int]
    error: list[float]
    interior: list[float]
    boundary: list[float]
    interior_defect: list[float]
    boundary_defect: list[float]

    def slope(self, name: str = "error") -> float:
        """The order at which one of them falls, by least squares over all grids; nan where it is zero."""
        values = getattr(self, name)
        if not all(values):
            return math.nan
        return float(-np.polyfit(np.log(self.intervals), np.log(values), 1)[0])


@dataclass(frozen=True)
class Computed:
    """Errors of solutions in double precision, and a bound on what rounding does to them (but for a small factor)."""

    points: list[int]
    error: list[float]
    rounding: list[float]


def solution(problem: Problem, x: np.ndarray, k: int, phase: float) -> np.ndarray:
    """∂ᵏu at x."""
    return sum(a * w**k * np.sin(w * x + p + phase + k * math.pi / 2) for a, w, p in problem.waves)


def system_of(problem: Problem, order: int, points: int) -> FiniteDifferenceSystem:
    """The semi-discrete problem; what it takes for the time t is the phase of the solution."""
    boundary: object = "periodic"
    if problem.sides is not None:
        ends = ((0.0, -1), (1.0, 1))
        boundary = tuple(
            {"u": _end(problem, side, x, n), "v": Dirichlet(0)}
            for side, (x, n) in zip(problem.sides, ends, strict=True)
        )
    grid = FiniteDifferenceGrid(points, length=1.0, boundary=boundary, order=order)
    return FiniteDifferenceSystem(Equation(*problem.equation), grid)


def _end(problem: Problem, side: tuple[Condition, ...], x: float, outwards: int) -> End:
    def given(k: int) -> Callable[[torch.Tensor], torch.Tensor]:
        def value(t: torch.Tensor) -> torch.Tensor:
            return torch.as_tensor(outwards**k * solution(problem, np.array(x), k, float(t)), dtype=torch.float64)

        return value

    result = End()
    for k in side:
        if isinstance(k, int):
            result = result & Normal(k, given(k))
        else:
            result = result & Robin(*ROBIN, lambda t: ROBIN[0] * given(0)(t) + ROBIN[1] * given(1)(t))
    return result


@lru_cache(maxsize=256)
def formula(derivative: int, order: int, conditions: tuple[int, ...], symmetric: bool) -> tuple[Matrix, Matrix]:
    """The nodes and data of a closure as fractions.

    The table holds fractions rounded to double precision, so that its rows are exact on polynomials up to rounding
    only: the smallest change that makes them exact completes them.
    """
    orders = tuple(q for q in conditions if q)
    key = () if derivative == 1 else conditions
    try:
        if derivative == 2 and not symmetric:
            raise KeyError
        tabulated(derivative, key, order)
    except KeyError:
        return exact_ghost_closure(derivative, order, orders)
    rounded = closure(derivative, order, conditions, symmetric)
    degree = {1: order - 1, 2: order + 1, 3: order}[derivative]
    return _completed(rounded.nodes.tolist(), rounded.data.tolist(), orders, derivative, degree)


def _completed(
    nodes: list[list[float]], data: list[list[float]], orders: tuple[int, ...], derivative: int, degree: int
) -> tuple[Matrix, Matrix]:
    width = len(nodes[0])
    # Columns: nodes, then data; rows: powers of s.
    powers = mpmath.matrix(degree + 1, width + len(orders))
    for m in range(degree + 1):
        for s in range(width):
            powers[m, s] = mpmath.mpf(s) ** m
        for c, q in enumerate(orders):
            powers[m, width + c] = mpmath.factorial(q) if q == m else 0
    completed: Matrix = []
    for i, (row, datum) in enumerate(zip(nodes, data, strict=True)):
        values = mpmath.matrix([*row, *datum])
        if any(values):
            wanted = mpmath.matrix(
                [
                    mpmath.ff(m, derivative) * mpmath.mpf(i) ** (m - derivative) if m >= derivative else 0
                    for m in range(degree + 1)
                ]
            )
            values += powers.T * mpmath.lu_solve(powers * powers.T, wanted - powers * values)
        completed.append([Fraction(*_ratio(v)) for v in values])
    return [row[:width] for row in completed], [row[width:] for row in completed]


def _ratio(value: mpmath.mpf) -> tuple[int, int]:
    sign, mantissa, exponent, _ = value._mpf_
    number = (-1) ** sign * int(mantissa)
    return (number * 2**exponent, 1) if exponent >= 0 else (number, 2**-exponent)


def _real(value: Fraction) -> mpmath.mpf:
    return mpmath.mpf(value.numerator) / value.denominator


def central_defect(derivative: int, order: int, theta: mpmath.mpf) -> mpmath.mpc:
    """The central difference less the derivative of exp(iθs) at s = 0."""
    reach = half_width(derivative, order)
    weights = zip(range(-reach, reach + 1), exact_central(derivative, order), strict=True)
    return mpmath.fsum(_real(w) * mpmath.expj(theta * j) for j, w in weights) - (1j * theta) ** derivative


def end_defects(
    derivative: int, order: int, conditions: tuple[int, ...], symmetric: bool, theta: mpmath.mpf
) -> list[mpmath.mpc]:
    """The closure less the derivative of exp(iθs) at s = 0, 1, …; the row of a known node counts as none."""
    nodes, data = formula(derivative, order, conditions, symmetric)
    orders = [q for q in conditions if q]
    wave = [mpmath.expj(theta * s) for s in range(max(len(nodes[0]), len(nodes)))]
    given = [(1j * theta) ** q for q in orders]
    return [
        mpmath.fsum(_real(a) * b for a, b in zip(row, wave, strict=False) if a)
        + mpmath.fsum(_real(a) * b for a, b in zip(datum, given, strict=True))
        - (1j * theta) ** derivative * wave[i]
        for i, (row, datum) in enumerate(zip(nodes, data, strict=True))
    ]


def defects(problem: Problem, order: int, points: int, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    """τ at the nodes, `(phases, points)`, from 50 digits; and which rows are next to an end."""
    intervals = points - (problem.sides is not None)
    x = np.arange(points) / intervals
    k, near = problem.derivative, np.zeros(points, dtype=bool)
    tau = np.zeros((len(PHASES), points))
    turns = np.exp(1j * np.array(PHASES))[:, None]
    with mpmath.workdps(_DIGITS):
        scale = problem.sign * mpmath.mpf(intervals) ** k
        for amplitude, wavenumber, phase in problem.waves:
            theta = mpmath.mpf(wavenumber) / intervals
            part = complex(scale * central_defect(k, order, theta)) * np.exp(1j * wavenumber * x)
            if problem.sides is not None:
                left, right = (tuple(1 if c == "robin" else int(c) for c in side) for side in problem.sides)
                first = np.array([complex(scale * d) for d in end_defects(k, order, left, symmetric, theta)])
                last = np.array([complex(scale * d) for d in end_defects(k, order, right, symmetric, -theta)])
                part[: len(first)] = first
                part[points - len(last) :] = (-1) ** k * last[::-1] * np.exp(1j * wavenumber)
                near[: len(first)] = near[points - len(last) :] = True
            tau += amplitude * (np.exp(1j * phase) * turns * part).imag
    return tau, near


def _free(system: FiniteDifferenceSystem) -> np.ndarray:
    """Which unknowns no condition gives."""
    return np.asarray(abs(system.matrices()[0]).sum(1)).ravel() > 0


def _mean(squares: np.ndarray) -> float:
    return float(np.sqrt(np.mean(squares**2)))


def errors(problem: Problem, order: int, points: Sequence[int]) -> Errors:
    """The errors of solutions in exact arithmetic."""
    columns: list[tuple[float, ...]] = []
    for n in points:
        system = system_of(problem, order, n)
        free = _free(system)
        matrix = system.matrices()[0].tocsr()[free][:, free].tocsc()
        tau, near = defects(problem, order, n, system.stability.symmetric)
        tau[:, ~free[-n:]] = 0.0
        solver, size = splu(matrix), len(free)

        def error(defect: np.ndarray, n: int = n, size: int = size, free: np.ndarray = free, solver=solver) -> float:
            right = np.zeros((size, len(PHASES)))
            right[size - n :] = -defect.T
            return _mean(solver.solve(right[free])[: free[:n].sum()])

        inner, outer = np.where(near, 0.0, tau), np.where(near, tau, 0.0)
        columns.append((error(tau), error(inner), error(outer), float(abs(inner).max()), float(abs(outer).max())))
    return Errors(
        list(points), [n - (problem.sides is not None) for n in points], *map(list, zip(*columns, strict=True))
    )


def computed(problem: Problem, order: int, points: Sequence[int]) -> Computed:
    """The errors of solutions in double precision, boundary values included."""
    found: list[float] = []
    rounding: list[float] = []
    for n in points:
        system = system_of(problem, order, n)
        free, matrix = _free(system), system.matrices()[0].toarray()
        fields = len(free) // n
        inverse = np.linalg.inv(matrix[np.ix_(free, free)])
        (x,) = (c.numpy() for c in system.grid.coordinates())
        misses, bounds = [], []
        for phase in PHASES:
            exact, right = np.zeros(len(free)), np.zeros(len(free))
            exact[:n] = solution(problem, x, 0, phase)
            right[-n:] = problem.sign * solution(problem, x, problem.derivative, phase) - exact[:n]
            time = torch.tensor(phase, dtype=torch.float64)
            right -= system.forcing(torch.zeros(1, fields, n, dtype=torch.float64), time).flatten().numpy()
            known = right - matrix[:, ~free] @ exact[~free]
            misses.append((np.linalg.solve(matrix[np.ix_(free, free)], known[free]) - exact[free])[: free[:n].sum()])
            noise = abs(matrix) @ abs(exact) + abs(right)
            bounds.append(np.finfo(float).eps * (abs(inverse) @ noise[free])[: free[:n].sum()])
        found.append(_mean(np.array(misses)))
        rounding.append(_mean(np.array(bounds)))
    return Computed(list(points), found, rounding)


def asymptotic(name: str, order: int) -> tuple[int, ...]:
    """Points from which the boundary's part in the error is small, or falls with the order of the grid."""
    return FURTHER if name == VIBRATION and order > 4 else ASYMPTOTIC


def measured(name: str, order: int) -> dict[str, object]:
    """One entry of the results."""
    problem = PROBLEMS[name]
    fine, coarse = errors(problem, order, asymptotic(name, order)), errors(problem, order, COARSE)
    return {
        "problem": name,
        "order": order,
        "asymptotic": _with_slopes(fine),
        "coarse": _with_slopes(coarse),
        "double precision": _rounded(asdict(computed(problem, order, COARSE))),
    }


def _with_slopes(found: Errors) -> dict[str, object]:
    columns = asdict(found)
    slopes = {part: found.slope(part) for part in columns if part not in ("points", "intervals")}
    listed = {part: columns[part] for part in ("points", "error", "interior", "boundary")}
    return {"slopes": {p: None if math.isnan(v) else round(v, 2) for p, v in slopes.items()}, **_rounded(listed)}


def _rounded(columns: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: [value if name == "points" else float(f"{value:.2e}") for value in c] for name, c in columns.items()}


def rendered(results: list[dict]) -> str:
    """The tables."""
    by = {(r["problem"], r["order"]): r for r in results}

    def table(title: str, cell: Callable[[dict], str]) -> list[str]:
        lines = [title, "", f"| equation, boundary | {' | '.join(f'order {k}' for k in ORDERS)} |"]
        lines.append("| --- |" + " ---: |" * len(ORDERS))
        lines += [f"| {name} | {' | '.join(cell(by[name, k]) for k in ORDERS)} |" for name in PROBLEMS]
        return [*lines, ""]

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    def before(r: dict) -> str:
        share = r["coarse"]["boundary"][0] / r["coarse"]["interior"][0]
        slopes = r["coarse"]["slopes"]
        return number(slopes["error"]) + (f" ({share:.1g}, {number(slopes['boundary'])})" if share else "")

    few, more = COARSE[0], COARSE[-1]
    on = f"{ASYMPTOTIC[0]} to {ASYMPTOTIC[-1]} points (waves at order 6 and 8: {FURTHER[0]} to {FURTHER[-1]})"
    lines = ["<!-- written by experiments/finite_differences/orders.py -->", "# Orders of convergence", ""]
    lines += table(f"Error of the solution, {on}.", lambda r: number(r["asymptotic"]["slopes"]["error"]))
    lines += table(
        "Defects of the interior rows, there.", lambda r: number(r["asymptotic"]["slopes"]["interior_defect"])
    )
    lines += table(
        "Part in the error of the rows next to the ends, there.",
        lambda r: number(r["asymptotic"]["slopes"]["boundary"]),
    )
    lines += table(
        f"Error of the solution, {few} to {more} points; in brackets the part of the rows next to the ends over that "
        f"of the others on {few} points, and the slope of the former.",
        before,
    )
    return "\n".join(lines)


def main() -> None:
    """Measures everything."""
    torch.set_num_threads(1)
    results = [measured(name, order) for name in PROBLEMS for order in ORDERS]
    (HERE / "results").mkdir(exist_ok=True)
    entries = ",\n".join(json.dumps(entry) for entry in results)
    (HERE / "results" / "orders.json").write_text(f"[\n{entries}\n]\n", encoding="utf-8")
    text = rendered(results)
    (HERE / "results" / "orders.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
