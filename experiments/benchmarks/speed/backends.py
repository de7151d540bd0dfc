"""The two ways in which pdesym advances trajectories on a CPU, and the compiled one's transforms."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from pdesym.solvers import Equation, Grid
from pdesym.solvers.steppers import KROGSTAD
from pdesym.solvers.system import SpectralSystem

EVALUATIONS = 4
"""Of ETDRK4, in one dimension each with one transform to the points and one back."""


@contextmanager
def torch_alone() -> Iterator[None]:
    """The kernel supports nothing, so that torch does everything."""
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


def plane_transforms(equation: Equation, grid: Grid, batch: int, steps: int) -> Callable[[], object]:
    """The raw transforms of so many steps of a batch by the plane kernel's own functions, products padded."""
    from numba import njit

    from pdesym.solvers.kernel.assembly import method_of
    from pdesym.solvers.kernel.fourier import analyse, complex_transform, project, synthesise
    from pdesym.solvers.kernel.lengths import LANES
    from pdesym.solvers.kernel.plane_assembly import PlaneArrays, plane_program_of
    from pdesym.solvers.kernel.vectors import transpose

    @njit(error_model="numpy", boundscheck=False)  # type: ignore[untyped-decorator]
    def many(z: Any, points: int, jets: int, products: int, plane: Any, number: int) -> None:
        size = 2 * plane.height
        for _ in range(number):
            for jet in range(jets):
                for block in range(plane.blocks):
                    complex_transform(z, plane.half + (jet * plane.blocks + block) * size, np.int64(1), plane.along)
            for first in range(0, plane.height, LANES):
                for jet in range(jets):
                    for block in range(plane.blocks):
                        source = plane.half + (jet * plane.blocks + block) * size + 2 * first
                        transpose(z, source, 2, plane.line + 2 * LANES * block, 2)
                        transpose(z, source + 1, 2, plane.line + 2 * LANES * block + 1, 2)
                    synthesise(z, points, plane.line, plane.columns, plane.ones, 0, plane.across)
                for product in range(products):
                    analyse(z, points, plane.across)
                    project(z, points, plane.line, plane.columns, plane.weight, 0, False, plane.across)
                    for block in range(plane.blocks):
                        source = plane.line + 2 * LANES * block
                        target = plane.half + ((jets + product) * plane.blocks + block) * size + 2 * first
                        transpose(z, source, 2, target, 2)
                        transpose(z, source + 1, 2, target + 1, 2)
            for product in range(products):
                for block in range(plane.blocks):
                    at = plane.half + ((jets + product) * plane.blocks + block) * size
                    complex_transform(z, at, np.int64(0), plane.along)

    system = SpectralSystem(equation, grid, padded=True)
    program = plane_program_of(system)
    assert program is not None, "an equation of the benchmark"
    method, distinct = method_of(KROGSTAD, len(equation.fields), system.diagonal)
    arrays = PlaneArrays(program, system, method, len(distinct))
    sizes = len(program.jets), len(program.products)
    number = EVALUATIONS * steps * batch
    return lambda: many(arrays.memory, arrays.layout.points, *sizes, arrays.plane, number)
