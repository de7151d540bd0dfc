"""Difference operators along the axes of a grid, on tensors and as sparse matrices."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from pdesym.solvers.finite_differences.conditions import End
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.stencils import Closure, central, closure, half_width
from pdesym.solvers.grid import AXES


@dataclass(frozen=True)
class Boundary:
    """One end of an operator, in the grid's units.

    Attributes:
        nodes: `(rows, width)`, rows and columns counted from the end.
        data: `(rows, conditions)`: factors of the values of the conditions of order 1 and more.
    """

    nodes: Tensor
    data: Tensor


class Difference:
    """∂ᵏ along one axis for one field: a central difference with closed ends, or a periodic one.

    Args:
        grid: where.
        axis: index of the axis.
        derivative: k ≥ 1.
        ends: the conditions at (left, right); None for a periodic axis.
        symmetric: as in `closure`.
        device: where the tensors live.

    Raises:
        ValueError: when the axis has too few points for the formula.
    """

    def __init__(
        self,
        grid: FiniteDifferenceGrid,
        axis: int,
        derivative: int,
        ends: tuple[End, End] | None,
        symmetric: bool = False,
        device: torch.device | None = None,
    ):
        self.axis, self.points, self.derivative = axis - grid.dims, grid.points[axis], derivative
        h = grid.spacing[axis]
        self.weights = tuple(w / h**derivative for w in central(derivative, grid.order))
        self.reach = half_width(derivative, grid.order)
        self.ends: tuple[Boundary, Boundary] | None = None
        least = 2 * self.reach + 1
        if ends is not None:
            left, right = (closure(derivative, grid.order, end.orders, symmetric) for end in ends)
            self.ends = (
                _boundary(left, ends[0], h, derivative, 1, device),
                _boundary(right, ends[1], h, derivative, (-1) ** derivative, device),
            )
            least = max(*(len(c.nodes) * 2 for c in (left, right)), *(c.nodes.shape[1] for c in (left, right)), least)
        if self.points < least:
            raise ValueError(
                f"A derivative of order {derivative} to accuracy {grid.order} needs at least {least} points along "
                f"{AXES[axis]} with these boundaries, got {self.points}: take more points or a lower order."
            )

    def __call__(self, u: Tensor, data: tuple[Tensor | None, Tensor | None] = (None, None)) -> Tensor:
        """The derivative of `(…, *space)`; `data` are the values of the conditions at (left, right).

        Each `(conditions, …)` of them broadcasts against u without its axis; None stands for zero.
        """
        axis = self.axis
        if self.ends is None:
            wide = torch.cat(
                [u.narrow(axis, self.points - self.reach, self.reach), u, u.narrow(axis, 0, self.reach)], axis
            )
            return self._interior(wide, 0, self.points)
        left, right = self.ends
        rows = len(left.nodes), len(right.nodes)
        inside = self.points - sum(rows)
        result = torch.empty_like(u)
        if inside:
            result.narrow(axis, rows[0], inside).copy_(self._interior(u, rows[0] - self.reach, inside))
        for end, count, datum, flipped in zip(self.ends, rows, data, (False, True), strict=True):
            width = end.nodes.shape[1]
            near = u.narrow(axis, self.points - width if flipped else 0, width).movedim(axis, -1)
            values = near @ (end.nodes.flip(0, 1) if flipped else end.nodes).T
            if datum is not None and end.data.shape[1]:
                part = torch.tensordot(datum, end.data.flip(0) if flipped else end.data, dims=([0], [1]))
                values = values + part
            result.narrow(axis, self.points - count if flipped else 0, count).copy_(values.movedim(-1, axis))
        return result

    def _interior(self, u: Tensor, first: int, count: int) -> Tensor:
        """The central difference at `count` places, the leftmost neighbour of the first at index `first`."""
        reach, weights, axis = self.reach, self.weights, self.axis
        sign = 1 - 2 * (self.derivative % 2)
        result: Tensor | None = None
        for j in range(1, reach + 1):
            right, left = (u.narrow(axis, first + reach + k, count) for k in (j, -j))
            pair = torch.add(right, left, alpha=sign)
            result = pair.mul_(weights[reach + j]) if result is None else result.add_(pair, alpha=weights[reach + j])
        assert result is not None, "a difference has neighbours"
        if sign > 0:
            result.add_(u.narrow(axis, first + reach, count), alpha=weights[reach])
        return result

    def matrix(self) -> sparse.csr_matrix:
        """The operator along its own axis as `(points, points)`, data left out."""
        n, reach = self.points, self.reach
        if self.ends is None:
            entries = np.arange(n)
            rows = np.repeat(entries, 2 * reach + 1)
            columns = (entries[:, None] + np.arange(-reach, reach + 1)).ravel() % n
            return sparse.csr_matrix((np.tile(self.weights, n), (rows, columns)), shape=(n, n))
        matrix = sparse.diags(self.weights, range(-reach, reach + 1), shape=(n, n)).tolil()
        left, right = self.ends
        matrix[: len(left.nodes)] = 0
        matrix[: len(left.nodes), : left.nodes.shape[1]] = left.nodes.cpu().numpy()
        matrix[n - len(right.nodes) :] = 0
        matrix[n - len(right.nodes) :, n - right.nodes.shape[1] :] = right.nodes.flip(0, 1).cpu().numpy()
        return matrix.tocsr()


def _boundary(
    formula: Closure, end: End, h: float, derivative: int, sign: int, device: torch.device | None
) -> Boundary:
    """Units of length, the outward normal instead of the inward s, Robin's −ratio · u with the end node."""
    conditions = [condition for condition in end.conditions if condition.order]
    scale = torch.tensor([(-h) ** condition.order for condition in conditions], dtype=torch.float64)
    nodes, data = formula.nodes.clone(), formula.data * scale
    for column, condition in enumerate(conditions):
        nodes[:, 0] -= condition.ratio * data[:, column]
    factor = sign / h**derivative
    return Boundary((nodes * factor).to(device), (data * factor).to(device))
