"""The mode of the grid's own frequency, which no shift by a part of a cell can move."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def without_nyquist(u: Float[Tensor, "..."], places: Sequence[int]) -> Float[Tensor, "..."]:
    """The fields less their mode N/2 along each of the axes that has an even number of points.

    A shift by s multiplies that mode by cos(k s), and cos(k s) cos(k r) ≠ cos(k (s + r)): shifts are a group on the
    other modes alone.

    Args:
        u: fields.
        places: of the axes of space among all, negative ones from the last.
    """
    for place in places:
        n = u.shape[place]
        if n % 2 == 0:
            signs = 1 - 2 * (torch.arange(n, device=u.device) % 2).to(u.dtype)
            alternating = signs.reshape(-1, *(1,) * (-place - 1 if place < 0 else u.ndim - place - 1))
            u = u - alternating * (alternating * u).mean(place, keepdim=True)
    return u
