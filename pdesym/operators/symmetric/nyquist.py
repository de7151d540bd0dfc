"""The mode of the grid's own frequency, which no shift by a part of a cell can move."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def without_nyquist(
    u: Float[Tensor, "batch time channel *space"], axes: Sequence[int]
) -> Float[Tensor, "batch time channel *space"]:
    """The frames less their mode N/2 along each of the axes that has an even number of points.

    A shift by s multiplies that mode by cos(k s), and cos(k s) cos(k r) ≠ cos(k (s + r)): shifts are a group on the
    other modes alone.

    Args:
        u: frames.
        axes: of space, from 0.
    """
    for axis in axes:
        place = 3 + axis
        n = u.shape[place]
        if n % 2 == 0:
            signs = 1 - 2 * (torch.arange(n, device=u.device) % 2).to(u.dtype)
            alternating = signs.reshape(-1, *(1,) * (u.ndim - place - 1))
            u = u - alternating * (alternating * u).mean(place, keepdim=True)
    return u
