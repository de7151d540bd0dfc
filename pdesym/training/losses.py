"""Losses between predicted and true frames. Each returns one number, and has finite gradients everywhere.

An operator that is exactly right, or data that are exactly zero, occur here: neither may turn the weights into NaN.
"""

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST_SIZE = 1e-6
"""Root mean square, in the unit of u, below which a target no longer sets the scale of a relative loss."""


def mean_squared_error(
    prediction: Float[Tensor, "batch *rest"], target: Float[Tensor, "batch *rest"]
) -> Float[Tensor, ""]:
    """⟨(p − y)²⟩, the mean over samples, frames, channels and space, in the unit of u squared."""
    return (prediction - target).square().mean()


def normalised_mean_squared_error(
    prediction: Float[Tensor, "batch *rest"], target: Float[Tensor, "batch *rest"]
) -> Float[Tensor, ""]:
    """⟨(p − y)²⟩ / (⟨y²⟩ + s²) for each sample, then the mean over samples; dimensionless, s = `SMALLEST_SIZE`."""
    return _squared_ratios(prediction, target).mean()


def relative_l2(prediction: Float[Tensor, "batch *rest"], target: Float[Tensor, "batch *rest"]) -> Float[Tensor, ""]:
    """‖p − y‖/‖y‖ for each sample, then the mean over samples; dimensionless.

    With r the ratio of squares of `normalised_mean_squared_error`, a sample counts √(r + s²) − s, s = `SMALLEST_SIZE`:
    smooth, zero at p = y with gradient zero, and within s of √r.
    """
    ratios = _squared_ratios(prediction, target)
    return ((ratios + SMALLEST_SIZE**2).sqrt() - SMALLEST_SIZE).mean()


def _squared_ratios(
    prediction: Float[Tensor, "batch *rest"], target: Float[Tensor, "batch *rest"]
) -> Float[Tensor, " batch"]:
    if prediction.ndim < 2:
        raise ValueError(f"Expected samples of fields, (batch, …), got shape {tuple(prediction.shape)}.")
    error, size = (torch.mean(x.flatten(1).square(), 1) for x in (prediction - target, target))
    return error / (size + SMALLEST_SIZE**2)
