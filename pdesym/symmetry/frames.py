"""The axes before the grid: fields `(batch, channel, *space)`, trajectories `(batch, time, channel, *space)`."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid

Times: TypeAlias = int | float | Float[Tensor, "..."]


def check_fields(u: Float[Tensor, "..."], grid: Grid, fields: Sequence[str]) -> None:
    """One sentence when `u` is neither a field batch nor a trajectory batch of these fields on this grid."""
    space = tuple(u.shape[-grid.dims :])
    if u.ndim not in (grid.dims + 2, grid.dims + 3) or space != grid.points:
        raise ValueError(
            f"Expected fields (batch, channel, *space) or trajectories (batch, time, channel, *space) with the "
            f"grid's space axes {grid.points}, got shape {tuple(u.shape)}."
        )
    channels = u.shape[-grid.dims - 1]
    if channels != len(fields):
        raise ValueError(
            f"The generator is one of {len(fields)} field{'s' * (len(fields) > 1)} ({', '.join(fields)}), but the "
            f"data has {channels} channel{'s' * (channels > 1)}: declare one field for each channel."
        )


def frame_times(u: Float[Tensor, "..."], grid: Grid, times: Times) -> Float[Tensor, "..."]:
    """Times in float64 on the device of `u`, shaped to broadcast over its axes before the channel.

    Args:
        u: a field batch or a trajectory batch.
        grid: its grid.
        times: for fields a number, or one for each sample `(batch,)`; for trajectories `(time,)` or `(batch, time)`.

    Raises:
        ValueError: for times of another shape.
    """
    lead = u.shape[: -grid.dims - 1]
    t = torch.as_tensor(times, dtype=torch.float64, device=u.device)
    allowed = ((), (lead[0],)) if len(lead) == 1 else ((lead[1],), tuple(lead))
    if tuple(t.shape) not in allowed:
        wanted = "one time, or one for each sample" if len(lead) == 1 else "one time for each frame"
        raise ValueError(
            f"Expected {wanted}, of shape {' or '.join(map(str, allowed))}, got times of shape {tuple(t.shape)}."
        )
    return t


def over_space(values: Float[Tensor, "..."], grid: Grid) -> Float[Tensor, "..."]:
    """Values for the leading axes, with one axis of size 1 for each space axis."""
    return values.reshape(*values.shape, *(1,) * grid.dims)


def over_frames(values: Float[Tensor, "..."], u: Float[Tensor, "..."], grid: Grid) -> Float[Tensor, "..."]:
    """A number, or one for each sample, shaped to broadcast over the axes of `u` before the channel."""
    return values.unsqueeze(-1) if values.ndim == 1 and u.ndim == grid.dims + 3 else values
