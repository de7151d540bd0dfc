"""The characteristic of a vector field on sampled fields."""

from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.frames import Times, check_fields, frame_times, over_space
from pdesym.symmetry.vector_field import VectorField

RightHandSide = Callable[..., Tensor]


def characteristic(
    vector_field: VectorField,
    u: Float[Tensor, "..."],
    grid: Grid,
    t: Times,
    rhs: RightHandSide | None = None,
) -> tuple[Float[Tensor, "..."], Float[Tensor, " batch"]]:
    """Qᵃ = φᵃ − ξⁱ ∂ᵢuᵃ − τ uᵃ_t, and the size that Q would have if nothing in it cancelled.

    The size is, for each sample, ‖φ‖ + Σᵢ max|ξⁱ| (π/hᵢ) ‖u‖ + ‖τ u_t‖ with grid spacing h. Where Q is not larger than
    this times the rounding unit, it is rounding noise: the vector field leaves the data where they are.

    Args:
        vector_field: v = ξⁱ ∂_{xᵢ} + τ ∂_t + φᵃ ∂_{uᵃ}.
        u: fields `(batch, channel, *space)` or trajectories `(batch, time, channel, *space)`.
        grid: their grid.
        t: for fields a number or `(batch,)`, for trajectories `(time,)` or `(batch, time)`.
        rhs: u_t of a field batch at a time, `rhs(u, t)`; needed where τ ≠ 0.

    Returns:
        Q in the shape and dtype of `u`, and the sizes.

    Raises:
        ValueError: for shapes that do not fit the vector field or the grid, and for τ ≠ 0 without `rhs`.
    """
    vector_field.require_values()
    check_fields(u, grid, vector_field.fields)
    if grid.dims != len(vector_field.coordinates):
        raise ValueError(
            f"The generator has {len(vector_field.coordinates)} coordinates "
            f"({', '.join(vector_field.coordinates)}), but the grid has {grid.dims} axes: declare one for each axis."
        )
    times = frame_times(u, grid, t)
    channel = -grid.dims - 1
    coefficients = _evaluate(vector_field, u, grid, times)
    xi, tau, phi = coefficients[: grid.dims], coefficients[grid.dims], coefficients[grid.dims + 1 :]
    shape = u.select(channel, 0).shape

    q = torch.stack([value.expand(shape) for value in phi], dim=channel)
    size = _norm(q)
    for axis, (speed, step) in enumerate(zip(xi, grid.spacing, strict=True)):
        if vector_field.xi[axis] != 0:
            orders = tuple(int(other == axis) for other in range(grid.dims))
            q = q - speed.unsqueeze(channel) * derivative(u, grid, orders)
            size = size + _largest(speed, shape) * (torch.pi / step) * _norm(u)
    if vector_field.tau != 0:
        transported = tau.unsqueeze(channel) * _time_derivative(vector_field, u, grid, times, rhs)
        q = q - transported
        size = size + _norm(transported)
    return q, size


@lru_cache(maxsize=256)
def _compiled(vector_field: VectorField) -> Callable[..., list[Tensor | float]]:
    return torch_function(vector_field.variables, vector_field.components)


def _evaluate(
    vector_field: VectorField, u: Float[Tensor, "..."], grid: Grid, times: Float[Tensor, "..."]
) -> list[Float[Tensor, "..."]]:
    """The coefficients as tensors with one axis for each axis of `u` but the channel, of size 1 where constant."""
    coordinates = torch.meshgrid(*grid.coordinates(device=u.device, dtype=u.dtype), indexing="ij")
    values = _compiled(vector_field)(*coordinates, over_space(times, grid).to(u.dtype), *u.unbind(-grid.dims - 1))
    tensors = [torch.as_tensor(value, dtype=u.dtype, device=u.device) for value in values]
    axes = u.ndim - 1
    return [value.reshape(*(1,) * (axes - value.ndim), *value.shape) for value in tensors]


def _time_derivative(
    vector_field: VectorField,
    u: Float[Tensor, "..."],
    grid: Grid,
    times: Float[Tensor, "..."],
    rhs: RightHandSide | None,
) -> Float[Tensor, "..."]:
    if rhs is None:
        raise ValueError(
            f"The generator {vector_field.text} moves time, so its characteristic contains u_t: pass rhs=..., the "
            "right-hand side of the equation as the solver has it, or use horizon_lie_derivative."
        )
    if u.ndim == grid.dims + 2:
        return rhs(u, times.item() if times.ndim == 0 else times)
    # One call a frame: the right-hand side of an equation knows fields, not trajectories.
    moments = times.tolist() if times.ndim == 1 else times.unbind(1)
    return torch.stack([rhs(frame, moment) for frame, moment in zip(u.unbind(1), moments, strict=True)], dim=1)


def _norm(u: Float[Tensor, "..."]) -> Float[Tensor, " batch"]:
    norm: Tensor = torch.linalg.vector_norm(u.detach().flatten(1), dim=1)
    return norm


def _largest(speed: Float[Tensor, "..."], shape: torch.Size) -> Float[Tensor, " batch"]:
    return speed.detach().expand(shape).flatten(1).abs().amax(dim=1)
