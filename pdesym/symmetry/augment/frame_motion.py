"""Trajectories moved frame by frame: no point of a frame moves against another one, but for the size of the box."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import translate
from pdesym.symmetry.augment.frame_form import FrameForm
from pdesym.symmetry.augment.interpolation import TimeInterpolant
from pdesym.symmetry.augment.runge_kutta import runge_kutta_step

# The steps of the flow are doubled until two results agree to this, relative to 1 + their size.
_TOLERANCE = 1e-12
_FEWEST_STEPS, _MOST_STEPS = 2, 1024
# Pre-images of the first and of the last time are rounded.
_SLACK = 1e-12
# Memory of one chunk of samples, in bytes.
_CHUNK = 2**26


@dataclass(frozen=True)
class MovedFrames:
    """What `move_frames` returns.

    Attributes:
        u: `(batch, time, channel, *space)`, in the type of the data.
        times: `(batch, time)`, float64.
        stretch: `(batch, dims)`, by which the box of each sample is longer than before.
        mask: `(batch, time)`, the frames whose pre-image lies between the first and the last frame.
    """

    u: Float[Tensor, "batch time channel *space"]
    times: Float[Tensor, "batch time"]
    stretch: Float[Tensor, "batch dims"]
    mask: Bool[Tensor, "batch time"]


def move_frames(
    u: Float[Tensor, "batch time channel *space"],
    times: Float[Tensor, " time"],
    grid: Grid,
    equation: Equation | None,
    form: FrameForm,
    names: Sequence[str],
    parameters: Float[Tensor, "batch generators"],
    stretch: Float[Tensor, "batch dims"] | None = None,
) -> MovedFrames:
    """exp(Σ_g ε_g v_g) applied to trajectories, for vector fields of the frame form.

    With b = Σ ε_g b_g a point (x, t, u) goes to (e^b x + c, t', M u + m), where c, M and m depend on t alone:

        u'(x', t') = M u((x' − c) e^{−b}, t) + m.

    The box of a sample becomes e^b times as long and its points keep their numbers; c is a Fourier phase. Where no
    vector field stretches the box, or τ is not affine in t, the moved frames are at the times of the data, each from
    between the frames around its pre-image. Else frames keep their numbers and the times move.

    Args:
        u: the trajectories, computed in float64.
        times: of the frames, in the equation's unit of time.
        grid: of the frames.
        equation: what they solve; None where that is not known.
        form: the vector fields.
        names: their texts, for messages.
        parameters: ε, one for each sample and vector field; a sample with all 0 comes back bit for bit.
        stretch: factors by which the box of each sample is longer than that of the grid.

    Raises:
        ValueError: where the flow leaves the domain of the coefficients or is not finite; as `TimeInterpolant`.
    """
    samples, frames = u.shape[:2]
    before = times.to(device=u.device, dtype=torch.float64).expand(samples, frames)
    parameters = parameters.to(device=u.device, dtype=torch.float64)
    resampled = form.moves_time and not (form.scales and form.affine_in_time)
    after = before if resampled or not form.moves_time else _flow(form, names, -parameters, before)[..., 0]
    flow = _flow(form, names, parameters, after)
    source, inside = before, torch.ones_like(before, dtype=torch.bool)
    if resampled:
        first, last = before[:, :1], before[:, -1:]
        slack = _SLACK * (last - first)
        inside = (flow[..., 0] >= first - slack) & (flow[..., 0] <= last + slack)
        source = flow[..., 0].clamp(first, last)
    grown = (parameters @ form.growth.to(u.device)).exp()
    dims, fields = form.dims, form.fields
    distance = flow[..., 1 : 1 + dims] / grown.unsqueeze(1)
    distance = distance if stretch is None else distance / stretch.unsqueeze(1)
    offset = flow[..., 1 + dims : 1 + dims + fields]
    matrix = flow[..., 1 + dims + fields :].unflatten(-1, (fields, fields))
    result = torch.empty_like(u)
    step = max(1, _CHUNK // (64 * u[0].numel()))
    for first_row in range(0, samples, step):
        rows = slice(first_row, min(first_row + step, samples))
        moved = u[rows].double()
        if resampled:
            mine = None if equation is None else equation.select(list(range(rows.start, rows.stop)))
            boxes = None if stretch is None else stretch[rows]
            moved = TimeInterpolant(moved, before[rows], grid, mine, stretch=boxes).fields(source[rows])
        if any(a != 0 for row in form.shift for a in row):
            along = distance[rows].unsqueeze(2)
            moved = translate(moved, grid, along.squeeze(-1) if dims == 1 else along)
        moved = torch.einsum("btcd,btd...->btc...", matrix[rows], moved)
        result[rows] = moved + offset[rows].reshape(*offset[rows].shape, *(1,) * dims)
    kept = (parameters == 0).all(1)
    result[kept] = u[kept]
    after = torch.where(kept.unsqueeze(1), before, after)
    return MovedFrames(result, after, grown, inside | kept.unsqueeze(1))


def _flow(form: FrameForm, names: Sequence[str], parameters: Tensor, t: Tensor) -> Tensor:
    """The pre-image of the times t', and what happens on the way from it: `(batch, frames, (t, c…, m…, M…))`.

    Along the flow backwards from t', r = 0 … 1: t_r = −τ, c_r = e^{br} a, m_r = P α, P_r = P β, with P = 1 at r = 0
    and M = P at r = 1. Each sample is computed with its own number of steps.
    """
    growth = parameters @ form.growth.to(t.device)
    fields = form.fields
    start = torch.cat(
        [
            t.unsqueeze(-1),
            torch.zeros(*t.shape, form.dims + fields, dtype=torch.float64, device=t.device),
            torch.eye(fields, dtype=torch.float64, device=t.device).flatten().expand(*t.shape, -1),
        ],
        dim=-1,
    )
    open_rows = torch.arange(len(t), device=t.device)
    result = start.clone()
    coarse, steps = _steps(form, parameters, growth, start, _FEWEST_STEPS), _FEWEST_STEPS
    while len(open_rows) and steps < _MOST_STEPS:
        steps *= 2
        fine = _steps(form, parameters[open_rows], growth[open_rows], start[open_rows], steps)
        far = ((fine - coarse).abs() > _TOLERANCE * (1 + fine.abs())).flatten(1).any(1)
        # What is not finite now will not be with more steps.
        going = far & fine.isfinite().flatten(1).all(1)
        settled = ~(far | ~fine.isfinite().flatten(1).all(1))
        result[open_rows[settled]] = fine[settled]
        if (~settled & ~going).any():
            _refuse(names, parameters, int(open_rows[~settled & ~going][0]))
        open_rows, coarse = open_rows[going], fine[going]
    if len(open_rows):
        _refuse(names, parameters, int(open_rows[0]))
    return result


def _steps(form: FrameForm, parameters: Tensor, growth: Tensor, start: Tensor, steps: int) -> Tensor:
    def rate(state: Tensor, r: float) -> Tensor:
        return _rate(form, parameters, growth, state, r)

    state = start
    for n in range(steps):
        state = runge_kutta_step(rate, state, n / steps, 1 / steps)
    return state


def _rate(form: FrameForm, parameters: Tensor, growth: Tensor, state: Tensor, r: float) -> Tensor:
    dims, fields = form.dims, form.fields
    numbers = form.combined(parameters, state[..., 0]).movedim(0, -1)
    tau, shift, offset, matrix = numbers.split([1, dims, fields, fields**2], dim=-1)
    carried = state[..., 1 + dims + fields :].unflatten(-1, (fields, fields))
    return torch.cat(
        [
            -tau,
            (growth * r).exp().unsqueeze(1) * shift,
            (carried @ offset.unsqueeze(-1)).squeeze(-1),
            (carried @ matrix.unflatten(-1, (fields, fields))).flatten(-2),
        ],
        dim=-1,
    )


def _refuse(names: Sequence[str], parameters: Tensor, sample: int) -> None:
    used = [(name, e) for name, e in zip(names, parameters[sample].abs().tolist(), strict=True) if e]
    sizes = ", ".join(f"{name} with a parameter of size {e:.3g}" for name, e in used)
    raise ValueError(
        f"The flow of {sizes} leaves the domain of its coefficients, or every bound, on the way to the frames of "
        f"sample {sample}: give smaller scales."
    )
