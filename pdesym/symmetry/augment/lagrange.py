"""Lagrange's interpolation between values at equal steps."""

import functools
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def lagrange_weights(position: Float[Tensor, "*points"], width: int) -> Float[Tensor, "*points width"]:
    """Weights of the values at 0, 1, …, width − 1 for the value of their polynomial at positions, in steps."""
    distance = [position - j for j in range(width)]
    before, after = [torch.ones_like(position)], [torch.ones_like(position)]
    for j in range(width - 1):
        before.append(before[-1] * distance[j])
        after.append(after[-1] * distance[width - 1 - j])
    denominators = _denominators(width)
    return torch.stack([before[j] * after[width - 1 - j] / denominators[j] for j in range(width)], -1)


def stencil(
    position: Float[Tensor, "*points"], width: int, count: int | None = None
) -> tuple[Int[Tensor, "*points"], Float[Tensor, "*points width"]]:
    """The first of the successive values around positions, and the weights of them all.

    Args:
        position: in steps from value 0, dimensionless.
        width: how many values.
        count: how many there are, at least `width`: near the ends the position is not in the middle; None on a torus,
            where the first value is to be taken modulo their number.
    """
    first = position.floor() - (width // 2 - 1)
    if count is not None:
        first = first.clamp(0, count - width)
    return first.long(), lagrange_weights(position - first, width)


def halfway(values: Float[Tensor, "..."], width: int, axis: int = 0) -> Float[Tensor, "..."]:
    """Values halfway between successive ones along an axis, from `width` around each, or all where there are fewer."""
    count = values.shape[axis]
    position = torch.arange(count - 1, device=values.device, dtype=torch.float64) + 0.5
    first, weights = stencil(position, min(width, count), count)
    result = torch.zeros_like(values.narrow(axis, 1, count - 1))
    for j, weight in enumerate(weights.unbind(-1)):
        result += weight.reshape(-1, *(1,) * (values.ndim - axis - 1)) * values.index_select(axis, first + j)
    return result


@functools.cache
def _denominators(width: int) -> list[int]:
    """Π_{k≠j} (j − k) for each node j."""
    return [math.prod(j - k for k in range(width) if k != j) for j in range(width)]
