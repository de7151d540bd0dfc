"""The finite action of a one-parameter group on sampled fields, where it needs no resampling in time."""

from collections.abc import Callable
from functools import lru_cache

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import translate
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.flow import closed_form_flow
from pdesym.symmetry.frames import Times, check_fields, frame_times, over_frames, over_space
from pdesym.symmetry.periodicity import require_periodic
from pdesym.symmetry.vector_field import VectorField, variable


def act(
    vector_field: VectorField, u: Float[Tensor, "..."], grid: Grid, times: Times, epsilon: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """exp(εv) for v = ξ(t)·∂_x + φ(x, t, u)·∂_u: u'(x, t) = U(ε; x − εξ(t), t, u(x − εξ(t), t)), U the flow of φ.

    Args:
        vector_field: v, with τ = 0 and ξ a function of t alone.
        u: fields `(batch, channel, *space)` or trajectories `(batch, time, channel, *space)`.
        grid: their grid.
        times: for fields a number or `(batch,)`; for trajectories `(time,)` or `(batch, time)`.
        epsilon: a number or `(batch,)`.

    Raises:
        ValueError: for another kind of vector field, a flow without closed form, or shapes that do not fit.
    """
    vector_field.require_values()
    check_fields(u, grid, vector_field.fields)
    _require_exact_action(vector_field)
    require_periodic(vector_field, grid)
    if tuple(epsilon.shape) not in ((), (u.shape[0],)):
        raise ValueError(
            f"Expected one parameter epsilon, or one for each of the {u.shape[0]} samples, got {tuple(epsilon.shape)}."
        )
    t = frame_times(u, grid, times)
    parameter = over_frames(epsilon, u, grid)
    channel = -grid.dims - 1

    speeds, pointwise = _compiled(vector_field)
    still = parameter * torch.zeros_like(t)  # of the shape that parameters and times have together
    distances = [still + parameter * speed for speed in speeds(t)]
    if any(component != 0 for component in vector_field.xi):
        u = translate(u, grid, _vector(distances, grid))
    if all(component == 0 for component in vector_field.phi):
        return u
    coordinates = torch.meshgrid(*grid.coordinates(device=u.device, dtype=u.dtype), indexing="ij")
    sources = [
        x - over_space(torch.as_tensor(d), grid).to(u.dtype) for x, d in zip(coordinates, distances, strict=True)
    ]
    moved = pointwise(
        *sources, over_space(t, grid).to(u.dtype), *u.unbind(channel), over_space(parameter, grid).to(u.dtype)
    )
    shape = u.select(channel, 0).shape
    return torch.stack(
        [torch.as_tensor(value, dtype=u.dtype, device=u.device).expand(shape) for value in moved], channel
    )


def _require_exact_action(vector_field: VectorField) -> None:
    if vector_field.tau != 0:
        raise ValueError(
            f"The generator {vector_field.text} moves time, so its frames would have to be resampled in time: act "
            "takes generators without d_t."
        )
    time = variable("t")
    for coefficient, name in zip(vector_field.xi, vector_field.coordinates, strict=True):
        if coefficient.free_symbols - {time}:
            raise ValueError(
                f"The generator {vector_field.text} moves {name} by {coefficient}, which is no shift of whole frames: "
                "act takes generators whose d_x coefficients depend on t alone."
            )


@lru_cache(maxsize=256)
def _compiled(
    vector_field: VectorField,
) -> tuple[Callable[..., list[Tensor | float]], Callable[..., list[Tensor | float]]]:
    flow = closed_form_flow(vector_field)
    if any(expression.has(sympy.Piecewise) for expression in flow.u):
        raise ValueError(
            f"The flow of {vector_field.text} has different forms at special values of t, x or u: act takes flows "
            "that are one expression."
        )
    return (
        torch_function((variable("t"),), vector_field.xi),
        torch_function((*flow.variables, flow.epsilon), flow.u),
    )


def _vector(distances: list[Float[Tensor, "..."]], grid: Grid) -> Float[Tensor, "..."]:
    """Distances as `translate` takes them: with an axis for the channel, and in several dimensions one for the axis."""
    if grid.dims == 1:
        return distances[0].unsqueeze(-1)
    return torch.stack(distances, dim=-1).unsqueeze(-2)
