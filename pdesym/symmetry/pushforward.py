"""Derivatives of an operator along several directions at once."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Operator = Callable[..., Tensor]


def pushforward(
    operator: Operator, u: Float[Tensor, "..."], directions: Float[Tensor, "tangents ..."]
) -> tuple[Float[Tensor, "..."], Float[Tensor, "tangents ..."]]:
    """F(u) and dF[u]·w for every direction w, with one evaluation of F for all of them.

    An operator with a method `tangent(u, w)` carries its own tangent and is asked for it: forward-mode differentiation
    of a time-stepping loop costs two orders of magnitude more. Any other callable is differentiated by torch.func.jvp
    under vmap. (torch.func.linearize would trace once for all directions, but returns wrong tangents, silently, for
    operators that write in place.)

    Args:
        operator: u ↦ F(u), on field batches or trajectory batches.
        u: where to differentiate.
        directions: w `(tangents, *u.shape)`, in the dtype of `u`.

    Returns:
        F(u), and the derivatives `(tangents, *F(u).shape)`.
    """
    tangent = getattr(operator, "tangent", None)
    if tangent is not None:
        value, pushed = tangent(u, directions)
        return value, pushed

    # The value does not depend on the direction: vmap evaluates it once and hands back views of it.
    values, pushed, *_ = torch.func.vmap(lambda direction: torch.func.jvp(operator, (u,), (direction,)))(directions)
    return values[0], pushed
