"""Pointwise linear layers that commute with a plane group."""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from pdesym.operators.group_fourier.plane_group import PlaneGroup


def regular_matrix(
    weight: Shaped[Tensor, "order in_channels out_channels"], quotients: Int[Tensor, "order order"]
) -> Shaped[Tensor, "all_in all_out"]:
    """The matrix at [(h, i), (g, o)] = W(g⁻¹h)_io: all that maps the regular representation to itself."""
    order, rows, columns = weight.shape
    blocks = weight.index_select(0, quotients.flatten()).unflatten(0, (order, order))
    return blocks.permute(1, 2, 0, 3).reshape(order * rows, order * columns)


class GroupPointwise(nn.Module):
    """v_o(g, x) = Σ_h Σ_i A_io(g⁻¹h) u_i(h, x) + b_o at every point, for features on the regular representation.

    An element a of the group moves features by (a·v)(g, x) = v(a⁻¹g, a⁻¹x), and the layer commutes with it. The channel
    axis holds (g, o), the element first. Initial weights and biases are uniform in ±1/√(order · in_channels), like
    those of torch's convolutions.

    Args:
        group: the plane group.
        in_channels: channels i for each element.
        out_channels: channels o for each element.
        generator: which draws the initial weights.
    """

    quotients: Tensor

    def __init__(self, group: PlaneGroup, in_channels: int, out_channels: int, generator: torch.Generator):
        super().__init__()
        bound = (group.order * in_channels) ** -0.5
        self.order = group.order
        weight, bias = torch.empty(group.order, in_channels, out_channels), torch.empty(out_channels)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(bias.uniform_(-bound, bound, generator=generator))
        self.register_buffer("quotients", group.quotients, persistent=False)

    def forward(self, u: Float[Tensor, "batch all_in *space"]) -> Float[Tensor, "batch all_out *space"]:
        """v of u."""
        matrix = regular_matrix(self.weight, self.quotients).T
        return pointwise(u, matrix, self.bias.repeat(self.order))


def pointwise(
    u: Float[Tensor, "batch all_in *space"],
    matrix: Float[Tensor, "all_out all_in"],
    bias: Float[Tensor, " all_out"] | None,
) -> Float[Tensor, "batch all_out *space"]:
    """v(x) = A u(x) + b at every point, as one batched matrix product."""
    points, matrices = u.flatten(2), matrix.expand(u.shape[0], -1, -1)
    v = torch.bmm(matrices, points) if bias is None else torch.baddbmm(bias[:, None], matrices, points)
    return v.unflatten(2, u.shape[2:])
