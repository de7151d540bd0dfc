"""Trajectories of a field that can be differentiated, as in training."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.dynamics.bracket import VectorField


def rollout(
    field: VectorField, initial: Float[Tensor, "*batch n"], interval: float, frames: int, steps: int = 1
) -> Float[Tensor, "*batch frames n"]:
    """x after 1 … frames intervals, by the classical Runge-Kutta method of order 4 with equal steps.

    Args:
        field: F.
        initial: x at the start.
        interval: time between two frames.
        frames: how many.
        steps: of the method in each interval.

    Raises:
        ValueError: for numbers that are not positive.
    """
    if not (interval > 0 and frames > 0 and steps > 0):
        raise ValueError(f"Expected a positive interval, frames and steps, got {interval}, {frames} and {steps}.")
    h, x, result = interval / steps, initial, []
    for _ in range(frames):
        for _ in range(steps):
            k1 = field(x)
            k2 = field(x + h / 2 * k1)
            k3 = field(x + h / 2 * k2)
            k4 = field(x + h * k3)
            x = x + h / 6 * (k1 + 2 * (k2 + k3) + k4)
        result.append(x)
    return torch.stack(result, -2)
