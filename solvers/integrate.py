"""Integration over all grids: a batch of samples, each with its own steps, its own grid, and its tangents."""

from collections.abc import Callable

import torch
from torch import Tensor

from pdesym.solvers import kernel
from pdesym.solvers.advance import Advance
from pdesym.solvers.aliased import without_aliased
from pdesym.solvers.control import Control, Segment, plan
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import BlowUpError, Integration, Rows
from pdesym.solvers.spectral import nyquist_mask
from pdesym.solvers.spectrum import interpolated, resize, row_norm
from pdesym.solvers.steppers import KROGSTAD, Stepper
from pdesym.solvers.system import SpectralSystem

_TINY = torch.finfo(torch.float64).tiny


@torch.no_grad()
def integrate(
    equation: Equation,
    u0: Tensor,
    grid: Grid,
    start: float,
    times: tuple[float, ...],
    control: Control,
    stepper: Stepper = KROGSTAD,
    tangents: Tensor | None = None,
    stretch: Tensor | None = None,
    precision: str = "double",
) -> Integration:
    """Solve for every sample of a batch.

    Args:
        equation: what to solve.
        u0: `(batch, fields, *space)` at time `start`.
        grid: where u0 lives and where results are wanted.
        start: initial time.
        times: increasing output times, none before `start`.
        control: fixed or adaptive steps.
        stepper: the method.
        tangents: `(batch, tangents, fields, *space)`, carried along by the derivative of every step.
        stretch: `(batch, dims)`, by how much the box of each sample is longer than that of the grid.
        precision: of the nonlinear part, see `SpectralSystem`.

    Raises:
        BlowUpError: when a sample ceases to be finite.
    """
    batch, device = u0.shape[0], u0.device
    out = Integration(
        u=torch.zeros(batch, len(times), *u0.shape[1:], dtype=torch.float64, device=device),
        w=None
        if tangents is None
        else torch.zeros(*tangents.shape[:2], len(times), *u0.shape[1:], dtype=torch.float64, device=device),
        steps=torch.zeros(batch, dtype=torch.int64),
        points=torch.full((batch,), grid.points[0], dtype=torch.int64),
        tail=torch.zeros(batch, dtype=torch.float64),
        aliased=torch.zeros(batch, dtype=torch.float64),
        taken=tuple([] for _ in range(batch)),
        stages=tuple([] for _ in range(batch)),
    )
    if times[0] == start:
        out.u[:, 0] = u0
        if out.w is not None and tangents is not None:
            out.w[:, :, 0] = tangents
    segments = plan(start, times, control)
    stages = control.stages(grid)
    waiting, sharp = Rows(), Rows()
    if segments:
        first = SpectralSystem(equation, grid, device=device, stretch=stretch)
        _refuse_undefined(first, u0, start)
        finer = stages[1].grid if len(stages) > 1 else grid
        waiting, sharp = _enter(first, u0, tangents, control, segments[0], finer)
    previous = grid
    for index, stage in enumerate(stages):
        waiting.v = [resize(v, previous.points, stage.grid.points) for v in waiting.v]
        waiting.w = [resize(w, previous.points, stage.grid.points) for w in waiting.w]
        previous = stage.grid
        if index == 1:
            waiting.join(sharp)
        if waiting.ids:
            system = SpectralSystem(equation, stage.grid, stage.padded, device, stretch=stretch)
            is_last = index == len(stages) - 1
            rows, outgrown = without_aliased(system, segments, control, waiting, is_last, out)
            if not rows.ids:
                moved = rows
            elif kernel.supports(system):
                # Compiled, float64 is faster than float32 is in torch.
                moved = kernel.advance(system, grid, segments, control, stepper, index, is_last, rows, out)
            else:
                if precision != "double":
                    system = SpectralSystem(
                        equation, stage.grid, stage.padded, device, stretch=stretch, precision=precision
                    )
                moved = Advance(system, grid, segments, control, stepper, index, is_last, rows, out).run()
            outgrown.join(moved)
            waiting = outgrown
    return out


def _enter(
    system: SpectralSystem, u0: Tensor, tangents: Tensor | None, control: Control, segment: Segment, finer: Grid
) -> tuple[Rows, Rows]:
    """The samples that start on the grid of u0, and those whose Nyquist modes need the next one."""
    mine, theirs = system.grid.points, finer.points
    are_sharp = sharp_rows(u0, system.grid, finer, control.tail)

    def rows(wanted: bool, spectrum: Callable[[Tensor], Tensor]) -> Rows:
        ids = [row for row in range(len(u0)) if are_sharp[row] is wanted]
        return Rows(
            ids=ids,
            v=list(spectrum(u0[ids])) if ids else [],
            w=list(spectrum(tangents[ids])) if ids and tangents is not None else [],
            segment=[0] * len(ids),
            substeps=[control.substeps(row, 0, segment, None) for row in ids],
        )

    return rows(False, system.to_spectrum), rows(True, lambda f: interpolated(transform(f, len(mine)), mine, theirs))


def sharp_rows(u0: Tensor, grid: Grid, finer: Grid, tail: float) -> list[bool]:
    """Whether the Nyquist modes of each initial condition hold so much that the finer grid is needed from the start."""
    if grid.points == finer.points:
        return [False] * len(u0)
    whole = transform(u0, grid.dims)
    share = row_norm(whole * (1 - nyquist_mask(grid, u0.device))) / row_norm(whole).clamp_min(_TINY)
    return [bool(each) for each in (share > tail).tolist()]


def transform(fields: Tensor, dims: int) -> Tensor:
    """Spectra with the Nyquist modes."""
    spectrum: Tensor = torch.fft.rfftn(fields, dim=tuple(range(-dims, 0)), norm="forward")
    return spectrum


def _refuse_undefined(system: SpectralSystem, u0: Tensor, start: float) -> None:
    """Raises BlowUpError when the right-hand side, such as log(u), has no value at an initial condition."""
    n = system.nonlinear(system.to_spectrum(u0), torch.tensor(start, dtype=torch.float64, device=u0.device))
    undefined = (~torch.isfinite(row_norm(n))).nonzero().flatten().tolist()
    if undefined:
        raise BlowUpError(undefined[0], start, "its right-hand side is not finite there, change the initial condition")
