"""Velocities along measured trajectories."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class MeasuredVelocities:
    """States and velocities at the inner points of trajectories.

    Attributes:
        states: values of the fitted polynomials, `(points, n)`.
        velocities: their slopes, `(points, n)`.
        error: root mean square difference between these velocities and those of polynomials of two degrees less,
            relative to the velocities: what truncation leaves, from above, and noise in part.
    """

    states: Float[Tensor, "points n"]
    velocities: Float[Tensor, "points n"]
    error: float


def measured_velocities(
    times: Float[Tensor, " times"],
    trajectories: Float[Tensor, "trajectories times n"],
    window: int = 9,
    degree: int = 8,
) -> MeasuredVelocities:
    """Slopes of polynomials fitted to each `window` successive samples, in the middle of it.

    Args:
        times: increasing, of any spacing.
        trajectories: states at these times.
        window: odd number of samples; with window = degree + 1 the polynomial passes through all, which suits data
            without noise; a longer window averages noise.
        degree: of the polynomials; the error falls with the spacing to the power of `degree`.

    Raises:
        ValueError: for a window that is even, longer than the trajectories or too short for the degree, a degree below
            3, times that do not increase, or states that are not finite.
    """
    if window % 2 == 0 or not 3 <= degree < window <= len(times):
        raise ValueError(
            f"Expected an odd window with 3 <= degree < window <= {len(times)} samples, got window={window} and "
            f"degree={degree}: shorten the window or sample more often."
        )
    if not bool((times.diff() > 0).all() and torch.isfinite(trajectories).all()):
        raise ValueError("Expected increasing times and finite states, got others: sort the times, drop such samples.")
    middle = window // 2
    places = times.unfold(0, window, 1)
    scale = (places[:, -1:] - places[:, :1]) / 2
    offsets = (places - places[:, middle : middle + 1]) / scale
    windows = trajectories.unfold(1, window, 1)

    def fitted(order: int) -> tuple[Tensor, Tensor]:
        powers = offsets.unsqueeze(-1) ** torch.arange(order + 1, dtype=times.dtype, device=times.device)
        weights = torch.linalg.pinv(powers)[:, :2]
        value, slope = torch.einsum("tcw,btnw->cbtn", weights, windows)
        return value.flatten(0, 1), (slope / scale.unsqueeze(0)).flatten(0, 1)

    states, velocities = fitted(degree)
    _, coarser = fitted(degree - 2)
    return MeasuredVelocities(states, velocities, float((velocities - coarser).norm() / velocities.norm()))
