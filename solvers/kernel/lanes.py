"""The time loop of the row kernel: every lane takes one trajectory after another through all its segments."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from pdesym.solvers.control import next_substeps, on_ladder, repeated_substeps, rung_below
from pdesym.solvers.kernel.jit import SOURCES, cached, callable_from_jitted, jitted
from pdesym.solvers.kernel.lengths import LANES, Transform
from pdesym.solvers.kernel.memory import Flux, Integers, Layout, Method, Numbers
from pdesym.solvers.kernel.step import advance_one, evaluate, norms

# What a lane is about to do.
IDLE, REPEAT, FIND, RUN, FAILED, LEAVE = range(6)
# Why the loop returns.
DONE, WANTS_TABLE, HAS_FAILED, WANTS_ROOM = range(4)

_TINY = 2.2250738585072014e-308


class Rows(NamedTuple):
    """The trajectories, one row each.

    Attributes:
        spectra: `(rows, copies, fields, modes, 2)`; those of rows that leave are replaced by where they left off.
        segment: the next segment of each.
        substeps: steps to take in it.
        coefficients: `(rows, coefficients)` of `Program`.
        functions: `(rows | 1, functions, points)` of `Program`.
        constant: `(rows | 1, fields, modes, 2)`.
        steps: taken, repeated ones included.
        tail: largest share of the norm in the tail at the end of a segment.
        taken: `(rows, segments)` steps in each completed segment.
        left: 1 for those that need a finer grid.
    """

    spectra: Numbers
    segment: Integers
    substeps: Integers
    coefficients: Numbers
    functions: Numbers
    constant: Numbers
    steps: Integers
    tail: Numbers
    taken: Integers
    left: Integers


class Rules(NamedTuple):
    """How steps are chosen, and segments judged.

    Attributes:
        adaptive: by `tolerance`, or as `planned`.
        tolerance: `(rows,)` in case of the former.
        order: of the estimate in the step.
        planned: `(rows | 1, segments)` in case of the latter.
        length: of each segment.
        output: of each segment, −1 for none.
        tail: share of the norm in the tail above which a row leaves.
        tail_mode: first mode of the tail.
        last: whether no row leaves.
    """

    adaptive: bool
    tolerance: Numbers
    order: int
    planned: Integers
    length: Numbers
    output: Integers
    tail: float
    tail_mode: int
    last: bool


class Tables(NamedTuple):
    """The coefficients that have been made.

    Attributes:
        step: of each table.
        row: for which it was made, −1 for all.
        values: `(tables, blocks, modes, 1 or 2)`.
        by_row: whether each row has its own.
    """

    step: Numbers
    row: Integers
    values: Numbers
    by_row: bool


class Results(NamedTuple):
    """Room for the output of some rows at a time.

    Attributes:
        spectra: `(places, outputs, copies, fields, modes, 2)`.
        row: which row has each place, −1 for none.
        done: 1 where it is complete.
    """

    spectra: Numbers
    row: Integers
    done: Integers


class Lanes(NamedTuple):
    """Where each lane stands.

    Attributes:
        row, phase, segment, substeps, done, place: one number for each lane.
        table: in use.
        error: largest squared estimate in this segment.
        finite: number of steps in this segment for which it was finite.
        shared: the next row to enter, and whether N is to be evaluated anew.
    """

    row: Integers
    phase: Integers
    segment: Integers
    substeps: Integers
    done: Integers
    place: Integers
    table: Integers
    error: Numbers
    finite: Integers
    shared: Integers


for _rule in (on_ladder, rung_below, next_substeps, repeated_substeps):
    callable_from_jitted(_rule)


@jitted
def _copy_lane(z: Any, source: int, target: int, size: int, lane: int) -> None:
    for i in range(size):
        z[(target + i) * LANES + lane] = z[(source + i) * LANES + lane]


@jitted
def _read(z: Any, at: int, lane: int, spectra: Any, layout: Layout) -> None:
    """Put a spectrum `(copies, fields, modes, 2)` into a lane."""
    for copy in range(layout.copies):
        for field in range(layout.fields):
            first = at + 2 * layout.modes * (copy * layout.fields + field)
            for mode in range(layout.kept):
                z[(first + 2 * mode) * LANES + lane] = spectra[copy, field, mode, 0]
                z[(first + 2 * mode + 1) * LANES + lane] = spectra[copy, field, mode, 1]


@jitted
def _write(z: Any, at: int, lane: int, spectra: Any, layout: Layout) -> None:
    """Take a spectrum `(copies, fields, modes, 2)` out of a lane."""
    for copy in range(layout.copies):
        for field in range(layout.fields):
            first = at + 2 * layout.modes * (copy * layout.fields + field)
            for mode in range(layout.kept):
                spectra[copy, field, mode, 0] = z[(first + 2 * mode) * LANES + lane]
                spectra[copy, field, mode, 1] = z[(first + 2 * mode + 1) * LANES + lane]


@jitted
def _enter(
    z: Any, lane: int, row: int, rows: Rows, lanes: Lanes, flux: Flux, layout: Layout, tables: Transform
) -> None:
    _read(z, layout.origin, lane, rows.spectra[row], layout)
    for i in range(rows.coefficients.shape[1]):
        z[(layout.coefficients + i) * LANES + lane] = rows.coefficients[row, i]
    if layout.has_constant:
        one = row if rows.constant.shape[0] > 1 else 0
        for field in range(layout.fields):
            for mode in range(layout.kept):
                at = layout.constant + 2 * (layout.modes * field + mode)
                z[at * LANES + lane] = rows.constant[one, field, mode, 0]
                z[(at + 1) * LANES + lane] = rows.constant[one, field, mode, 1]
    one = row if rows.functions.shape[0] > 1 else 0
    for i in range(rows.functions.shape[1]):
        at = layout.points + (flux.jets.shape[0] + i) * 2 * tables.half
        for n in range(tables.half):
            p = at + 2 * tables.place[n]
            z[p * LANES + lane] = rows.functions[one, i, 2 * n]
            z[(p + 1) * LANES + lane] = rows.functions[one, i, 2 * n + 1]
    lanes.row[lane], lanes.segment[lane], lanes.substeps[lane] = row, rows.segment[row], rows.substeps[row]
    lanes.table[lane], lanes.phase[lane] = -1, REPEAT


@jitted
def _free(results: Results) -> int:
    for place in range(results.row.shape[0]):
        if results.row[place] < 0:
            return place
    return -1


@jitted
def _find(z: Any, lane: int, lanes: Lanes, rules: Rules, made: Tables, layout: Layout) -> bool:
    """Put the coefficients of a lane's next step into the lane; False where they have not been made."""
    h = rules.length[lanes.segment[lane]] / lanes.substeps[lane]
    row = lanes.row[lane] if made.by_row else -1
    table = lanes.table[lane]
    if table >= 0 and made.step[table] == h:
        return True
    for table in range(made.step.shape[0]):
        if made.step[table] == h and made.row[table] == row:
            values = made.values[table]
            parts = values.shape[2]
            for block in range(values.shape[0]):
                for mode in range(layout.kept):
                    for part in range(parts):
                        at = layout.table + (block * layout.modes + mode) * parts + part
                        z[at * LANES + lane] = values[block, mode, part]
            lanes.table[lane] = table
            return True
    return False


