"""The time loop: a batch of samples, each with its own step, its own grid, and its tangents."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import EllipsisType

import torch
from torch import Tensor

from pdesym.solvers.control import Control, Past, Segment, plan
from pdesym.solvers.equation import Equation
from pdesym.solvers.etdrk import KROGSTAD, coefficients, step
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import inverse_transform
from pdesym.solvers.spectrum import interpolated, resize, row_norm, tail_weights
from pdesym.solvers.system import Linearisation, SpectralSystem

# A solution that ceases to be finite at the same time, to this share, whatever the step and the grid, is singular.
_SAME_TIME = 0.05
# Tables of coefficients that are kept: irregular output times would make a new one for each segment.
_MOST_TABLES = 64


class BlowUpError(ArithmeticError):
    """A solution that ceased to be finite.

    Attributes:
        sample: index in the batch.
        time: the last time at which it was found finite, in the equation's unit of time.
        remedy: what to do about it.
    """

    def __init__(self, sample: int, time: float, remedy: str):
        super().__init__(f"The solution of sample {sample} blew up shortly after t = {time:.6g}: {remedy}.")
        self.sample, self.time, self.remedy = sample, time, remedy

    def __reduce__(self) -> tuple[type, tuple[int, float, str]]:
        return type(self), (self.sample, self.time, self.remedy)


@dataclass(frozen=True)
class Integration:
    """What an integration delivers, float64.

    Attributes:
        u: `(batch, outputs, fields, *space)`.
        w: `(batch, tangents, outputs, fields, *space)` when tangents were given.
        steps: number of steps that each sample took, repeated ones included.
        points: points of the finest grid that each sample used, along the first axis.
        tail: largest share of the norm in the last third of the spectrum at the end of a segment.
        aliased: relative error that functions of x in the equation have on the finest grid, where that is too coarse.
        taken: for each sample the number of steps in each segment.
    """

    u: Tensor
    w: Tensor | None
    steps: Tensor
    points: Tensor
    tail: Tensor
    aliased: Tensor
    taken: tuple[list[int], ...]


@dataclass
class _Rows:
    """Samples on one grid, at the start of their segments; `singular` are times at which some seem to blow up."""

    ids: list[int] = field(default_factory=list)
    v: list[Tensor] = field(default_factory=list)
    w: list[Tensor] = field(default_factory=list)
    segment: list[int] = field(default_factory=list)
    substeps: list[int] = field(default_factory=list)
    singular: dict[int, float] = field(default_factory=dict)

    def join(self, others: "_Rows") -> None:
        """Take in other samples on the same grid."""
        for mine, theirs in (
            (self.ids, others.ids),
            (self.v, others.v),
            (self.w, others.w),
            (self.segment, others.segment),
            (self.substeps, others.substeps),
        ):
            mine.extend(theirs)  # type: ignore[arg-type]


@torch.no_grad()
def integrate(
    equation: Equation,
    u0: Tensor,
    grid: Grid,
    start: float,
    times: tuple[float, ...],
    control: Control,
    tangents: Tensor | None = None,
) -> Integration:
    """Solve for every sample of a batch.

    Args:
        equation: what to solve.
        u0: `(batch, fields, *space)` at time `start`.
        grid: where u0 lives and where results are wanted.
        start: initial time.
        times: increasing output times, none before `start`.
        control: fixed or adaptive steps.
        tangents: `(batch, tangents, fields, *space)`, carried along by the derivative of every step.

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
    )
    if times[0] == start:
        out.u[:, 0] = u0
        if out.w is not None and tangents is not None:
            out.w[:, :, 0] = tangents
    segments = plan(start, times, control)
    stages = control.stages(grid)
    waiting, sharp = _Rows(), _Rows()
    if segments:
        first = SpectralSystem(equation, grid, device=device)
        _refuse_undefined(first, u0, start)
        waiting, sharp = _enter(first, u0, tangents, control, segments[0], stages[1].grid)
    previous = grid
    for stage in stages:
        waiting.v = [resize(v, previous.points, stage.grid.points) for v in waiting.v]
        waiting.w = [resize(w, previous.points, stage.grid.points) for w in waiting.w]
        previous = stage.grid
        if stage is stages[1]:
            waiting.join(sharp)
        if waiting.ids:
            system = SpectralSystem(equation, stage.grid, stage.padded, device)
            waiting = _Advance(system, grid, segments, control, stage is stages[-1], waiting, out).run()
    return out


