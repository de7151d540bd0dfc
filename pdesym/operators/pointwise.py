"""Pointwise linear layers as matrix products."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Pointwise(nn.Module):
    """v_o(x) = Σ_i W_oi u_i(x) + b_o at every point, with the parameters of a `Conv1d` of kernel size 1.

    On a GPU a matrix product keeps the precision of float32, where torch lets a convolution round to TF32 (ten bits)
    unless it is told otherwise; on a CPU a training step of an FNO is a tenth faster with it.
    """

    def __init__(self, convolution: nn.Conv1d):
        super().__init__()
        self.in_channels = convolution.in_channels
        self.out_channels = convolution.out_channels
        self.weight = convolution.weight  # (out, in, 1): the state dict stays that of the convolution
        self.bias = convolution.bias

    def forward(self, u: Float[Tensor, "batch in_channels points"]) -> Float[Tensor, "batch out_channels points"]:
        """v of u."""
        if self.bias is None:
            return self.linear(u)
        return torch.baddbmm(self.bias.unsqueeze(-1), self._matrices(u), u)

    def linear(self, u: Float[Tensor, "batch in_channels points"]) -> Float[Tensor, "batch out_channels points"]:
        """v − b of u, the derivative of v along u."""
        return torch.bmm(self._matrices(u), u)

    def _matrices(self, u: Float[Tensor, "batch in_channels points"]) -> Float[Tensor, "batch out in"]:
        return self.weight.squeeze(-1).expand(u.shape[0], -1, -1)


def replace_pointwise_convolutions(module: nn.Module) -> None:
    """Puts a `Pointwise` with the same parameters in the place of every `Conv1d` of kernel size 1 inside a module."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv1d) and child.kernel_size == (1,):
            module.register_module(name, Pointwise(child))
        else:
            replace_pointwise_convolutions(child)
