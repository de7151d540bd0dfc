"""The derivative of a Fourier neural operator along many directions, layer by layer."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators.pointwise import Pointwise


def fourier_tangent(
    network: Any, v: Float[Tensor, "batch channels *space"], d: Float[Tensor, "tangents batch channels *space"]
) -> tuple[Float[Tensor, "batch out *space"], Float[Tensor, "tangents batch out *space"]]:
    """G(v) and dG[v]·d for every direction, G neuralop's FNO as `FourierOperator` has it.

    Value and directions pass through the layers together: dG is linear, so that its linear layers see all directions as
    one batch, and between them stands σ'(z) at the value's own z. The result is that of torch.func.jvp under vmap, and
    its derivative by the weights, in half the time: there every direction multiplies a copy of the spectral weights.

    Args:
        network: the FNO.
        v: its input.
        d: directions.
    """
    tangents = len(d)
    d = d.flatten(0, 1)
    v, d = _pointwise(network.lifting.fcs[0], v, d)
    blocks = network.fno_blocks.blocks
    for convolution, skip in zip(blocks.convs, blocks.fno_skips, strict=True):
        straight, along = _pointwise(skip.conv, v, d)
        v, d = _activated(convolution(v) + straight, convolution.linear(d) + along, tangents)
    first, last = network.projection.fcs
    v, d = _activated(*_pointwise(first, v, d), tangents)
    v, d = _pointwise(last, v, d)
    return v, d.unflatten(0, (tangents, -1))


def _pointwise(layer: Pointwise, v: Float[Tensor, "..."], d: Float[Tensor, "..."]) -> tuple[Tensor, Tensor]:
    space = v.shape[2:]
    return layer(v.flatten(2)).unflatten(2, space), layer.linear(d.flatten(2)).unflatten(2, space)


def _activated(z: Float[Tensor, "..."], d: Float[Tensor, "..."], tangents: int) -> tuple[Tensor, Tensor]:
    """σ(z) and σ'(z) d for each of the directions, which lie one after the other along the batch."""
    if d.dtype != z.dtype:  # under autocast
        d = d.to(z.dtype)
    repeated = z.expand(tangents, *z.shape).flatten(0, 1)
    # What the derivative of a loss by z would be from that by σ(z) is σ'(z) times it, and it can be derived again.
    return nn.functional.gelu(z), torch.ops.aten.gelu_backward(d, repeated)
