"""`solve`: trajectories to a tolerance."""

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers import kernel
from pdesym.solvers.adjoint import detached, wants_gradient, with_gradient
from pdesym.solvers.box import boxed, lengths_of, stretch_of
from pdesym.solvers.control import Adaptive, Control, Fixed, finest_grid
from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.solve import solve_finite_differences
from pdesym.solvers.grid import Grid
from pdesym.solvers.heap import keep_freed_memory
from pdesym.solvers.integrate import integrate
from pdesym.solvers.integration import AccuracyWarning, BlowUpError, Integration
from pdesym.solvers.kinds import output_times, refuse_no_number, refuse_other_kinds
from pdesym.solvers.steppers import DEFAULT, Stepper, stepper_named
from pdesym.solvers.system import PRECISIONS, SpectralSystem, unknown_precision
from pdesym.solvers.tolerance import beyond, finer_solution, largest_tail, to_tolerance
from pdesym.solvers.trajectories import Trajectories
from pdesym.solvers.wellposed import refuse_ill_posed

SMALLEST_RTOL = 1e-11
# An error that no finer step lowers is the mark of chaos when it is larger than this, or small at earlier times.
_LOST = 0.05
# How much finer than asked the solutions are that verify others.
_VERIFICATION = 0.01
_VERIFICATION_OF_STEPS = 1e-9
# With a fixed step, products are padded as soon as the spectrum carries this much of the norm in its last third.
FIXED_TAIL = 1e-10
# Rows of at most this many values in all are advanced together on a CPU: their spectra then stay in cache.
_CACHE_VALUES = 64 * 256
# On the plane the transforms of a single row leave the cache already, and each call costs less with more rows.
_CACHE_VALUES_ON_A_PLANE = 16 * 64 * 64
# The row kernel keeps eight rows in cache whatever their number; this bounds the bytes of the results under way.
_RESULT_BYTES = 2**28


Result = TypeVar("Result")


