"""Telling a solution that blows up from one whose steps or grid are too coarse."""

from collections.abc import Sequence

from pdesym.solvers.control import Segment
from pdesym.solvers.integration import BlowUpError

# A solution that ceases to be finite at the same time, to this share, whatever the step and the grid, is singular.
_SAME_TIME = 0.05


class Singularities:
    """The times at which samples ceased to be finite on one grid.

    Args:
        segments: of the integration.
        on_coarser_grid: times at which samples failed on the grid before.
        is_last: whether no finer grid is left.
        remedy: what to say to do about a blow-up.
    """

    def __init__(self, segments: Sequence[Segment], on_coarser_grid: dict[int, float], is_last: bool, remedy: str):
        self._segments, self._on_coarser_grid = segments, on_coarser_grid
        self._is_last, self._remedy = is_last, remedy
        # By sample: the segment, its first number of steps, and how far into it the last attempt was finite.
        self._failures: dict[int, tuple[int, int, float]] = {}

    def repeats(self, sample: int, segment: int, substeps: int, finite: int | float) -> bool:
        """Whether a sample, finite for so many steps, failed when it did with longer ones: no step is short enough."""
        reached = finite * (self._segments[segment].length / substeps)
        before = self._in(segment, sample)
        self._failures[sample] = (segment, substeps if before is None else before[1], reached)
        return before is not None and abs(reached - before[2]) <= _SAME_TIME * max(reached, before[2])

    def leaves(self, sample: int, segment: int, substeps: int) -> tuple[float, int]:
        """For a sample without hope on this grid the time of its failure, and the steps to enter the next grid with.

        Raises:
            BlowUpError: when this is the last grid, or the grid before failed at the same time.
        """
        failure = self._in(segment, sample)
        first, reached = (substeps, 0.0) if failure is None else failure[1:]
        time, length = self._segments[segment].start + reached, self._segments[segment].length
        if self._is_last or abs(time - self._on_coarser_grid.get(sample, float("inf"))) <= _SAME_TIME * length:
            raise BlowUpError(sample, time, self._remedy)
        return time, first

    def _in(self, segment: int, sample: int) -> tuple[int, int, float] | None:
        """The last failure of a sample in this segment; one in an earlier segment has been overcome."""
        failure = self._failures.get(sample)
        return failure if failure is not None and failure[0] == segment else None
