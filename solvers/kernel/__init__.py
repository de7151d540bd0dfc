"""The kernels: trajectories of polynomial equations on lines and planes, advanced by compiled loops that stay in cache.

On a line eight trajectories run side by side, one in each lane of the vector registers, each with its own steps, its
own place in time and its own coefficients; when one is done the next takes its lane. On a plane one trajectory runs
after the other, and the lanes hold eight columns of its spectrum, or eight lines of its points. Everything that
distinguishes equations, methods and grids is data, so that a new equation costs no compilation: the machine code is
made once and kept on disk.

Numba is imported with the first trajectory, not before.
"""

from pdesym.solvers.control import Control, Segment
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import Integration, Rows
from pdesym.solvers.kernel.assembly import program_of
from pdesym.solvers.kernel.plane_assembly import plane_program_of
from pdesym.solvers.steppers import Stepper
from pdesym.solvers.system import SpectralSystem


def supports(system: SpectralSystem) -> bool:
    """Whether the kernel has this: on a CPU, numbers of points with factors 2, 3 and 5, an even one on the last axis.

    Products must be polynomials in the jets, with coefficients of parameters and, in one dimension, of x; nothing may
    depend on t. In one dimension jets are those of evolving fields; on a plane auxiliary fields may be any whose
    Fourier symbols are real or imaginary. Any `Stepper` will do.
    """
    return (plane_program_of(system) if system.grid.dims == 2 else program_of(system)) is not None


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
    if system.grid.dims == 2:
        from pdesym.solvers.kernel.planes import PlaneKernel

        return PlaneKernel(system, output_grid, segments, control, stepper, stage, is_last, rows, out).run()
    from pdesym.solvers.kernel.rows import RowKernel

    return RowKernel(system, output_grid, segments, control, stepper, stage, is_last, rows, out).run()


__all__ = ["advance", "supports"]