@jitted
def _leave(z: Any, lane: int, rows: Rows, results: Results, lanes: Lanes, layout: Layout) -> None:
    row = lanes.row[lane]
    _write(z, layout.origin, lane, rows.spectra[row], layout)
    rows.segment[row], rows.substeps[row], rows.left[row] = lanes.segment[lane], lanes.substeps[lane], 1
    results.done[lanes.place[lane]] = 1
    lanes.row[lane], lanes.phase[lane] = -1, IDLE


@jitted
def _restart(lane: int, lanes: Lanes) -> None:
    lanes.done[lane], lanes.finite[lane], lanes.error[lane] = 0, 0, 0.0


@jitted
def _settle(
    z: Any,
    places: Any,
    flux: Flux,
    layout: Layout,
    method: Method,
    tables: Transform,
    rows: Rows,
    rules: Rules,
    made: Tables,
    results: Results,
    lanes: Lanes,
) -> Any:
    """Bring all lanes to where they can step; (why not, lane) where that needs the caller."""
    state = places[method.stages + 1]
    for lane in range(LANES):
        if lanes.phase[lane] == FAILED:
            return HAS_FAILED, lane
        if lanes.phase[lane] == LEAVE:
            _leave(z, lane, rows, results, lanes, layout)
        if lanes.phase[lane] == IDLE:
            row = lanes.shared[0]
            if row == rows.segment.shape[0]:
                for i in range(layout.size):
                    z[(state + i) * LANES + lane] = 0.0
            else:
                place = _free(results)
                if place < 0:
                    return WANTS_ROOM, lane
                lanes.shared[0] += 1
                results.row[place], results.done[place], lanes.place[lane] = row, 0, place
                _enter(z, lane, row, rows, lanes, flux, layout, tables)
        if lanes.phase[lane] == REPEAT:
            _copy_lane(z, layout.origin, state, layout.size, lane)
            _restart(lane, lanes)
            lanes.shared[1], lanes.phase[lane] = 1, FIND
        if lanes.phase[lane] == FIND:
            if not _find(z, lane, lanes, rules, made, layout):
                return WANTS_TABLE, lane
            lanes.phase[lane] = RUN
    return DONE, -1


