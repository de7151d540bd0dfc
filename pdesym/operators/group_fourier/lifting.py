"""From the channels of fields to features on the regular representation, and back."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators.group_fourier.group_pointwise import pointwise


class Lifting(nn.Module):
    """v_o(g, x) = Σ_f P_of · ρ(g)⁻¹ u_f(x) + b_o, f the frames: what a frame turned back by g looks like.

    Fields that move by (a·u)(x) = ρ(a) u(a⁻¹x) become features that move by (a·v)(g, x) = v(a⁻¹g, a⁻¹x).

    Args:
        rho: ρ(g), orthogonal, of one frame.
        frames: of u.
        out_channels: channels o for each element.
        generator: which draws the initial weights, uniform in ±1/√(frames · channel).
    """

    rho: Tensor

    def __init__(
        self, rho: Float[Tensor, "order channel channel"], frames: int, out_channels: int, generator: torch.Generator
    ):
        super().__init__()
        bound = (frames * rho.shape[1]) ** -0.5
        weight = torch.empty(out_channels, frames, rho.shape[1])
        self.weight = nn.Parameter(weight.uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(torch.empty(out_channels).uniform_(-bound, bound, generator=generator))
        self.register_buffer("rho", rho.to(weight), persistent=False)

    def forward(self, u: Float[Tensor, "batch frame channel *space"]) -> Float[Tensor, "batch all_out *space"]:
        """v of u."""
        matrix = torch.einsum("ofd,gcd->gofc", self.weight, self.rho).flatten(2).flatten(0, 1)
        return pointwise(u.flatten(1, 2), matrix, self.bias.repeat(len(self.rho)))


class Projection(nn.Module):
    """u_f(x) = Σ_g ρ(g) Σ_i Q_fi v_i(g, x) + b_f, f the frames: the opposite of `Lifting`.

    A constant b_f stands only where every ρ(g) leaves it as it is: for scalars, and for pseudoscalars in p4.

    Args:
        rho: ρ(g), orthogonal, of one frame.
        frames: of u.
        in_channels: channels i for each element.
        generator: which draws the initial weights, uniform in ±1/√(order · in_channels).
    """

    rho: Tensor
    invariant: Tensor

    def __init__(
        self, rho: Float[Tensor, "order channel channel"], frames: int, in_channels: int, generator: torch.Generator
    ):
        super().__init__()
        bound = (len(rho) * in_channels) ** -0.5
        weight = torch.empty(frames, rho.shape[1], in_channels)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound, generator=generator))
        fixed = (rho.diagonal(dim1=1, dim2=2) == 1).all(0)
        bias = torch.empty(frames, int(fixed.sum())).uniform_(-bound, bound, generator=generator)
        self.bias = nn.Parameter(bias) if fixed.any() else None
        self.register_buffer("rho", rho.to(weight), persistent=False)
        self.register_buffer("invariant", torch.eye(len(fixed))[fixed], persistent=False)

    def forward(self, v: Float[Tensor, "batch all_in *space"]) -> Float[Tensor, "batch frame channel *space"]:
        """u of v."""
        frames, channels, _ = self.weight.shape
        matrix = torch.einsum("fdi,gcd->fcgi", self.weight, self.rho).flatten(2).flatten(0, 1)
        bias = None if self.bias is None else (self.bias @ self.invariant).flatten()
        return pointwise(v, matrix, bias).unflatten(1, (frames, channels))
