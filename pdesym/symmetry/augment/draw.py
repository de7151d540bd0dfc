"""Random parameters of a group."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.random_streams import stream


def random_parameters(
    samples: Sequence[int], scales: Sequence[int | float], seed: int, probability: float = 1.0
) -> Float[Tensor, "batch generators"]:
    """ε_g uniform in [−scale_g, scale_g] for each sample and generator, all 0 for samples that are not moved. float64.

    Sample i depends on the seed and i alone.

    Args:
        samples: numbers of the samples.
        scales: the largest parameter of each generator, in its unit.
        seed: of the random numbers, not negative.
        probability: that a sample is moved at all.

    Raises:
        ValueError: for scales that are negative or not finite, or a probability that is none.
    """
    for scale in scales:
        if not 0 <= scale < math.inf:
            raise ValueError(f"Expected scales that are finite and not negative, got {scale}.")
    require_probability(probability)
    rows = []
    for sample in samples:
        moved, *uniform = stream(seed, sample).random(1 + len(scales)).tolist()
        width = [scale if moved < probability else 0.0 for scale in scales]
        rows.append([(2 * x - 1) * each for x, each in zip(uniform, width, strict=True)])
    return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(scales))


def require_probability(probability: float) -> None:
    """Refuse what is no probability.

    Raises:
        ValueError: for a number that is not between 0 and 1.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"Expected a probability between 0 and 1, got {probability}.")
