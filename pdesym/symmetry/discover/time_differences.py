"""u_t from frames at equal steps of time."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

# Frames in a difference: up to this many lie around or beside the one where u_t is wanted.
_FRAMES = 7


def initial_rate(
    u: Float[Tensor, "batch channel *space"], frames: Float[Tensor, "batch time channel *space"], step: float
) -> Float[Tensor, "batch channel *space"]:
    """u_t at the initial time by the one-sided difference of the order that the frames allow, 6 from six of them."""
    weights = difference_weights(0, frames.shape[1] + 1)
    rate = weights[0] * u
    for k in range(frames.shape[1]):
        rate = rate + weights[k + 1] * frames[:, k]
    return rate / step


def rates_of_frames(
    u: Float[Tensor, "batch time channel *space"], step: float
) -> tuple[Float[Tensor, "batch time channel *space"], Float[Tensor, "batch time channel *space"]]:
    """u_t at every frame, from the seven frames around it or as many as there are; and from one frame less.

    Args:
        u: at least two frames.
        step: the time between them.
    """
    most = min(_FRAMES, u.shape[1])
    fine, coarse = (_rates(u, step, count) for count in (most, most - 1))
    return fine, coarse


def _rates(u: Tensor, step: float, count: int) -> Tensor:
    rates = []
    for place in range(u.shape[1]):
        first = min(max(place - count // 2, 0), u.shape[1] - count)
        weights = torch.tensor(difference_weights(place - first, count), dtype=u.dtype, device=u.device)
        rates.append(torch.tensordot(weights, u[:, first : first + count].movedim(1, 0), dims=1) / step)
    return torch.stack(rates, dim=1)


def difference_weights(place: int, count: int) -> Sequence[float]:
    """Weights of f(0), f(1), …, f(count − 1) in f'(place), exact for polynomials of degree count − 1."""
    powers = torch.arange(count, dtype=torch.float64)
    matrix = (powers - place)[None, :] ** powers[:, None]
    right = torch.zeros(count, dtype=torch.float64)
    if count > 1:
        right[1] = 1.0
    weights: list[float] = torch.linalg.solve(matrix, right).tolist()
    return weights
