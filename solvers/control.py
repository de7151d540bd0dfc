"""What an integration is asked to keep to: steps, tolerances, grids."""

import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from pdesym.solvers.grid import Grid

# Numbers of substeps that grow by about √2, a factor 4 in the error of a fourth-order method.
LADDER = tuple(sorted({math.ceil(2 ** (k / 2)) for k in range(24)}))
_REFINEMENTS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
# No segment is longer than this share of the horizon: step, spectrum and finiteness are judged at its end.
_LONGEST_SHARE = 1 / 32
# With the most substeps a smaller error than this is no blow-up, merely more than was asked for.
_ROUGH = 1e-2
_REMEDY = "shorten the horizon, or check the signs of the equation and the size of its initial condition"


@dataclass(frozen=True)
class Stage:
    """One grid on which an integration may run; `padded` takes products on a finer one."""

    grid: Grid
    padded: bool


@dataclass(frozen=True)
class Segment:
    """A stretch of time with equal steps; `output` is the index of the output at its end, or None."""

    start: float
    length: float
    output: int | None


@dataclass(frozen=True)
class Past:
    """The segment a row has just completed: its substeps, its largest error estimate, its duration."""

    substeps: int
    error: float
    length: float


# The next four functions take and give plain numbers: they are also compiled for the row kernel.


def on_ladder(m: int | float) -> int:
    """The smallest rung of the ladder that is at least m, or the last."""
    for rung in LADDER:
        if rung >= m:
            return rung
    return LADDER[-1]


def rung_below(m: int) -> int:
    """The rung below m, or the first."""
    result = LADDER[0]
    for rung in LADDER:
        if rung >= m:
            return result
        result = rung
    return result


def next_substeps(m: int, ratio: int | float) -> int:
    """Substeps after a segment of m whose error was `ratio` times the tolerance: one rung up or down where far off."""
    if ratio > 0.6:
        return on_ladder(m * 1.2)
    if ratio < 0.08:
        return rung_below(m)
    return m


def repeated_substeps(m: int, error: int | float, tolerance: int | float, order: int) -> int:
    """Substeps to repeat a segment of m with, m when its error is accepted, 0 when there is no hope."""
    if error <= tolerance or (m == LADDER[-1] and error < _ROUGH):
        return m
    if m == LADDER[-1]:
        return 0
    growth = 8.0
    if math.isfinite(error):
        growth = min(8.0, max(1.3, 1.1 * (error / tolerance) ** (1.0 / order)))
    return on_ladder(math.ceil(m * growth))


@dataclass(frozen=True)
class Adaptive:
    """Steps by the embedded estimate.

    Attributes:
        tolerance: for each row the largest estimated error of one step, relative to the norm of the state.
        tail: largest share of the norm in the last third of the spectrum; above it the grid is refined.
        order: the estimate is of this order in the step.
    """

    tolerance: tuple[float, ...]
    tail: float
    order: int = 4
    estimates: ClassVar[bool] = True
    remedy: ClassVar[str] = _REMEDY

    def substeps(self, row: int, index: int, segment: Segment, past: Past | None) -> int:
        """Substeps of the next segment."""
        if past is None:
            return LADDER[1]
        # Output times in float32 make lengths that differ by rounding: were they scaled, each would climb a rung.
        if not math.isclose(past.length, segment.length, rel_tol=0.05):
            return on_ladder(math.ceil(past.substeps * segment.length / past.length))
        return next_substeps(past.substeps, past.error / self.tolerance[row])

    def knots(self, duration: float, longest: float) -> tuple[float, ...]:
        """Where a stretch between outputs is cut: equal pieces."""
        return _equal_pieces(duration, longest)

    def retry(self, row: int, m: int, error: float) -> int | None:
        """Substeps to repeat a segment with, the same number when it is accepted, None when there is no hope."""
        return repeated_substeps(m, error, self.tolerance[row], self.order) or None

    def stages(self, grid: Grid) -> tuple[Stage, ...]:
        """The grid, ever finer ones, and at the finest padded products."""
        return _finer_grids(grid)


