"""The rows of a batch on one grid through the row kernel."""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pdesym.solvers.control import Adaptive, Control, Segment
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import Integration
from pdesym.solvers.integration import Rows as Samples
from pdesym.solvers.kernel import lanes
from pdesym.solvers.kernel.assembly import (
    aligned,
    coefficients_of,
    flux_of,
    layout_of,
    method_of,
    numbers_of,
    product_length,
    program_of,
    table_values,
)
from pdesym.solvers.kernel.lengths import LANES, transform
from pdesym.solvers.kernel.memory import Integers, Numbers
from pdesym.solvers.sampling import sampled
from pdesym.solvers.singularities import Singularities
from pdesym.solvers.spectrum import row_norm
from pdesym.solvers.steppers import Stepper
from pdesym.solvers.system import SpectralSystem

# What is kept of tables and of results that are not yet in physical space, in bytes.
_MOST_TABLES = 2**28
_MOST_RESULTS = 2**25
# So many values go into physical space together: they stay in cache.
_SAMPLED_AT_ONCE = 2**16


class RowKernel:
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
        samples: Samples,
        out: Integration,
    ):
        self.system, self.output_grid, self.segments = system, output_grid, segments
        self.control, self.stepper, self.out = control, stepper, out
        self.stage, self.is_last = stage, is_last
        out.points[samples.ids] = system.grid.points[0]
        self.outgrown = Samples()
        self.samples = samples.chosen(self._longest_first(samples))
        self.ids = self.samples.ids
        self.singularities = Singularities(segments, samples.singular, is_last, control.remedy)
        program = program_of(system)
        assert program is not None, "see `supports`"
        copies = 1 + (samples.w[0].shape[0] if samples.w else 0)
        self.method, self.distinct = method_of(stepper, len(system.equation.fields), system.diagonal)
        self.layout, self.places, vectors = layout_of(program, self.method, len(self.distinct), system, copies)
        self.flux = flux_of(program, system)
        self.memory = aligned(vectors)
        self.transform = transform(product_length(system))
        self.rules = self._rules()
        self.rows = self._rows(numbers_of(program, system, self.ids))
        self.tables: list[tuple[float, int]] = []
        blocks = self.distinct if system.diagonal else self.distinct * len(system.equation.fields)
        shape = (len(blocks) * len(system.equation.fields), self.layout.kept, 1 if self.layout.real else 2)
        self.values = np.zeros((8, *shape))
        self.results = self._results()
        self.sampled_at_once = max(1, _SAMPLED_AT_ONCE // max(1, self.results.spectra[0].size))
        self.lanes = lanes.Lanes(
            row=_lanes(-1),
            phase=_lanes(lanes.IDLE),
            segment=_lanes(0),
            substeps=_lanes(0),
            done=_lanes(0),
            place=_lanes(0),
            table=_lanes(-1),
            error=np.zeros(LANES),
            finite=_lanes(0),
            shared=np.zeros(2, dtype=np.int64),
        )

    def _longest_first(self, samples: Samples) -> list[int]:
        """The samples by their steps, or by the speed of v: no lane shall be left with a long one at the end."""
        if isinstance(self.control, Adaptive):
            v = torch.stack(samples.v)
            system = self.system.select(torch.tensor(samples.ids))
            rate = row_norm(system.nonlinear(v, torch.zeros((), dtype=torch.float64))) / row_norm(v).clamp_min(1e-300)
            # The steps of a fourth-order method.
            cost = [r * self.control.tolerance[row] ** -0.25 for r, row in zip(rate.tolist(), samples.ids, strict=True)]
        else:
            left = self.control.planned(samples.ids, self.segments)[:, ::-1].cumsum(1)[:, ::-1]
            left = np.broadcast_to(left, (len(samples.ids), len(self.segments)))
            cost = left[np.arange(len(samples.ids)), samples.segment].tolist()
        return sorted(range(len(cost)), key=lambda i: cost[i], reverse=True)

    def _rules(self) -> lanes.Rules:
        control, tolerance, order = self.control, [0.0], 0
        if isinstance(control, Adaptive):
            tolerance, order = [control.tolerance[row] for row in self.ids], control.order
            planned = np.zeros((1, len(self.segments)), dtype=np.int64)
        else:
            planned = np.ascontiguousarray(control.planned(self.ids, self.segments))
        return lanes.Rules(
            adaptive=isinstance(control, Adaptive),
            tolerance=np.array(tolerance),
            order=order,
            planned=planned,
            length=np.array([segment.length for segment in self.segments]),
            output=np.array([-1 if s.output is None else s.output for s in self.segments], dtype=np.int64),
            tail=control.tail,
            tail_mode=min(self.system.grid.points[0] // 3 + 1, self.layout.kept),
            last=self.is_last,
        )

    def _rows(self, numbers: tuple[Numbers, Numbers, Numbers]) -> lanes.Rows:
        samples, count = self.samples, len(self.ids)
        state = torch.stack(samples.v).unsqueeze(1)
        if samples.w:
            state = torch.cat([state, torch.stack(samples.w)], dim=1)
        spectra = torch.view_as_real(state[..., : self.layout.kept].contiguous()).numpy().copy()
        coefficients, functions, constant = numbers
        return lanes.Rows(
            spectra=spectra,
            segment=np.array(samples.segment, dtype=np.int64),
            substeps=np.array(samples.substeps, dtype=np.int64),
            coefficients=np.ascontiguousarray(coefficients),
            functions=np.ascontiguousarray(functions),
            constant=np.ascontiguousarray(constant),
            steps=np.zeros(count, dtype=np.int64),
            tail=np.zeros(count),
            taken=np.zeros((count, len(self.segments)), dtype=np.int64),
            left=np.zeros(count, dtype=np.int64),
        )

    def _results(self) -> lanes.Results:
        outputs = 1 + max((s.output for s in self.segments if s.output is not None), default=-1)
        shape = (outputs, self.layout.copies, self.layout.fields, self.layout.kept, 2)
        places = min(len(self.ids), max(LANES, _MOST_RESULTS // (8 * max(1, math.prod(shape)))))
        return lanes.Results(
            spectra=np.zeros((places, *shape)),
            row=np.full(places, -1, dtype=np.int64),
            done=np.zeros(places, dtype=np.int64),
        )

    def run(self) -> Samples:
        """Returns the rows that need a finer grid."""
        first = list(self.samples.segment)
        why = -1
        while why != lanes.DONE:
            count = len(self.tables)
            made = lanes.Tables(
                step=np.array([h for h, _ in self.tables]),
                row=np.array([row for _, row in self.tables], dtype=np.int64),
                values=self.values[:count],
                by_row=self.system.symbol.shape[0] > 1,
            )
            why, lane = lanes.advance(
                self.memory,
                self.places,
                self.flux,
                self.layout,
                self.method,
                self.transform,
                self.rows,
                self.rules,
                made,
                self.results,
                self.lanes,
            )
            if why == lanes.WANTS_TABLE:
                self._make_table(lane)
            elif why == lanes.HAS_FAILED:
                self._decide(lane)
            else:
                self._collect(first)
        return self.outgrown

    def _make_table(self, lane: int) -> None:
        """The coefficients of the next step of a lane."""
        system, row = self.system, int(self.lanes.row[lane])
        h = self.rules.length[self.lanes.segment[lane]] / self.lanes.substeps[lane]
        symbol, key = system.symbol, -1
        if symbol.shape[0] > 1:
            symbol, key = symbol[self.ids[row] : self.ids[row] + 1], row
        if self.values[0].nbytes * (len(self.tables) + 1) > _MOST_TABLES:
            self.tables.clear()
            self.lanes.table[:] = -1
        if len(self.tables) == len(self.values):
            self.values = np.concatenate([self.values, np.zeros_like(self.values)])
        made = coefficients_of(self.stepper, symbol, float(h), system.diagonal)
        self.values[len(self.tables)] = table_values(made, self.distinct, self.layout, system.diagonal)
        self.tables.append((float(h), key))

    def _decide(self, lane: int) -> None:
        """What becomes of a row whose segment failed: repeat it with more steps, try a finer grid, or give up."""
        state = self.lanes
        row, m, segment = int(state.row[lane]), int(state.substeps[lane]), int(state.segment[lane])
        sample, error = self.ids[row], float(state.error[lane])
        if not self.rules.adaptive:
            error = math.inf
        retry = self.control.retry(sample, m, error)
        finite = int(state.finite[lane])
        if retry is not None and (math.isfinite(error) or not self.singularities.repeats(sample, segment, m, finite)):
            state.substeps[lane], state.phase[lane] = retry, lanes.REPEAT
            return
        self.outgrown.singular[sample], state.substeps[lane] = self.singularities.leaves(sample, segment, m)
        state.phase[lane] = lanes.LEAVE

    def _collect(self, first: Sequence[int]) -> None:
        """Results of the rows that are done or have left, into physical space."""
        places = np.flatnonzero((self.results.done == 1) & (self.results.row >= 0))
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place in places.tolist():
            row = int(self.results.row[place])
            end = int(self.rows.segment[row]) if self.rows.left[row] else len(self.segments)
            alike[first[row], end].append(place)
            self.out.taken[self.ids[row]].extend(self.rows.taken[row, first[row] : end].tolist())
            self.out.stages[self.ids[row]].extend([self.stage] * (end - first[row]))
            if self.rows.left[row]:
                self._hand_on(row)
        rows = self.results.row[places]
        ids = torch.tensor(self.ids)[rows]
        self.out.steps[ids] += torch.from_numpy(self.rows.steps[rows])
        self.out.tail[ids] = self.out.tail[ids].maximum(torch.from_numpy(self.rows.tail[rows]))
        for (start, end), together in alike.items():
            outputs = [s.output for s in self.segments[start:end] if s.output is not None]
            if outputs:
                self._sample(together, slice(outputs[0], outputs[-1] + 1))
        self.results.row[places] = -1

    def _sample(self, places: list[int], outputs: slice) -> None:
        """These outputs, which follow one another, of the rows in these places."""
        for few in range(0, len(places), self.sampled_at_once):
            chosen = places[few : few + self.sampled_at_once]
            ids = [self.ids[row] for row in self.results.row[chosen].tolist()]
            spectra = torch.view_as_complex(torch.from_numpy(self.results.spectra[chosen, outputs]))
            values = sampled(self._whole(spectra), self.system.grid.points, self.output_grid.points)
            self.out.u[ids, outputs] = values[:, :, 0]
            if self.out.w is not None:
                self.out.w[ids, :, outputs] = values[:, :, 1:].transpose(1, 2)

    def _whole(self, spectra: Tensor) -> Tensor:
        """Spectra with the modes that the kernel leaves out, which are zero."""
        return torch.nn.functional.pad(spectra, (0, self.system.grid.points[0] // 2 + 1 - self.layout.kept))

    def _hand_on(self, row: int) -> None:
        spectra = torch.view_as_complex(torch.from_numpy(self.rows.spectra[row].copy()))
        spectra = self._whole(spectra)
        self.outgrown.ids.append(self.ids[row])
        self.outgrown.v.append(spectra[0])
        if self.layout.copies > 1:
            self.outgrown.w.append(spectra[1:])
        self.outgrown.segment.append(int(self.rows.segment[row]))
        self.outgrown.substeps.append(int(self.rows.substeps[row]))


def _lanes(value: int) -> Integers:
    return np.full(LANES, value, dtype=np.int64)
