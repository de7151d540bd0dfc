"""The time loop on one grid: a batch of samples, each with its own step."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pdesym.solvers.control import Adaptive, Control, Past, on_ladder, plan
from pdesym.solvers.finite_differences.implicit import Factorised
from pdesym.solvers.finite_differences.system import FiniteDifferenceSystem
from pdesym.solvers.finite_differences.tableaus import Tableau
from pdesym.solvers.singularities import Singularities

# After so many steps it is looked whether all samples are still finite.
_LOOK = 8
# The explicit pair is stable for h·λ in a half disc of about this radius.
_STABLE = 3.2


@dataclass(frozen=True)
class March:
    """Solutions `(batch, outputs, fields, *points)`, the steps each sample took, and how many in each segment."""

    u: Tensor
    steps: Tensor
    taken: tuple[tuple[int, ...], ...]


@torch.no_grad()
def march(
    system: FiniteDifferenceSystem,
    u0: Tensor,
    start: float,
    times: tuple[float, ...],
    control: Control,
    tableau: Tableau,
) -> March:
    """Solve for every sample of a batch.

    Args:
        system: what to solve.
        u0: `(batch, fields, *points)` at time `start`.
        start: initial time.
        times: increasing output times, none before `start`.
        control: fixed or adaptive steps.
        tableau: the method.

    Raises:
        BlowUpError: when a sample ceases to be finite.
    """
    return _March(system, u0, start, times, control, tableau).run()


class _March:
    def __init__(
        self,
        system: FiniteDifferenceSystem,
        u0: Tensor,
        start: float,
        times: tuple[float, ...],
        control: Control,
        tableau: Tableau,
    ):
        self.all_rows, self.control, self.tableau = system, control, tableau
        batch, self.device = len(u0), u0.device
        self.segments = plan(start, times, control)
        self.out = torch.zeros(batch, len(times), *u0.shape[1:], dtype=torch.float64, device=self.device)
        self.steps = torch.zeros(batch, dtype=torch.int64)
        self.taken: list[list[int]] = [[] for _ in range(batch)]
        first = system.impose(u0.double().clone(), torch.tensor(start, dtype=torch.float64, device=self.device))
        if times[0] == start:
            self.out[:, 0] = first
        self.ids = list(range(batch)) if self.segments else []
        self.segment, self.done = [0] * len(self.ids), [0] * len(self.ids)
        self.u, self.u0 = first.clone(), first
        self.substeps = [self._at_least(control.substeps(row, 0, self.segments[0], None), 0) for row in self.ids]
        self.error = torch.zeros(batch, dtype=torch.float64, device=self.device)
        # The largest error of a step in this segment as a share of the state, and the steps before it passed 1.
        self.rough, self.sound = torch.zeros_like(self.error), torch.zeros_like(self.error)
        self.singularities = Singularities(self.segments, {}, True, control.remedy)
        self.factorised = Factorised(system.matrices(), self.device) if tableau.implicit else None

    def _at_least(self, m: int, segment: int) -> int:
        """Enough substeps for the linear part to be stable, where steps are chosen."""
        if self.tableau.implicit or not isinstance(self.control, Adaptive):
            return m
        least = self.all_rows.stability.radius * self.segments[segment].length / _STABLE
        return max(m, on_ladder(math.ceil(least)))

    def run(self) -> March:
        if self.ids:
            self._select()
        while self.ids:
            left = [m - j for j, m in zip(self.done, self.substeps, strict=True)]
            count = min([_LOOK, *left])
            for _ in range(count):
                self._step()
            lost = (~self._finite()).tolist()
            ended = [i for i, n in enumerate(left) if n == count or lost[i]]
            if ended:
                self._judge(ended)
        return March(self.out, self.steps, tuple(map(tuple, self.taken)))

    def _finite(self) -> Tensor:
        """Which rows are."""
        return torch.isfinite(self.error if self.control.estimates else _norm(self.u))

    def _select(self) -> None:
        self.system = self.all_rows.select(torch.tensor(self.ids, device=self.device))
        self._evaluate()

    def _evaluate(self) -> None:
        """The right-hand side at the current states, where it did not come out of a step."""
        t = self._time(0.0)
        self.first = self._slope(self.u, t)

    def _slope(self, u: Tensor, t: Tensor) -> tuple[Tensor, ...]:
        """u', or its parts (A u + b, N) for an implicit method."""
        if not self.tableau.implicit:
            return (self.system.rhs(u, t),)
        return self.system.linear(u, t), self.system.remainder(u, t)

    def _h(self, i: int) -> float:
        return self.segments[self.segment[i]].length / self.substeps[i]

    def _time(self, node: float) -> Tensor:
        times = [
            self.segments[s].start + (j + node) * self._h(i)
            for i, (s, j) in enumerate(zip(self.segment, self.done, strict=True))
        ]
        return torch.tensor(times, dtype=torch.float64, device=self.device)

    def _step(self) -> None:
        tableau, u = self.tableau, self.u
        sizes = [self._h(i) for i in range(len(self.ids))]
        h = torch.tensor(sizes, dtype=torch.float64, device=self.device).reshape(-1, *(1,) * (u.ndim - 1))
        slopes = [self.first]
        for i in range(1, len(tableau.nodes)):
            t = self._time(tableau.nodes[i])
            slopes.append(self._stage(i, slopes, h, sizes, t))
        total = _combined(tableau.weights, [sum(each[1:], each[0]) for each in slopes])
        assert total is not None, "a method has weights"
        t = self._time(1.0)
        new = self.system.impose(u + h * total, t)
        self.u = new
        last = self._slope(new, t)
        if self.control.estimates:
            slopes.append(last)
            error = _combined(tableau.estimate, [sum(each[1:], each[0]) for each in slopes])
            assert error is not None, "a method has an estimate"
            size = _norm(h * error)
            self.error = torch.maximum(self.error, size)
            self.rough = torch.maximum(self.rough, size / _norm(new).clamp_min(torch.finfo(torch.float64).tiny))
            self.sound += self.rough <= 1
        self.first = last
        self.done = [j + 1 for j in self.done]

    def _stage(
        self, i: int, slopes: list[tuple[Tensor, ...]], h: Tensor, sizes: list[float], t: Tensor
    ) -> tuple[Tensor, ...]:
        tableau = self.tableau
        total = _combined(tableau.explicit[i], [each[-1] for each in slopes])
        if not tableau.implicit:
            value = self.u if total is None else torch.addcmul(self.u, h, total)
            return (self.system.rhs(self.system.impose(value, t), t),)
        linear = _combined(tableau.implicit[i][:i], [each[0] for each in slopes])
        assert total is not None, "every stage uses the ones before"
        assert linear is not None, "every stage uses the ones before"
        known = self.system.impose(self.u + h * (total + linear), t)
        gamma = tableau.implicit[i][i]
        assert self.factorised is not None, "implicit methods have a factorisation"
        forced = torch.addcmul(known, h * gamma, self.system.forcing(known, t))
        value = self.factorised(forced, [gamma * size for size in sizes], self.ids)
        return (value - known) / (h * gamma), self.system.remainder(value, t)

    def _judge(self, ended: list[int]) -> None:
        """Accept or repeat the segments that ended."""
        norms = _norm(self.u[ended])
        if self.control.estimates:
            errors = (self.error[ended] / norms.clamp_min(torch.finfo(torch.float64).tiny)).tolist()
        else:
            errors = torch.where(torch.isfinite(norms), 0.0, math.inf).tolist()
        accepted, repeated = [], []
        for i, error in zip(ended, errors, strict=True):
            row, m = self.ids[i], self.substeps[i]
            self.steps[row] += self.done[i]
            # A norm that is no number compares as false everywhere.
            retry = self.control.retry(row, m, error if math.isfinite(error) else math.inf)
            if retry is None or (not math.isfinite(error) and self._is_singular(i)):
                self.singularities.leaves(row, self.segment[i], m)
            assert retry is not None, "what has no hope is raised"
            self.done[i] = 0
            if retry != m:
                self.substeps[i] = retry
                repeated.append(i)
                continue
            accepted.append(i)
            self.taken[row].append(m)
            segment = self.segments[self.segment[i]]
            if segment.output is not None:
                self.out[row, segment.output] = self.u[i]
            self.segment[i] += 1
            if self.segment[i] < len(self.segments):
                past = Past(m, error, segment.length)
                chosen = self.control.substeps(row, self.segment[i], self.segments[self.segment[i]], past)
                self.substeps[i] = self._at_least(chosen, self.segment[i])
        self.error[ended] = self.rough[ended] = self.sound[ended] = 0.0
        if accepted:
            self.u0[accepted] = self.u[accepted]
        if repeated:
            self.u[repeated] = self.u0[repeated]
        leaving = {i for i in accepted if self.segment[i] == len(self.segments)}
        if leaving:
            keep = [i for i in range(len(self.ids)) if i not in leaving]
            for name in ("ids", "segment", "substeps", "done"):
                setattr(self, name, [getattr(self, name)[i] for i in keep])
            for name in ("u", "u0", "error", "rough", "sound"):
                setattr(self, name, getattr(self, name)[keep])
            if keep:
                self._select()
        elif repeated:
            self._evaluate()

    def _is_singular(self, i: int) -> bool:
        """Whether a row that ceased to be finite did so at the same time with longer steps.

        The time is that of the first step whose error is larger than the state: numbers overflow some steps later. A
        row that fails in its very first step says nothing of when.
        """
        sound = int(self.sound[i])
        return sound > 0 and self.singularities.repeats(self.ids[i], self.segment[i], self.substeps[i], sound)


def _combined(weights: tuple[float, ...], parts: list[Tensor]) -> Tensor | None:
    """Σ_j weights_j parts_j."""
    result: Tensor | None = None
    for weight, part in zip(weights, parts, strict=False):
        if weight:
            result = part * weight if result is None else result.add_(part, alpha=weight)
    return result


def _norm(u: Tensor) -> Tensor:
    result: Tensor = torch.linalg.vector_norm(u.flatten(1), dim=1)
    return result
