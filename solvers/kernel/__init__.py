"""The row kernel: trajectories of one-dimensional equations, advanced by one compiled loop that stays in cache.

Eight trajectories run side by side, one in each lane of the vector registers, each with its own steps, its own place in
time and its own coefficients; when one is done the next takes its lane. Everything that distinguishes equations,
methods and grids is data, so that a new equation costs no compilation: the machine code is made once and kept on disk.

Numba is imported with the first trajectory, not before.
"""

from pdesym.solvers.control import Control, Segment
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import Integration, Rows
from pdesym.solvers.kernel.assembly import program_of
from pdesym.solvers.steppers import Stepper
from pdesym.solvers.system import SpectralSystem


def supports(system: SpectralSystem) -> bool:
    """Whether the row kernel has this: one dimension on a CPU, an even number of points with factors 2, 3 and 5.

    Products must be polynomials in the jets of evolving fields, with coefficients of parameters and x, and nothing may
    depend on t. Any `Stepper` will do.
    """
    return program_of(system) is not None


def advance(
    system: SpectralSystem,
    output_grid: Grid,
    segments: tuple[Segment, ...],
    control: Control,
    stepper: Stepper,
    stage: int,
    is_last: bool,
    rows: Rows,
    out: Integration,
) -> Rows:
    """Move rows on one grid to the end, as `Advance(…).run()` does; returns those that need a finer grid.

    Raises:
        BlowUpError: when a sample ceases to be finite.
    """
    from pdesym.solvers.kernel.rows import RowKernel

    return RowKernel(system, output_grid, segments, control, stepper, stage, is_last, rows, out).run()


__all__ = ["advance", "supports"]
