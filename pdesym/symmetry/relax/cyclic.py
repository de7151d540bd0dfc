"""Shifts and reflections of the entries of vectors."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.relax.finite_action import FiniteAction


class CyclicShifts(FiniteAction):
    """C_n on R^n, the last axis: (g_j x)_i = x_{i−j mod n}; translations of a periodic grid by whole cells.

    Args:
        n: entries.

    Raises:
        ValueError: for no entry; from a call, for vectors of another size.
    """

    def __init__(self, n: int):
        if n < 1:
            raise ValueError(f"Expected at least one entry to shift, got {n}.")
        steps = torch.arange(n)
        super().__init__((steps[:, None] + steps) % n)
        self.n = n

    def __repr__(self) -> str:
        """With n."""
        return f"{type(self).__qualname__}({self.n})"

    def image(self, index: int, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """x shifted by `index` entries."""
        require_entries(x, self.n)
        return x.roll(index, -1)


class Dihedral(FiniteAction):
    """D_n on R^n, the last axis: r^j at the index j and r^j m at n + j, (r x)_i = x_{i−1}, (m x)_i = x_{−i mod n}.

    Args:
        n: entries, 3 at least: with fewer the reflection is a shift.

    Raises:
        ValueError: for fewer entries; from a call, for vectors of another size.
    """

    def __init__(self, n: int):
        if n < 3:
            raise ValueError(f"Expected at least three entries, got {n}: on fewer take CyclicShifts({n}).")
        j = torch.arange(2 * n) % n
        mirrored = (torch.arange(2 * n) >= n).long()
        # r^a m^p r^b m^q = r^(a ± b) m^(p + q), − where p is 1.
        turn = (j[:, None] + (1 - 2 * mirrored[:, None]) * j) % n
        super().__init__(turn + n * ((mirrored[:, None] + mirrored) % 2))
        self.n = n

    def __repr__(self) -> str:
        """With n."""
        return f"{type(self).__qualname__}({self.n})"

    def image(self, index: int, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """x mirrored, where the index says so, and then shifted."""
        require_entries(x, self.n)
        return (x.flip(-1).roll(1, -1) if index >= self.n else x).roll(index % self.n, -1)


def require_entries(x: Float[Tensor, "batch ..."], n: int) -> None:
    """One sentence when the last axis has another size."""
    if x.ndim < 2 or x.shape[-1] != n:
        raise ValueError(f"Expected a batch of vectors of {n} entries, the last axis, got shape {tuple(x.shape)}.")
