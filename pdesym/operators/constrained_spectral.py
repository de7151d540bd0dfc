"""Spectral convolutions that commute with a group, whatever their parameters are."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pdesym.operators.spectral_convolution import SpectralConvolution
from pdesym.symmetry.enforce.bases import Bases
from pdesym.symmetry.enforce.maps import invariant_vectors
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.enforce.spectral_multipliers import spectral_multipliers
from pdesym.symmetry.enforce.spectral_weights import SpectralWeights


class EquivariantSpectralConvolution(SpectralConvolution):
    """A `SpectralConvolution` with W(g k) = ρ_out(g) W(k) ρ_in(g)⁻¹ for signed axis permutations g; so its bias.

    Its parameters are the coefficients of a basis of such weights; `weight` and `bias` are computed from them. With
    ρ trivial and the reflection x ↦ −x every multiplier is real. Fields turn as (g u)(x) = ρ(g) u(g⁻¹x), so that the
    channels of a vector field turn with the axes. Translations, and derivatives of every order, come as before.

    The initial weights have the variance of those of `SpectralConvolution`, except where the symmetry makes them 0.

    Args:
        in_channels: channels of u, the dimension of `rep_in`.
        out_channels: channels of v, the dimension of `rep_out`.
        n_modes: as for `SpectralConvolution`.
        space: how the discrete elements of the group permute the axes.
        rep_in: ρ_in.
        rep_out: ρ_out.
        bias: whether there is a constant for each channel.
        options: as for `SpectralConvolution`.

    Raises:
        ValueError: when channels and representations do not fit, or the group does not map the modes to themselves.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        n_modes: Sequence[int],
        space: Representation,
        rep_in: Representation,
        rep_out: Representation,
        bias: bool = True,
        **options: object,
    ):
        if (in_channels, out_channels) != (rep_in.dimension, rep_out.dimension):
            raise ValueError(
                f"Expected {rep_in.dimension} channels in and {rep_out.dimension} out, the dimensions of the "
                f"representations, got {in_channels} and {out_channels}: give a channel for each dimension."
            )
        super().__init__(in_channels, out_channels, n_modes, bias, **options)
        multipliers = spectral_multipliers(self.highest, space, rep_in, rep_out)
        parametrize.register_parametrization(self, "weight", SpectralWeights(multipliers))
        if bias:
            parametrize.register_parametrization(self, "bias", _InvariantBias(rep_out, self.dims))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the initial coefficients anew from torch's global generator."""
        if not parametrize.is_parametrized(self, "weight"):
            return super().reset_parameters()
        weights = self.get_submodule("parametrizations.weight.0")
        assert isinstance(weights, SpectralWeights)
        with torch.no_grad():
            drawn = weights.drawn((2 * self.in_channels * self.out_channels) ** -0.5)
            self.get_parameter("parametrizations.weight.original").copy_(drawn)
            if parametrize.is_parametrized(self, "bias"):
                self.get_parameter("parametrizations.bias.original").zero_()
        return None


class _InvariantBias(nn.Module):
    """Coefficients ↦ the constants that ρ_out leaves alone, `(c_out, 1, …)`."""

    def __init__(self, representation: Representation, dims: int):
        super().__init__()
        self.invariants = Bases([invariant_vectors(representation).basis])
        self._ones = (1,) * dims

    def forward(self, coefficients: Tensor) -> Tensor:
        with torch.autocast(coefficients.device.type, enabled=False):
            return (self.invariants[0] @ coefficients).reshape(-1, *self._ones)

    def right_inverse(self, bias: Tensor) -> Tensor:
        return self.invariants[0].T @ bias.flatten()
