"""The penalty that keeps symmetries shared by all layers of a network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.promote.layer_symmetry import LayerSymmetry
from pdesym.symmetry.promote.nuclear_norm import require_floor, smooth_nuclear_norm, smooth_sum


@dataclass(frozen=True)
class LayerwisePenalty:
    """How far the layers of a network are from having the same symmetries, as a number to be made small in training.

    With W₁ … W_L the weights, of size 1 after division by their norms, and ξ₁ … ξ_q the generators of one group:

        ‖R‖_*,  R = [L_ξ₁ W₁ … L_ξq W₁; …; L_ξ₁ W_L … L_ξq W_L] / √L

    is the nuclear norm of one matrix with a block of rows for each layer. A combination of generators costs nothing
    only where all layers have it; a sum of norms, one for each layer, would not tell symmetries that they share from
    such that each layer has for itself. Discrete elements g add Σ_g (Σ_l ‖K_g W_l − W_l‖²)^{1/2} / √L, none or all of
    each.

    The norms of the weights are differentiated too, so that smaller weights gain nothing. The generators count as
    orthonormal: the value depends on the span and this scale of them.

    Args:
        layers: one for each weight.
        floor: breaking below which it is driven down in proportion to itself, and no longer by a constant force;
            dimensionless.

    Raises:
        ValueError: for no layers, layers of different groups, or a floor that is not positive. When called: for another
            number of weights, or weights of other sizes.

    Source: Otto, Zolman, Kutz and Brunton, JMLR 26(248), 2025, eq. 33 and 34; there without the scale.
    """

    layers: tuple[LayerSymmetry, ...]
    floor: float = 1e-3

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("Expected at least one layer, got none: give the symmetries of each layer of the network.")
        first = self.layers[0].group
        sizes = {(len(layer.group.lie_algebra), len(layer.group.discrete)) for layer in self.layers}
        if len(sizes) > 1 or not all(first.same_as(layer.group) for layer in self.layers):
            raise ValueError(
                "Expected the layers to have representations of one group, got several: build all from one MatrixGroup."
            )
        require_floor(self.floor, "a penalty")

    def __call__(self, weights: Sequence[Float[Tensor, "..."]]) -> Float[Tensor, ""]:
        """The penalty, in the dtype of the weights and differentiable in them."""
        continuous, discrete = self._stacked(weights)
        value = smooth_nuclear_norm(continuous, self.floor) if continuous.shape[1] else continuous.new_zeros(())
        return value + smooth_sum((discrete**2).sum(0), self.floor)

    def spectrum(self, weights: Sequence[Float[Tensor, "..."]]) -> Float[Tensor, " q"]:
        """The singular values of R, ascending: as many are near zero as the layers share independent symmetries."""
        continuous, _ = self._stacked(weights)
        values: Tensor = torch.linalg.svdvals(continuous.double()).flip(0)
        missing = continuous.shape[1] - len(values)
        return torch.cat([values.new_zeros(missing), values])

    def discrete(self, weights: Sequence[Float[Tensor, "..."]]) -> Float[Tensor, " k"]:
        """The breaking of each discrete element by itself."""
        breaking: Tensor = torch.linalg.vector_norm(self._stacked(weights)[1], dim=0)
        return breaking

    def _stacked(self, weights: Sequence[Tensor]) -> tuple[Float[Tensor, "rows q"], Float[Tensor, "rows k"]]:
        if len(weights) != len(self.layers):
            raise ValueError(
                f"Expected {len(self.layers)} weights, one for each layer, got {len(weights)}: give them in the order "
                "of the layers."
            )
        parts = [layer.relative(weight) for layer, weight in zip(self.layers, weights, strict=True)]
        root = len(parts) ** 0.5
        return torch.cat([part[0] for part in parts]) / root, torch.cat([part[1] for part in parts]) / root
