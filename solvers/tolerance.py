"""Solving to a tolerance: solutions with ever finer steps, each compared with the one before."""

import math
from collections.abc import Iterable
from fractions import Fraction

import torch
from torch import Tensor

from pdesym.solvers.control import Adaptive, Control, Replayed, finest_grid
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integrate import integrate
from pdesym.solvers.integration import Integration
from pdesym.solvers.steppers import Stepper

# The largest estimated error of one step of the first solution, as a share of the tolerance; its steps are then halved.
_STEP_SHARE = 0.1
# The grid is refined while the last third of the spectrum holds more than this share of the tolerance.
TAIL_SHARE = 0.1
# How many times finer the steps of a further solution can be.
_FACTORS = (Fraction(3, 2), Fraction(2), Fraction(3))
# The same where errors have grown to the size of the solution; a longer leap is given up.
_LEAPS = (*_FACTORS, Fraction(4), Fraction(6), Fraction(8), Fraction(12), Fraction(16))
# How much deeper the spectrum must end after a leap.
_DEEPER = 1e-3
# Errors above this do not grow any more.
_SATURATED = 0.05
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
    one. A sample whose estimate exceeds rtol gets finer steps. Where the two solutions have nothing in common at the
    end, their difference over time shows how fast errors grow, and from that how much finer the steps must be; the
    solution with steps twice as long as those is then compared with the one that has them, on a grid on which the
    spectrum ends deeper, since what is left out there has grown as well.
    """

    def solved(rows: list[int], control: Control) -> Integration:
        part, boxes = equation.select(rows), None if stretch is None else stretch[rows]
        return integrate(part, u0[rows], grid, start, times, control, stepper, stretch=boxes, precision=precision)

    rows = list(range(len(u0)))
    coarse = solved(rows, Adaptive((_STEP_SHARE * rtol,) * len(u0), rtol, stepper.estimate_order))
    twice = (Fraction(2),) * len(u0)
    run = solved(rows, Replayed(_taken(coarse, rows), twice, TAIL_SHARE * rtol))
    run.steps.add_(coarse.steps)
    apart = _differences(run.u, coarse.u)
    course = _shares(twice, stepper.order) * apart
    hopeless, leapt = unresolved(run, rtol), torch.zeros(len(u0), dtype=torch.bool)
    stalled = torch.zeros(len(u0), dtype=torch.int64)
    for _ in range(_ATTEMPTS - 1):
        factors: dict[int, Fraction | None] = {}
        for row in (~(course[:, -1] <= rtol) & ~hopeless).nonzero().flatten().tolist():
            error = course[row, -1].item()
            if error <= _SATURATED:
                factors[row] = _factor(error / rtol, stepper.order)
            elif leapt[row]:
                factors[row] = Fraction(2)
            else:
                factors[row] = _leap(course[row].tolist(), times, rtol, stepper.order)
        hopeless[[row for row, factor in factors.items() if factor is None]] = True
        leaping = (course[:, -1] > _SATURATED) & ~leapt
        leapt |= leaping
        for deep in (False, True):
            finer = {row: f for row, f in factors.items() if f is not None and bool(leapt[row]) is deep}
            if not finer:
                continue
            rows, f = list(finer), tuple(finer.values())
            watch = TAIL_SHARE * rtol * (_DEEPER if deep else 1.0)
            again = solved(rows, Replayed(_taken(run, rows), f, watch))
            before, difference = course[rows, -1], _differences(again.u, run.u[rows])
            # Where the difference is larger than the error was said to be, the error does not follow the step.
            erratic = (difference[:, -1] > before)[:, None]
            apart[rows] = difference
            course[rows] = torch.where(erratic, difference, _shares(f, stepper.order) * difference)
            stalled[rows] += ~leaping[rows] & (course[rows, -1] > 0.5 * before)
            hopeless[rows] = (stalled[rows] > 1) | unresolved(again, rtol)
            _replace(run, rows, again)
        if not factors:
            break
    # Where the spectrum does not end, it may as well decay slowly.
    space = torch.where(unresolved(run, rtol), run.tail, 0.0).maximum(_space_error(run))
    # Errors that end as large as the solution have not followed the step for some time: there two solutions must agree.
    trusted = torch.where(course[:, -1:] > _SATURATED, apart, course)
    small = (trusted <= rtol).cumprod(1).sum(1)
    horizon = torch.tensor((start, *times), dtype=torch.float64)[small]
    return run, course[:, -1].maximum(space), horizon


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
    control = Replayed(_taken(run, range(len(u0))), (Fraction(2),) * len(u0), TAIL_SHARE * rtol)
    return integrate(equation, u0, grid, start, times, control, stepper, stretch=stretch).u


def _taken(run: Integration, rows: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(run.taken[row]) for row in rows)


def _factor(ratio: float, order: int) -> Fraction:
    """The smallest factor that is expected to bring an estimate of `ratio` times the tolerance below it."""
    for factor in _FACTORS:
        if ratio * _caution(factor) / 2 < 0.9 * float(factor) ** order:
            return factor
    return _FACTORS[-1]


def _leap(course: list[float], times: tuple[float, ...], rtol: float, order: int) -> Fraction | None:
    """Half of how much finer the steps must be where errors have saturated before the end; None if that is too much.

    Errors that grow by exp(λt) from the first output to the time at which they saturate would go on to do so.
    """
    saturated = next(k for k, error in enumerate(course) if error > _SATURATED or math.isinf(error))
    rate = 0.0
    if saturated > 0 and 0 < course[0]:
        rate = max(0.0, math.log(_SATURATED / min(course[0], _SATURATED))) / (times[saturated] - times[0])
    growth = math.log(_SATURATED / rtol) + rate * (times[-1] - times[saturated])
    wanted = growth / order - math.log(2.0)
    return next((factor for factor in _LEAPS if math.log(factor) >= wanted), None)


def _caution(factor: Fraction) -> float:
    """By how much an estimate is enlarged: on stiff equations the order may be one less than it should."""
    return max(2.0, float(factor))


def _shares(factors: tuple[Fraction, ...], order: int) -> Tensor:
    """The error of solutions with steps so many times finer as a share of the difference, `(rows, 1)`."""
    return torch.tensor([[_caution(f) / (float(f) ** order - 1)] for f in factors], dtype=torch.float64)


def _differences(u: Tensor, other: Tensor) -> Tensor:
    """‖u − other‖ / ‖u‖ over the outputs so far, `(rows, outputs)`; inf where it is no number."""
    difference: Tensor = torch.linalg.vector_norm((u - other).flatten(2), dim=2).square().cumsum(1)
    size = torch.linalg.vector_norm(u.flatten(2), dim=2).square().cumsum(1)
    relative: Tensor = (difference / size.clamp_min(torch.finfo(torch.float64).tiny)).sqrt().cpu()
    return relative.nan_to_num(nan=torch.inf)


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
