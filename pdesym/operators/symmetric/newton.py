"""Where a section vanishes along an orbit."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

_ITERATIONS = 14


def root(
    residual: Callable[[Tensor], Tensor], settled: Callable[[Tensor], Tensor], start: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """ε with residual(ε) = 0 for each sample, by Newton's method with halved steps and a slope from forward-mode AD.

    The iteration is without gradients; its last step is not, so that by the implicit function theorem the first
    derivatives of ε in whatever the residual depends on are exact: dε = −d residual / (∂ residual/∂ε).

    Args:
        residual: a number for each sample from a number for each, independent of the other samples.
        settled: the same function with all that it depends on detached.
        start: where to begin.

    Returns:
        ε, not a number for a sample where the iteration has not come so near to a root that the last step is at most
        √(rounding unit) · (1 + |ε|).
    """
    epsilon, step = start.detach(), torch.ones_like(start)
    value, slope = _with_slope(settled, epsilon)
    for _ in range(_ITERATIONS):
        trial = epsilon - step * value / slope
        trial_value, trial_slope = _with_slope(settled, trial)
        better = trial_value.abs() <= value.abs()  # not where it is not a number
        epsilon, value = torch.where(better, trial, epsilon), torch.where(better, trial_value, value)
        slope, step = torch.where(better, trial_slope, slope), torch.where(better, 1.0, step / 2)
    # Judged by ε: a value may be small beside that of the start far from any root.
    found = (value / slope).abs() <= torch.finfo(value.dtype).eps ** 0.5 * (1 + epsilon.abs())
    return torch.where(found, epsilon - residual(epsilon) / slope, torch.nan)


def _with_slope(
    function: Callable[[Tensor], Tensor], at: Float[Tensor, " batch"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    value, slope, *_ = torch.func.jvp(function, (at,), (torch.ones_like(at),))
    return value.detach(), slope.detach()
