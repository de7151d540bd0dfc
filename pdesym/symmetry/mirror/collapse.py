"""Whether SGD falls into {Oᵀθ = 0}: the sign of an exponent of the samples' curvatures."""

from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor


def collapse_exponent(curvatures: Float[Tensor, " samples"], learning_rate: float, weight_decay: float = 0.0) -> float:
    """Λ = E log|1 − λ(ξ + 2γ)|, the rate per step at which the norm of Oᵀθ grows near 0: below 0 it vanishes.

    Close to the set a step of SGD multiplies Oᵀθ by 1 − λ(ξ + 2γ), with ξ the curvature of the sample or batch that was
    drawn, as far as the curvatures of all samples share their eigenvectors. Noise alone can so make a saddle attract.
    Λ = −∞ where a step of some sample leads onto the set itself, 1 = λ(ξ + 2γ).

    Args:
        curvatures: ξ of the samples, or of batches (`batch_curvatures`) where steps take batches.
        learning_rate: λ.
        weight_decay: 2γ, as torch.optim.SGD takes it: the loss has γ‖θ‖² added.

    Raises:
        ValueError: without curvatures, for ones that are not finite, or a learning rate or decay that is none.

    Source: Ziyin, Symmetry Induces Structure and Constraint of Learning (ICML 2024), section 2.3.
    """
    _check(curvatures, learning_rate, weight_decay)
    return float((1 - learning_rate * (curvatures.double() + weight_decay)).abs().log().mean())


def small_rate_exponent(
    curvatures: Float[Tensor, " samples"], learning_rate: float, weight_decay: float = 0.0
) -> float:
    """−λ E[ξ + 2γ] − ½λ² E[(ξ + 2γ)²], what Λ is up to λ³. Arguments and errors as of `collapse_exponent`."""
    _check(curvatures, learning_rate, weight_decay)
    total = curvatures.double() + weight_decay
    return float(-learning_rate * total.mean() - learning_rate**2 * total.square().mean() / 2)


def critical_learning_rate(curvatures: Float[Tensor, " samples"], weight_decay: float = 0.0) -> float:
    """λ_c = −2 E[ξ + 2γ]/E[(ξ + 2γ)²], beyond which a saddle attracts SGD, in the expansion for small rates.

    0 where E[ξ + 2γ] ≥ 0: every small rate collapses there. Very large rates drive SGD away again.

    Raises:
        ValueError: without curvatures, or for ones that are not finite.
    """
    _check(curvatures, 1.0, weight_decay)
    total = curvatures.double() + weight_decay
    return max(0.0, float(-2 * total.mean() / total.square().mean())) if bool((total != 0).any()) else 0.0


def batch_curvatures(
    curvatures: Float[Tensor, " samples"], size: int, draws: int, generator: torch.Generator
) -> Float[Tensor, " draws"]:
    """Curvatures of batches, the means over `size` samples drawn without repetition.

    Args:
        curvatures: of all samples.
        size: samples in a batch.
        draws: how many batches.
        generator: of the draws.

    Raises:
        ValueError: when a batch is larger than the set, or empty.
    """
    if not 1 <= size <= len(curvatures):
        raise ValueError(f"Expected batches of 1 to {len(curvatures)} samples, got {size}: give more curvatures.")
    order = torch.rand(draws, len(curvatures), generator=generator, device=generator.device).argsort(1)[:, :size]
    return curvatures[order.to(curvatures.device)].mean(1)


def _check(curvatures: Float[Tensor, " samples"], learning_rate: float, weight_decay: float) -> None:
    if not len(curvatures):
        raise ValueError("Expected curvatures of at least one sample, got none: give those of `sample_curvatures`.")
    if not bool(curvatures.isfinite().all()):
        raise ValueError("Expected finite curvatures, got others: look at the parameters and samples they are of.")
    if not isfinite(weight_decay):
        raise ValueError(f"Expected a finite weight decay, got {weight_decay}: give that of the optimiser.")
    if not 0 < learning_rate < float("inf"):
        raise ValueError(f"Expected a positive learning rate, got {learning_rate}: give that of the optimiser.")
