"""Fourier neural operators with entries that are fixed and never trained, and networks between two networks."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrize

from pdesym.operators import FourierOperator, SpectralConvolution
from pdesym.operators.pointwise import Pointwise


class FixedEntries(nn.Module):
    """W where the mask is false, constants where it is true: the latter are never trained.

    Source: Lim et al., The Empirical Impact of Neural Parameter Symmetries (NeurIPS 2024), W-asymmetric networks.
    """

    fixed: Bool[Tensor, "..."]
    constants: Float[Tensor, "..."]

    def __init__(self, fixed: Bool[Tensor, "..."], constants: Float[Tensor, "..."]):
        super().__init__()
        self.register_buffer("fixed", fixed)
        self.register_buffer("constants", constants)

    def forward(self, weight: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The weight with its fixed entries."""
        return torch.where(self.fixed, self.constants, weight)


def fix_entries(network: FourierOperator, like: FourierOperator, share: float, strength: float, seed: int) -> None:
    """Fixes a share of the entries of every matrix between channels, in place; lifting and reading are left alone.

    Every output channel of a matrix, and of each mode of a spectral convolution, has inputs of its own that are fixed,
    so that no permutation of channels, and no other linear map of them, keeps the form of the network.

    Args:
        network: whose entries are fixed.
        like: of the same sizes; the constants are its weights times the strength.
        share: of the inputs of each output channel.
        strength: dimensionless.
        seed: of the choice of entries.
    """
    generator = torch.Generator().manual_seed(seed)
    for (_, module), (_, other) in zip(channel_mixers(network), channel_mixers(like), strict=True):
        weight = other.weight.detach()
        if isinstance(module, SpectralConvolution):  # (*modes, in, out, 2)
            order = torch.rand(weight.shape[:-1], generator=generator).transpose(-1, -2)
            fixed = _least(order, share).transpose(-1, -2).unsqueeze(-1).expand(weight.shape)
        else:  # (out, in, 1)
            fixed = _least(torch.rand(weight.shape[:-1], generator=generator), share).unsqueeze(-1)
        parametrize.register_parametrization(module, "weight", FixedEntries(fixed, strength * weight))


def channel_mixers(network: FourierOperator) -> list[tuple[str, nn.Module]]:
    """The linear maps from the channels of a layer to those of another."""
    found = [(name, module) for name, module in network.named_modules() if _mixes(module)]
    return [(name, module) for name, module in found if min(module.in_channels, module.out_channels) > 1]


def _mixes(module: nn.Module) -> bool:
    return isinstance(module, SpectralConvolution | Pointwise)


def _least(order: Float[Tensor, "*rows inputs"], share: float) -> Bool[Tensor, "*rows inputs"]:
    """True at the inputs of each row that come first in the order."""
    return order.argsort(-1).argsort(-1) < round(share * order.shape[-1])


def effective_weights(network: FourierOperator) -> dict[str, Tensor]:
    """The weights that the network computes with, fixed entries in place, named as in a plain network."""
    found = {
        name: value.detach().clone() for name, value in network.named_parameters() if "parametrizations" not in name
    }
    for name, module in network.named_modules():
        if parametrize.is_parametrized(module):
            found[f"{name}.weight"] = module.weight.detach().clone()
    return found


def between(first: Mapping[str, Tensor], second: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 − share) of the first weights and share of the second."""
    return {name: (1 - share) * value + share * second[name] for name, value in first.items()}


def squared_error(
    plain: FourierOperator,
    weights: Mapping[str, Tensor],
    u: Float[Tensor, "batch 1 1 points"],
    y: Float[Tensor, "batch 1 1 points"],
) -> float:
    """Mean over the samples of ‖F(u) − y‖²/‖y‖² of a plain network with these weights."""
    with torch.no_grad():
        error = functional_call(plain, dict(weights), (u,)) - y
    return float((error.square().sum((1, 2, 3)) / y.square().sum((1, 2, 3))).mean())
