"""The cheapest fixed step of a tool that reaches an error in every sample, found once and kept with its evidence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from speed.clock import cpu
from speed.problems import Problem, errors

# Samples on which candidates are screened: those that are hardest with a step so many times as long as the first.
HARD = 12
COARSE = 3
# The order that the first guess of a step assumes; every number that is kept was measured.
ORDER = 4
# The answer is cheapest to this share of the number of steps.
RESOLUTION = 0.02
# More steps that leave more than this share of an error meet that of the grid.
FLAT = 0.99
# No candidate is given more than this many times the work of the best so far.
CLEARLY = 1.15

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Candidate:
    """One way to run a tool: what is written into the record, and how to build it with m steps between frames."""

    label: dict[str, Any]
    points: int
    build: Callable[[int], Run]


class Search:
    """Looks for the least CPU time with which the worst error over all samples of a problem is at most its bar.

    Args:
        problem: with its bar.
        truth: `(samples, frames, 1, *points)`.
        say: takes a line of progress.

    Attributes:
        measured: every run, as it goes into the record.
    """

    def __init__(self, problem: Problem, truth: Tensor, say: Callable[[str], None]):
        self.problem, self.truth, self.say = problem, truth, say
        self.measured: list[dict[str, Any]] = []

    def cheapest(self, candidates: Sequence[Candidate], start: int, most: int) -> dict[str, Any]:
        """The record of the winner.

        For each candidate the least number of steps is found by secants on the hard samples; then all samples are
        run, with more steps while one of them misses the bar.

        Args:
            candidates: the likeliest first; none is given clearly more work than the best so far.
            start: steps between frames to begin with.
            most: no more steps than this.

        Raises:
            RuntimeError: when no candidate reaches the bar.
        """
        everything = list(range(self.problem.samples))
        _, error = self._measure(candidates[0], max(1, start // COARSE), everything)
        hard = error.argsort(descending=True)[:HARD].tolist()
        best: dict[str, Any] | None = None
        for candidate in candidates:
            limit = most
            if best is not None:
                work = self._work(best["points"], best["steps"]) / self._work(candidate.points, 1)
                limit = min(most, math.floor(CLEARLY * work))
            m = self._least_steps(candidate, hard, min(start, limit), limit) if limit else None
            while m is not None and m <= limit:
                record, error = self._measure(candidate, m, everything)
                if error.max() <= self.problem.bar:
                    if best is None or record["cpu_seconds"] < best["cpu_seconds"]:
                        best, start = record, m
                    break
                m = max(m + 1, round(m * (1 + RESOLUTION)))
        if best is None:
            raise RuntimeError(f"No candidate reaches {self.problem.bar:g} for {self.problem.name} with {most} steps.")
        return best

    def _work(self, points: int, steps: int) -> float:
        size = points**self.problem.grid.dims
        return steps * size * math.log2(size)

    def _measure(self, candidate: Candidate, m: int, rows: list[int]) -> tuple[dict[str, Any], Tensor]:
        u0, run = self.problem.initial(candidate.points)[rows], candidate.build(m)
        if len(rows) == self.problem.samples:
            run(u0[: candidate.label["chunk"]])
        seconds, u = cpu(lambda: run(u0))
        error = errors(u, self.truth[rows])
        record = {
            **candidate.label,
            "points": candidate.points,
            "steps": m,
            "samples": len(rows),
            "cpu_seconds": seconds,
            "error_median": float(error.median()),
            "error_worst": float(error.max()),
        }
        self.measured.append(record)
        self.say(
            f"{self.problem.name}: {candidate.points} points, dealiasing {candidate.label['dealiasing']}, {m} steps, "
            f"{len(rows)} samples: worst {record['error_worst']:.2e} in {seconds:.2f} CPU-s"
        )
        return record, error

    def _least_steps(self, candidate: Candidate, hard: list[int], start: int, most: int) -> int | None:
        """The least m, to a share RESOLUTION, with which the hard samples reach the bar; None when no m does."""
        low, floor, high = 0, math.inf, None
        m = start
        while True:
            worst = float(self._measure(candidate, m, hard)[1].max())
            if worst <= self.problem.bar:
                high = m
            else:
                # The grid's own error, which no step lowers.
                if high is None and m > low > 0 and worst > FLAT * floor:
                    return None
                low, floor = max(low, m), min(worst, floor)
            if high is not None and high - low <= max(1, RESOLUTION * high):
                return high
            if high is None and low >= most:
                return None
            m = round(m * (worst / self.problem.bar) ** (1 / ORDER) * (1 + RESOLUTION / 2)) if worst < 1 else 2 * m
            if high is not None and not low < m < high:
                m = (low + high) // 2
            m = min(max(m, low + max(1, round(low * RESOLUTION))), most)