def _enter(
    system: SpectralSystem, u0: Tensor, tangents: Tensor | None, control: Control, segment: Segment, finer: Grid
) -> tuple[_Rows, _Rows]:
    """The samples that start on the grid of u0, and those whose Nyquist modes need the next one."""
    mine, theirs = system.grid.points, finer.points
    whole, resolved = _transform(u0, len(mine)), system.to_spectrum(u0)
    share = row_norm(whole - resolved) / row_norm(whole).clamp_min(torch.finfo(torch.float64).tiny)
    sharp = (share > control.tail).tolist() if mine != theirs else [False] * len(u0)

    def rows(wanted: bool, spectrum: Callable[[Tensor], Tensor]) -> _Rows:
        ids = [row for row in range(len(u0)) if sharp[row] is wanted]
        return _Rows(
            ids=ids,
            v=list(spectrum(u0[ids])) if ids else [],
            w=list(spectrum(tangents[ids])) if ids and tangents is not None else [],
            segment=[0] * len(ids),
            substeps=[control.substeps(row, 0, segment, None) for row in ids],
        )

    return rows(False, system.to_spectrum), rows(True, lambda f: interpolated(_transform(f, len(mine)), mine, theirs))


def _transform(fields: Tensor, dims: int) -> Tensor:
    """Spectra with the Nyquist modes."""
    spectrum: Tensor = torch.fft.rfftn(fields, dim=tuple(range(-dims, 0)), norm="forward")
    return spectrum


def _refuse_undefined(system: SpectralSystem, u0: Tensor, start: float) -> None:
    """Raises BlowUpError when the right-hand side, such as log(u), has no value at an initial condition."""
    n = system.nonlinear(system.to_spectrum(u0), torch.tensor(start, dtype=torch.float64, device=u0.device))
    undefined = (~torch.isfinite(row_norm(n))).nonzero().flatten().tolist()
    if undefined:
        raise BlowUpError(undefined[0], start, "its right-hand side is not finite there, change the initial condition")


