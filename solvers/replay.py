"""The steps that an integration took, taken once more by operations that torch can differentiate."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pdesym.solvers.control import Control, Segment, Stage, plan
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integrate import sharp_rows, transform
from pdesym.solvers.integration import Integration
from pdesym.solvers.sampling import sampled
from pdesym.solvers.spectral import nyquist_mask
from pdesym.solvers.spectrum import interpolated, resize
from pdesym.solvers.steppers import Stepper, step
from pdesym.solvers.system import SpectralSystem

FIELDS, SHARP_FIELDS = -1, -2
"""In place of a stage: the initial fields, and those whose Nyquist modes need a finer grid."""

# So many values of the fields go along together: on a CPU they stay in cache, on a GPU their graph in memory.
_VALUES_ON_A_CPU, _VALUES_ON_A_GPU = 64 * 256, 2**22


@dataclass(frozen=True)
class Group:
    """Samples that go through a segment alike.

    Attributes:
        rows: which.
        origin: the stage, or kind of fields, that they come from.
        stage: the stage whose grid they are on.
        steps: how many they take.
    """

    rows: tuple[int, ...]
    origin: int
    stage: int
    steps: int


@dataclass(frozen=True)
class Course:
    """Which steps were taken on which grids, by groups of samples for each segment."""

    grid: Grid
    stepper: Stepper
    start: float
    outputs: int
    starts_with_output: bool
    segments: tuple[Segment, ...]
    stages: tuple[Stage, ...]
    groups: tuple[tuple[Group, ...], ...]


def course_of(
    run: Integration,
    u0: Tensor,
    grid: Grid,
    start: float,
    times: tuple[float, ...],
    control: Control,
    stepper: Stepper,
) -> Course:
    """The course of an integration with these arguments.

    `control` is one that plans the segments and the grids as that of the integration did, with the same `tail`.
    """
    segments, stages = plan(start, times, control), control.stages(grid)
    beyond_first = any(taken[0] > 0 for taken in run.stages if taken)
    is_sharp = sharp_rows(u0, grid, stages[1].grid, control.tail) if beyond_first else [False] * len(u0)
    groups = []
    for index in range(len(segments)):
        alike: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        for row, (taken, used) in enumerate(zip(run.taken, run.stages, strict=True)):
            entry = SHARP_FIELDS if is_sharp[row] else FIELDS
            alike[used[index - 1] if index else entry, used[index], taken[index]].append(row)
        most = max(1, _values_at_once(u0.device) // u0[0].numel())
        groups.append(tuple(Group(part, *key) for key, rows in alike.items() for part in _parts(rows, most)))
    return Course(grid, stepper, start, len(times), times[0] == start, segments, stages, tuple(groups))


def _values_at_once(device: torch.device) -> int:
    return _VALUES_ON_A_CPU if device.type == "cpu" else _VALUES_ON_A_GPU


def _parts(rows: list[int], most: int) -> Iterator[tuple[int, ...]]:
    for first in range(0, len(rows), most):
        yield tuple(rows[first : first + most])


class Replay:
    """An equation along a course. Derivatives with respect to its parameters and to the stretch pass through.

    Args:
        course: which steps to take.
        equation: for all samples.
        stretch: as in `SpectralSystem`.
        device: where the samples live.
        shared: parameters and stretches have one row for all samples, so that none are selected.
    """

    def __init__(
        self,
        course: Course,
        equation: Equation,
        stretch: Tensor | None,
        device: torch.device,
        shared: bool = False,
    ):
        self.course, self.device, self.shared = course, device, shared
        self._equation, self._stretch = equation, stretch
        self._systems: dict[int, SpectralSystem] = {}
        self._zero = torch.zeros((), dtype=torch.float64, device=device)

    def whole(self, stage: int) -> SpectralSystem:
        """The equation of all samples on the grid of a stage."""
        if stage not in self._systems:
            chosen = self.course.stages[stage]
            self._systems[stage] = SpectralSystem(
                self._equation, chosen.grid, chosen.padded, self.device, stretch=self._stretch
            )
        return self._systems[stage]

    def system(self, stage: int, rows: Sequence[int], segment: Segment | None) -> SpectralSystem:
        """The equation of some samples on the grid of a stage, frozen in the middle of the segment if there is one."""
        system = self.whole(stage)
        if not self.shared:
            system = system.select(torch.tensor(rows, device=self.device))
        if segment is not None and system.explicit_linear:
            system = system.frozen_at(self.time(segment.start + 0.5 * segment.length))
        return system

    def entered(self, value: Tensor, group: Group) -> Tensor:
        """The spectra on the grid of a group, of what its samples come with."""
        first, mine = self.course.grid.points, self.course.stages[group.stage].grid.points
        if group.origin == SHARP_FIELDS:
            second = self.course.stages[1].grid.points
            return resize(interpolated(transform(value, len(first)), first, second), second, mine)
        if group.origin == FIELDS:
            return resize(self.to_spectrum(value), first, mine)
        return resize(value, self.course.stages[group.origin].grid.points, mine)

    def to_spectrum(self, u: Tensor) -> Tensor:
        """Spectra of fields on the first grid, Nyquist modes removed."""
        points = self.course.grid.points
        return transform(u, len(points)) * nyquist_mask(self.course.grid, self.device)

    def sampled(self, v: Tensor, group: Group) -> Tensor:
        """The fields of a group's spectra on the grid of the outputs."""
        return sampled(v, self.course.stages[group.stage].grid.points, self.course.grid.points)

    def times(self, system: SpectralSystem, segment: Segment, group: Group, number: int) -> list[Tensor]:
        """The times of the stages of a step, and of its end."""
        h = segment.length / group.steps
        nodes = (*self.course.stepper.nodes, 1.0)
        if not system.explicit_time:
            return [self._zero] * len(nodes)
        return [self.time(segment.start + (number + node) * h) for node in nodes]

    def advanced(
        self,
        system: SpectralSystem,
        table: Sequence[Tensor],
        v: Tensor,
        segment: Segment,
        group: Group,
        numbers: range,
    ) -> Tensor:
        """The states after some of the steps of a segment."""
        for number in numbers:
            times = self.times(system, segment, group, number)
            v, _ = step(
                v,
                system.nonlinear(v, times[0]),
                lambda i, stage, times=times: system.nonlinear(stage, times[i]),  # type: ignore[misc]
                table,
                self.course.stepper,
                system.add,
            )
        return v

    def time(self, value: float) -> Tensor:
        """A time as a tensor."""
        return torch.tensor(value, dtype=torch.float64, device=self.device)