def solve(
    equation: Equation,
    u0: Float[Tensor, "batch channel *space"],
    grid: Grid | FiniteDifferenceGrid,
    times: Float[Tensor, " time"] | Sequence[int | float],
    rtol: int | float | None = None,
    dt: int | float | None = None,
    start: int | float = 0.0,
    *,
    method: str | None = None,
    precision: str = "double",
    modes: int | None = None,
    verify: int = 0,
    seed: int = 0,
    length: int | float | Float[Tensor, "..."] | None = None,
) -> Trajectories:
    """Solve an equation from initial conditions at time `start`: on a torus, or on a box with boundaries.

    The grid decides. On a `FiniteDifferenceGrid` it is the method of lines, see `solve_finite_differences`; all that
    follows is about a `Grid`, a torus.

    Time stepping is ETDRK4 (Krogstad, J. Comput. Phys. 203, 2005) on the Fourier coefficients unless another `method`
    is named, in float64 whatever the type of `u0`; the result has the type and device of `u0`.

    With `rtol` each sample takes its own steps, from an embedded error estimate that costs no transform, and its own
    grid, refined (up to 8 times) while the last third of its spectrum holds more than rtol/10 or (rtol/1000)^(2/3) of
    the norm. Every sample is solved twice, the second time with two to four steps for each of the first; the difference
    estimates the global error, the second solution is corrected by it (Richardson), and a sample whose estimate exceeds
    `rtol` is solved again with finer steps still. With `dt` the step is fixed, the grid is kept, and nothing is
    estimated; products are padded (3/2 rule) from the moment the spectrum reaches the end of the grid. With `modes` as
    well, fewer waves are kept from the start: on N points with modes = (N − 1)//3 that is the 2/3 rule, whose steps can
    be 3/2 times longer where waves are carried along, and cost half.

    Autograd passes through: the gradient of the solution with respect to u0, to parameters and lengths that are
    tensors, and to output times in a tensor is that of the steps that were taken (see `adjoint`), with `rtol` those of
    the second solution as it is before the correction; `error` and the other estimates are numbers to it, and second
    derivatives are refused.

    Args:
        equation: what to solve.
        u0: `(batch, channel, *space)`: initial condition, its trigonometric interpolant is what is evolved.
        grid: the grid of u0 and of the result.
        times: increasing output times, none before `start`, in the equation's unit of time.
        rtol: error asked for, ‖u − u_true‖ / ‖u_true‖ over all outputs of a sample; 1e-6 when neither it nor `dt` is
            given.
        dt: largest time step, instead of `rtol`.
        start: time of the initial condition.
        method: "etdrk4" (Krogstad; when none is named), "etdrk4-cox-matthews", "etdrk2", "imex4" (Kennedy and
            Carpenter's ARK4(3)6L[2]SA) or "dopri5" (Dormand and Prince's explicit pair).
        precision: "double", or "mixed": products and transforms of the nonlinear part in float32, state and linear part
            in float64. Faster where memory is what limits, as on a GPU; it costs about 1e-6 of the norm a unit of time,
            more where errors grow, and the estimates do not see all of it. What the compiled kernel does, it does in
            float64 in either case, which costs less time than the other.
        modes: K, with `dt`: after the start only the waves |m| ≤ K along each axis are kept, and products are
            taken on as few points as leave these free of aliases, (degree + 1) K + 1 along each axis.
        verify: so many samples, drawn at random, are solved once more with finer steps and grids, to a hundredth of the
            largest error that was estimated for them (1e-9 with `dt`); `Trajectories.verified` holds what their error
            turns out to be.
        seed: of that draw.
        length: the length of the box, in place of that of the grid: one number, or a tensor `(batch,)` or
            `(batch, dims)` with one a sample, whose points then are j·length/N.

    Raises:
        ValueError: for shapes, times, tolerances or methods that make no sense, and ill-posed equations.
        TypeError: for arguments of another kind, such as times that are one number.
        BlowUpError: when a sample ceases to be finite; names the sample and the time.

    Warns:
        AccuracyWarning: naming the samples whose estimated error stays above `rtol`, because the solution is chaotic
            or because its spectrum does not end on the finest grid.
    """
    refuse_other_kinds(equation, u0, grid)
    if isinstance(grid, FiniteDifferenceGrid):
        if verify or length is not None or precision != "double" or modes is not None:
            raise ValueError(
                "On a grid with boundaries verify, length, precision and modes are not there: leave them out."
            )
        if wants_gradient(equation, u0, *_tensors(times)):
            raise ValueError(
                "Gradients pass through solutions on periodic grids only: detach u0, the parameters and the times."
            )
        control_dt, tolerance, output = check_arguments(equation, grid, times, rtol, dt, start)
        check_fields(equation, u0, grid)
        return solve_finite_differences(equation, u0, grid, output, tolerance, control_dt, float(start), method)
    grid = boxed(grid, length)
    control_dt, tolerance, output = check_arguments(equation, grid, times, rtol, dt, start)
    check_fields(equation, u0, grid)
    if precision not in PRECISIONS:
        raise unknown_precision(precision)
    if precision != "double" and wants_gradient(equation, u0, *_tensors(times, length)):
        raise ValueError('Gradients are taken in double precision: leave out precision="mixed", or detach the input.')
    stretch = stretch_of(length, grid, len(u0), u0.device)
    stepper = stepper_named(method or DEFAULT)
    if not 0 <= verify <= len(u0):
        raise ValueError(f"Expected to verify between 0 and {len(u0)} samples, got verify = {verify}.")
    start = float(start)
    instants = _instants(start, times)
    _check_modes(modes, grid, control_dt)
    control: Control = Adaptive((), largest_tail(tolerance))
    if control_dt is not None:
        control = Fixed(control_dt, FIXED_TAIL, modes)

    def piece(rows: list[int]) -> tuple[Integration, Tensor, Tensor]:
        part, initial, boxes = equation.select(rows), u0[rows].double(), None if stretch is None else stretch[rows]
        plain = detached(part), initial.detach(), grid, start, output
        plain_boxes = None if boxes is None else boxes.detach()
        error = horizon = torch.full((len(rows),), math.nan, dtype=torch.float64)
        if control_dt is None:
            run, error, horizon = to_tolerance(*plain, tolerance, stepper, plain_boxes, precision)
        else:
            run = integrate(*plain, control, stepper, stretch=plain_boxes, precision=precision)
        if precision != "double":
            return run, error, horizon
        return with_gradient(run, part, initial, grid, instants, control, stepper, boxes), error, horizon

    pieces = in_chunks(equation, u0, grid, len(output), piece)
    result = Trajectories(
        u=torch.cat([run.u for run, _, _ in pieces]).to(u0.dtype),
        times=torch.tensor(output, dtype=torch.float64, device=u0.device),
        grid=grid,
        equation=equation,
        error=torch.cat([error for _, error, _ in pieces]),
        horizon=torch.cat([horizon for _, _, horizon in pieces]),
        steps=torch.cat([run.steps for run, _, _ in pieces]),
        points_used=torch.cat([run.points for run, _, _ in pieces]),
        tail=torch.cat([run.tail for run, _, _ in pieces]),
        length=lengths_of(stretch, grid),
    )
    if control_dt is None:
        _warn_of_missed(result, grid, tolerance)
    if not verify:
        return result
    chosen = torch.randperm(len(u0), generator=torch.Generator().manual_seed(seed))[:verify].sort().values.tolist()
    finer = _VERIFICATION_OF_STEPS
    if control_dt is None:
        finer = max(_VERIFICATION * min(tolerance, result.error[chosen].max().item()), SMALLEST_RTOL)
    boxes = None if stretch is None else stretch[chosen]
    return replace(result, verified=_verified(result, u0, chosen, grid, start, finer, stepper, boxes))


