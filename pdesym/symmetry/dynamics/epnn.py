"""Equivariant polynomial neural networks: fields whose Lie derivatives are linear in the weights, block by block."""

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

Packed: TypeAlias = tuple[Tensor, Tensor]
"""A matrix and a shift, `(*networks, inputs, columns)` and `(*networks, columns)`: x @ matrix + shift."""


class GatedBlocks(nn.Module):
    """Concatenated blocks F_b(x) = (A_b x + a_b) · σ(x · S_b x + l_b · x + c_b), σ the logistic function.

    A block commutes with an action wherever its affine part is equivariant and its quadratic part invariant. S_b is
    symmetric; parameters are its upper triangle.

    Args:
        inputs: m, variables of x.
        outputs: n, components of each block.
        blocks: how many.
        rng: of the initial weights.
        bound: these are uniform in ±bound.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, section 8.4.
    """

    def __init__(self, inputs: int, outputs: int, blocks: int, rng: torch.Generator, bound: float):
        super().__init__()
        self.linear = _uniform(bound, rng, blocks, outputs, inputs)
        self.shift = _uniform(bound, rng, blocks, outputs)
        self.triangle = _uniform(bound, rng, blocks, inputs * (inputs + 1) // 2)
        self.gate_linear = _uniform(bound, rng, blocks, inputs)
        self.gate_shift = _uniform(bound, rng, blocks)
        # Where each entry of S stands in the triangle, and the half of an entry off the diagonal.
        upper = torch.triu_indices(inputs, inputs)
        place = torch.zeros(inputs, inputs, dtype=torch.long)
        place[upper[0], upper[1]] = place[upper[1], upper[0]] = torch.arange(upper.shape[1])
        self.register_buffer("_place", place, persistent=False)
        self.register_buffer("_share", (torch.eye(inputs, dtype=torch.float64) + 1) / 2, persistent=False)
        self._place: Tensor
        self._share: Tensor

    def gate_matrices(self) -> Float[Tensor, "blocks inputs inputs"]:
        """S_b."""
        return self.triangle[:, self._place] * self._share

    def packed(self) -> Packed:
        """All that is linear in x as one matrix and shift: A_b x + a_b, l_b · x + c_b and S_b x, in this order."""
        inputs = self.linear.shape[-1]
        matrices = [self.linear.reshape(-1, inputs).mT, self.gate_linear.mT]
        matrices.append(self.gate_matrices().transpose(0, 1).reshape(inputs, -1))
        shift = torch.cat([self.shift.reshape(-1), self.gate_shift, self.shift.new_zeros(matrices[-1].shape[1])])
        return torch.cat(matrices, 1), shift

    def evaluate(self, x: Float[Tensor, "*batch inputs"], packed: Packed) -> Float[Tensor, "*batch width"]:
        """All blocks of a point one after the other, width = blocks · outputs, from what `packed` gives.

        Weights may have leading axes before their own, one for each of several networks, as x then has.
        """
        blocks, outputs, inputs = self.linear.shape
        columns = x @ packed[0] + packed[1].unsqueeze(-2)
        affine, slope, turned = columns.split([blocks * outputs, blocks, blocks * inputs], -1)
        gate = torch.sigmoid((turned.unflatten(-1, (blocks, inputs)) * x.unsqueeze(-2)).sum(-1) + slope)
        result: Tensor = (affine.unflatten(-1, (blocks, outputs)) * gate.unsqueeze(-1)).flatten(-2)
        return result

    def forward(self, x: Float[Tensor, "points inputs"]) -> Float[Tensor, "points width"]:
        """All blocks of a point one after the other."""
        return self.evaluate(x, self.packed())


class EPNN(nn.Module):
    """A vector field x' = F(x) on Rⁿ: layers of gated blocks with n outputs each, and an affine map to Rⁿ at the end.

    With the blocks (3, 3) on R¹² it has 4,626 parameters.

    Args:
        dimension: n.
        blocks: number of blocks in each layer.
        seed: of the initial weights.
        bound: these are uniform in ±bound.

    Raises:
        ValueError: for no layers, or a number that is not positive.

    Source: Otto et al. 2025, sections 8.4 and 10.3.
    """

    def __init__(self, dimension: int, blocks: Sequence[int] = (3, 3), seed: int = 0, bound: float = 0.1):
        super().__init__()
        if not blocks or min(dimension, *blocks) < 1 or bound <= 0:
            raise ValueError(
                f"Expected a positive dimension, bound and number of blocks in each of one or more layers, got "
                f"{dimension}, {bound} and {tuple(blocks)}: (3, 3) is the published network."
            )
        rng = torch.Generator().manual_seed(seed)
        widths = [dimension, *(dimension * count for count in blocks)]
        self.layers = nn.ModuleList(
            GatedBlocks(width, dimension, count, rng, bound)
            for (width, _), count in zip(itertools.pairwise(widths), blocks, strict=True)
        )
        self.linear = _uniform(bound, rng, dimension, widths[-1])
        self.shift = _uniform(bound, rng, dimension)

    def packed(self) -> tuple[Packed, ...]:
        """The weights arranged once for many evaluations, differentiable."""
        return (*(layer.packed() for layer in self._gated()), (self.linear.mT, self.shift))

    def evaluate(self, x: Float[Tensor, "*batch n"], packed: Sequence[Packed]) -> Float[Tensor, "*batch n"]:
        """F at each point with the weights of `packed`, which may have leading axes as x then has."""
        for layer, weights in zip(self._gated(), packed[:-1], strict=True):
            x = layer.evaluate(x, weights)
        return x @ packed[-1][0] + packed[-1][1].unsqueeze(-2)

    def forward(self, x: Float[Tensor, "points n"]) -> Float[Tensor, "points n"]:
        """F at each point."""
        return self.evaluate(x, self.packed())

    def _gated(self) -> list[GatedBlocks]:
        return [layer for layer in self.layers if isinstance(layer, GatedBlocks)]


def _uniform(bound: float, rng: torch.Generator, *shape: int) -> nn.Parameter:
    return nn.Parameter(bound * (2 * torch.rand(*shape, generator=rng, dtype=torch.float64) - 1))
