"""Do the differences and the boundaries together let something grow that the equation does not?"""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.differences import Difference
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.grid import AXES
from pdesym.solvers.jets import Linear
from pdesym.solvers.torch_function import torch_function

Coefficients = list[list[dict[int, float]]]
"""The coefficients of the derivatives along one axis, by rows and columns of fields."""

TOLERANCE = 1e-10
# Eigenvalues of matrices that are not normal are rounded more than eps times their norm.
_ROUNDING = 1e3 * np.finfo(np.float64).eps
# Instabilities of a boundary are local: so many points at the grid's own spacing show them.
_MOST_POINTS = 128
# Growth counts as converged when twice the points change it by less.
_CONVERGED = 0.02
_WAVES = 400


@dataclass(frozen=True)
class Stability:
    """What the eigenvalues of the linear part say.

    Attributes:
        abscissa: largest real part of an eigenvalue, over axes and the samples looked at.
        radius: largest modulus, summed over axes: an explicit step is stable up to about 3/radius.
        order: of the highest derivative in the linear part.
        symmetric: whether second derivatives had to be closed symmetrically.
    """

    abscissa: float
    radius: float
    order: int
    symmetric: bool


def refuse_unstable(
    equation: Equation, grid: FiniteDifferenceGrid, linear: tuple[tuple[Linear, ...], ...]
) -> Stability:
    """The eigenvalues of the linear part along each axis with its boundaries, for stable ones.

    Each axis is looked at by itself, with waves along it only. With a value for each sample the samples with the
    largest and the smallest value of each parameter are looked at. Growth is allowed where the equation grows as well:
    up to the largest growth of a wave, or where twice the points give the same growth. Where ghost values are not
    stable (waves, at order 6 and 8) the symmetric closures are tried.

    Raises:
        ValueError: when some eigenvalue has a positive real part that belongs to the boundaries.
    """
    remainder = _orders(equation, grid.dims)
    lines = []
    for parameters in _extremes(equation):
        for axis in range(grid.dims):
            coefficients = _along(linear, parameters, axis)
            if not grid.periodic[axis]:
                _refuse_wrong_number(equation, grid, axis, coefficients, remainder[axis])
            lines.append((axis, coefficients))
    order = max((k for _, coefficients in lines for row in coefficients for terms in row for k in terms), default=0)
    for symmetric in (False, True):
        abscissa, radii = -math.inf, [0.0] * grid.dims
        unstable: tuple[int, float] | None = None
        for axis, coefficients in lines:
            eigenvalues = _eigenvalues(equation, _cut(grid, axis), coefficients, symmetric)
            if not len(eigenvalues):
                continue
            largest, radius = eigenvalues.real.max(), abs(eigenvalues).max()
            radii[axis] = max(radii[axis], radius)
            abscissa = max(abscissa, largest)
            if _is_unstable(equation, grid, axis, coefficients, symmetric, largest, radius):
                unstable = axis, largest
                break
        if unstable is None:
            return Stability(abscissa, sum(radii), order, symmetric)
    assert unstable is not None, "the loop returns otherwise"
    raise ValueError(
        f"The equation {'; '.join(equation.text)!r} with these boundaries along {AXES[unstable[0]]} is unstable in "
        f"differences of order {grid.order}: an eigenvalue has the real part {unstable[1]:.2e}; take a lower order, or "
        f"other conditions."
    )


def _is_unstable(
    equation: Equation,
    grid: FiniteDifferenceGrid,
    axis: int,
    coefficients: Coefficients,
    symmetric: bool,
    largest: float,
    radius: float,
) -> bool:
    """Whether an eigenvalue grows that belongs to the boundaries."""
    allowed = TOLERANCE + _ROUNDING * radius
    if grid.periodic[axis] or largest <= allowed:
        return False
    if largest <= allowed + _wave_growth(coefficients, grid.spacing[axis]):
        return False
    # Growth that the equation has converges; what a boundary makes of rounding does not.
    points = min(grid.points[axis], _MOST_POINTS)
    growth = [
        _eigenvalues(equation, _single(grid, axis, n, 1.0), coefficients, symmetric).real.max()
        for n in (points, 2 * points - 1)
    ]
    return bool(abs(growth[1] - growth[0]) > allowed + _CONVERGED * abs(growth[1]))


def _orders(equation: Equation, dims: int) -> list[int]:
    """The highest derivative along each axis outside the linear part."""
    split = equation.split(dims)
    jets = split.space.jets_in(split.remainder)
    return [max((jet.orders[axis] for jet in jets), default=0) for axis in range(dims)]


def _refuse_wrong_number(
    equation: Equation, grid: FiniteDifferenceGrid, axis: int, coefficients: Coefficients, remainder: int
) -> None:
    """Raises ValueError unless each end has as many conditions as there are modes that it sends out.

    With det(s − L(κ)) = 0 for a large s > 0 the modes exp(κx) that decay inwards from the left end, Re κ < 0, need a
    condition each there, and those with Re κ > 0 at the right end (Kreiss; Gustafsson, Kreiss and Oliger, Time
    Dependent Problems and Difference Methods, chapter 10). Nothing is asked where the linear part does not have the
    highest derivative, or has none.
    """
    fields = range(len(coefficients))
    orders = [max((k for row in coefficients for k in row[b]), default=0) for b in fields]
    if max(orders) <= remainder:
        return
    roots = _modes(coefficients, orders, grid.spacing[axis])
    names = [name for b, name in enumerate(equation.fields) if orders[b]]
    for right in (False, True):
        needed = int((roots.real > 0).sum()) if right else int((roots.real < 0).sum())
        given = sum(len(grid.end(axis, right, name).conditions) for name in names)
        if given != needed:
            raise ValueError(
                f"The equation {'; '.join(equation.text)!r} needs {needed} conditions at the "
                f"{('left', 'right')[right]} end of {AXES[axis]} for {', '.join(names)}, got {given}: a field without "
                f"one has Outflow, several are joined as in Dirichlet(0) & Neumann(0)."
            )