def _check_modes(modes: int | None, grid: Grid, dt: float | None) -> None:
    if modes is None:
        return
    most = (min(grid.points) - 1) // 2
    if not isinstance(modes, int) or isinstance(modes, bool) or not 1 <= modes <= most:
        raise ValueError(
            f"Expected modes between 1 and {most}, the most that {grid.points} points hold, got {modes!r}."
        )
    if dt is None:
        raise ValueError("With rtol the solver chooses how many waves it keeps: give modes together with dt only.")


@torch.no_grad()
def _verified(
    result: Trajectories,
    u0: Tensor,
    chosen: list[int],
    grid: Grid,
    start: float,
    finer: float,
    stepper: Stepper,
    stretch: Tensor | None,
) -> dict[int, float]:
    """The error of some samples against finer solutions; where none exists the difference shows it."""
    equation, times = detached(result.equation.select(chosen)), tuple(result.times.tolist())
    reference = finer_solution(equation, u0[chosen].double(), grid, start, times, finer, stepper, stretch)
    difference = (result.u[chosen].double() - reference).flatten(1).norm(dim=1)
    errors = difference / reference.flatten(1).norm(dim=1).clamp_min(torch.finfo(torch.float64).tiny)
    return dict(zip(chosen, errors.tolist(), strict=True))


def _warn_of_missed(result: Trajectories, grid: Grid, rtol: float) -> None:
    missed = (result.error > rtol).nonzero().flatten().tolist()
    if not missed:
        return
    largest, holds = result.error[missed].max().item(), result.horizon[missed].min().item()
    if (result.points_used[missed] == finest_grid(grid).points[0]).any():
        reason = f"their spectrum {beyond(grid)}"
    elif largest > _LOST or holds >= result.times[0].item():
        reason = (
            "a chaotic solution loses digits with time, so shorten the horizon, ask for less, or smooth the initial "
            "condition"
        )
    else:
        reason = "finer steps do not lower it, so ask for less, or look for what is not smooth in the equation"
    warnings.warn(
        f"The estimated error of samples {missed} stays above rtol = {rtol:g} (largest {largest:.1e}; all keep to it "
        f"until t = {holds:g}): {reason}.",
        AccuracyWarning,
        stacklevel=3,
    )