class _Advance:
    """Moves rows on one grid to the end, or until their spectrum outgrows the grid."""

    def __init__(
        self,
        system: SpectralSystem,
        output_grid: Grid,
        segments: tuple[Segment, ...],
        control: Control,
        is_last: bool,
        rows: _Rows,
        out: Integration,
    ):
        self.all_rows, self.output_grid, self.segments = system, output_grid, segments
        self.control, self.is_last, self.out = control, is_last, out
        self.ids = rows.ids
        self.segment, self.substeps = rows.segment, rows.substeps
        self.done = [0] * len(rows.ids)
        self.v0 = torch.stack(rows.v)
        self.w0 = torch.stack(rows.w) if rows.w else None
        self.v, self.w = self.v0.clone(), None if self.w0 is None else self.w0.clone()
        self.error = torch.zeros(len(rows.ids), dtype=torch.float64, device=self.v.device)
        self.finite = torch.zeros_like(self.error)
        self.outgrown = _Rows()
        self.singular = rows.singular
        self.failures: dict[int, tuple[int, float]] = {}
        self.tables: dict[float, Tensor] = {}
        self.table: Tensor | None = None
        self._zero = torch.zeros((), dtype=torch.float64, device=self.v.device)
        self.weights = tail_weights(system.grid, self.v.device)
        out.points[self.ids] = system.grid.points[0]

    def run(self) -> _Rows:
        """Returns the rows that need a finer grid."""
        self._leave_aliased()
        while self.ids:
            left = [m - j for j, m in zip(self.done, self.substeps, strict=True)]
            for _ in range(min(left)):
                self._step()
            self._judge([i for i, n in enumerate(left) if n == min(left)])
        return self.outgrown

    def _leave_aliased(self) -> None:
        """Hand on rows on whose grid a function of x in the equation has no faithful values, and select the others."""
        middle = [self.segments[s].start + 0.5 * self.segments[s].length for s in self.segment]
        system = self.all_rows.select(torch.tensor(self.ids, device=self.v.device))
        shares = system.aliasing(self.v, torch.tensor(middle, dtype=torch.float64, device=self.v.device)).tolist()
        leaving = [i for i, share in enumerate(shares) if share > self.control.tail]
        if self.is_last:
            for i in leaving:
                self.out.aliased[self.ids[i]] = shares[i]
            leaving = []
        for i in leaving:
            self._hand_on(i)
        if leaving:
            self._keep([i for i in range(len(self.ids)) if i not in leaving])
        self._select()

    def _select(self) -> None:
        """Everything that depends on which rows are active or where they are."""
        if not self.ids:
            return
        self.system = self.all_rows.select(torch.tensor(self.ids, device=self.v.device))
        self.table = None
        self._evaluate()
        self._gather(range(len(self.ids)))

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
        shared = len(set(steps)) == 1 and self.all_rows.symbol.shape[0] == 1
        if shared or self.table is None or self.table.shape[1] != len(steps):
            changed = range(len(steps))
        distinct = sorted({steps[i] for i in changed})
        for h in distinct:
            if h not in self.tables:
                system = self.all_rows
                self.tables[h] = coefficients(system.symbol, h, KROGSTAD, system.diagonal)
        if shared:
            self.table = self.tables[steps[0]]
        else:
            stacked = torch.stack([self.tables[h] for h in distinct], dim=1)
            level = torch.tensor([distinct.index(steps[i]) for i in changed], device=self.v.device)
            if stacked.shape[2] > 1:
                rows = stacked[:, level, torch.tensor([self.ids[i] for i in changed], device=self.v.device)]
            else:
                rows = stacked[:, :, 0].index_select(1, level)
            if self.table is None or len(changed) == len(steps):
                self.table = rows
            else:
                self.table.index_copy_(1, torch.tensor(changed, device=self.v.device), rows)
        self.coefficients = self.table.unbind()
        if len(self.tables) > _MOST_TABLES:
            self.tables = {h: self.tables[h] for h in set(steps) & set(self.tables)}

    def _time(self, node: float) -> Tensor:
        if not self.system.explicit_time:
            return self._zero
        times = [
            self.segments[s].start + (j + node) * self._step_of(i)
            for i, (s, j) in enumerate(zip(self.segment, self.done, strict=True))
        ]
        return torch.tensor(times, dtype=torch.float64, device=self.v.device)

    def _step(self) -> None:
        system, table = self.system, self.coefficients
        times = [self._time(node) for node in KROGSTAD.nodes]
        if self.w is None:
            new, last = step(
                self.v, self.n, lambda i, stage: system.nonlinear(stage, times[i]), table, KROGSTAD, system.add
            )
            n_new = system.nonlinear(new, times[-1])
        else:
            tangents: list[Linearisation] = [self.linearisation]

            def evaluate(i: int, stage: Tensor) -> Tensor:
                value, linearisation = system.linearised(stage, times[i])
                tangents.append(linearisation)
                return value

            new, last = step(self.v, self.n, evaluate, table, KROGSTAD, system.add)
            first = tangents[0](self.w)
            self.w, _ = step(self.w, first, lambda i, stage: tangents[i](stage), table, KROGSTAD, system.add)
            n_new, self.linearisation = system.linearised(new, times[-1])
        if self.control.estimates:
            self.error = torch.maximum(self.error, row_norm(system.apply(table[-1], last - n_new)))
            self.finite += torch.isfinite(self.error)
        self.v, self.n = new, n_new
        self.done = [j + 1 for j in self.done]

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
                self.failures.pop(row, None)
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
            self._select()
        else:
            if repeated:
                self._evaluate()
            if repeated or changed:
                self._gather(repeated + changed)

    def _is_singular(self, i: int) -> bool:
        """Whether row i ceased to be finite at the time at which it did with longer steps: no step is short enough."""
        row, reached = self.ids[i], self.finite[i].item() * self._step_of(i)
        before = self.failures.get(row)
        self.failures[row] = (self.substeps[i] if before is None else before[0], reached)
        return before is not None and abs(reached - before[1]) <= _SAME_TIME * max(reached, before[1])

    def _give_up(self, i: int) -> None:
        """Try a row on the next grid, unless it is the last or the grid before failed at the same time."""
        row, segment = self.ids[i], self.segments[self.segment[i]]
        first, reached = self.failures.get(row, (self.substeps[i], 0.0))
        time = segment.start + reached
        on_coarser_grid = self.singular.get(row, math.inf)
        if self.is_last or abs(time - on_coarser_grid) <= _SAME_TIME * segment.length:
            raise BlowUpError(row, time, self.control.remedy)
        self.outgrown.singular[row] = time
        self.substeps[i] = first
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
        self.out.u[ids, outputs] = self._on_output_grid(self.v[rows])
        if self.out.w is not None and self.w is not None:
            tangents = self._on_output_grid(self.w[rows])
            for place, (row, output) in enumerate(zip(ids, outputs, strict=True)):
                self.out.w[row, :, output] = tangents[place]

    def _on_output_grid(self, v: Tensor) -> Tensor:
        """Values at the points of the output grid: synthesis on a multiple of it, of which every k-th point is kept."""
        mine, wanted = self.system.grid.points, self.output_grid.points
        factors = [-(-m // n) for m, n in zip(mine, wanted, strict=True)]
        finer = tuple(n * k for n, k in zip(wanted, factors, strict=True))
        values = inverse_transform(resize(v, mine, finer), finer, norm="forward")
        kept: tuple[EllipsisType | slice, ...] = (..., *(slice(None, None, k) for k in factors))
        return values[kept]

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
