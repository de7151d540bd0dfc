"""The symmetries of an operator from frames to frames."""

from collections.abc import Callable, Sequence

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.characteristic import RightHandSide
from pdesym.symmetry.discover.conditions import Probes, conditions, fitting_library, is_linear, probes
from pdesym.symmetry.discover.from_operator import discover_from_operator
from pdesym.symmetry.discover.judgement import Conditions, Knowledge, judged
from pdesym.symmetry.discover.propagation import AT_ONCE
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.time_differences import rates_of_frames
from pdesym.symmetry.library import Library
from pdesym.symmetry.pushforward import Operator, pushforward
from pdesym.symmetry.vector_field import TIME, variable


def discover_from_windows(
    operator: Operator,
    u: Float[Tensor, "batch frames_in channel *space"],
    grid: Grid,
    library: Library | None = None,
    *,
    step: float,
    rhs: RightHandSide | None = None,
    error: float | None = None,
    others: Sequence[Operator] = (),
    factor: float = 2.0,
    seed: int = 0,
    name: str = "operator",
) -> Discovery:
    """The symmetries of an operator F on windows of frames, among the vector fields of a library.

    F maps frames at the times −(m−1)h, …, −h, 0 to the frames at h, …, nh. v is a symmetry exactly when
    dF[u]·Q_in[u] = Q_out[F u] for all windows u of solutions, where Q_in stacks the characteristics of the input
    frames, each at its own time, and Q_out those of the output frames. That is linear in v, as in
    `discover_from_operator`, whose plateau and inner window make coefficients testable that are not periodic.

    The rate u_t of the input is `rhs`, or a difference of up to seven frames, one-sided at the ends of a window: the
    frames must then lie so close that a polynomial of that degree runs through them. That of the output is what F makes
    of it, dF[u]·u_t. So ∂_t is in the null space of every F, and says nothing about it; whether F keeps ∂_t is a
    question to all its output frames at once, which this does not ask. Other columns with τ use that rate too: a
    trained operator that moves u_t wrongly is not told so by them.

    One frame without `rhs` is a matter for `discover_from_operator`, which then looks at F's first output frame, a step
    on.

    Args:
        operator: F, any callable; with a method `tangent` it is asked for its own derivative, as in `pushforward`.
        u: where to look: windows of solutions, such as those that the operator was trained on; float64.
        grid: their grid.
        library: where to look; polynomials of degree 2 in the variables of u when not given.
        step: h, the time between frames.
        rhs: N[u], `rhs(fields, t)`, where the equation is known.
        error: relative error of F's frames on windows that it has not seen, ‖F u − truth‖ over ‖truth − last frame of
            u‖; for a trained F that has no others beside it, as in `discover_from_operator`.
        others: operators on the same windows, trained alike from other seeds, as there.
        factor: as there.
        seed: of the choices of pivots.
        name: what to call the operator.

    Raises:
        ValueError: for windows in another precision or of other shapes, a library that does not fit them, both error
            and others, and fewer output frames than the largest power of t: two times tell t from 1, but not from t².
    """
    if u.dtype != torch.float64:
        raise ValueError(f"Expected windows in float64, in which symmetries are measured, got {u.dtype}.")
    if u.ndim != grid.dims + 3 or tuple(u.shape[3:]) != grid.points:
        raise ValueError(
            f"Expected windows (batch, frames, channel, {', '.join(map(str, grid.points))}), got {tuple(u.shape)}."
        )
    knowledge = Knowledge(error, bool(others), factor)
    library = fitting_library(library, u.shape[2], grid)
    if u.shape[1] == 1 and rhs is None:
        return discover_from_operator(
            _on_fields(operator),
            u[:, 0],
            grid,
            library,
            step=step,
            error=error,
            others=[_on_fields(other) for other in others],
            factor=factor,
            seed=seed,
            name=name,
        )
    times = step * torch.arange(1 - u.shape[1], 1, dtype=torch.float64)
    if rhs is None:
        rate, coarser = rates_of_frames(u, step)
    else:
        rate = torch.stack([rhs(frame, t) for frame, t in zip(u.unbind(1), times.tolist(), strict=True)], dim=1)
        coarser = rate
    probed = probes(library, u, rate, coarser, grid, times, knowledge.margins)
    own, *beside = (_conditions(each, u, probed, step) for each in (operator, *others))
    with torch.no_grad():
        linear = is_linear(operator, u)
    return judged(own, [matrix for matrix, _, _ in beside], knowledge, library, linear=linear, seed=seed, name=name)


def _on_fields(operator: Operator) -> Callable[[Tensor], Tensor]:
    return lambda fields: operator(fields.unsqueeze(1))[:, 0]


def _conditions(operator: Operator, u: Tensor, probed: Probes, step: float) -> Conditions:
    """The conditions at all output frames, see `conditions`."""
    with torch.no_grad():
        parts = [pushforward(operator, u, part) for part in probed.directions.split(AT_ONCE)]
    values, pushed = parts[0][0], torch.cat([part for _, part in parts])
    _require_times(probed.library, values.shape[1])
    later = step * torch.arange(1, values.shape[1] + 1, dtype=torch.float64)
    return conditions(probed, values, pushed, later)


def _require_times(library: Library, frames_out: int) -> None:
    time = variable(TIME)
    largest = max(int(sympy.degree(f, time)) if f.is_polynomial(time) else 0 for _, f in library.columns)
    if frames_out < largest:
        raise ValueError(
            f"Expected at least {largest} output frames for a library with t**{largest}, got {frames_out}: at so few "
            "times its columns cannot be told apart."
        )
