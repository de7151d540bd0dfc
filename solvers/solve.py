"""`solve`: trajectories to a tolerance."""

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.control import Adaptive, Fixed, Replayed, finest_grid
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integrate import BlowUpError, Integration, integrate
from pdesym.solvers.trajectories import Trajectories
from pdesym.solvers.wellposed import refuse_ill_posed

# The largest estimated error of one step, as a share of the tolerance for the whole trajectory.
STEP_SHARE = 0.1
# The grid is refined while the last third of the spectrum holds more than this share of the tolerance.
TAIL_SHARE = 0.1
# Twice the step of a fourth-order method: the difference is 15 times the error of the finer solution; half is kept.
RICHARDSON = 2.0 / 15.0
_ATTEMPTS = 4
_SATURATED = 0.05
SMALLEST_RTOL = 1e-11
# With a fixed step, products are padded as soon as the spectrum carries this much of the norm in its last third.
FIXED_TAIL = 1e-10
# Rows of at most this many points in all are advanced together on a CPU: their spectra then stay in cache.
_CACHE_POINTS = 64 * 256


Result = TypeVar("Result")


class AccuracyWarning(UserWarning):
    """The tolerance asked for was not reached for some samples."""


def solve(
    equation: Equation,
    u0: Float[Tensor, "batch channel *space"],
    grid: Grid,
    times: Float[Tensor, " time"] | Sequence[int | float],
    rtol: int | float | None = None,
    dt: int | float | None = None,
    start: int | float = 0.0,
) -> Trajectories:
    """Solve an equation from initial conditions at time `start`, on a torus.

    Time stepping is ETDRK4 (Krogstad, J. Comput. Phys. 203, 2005) on the Fourier coefficients, in float64 whatever
    the type of `u0`; the result has the type and device of `u0`.

    With `rtol` each sample takes its own steps, from an embedded error estimate that costs no transform, and its own
    grid, refined (up to 8 times) while the last third of its spectrum holds more than rtol/10 of the norm. Every sample
    is solved once more with twice the step, at half the cost; the difference estimates the global error, and a sample
    whose estimate exceeds `rtol` is solved again. With `dt` the step is fixed, the grid is kept, and nothing is
    estimated; products are padded (3/2 rule) from the moment the spectrum reaches the end of the grid.

    Args:
        equation: what to solve.
        u0: `(batch, channel, *space)`: initial condition, its trigonometric interpolant is what is evolved.
        grid: the grid of u0 and of the result.
        times: increasing output times, none before `start`, in the equation's unit of time.
        rtol: error asked for, ‖u − u_true‖ / ‖u_true‖ over all outputs of a sample; 1e-6 when neither it nor `dt` is
            given.
        dt: largest time step, instead of `rtol`.
        start: time of the initial condition.

    Raises:
        ValueError: for shapes, times or tolerances that make no sense, and ill-posed equations.
        BlowUpError: when a sample ceases to be finite; names the sample and the time.

    Warns:
        AccuracyWarning: naming the samples whose estimated error stays above `rtol`, because the solution is chaotic
            or because its spectrum does not end on the finest grid.
    """
    control_dt, tolerance, output = check_arguments(equation, grid, times, rtol, dt, start)
    check_fields(equation, u0, grid)
    start = float(start)

    def piece(rows: list[int]) -> tuple[Integration, Tensor]:
        part, initial = equation.select(rows), u0[rows].double()
        if control_dt is None:
            return _to_tolerance(part, initial, grid, start, output, tolerance)
        run = integrate(part, initial, grid, start, output, Fixed(control_dt, FIXED_TAIL))
        return run, torch.full((len(rows),), math.nan, dtype=torch.float64)

    pieces = in_chunks(u0, grid, piece)
    result = Trajectories(
        u=torch.cat([run.u for run, _ in pieces]).to(u0.dtype),
        times=torch.tensor(output, dtype=torch.float64, device=u0.device),
        grid=grid,
        equation=equation,
        error=torch.cat([error for _, error in pieces]),
        steps=torch.cat([run.steps for run, _ in pieces]),
        points_used=torch.cat([run.points for run, _ in pieces]),
        tail=torch.cat([run.tail for run, _ in pieces]),
    )
    if control_dt is None:
        _warn_of_missed(result, tolerance)
    return result


def _warn_of_missed(result: Trajectories, rtol: float) -> None:
    missed = (result.error > rtol).nonzero().flatten().tolist()
    if not missed:
        return
    if (result.points_used[missed] == finest_grid(result.grid).points[0]).any():
        reason = f"their spectrum {beyond(result.grid)}"
    else:
        reason = (
            "a chaotic solution loses digits with time, so shorten the horizon, ask for less, or smooth the initial "
            "condition"
        )
    warnings.warn(
        f"The estimated error of samples {missed} stays above rtol = {rtol:g} (largest "
        f"{result.error[missed].max().item():.1e}): {reason}.",
        AccuracyWarning,
        stacklevel=3,
    )


def _to_tolerance(
    equation: Equation, u0: Tensor, grid: Grid, start: float, times: tuple[float, ...], rtol: float
) -> tuple[Integration, Tensor]:
    """An integration and its estimated global errors."""
    tolerance = torch.full((u0.shape[0],), STEP_SHARE * rtol, dtype=torch.float64)
    run, error = _with_estimate(equation, u0, grid, start, times, rtol, tolerance)
    hopeless = unresolved(run, rtol)
    for _ in range(_ATTEMPTS - 1):
        # Below 1e-15 a smaller step only adds round-off.
        failing = (~(error <= rtol) & (tolerance > 1e-15) & ~hopeless).nonzero().flatten().tolist()
        if not failing:
            break
        before = error[failing]
        tolerance[failing] /= (2 * before / rtol).nan_to_num(256.0).clamp(4.0, 256.0)
        part = equation.select(failing)
        again, error[failing] = _with_estimate(part, u0[failing], grid, start, times, rtol, tolerance[failing])
        run.u[failing] = again.u
        run.steps[failing] += again.steps
        run.points[failing] = again.points
        run.tail[failing], run.aliased[failing] = again.tail, again.aliased
        # An error of order one that smaller steps do not lower is chaos beyond its horizon.
        saturated = (error[failing] > _SATURATED) & (error[failing] > 0.5 * before)
        hopeless[failing] = saturated | unresolved(again, rtol)
    return run, error.maximum(_space_error(run))


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