def _modes(coefficients: Coefficients, orders: list[int], spacing: float) -> np.ndarray:
    """The roots κ of det(s − L(κ)), times the spacing, for an s as large as the rate of the grid's fastest wave."""
    fields = range(len(coefficients))

    def symbol(kappa: complex) -> np.ndarray:
        return np.array(
            [[sum(v * (kappa / spacing) ** k for k, v in coefficients[a][b].items()) for b in fields] for a in fields],
            dtype=complex,
        )

    s = 2 * max(np.linalg.norm(symbol(wave), 2) for wave in (1j * math.pi, 1j))
    samples = np.exp(2j * math.pi * np.arange(sum(orders) + 1) / (sum(orders) + 1))
    determinants = np.array([np.linalg.det(np.eye(len(orders)) - symbol(kappa) / s) for kappa in samples])
    polynomial = np.fft.fft(determinants) / len(samples)
    polynomial[abs(polynomial) < 1e-12 * abs(polynomial).max()] = 0
    return np.roots(polynomial[::-1])


def spectrum(equation: Equation, grid: FiniteDifferenceGrid, axis: int = 0, symmetric: bool = False) -> np.ndarray:
    """The eigenvalues of the linear part along an axis with its boundaries, on all of its points."""
    linear = equation.split(grid.dims).linear
    coefficients = _along(linear, next(iter(_extremes(equation))), axis)
    return _eigenvalues(equation, _single(grid, axis, grid.points[axis], 1.0), coefficients, symmetric)


def _extremes(equation: Equation) -> list[dict[str, float]]:
    several = {name: value for name, value in equation.parameters.items() if isinstance(value, Tensor)}
    rows = sorted({int(pick) for value in several.values() for pick in (value.argmin(), value.argmax())}) or [0]
    return [
        {name: float(value[row] if isinstance(value, Tensor) else value) for name, value in equation.parameters.items()}
        for row in rows
    ]


def _along(linear: tuple[tuple[Linear, ...], ...], parameters: dict[str, float], axis: int) -> Coefficients:
    names = sorted(parameters)
    symbols = list(parameter_symbols(tuple(names)).values())
    values = [parameters[name] for name in names]

    def terms(operator: Linear) -> dict[int, float]:
        result: dict[int, float] = {}
        for orders, coefficient in operator.items():
            if sum(orders) == orders[axis]:
                (value,) = torch_function(symbols, [coefficient])(*values)
                result[orders[axis]] = float(value)
        return result

    return [[terms(operator) for operator in row] for row in linear]


def _single(grid: FiniteDifferenceGrid, axis: int, points: int, stretch: float) -> FiniteDifferenceGrid:
    """One axis of a grid, with other points on a box longer by a factor."""
    result = FiniteDifferenceGrid(points, length=grid.length[axis] * stretch, order=grid.order)
    object.__setattr__(result, "boundary", (grid.boundary[axis],))
    return result


def _cut(grid: FiniteDifferenceGrid, axis: int) -> FiniteDifferenceGrid:
    """The axis, or as much of it at the same spacing as is looked at."""
    points = min(grid.points[axis], _MOST_POINTS)
    intervals = points - (not grid.periodic[axis])
    return _single(grid, axis, points, intervals / grid.intervals[axis])


def _eigenvalues(
    equation: Equation, line: FiniteDifferenceGrid, coefficients: Coefficients, symmetric: bool
) -> np.ndarray:
    n = line.points[0]
    fields = range(len(coefficients))
    ends = [
        None
        if line.periodic[0] or not any(any(row[b]) for row in coefficients)
        else (line.end(0, False, name), line.end(0, True, name))
        for b, name in enumerate(equation.fields)
    ]
    blocks = [[np.zeros((n, n)) for _ in fields] for _ in fields]
    for a in fields:
        for b in fields:
            for k, value in coefficients[a][b].items():
                along = Difference(line, 0, k, ends[b], symmetric).matrix().toarray() if k else np.eye(n)
                blocks[a][b] += value * along
    free: list[int] = []
    for b in fields:
        pair = ends[b]
        first = 1 if pair and 0 in pair[0].orders else 0
        last = n - 1 if pair and 0 in pair[1].orders else n
        free += range(b * n + first, b * n + last)
    matrix = np.block(blocks)[np.ix_(free, free)]
    return np.linalg.eigvals(matrix)


def _wave_growth(coefficients: Coefficients, spacing: float) -> float:
    """The largest growth rate of a wave exp(ikx) of the equation that the grid can show, with a margin."""
    k = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, _WAVES) * math.pi / spacing])
    symbol = np.zeros((len(k), len(coefficients), len(coefficients)), dtype=complex)
    for a, row in enumerate(coefficients):
        for b, terms in enumerate(row):
            for order, value in terms.items():
                symbol[:, a, b] += value * (1j * k) ** order
    growth = float(np.linalg.eigvals(symbol).real.max())
    return 1.01 * growth if growth > 0 else 0.0
