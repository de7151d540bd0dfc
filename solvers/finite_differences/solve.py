"""`solve` on a grid with boundaries."""

import math
import warnings
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from pdesym.solvers.control import Adaptive, Fixed, Replayed
from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.interpolation import doubled, halved, interpolated, subsampled
from pdesym.solvers.finite_differences.march import March, march
from pdesym.solvers.finite_differences.shock_capturing import solve_shock_capturing
from pdesym.solvers.finite_differences.system import FiniteDifferenceSystem
from pdesym.solvers.finite_differences.tableaus import EXPLICIT, IMPLICIT, TABLEAUS, Tableau
from pdesym.solvers.integration import AccuracyWarning, BlowUpError
from pdesym.solvers.trajectories import Trajectories

# The share of the tolerance that the steps in time may take.
_TIME_SHARE = 0.25
# The estimated error of one step of the first solution, as a share of the tolerance.
_STEP_SHARE = 0.1
# Estimates from two solutions are enlarged: the order may not quite be reached.
_CAUTION = 2.0
_ATTEMPTS = 5
# Grids are refined up to so many times, and up to so many nodes.
_FINEST, _MOST_NODES = 8, 2**17
# An explicit method that needs more steps than this for stability alone is replaced where there is another.
_STIFF_STEPS = 300
_CACHE_POINTS = 64 * 256


@dataclass
class _Solution:
    """Solutions at the nodes of the user's grid; estimated errors over the outputs so far, in all and from what cause.

    Attributes:
        u: `(rows, outputs, fields, *points)`.
        time_error: `(rows, outputs)`, of the steps.
        initial_error: `(rows, outputs)`, of u0 between its nodes, where the grid was refined.
        difference: `(rows, outputs)`, to the solution on half the intervals; inf where there is none.
        error: `(rows, outputs)`, of these two and the differences in space.
        steps: `(rows,)`.
        points: `(rows,)`, of the grid used.
    """

    u: Tensor
    time_error: Tensor
    initial_error: Tensor
    difference: Tensor
    error: Tensor
    steps: Tensor
    points: Tensor