def _with_estimate(
    equation: Equation, u0: Tensor, grid: Grid, start: float, times: tuple[float, ...], rtol: float, tolerance: Tensor
) -> tuple[Integration, Tensor]:
    """An integration, and its difference to one with twice the step and a looser watch on the tail."""
    finer = integrate(equation, u0, grid, start, times, Adaptive(tuple(tolerance.tolist()), TAIL_SHARE * rtol))
    error = torch.full((u0.shape[0],), math.inf, dtype=torch.float64)
    rows = list(range(u0.shape[0]))
    while rows:
        halved = Replayed(tuple(tuple(finer.taken[row]) for row in rows), rtol)
        try:
            coarser = integrate(equation.select(rows), u0[rows], grid, start, times, halved)
        except BlowUpError as blown:
            # Twice the step was unstable for this sample, which says enough about the step itself.
            del rows[blown.sample]
            continue
        norm = finer.u[rows].flatten(1).norm(dim=1).clamp_min(torch.finfo(torch.float64).tiny)
        error[rows] = (RICHARDSON * (finer.u[rows] - coarser.u).flatten(1).norm(dim=1) / norm).cpu()
        finer.steps[rows] += coarser.steps
        break
    return finer, error


def in_chunks(u: Tensor, grid: Grid, work: Callable[[list[int]], Result]) -> list[Result]:
    """What `work` makes of the rows of a batch, those together that fit in cache on a CPU, all on a GPU.

    Raises:
        BlowUpError: of `work`, with the sample counted over the whole batch.
    """
    size = max(1, u.shape[0] if u.device.type != "cpu" else _CACHE_POINTS // math.prod(grid.points))
    results = []
    for first in range(0, u.shape[0], size):
        try:
            results.append(work(list(range(first, min(first + size, u.shape[0])))))
        except BlowUpError as error:
            raise BlowUpError(first + error.sample, error.time, error.remedy) from None
    return results


def check_arguments(
    equation: Equation,
    grid: Grid,
    times: Tensor | Sequence[int | float],
    rtol: int | float | None,
    dt: int | float | None,
    start: int | float,
) -> tuple[float | None, float, tuple[float, ...]]:
    """(dt or None, rtol, output times), checked.

    Raises:
        ValueError: with one sentence that says what was wrong.
    """
    output = tuple(float(t) for t in (times.tolist() if isinstance(times, Tensor) else times))
    if not output or not all(math.isfinite(t) for t in (*output, start)):
        raise ValueError(f"Expected at least one output time, all finite, got {output} from start = {start}.")
    if any(b <= a for a, b in itertools.pairwise(output)) or output[0] < start:
        raise ValueError(f"Output times must increase and none may lie before start = {start}, got {_brief(output)}.")
    if dt is not None and rtol is not None:
        raise ValueError("Give either rtol (steps are chosen) or dt (steps are fixed), not both.")
    if dt is not None and not (math.isfinite(dt) and dt > 0):
        raise ValueError(f"The time step dt must be positive and finite, got {dt}.")
    rtol = 1e-6 if rtol is None else float(rtol)
    if not SMALLEST_RTOL <= rtol <= 0.1:
        raise ValueError(f"rtol must lie between {SMALLEST_RTOL:g} (float64 round-off) and 0.1, got {rtol:g}.")
    refuse_ill_posed(equation, grid.dims)
    return None if dt is None else float(dt), rtol, output


def check_fields(equation: Equation, u: Tensor, grid: Grid) -> None:
    """Raises ValueError unless u is a finite field batch of this equation on this grid."""
    expected = (len(equation.fields), *grid.points)
    if u.ndim != 2 + grid.dims or tuple(u.shape[1:]) != expected:
        raise ValueError(
            f"Expected initial conditions of shape (batch, {', '.join(map(str, expected))}) for the fields "
            f"({', '.join(equation.fields)}) on this grid, got {tuple(u.shape)}."
        )
    if not u.is_floating_point():
        raise ValueError(f"Expected a real floating-point tensor for the fields, got {u.dtype}: use u.double().")
    values = (u, *(value for value in equation.parameters.values() if isinstance(value, Tensor)))
    if torch.is_grad_enabled() and any(value.requires_grad for value in values):
        raise ValueError(
            "The solver cannot be differentiated by autograd: detach its input and parameters, or push directions "
            "through FlowMap.tangent."
        )
    if not len(u):
        raise ValueError("Expected at least one sample, got an empty batch.")
    finite = torch.isfinite(u).flatten(1).all(1)
    if not finite.all():
        raise ValueError(f"Initial condition {int((~finite).nonzero()[0])} is not finite: remove or correct it.")
    for name, value in equation.parameters.items():
        if isinstance(value, Tensor) and len(value) != len(u):
            raise ValueError(f"Parameter {name!r} has {len(value)} values for {len(u)} samples; give one a sample.")


def _brief(times: tuple[float, ...]) -> str:
    shown = [f"{t:g}" for t in times[:6]]
    return f"({', '.join(shown)}{', …' if len(times) > 6 else ''})"