def in_chunks(
    equation: Equation, u: Tensor, grid: Grid, outputs: int, work: Callable[[list[int]], Result]
) -> list[Result]:
    """What `work` makes of the rows of a batch, on a CPU as many at once as is fastest, all on a GPU.

    Raises:
        BlowUpError: of `work`, with the sample counted over the whole batch.
    """
    size = len(u)
    if u.device.type == "cpu":
        keep_freed_memory()
        values = math.prod(u.shape[1:])
        if kernel.supports(SpectralSystem(detached(equation), grid)):
            size = max(64, _RESULT_BYTES // (8 * outputs * values))
        else:
            size = max(1, (_CACHE_VALUES if grid.dims == 1 else _CACHE_VALUES_ON_A_PLANE) // values)
    results = []
    for first in range(0, u.shape[0], size):
        try:
            results.append(work(list(range(first, min(first + size, u.shape[0])))))
        except BlowUpError as error:
            raise BlowUpError(first + error.sample, error.time, error.remedy) from None
    return results


def check_arguments(
    equation: Equation,
    grid: Grid | FiniteDifferenceGrid,
    times: Tensor | Sequence[int | float],
    rtol: int | float | None,
    dt: int | float | None,
    start: int | float,
) -> tuple[float | None, float, tuple[float, ...]]:
    """(dt or None, rtol, output times), checked.

    Raises:
        ValueError: with one sentence that says what was wrong.
        TypeError: for what are no numbers.
    """
    output = output_times(times)
    refuse_no_number(rtol=rtol, dt=dt, start=start)
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
    refuse_ill_posed(equation, grid.dims, (float(start), output[-1]))
    return None if dt is None else float(dt), rtol, output


def check_fields(equation: Equation, u: Tensor, grid: Grid | FiniteDifferenceGrid) -> None:
    """Raises ValueError unless u is a finite field batch of this equation on this grid."""
    expected = (len(equation.fields), *grid.points)
    if u.ndim != 2 + grid.dims or tuple(u.shape[1:]) != expected:
        raise ValueError(
            f"Expected initial conditions of shape (batch, {', '.join(map(str, expected))}) for the fields "
            f"({', '.join(equation.fields)}) on this grid, got {tuple(u.shape)}."
        )
    if not u.is_floating_point():
        raise ValueError(f"Expected a real floating-point tensor for the fields, got {u.dtype}: use u.double().")
    if not len(u):
        raise ValueError("Expected at least one sample, got an empty batch.")
    finite = torch.isfinite(u).flatten(1).all(1)
    if not finite.all():
        raise ValueError(f"Initial condition {int((~finite).nonzero()[0])} is not finite: remove or correct it.")
    for name, value in equation.parameters.items():
        if isinstance(value, Tensor) and value.ndim and len(value) != len(u):
            raise ValueError(f"Parameter {name!r} has {len(value)} values for {len(u)} samples; give one a sample.")


def _tensors(*values: object) -> list[Tensor]:
    return [value for value in values if isinstance(value, Tensor)]


def _instants(start: float, times: Tensor | Sequence[int | float]) -> Tensor:
    """The initial and the output times, followed by autograd where those are."""
    later = times.double() if isinstance(times, Tensor) else torch.tensor(tuple(times), dtype=torch.float64)
    return torch.cat([torch.tensor([start], dtype=torch.float64, device=later.device), later])


def _brief(times: tuple[float, ...]) -> str:
    shown = [f"{t:g}" for t in times[:6]]
    return f"({', '.join(shown)}{', …' if len(times) > 6 else ''})"
