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

# The largest estimated error of one step of the first solution, as a share of the tolerance.
_STEP_SHARE = 1.0
# How many times finer the steps of the second solution can be.
_SECONDS = (Fraction(2), Fraction(5, 2), Fraction(3), Fraction(4))
# The time, in steps of unit error, after which the errors of such steps have grown to a unit; measured for KdV.
_DRIFT = 18.0
# The second solution is expected to have at most this share of the tolerance as its error.
_LIKELY = 0.3
# How many times finer the steps of a further solution can be.
_FACTORS = (Fraction(3, 2), Fraction(2), Fraction(3))
# The same where errors have grown to the size of the solution; a longer leap is given up.
_LEAPS = (*_FACTORS, Fraction(4), Fraction(6), Fraction(8), Fraction(12), Fraction(16))
# By how much the size of a correction is enlarged to be stated as the error; the same where errors grow exponentially,
# and where they have grown to the size of the solution.
_CAUTION, _CAUTION_OF_GROWTH, _CAUTION_OF_LEAPS = 1.5, 2.0, 4.0
# How much deeper the spectrum must end where errors grow exponentially, and after a leap.
_DEEP, _DEEPER = 0.1, 1e-3
# Errors that grow by more than this over the second half of the time grow exponentially; 8 is the cube of time.
_FAST = 8.0
# Solutions further apart than this have not followed the step.
_COMPARABLE = 0.3
# Errors above this do not grow any more.
_SATURATED = 0.02
# What is known to lie beyond the end of the grid shall be at most this share of the tolerance,
_BEYOND = 1e-3
# and the last third of the spectrum may always hold this share of the tolerance.
TAIL_SHARE = 0.1
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

    The first solution chooses its steps, the second takes two to four for each of them. For a method of order p, steps
    f times finer make an error e of e/f^p, so that the difference d of two solutions shows the error d/(f^p − 1) of the
    finer one. That one is corrected by it (Richardson, Phil. Trans. R. Soc. A 226, 1927), and 3/2 of the size of the
    correction is stated as the error of what is returned: honest as long as the finer one is wrong by at most 5/2 of
    what it seems, which for f = 2 and p = 4 holds from order 2.8 on, so that stiff equations can take a whole order. A
    sample whose estimate exceeds rtol gets finer steps, and is corrected by its last two solutions; where these differ
    by more than twice the error that was stated, all of their difference is stated, and nothing corrected.

    Where differences grow exponentially they all point in the direction that grows fastest, so that two solutions can
    agree by chance: there a third one is asked, on a grid on which the spectrum ends deeper, since what is left out
    grows as well. Where two solutions have nothing in common at the end, their difference over time shows how fast
    errors grow, and from that how much finer the steps must be; the solution with steps twice as long as those is then
    compared with the one that has them.

    `taken` and `stages` of the integration are those of its finest solution, before the correction.
    """

    def solved(rows: list[int], control: Control) -> Integration:
        part, boxes = equation.select(rows), None if stretch is None else stretch[rows]
        return integrate(part, u0[rows], grid, start, times, control, stepper, stretch=boxes, precision=precision)

    rows = list(range(len(u0)))
    coarse = solved(rows, Adaptive((_STEP_SHARE * rtol,) * len(u0), rtol, stepper.estimate_order))
    f = tuple(_second(sum(taken), rtol, stepper) for taken in coarse.taken)
    run = solved(rows, Replayed(_taken(coarse, rows), f, largest_tail(rtol)))
    run.steps.add_(coarse.steps)
    correction = torch.sub(run.u, coarse.u, out=coarse.u)
    apart, weights, course = _judged(correction, run.u, f, stepper.order, _CAUTION, math.inf)
    correction *= weights
    growing = _grow(apart, times, start, rtol)
    hopeless, leapt = unresolved(run, rtol), torch.zeros(len(u0), dtype=torch.bool)
    stalled, confirmed = torch.zeros(len(u0), dtype=torch.int64), ~growing
    for _ in range(_ATTEMPTS - 1):
        factors: dict[int, Fraction | None] = {}
        for row in (~((course[:, -1] <= rtol) & confirmed) & ~hopeless).nonzero().flatten().tolist():
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
        depths = [_DEEPER if leapt[row] else _DEEP if growing[row] else 1.0 for row in range(len(u0))]
        for depth, caution in ((1.0, _CAUTION), (_DEEP, _CAUTION_OF_GROWTH), (_DEEPER, _CAUTION_OF_LEAPS)):
            finer = {row: f for row, f in factors.items() if f is not None and depths[row] == depth}
            if not finer:
                continue
            rows, f = list(finer), tuple(finer.values())
            again = solved(rows, Replayed(_taken(run, rows), f, largest_tail(rtol) * depth))
            before, difference = course[rows, -1:], again.u - run.u[rows]
            apart[rows], weights, course[rows] = _judged(difference, again.u, f, stepper.order, caution, 2.0 * before)
            correction[rows] = weights * difference
            confirmed[rows] = True
            stalled[rows] += ~leaping[rows] & (course[rows, -1] > 0.5 * before[:, 0])
            hopeless[rows] = (stalled[rows] > 1) | unresolved(again, rtol)
            _replace(run, rows, again)
        if not factors:
            break
    run.u.add_(correction)
    # Where the spectrum does not end, it may as well decay slowly.
    space = torch.where(unresolved(run, rtol), run.tail, 0.0).maximum(_space_error(run))
    # Errors that end as large as the solution have not followed the step for some time: there two solutions must agree.
    trusted = torch.where(course[:, -1:] > _SATURATED, apart, course)
    small = (trusted <= rtol).cumprod(1).sum(1)
    horizon = torch.tensor((start, *times), dtype=torch.float64)[small]
    # Once as what is left out, once as its aliases.
    return run, course[:, -1] + 2.0 * space, horizon


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
    control = Replayed(_taken(run, range(len(u0))), (Fraction(2),) * len(u0), largest_tail(rtol))
    return integrate(equation, u0, grid, start, times, control, stepper, stretch=stretch).u


def largest_tail(rtol: float) -> float:
    """The share of the norm in the last third of the spectrum above which the grid is refined.

    A spectrum that decays exponentially and holds s = exp(−aN/3) there has s^(3/2) beyond its end.
    """
    return max(TAIL_SHARE * rtol, math.pow(_BEYOND * rtol, 2 / 3))


def _taken(run: Integration, rows: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(run.taken[row]) for row in rows)


def _second(steps: int, rtol: float, stepper: Stepper) -> Fraction:
    """How many times finer the steps of the second solution are, from the number that the first one took.

    In a time τ, measured in steps of unit error, displacements of waves grow like τ² where nothing damps them (de
    Frutos and Sanz-Serna, Numer. Math. 75, 1997).
    """
    share = _STEP_SHARE * rtol
    expected = share * (steps * share ** (1 / stepper.estimate_order) / _DRIFT) ** 2
    return next((f for f in _SECONDS if expected < _LIKELY * rtol * (float(f) ** stepper.order - 1)), _SECONDS[-1])


def _grow(apart: Tensor, times: tuple[float, ...], start: float, rtol: float) -> Tensor:
    """Which differences `(rows, outputs)` may grow exponentially, `(rows,)`, unless they end below rtol."""
    middle = next(k for k, t in enumerate(times) if t >= 0.5 * (start + times[-1]))
    # With one output at the end nothing is known.
    fast = apart[:, -1] > (_FAST * apart[:, middle] if middle < len(times) - 1 else 0.0)
    return fast & (apart[:, -1] > rtol)


def _factor(ratio: float, order: int) -> Fraction:
    """The smallest factor that is expected to bring an estimate of `ratio` times the tolerance below it."""
    for factor in _FACTORS:
        if ratio < 0.9 * float(factor) ** order:
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


def _judged(
    difference: Tensor,
    u: Tensor,
    factors: tuple[Fraction, ...],
    order: int,
    caution: Tensor | float,
    most: Tensor | float,
) -> tuple[Tensor, Tensor, Tensor]:
    """What differences `(rows, outputs, fields, *space)` of solutions u from coarser ones tell.

    Args:
        difference: u less the coarser solution.
        u: the solution with the finer steps.
        factors: how many times finer, for each row.
        order: of the method.
        caution: by how much to enlarge the size of a correction.
        most: at most so far apart `(rows, 1)` are two solutions at the end that follow the step.

    Returns:
        apart: ‖difference‖ / ‖u‖ over the outputs so far, `(rows, outputs)`; inf where it is no number.
        weights: by which to multiply the difference for a correction of u, `(rows, outputs, 1, …)`; 0 where solutions
            do not follow the step.
        error: the estimated error of u, `(rows, outputs)`: all of the difference where the weight is 0.
    """
    squares = [torch.linalg.vector_norm(each.flatten(2), dim=2).square().cumsum(1) for each in (difference, u)]
    apart: Tensor = (squares[0] / squares[1].clamp_min(torch.finfo(torch.float64).tiny)).sqrt().cpu()
    apart = apart.nan_to_num(nan=torch.inf)
    shares = torch.tensor([[1 / (float(f) ** order - 1)] for f in factors], dtype=torch.float64)
    follows = (apart <= _COMPARABLE) & (apart[:, -1:] <= most)
    weights = torch.where(follows, shares, 0.0).reshape(*apart.shape, *(1,) * (u.ndim - 2)).to(u.device)
    return apart, weights, torch.where(follows, (caution * shares * apart).minimum(apart), apart)


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
