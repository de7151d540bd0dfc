"""The samples of a batch on one plane grid, one after the other through `plane_step`."""

import math
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pdesym.solvers.control import Control, Past, Segment
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import Integration, Rows
from pdesym.solvers.kernel import plane_step
from pdesym.solvers.kernel.assembly import method_of
from pdesym.solvers.kernel.memory import Numbers
from pdesym.solvers.kernel.plane_assembly import PlaneArrays, plane_program_of
from pdesym.solvers.sampling import sampled
from pdesym.solvers.singularities import Singularities
from pdesym.solvers.steppers import Stepper
from pdesym.solvers.system import SpectralSystem

# Tables of coefficients that are kept, in bytes.
_MOST_TABLES = 2**27
_TINY = torch.finfo(torch.float64).tiny


class PlaneKernel:
    """Moves rows on one grid to the end, or until their spectrum outgrows the grid: what `Advance` does, compiled."""

    def __init__(
        self,
        system: SpectralSystem,
        output_grid: Grid,
        segments: tuple[Segment, ...],
        control: Control,
        stepper: Stepper,
        stage: int,
        is_last: bool,
        samples: Rows,
        out: Integration,
    ):
        self.system, self.output_grid, self.segments = system, output_grid, segments
        self.control, self.stepper, self.out = control, stepper, out
        self.stage, self.is_last, self.samples = stage, is_last, samples
        self.outgrown = Rows()
        self.singularities = Singularities(segments, samples.singular, is_last, control.remedy)
        self.tables: OrderedDict[tuple[float, int], Tensor] = OrderedDict()
        out.points[samples.ids] = system.grid.points[0]
        program = plane_program_of(system)
        assert program is not None, "see `supports`"
        self.method, self.distinct = method_of(stepper, len(system.equation.fields), system.diagonal)
        copies = 1 + (samples.w[0].shape[0] if samples.w else 0)
        self.arrays = PlaneArrays(program, system, self.method, len(self.distinct), copies)
        self.in_use: tuple[float, int] | None = None

    def run(self) -> Rows:
        """Returns the rows that need a finer grid."""
        for place, row in enumerate(self.samples.ids):
            if place == 0 or self.system.per_sample:
                self.arrays.put_equation(self.system, row)
            self._run(place, row)
        return self.outgrown

    def _run(self, place: int, row: int) -> None:
        arrays, out, control = self.arrays, self.out, self.control
        segment, m = self.samples.segment[place], self.samples.substeps[place]
        state = self.samples.v[place].unsqueeze(0)
        if self.samples.w:
            state = torch.cat([state, self.samples.w[place]])
        arrays.put_state(self._current, state)
        before = arrays.kept(self._current)
        recorded: list[Numbers] = []
        outputs: list[int] = []
        anew = True
        while segment < len(self.segments):
            length = self.segments[segment].length
            self._use_table(length / m, row)
            square, finite, total, tail = plane_step.advance(
                arrays.memory,
                m,
                anew,
                control.estimates,
                arrays.places,
                arrays.flux,
                arrays.layout,
                arrays.method,
                arrays.plane,
            )
            out.steps[row] += m
            norm = math.sqrt(total)
            error = 0.0 if math.isfinite(norm) else math.inf
            if control.estimates:
                error = math.sqrt(square) / max(norm, _TINY)
            retry = control.retry(row, m, error)
            if retry is None or (not math.isfinite(error) and self.singularities.repeats(row, segment, m, finite)):
                self.outgrown.singular[row], m = self.singularities.leaves(row, segment, m)
                self._hand_on(row, before, segment, m)
                break
            if retry != m:
                m, anew = retry, True
                arrays.put_back(self._current, before)
                continue
            share = math.sqrt(tail) / max(norm, 1e-300)
            if share > control.tail and not self.is_last:
                self._hand_on(row, before, segment, m)
                break
            out.tail[row] = max(out.tail[row].item(), share)
            out.taken[row].append(m)
            out.stages[row].append(self.stage)
            before, anew = arrays.kept(self._current), False
            output = self.segments[segment].output
            if output is not None:
                recorded.append(before)
                outputs.append(output)
            past = Past(m, error, length)
            segment += 1
            if segment < len(self.segments):
                m = control.substeps(row, segment, self.segments[segment], past)
        if outputs:
            self._record(row, outputs, recorded)

    @property
    def _current(self) -> int:
        """Where the state is now."""
        return int(self.arrays.places[self.method.stages + 1])

    def _use_table(self, h: float, row: int) -> None:
        """Have the coefficients of steps of h ready."""
        symbol, own = self.system.symbol, -1
        if symbol.shape[0] > 1:
            symbol, own = symbol[row : row + 1], row
        # Equal steps of segments of different lengths differ by rounding.
        key = (float(f"{h:.13g}"), own)
        if key == self.in_use:
            return
        if key in self.tables:
            self.tables.move_to_end(key)
        else:
            self.tables[key] = made = self._table(symbol, h)
            while len(self.tables) > max(1, _MOST_TABLES // (made.numel() * made.element_size())):
                self.tables.popitem(last=False)
        self.arrays.put_table(self.tables[key])
        self.in_use = key

    def _table(self, symbol: Tensor, h: float) -> Tensor:
        """`(table blocks, rows, columns)`, made once for all modes with the same symbol."""
        columns, distinct = self.arrays.columns, list(self.distinct)
        if self.system.diagonal:
            different, where = np.unique(symbol[0, ..., :columns].numpy(), return_inverse=True)
            made = self.stepper.coefficients(torch.from_numpy(different), h, True)[distinct]
            values = made[:, torch.from_numpy(where.reshape(-1, self.arrays.rows, columns))]
        else:
            made = self.stepper.coefficients(symbol[:, :, :columns], h, False)[distinct, 0]
            values = made.permute(0, 3, 4, 1, 2)
        flat = values.reshape(-1, *values.shape[-2:])
        return flat.real.contiguous() if self.arrays.layout.real else flat

    def _hand_on(self, row: int, state: Numbers, segment: int, substeps: int) -> None:
        self.outgrown.ids.append(row)
        spectra = self.arrays.spectra([state])[0]
        self.outgrown.v.append(spectra[0])
        if self.arrays.layout.copies > 1:
            self.outgrown.w.append(spectra[1:])
        self.outgrown.segment.append(segment)
        self.outgrown.substeps.append(substeps)

    def _record(self, row: int, outputs: Sequence[int], states: Sequence[Numbers]) -> None:
        spectra = self.arrays.spectra(states)
        values = sampled(spectra, self.system.grid.points, self.output_grid.points)
        self.out.u[row, outputs] = values[:, 0]
        if self.out.w is not None:
            self.out.w[row][:, outputs] = values[:, 1:].transpose(0, 1)
