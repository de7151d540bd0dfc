"""Solving to a tolerance: solutions with ever finer steps, each compared with the one before."""

from fractions import Fraction

import torch
from torch import Tensor

from pdesym.solvers.control import Adaptive, Replayed, finest_grid
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integrate import integrate
from pdesym.solvers.integration import Integration
from pdesym.solvers.steppers import Stepper

# The largest estimated error of one step of the first solution, as a share of the tolerance; its steps are then halved.
_STEP_SHARE = 0.3
# The grid is refined while the last third of the spectrum holds more than this share of the tolerance.
TAIL_SHARE = 0.1
# How many times finer the steps of a further solution can be.
_FACTORS = (Fraction(3, 2), Fraction(2), Fraction(3))
_ATTEMPTS = 6


def to_tolerance(
    equation: Equation,
    u0: Tensor,
    grid: Grid,
    start: float,
    times: tuple[float, ...],
    rtol: float,
    stepper: Stepper,
    stretch: Tensor | None = None,
    precision: str = "double",
) -> tuple[Integration, Tensor, Tensor]:
    """An integration, its estimated global errors, and the times up to which these are at most rtol.

    The first solution chooses its steps, the second takes two for each of them. For a method of order p, steps f times
    finer make an error e of e/f^p, so that the difference d of two solutions shows the error d/(f^p − 1) of the finer
    one. A sample whose estimate exceeds rtol gets finer steps.
    """
    coarse_control = Adaptive((_STEP_SHARE * rtol,) * len(u0), rtol, stepper.estimate_order)
    coarse = integrate(equation, u0, grid, start, times, coarse_control, stepper, stretch=stretch, precision=precision)
    twice = (Fraction(2),) * len(u0)
    watch = TAIL_SHARE * rtol
    control = Replayed(_taken(coarse), twice, watch)
    run = integrate(equation, u0, grid, start, times, control, stepper, stretch=stretch, precision=precision)
    run.steps.add_(coarse.steps)
    error, horizon = _estimates(run.u, coarse.u, twice, stepper.order, times, start, rtol)
    hopeless = unresolved(run, rtol)
    for _ in range(_ATTEMPTS - 1):
        failing = (~(error <= rtol) & ~hopeless).nonzero().flatten().tolist()
        if not failing:
            break
        before = error[failing]
        factors = tuple(_factor(ratio, stepper.order) for ratio in (before / rtol).tolist())
        taken = tuple(tuple(run.taken[row]) for row in failing)
        control = Replayed(taken, factors, watch)
        boxes = None if stretch is None else stretch[failing]
        part = equation.select(failing)
        initial = u0[failing]
        again = integrate(part, initial, grid, start, times, control, stepper, stretch=boxes, precision=precision)
        after, reached = _estimates(again.u, run.u[failing], factors, stepper.order, times, start, rtol)
        # Where the difference is larger than the error was said to be, the error does not follow the step.
        plain, _ = _estimates(again.u, run.u[failing], None, stepper.order, times, start, rtol)
        erratic = plain > before
        after = torch.where(erratic, plain, after)
        reached = torch.where(erratic, torch.minimum(reached, horizon[failing]), reached)
        hopeless[failing] = (after > 0.5 * before) | unresolved(again, rtol)
        _replace(run, failing, again)
        error[failing], horizon[failing] = after, reached
    # Where the spectrum does not end, it may as well decay slowly.
    space = torch.where(unresolved(run, rtol), run.tail, 0.0).maximum(_space_error(run))
    return run, error.maximum(space), horizon


def finer_solution(
    equation: Equation,
    u0: Tensor,
    grid: Grid,
    start: float,
    times: tuple[float, ...],
    rtol: float,
    stepper: Stepper,
    stretch: Tensor | None = None,
) -> Tensor:
    """Solutions to a tolerance with half the steps that it needs: finer than any with a larger tolerance."""
    run, _, _ = to_tolerance(equation, u0, grid, start, times, rtol, stepper, stretch)
    control = Replayed(_taken(run), (Fraction(2),) * len(u0), TAIL_SHARE * rtol)
    return integrate(equation, u0, grid, start, times, control, stepper, stretch=stretch).u


def _taken(run: Integration) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, run.taken))


def _factor(ratio: float, order: int) -> Fraction:
    """The smallest factor that is expected to bring an estimate of `ratio` times the tolerance below it."""
    for factor in _FACTORS:
        if ratio * _caution(factor) / 2 < 0.9 * float(factor) ** order:
            return factor
    return _FACTORS[-1]


def _caution(factor: Fraction) -> float:
    """By how much an estimate is enlarged: on stiff equations the order may be one less than it should."""
    return max(2.0, float(factor))


def _estimates(
    u: Tensor,
    coarser: Tensor,
    factors: tuple[Fraction, ...] | None,
    order: int,
    times: tuple[float, ...],
    start: float,
    rtol: float,
) -> tuple[Tensor, Tensor]:
    """Errors of u over all outputs from the difference to another solution, and the times up to which they are small.

    Without factors the difference itself counts.
    """
    share = torch.ones(len(u), dtype=torch.float64)
    if factors is not None:
        share = torch.tensor([_caution(f) / (float(f) ** order - 1) for f in factors], dtype=torch.float64)
    difference = (u - coarser).flatten(2).square().sum(2).cumsum(1)
    size = u.flatten(2).square().sum(2).cumsum(1).clamp_min(torch.finfo(torch.float64).tiny)
    error = share[:, None] * (difference / size).sqrt().cpu()
    # An error that is no number is none that is small.
    small = (error <= rtol).cumprod(1).sum(1)
    reached = torch.tensor((start, *times), dtype=torch.float64)[small]
    return error[:, -1].nan_to_num(nan=torch.inf), reached


def _replace(run: Integration, rows: list[int], by: Integration) -> None:
    """Puts other solutions in the place of some, and adds up their steps."""
    run.u[rows] = by.u
    run.steps[rows] += by.steps
    run.points[rows] = by.points
    run.tail[rows], run.aliased[rows] = by.tail, by.aliased
    for place, row in enumerate(rows):
        run.taken[row][:], run.stages[row][:] = by.taken[place], by.stages[place]


def _space_error(run: Integration) -> Tensor:
    """What the finest grid leaves out.

    A spectrum that decays exponentially, with exp(−aN/3) in its last third, has exp(−aN/2) beyond its end.
    """
    return run.aliased.maximum(run.tail**1.5)


def beyond(grid: Grid) -> str:
    """What to say of a spectrum that no grid holds."""
    finest = " × ".join(map(str, finest_grid(grid).points))
    return f"does not end on {finest} points, so start from a finer grid, or smooth the initial condition"


def unresolved(run: Integration, rtol: float) -> Tensor:
    """Whether the finest grid is too coarse; any other is left when its tail passes a share of rtol."""
    return _space_error(run) > rtol
