"""The symmetry condition of an equation, at random jets: D_t Q = K'[u] Q, one column for each vector field."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.jets import TIME, Jet, JetSpace
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.discover.taylor import Index, Ring, Series, series_function
from pdesym.symmetry.library import Library

# Random jets outside the domain of a logarithm or a root are drawn again, so often at most.
_DRAWS = 20


@dataclass(frozen=True)
class Jets:
    """The intervals from which coordinates, times and all derivatives of the fields are drawn, independently.

    Any intervals serve a polynomial equation. Those of x and t should match the scales of explicit coefficients:
    exp(t/50) is nearly 1 + t/50 on a short interval.

    Attributes:
        space: of each coordinate.
        time: of t.
        fields: of each u, u_x, ….
    """

    space: tuple[float, float] = (-1.2, 1.2)
    time: tuple[float, float] = (0.0, 1.2)
    fields: tuple[float, float] = (-1.2, 1.2)


@dataclass(frozen=True)
class SampledJets:
    """Derivatives of one field over x, taken from data; coordinates and times are drawn independently of them.

    Attributes:
        derivatives: u, u_x, u_xx, … at points, `(points, orders)`.
        coordinates: where x and t are drawn.
    """

    derivatives: Float[np.ndarray, "points orders"]
    coordinates: Jets


@dataclass(frozen=True)
class Conditions:
    """The linear conditions on the coefficients c of v = Σ_k c_k f_k ∂_{z_k}: matrix · c = 0.

    Attributes:
        matrix: D_t Q − K'[u] Q for each column's Q, `(jets · fields, columns)`.
        size: |D_t Q| + |K'[u] Q| + |Q| in its place, what could have cancelled.
        linear: whether K is affine in u and its derivatives.
    """

    matrix: Float[Tensor, "rows columns"]
    size: Float[Tensor, "rows columns"]
    linear: bool


def conditions(
    equation: Equation, library: Library, jets: Jets | SampledJets | None = None, seed: int = 0
) -> Conditions:
    """The symmetry condition of v = ξ ∂_x + τ ∂_t + φ ∂_u on u_t = K, at random jets (Olver, Theorem 5.15).

    Q = φ − ξ·∇u − τ K is a symmetry when D_t Q = K'[u] Q for all u. At a point this holds on the Taylor coefficients of
    u(x, 0), which are drawn independently; those in t follow from u_t = K. Series arithmetic gives all derivatives
    without differences. Dimensionless, float64.

    Args:
        equation: with a number for each parameter and without auxiliary fields.
        library: the vector fields, of the equation's fields.
        jets: where to draw; the intervals of `Jets` when not given. Those of data when K is known on data only.
        seed: of the draw.

    Raises:
        ValueError: for equations and libraries that do not fit, and jets outside the domain of the functions.
    """
    _check(equation, library)
    dims = len(library.coordinates)
    space = equation.space(dims)
    sides = equation.right_hand_sides(dims)
    used = space.jets_in(sides)
    order = max((jet.order for jet in used), default=0)
    # A function of u alone still meets u_x and u_t in Q.
    step = max(order, 1)
    point = _Draw(jets or Jets(), dims, len(equation.fields), Ring(dims, step, 2 * step))
    rows = -(-3 * len(library) // len(equation.fields)) + 10
    rng = np.random.default_rng(seed)
    parts: list[tuple[Tensor, Tensor]] = []
    found = 0
    for _ in range(_DRAWS):
        matrix, size = _evaluate(equation, sides, used, space, library, point, rows, rng)
        finite = torch.isfinite(matrix).all(-1).all(-1) & torch.isfinite(size).all(-1).all(-1)
        parts.append((matrix[finite], size[finite]))
        found += int(finite.sum())
        if found >= rows:
            break
    else:
        raise ValueError(
            f"The right-hand side of {equation.statement!r} or a function of the library is finite at {found} of "
            f"{rows * _DRAWS} random jets only: pass jets=Jets(...) with intervals on which they are defined."
        )
    matrix, size = (torch.cat(several)[:rows].flatten(0, 1) for several in zip(*parts, strict=True))
    return Conditions(matrix, size, not _bends(sides, used, space))


@dataclass(frozen=True)
class _Draw:
    jets: Jets | SampledJets
    dims: int
    fields: int
    ring: Ring

    def __call__(self, rows: int, rng: np.random.Generator) -> tuple[list[Series], Series, list[Series]]:
        """x…, t and u… as series in space around random points; the derivatives of u in t are left at 0."""
        ring = self.ring
        intervals = self.jets.coordinates if isinstance(self.jets, SampledJets) else self.jets
        x = [ring.variable(self._uniform(rng, intervals.space, rows), axis) for axis in range(self.dims)]
        t = ring.variable(self._uniform(rng, intervals.time, rows), self.dims)
        chosen = rng.integers(len(self.jets.derivatives), size=rows) if isinstance(self.jets, SampledJets) else None
        fields = []
        for _ in range(self.fields):
            series = ring.constant(torch.zeros(rows, dtype=torch.float64))
            for position, index in enumerate(ring.indices):
                if index[-1] == 0:
                    if isinstance(self.jets, SampledJets):
                        derivative = torch.from_numpy(self.jets.derivatives[chosen, index[0]])
                    else:
                        derivative = self._uniform(rng, self.jets.fields, rows)
                    series.coefficients[:, position] = derivative / _factorials(index)
            fields.append(series)
        return x, t, fields

    @staticmethod
    def _uniform(rng: np.random.Generator, interval: tuple[float, float], rows: int) -> Tensor:
        return torch.from_numpy(rng.uniform(*interval, rows))


def _evaluate(
    equation: Equation,
    sides: Sequence[sympy.Expr],
    used: Sequence[Jet],
    space: JetSpace,
    library: Library,
    draw: _Draw,
    rows: int,
    rng: np.random.Generator,
) -> tuple[Float[Tensor, "rows fields columns"], Float[Tensor, "rows fields columns"]]:
    """The condition and its size at `rows` jets."""
    parameters = parameter_symbols(tuple(equation.parameters))
    arguments = [*(space.symbol(jet) for jet in used), *space.coordinates, TIME, *parameters.values()]
    values = [float(equation.parameters[name]) for name in parameters]
    right_hand_side = series_function(arguments, sides)
    ring, dims = draw.ring, draw.dims

    def speed(fields: Sequence[Series]) -> list[Series]:
        jets = [_differentiated(fields[jet.field], jet.orders) for jet in used]
        return [_as_series(side, ring, rows) for side in right_hand_side(*jets, *x, t, *values)]

    x, t, fields = draw(rows, rng)
    # u_t = K gives the terms with t¹ …
    for field, side in zip(fields, speed(fields), strict=True):
        _set_first_order_in_time(field, side)
    # … and once more, on the series that has them, u_t with its own terms in t¹.
    u_t = speed(fields)

    small = Ring(dims, ring.time_weight, ring.time_weight)
    gradient = [[field.derivative(axis).to(small) for axis in range(dims)] for field in fields]
    q = _characteristics(
        library,
        [s.to(small) for s in x],
        t.to(small),
        [s.to(small) for s in fields],
        gradient,
        [s.to(small) for s in u_t],
    )
    at_jets = [_differentiated(fields[jet.field], jet.orders).value for jet in used]
    pushed, pushed_size = _linearised(
        sides, arguments, used, space, [*at_jets, *(s.value for s in (*x, t)), *values], q
    )
    changed = torch.stack([series.derivative_at_point((0,) * dims + (1,)) for series in q], 1)
    itself = torch.stack([series.value for series in q], 1)
    return changed - pushed, changed.abs() + pushed_size + itself.abs()


def _characteristics(
    library: Library,
    x: Sequence[Series],
    t: Series,
    fields: Sequence[Series],
    gradient: Sequence[Sequence[Series]],
    u_t: Sequence[Series],
) -> list[Series]:
    """Qᵃ = φᵃ − ξⁱ ∂ᵢuᵃ − τ uᵃ_t of every column, one series `(rows, columns)` for each field a."""
    functions = list(dict.fromkeys(function for _, function in library.columns))
    rows = len(t.value)
    several = [_as_series(f, t.ring, rows) for f in series_function(library.variables, functions)(*x, t, *fields)]
    table = Series(t.ring, torch.stack([f.coefficients for f in several], 1))
    dims, result = len(x), []
    for a in range(len(fields)):
        # What multiplies the function of a column, by its component.
        factors = [-g for g in gradient[a]] + [-u_t[a]]
        products = [table * Series(t.ring, f.coefficients[:, None]) for f in factors]
        zero = torch.zeros_like(table.coefficients[:, 0])
        columns = []
        for component, function in library.columns:
            k = functions.index(function)
            if component <= dims:
                columns.append(products[component].coefficients[:, k])
            else:
                columns.append(table.coefficients[:, k] if component - dims - 1 == a else zero)
        result.append(Series(t.ring, torch.stack(columns, 1)))
    return result


def _linearised(
    sides: Sequence[sympy.Expr],
    arguments: Sequence[sympy.Symbol],
    used: Sequence[Jet],
    space: JetSpace,
    values: Sequence[Tensor | float],
    q: Sequence[Series],
) -> tuple[Float[Tensor, "rows fields columns"], Float[Tensor, "rows fields columns"]]:
    """K'[u] Q = Σ_J ∂K/∂u_J D_J Q and the sum of the sizes of its terms."""
    rows, columns = q[0].value.shape
    total = torch.zeros(rows, len(sides), columns, dtype=torch.float64)
    size = torch.zeros_like(total)
    slopes = torch_function(arguments, [side.diff(space.symbol(jet)) for side in sides for jet in used])(*values)
    derivatives = [q[jet.field].derivative_at_point((*jet.orders, 0)) for jet in used]
    for n, slope in enumerate(slopes):
        a, j = divmod(n, len(used))
        term = torch.as_tensor(slope, dtype=torch.float64).expand(rows)[:, None] * derivatives[j]
        total[:, a] += term
        size[:, a] += term.abs()
    return total, size


