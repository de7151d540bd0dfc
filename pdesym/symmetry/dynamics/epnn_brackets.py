"""The Lie derivatives of all parts of a polynomial network, stacked into the one matrix whose nuclear norm promotes."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.dynamics.action import AffineAction
from pdesym.symmetry.dynamics.epnn import EPNN, GatedBlocks


def stacked_brackets(network: EPNN, action: AffineAction, spread: float = 1.0) -> Float[Tensor, "rows generators"]:
    """ξ ↦ (L_ξ of every affine and every quadratic part), linear in the weights and differentiable in them.

    States move by A x + b, velocities and all hidden features, n for each block, as vectors: by A. For the affine part
    of a block L_ξ F = A F − ∂F θ, for its quadratic part f under the gate L_ξ f = −∇f · θ, with θ the motion of the
    input. A null vector ξ of the whole is a symmetry of every part, and so of the network.

    Columns are in an orthonormal frame of functions of a normally distributed input of covariance spread² · 1, so that
    inner products of columns are means of products of the functions over it, exactly: ⟨xᵀSx + l·x + c, the same⟩ =
    2 s⁴ ‖S‖² + s² ‖l‖² + (c + s² tr S)². Singular values, and with them the nuclear norm, refer to that mean.

    Args:
        network: of affine and gated parts.
        action: on its states.
        spread: s, of the input of every layer.

    Raises:
        ValueError: where action and network differ in size, or the spread is not positive.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eqs. 34 and 39 and section 8.4; there by sampling.
    """
    n = network.shift.shape[0]
    if action.dimension != n or not spread > 0:
        raise ValueError(
            f"Expected an action on the {n} variables of the network and a positive spread, got {action.dimension} and "
            f"{spread}: place the action in the state with `on`."
        )
    linear, start = action.linear.to(network.linear), action.shift.to(network.linear)
    parts: list[Tensor] = []
    for layer in network.layers:
        assert isinstance(layer, GatedBlocks)
        parts += _affine_parts(layer.linear, layer.shift, linear, start, spread)
        parts += _quadratic_parts(layer, linear, start, spread)
        start = torch.zeros_like(start)  # features are vectors
    parts += _affine_parts(network.linear.unsqueeze(0), network.shift.unsqueeze(0), linear, start, spread)
    return torch.cat([part.flatten(1) for part in parts], 1).mT


def _affine_parts(weights: Tensor, offset: Tensor, linear: Tensor, start: Tensor, spread: float) -> Iterator[Tensor]:
    """A W − W φ and A w − W b for W x + w, where each n of the inputs move by φ = A and those of a state by b too."""
    blocks, n, inputs = weights.shape
    copies = weights.reshape(blocks, n, inputs // n, n)
    moved = torch.einsum("qij,bjck->qbick", linear, copies) - torch.einsum("bick,qkj->qbicj", copies, linear)
    yield spread * moved
    constant = torch.einsum("qij,bj->qbi", linear, offset)
    # Only the first layer, whose input is one state, sees translations.
    yield constant - torch.einsum("bik,qk->qbi", weights, start) if inputs == n else constant


def _quadratic_parts(layer: GatedBlocks, linear: Tensor, start: Tensor, spread: float) -> Iterator[Tensor]:
    """−(S φ + φᵀ S), −(2 S b + φᵀ l) and −l · b for x · S x + l · x + c, in an orthonormal frame."""
    blocks, n, inputs = layer.linear.shape
    generators, copies = len(linear), inputs // n
    matrices = layer.gate_matrices()
    half = torch.einsum("bick,qkj->qbicj", matrices.reshape(blocks, inputs, copies, n), linear)
    half = half.reshape(generators, blocks, inputs, inputs)
    whole = half + half.mT
    upper = torch.triu_indices(inputs, inputs, device=linear.device)
    # An entry off the diagonal stands for two.
    twice = torch.where(upper[0] == upper[1], 1.0, 2**0.5).to(linear)
    yield -(2**0.5) * spread**2 * whole[..., upper[0], upper[1]] * twice
    slope = torch.einsum("bck,qkj->qbcj", layer.gate_linear.reshape(blocks, copies, n), linear).flatten(2)
    constant = spread**2 * whole.diagonal(dim1=-2, dim2=-1).sum(-1)
    if copies == 1:
        slope = slope + 2 * torch.einsum("bij,qj->qbi", matrices, start)
        constant = constant + torch.einsum("bj,qj->qb", layer.gate_linear, start)
    yield -spread * slope
    yield -constant
