"""`solve` for conservation laws whose solutions may jump."""

import math
import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.shock_capturing_system import ShockCapturingSystem
from pdesym.solvers.finite_differences.shock_capturing_transfer import transferred
from pdesym.solvers.integration import AccuracyWarning, BlowUpError
from pdesym.solvers.trajectories import Trajectories

# Rows of at most this many cells in all are advanced together on a CPU: their reconstruction then stays in cache.
_CACHE_CELLS = 16 * 256
# A solution that needs more steps than this to the next output does not get there.
_MOST_STEPS = 10**6
_LEAST_POINTS = 8
# Grids are refined up to so many times, and up to so many cells.
_FINEST, _MOST_CELLS = 8, 2**17
# By how much the error shrinks on twice the points: as √h in L2 with a shock, with h³ by the steps of smooth solutions.
_SLOWEST, _FASTEST = math.sqrt(2), 8.0
# What is measured of it depends on where shocks stand between the points.
_CAUTION = 1.5
_REMEDY = "its wave speeds ceased to be real and finite, so check that the initial condition is admissible and resolved"


@dataclass
class _Solution:
    """Solutions on the user's grid and what is known of their error.

    Attributes:
        u: `(rows, outputs, fields, *points)`.
        steps: `(rows,)`.
        points: `(rows,)`, of the grid used.
        difference: `(rows, outputs)` to the solution on half the points, relative, over all outputs so far.
        ratio: `(rows, outputs)` by which the error shrinks on twice the points.
        unresolved: `(rows, outputs)` what cells differ from the polynomial through their neighbours.
    """

    u: Tensor
    steps: Tensor
    points: Tensor
    difference: Tensor
    ratio: Tensor
    unresolved: Tensor

    @property
    def error(self) -> Tensor:
        """Estimated error over all outputs so far."""
        ratio = (self.ratio / _CAUTION).clamp_min(_SLOWEST)
        return (self.difference / (ratio - 1)).maximum(self.unresolved)


