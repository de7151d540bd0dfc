"""Whether frames come at equal steps of time."""

import torch
from jaxtyping import Float
from torch import Tensor

# Of a step: times that came through float32 are no further from equal ones.
_TOLERANCE = 1e-4


def in_equal_steps(times: Float[Tensor, "*batch time"]) -> bool:
    """Whether all steps of every row of times are positive and equal, up to what float32 leaves of them."""
    steps = times.double().diff(dim=-1)
    mean = steps.mean(-1, keepdim=True).expand_as(steps)
    return bool((steps > 0).all()) and torch.allclose(steps, mean, rtol=_TOLERANCE, atol=0.0)
