"""An equation on a grid with boundaries: u' = A u + b(t) + N(u, t) at the nodes."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy
import torch
from scipy import sparse
from torch import Tensor

from pdesym.solvers.declaration import Declaration, parameter_symbols, right_hand_sides
from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.conditions import Condition
from pdesym.solvers.finite_differences.differences import Difference
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.stability import Stability, refuse_unstable
from pdesym.solvers.jets import TIME, Jet, Linear
from pdesym.solvers.split import split
from pdesym.solvers.torch_function import torch_function


@dataclass(frozen=True)
class _Part:
    """A function of jets: which of them, and `(*jets, *coordinates, t, *parameters) → [value of each field]`."""

    jets: tuple[Jet, ...]
    function: Callable[..., list[Tensor | float]]


@dataclass(frozen=True)
class _Parts:
    whole: _Part
    remainder: _Part
    linear: tuple[tuple[Linear, ...], ...]


@dataclass(frozen=True)
class _Given:
    """The conditions of one order-0 or higher kind for one field at one end, and their values if they stay."""

    conditions: tuple[Condition, ...]
    positions: tuple[Tensor, ...]
    constant: Tensor | None

    def at(self, t: Tensor) -> Tensor:
        """`(conditions, …)`, to be broadcast against the boundary's points."""
        if self.constant is not None:
            return self.constant
        time = t.reshape(-1, *(1,) * max(0, len(self.positions) - 1)) if t.ndim else t
        shape = torch.broadcast_shapes(time.shape, *(x.shape for x in self.positions))
        return torch.stack([condition.at(time, self.positions).expand(shape) for condition in self.conditions])