@torch.no_grad()
def solve_shock_capturing(
    equation: Equation,
    u0: Float[Tensor, "batch channel *space"],
    grid: FiniteDifferenceGrid,
    times: tuple[float, ...],
    rtol: float,
    dt: float | None = None,
    start: float = 0.0,
    method: str | None = None,
) -> Trajectories:
    """Solve u_t + ∂ₓF(u) + ∂_yG(u) = central differences, with the shocks that the fluxes imply.

    Fluxes by WENO-Z (fifth order where the solution is smooth) with local Lax-Friedrichs splitting, along eigenvectors
    for systems; steps by the third-order strong-stability-preserving method of Shu and Osher (J. Comput. Phys. 77,
    1988, eq. 2.18), for every sample as long as its own wave speeds allow: Σ_axes |λ|/h · step ≤ 0.5. The solution is
    the entropy solution, the limit of vanishing viscosity.

    With `rtol` a sample is also solved on a half and on a quarter of the points, its steps then as much longer, so that
    the error e in space and time shrinks by a factor r each time: with the differences d₁ of the first two and d₂ of
    the last two solutions, r = d₂/d₁ and e = d₁/(r − 1), r within √2, the rate of shocks in this norm, and 8. Shocks
    that happen to stand well between the points can make d₁ small, so that e is not taken smaller than three times the
    deviation of the cells from the polynomials through their six neighbours, about the root of h times the jumps.
    Where `rtol` can be reached with at most 8 times the points, the sample is solved on these. With `dt` steps are at
    most that long and nothing is estimated.

    Args:
        equation: what to solve.
        u0: `(batch, fields, *points)` at time `start`, values at the grid's points.
        grid: the grid of u0 and of the result.
        times: increasing output times, none before `start`.
        rtol: error asked for, ‖u − u_true‖ / ‖u_true‖ in L2 over all outputs and points of a sample.
        dt: largest step, instead of `rtol`.
        start: initial time.
        method: None or "ssprk3".

    Raises:
        ValueError: for another method, an equation without conservative form, or initial conditions without real wave
            speeds.
        BlowUpError: when a sample ceases to be finite.

    Warns:
        AccuracyWarning: naming the samples whose estimated error stays above `rtol`, and the points that would do.
    """
    if method not in (None, "etdrk4", "ssprk3"):  # etdrk4 is the default of periodic grids
        raise ValueError(f"The scheme 'weno' is stepped by 'ssprk3', got method = {method!r}: name that or none.")
    size = max(1, _CACHE_CELLS // math.prod(grid.points)) if u0.device.type == "cpu" else len(u0)
    pieces = []
    for first in range(0, len(u0), size):
        rows = list(range(first, min(first + size, len(u0))))
        part, initial = equation.select(rows), u0[rows].double()
        try:
            if dt is None:
                pieces.append(_to_tolerance(part, initial, grid, times, rtol, start))
            else:
                pieces.append(_solved(part, initial, grid, times, start, dt))
        except BlowUpError as blown:
            raise BlowUpError(first + blown.sample, blown.time, blown.remedy) from None
    error = torch.cat([piece.error for piece in pieces])
    reached = torch.tensor((start, *times), dtype=torch.float64)[error.le(rtol).cumprod(1).sum(1)]
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
        _warn_of_missed(result, torch.cat([piece.ratio for piece in pieces])[:, -1], rtol)
    return result


def _warn_of_missed(result: Trajectories, ratio: Tensor, rtol: float) -> None:
    missed = (result.error > rtol).nonzero().flatten().tolist()
    if not missed:
        return
    worst = max(missed, key=lambda row: float(result.error[row]))
    error, points = float(result.error[worst]), result.grid.points
    if math.isfinite(error):
        doublings = math.log(error / rtol) / math.log(float(ratio[worst]))
        used = float(result.points_used[worst]) / points[0]
        wanted = " × ".join(f"{n * used * 2.0**doublings:.1g}" for n in points)
        advice = f"it would take about {wanted} points, so ask for less, or for a finer grid"
    else:
        advice = f"on fewer than {2 * _LEAST_POINTS} points along an axis nothing is known, so take a finer grid"
    warnings.warn(
        f"The estimated error of samples {missed} stays above rtol = {rtol:g} (largest {error:.1e}): {advice}.",
        AccuracyWarning,
        stacklevel=4,
    )


def _to_tolerance(
    equation: Equation, u0: Tensor, grid: FiniteDifferenceGrid, times: tuple[float, ...], rtol: float, start: float
) -> _Solution:
    """Solutions on the grid, and on finer ones for samples that these bring to the tolerance."""
    result = _solved(equation, u0, grid, times, start)
    coarser: list[Tensor] = []
    for share in (2, 4):
        points = [n // share for n in grid.points]
        if min(points) < _LEAST_POINTS:
            break
        try:
            coarse = _solved(equation, transferred(u0, grid, points), grid.refined(points), times, start)
        except (BlowUpError, ValueError):  # a coarse solution may fail where the fine one does not
            break
        result.steps += coarse.steps
        coarser.append(coarse.u)
    _estimate(result, result.u, grid, coarser)
    rows, initial, factor = list(range(len(u0))), u0, 1
    while 2 * factor <= _FINEST and math.prod(2 * factor * n for n in grid.points) <= _MOST_CELLS:
        ratio, error = result.ratio[rows, -1], result.error[rows, -1]
        hopeful = (error > rtol) & (error <= rtol * ratio ** math.log2(_FINEST / factor))
        chosen = hopeful.nonzero().flatten().tolist()
        if not chosen:
            break
        rows, factor = [rows[i] for i in chosen], 2 * factor
        finer = grid.refined([factor * n for n in grid.points])
        initial = transferred(u0[rows], grid, finer.points)
        again = _solved(equation.select(rows), initial, finer, times, start)
        unresolved = _unresolved(again.u, finer)
        again.u = transferred(again.u, finer, grid.points)
        difference = _difference(again.u, result.u[rows])
        result.unresolved[rows] = unresolved
        result.ratio[rows] = _ratio(result.difference[rows], difference)
        result.difference[rows], result.u[rows], result.points[rows] = difference, again.u, again.points
        result.steps[rows] += again.steps
    return result


def _estimate(result: _Solution, u: Tensor, grid: FiniteDifferenceGrid, coarser: list[Tensor]) -> None:
    """Fill in the differences between a solution and those on a half and a quarter of the points."""
    if not coarser:
        result.difference = result.unresolved = torch.full(u.shape[:2], math.inf, dtype=torch.float64)
        return
    grids = [grid, *(grid.refined(v.shape[-grid.dims :]) for v in coarser)]
    solutions = [u, *coarser]
    differences = [
        _difference(transferred(fine, grids[i], grids[i + 1].points), coarse)
        for i, (fine, coarse) in enumerate(zip(solutions, coarser, strict=False))
    ]
    result.difference, result.unresolved = differences[0], _unresolved(u, grid)
    if len(differences) == 2:
        result.ratio = _ratio(differences[1], differences[0])


def _ratio(before: Tensor, after: Tensor) -> Tensor:
    """How much smaller a difference became, within what is believed; as little as over all outputs before."""
    ratio = before / after.clamp_min(torch.finfo(torch.float64).tiny)
    return ratio.clamp(_SLOWEST, _FASTEST).cummin(1).values


def _difference(u: Tensor, other: Tensor) -> Tensor:
    """‖u − other‖ / ‖u‖ over all outputs up to each, `(rows, outputs)`."""
    return _share((u - other).flatten(2).square().sum(2), u)


def _unresolved(u: Tensor, grid: FiniteDifferenceGrid) -> Tensor:
    """3 ‖u − (its interpolation from three neighbours on each side)‖ / ‖u‖ over all outputs up to each.

    The 3 is for a jump with a value in the middle, whose interpolation is off by 0.23 of it and whose error is 0.5.
    """
    squares = torch.zeros(u.shape[:2], dtype=u.dtype, device=u.device)
    for axis, periodic in enumerate(grid.periodic):
        line = u.movedim(3 + axis, -1)
        if periodic:
            line = torch.cat((line[..., -3:], line, line[..., :3]), -1)
        squares += (0.15 * line.diff(n=6, dim=-1)).flatten(2).square().sum(2)
    return _share(squares, u)


def _share(squares: Tensor, u: Tensor) -> Tensor:
    size = u.flatten(2).square().sum(2).cumsum(1).clamp_min(torch.finfo(torch.float64).tiny)
    return (squares.cumsum(1) / size).sqrt().cpu()


def _solved(
    equation: Equation,
    u0: Tensor,
    grid: FiniteDifferenceGrid,
    times: tuple[float, ...],
    start: float,
    dt: float = math.inf,
) -> _Solution:
    """Solutions on one grid, every sample with its own steps."""
    system = ShockCapturingSystem.of(equation, grid, u0.device)
    batch, device, trailing = len(u0), u0.device, (1,) * (1 + grid.dims)
    out = torch.zeros(batch, len(times), *u0.shape[1:], dtype=torch.float64, device=device)
    steps = torch.zeros(batch, dtype=torch.int64)
    u, before = u0.clone(), start
    for index, target in enumerate(times):
        rows = torch.arange(batch, device=device)
        part, v = system, u
        t = torch.full((batch,), before, dtype=torch.float64, device=device)
        while target > before and len(rows):
            slope, rate = part.slope(v, t)
            left = (target - t) * rate.clamp_min(1 / dt)
            _refuse_lost(left, rows, t, start)
            count = torch.ceil(left * (1 - 1e-12)).clamp_min(1)
            h = (target - t) / count
            v = _stepped(part, v, t, h, h.reshape(-1, *trailing), slope)
            steps[rows.cpu()] += 1
            done = count == 1
            t = t + h
            if done.any():
                u = u.index_copy(0, rows[done], v[done])
                rows, v, t = rows[~done], v[~done], t[~done]
                part = system.select(rows.tolist())
        finite = torch.isfinite(u).flatten(1).all(1)
        _refuse_lost(torch.where(finite, 0.0, math.nan), torch.arange(batch), torch.full((batch,), before), math.nan)
        out[:, index], before = u, target
    unknown = torch.full((batch, len(times)), math.nan, dtype=torch.float64)
    points = torch.full((batch,), grid.points[0], dtype=torch.int64)
    return _Solution(out, steps, points, unknown, torch.full_like(unknown, _SLOWEST), unknown)


def _stepped(system: ShockCapturingSystem, u: Tensor, t: Tensor, h: Tensor, wide: Tensor, slope: Tensor) -> Tensor:
    """One step of Shu and Osher's method: convex combinations of Euler steps."""
    first = u + wide * slope
    second = 0.75 * u + 0.25 * (first + wide * system.slope(first, t + h)[0])
    return u / 3 + (2 / 3) * (second + wide * system.slope(second, t + 0.5 * h)[0])


def _refuse_lost(values: Tensor, rows: Tensor, t: Tensor, start: float) -> None:
    """Raise when a sample is not finite, or its steps have become too many."""
    lost = ~(values < _MOST_STEPS)
    if not lost.any():
        return
    place = int(lost.nonzero()[0])
    row, time = int(rows[place]), float(t[place])
    if time == start and not math.isfinite(float(values[place])):
        raise ValueError(
            f"Initial condition {row} has no real and finite wave speeds: the equation is not hyperbolic there (is a "
            f"depth or a density zero or negative?)."
        )
    raise BlowUpError(row, time, _REMEDY)
