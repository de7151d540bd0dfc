"""Solving (1 − γh A) x = y for a batch, factorised once a step size."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor

# Factorisations that are kept.
_MOST = 64
# A dense factor of so many unknowns takes 2 GB.
_LARGEST_DENSE = 16384

Solver = Callable[[Tensor], Tensor]


class Factorised:
    """x ↦ (1 − s A)⁻¹ x with A the same for all rows or one for each, by sparse LU on a CPU, dense LU on a GPU.

    Args:
        matrices: A, one or one a row.
        device: where the right-hand sides live.

    Raises:
        ValueError: for a system too large for a dense factorisation on a GPU.
    """

    def __init__(self, matrices: list[sparse.csr_matrix], device: torch.device):
        size = matrices[0].shape[0]
        if device.type != "cpu" and size > _LARGEST_DENSE:
            raise ValueError(
                f"An implicit step on a GPU factorises a dense matrix of at most {_LARGEST_DENSE} unknowns, "
                f'not {size}: take a coarser grid, method="dopri5", or a CPU.'
            )
        self._matrices, self._device, self._one = matrices, device, sparse.identity(size, format="csc")
        self._solvers: OrderedDict[tuple[int, float], Solver] = OrderedDict()

    def __call__(self, y: Tensor, scales: list[float], rows: list[int]) -> Tensor:
        """x for y of shape `(rows, …)`, s of each row in `scales`, the index of its matrix in `rows`."""
        groups: dict[tuple[int, float], list[int]] = {}
        for place, (scale, row) in enumerate(zip(scales, rows, strict=True)):
            groups.setdefault((row if len(self._matrices) > 1 else 0, scale), []).append(place)
        if len(groups) == 1:
            return self._solver(*next(iter(groups)))(y.flatten(1)).reshape(y.shape)
        x = torch.empty_like(y)
        for (row, scale), places in groups.items():
            part = y[places]
            x[places] = self._solver(row, scale)(part.flatten(1)).reshape(part.shape)
        return x

    def _solver(self, row: int, scale: float) -> Solver:
        key = row, scale
        if key in self._solvers:
            self._solvers.move_to_end(key)
            return self._solvers[key]
        matrix = (self._one - scale * self._matrices[row]).tocsc()
        if self._device.type == "cpu":
            factor = splu(matrix)

            def solver(y: Tensor) -> Tensor:
                return torch.from_numpy(factor.solve(y.numpy().T)).T.contiguous()
        else:
            dense = torch.from_numpy(matrix.toarray()).to(self._device)
            lu, pivots = torch.linalg.lu_factor(dense)

            def solver(y: Tensor) -> Tensor:
                solved: Tensor = torch.linalg.lu_solve(lu, pivots, y.T).T
                return solved

        self._solvers[key] = solver
        if len(self._solvers) > _MOST:
            self._solvers.popitem(last=False)
        return solver
