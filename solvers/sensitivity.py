"""Derivatives of solutions with respect to parameters, boxes and times, forwards along the steps that were taken.

Dual numbers carry ∂v/∂p along with v, one parameter p at a time, through the system, its coefficients and the steps.
A step then costs about four times as much, whatever p is, as long as every tensor in it is a dual number: a product
with one that is not has torch make up a tangent in Python, which takes longer than the transforms.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from pdesym.solvers.adjoint import with_parameters
from pdesym.solvers.control import Segment
from pdesym.solvers.equation import Equation
from pdesym.solvers.replay import Course, Group, Replay
from pdesym.solvers.system import SpectralSystem
from pdesym.solvers.tables import Tables


# Without gradients the system writes its products in place, which dual numbers do not survive; nothing requires any.
@torch.enable_grad()
def sensitivities(
    course: Course,
    equation: Equation,
    u0: Tensor,
    stretch: Tensor | None,
    parameters: Sequence[str],
    axes: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """(∂u/∂p of each sample with respect to its own p, ∂u/∂T) at every output.

    The former, `(rows, variables, outputs, fields, *space)`, are those of the steps that were taken, the variables
    being the parameters and the stretches along the axes. The latter, `(rows, outputs, fields, *space)`, is the
    right-hand side.

    Args:
        course: those steps.
        equation: what was solved.
        u0: `(rows, fields, *space)`, float64.
        stretch: as in `SpectralSystem`.
        parameters: names of those that change.
        axes: along which the box changes.
    """
    variables = len(parameters) + len(axes)
    shape = (course.outputs, *u0.shape[1:])
    out = torch.zeros(len(u0), variables, *shape, dtype=torch.float64, device=u0.device)
    rates = torch.zeros(len(u0), *shape, dtype=torch.float64, device=u0.device)
    plain = _Steps(Replay(course, equation, stretch, u0.device))
    states, tangents = list(u0), [list(torch.zeros_like(u0)) for _ in range(variables)]
    with forward_ad.dual_level():
        duals = [_Steps(replay) for replay in _replays(course, equation, stretch, parameters, axes, u0)]
        for segment, groups in zip(course.segments, course.groups, strict=True):
            for group in groups:
                rows = list(group.rows)
                start = torch.stack([states[row] for row in rows])
                end = plain.through(segment, group, start)
                for place, steps in enumerate(duals):
                    along = torch.stack([tangents[place][row] for row in rows])
                    dual = steps.through(segment, group, forward_ad.make_dual(start, along))
                    pushed = forward_ad.unpack_dual(dual).tangent
                    for row, each in zip(rows, pushed, strict=True):
                        tangents[place][row] = each
                    if segment.output is not None:
                        out[rows, place, segment.output] = plain.replay.sampled(pushed, group)
                for row, each in zip(rows, end, strict=True):
                    states[row] = each
                if segment.output is not None:
                    system = plain.replay.system(group.stage, group.rows, segment)
                    rhs = system.rhs(end, plain.replay.time(segment.start + segment.length))
                    rates[rows, segment.output] = plain.replay.sampled(rhs, group)
    return out, rates


def _replays(
    course: Course,
    equation: Equation,
    stretch: Tensor | None,
    parameters: Sequence[str],
    axes: Sequence[int],
    u0: Tensor,
) -> list[Replay]:
    """One for each variable, which is a dual number of rate 1 there."""
    per_sample = any(isinstance(value, Tensor) and value.ndim for value in equation.parameters.values())
    shared = stretch is None and not per_sample
    rows, dims = 1 if shared else len(u0), course.grid.dims
    result = []
    for name in parameters:
        value = torch.as_tensor(equation.parameters[name], dtype=torch.float64, device=u0.device).expand(rows).clone()
        dual = forward_ad.make_dual(value, torch.ones_like(value))
        result.append(Replay(course, with_parameters(equation, {name: dual}), stretch, u0.device, shared))
    for axis in axes:
        factors = torch.ones(rows, dims, dtype=torch.float64, device=u0.device) if stretch is None else stretch.clone()
        along = torch.zeros_like(factors)
        along[:, axis] = 1.0
        result.append(Replay(course, equation, forward_ad.make_dual(factors, along), u0.device, shared))
    return result


class _Steps:
    """Takes states, or dual numbers of them, through segments."""

    def __init__(self, replay: Replay):
        self.replay, self._tables = replay, Tables(replay)

    def through(self, segment: Segment, group: Group, value: Tensor) -> Tensor:
        """What a group has at the end of a segment."""
        table = self._tables.rows(self._tables.of(segment, group), segment, group)
        self._tables.leave(segment, group)
        system = self.replay.system(group.stage, group.rows, segment)
        v = self.replay.entered(value, group)
        if forward_ad.unpack_dual(value).tangent is not None:
            system, table = _all_dual(system), _dual(table)
        return self.replay.advanced(system, table.unbind(), v, segment, group, range(group.steps))


def _all_dual(system: SpectralSystem) -> SpectralSystem:
    """The same system with a tangent, of zeros where there was none, for each of its tensors."""
    result = copy.copy(system)
    vars(result).update({name: _dual(value) for name, value in vars(system).items()})
    return result


def _dual(value: Any) -> Any:
    """A tensor, or tensors in lists, tuples and dictionaries, as dual numbers; anything else as it is."""
    if isinstance(value, Tensor):
        discrete = not value.is_floating_point() and not value.is_complex()
        if discrete or forward_ad.unpack_dual(value).tangent is not None:
            return value
        return forward_ad.make_dual(value, torch.zeros_like(value))
    if type(value) in (list, tuple):
        return type(value)(_dual(each) for each in value)
    if isinstance(value, dict):
        return {key: _dual(each) for key, each in value.items()}
    return value
