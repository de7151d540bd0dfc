"""The time loop on one grid: a batch of samples, each with its own step, and their tangents."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pdesym.solvers.control import Control, Past, Segment
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import Integration, Rows
from pdesym.solvers.sampling import sampled
from pdesym.solvers.singularities import Singularities
from pdesym.solvers.spectrum import row_norm, tail_weights
from pdesym.solvers.step_graph import State, StepGraph
from pdesym.solvers.steppers import Stepper, estimate, step
from pdesym.solvers.system import Linearisation, SpectralSystem

# Tables of coefficients that are kept: irregular output times would make a new one for each segment.
_MOST_TABLES = 64


class Advance:
    """Moves rows on one grid to the end, or until their spectrum outgrows the grid."""

    def __init__(
        self,
        system: SpectralSystem,
        output_grid: Grid,
        segments: tuple[Segment, ...],
        control: Control,
        stepper: Stepper,
        stage: int,
        is_last: bool,
        rows: Rows,
        out: Integration,
    ):
        self.all_rows, self.output_grid, self.segments = system, output_grid, segments
        self.control, self.stepper, self.out = control, stepper, out
        self.stage, self.is_last = stage, is_last
        self.ids = rows.ids
        self.segment, self.substeps = rows.segment, rows.substeps
        self.done = [0] * len(rows.ids)
        self.v0 = torch.stack(rows.v)
        self.w0 = torch.stack(rows.w) if rows.w else None
        self.v, self.w = self.v0.clone(), None if self.w0 is None else self.w0.clone()
        self.error = torch.zeros(len(rows.ids), dtype=torch.float64, device=self.v.device)
        self.finite = torch.zeros_like(self.error)
        self.outgrown = Rows()
        self.singularities = Singularities(segments, rows.singular, is_last, control.remedy)
        self.tables: dict[tuple[float, float, int], Tensor] = {}
        self.table: Tensor | None = None
        self._zero = torch.zeros((), dtype=torch.float64, device=self.v.device)
        self.weights = tail_weights(system.grid, self.v.device)
        self.graph = StepGraph(self.v.device)
        out.points[self.ids] = system.grid.points[0]

    def run(self) -> Rows:
        """Returns the rows that need a finer grid."""
        self._select()
        while self.ids:
            left = [m - j for j, m in zip(self.done, self.substeps, strict=True)]
            self._take(min(left))
            self._judge([i for i, n in enumerate(left) if n == min(left)])
        return self.outgrown

    def _select(self) -> None:
        """Everything that depends on which rows are active or where they are."""
        if not self.ids:
            return
        self.system = self.all_rows.select(torch.tensor(self.ids, device=self.v.device))
        if self.all_rows.explicit_linear:
            self.system = self.system.frozen_at(torch.tensor(self._middles(), device=self.v.device))
        self.table = None
        self._evaluate()
        self._gather(range(len(self.ids)))

    def _middles(self) -> list[float]:
        """The middle of the segment of each row."""
        return [self.segments[s].start + 0.5 * self.segments[s].length for s in self.segment]

    def _evaluate(self) -> None:
        """N at the current states: needed anew only when they did not come out of a step."""
        if self.w is None:
            self.n = self.system.nonlinear(self.v, self._time(0.0))
        else:
            self.n, self.linearisation = self.system.linearised(self.v, self._time(0.0))

    def _step_of(self, i: int) -> float:
        return self.segments[self.segment[i]].length / self.substeps[i]

    def _gather(self, changed: Sequence[int]) -> None:
        """The coefficients of the rows whose step has changed; a table without rows where all take the same step."""
        steps = [self._step_of(i) for i in range(len(self.ids))]
        symbols = self.system.symbol
        own_symbols = symbols.shape[0] > 1
        shared = len(set(steps)) == 1 and not own_symbols
        if shared or self.table is None or self.table.shape[1] != len(steps):
            changed = range(len(steps))
        # A row is told apart by its step, and by what makes its symbol its own.
        middles = self._middles() if self.all_rows.explicit_linear else [0.0] * len(steps)
        keys = [
            (steps[i], middles[i], self.ids[i] if own_symbols and self.all_rows.per_sample else -1)
            for i in range(len(steps))
        ]
        wanted = dict.fromkeys(keys[i] for i in changed)
        for h in {key[0] for key in wanted if key not in self.tables}:
            rows = {keys[i]: i for i in changed if steps[i] == h and keys[i] not in self.tables}
            symbol = symbols[list(rows.values())] if own_symbols else symbols
            made = self.stepper.coefficients(symbol, h, self.all_rows.diagonal)
            self.tables |= {key: made[:, place : place + 1] for place, key in enumerate(rows)}
        if shared:
            self.table = self.tables[keys[0]]
        else:
            stacked = torch.cat([self.tables[key] for key in wanted], dim=1)
            places = {key: place for place, key in enumerate(wanted)}
            rows_of_changed = stacked.index_select(
                1, torch.tensor([places[keys[i]] for i in changed], device=self.v.device)
            )
            if self.table is None or len(changed) == len(steps):
                self.table = rows_of_changed
            else:
                self.table.index_copy_(1, torch.tensor(changed, device=self.v.device), rows_of_changed)
        self.coefficients = self.table.unbind()
        if len(self.tables) > _MOST_TABLES:
            self.tables = {key: self.tables[key] for key in set(keys) & set(self.tables)}

    def _time(self, node: float) -> Tensor:
        if not self.system.explicit_time:
            return self._zero
        times = [
            self.segments[s].start + (j + node) * self._step_of(i)
            for i, (s, j) in enumerate(zip(self.segment, self.done, strict=True))
        ]
        return torch.tensor(times, dtype=torch.float64, device=self.v.device)

    def _take(self, count: int) -> None:
        """So many steps of every row."""
        after = None
        if self.w is None and self.table is not None and not self.system.explicit_time:
            state = self.v, self.n, self.error, self.finite, self.table
            after = self.graph.steps(self._stepped, self.system, state, count)
        if after is None:
            for _ in range(count):
                self._step()
        else:
            self.v, self.n, self.error, self.finite, self.table = after
            self.coefficients = self.table.unbind()
            self.done = [j + count for j in self.done]

    def _stepped(self, v: Tensor, n: Tensor, error: Tensor, finite: Tensor, table: Tensor) -> State:
        """All that a step without tangents starts from, after it."""
        new, evaluated = self._without_tangents(v, n, table.unbind())
        return new, evaluated[-1], *self._errors(v, evaluated, table.unbind(), error, finite), table

    def _step(self) -> None:
        v, table = self.v, self.coefficients
        if self.w is None:
            self.v, evaluated = self._without_tangents(v, self.n, table)
        else:
            self.v, evaluated = self._with_tangents(self.w, table)
        self.n = evaluated[-1]
        self.error, self.finite = self._errors(v, evaluated, table, self.error, self.finite)
        self.done = [j + 1 for j in self.done]

    def _times(self) -> list[Tensor]:
        """The times of the stages, and of the end of the step."""
        return [self._time(node) for node in (*self.stepper.nodes, 1.0)]

    def _without_tangents(self, v: Tensor, n: Tensor, table: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The states after a step, and N at all stages and there."""
        system, times = self.system, self._times()
        new, evaluated = step(
            v, n, lambda i, stage: system.nonlinear(stage, times[i]), table, self.stepper, system.add_
        )
        return new, [*evaluated, system.nonlinear(new, times[-1])]

    def _with_tangents(self, w: Tensor, table: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The same; the tangents, and N' for them, are moved on."""
        system, stepper, times = self.system, self.stepper, self._times()
        tangents: list[Linearisation] = [self.linearisation]

        def evaluate(i: int, stage: Tensor) -> Tensor:
            value, linearisation = system.linearised(stage, times[i])
            tangents.append(linearisation)
            return value

        new, evaluated = step(self.v, self.n, evaluate, table, stepper, system.add_)
        self.w, _ = step(w, tangents[0](w), lambda i, stage: tangents[i](stage), table, stepper, system.add_)
        n, self.linearisation = system.linearised(new, times[-1])
        return new, [*evaluated, n]

    def _errors(
        self, v: Tensor, evaluated: list[Tensor], table: Sequence[Tensor], error: Tensor, finite: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The largest estimated error of a step, and the number of finite ones, after a step from v."""
        if not self.control.estimates:
            return error, finite
        error = torch.maximum(error, row_norm(estimate(v, evaluated, table, self.stepper, self.system.add_)))
        return error, finite + torch.isfinite(error)

    def _relative_errors(self, index: Tensor) -> list[float]:
        """The largest estimated error of a step in the segments that ended; 0 or inf where nothing is estimated."""
        norm = row_norm(self.v[index])
        if self.control.estimates:
            return (self.error[index] / norm.clamp_min(torch.finfo(torch.float64).tiny)).tolist()
        return torch.where(torch.isfinite(norm), 0.0, math.inf).tolist()

    def _judge(self, ended: list[int]) -> None:
        """Accept, repeat or hand on the segments that ended."""
        index = torch.tensor(ended, device=self.v.device)
        errors = self._relative_errors(index)
        states = self.v[index]
        tails = (row_norm(states * self.weights) / row_norm(states).clamp_min(1e-300)).tolist()
        accepted: list[int] = []
        repeated: list[int] = []
        changed: list[int] = []
        leaving: set[int] = set()
        for i, error, tail in zip(ended, errors, tails, strict=True):
            row, m = self.ids[i], self.substeps[i]
            self.out.steps[row] += m
            retry = self.control.retry(row, m, error)
            if retry is None or (not math.isfinite(error) and self._is_singular(i)):
                self._give_up(i)
                leaving.add(i)
            elif retry != m:
                self.substeps[i] = retry
                repeated.append(i)
            elif tail > self.control.tail and not self.is_last:
                self._hand_on(i)
                leaving.add(i)
            else:
                self.out.tail[row] = max(self.out.tail[row].item(), tail)
                accepted.append(i)
                self.out.taken[row].append(m)
                self.out.stages[row].append(self.stage)
                if self._enter_next(i, error):
                    changed.append(i)
        self._record([i for i in accepted if self.segments[self.segment[i] - 1].output is not None])
        _copy_rows(self.v, self.v0, accepted)
        _copy_rows(self.v0, self.v, repeated)
        if self.w is not None and self.w0 is not None:
            _copy_rows(self.w, self.w0, accepted)
            _copy_rows(self.w0, self.w, repeated)
        for i in (*accepted, *repeated):
            self.done[i] = 0
        self.error[index] = 0.0
        self.finite[index] = 0.0
        leaving |= {i for i in accepted if self.segment[i] == len(self.segments)}
        if leaving:
            self._keep([i for i in range(len(self.ids)) if i not in leaving])
        if leaving or self.all_rows.explicit_linear:
            self._select()
        else:
            if repeated:
                self._evaluate()
            if repeated or changed:
                # In the order of the rows: when all of them are gathered, the table is made anew in that order.
                self._gather(sorted(repeated + changed))

    def _is_singular(self, i: int) -> bool:
        return self.singularities.repeats(self.ids[i], self.segment[i], self.substeps[i], self.finite[i].item())

    def _give_up(self, i: int) -> None:
        """Try a row on the next grid, where there is hope."""
        time, self.substeps[i] = self.singularities.leaves(self.ids[i], self.segment[i], self.substeps[i])
        self.outgrown.singular[self.ids[i]] = time
        self._hand_on(i)

    def _enter_next(self, i: int, error: float) -> bool:
        """Move row i to its next segment; whether its step changes."""
        step_before, past = self._step_of(i), self.segments[self.segment[i]]
        self.segment[i] += 1
        if self.segment[i] == len(self.segments):
            return False
        index = self.segment[i]
        completed = Past(self.substeps[i], error, past.length)
        self.substeps[i] = self.control.substeps(self.ids[i], index, self.segments[index], completed)
        return self._step_of(i) != step_before

    def _hand_on(self, i: int) -> None:
        self.outgrown.ids.append(self.ids[i])
        self.outgrown.v.append(self.v0[i].clone())
        if self.w0 is not None:
            self.outgrown.w.append(self.w0[i].clone())
        self.outgrown.segment.append(self.segment[i])
        self.outgrown.substeps.append(self.substeps[i])

    def _record(self, rows: list[int]) -> None:
        """Write the states that ended on an output time; their segment counter is already one further."""
        if not rows:
            return
        outputs = [self.segments[self.segment[i] - 1].output for i in rows]
        ids = [self.ids[i] for i in rows]
        self.out.u[ids, outputs] = sampled(self.v[rows], self.system.grid.points, self.output_grid.points)
        if self.out.w is not None and self.w is not None:
            tangents = sampled(self.w[rows], self.system.grid.points, self.output_grid.points)
            for place, (row, output) in enumerate(zip(ids, outputs, strict=True)):
                self.out.w[row, :, output] = tangents[place]

    def _keep(self, rows: list[int]) -> None:
        index = torch.tensor(rows, dtype=torch.int64, device=self.v.device)
        self.ids = [self.ids[i] for i in rows]
        self.segment = [self.segment[i] for i in rows]
        self.substeps = [self.substeps[i] for i in rows]
        self.done = [self.done[i] for i in rows]
        self.v, self.v0, self.error, self.finite = self.v[index], self.v0[index], self.error[index], self.finite[index]
        if self.w is not None and self.w0 is not None:
            self.w, self.w0 = self.w[index], self.w0[index]


def _copy_rows(source: Tensor, target: Tensor, rows: list[int]) -> None:
    if rows:
        index = torch.tensor(rows, device=source.device)
        target.index_copy_(0, index, source.index_select(0, index))
