"""Reverse-mode derivatives of solutions: the discrete adjoint of the steps that were taken.

With frozen steps and grids a solution is a composition of steps, each a polynomial in the coefficients, the states and
the values of N, so that its gradient is exact up to round-off. (The adjoint of the continuous equation, discretised,
would only be the gradient of a nearby function: Hager, Numer. Math. 87, 2000.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pdesym.solvers.control import Control, Segment
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import Integration
from pdesym.solvers.replay import FIELDS, Course, Group, Replay, course_of
from pdesym.solvers.steppers import Stepper
from pdesym.solvers.tables import Key, Tables

# The graph of so many steps is held at once; the states between them are kept.
STEPS_AT_ONCE = 16


def wants_gradient(equation: Equation, *tensors: Tensor | None) -> bool:
    """Whether autograd is to differentiate with respect to a parameter or one of the tensors."""
    values = (*equation.parameters.values(), *tensors)
    return torch.is_grad_enabled() and any(isinstance(value, Tensor) and value.requires_grad for value in values)


def with_parameters(equation: Equation, values: dict[str, Tensor]) -> Equation:
    """The equation with other values of some parameters."""
    return Equation(*equation.text, where=equation.where, card=equation.card, **{**equation.parameters, **values})


def detached(equation: Equation) -> Equation:
    """The equation with parameters that autograd does not follow."""
    tensors = {n: v.detach() for n, v in equation.parameters.items() if isinstance(v, Tensor) and v.requires_grad}
    return with_parameters(equation, tensors) if tensors else equation


def with_gradient(
    run: Integration,
    equation: Equation,
    u0: Tensor,
    grid: Grid,
    instants: Tensor,
    control: Control,
    stepper: Stepper,
    stretch: Tensor | None = None,
) -> Integration:
    """The same integration, its solution a function of everything that autograd follows.

    Gradients are those of the steps that were taken, with respect to the initial fields, the parameters and the
    stretch; and, with respect to each time, the right-hand side at that time. The backward pass takes every step once
    more to keep a state every 16 steps, then differentiates 16 steps at a time.

    Args:
        run: what `integrate` made of the same arguments.
        equation: whose parameters may be tensors that require grad.
        u0: `(batch, fields, *space)`, float64.
        grid: of u0.
        instants: `(1 + outputs,)` the initial time and the output times, float64.
        control: see `course_of`.
        stepper: the method.
        stretch: see `SpectralSystem`.
    """
    if not wants_gradient(equation, u0, instants, stretch):
        return run
    start, *times = instants.tolist()
    course = course_of(run, u0.detach(), grid, start, tuple(times), control, stepper)
    names = tuple(name for name, value in equation.parameters.items() if isinstance(value, Tensor))
    values = [torch.as_tensor(equation.parameters[name]) for name in names]
    solved = _Solved(course, detached(equation), names, run.u)
    u: Tensor = _Solution.apply(solved, u0, instants, stretch, *values)  # type: ignore[no-untyped-call]
    return replace(run, u=u)


@dataclass(frozen=True)
class _Solved:
    """What is known of a solution besides the tensors that it depends on; `names` are those of its parameters."""

    course: Course
    equation: Equation
    names: tuple[str, ...]
    u: Tensor


class _Solution(torch.autograd.Function):
    """A solution that is already there, as a function of what it was computed from."""

    @staticmethod
    def forward(
        ctx: Any, solved: _Solved, u0: Tensor, instants: Tensor, stretch: Tensor | None, *values: Tensor
    ) -> Tensor:
        ctx.solved = solved
        ctx.save_for_backward(u0, instants, stretch, *values)
        return solved.u

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "The gradient of a solution cannot be differentiated again: ask for it without create_graph=True."
            )
        solved: _Solved = ctx.solved
        u0, instants, stretch, *values = ctx.saved_tensors
        _, _, of_instants, of_stretch, *of_values = ctx.needs_input_grad
        leaves = [value.detach().requires_grad_(needed) for value, needed in zip(values, of_values, strict=True)]
        stretched = None if stretch is None else stretch.detach().requires_grad_(of_stretch)
        equation = with_parameters(solved.equation, dict(zip(solved.names, leaves, strict=True)))
        variables = [each for each in (stretched, *leaves) if each is not None and each.requires_grad]
        sweep = _Sweep(solved.course, equation, u0.detach(), stretched, variables, of_instants)
        sweep.back(gradient)
        found = dict(zip(map(id, variables), sweep.gradients, strict=True))
        of_u0 = sweep.initial if ctx.needs_input_grad[1] else None
        of_time = sweep.of_instants.to(instants.device) if of_instants else None
        return None, of_u0, of_time, found.get(id(stretched)), *(found.get(id(leaf)) for leaf in leaves)


class _Sweep:
    """Through all segments and back, for the gradient of Σ weights · u.

    Attributes:
        initial: the gradient with respect to the initial fields.
        of_instants: with respect to the initial and the output times.
        gradients: with respect to `variables`.
    """

    def __init__(
        self,
        course: Course,
        equation: Equation,
        u0: Tensor,
        stretch: Tensor | None,
        variables: list[Tensor],
        times_too: bool,
    ):
        self.course, self.u0, self.variables, self.times_too = course, u0, variables, times_too
        self.replay = Replay(course, equation, stretch, u0.device)
        with torch.enable_grad():
            for stage in {group.stage for groups in course.groups for group in groups}:
                self.replay.whole(stage)
        self.gradients = [torch.zeros_like(each) for each in variables]
        self.initial = torch.zeros_like(u0)
        self.of_instants = torch.zeros(1 + course.outputs, dtype=torch.float64)
        self._table_gradients: dict[Key, Tensor] = {}

    def back(self, weights: Tensor) -> None:
        """The gradients for these weights `(rows, outputs, fields, *space)`."""
        weighted = [bool(each) for each in (weights != 0).transpose(0, 1).flatten(1).any(1).tolist()]
        ends = [i for i, each in enumerate(self.course.segments) if each.output is not None and weighted[each.output]]
        if ends:
            self._back_from(ends[-1], weights)
        if self.times_too:
            self._add_initial_rates(weights)
        if self.course.starts_with_output:
            self.initial += weights[:, 0]

    def _back_from(self, last: int, weights: Tensor) -> None:
        states = self._states(last)
        self._tables = Tables(self.replay)
        costates: list[Tensor] = []
        for index in range(last, -1, -1):
            segment = self.course.segments[index]
            before: list[Tensor] = [self.u0[0]] * len(self.u0)
            for group, starts in zip(self.course.groups[index], states.pop(), strict=True):
                rows = list(group.rows)
                costate = torch.stack([costates[row] for row in rows]) if costates else None
                wanted = None if segment.output is None else weights[rows, segment.output]
                for row, each in zip(rows, self._through(segment, group, starts, costate, wanted), strict=True):
                    before[row] = each
            costates = before
        self.initial += torch.stack(costates)

    def _states(self, last: int) -> list[list[list[Tensor]]]:
        """The states before every leg of every group, up to a segment; those of the fields come as fields."""
        course, tables = self.course, Tables(self.replay)
        current = list(self.u0)
        result = []
        for segment, groups in zip(course.segments[: last + 1], course.groups, strict=False):
            of_groups = []
            for group in groups:
                system = self.replay.system(group.stage, group.rows, segment)
                table = tables.rows(tables.of(segment, group), segment, group).unbind()
                v = torch.stack([current[row] for row in group.rows])
                starts = []
                for leg in _legs(group):
                    starts.append(v)
                    v = self.replay.entered(v, group) if leg.start == 0 else v
                    v = self.replay.advanced(system, table, v, segment, group, leg)
                tables.leave(segment, group)
                of_groups.append(starts)
                for row, each in zip(group.rows, v, strict=True):
                    current[row] = each
            result.append(of_groups)
        return result

    def _through(
        self, segment: Segment, group: Group, starts: list[Tensor], costate: Tensor | None, wanted: Tensor | None
    ) -> Tensor:
        """The gradient with respect to what a group enters a segment with."""
        tables, replay = self._tables, self.replay
        with torch.enable_grad():
            system = replay.system(group.stage, group.rows, segment)
        table = tables.of(segment, group)
        followed = bool(self.variables) and system.symbol.requires_grad
        table.requires_grad_(followed)
        for leg, start in zip(reversed(tuple(_legs(group))), reversed(starts), strict=True):
            start.requires_grad_()
            with torch.enable_grad():
                v = replay.entered(start, group) if leg.start == 0 else start
                entries = tables.rows(table, segment, group).unbind()
                end = replay.advanced(system, entries, v, segment, group, leg)
                pairs = [] if costate is None else [(end, costate)]
                if wanted is not None:
                    pairs.append((replay.sampled(end, group), wanted))
            if wanted is not None and self.times_too and segment.output is not None:
                rate = system.rhs(end.detach(), replay.time(segment.start + segment.length))
                self.of_instants[1 + segment.output] += (replay.sampled(rate, group) * wanted).sum().item()
            wanted = None
            inputs = [start, *self.variables, *([table] if followed else [])]
            costate, *others = torch.autograd.grad(
                [value for value, _ in pairs],
                inputs,
                [weight for _, weight in pairs],
                retain_graph=bool(self.variables),
                allow_unused=True,
            )
            self._add(others[: len(self.variables)])
            if followed:
                key = tables.key(segment, group)
                self._table_gradients[key] = self._table_gradients.get(key, 0) + others[-1]
        if tables.leave(segment, group) and followed:
            with torch.enable_grad():
                again = tables.make(segment, group)
            by_table = self._table_gradients.pop(tables.key(segment, group))
            self._add(torch.autograd.grad(again, self.variables, by_table, retain_graph=True, allow_unused=True))
        assert costate is not None, "a state depends on the one before"
        return costate

    def _add(self, found: Sequence[Tensor | None]) -> None:
        for total, each in zip(self.gradients, found, strict=True):
            if each is not None:
                total += each

    def _add_initial_rates(self, weights: Tensor) -> None:
        """∂u(t)/∂t₀ = −∂u(t)/∂u₀ · (right-hand side at t₀), and an output at t₀ itself moves like any other."""
        start = self.replay.time(self.course.start)
        entries = self.course.groups[0] if self.course.groups else (Group(tuple(range(len(self.u0))), FIELDS, 0, 1),)
        for group in entries:
            rows = list(group.rows)
            system = self.replay.system(group.stage, group.rows, None)
            rate = self.replay.sampled(system.rhs(self.replay.entered(self.u0[rows], group), start), group)
            self.of_instants[0] -= (rate * self.initial[rows]).sum().item()
            if self.course.starts_with_output:
                self.of_instants[1] += (rate * weights[rows, 0]).sum().item()


def _legs(group: Group) -> Iterator[range]:
    """The steps of a group in a segment, a few at a time."""
    for first in range(0, group.steps, STEPS_AT_ONCE):
        yield range(first, min(first + STEPS_AT_ONCE, group.steps))
