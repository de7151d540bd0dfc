"""SGD on linear models, many runs at once: coefficients as products, matrices as products, and both without.

Every run takes one fresh sample a step, y = W* x + σ ε with x and ε standard normal, and the loss ½|y − W x|².
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.mirror.linear_preset import Preset
from pdesym.symmetry.mirror import collapse_exponent

Runs = Float[Tensor, "setting seed ..."]


def true_coefficients(preset: Preset) -> Float[Tensor, " features"]:
    """w*: a third are 0, the others grow from `weakest` to 1."""
    zeros = preset.features // 3
    exponents = torch.linspace(1, 0, preset.features - zeros, dtype=torch.float64)
    return torch.cat((torch.zeros(zeros, dtype=torch.float64), preset.weakest**exponents))


def regressions(preset: Preset, symmetric: bool) -> Float[Tensor, "setting seed features"]:
    """The coefficients that SGD ends with, at every setting and seed.

    Symmetric: w = u ⊙ v, which (ρu, v/ρ) leaves as it is; else w itself. Weight decay acts on what SGD moves.
    """
    rng, settings = torch.Generator().manual_seed(0), preset.settings()
    shape = (len(settings), preset.seeds, preset.features)
    noise, decay = _columns(settings, 2)
    w_true, rate = true_coefficients(preset), preset.rate
    u, v = (0.5 * torch.randn(shape, generator=rng, dtype=torch.float64) for _ in range(2))
    w = u * v
    for _ in range(preset.steps):
        x = torch.randn(shape, generator=rng, dtype=torch.float64)
        label = torch.randn((*shape[:2], 1), generator=rng, dtype=torch.float64)
        g = ((w - w_true) * x).sum(-1, keepdim=True).sub_(noise * label) * x
        if symmetric:
            u, v = u - rate * (g * v + decay * u), v - rate * (g * u + decay * v)
            w = u * v
        else:
            w = w - rate * (g + decay * w)
    return _finite(w)


def collapse_exponents(
    preset: Preset, coefficients: Float[Tensor, "setting seed features"]
) -> Float[Tensor, "setting seed features"]:
    """Of each coefficient the larger exponent of its two mirrors (1, ±1)/√2 where it is 0 and the others as they are.

    A sample's curvature along them is ±∂ℓ/∂w.
    """
    rng = torch.Generator().manual_seed(1)
    w_true, exponents = true_coefficients(preset), torch.zeros_like(coefficients)
    for setting, (noise, decay) in enumerate(preset.settings()):
        for seed in range(preset.seeds):
            x = torch.randn(preset.samples, preset.features, generator=rng, dtype=torch.float64)
            label = noise * torch.randn(preset.samples, 1, generator=rng, dtype=torch.float64)
            w = coefficients[setting, seed]
            gradients = (((w - w_true) * x).sum(1, keepdim=True) - w * x - label) * x
            for feature, g in enumerate(gradients.unbind(1)):
                exponents[setting, seed, feature] = max(
                    collapse_exponent(sign * g, preset.rate, decay) for sign in (1, -1)
                )
    return exponents


def true_matrix(preset: Preset) -> Float[Tensor, "size size"]:
    """W*, its singular values growing from `smallest_value` to 1."""
    rng = torch.Generator().manual_seed(2)
    left, right = (
        torch.linalg.qr(torch.randn(preset.size, preset.size, generator=rng, dtype=torch.float64))[0] for _ in range(2)
    )
    values = preset.smallest_value ** torch.linspace(1, 0, preset.size, dtype=torch.float64)
    return left @ values.diag() @ right


def factorisations(preset: Preset, shift: float) -> Float[Tensor, "setting seed size"]:
    """The singular values of the matrices W = (c I + U)(c I + V) that SGD on U and V ends with.

    c = 0 has the double rotation symmetry (U R, R⁻¹ V) with its mirrors U n = 0, nᵀV = 0; residual connections, c = 1,
    have none.
    """
    rng, settings = torch.Generator().manual_seed(3), preset.settings()
    shape = (len(settings), preset.seeds, preset.size, preset.size)
    noise, decay = _columns(settings, 3)
    w_true, rate = true_matrix(preset), preset.matrix_rate
    identity = shift * torch.eye(preset.size, dtype=torch.float64)
    u, v = (0.5 * preset.size**-0.5 * torch.randn(shape, generator=rng, dtype=torch.float64) for _ in range(2))
    for _ in range(preset.steps):
        x = torch.randn(*shape[:3], 1, generator=rng, dtype=torch.float64)
        label = torch.randn(*shape[:3], 1, generator=rng, dtype=torch.float64)
        left, right = identity + u, identity + v
        hidden = right @ x
        residual = left @ hidden - w_true @ x - noise * label
        u, v = (
            u - rate * (residual @ hidden.mT + decay * u),
            v - rate * ((left.mT @ residual) @ x.mT + decay * v),
        )
    return torch.linalg.svdvals(_finite((identity + u) @ (identity + v)))


def _finite(outcome: Tensor) -> Tensor:
    diverged = int((~outcome.isfinite()).flatten(2).any(-1).sum())
    if diverged:
        raise FloatingPointError(
            f"{diverged} of {outcome.shape[0] * outcome.shape[1]} runs of SGD diverged: give less noise or a smaller "
            "learning rate."
        )
    return outcome


def _columns(settings: Sequence[tuple[float, float]], axes: int) -> tuple[Tensor, Tensor]:
    """σ and 2γ of every setting, with as many further axes."""
    noise, decay = torch.tensor(settings, dtype=torch.float64).unbind(1)
    return noise.reshape(-1, *(1,) * axes), decay.reshape(-1, *(1,) * axes)