def _bends(sides: Sequence[sympy.Expr], used: Sequence[Jet], space: JetSpace) -> bool:
    """Whether a slope ∂K/∂u_J depends on the fields."""
    symbols = {space.symbol(jet) for jet in used}
    return any(side.diff(symbol).free_symbols & symbols for side in sides for symbol in symbols)


def _differentiated(series: Series, orders: Sequence[int]) -> Series:
    for axis, order in enumerate(orders):
        for _ in range(order):
            series = series.derivative(axis)
    return series


def _set_first_order_in_time(field: Series, speed: Series) -> None:
    ring = field.ring
    for position, index in enumerate(ring.indices):
        if index[-1] == 1:
            field.coefficients[:, position] = speed.coefficients[:, ring.position((*index[:-1], 0))]


def _as_series(value: object, ring: Ring, rows: int) -> Series:
    if isinstance(value, Series):
        return value
    return ring.constant(torch.as_tensor(value, dtype=torch.float64).expand(rows))


def _factorials(index: Index) -> float:
    return float(np.prod([np.prod(np.arange(1.0, n + 1)) for n in index]))


def _check(equation: Equation, library: Library) -> None:
    if equation.auxiliaries:
        raise ValueError(
            f"The equation {equation.statement!r} is not local, its field {equation.auxiliaries[0]} is defined by a "
            "relation over all of space: random jets know nothing of it."
        )
    varying = [name for name, value in equation.parameters.items() if isinstance(value, Tensor) and value.ndim]
    if varying:
        raise ValueError(f"Expected one number for each parameter, got one a sample for {', '.join(varying)}.")
    if library.fields != equation.fields:
        raise ValueError(
            f"Expected a library of the equation's fields {', '.join(equation.fields)}, got one of "
            f"{', '.join(library.fields)}."
        )
    if library.coordinates != ("x", "y", "z")[: len(library.coordinates)]:
        raise ValueError(f"Expected the coordinates x, y, z of equations, got {', '.join(library.coordinates)}.")
