"""Fourier operators whose spectral weight is a product, many of them at once, and what that symmetry conserves."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import grad, vmap

Weights = dict[str, Tensor]
Scaling = Mapping[str, float]

SYMMETRY: Scaling = {"left": -1.0, "right": 1.0}
"""A of (V, U) → (e^{−λ}V, e^{λ}U), under which R(k) = V(k) U(k) stays."""
NO_SYMMETRY: Scaling = {"right": 1.0, "skip": -1.0}
"""A of (U, W) → (e^{λ}U, e^{−λ}W), under which the operator changes."""


@dataclass(frozen=True)
class FactorisedOperator:
    """u ↦ u + q·σ(W v + S v + b), v = p u + c, with a spectral convolution S of rank at most r in every mode.

    The weight of S in the mode k ≤ K is V(k) U(k) with complex V(k) (width × r) and U(k) (r × width), so that the
    scaling V → e^{−λ}V, U → e^{λ}U changes no output. σ is the GELU. The weights are a dictionary whose tensors have an
    axis of runs in front, so that many networks train as one; what is complex has a last axis (real, imaginary).

    Args:
        modes: K, the highest wavenumber of S.
        width: channels.
        rank: r.
    """

    modes: int
    width: int
    rank: int

    def weights(self, seed: int, size: float) -> Weights:
        """Initial weights of one network, float64; entries of V and U are normal with standard deviation `size`."""
        generator, width = torch.Generator().manual_seed(seed), self.width
        shapes = {
            "left": (self.modes + 1, width, self.rank, 2),
            "right": (self.modes + 1, self.rank, width, 2),
            "skip": (width, width),
            "lift": (width,),
            "read": (width,),
        }
        spreads = {"left": size, "right": size, "skip": width**-0.5, "lift": 1.0, "read": width**-0.5}
        drawn = {
            name: spreads[name] * torch.randn(shape, generator=generator, dtype=torch.float64)
            for name, shape in shapes.items()
        }
        zeros = {name: torch.zeros(width, dtype=torch.float64) for name in ("shift", "bias")}
        return {name: value.unsqueeze(0) for name, value in {**drawn, **zeros}.items()}

    def __call__(
        self, weights: Mapping[str, Tensor], u: Float[Tensor, "runs batch points"]
    ) -> Float[Tensor, "runs batch points"]:
        """What every network makes of fields of its own."""
        lift, shift, bias = (weights[name][:, None, :, None] for name in ("lift", "shift", "bias"))
        v = lift * u.unsqueeze(2) + shift
        spectrum = torch.fft.rfft(v, norm="forward")[..., : self.modes + 1]
        product = torch.view_as_complex(weights["left"]) @ torch.view_as_complex(weights["right"])
        spectrum = torch.einsum("rkio,rbik->rbok", product, spectrum)
        spectral = torch.fft.irfft(spectrum, n=u.shape[-1], norm="forward")
        hidden = torch.nn.functional.gelu(weights["skip"].unsqueeze(1) @ v + spectral + bias)
        return u + (weights["read"][:, None, None] @ hidden).squeeze(2)

    def losses(
        self,
        weights: Mapping[str, Tensor],
        u: Float[Tensor, "runs batch points"],
        y: Float[Tensor, "runs batch points"],
    ) -> Float[Tensor, " runs"]:
        """The mean squared error of every network."""
        return (self(weights, u) - y).square().mean((1, 2))

    def gradients(
        self,
        weights: Mapping[str, Tensor],
        u: Float[Tensor, "runs batch points"],
        y: Float[Tensor, "runs batch points"],
    ) -> Weights:
        """The gradient of every network's loss by its own weights."""
        leaves = {name: value.detach().requires_grad_() for name, value in weights.items()}
        found = torch.autograd.grad(self.losses(leaves, u, y).sum(), list(leaves.values()))
        return dict(zip(leaves, found, strict=True))

    def sample_gradients(
        self, weights: Mapping[str, Tensor], u: Float[Tensor, "samples points"], y: Float[Tensor, "samples points"]
    ) -> Weights:
        """The gradients of every network's error on each sample alone, `(samples, runs, ...)`."""
        runs = len(weights["lift"])

        def one(values: Weights, given: Float[Tensor, " points"], wanted: Float[Tensor, " points"]) -> Tensor:
            return self.losses(values, given.expand(runs, 1, -1), wanted.expand(runs, 1, -1)).sum()

        found: Weights = vmap(grad(one), (None, 0, 0))(dict(weights), u, y)
        return found


def scaled(weights: Mapping[str, Tensor], logarithm: float) -> Weights:
    """(e^{−λ}V, e^{λ}U): the same operator elsewhere on its orbit."""
    size = torch.tensor(logarithm, dtype=torch.float64)
    return {name: value * (size * SYMMETRY.get(name, 0.0)).exp() for name, value in weights.items()}


def charge(weights: Mapping[str, Tensor], scaling: Scaling) -> Float[Tensor, " runs"]:
    """C = θᵀAθ of every run."""
    parts = [sign * weights[name].flatten(1).square().sum(1) for name, sign in scaling.items()]
    return torch.stack(parts).sum(0)


def noise_force(gradients: Mapping[str, Tensor], scaling: Scaling) -> Float[Tensor, " runs"]:
    """Tr[AΣ] of every run, Σ the covariance over the samples of their gradients."""
    parts = []
    for name, sign in scaling.items():
        each = gradients[name].flatten(2)
        parts.append(sign * (each - each.mean(0)).square().sum(2).mean(0))
    return torch.stack(parts).sum(0)


def mean_force(gradients: Mapping[str, Tensor], scaling: Scaling) -> Float[Tensor, " runs"]:
    """ḡᵀAḡ of every run, ḡ the mean of the gradients: what the length of a step adds without any noise."""
    parts = [sign * gradients[name].flatten(2).mean(0).square().sum(1) for name, sign in scaling.items()]
    return torch.stack(parts).sum(0)
