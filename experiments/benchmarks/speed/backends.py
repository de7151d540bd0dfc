"""The two ways in which pdesym advances one-dimensional trajectories on a CPU, and the compiled one's transforms."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

EVALUATIONS = 4
"""Of ETDRK4, each with one transform to the points and one back."""


@contextmanager
def torch_alone() -> Iterator[None]:
    """The row kernel supports nothing, so that torch does everything."""
    with patch("pdesym.solvers.kernel.supports", return_value=False):
        yield


def kernel_transforms(points: int, batch: int, steps: int) -> Callable[[], object]:
    """The raw transforms of so many steps of a batch by the row kernel's own functions."""
    from numba import njit

    from pdesym.solvers.kernel.assembly import aligned, kept_modes
    from pdesym.solvers.kernel.fourier import analyse, project, synthesise
    from pdesym.solvers.kernel.lengths import LANES, transform

    @njit(error_model="numpy", boundscheck=False)  # type: ignore[untyped-decorator]
    def many(z: Any, kept: int, forth: Any, back: Any, tables: Any, number: int) -> None:
        for _ in range(number):
            synthesise(z, 0, 2 * tables.half, kept, forth, 0, tables)
            analyse(z, 0, tables)
            project(z, 0, 2 * tables.half, kept, back, 0, False, tables)

    kept = kept_modes(points)
    memory = aligned(points + 2 * kept)
    memory.reshape(-1, LANES)[:] = np.random.default_rng(0).normal(size=(len(memory) // LANES, LANES))
    # There and back is the identity: nothing grows and nothing becomes denormal, which would be slow.
    forth, back = np.ones((kept, 2)), np.full((kept, 2), 0.5 / points)
    number = EVALUATIONS * steps * -(-batch // LANES)
    tables = transform(points)
    return lambda: many(memory, np.int64(kept), forth, back, tables, number)
