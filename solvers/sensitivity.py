"""Forward-mode derivatives of solutions, with respect to initial conditions, parameters, boxes and times at once.

A step is bilinear: linear in the table of coefficients, and linear in the state v with the values of N. Its tangent
along v + εw, with a parameter p + ερ, is therefore the same step twice more,

    step(w, N'(v)w + ρ ∂N/∂p; table) + ρ step(v, N; ∂table/∂p).

The second term and ∂N/∂p do not depend on w, so that they are computed once for all directions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad

from pdesym.solvers.adjoint import with_parameters
from pdesym.solvers.control import Segment
from pdesym.solvers.equation import Equation
from pdesym.solvers.rates import Rates
from pdesym.solvers.replay import Course, Group, Replay
from pdesym.solvers.steppers import Stepper, step
from pdesym.solvers.steppers.stepper import Add
from pdesym.solvers.system import Linearisation, SpectralSystem
from pdesym.solvers.tables import Tables


@torch.no_grad()
def pushed_forward(
    course: Course, equation: Equation, u0: Tensor, stretch: Tensor | None, w: Tensor, rates: Rates
) -> Tensor:
    """The derivative of a solution along directions, `(rows, tangents, outputs, fields, *space)`.

    It is that of the steps that were taken; with respect to an output time it is the right-hand side there.

    Args:
        course: those steps.
        equation: what was solved.
        u0: `(rows, fields, *space)`, float64.
        stretch: as in `SpectralSystem`.
        w: `(rows, tangents, fields, *space)`, the directions of u0.
        rates: what else changes along them.
    """
    out = torch.zeros(*w.shape[:2], course.outputs, *u0.shape[1:], dtype=torch.float64, device=u0.device)
    replay = Replay(course, equation, stretch, u0.device)
    states, tangents = list(u0), list(w)
    with forward_ad.dual_level():
        steps = _TangentSteps(replay, _variables(course, equation, stretch, rates, u0))
        for segment, groups in zip(course.segments, course.groups, strict=True):
            for group in groups:
                rows = list(group.rows)
                v = replay.entered(torch.stack([states[row] for row in rows]), group)
                pushed = replay.entered(torch.stack([tangents[row] for row in rows]), group)
                v, pushed = steps.through(segment, group, v, pushed)
                for place, row in enumerate(rows):
                    states[row], tangents[row] = v[place], pushed[place]
                if segment.output is None:
                    continue
                values = replay.sampled(pushed, group)
                if rates.times is not None:
                    system = replay.system(group.stage, group.rows, segment)
                    rhs = system.rhs(v, replay.time(segment.start + segment.length))
                    rate = rates.times[:, segment.output].reshape(-1, *(1,) * (rhs.ndim - 1))
                    values = values + rate * replay.sampled(rhs, group).unsqueeze(1)
                out[rows, :, segment.output] = values
    return out


class _Variable:
    """A parameter, or the stretch along an axis, as a dual number of rate 1, and its rates along the directions.

    Attributes:
        replay: of the equation with the dual number in place.
        tables: of that.
        rates: `(rows, tangents)`.
        in_table: whether the coefficients depend on it.
        in_nonlinear: whether N does; found out at its first evaluation.
    """

    def __init__(self, replay: Replay, rates: Tensor):
        self.replay, self.tables, self.rates = replay, Tables(replay), rates
        self.in_table = self.in_nonlinear = True

    def table(self, segment: Segment, group: Group) -> tuple[Tensor, ...] | None:
        """The derivative of the coefficients."""
        if not self.in_table:
            return None
        entries = self.tables.rows(self.tables.of(segment, group), segment, group)
        self.tables.leave(segment, group)
        derivative = forward_ad.unpack_dual(entries).tangent
        self.in_table = derivative is not None
        return None if derivative is None else derivative.unbind()

    def nonlinear(self, system: SpectralSystem, v: Tensor, t: Tensor) -> Tensor | None:
        """The derivative of N at v."""
        if not self.in_nonlinear:
            return None
        # Without gradients the system writes its products in place, which dual numbers do not survive.
        with torch.enable_grad():
            derivative: Tensor | None = forward_ad.unpack_dual(system.nonlinear(v, t)).tangent
        self.in_nonlinear = derivative is not None
        return derivative


def _variables(course: Course, equation: Equation, stretch: Tensor | None, rates: Rates, u0: Tensor) -> list[_Variable]:
    tensors = [value for value in equation.parameters.values() if isinstance(value, Tensor)]
    shared = stretch is None and not any(value.ndim for value in tensors)
    rows = 1 if shared else len(u0)
    result = []
    for name, rate in rates.parameters.items():
        value = torch.as_tensor(equation.parameters[name], dtype=torch.float64, device=u0.device)
        dual = forward_ad.make_dual(value.expand(rows).clone(), torch.ones(rows, dtype=torch.float64, device=u0.device))
        replay = Replay(course, with_parameters(equation, {name: dual}), stretch, u0.device, shared)
        result.append(_Variable(replay, rate))
    dims = course.grid.dims
    for axis, rate in enumerate(() if rates.stretch is None else rates.stretch.unbind(-1)):
        if not rate.any():
            continue
        factors = torch.ones(rows, dims, dtype=torch.float64, device=u0.device) if stretch is None else stretch.clone()
        along = torch.zeros_like(factors)
        along[:, axis] = 1.0
        replay = Replay(course, equation, forward_ad.make_dual(factors, along), u0.device, shared)
        result.append(_Variable(replay, rate))
    return result


class _TangentSteps:
    """Takes states and tangents through segments, all in one level of dual numbers."""

    def __init__(self, replay: Replay, variables: list[_Variable]):
        self.replay, self.variables, self.tables = replay, variables, Tables(replay)

    def through(self, segment: Segment, group: Group, v: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """Both at the end of a segment."""
        system = self.replay.system(group.stage, group.rows, segment)
        duals = [each.replay.system(group.stage, group.rows, segment) for each in self.variables]
        table = self.tables.rows(self.tables.of(segment, group), segment, group).unbind()
        self.tables.leave(segment, group)
        slopes = [each.table(segment, group) for each in self.variables]
        rates = [each.rates[list(group.rows)].to(v.dtype) for each in self.variables]
        rates = [rate.reshape(*rate.shape, *(1,) * (v.ndim - 1)) for rate in rates]
        for number in range(group.steps):
            times = self.replay.times(system, segment, group, number)
            v, w = self._step(system, duals, table, slopes, rates, times, v, w)
        return v, w

    def _step(
        self,
        system: SpectralSystem,
        duals: list[SpectralSystem],
        table: Sequence[Tensor],
        slopes: Sequence[Sequence[Tensor] | None],
        rates: Sequence[Tensor],
        times: Sequence[Tensor],
        v: Tensor,
        w: Tensor,
    ) -> tuple[Tensor, Tensor]:
        stepper = self.replay.course.stepper
        operators: list[Linearisation] = []
        of_nonlinear: list[list[Tensor | None]] = []

        def evaluate(i: int, stage: Tensor) -> Tensor:
            value, operator = system.linearised(stage, times[i])
            operators.append(operator)
            pairs = zip(self.variables, duals, strict=True)
            of_nonlinear.append([variable.nonlinear(dual, stage, times[i]) for variable, dual in pairs])
            return value

        first = evaluate(0, v)
        new, values = step(v, first, evaluate, table, stepper, system.add)
        # What the derivatives of the coefficients add to each stage, the first excepted, and to the result.
        of_stages = [_all_states(v, values, slope, stepper, system.add) for slope in slopes]

        def tangent(i: int, stage: Tensor) -> Tensor:
            if i:
                stage = _with(stage, rates, [None if each is None else each[i - 1] for each in of_stages])
            return _with(operators[i](stage), rates, of_nonlinear[i])

        pushed, _ = step(w, tangent(0, w), tangent, table, stepper, system.add)
        return new, _with(pushed, rates, [None if each is None else each[-1] for each in of_stages])


def _all_states(
    v: Tensor, values: Sequence[Tensor], table: Sequence[Tensor] | None, stepper: Stepper, add: Add
) -> list[Tensor] | None:
    """The stages after the first, and the result, of a step with other coefficients but the same N."""
    if table is None:
        return None
    states: list[Tensor] = []

    def value(i: int, stage: Tensor) -> Tensor:
        states.append(stage)
        return values[i]

    result, _ = step(v, values[0], value, table, stepper, add)
    return [*states, result]


def _with(w: Tensor, rates: Sequence[Tensor], parts: Sequence[Tensor | None]) -> Tensor:
    """w + Σ rate · part, a part being the same for all tangents."""
    for rate, part in zip(rates, parts, strict=True):
        if part is not None:
            w = torch.addcmul(w, rate, part.unsqueeze(1))
    return w