@dataclass(frozen=True)
class Replayed:
    """A multiple of the steps that another integration took in each segment of each row; no control of its own.

    Attributes:
        taken: the steps of the other integration.
        factors: for each row what to multiply them by.
        tail: as in `Adaptive`.
    """

    taken: tuple[tuple[int, ...], ...]
    factors: tuple[Fraction, ...]
    tail: float
    estimates: ClassVar[bool] = False
    remedy: ClassVar[str] = _REMEDY

    def substeps(self, row: int, index: int, segment: Segment, past: Past | None) -> int:
        """The multiple of what was taken."""
        factor = self.factors[row]
        # Whole numbers: millions of segments are replayed.
        return -(-self.taken[row][index] * factor.numerator // factor.denominator)

    def planned(self, rows: Sequence[int], segments: Sequence[Segment]) -> NDArray[np.int64]:
        """`substeps` of these rows in all segments, `(rows, segments)`."""
        taken = np.array([self.taken[row] for row in rows], dtype=np.int64)
        factors = [self.factors[row] for row in rows]
        numerators = np.array([[factor.numerator] for factor in factors])
        result: NDArray[np.int64] = -(-taken * numerators // np.array([[factor.denominator] for factor in factors]))
        return result

    def knots(self, duration: float, longest: float) -> tuple[float, ...]:
        """As in `Adaptive`."""
        return _equal_pieces(duration, longest)

    def retry(self, row: int, m: int, error: float) -> int | None:
        """Whatever is finite is accepted; what is not is repeated with twice the steps."""
        if math.isfinite(error):
            return m
        return 2 * m if m < LADDER[-1] else None

    def stages(self, grid: Grid) -> tuple[Stage, ...]:
        """As in `Adaptive`."""
        return _finer_grids(grid)


@dataclass(frozen=True)
class Fixed:
    """Equal steps of at most `dt` between outputs, on the grid as it is.

    Products are padded from the moment that the tail of the spectrum passes `tail`, or from the beginning where only
    `modes` waves along each axis are kept.
    """

    dt: float
    tail: float
    modes: int | None = None
    estimates: ClassVar[bool] = False

    @property
    def remedy(self) -> str:
        """What to do when a solution blows up."""
        return f"take a step below dt = {self.dt:g}, or ask for rtol instead of dt"

    def substeps(self, row: int, index: int, segment: Segment, past: Past | None) -> int:
        """As many as `dt` needs."""
        return self._steps(segment.length)

    def planned(self, rows: Sequence[int], segments: Sequence[Segment]) -> NDArray[np.int64]:
        """`substeps` of all rows in all segments, `(1, segments)`."""
        return np.array([[self._steps(segment.length) for segment in segments]], dtype=np.int64)

    def knots(self, duration: float, longest: float) -> tuple[float, ...]:
        """Where a stretch between outputs is cut: pieces of whole steps, which stay equal over all of it."""
        steps = self._steps(duration)
        each = max(1, math.floor(steps * longest / duration * (1 + 1e-12)))
        return (*(duration * (j / steps) for j in range(each, steps, each)), duration)

    def _steps(self, duration: float) -> int:
        return max(1, math.ceil(duration / self.dt * (1 - 1e-12)))

    def retry(self, row: int, m: int, error: float) -> int | None:
        """Whatever is finite is accepted."""
        return m if math.isfinite(error) else None

    def stages(self, grid: Grid) -> tuple[Stage, ...]:
        """The grid, then the same with padded products; or one that holds the modes, with such products."""
        if self.modes is not None:
            return (Stage(grid.refined([2 * self.modes + 2] * grid.dims), padded=True),)
        return (Stage(grid, padded=False), Stage(grid, padded=True))


Control = Adaptive | Replayed | Fixed


def plan(start: float, times: Sequence[float], control: Control) -> tuple[Segment, ...]:
    """Segments between outputs, none longer than a share of the horizon."""
    longest = _LONGEST_SHARE * (times[-1] - start)
    # Equal lengths shall be equal numbers, so that their coefficients are computed once.
    slack = 8 * sys.float_info.epsilon * max(abs(start), abs(times[-1]))
    lengths: list[float] = []
    segments: list[Segment] = []
    left = start
    for index, right in enumerate(times):
        if right == left:
            continue
        before = 0.0
        knots = control.knots(right - left, longest)
        for knot in knots:
            length = _known(knot - before, lengths, slack)
            segments.append(Segment(left + before, length, index if knot == knots[-1] else None))
            before = knot
        left = right
    return tuple(segments)


def _known(length: float, lengths: list[float], slack: float) -> float:
    """The length met before that equals this one up to `slack`, or this one, inserted in the sorted list."""
    place = bisect_left(lengths, length)
    for other in lengths[max(0, place - 1) : place + 1]:
        if abs(other - length) <= slack:
            return other
    lengths.insert(place, length)
    return length


def _equal_pieces(duration: float, longest: float) -> tuple[float, ...]:
    pieces = max(1, math.ceil(duration / longest - 1e-9))
    return tuple(duration * (i / pieces) for i in range(1, pieces + 1))


def finest_grid(grid: Grid) -> Grid:
    """The grid beyond which none is refined."""
    return _finer_grids(grid)[-1].grid


def _finer_grids(grid: Grid) -> tuple[Stage, ...]:
    grids = [
        grid.refined([int(next_fast_len(math.ceil(n * f / 2) * 2, real=True)) if f > 1 else n for n in grid.points])
        for f in _REFINEMENTS
    ]
    return (*(Stage(each, padded=False) for each in grids), Stage(grids[-1], padded=True))