def solve_finite_differences(
    equation: Equation,
    u0: Tensor,
    grid: FiniteDifferenceGrid,
    times: tuple[float, ...],
    rtol: float,
    dt: float | None = None,
    start: float = 0.0,
    method: str | None = None,
) -> Trajectories:
    """Solve an equation on a box with boundaries by the method of lines.

    With `rtol` every sample takes its own steps, by an embedded estimate, and is solved again with half of them; the
    difference estimates the error in time. The error in space is estimated by the difference to the solution on every
    second node (Richardson), at the rate at which it fell from every fourth node on, at most the order of the grid;
    where it exceeds `rtol` the sample is solved on a grid with twice as many intervals, up to 8 times, from polynomials
    through u0. What u0 may be between its nodes is part of the estimate: the solution is compared with that from
    polynomials of a lower degree. With `dt` step and grid are kept and nothing is estimated.

    Args:
        equation: what to solve.
        u0: `(batch, fields, *points)` at time `start`; nodes with a given value are overwritten.
        grid: the grid of u0 and of the result.
        times: increasing output times, none before `start`.
        rtol: error asked for, ‖u − u_true‖ / ‖u_true‖ over all outputs and nodes of a sample.
        dt: largest step, instead of `rtol`.
        start: initial time.
        method: "dopri5" (explicit), "imex4" (the constant-coefficient linear part implicit, factorised once a step
            size), or None to choose by stiffness.

    Raises:
        ValueError: for a method that does not exist, and an unstable combination of equation, boundaries and order.
        BlowUpError: when a sample ceases to be finite.

    Warns:
        AccuracyWarning: naming the samples whose estimated error stays above `rtol` and the points that would do.
    """
    if grid.scheme == "weno":
        return solve_shock_capturing(equation, u0, grid, times, rtol, dt, start, method)
    pieces = []
    size = max(1, _CACHE_POINTS // math.prod(grid.points)) if u0.device.type == "cpu" else len(u0)
    for first in range(0, len(u0), size):
        rows = list(range(first, min(first + size, len(u0))))
        part, initial = equation.select(rows), u0[rows].double()
        try:
            if dt is None:
                pieces.append(_refined(part, initial, grid, times, rtol, start, method))
            else:
                pieces.append(_fixed(part, initial, grid, times, dt, start, method))
        except BlowUpError as blown:
            raise BlowUpError(first + blown.sample, blown.time, blown.remedy) from None
    error = torch.cat([piece.error for piece in pieces])
    small = error.le(rtol).cumprod(1).sum(1)
    reached = torch.tensor((start, *times), dtype=torch.float64)[small]
    result = Trajectories(
        u=torch.cat([piece.u for piece in pieces]).to(u0.dtype),
        times=torch.tensor(times, dtype=torch.float64, device=u0.device),
        grid=grid,
        equation=equation,
        error=error[:, -1],
        horizon=reached if dt is None else torch.full_like(reached, math.nan),
        steps=torch.cat([piece.steps for piece in pieces]),
        points_used=torch.cat([piece.points for piece in pieces]),
        tail=torch.full((len(u0),), math.nan, dtype=torch.float64),
    )
    if dt is None:
        causes = [torch.cat([getattr(p, name) for p in pieces])[:, -1] for name in ("time_error", "initial_error")]
        _warn_of_missed(result, causes[0], causes[1], grid, rtol)
    return result


def _warn_of_missed(
    result: Trajectories, time_error: Tensor, initial_error: Tensor, grid: FiniteDifferenceGrid, rtol: float
) -> None:
    missed = (result.error > rtol).nonzero().flatten().tolist()
    if not missed:
        return
    largest = result.error[missed].max().item()
    if (time_error[missed] > rtol).any() or not math.isfinite(largest):
        advice = "its steps in time do not reach it, so shorten the horizon or ask for less"
    elif (initial_error[missed] > rtol).any():
        advice = "between its nodes the initial condition is not known to that, so give it on more of them"
    else:
        factor = (largest / rtol) ** (1 / grid.order) * result.points_used[missed].max().item() / grid.points[0]
        wanted = " × ".join(str(math.ceil(1.1 * factor * n) + 1) for n in grid.points)
        advice = f"about {wanted} points would do, or a higher order for a smooth solution"
    warnings.warn(
        f"The estimated error of samples {missed} stays above rtol = {rtol:g} (largest {largest:.1e}): {advice}.",
        AccuracyWarning,
        stacklevel=4,
    )


def chosen_tableau(system: FiniteDifferenceSystem, method: str | None, duration: float) -> Tableau:
    """The method that was named, or the explicit one unless stability alone would make it take very many steps.

    Raises:
        ValueError: for a method that does not exist.
    """
    if method in (None, "etdrk4"):  # the default on periodic grids
        stiff = system.stability.radius * duration > 3 * _STIFF_STEPS and system.stability.order > 1
        return IMPLICIT if stiff else EXPLICIT
    if method not in TABLEAUS:
        raise ValueError(f"Finite differences are stepped by one of {', '.join(TABLEAUS)}, got method = {method!r}.")
    return TABLEAUS[method]


def _fixed(
    equation: Equation,
    u0: Tensor,
    grid: FiniteDifferenceGrid,
    times: tuple[float, ...],
    dt: float,
    start: float,
    method: str | None,
) -> _Solution:
    system = FiniteDifferenceSystem(equation, grid, u0.device)
    run = march(system, u0, start, times, Fixed(dt, 0.0), chosen_tableau(system, method, times[-1] - start))
    unknown = torch.full((len(u0), len(times)), math.nan, dtype=torch.float64)
    points = torch.full((len(u0),), grid.points[0], dtype=torch.int64)
    return _Solution(run.u, unknown, unknown, unknown, unknown, run.steps, points)


def _refined(
    equation: Equation,
    u0: Tensor,
    grid: FiniteDifferenceGrid,
    times: tuple[float, ...],
    rtol: float,
    start: float,
    method: str | None,
) -> _Solution:
    """Solutions on the grid, and for samples that need it on ever finer ones."""
    result = _in_time(equation, u0, grid, times, rtol, start, method)

    def coarser(rows: list[int], points: FiniteDifferenceGrid | None) -> Tensor | None:
        """Solutions from the nodes of u0 on a coarser grid, where there can be any."""
        if points is None:
            return None
        initial = subsampled(u0[rows], grid, grid.intervals[0] // points.intervals[0])
        try:
            # A coarse solution may fail where the fine one does not.
            return _in_time(equation.select(rows), initial, points, times, rtol, start, method).u
        except (ValueError, BlowUpError):
            return None

    half_grid = halved(grid)
    half = coarser(list(range(len(u0))), half_grid)
    if half is not None and half_grid is not None:
        difference = _differences(subsampled(result.u, grid, 2), half)
        _add_space_error(result, list(range(len(u0))), difference, None, grid, rtol)
        doubtful = (result.error[:, -1] > rtol).nonzero().flatten().tolist()
        quarter = coarser(doubtful, halved(half_grid)) if doubtful else None
        if quarter is not None:
            before = _differences(subsampled(half[doubtful], half_grid, 2), quarter)
            _add_space_error(result, doubtful, difference[doubtful], before, grid, rtol)
    finest, factor, rows = grid, 1, list(range(len(u0)))
    while factor < _FINEST and math.prod(doubled(finest).points) <= _MOST_NODES:
        reach = rtol * (_FINEST / factor) ** grid.order if half is not None or factor > 1 else math.inf
        rows = [
            row
            for row in rows
            if rtol < result.error[row, -1] <= reach
            and not result.time_error[row, -1] > rtol
            and not result.initial_error[row, -1] > rtol
        ]
        if not rows:
            break
        finest, factor = doubled(finest), 2 * factor
        initial = interpolated(u0[rows], grid, factor)
        part = equation.select(rows)
        try:
            again = _in_time(part, initial[0], finest, times, rtol, start, method, initial[1], factor)
        except BlowUpError as blown:
            raise BlowUpError(rows[blown.sample], blown.time, blown.remedy) from None
        again.u = subsampled(again.u, grid, factor)
        known = result.difference[rows] if half is not None or factor > 2 else None
        _add_space_error(again, list(range(len(rows))), _differences(again.u, result.u[rows]), known, grid, rtol)
        again.error += again.initial_error
        result.steps[rows] += again.steps
        result.initial_error[rows] = again.initial_error
        # Where little is known of u0 between its nodes the coarser solution may have the smaller error.
        for place, row in enumerate(rows):
            if again.initial_error[place, -1] > rtol and not again.error[place, -1] < result.error[row, -1]:
                continue
            for name in ("u", "error", "time_error", "difference", "points"):
                getattr(result, name)[row] = getattr(again, name)[place]
    return result


def _add_space_error(
    solution: _Solution,
    rows: list[int],
    difference: Tensor,
    before: Tensor | None,
    grid: FiniteDifferenceGrid,
    rtol: float,
) -> None:
    """Set the error of some rows from their differences to half the intervals, and of these to a quarter if known.

    The difference falls by 2^order on grids that are fine enough. It is believed to fall by what it fell before, or by
    the root of 2^order where nothing else is known, or where it may be mostly the error of the steps.
    """
    root, most = 2.0 ** (0.5 * grid.order), 2.0**grid.order
    ratio = torch.full_like(difference, root) if before is None else before / difference.clamp_min(1e-300)
    least = torch.where(difference > _TIME_SHARE * rtol, 2.0, root)
    solution.difference[rows] = difference
    share = _CAUTION / (ratio.clamp_max(most).maximum(least) - 1)
    solution.error[rows] = solution.time_error[rows] + share * difference


def _differences(u: Tensor, other: Tensor) -> Tensor:
    """‖u − other‖ / ‖u‖ over all outputs up to each, `(rows, outputs)`."""
    difference = (u - other).flatten(2).square().sum(2).cumsum(1)
    size = u.flatten(2).square().sum(2).cumsum(1).clamp_min(torch.finfo(torch.float64).tiny)
    return (difference / size).sqrt().nan_to_num(nan=torch.inf).cpu()


def _in_time(
    equation: Equation,
    u0: Tensor,
    grid: FiniteDifferenceGrid,
    times: tuple[float, ...],
    rtol: float,
    start: float,
    method: str | None,
    less_exact: Tensor | None = None,
    factor: int = 1,
) -> _Solution:
    """Solutions on one grid with the error of their steps: each against one with steps twice as long.

    With another interpolant of u0, `less_exact`, on a grid of `factor` times the user's intervals, also with the error
    that it makes at the user's nodes.
    """
    system = FiniteDifferenceSystem(equation, grid, u0.device)
    tableau = chosen_tableau(system, method, times[-1] - start)
    target = _TIME_SHARE * rtol
    rows = list(range(len(u0)))
    coarse = march(
        system, u0, start, times, Adaptive((_STEP_SHARE * rtol,) * len(u0), 1.0, tableau.estimate_order), tableau
    )
    initial_error = torch.zeros(len(u0), len(times), dtype=torch.float64)
    if less_exact is not None:
        same = Replayed(coarse.taken, (Fraction(1),) * len(u0), 1.0)
        try:
            shifted = march(system, less_exact, start, times, same, tableau)
        except BlowUpError:
            initial_error[:] = math.inf
        else:
            pair = (subsampled(each.u, system.grid, factor) for each in (coarse, shifted))
            initial_error = _CAUTION * _differences(*pair)
            coarse.steps.add_(shifted.steps)
    twice = Fraction(2)
    run = march(system, u0, start, times, Replayed(coarse.taken, (twice,) * len(u0), 1.0), tableau)
    share = _CAUTION / (2.0**tableau.order - 1)
    error = share * _differences(run.u, coarse.u)
    steps, taken = coarse.steps + run.steps, list(run.taken)
    for _ in range(_ATTEMPTS):
        failing = [i for i in rows if not error[i, -1] <= target]
        if not failing:
            break
        index = torch.tensor(failing, device=u0.device)
        replay = Replayed(tuple(taken[i] for i in failing), (twice,) * len(failing), 1.0)
        again: March = march(system.select(index), u0[index], start, times, replay, tableau)
        before = error[failing, -1].clone()
        error[failing] = share * _differences(again.u, run.u[index])
        run.u[index] = again.u
        steps[failing] += again.steps
        for i, counts in zip(failing, again.taken, strict=True):
            taken[i] = counts
        # What smaller steps do not lower is rounding, or chaos.
        rows = [i for i, old in zip(failing, before.tolist(), strict=True) if error[i, -1] < 0.7 * old]
    points = torch.full((len(u0),), grid.points[0], dtype=torch.int64)
    unknown = torch.full_like(error, math.inf)
    return _Solution(run.u, error, initial_error, unknown, unknown.clone(), steps, points)
