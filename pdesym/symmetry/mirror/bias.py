"""Fixed random biases of parameters, which take their symmetries away."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pdesym.symmetry.mirror.constraint import owner_of
from pdesym.symmetry.mirror.removal import unparametrise


class FixedBias(nn.Module):
    """θ ↦ θ + θ₀, for `torch.nn.utils.parametrize`. θ₀ is part of the state dict, and never trained."""

    bias: Tensor

    def __init__(self, bias: Float[Tensor, "..."]):
        super().__init__()
        self.register_buffer("bias", bias)

    def forward(self, theta: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """θ + θ₀."""
        return theta + self.bias


def fixed_bias(module: nn.Module, deviation: float, seed: int, names: Iterable[str] | None = None) -> nn.Module:
    """Trains θ where the module computes with θ + θ₀, in place: its function moves by the bias.

    With a weight decay γ of θ the loss is ℓ(θ + θ₀) + γ‖θ‖²: the decay pulls the parameters of different neurons to
    different places −θ₀, so that no mirror is left that keeps the loss, and where neurons had become equal, SGD parts
    them. Without decay ℓ(θ + θ₀) is the old loss moved: its symmetries are still there, around −θ₀, and the bias only
    moves the weights off them.

    Args:
        module: the network.
        deviation: standard deviation of θ₀, in units of the parameters; small against them.
        seed: of θ₀.
        names: of the parameters that get one, as in `named_parameters`; None for all.

    Raises:
        ValueError: for a deviation that is not positive, or a name of no real parameter.

    Source: Ziyin, Xu and Chuang, Remove Symmetries to Control Model Expressivity (arXiv 2408.15495), syre.
    """
    if not 0 < deviation < float("inf"):
        raise ValueError(f"Expected a positive deviation of the bias, got {deviation}: without one nothing changes.")
    chosen = [name for name, _ in module.named_parameters()] if names is None else list(names)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"Expected every name once, got {', '.join(chosen)}.")
    places = [owner_of(module, name) for name in chosen]
    rng = torch.Generator().manual_seed(seed)
    for owner, attribute in places:
        parameter = owner.get_parameter(attribute)
        drawn = deviation * torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
        parametrize.register_parametrization(owner, attribute, FixedBias(drawn.to(parameter)))
    return module


def fold_bias(module: nn.Module) -> nn.Module:
    """Replaces every θ with a fixed bias by a plain parameter θ + θ₀, in place: the function stays.

    Raises:
        ValueError: for a module without fixed biases.
    """
    found = []
    for owner in module.modules():
        listed = getattr(owner, "parametrizations", None)
        for attribute in listed if isinstance(listed, nn.ModuleDict) else ():
            if isinstance(owner.get_submodule(f"parametrizations.{attribute}.0"), FixedBias):
                found.append((owner, attribute))
    if not found:
        raise ValueError("Expected a module with fixed biases, got one without: call fixed_bias first.")
    for owner, attribute in found:
        with torch.no_grad():
            folded = getattr(owner, attribute)
        unparametrise(owner, attribute, folded)
    return module
