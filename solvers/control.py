"""What an integration is asked to keep to: steps, tolerances, grids."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scipy.fft import next_fast_len

from pdesym.solvers.grid import Grid

# Even numbers of substeps that grow by about √2, a factor 4 in the error of a fourth-order method.
LADDER = tuple(sorted({2 * math.ceil(2 ** (k / 2)) for k in range(27)}))
_REFINEMENTS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True)
class Stage:
    """One grid on which an integration may run; `padded` takes products on a finer one."""

    grid: Grid
    padded: bool


@dataclass(frozen=True)
class Segment:
    """A stretch of time with equal steps; `output` is the index of the output at its end, or None."""

    start: float
    end: float
    output: int | None

    @property
    def length(self) -> float:
        """Duration."""
        return self.end - self.start


@dataclass(frozen=True)
class Past:
    """The segment a row has just completed: its substeps, its largest error estimate, its duration."""

    substeps: int
    error: float
    length: float


@dataclass(frozen=True)
class Adaptive:
    """Steps by the embedded estimate, always an even number of them in a segment so that `Replayed` can halve it.

    Attributes:
        tolerance: for each row the largest estimated error of one step, relative to the norm of the state.
        tail: largest share of the norm in the last third of the spectrum; above it the grid is refined.
    """

    tolerance: tuple[float, ...]
    tail: float
    estimates: ClassVar[bool] = True
    longest_share: ClassVar[float] = 1 / 32
    remedy: ClassVar[str] = "shorten the horizon"

    def substeps(self, row: int, index: int, segment: Segment, past: Past | None) -> int:
        """Substeps of the next segment: one rung up or down the ladder where the last error was near or far."""
        if past is None:
            return LADDER[1]
        m = past.substeps
        if not math.isclose(past.length, segment.length, rel_tol=1e-9):
            return _on_ladder(m * segment.length / past.length)
        ratio = past.error / self.tolerance[row]
        if ratio > 0.6:
            return _on_ladder(m * 1.2)
        if ratio < 0.08:
            return LADDER[max(0, bisect_left(LADDER, m) - 1)]
        return m

    def retry(self, row: int, m: int, error: float) -> int | None:
        """Substeps to repeat a segment with, the same number when it is accepted, None when there is no hope."""
        if error <= self.tolerance[row]:
            return m
        growth = 8.0 if not math.isfinite(error) else min(8.0, max(1.3, 1.1 * (error / self.tolerance[row]) ** 0.25))
        return _on_ladder(m * growth) if m < LADDER[-1] else None

    def stages(self, grid: Grid) -> tuple[Stage, ...]:
        """The grid, ever finer ones, and at the finest padded products."""
        return _finer_grids(grid)


@dataclass(frozen=True)
class Replayed:
    """Half as many steps as another integration took in each segment of each row; no error control of its own."""

    taken: tuple[tuple[int, ...], ...]
    tail: float
    estimates: ClassVar[bool] = False
    longest_share: ClassVar[float] = 1 / 32
    remedy: ClassVar[str] = "shorten the horizon"

    def substeps(self, row: int, index: int, segment: Segment, past: Past | None) -> int:
        """Half of what was taken."""
        return max(1, self.taken[row][index] // 2)

    def retry(self, row: int, m: int, error: float) -> int | None:
        """Whatever is finite is accepted; what is not is repeated with the steps of the other integration."""
        if math.isfinite(error):
            return m
        return 2 * m if m < LADDER[-1] else None

    def stages(self, grid: Grid) -> tuple[Stage, ...]:
        """As in `Adaptive`."""
        return _finer_grids(grid)


@dataclass(frozen=True)
class Fixed:
    """Equal steps of at most `dt` between outputs, on the grid as it is.

    Products are padded from the moment that the tail of the spectrum passes `tail`.
    """

    dt: float
    tail: float
    estimates: ClassVar[bool] = False
    longest_share: ClassVar[float] = math.inf

    @property
    def remedy(self) -> str:
        """What to do when a solution blows up."""
        return f"take a step below dt = {self.dt:g} or ask for rtol instead"

    def substeps(self, row: int, index: int, segment: Segment, past: Past | None) -> int:
        """As many as `dt` needs."""
        return max(1, math.ceil(segment.length / self.dt * (1 - 1e-12)))

    def retry(self, row: int, m: int, error: float) -> int | None:
        """Whatever is finite is accepted."""
        return m if math.isfinite(error) else None

    def stages(self, grid: Grid) -> tuple[Stage, ...]:
        """The grid, then the same with padded products."""
        return (Stage(grid, padded=False), Stage(grid, padded=True))


Control = Adaptive | Replayed | Fixed


def plan(start: float, times: Sequence[float], control: Control) -> tuple[Segment, ...]:
    """Segments between outputs, none longer than the control's share of the horizon."""
    longest = control.longest_share * (times[-1] - start) if times[-1] > start else math.inf
    segments: list[Segment] = []
    left = start
    for index, right in enumerate(times):
        if right == left:
            continue
        pieces = max(1, math.ceil((right - left) / longest - 1e-9))
        knots = [left + (right - left) * i / pieces for i in range(pieces)] + [right]
        last = len(knots) - 2
        segments += [Segment(knots[i], knots[i + 1], index if i == last else None) for i in range(pieces)]
        left = right
    return tuple(segments)


def _finer_grids(grid: Grid) -> tuple[Stage, ...]:
    grids = [
        grid.refined([int(next_fast_len(math.ceil(n * f / 2) * 2, real=True)) if f > 1 else n for n in grid.points])
        for f in _REFINEMENTS
    ]
    return (*(Stage(each, padded=False) for each in grids), Stage(grids[-1], padded=True))


def _on_ladder(m: float) -> int:
    return LADDER[min(bisect_left(LADDER, math.ceil(m)), len(LADDER) - 1)]