@jitted
def _judge(
    z: Any, lane: int, state: int, rows: Rows, rules: Rules, results: Results, lanes: Lanes, layout: Layout
) -> None:
    """Accept, repeat or hand on the segment that a lane has ended."""
    row, m, segment = lanes.row[lane], lanes.substeps[lane], lanes.segment[lane]
    norm = math.sqrt(z[(layout.scratch + 1) * LANES + lane])
    tail = math.sqrt(z[(layout.scratch + 2) * LANES + lane]) / max(norm, 1e-300)
    if rules.adaptive:
        error = math.sqrt(lanes.error[lane]) / (_TINY if norm <= _TINY else norm)
        retry = repeated_substeps(m, error, rules.tolerance[row], rules.order)
    else:
        error = 0.0 if math.isfinite(norm) else math.inf
        retry = m if math.isfinite(norm) else 0
    rows.steps[row] += m
    if retry == 0 or not math.isfinite(error):
        lanes.phase[lane], lanes.error[lane] = FAILED, error
        return
    if retry != m:
        lanes.phase[lane], lanes.substeps[lane] = REPEAT, retry
        return
    if tail > rules.tail and not rules.last:
        lanes.phase[lane] = LEAVE
        return
    rows.tail[row] = max(rows.tail[row], tail)
    rows.taken[row, segment] = m
    place = lanes.place[lane]
    if rules.output[segment] >= 0:
        _write(z, state, lane, results.spectra[place, rules.output[segment]], layout)
    segment += 1
    if segment == rules.length.shape[0]:
        results.done[place] = 1
        lanes.row[lane], lanes.phase[lane] = -1, IDLE
        return
    _copy_lane(z, state, layout.origin, layout.size, lane)
    _restart(lane, lanes)
    lanes.segment[lane], lanes.phase[lane] = segment, FIND
    if not rules.adaptive:
        lanes.substeps[lane] = rules.planned[row if rules.planned.shape[0] > 1 else 0, segment]
        return
    before, length = rules.length[segment - 1], rules.length[segment]
    if abs(before - length) <= 1e-9 * max(before, length):
        lanes.substeps[lane] = next_substeps(m, error / rules.tolerance[row])
    else:
        lanes.substeps[lane] = on_ladder(math.ceil(m * length / before))


@jitted
def _watch(z: Any, lanes: Lanes, layout: Layout) -> None:
    """Take note of the estimates of a step; what is no number stays so."""
    for lane in range(LANES):
        before, now = lanes.error[lane], z[layout.scratch * LANES + lane]
        if before == before and not now <= before:
            lanes.error[lane] = now
        if math.isfinite(lanes.error[lane]):
            lanes.finite[lane] += 1


def _compiled(sources: int) -> Callable[..., tuple[int, int]]:
    def advance(
        z: Any,
        places: Any,
        flux: Flux,
        layout: Layout,
        method: Method,
        tables: Transform,
        rows: Rows,
        rules: Rules,
        made: Tables,
        results: Results,
        lanes: Lanes,
    ) -> Any:
        # The number has no other use than to be part of what the compiled function is kept under.
        while sources >= 0:
            why, where = _settle(z, places, flux, layout, method, tables, rows, rules, made, results, lanes)
            if why != DONE:
                return why, where
            left = 0
            for lane in range(LANES):
                if lanes.phase[lane] == RUN:
                    n = lanes.substeps[lane] - lanes.done[lane]
                    left = n if left == 0 else min(n, left)
            if left == 0:
                break
            if lanes.shared[1] == 1:
                evaluate(z, places[method.stages + 1], places[0], flux, layout, tables)
                lanes.shared[1] = 0
            for _ in range(left):
                advance_one(z, rules.adaptive, places, flux, layout, method, tables)
                if rules.adaptive:
                    _watch(z, lanes, layout)
            state = places[method.stages + 1]
            norms(z, state, rules.tail_mode, layout)
            for lane in range(LANES):
                if lanes.phase[lane] == RUN:
                    lanes.done[lane] += left
                    if lanes.done[lane] == lanes.substeps[lane]:
                        _judge(z, lane, state, rows, rules, results, lanes, layout)
        return DONE, -1

    return cached(advance)


advance = _compiled(SOURCES)
"""Run the lanes until all rows are done or the caller is needed: (why, lane)."""
