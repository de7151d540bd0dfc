"""An operator as what discovery needs of it: values and derivatives at several times."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pdesym.solvers.flow_map import FlowMap
from pdesym.symmetry.discover.time_differences import initial_rate

Operator = Callable[[Tensor], Tensor]

# Directions that are pushed forward together: more need more memory and save no time.
AT_ONCE = 8
# Frames from which u_t is taken at the initial time, and, where any can be had, their distance as a share of the step.
_FRAMES = 6
_SHORTER = 1 / 32


@dataclass(frozen=True)
class Propagation:
    """A solution map at the multiples of one step.

    Attributes:
        step: h, the time of one step.
        advance: `(u, steps) → (batch, steps, channel, *space)`, the fields at h, 2h, ….
        push: `(u, w, steps) → (tangents, batch, steps, channel, *space)`, the derivative along `(tangents, …)`.
        initial_rates: `u → (u_t, u_t)` at the initial time, to an order and, for its error, to one less.
    """

    step: float
    advance: Callable[[Tensor, int], Tensor]
    push: Callable[[Tensor, Tensor, int], Tensor]
    initial_rates: Callable[[Tensor], tuple[Tensor, Tensor]]


def of_flow(flow: FlowMap, step: float) -> Propagation:
    """The flow of an equation from its initial time, with tangents by the solver's own derivative."""

    def at(steps: int, step: float = step) -> FlowMap:
        times = [flow.start + step * k for k in range(steps + 1)]
        rtol = flow.rtol if flow.dt is None else None
        return FlowMap(flow.equation, flow.grid, times, rtol, flow.dt, length=flow.length)

    def advance(u: Tensor, steps: int) -> Tensor:
        return at(steps)(u).reshape(len(u), steps, *u.shape[1:])

    def push(u: Tensor, w: Tensor, steps: int) -> Tensor:
        pushed = [at(steps).tangent(u, part)[1] for part in w.split(AT_ONCE)]
        return torch.cat(pushed).reshape(len(w), len(u), steps, *u.shape[1:])

    def rates(u: Tensor) -> tuple[Tensor, Tensor]:
        short = step * _SHORTER
        frames = at(_FRAMES, short)(u).reshape(len(u), _FRAMES, *u.shape[1:])
        return initial_rate(u, frames, short), initial_rate(u, frames[:, :-1], short)

    return Propagation(step, advance, push, rates)


def of_operator(operator: Operator, step: float) -> Propagation:
    """A callable that maps fields one step on, repeated; tangents by forward-mode automatic differentiation."""

    def advance(u: Tensor, steps: int) -> Tensor:
        fields = []
        with torch.no_grad():
            for _ in range(steps):
                following = operator(u)
                _require_fields(following, u)
                u = following
                fields.append(u)
        return torch.stack(fields, dim=1)

    def push(u: Tensor, w: Tensor, steps: int) -> Tensor:
        tangents = []
        for direction in w:
            point, moved = u, direction
            frames = []
            for _ in range(steps):
                # In two statements, so that no graph outlives its step.
                value, derivative = torch.func.jvp(operator, (point,), (moved,))[:2]
                point, moved = value.detach(), derivative.detach()
                frames.append(moved)
            tangents.append(torch.stack(frames, dim=1))
        return torch.stack(tangents)

    def rates(u: Tensor) -> tuple[Tensor, Tensor]:
        frames = advance(u, _FRAMES)
        return initial_rate(u, frames, step), initial_rate(u, frames[:, :-1], step)

    return Propagation(step, advance, push, rates)


def _require_fields(following: Tensor, u: Tensor) -> None:
    if not isinstance(following, Tensor) or following.shape != u.shape:
        got = tuple(following.shape) if isinstance(following, Tensor) else type(following).__name__
        raise ValueError(f"Expected an operator that gives fields like those it takes, {tuple(u.shape)}, got {got}.")
    if not bool(following.isfinite().all()):
        raise ValueError("The operator gives values that are not finite: look where it is stable, or take fewer steps.")


def propagation_of(operator: Operator | FlowMap, step: float | None) -> Propagation:
    """What discovery needs of an operator.

    Raises:
        ValueError: for a callable without the time of its step; from what is returned, for values that are not finite
            or of another shape.
    """
    if isinstance(operator, FlowMap):
        return of_flow(operator, step or operator.times[0] - operator.start)
    if step is None:
        raise ValueError(
            "Expected step=, the time by which the operator moves its fields, to be given with a callable."
        )
    return of_operator(operator, step)