class FiniteDifferenceSystem:
    """The semi-discrete form of an equation by central differences, in float64.

    States are `(rows, fields, *points)` at all nodes. Nodes where a value is given are set by `impose` and have the
    derivative 0; everything else follows the equation, with the conditions built into the differences.

    Args:
        equation: what to solve.
        grid: where; `scheme="central"`.
        device: where the tensors live.

    Raises:
        ValueError: for an equation with auxiliary fields, and for a combination of equation, boundaries and order that
            is not stable.
    """

    def __init__(self, equation: Equation, grid: FiniteDifferenceGrid, device: torch.device | None = None):
        if equation.where:
            raise ValueError(
                f"Finite differences take no auxiliary fields, got where={equation.where}: use a periodic Grid, or "
                f"write the equation in fields that evolve."
            )
        self.equation, self.grid, self.device = equation, grid, device
        self._parts = _parts(equation.declaration, grid.dims)
        symbols = parameter_symbols(equation.declaration.parameters)
        self._parameters = {symbol: self._as_rows(equation.parameters[name]) for name, symbol in symbols.items()}
        self.stability: Stability = refuse_unstable(equation, grid, self._parts.linear)
        axes = range(grid.dims)
        self._coordinates = [
            x.reshape([-1 if i == axis else 1 for i in axes]) for axis, x in enumerate(grid.coordinates(device))
        ]
        self._differences: dict[tuple[int, int, int], Difference] = {}
        jets = set(self._parts.whole.jets)
        # For each field the jets of its linear part and their coefficients, `()` or `(rows, 1, …)`.
        self._linear = [
            [(Jet(b, o), self._value(c)) for b, operator in enumerate(row) for o, c in operator.items()]
            for row in self._parts.linear
        ]
        jets |= {jet for terms in self._linear for jet, _ in terms}
        for jet in jets:
            for axis, k in enumerate(jet.orders):
                if k and (axis, jet.field, k) not in self._differences:
                    self._differences[axis, jet.field, k] = self._difference(axis, jet.field, k)
        self._given, self._derivatives = self._conditions()
        self._refuse_varying_data(jets)

    def _difference(self, axis: int, field: int, k: int) -> Difference:
        grid, name = self.grid, self.equation.fields[field]
        ends = None if grid.periodic[axis] else (grid.end(axis, False, name), grid.end(axis, True, name))
        return Difference(grid, axis, k, ends, self.stability.symmetric, self.device)

    def _conditions(self) -> tuple[dict[tuple[int, int, bool], _Given], dict[tuple[int, int, bool], _Given]]:
        """The values given at ends, and the derivatives given there that are not zero, by field, axis and end."""
        values: dict[tuple[int, int, bool], _Given] = {}
        derivatives: dict[tuple[int, int, bool], _Given] = {}
        evolved = {(axis, field) for axis, field, _ in self._differences}
        zero = torch.zeros((), dtype=torch.float64, device=self.device)
        for axis in range(self.grid.dims):
            if self.grid.periodic[axis]:
                continue
            for field, name in enumerate(self.equation.fields):
                for right in (False, True):
                    try:
                        conditions = self.grid.end(axis, right, name).conditions
                    except ValueError:
                        if (axis, field) in evolved:
                            raise
                        continue  # a field without derivatives along this axis needs none
                    where = self._positions(axis, right)
                    known = tuple(c for c in conditions if c.order == 0)
                    others = tuple(c for c in conditions if c.order)
                    for group, target in ((known, values), (others, derivatives)):
                        if not group or (target is derivatives and all(c.is_zero for c in group)):
                            continue
                        given = _Given(group, where, None)
                        if not any(c.in_time for c in group):
                            given = _Given(group, where, given.at(zero))
                        target[field, axis, right] = given
        return values, derivatives

    def _positions(self, axis: int, right: bool) -> tuple[Tensor, ...]:
        """The coordinates of the nodes at one end, shaped to broadcast over the other axes."""
        positions = []
        for other, x in enumerate(self._coordinates):
            if other == axis:
                positions.append(x.flatten()[-1 if right else 0])
            else:
                positions.append(x.squeeze(axis) if x.ndim > 1 else x)
        return tuple(positions)

    def _refuse_varying_data(self, jets: set[Jet]) -> None:
        for jet in jets:
            axes = [axis for axis, k in enumerate(jet.orders) if k]
            for axis in axes if len(axes) > 1 else []:
                for right in (False, True):
                    given = self._derivatives.get((jet.field, axis, right))
                    if given and jet.orders[axis] > 1 and any(c.in_space for c in given.conditions):
                        raise ValueError(
                            f"The equation has the mixed derivative {jet.orders} of {self.equation.fields[jet.field]!r}"
                            f", for which a given normal derivative must be constant along the boundary: give a number "
                            f"or text in t."
                        )

    @property
    def per_sample(self) -> bool:
        """Whether some parameter has a value for each sample."""
        return any(value.ndim for value in self._parameters.values())

    def select(self, rows: Tensor) -> "FiniteDifferenceSystem":
        """The same system for some of the samples."""
        if not self.per_sample:
            return self
        selected = copy.copy(self)
        selected._parameters = {s: value[rows] if value.ndim else value for s, value in self._parameters.items()}
        selected._linear = [[(jet, c[rows] if c.ndim else c) for jet, c in terms] for terms in self._linear]
        return selected

    def _as_rows(self, value: float | Tensor) -> Tensor:
        tensor = torch.as_tensor(value, dtype=torch.float64, device=self.device)
        return tensor.reshape(-1, *(1,) * self.grid.dims) if tensor.ndim else tensor

    def impose(self, u: Tensor, t: Tensor) -> Tensor:
        """u with the values given at the boundary at time t, `()` or `(rows,)`, written into it."""
        for (field, axis, right), given in self._given.items():
            edge = u[:, field].select(axis - self.grid.dims, -1 if right else 0)
            edge.copy_(given.at(t)[0].expand_as(edge))
        return u

    def _held(self, change: Tensor) -> Tensor:
        """A derivative with respect to time, 0 where values are given."""
        for field, axis, right in self._given:
            change[:, field].select(axis - self.grid.dims, -1 if right else 0).zero_()
        return change

    def jets(self, jets: tuple[Jet, ...], u: Tensor, t: Tensor) -> list[Tensor]:
        """The values of jets at the nodes, `(rows, *points)` each; derivatives along the first axes are shared."""
        known: dict[tuple[int, tuple[int, ...]], Tensor] = {}
        result = []
        for jet in jets:
            value, done = u[:, jet.field], (0,) * self.grid.dims
            for axis, k in enumerate(jet.orders):
                if not k:
                    continue
                before, done = done, (*done[:axis], k, *done[axis + 1 :])
                if (axis, jet.field, k) not in self._differences:
                    self._differences[axis, jet.field, k] = self._difference(axis, jet.field, k)
                if (jet.field, done) not in known:
                    # Data along the boundary are constant where other derivatives were taken: theirs are zero.
                    data = (None, None) if any(before) else self._data(jet.field, axis, t)
                    known[jet.field, done] = self._differences[axis, jet.field, k](value, data)
                value = known[jet.field, done]
            result.append(value)
        return result

    def _data(self, field: int, axis: int, t: Tensor) -> tuple[Tensor | None, Tensor | None]:
        left, right = (self._derivatives.get((field, axis, end)) for end in (False, True))
        return left.at(t) if left else None, right.at(t) if right else None

    def _evaluate(self, part: _Part, u: Tensor, t: Tensor) -> Tensor:
        time = t.reshape(-1, *(1,) * self.grid.dims) if t.ndim else t
        values = part.function(*self.jets(part.jets, u, t), *self._coordinates, time, *self._parameters.values())
        result = torch.empty_like(u)
        for field, value in enumerate(values):
            result[:, field] = value
        return self._held(result)

    def rhs(self, u: Tensor, t: Tensor) -> Tensor:
        """u' of a state that fulfils the conditions at time t, `()` or `(rows,)`."""
        return self._evaluate(self._parts.whole, u, t)

    def remainder(self, u: Tensor, t: Tensor) -> Tensor:
        """N(u, t): everything but the constant-coefficient linear part."""
        return self._evaluate(self._parts.remainder, u, t)

    def linear(self, u: Tensor, t: Tensor) -> Tensor:
        """A u + b(t)."""
        result = torch.zeros_like(u)
        wanted = tuple(dict.fromkeys(jet for terms in self._linear for jet, _ in terms))
        values = dict(zip(wanted, self.jets(wanted, u, t), strict=True))
        for field, terms in enumerate(self._linear):
            for jet, coefficient in terms:
                result[:, field].addcmul_(values[jet], coefficient)
        return self._held(result)

    def forcing(self, like: Tensor, t: Tensor) -> Tensor:
        """b(t), what the derivatives given at the boundary add to A u."""
        return self.linear(torch.zeros_like(like), t) if self._derivatives else torch.zeros_like(like)

    def _value(self, coefficient: sympy.Expr) -> Tensor:
        (value,) = torch_function(list(self._parameters), [coefficient])(*self._parameters.values())
        return torch.as_tensor(value, dtype=torch.float64, device=self.device)

    def matrices(self) -> list[sparse.csr_matrix]:
        """A over (field, *points) flattened: one matrix, or one for each sample; zero rows where values are given."""
        size = int(np.prod(self.grid.points))
        terms: list[tuple[Tensor, sparse.csr_matrix]] = []
        fields = len(self.equation.fields)
        for a, row in enumerate(self._linear):
            for jet, coefficient in row:
                place = sparse.csr_matrix(([1.0], ([a], [jet.field])), shape=(fields, fields))
                block = sparse.csr_matrix(np.ones((1, 1)))
                for axis, k in enumerate(jet.orders):
                    n = self.grid.points[axis]
                    along = self._differences[axis, jet.field, k].matrix() if k else sparse.identity(n, format="csr")
                    block = sparse.kron(block, along, format="csr")
                terms.append((coefficient.flatten().cpu(), sparse.kron(place, block, format="csr")))
        free = self._held(torch.ones(1, fields, *self.grid.points, dtype=torch.float64, device=self.device))
        keep = sparse.diags(free.flatten().cpu().numpy())
        count = max((len(value) for value, _ in terms), default=1)
        zero = sparse.csr_matrix((fields * size, fields * size))
        return [
            keep @ sum((float(value[i if len(value) > 1 else 0]) * block for value, block in terms), zero)
            for i in range(count)
        ]


@lru_cache(maxsize=256)
def _parts(declaration: Declaration, dims: int) -> _Parts:
    space = declaration.space(dims)
    parameters = parameter_symbols(declaration.parameters).values()

    def part(expressions: tuple[sympy.Expr, ...]) -> _Part:
        jets = space.jets_in(expressions)
        arguments = [*map(space.symbol, jets), *space.coordinates, TIME, *parameters]
        return _Part(jets, torch_function(arguments, expressions))

    halves = split(declaration, dims)
    return _Parts(part(right_hand_sides(declaration, dims)), part(halves.remainder), halves.linear)
