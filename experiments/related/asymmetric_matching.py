"""The permutations of channels under which a Fourier neural operator is the same, and the one that brings two closest.

Source: Ainsworth, Hayase and Srinivasa, Git Re-Basin: Merging Models modulo Permutation Symmetries (ICLR 2023), weight
matching.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

Axes = dict[str, dict[int, int]]
"""By the name of a weight, for each of its axes that counts channels the number of the layer that they belong to."""


def channel_axes(layers: int) -> Axes:
    """Of a Fourier neural operator on the line: layers 0 to L of width w, and L + 1 inside the reading."""
    blocks = "fno.fno_blocks.blocks"
    axes: Axes = {
        "fno.lifting.fcs.0.weight": {0: 0},
        "fno.lifting.fcs.0.bias": {0: 0},
        "fno.projection.fcs.0.weight": {0: layers + 1, 1: layers},
        "fno.projection.fcs.0.bias": {0: layers + 1},
        "fno.projection.fcs.1.weight": {1: layers + 1},
    }
    for layer in range(layers):
        axes[f"{blocks}.convs.{layer}.weight"] = {1: layer, 2: layer + 1}
        axes[f"{blocks}.convs.{layer}.bias"] = {0: layer + 1}
        axes[f"{blocks}.fno_skips.{layer}.conv.weight"] = {0: layer + 1, 1: layer}
    return axes


def permuted(
    weights: Mapping[str, Tensor], axes: Axes, orders: Mapping[int, Int[Tensor, " channels"]]
) -> dict[str, Tensor]:
    """The weights with the channels of each layer in another order: the same operator."""
    moved = dict(weights)
    for name, places in axes.items():
        for axis, layer in places.items():
            moved[name] = moved[name].index_select(axis, orders[layer])
    return moved


def sizes(weights: Mapping[str, Tensor], axes: Axes) -> dict[int, int]:
    """Channels of each layer."""
    return {layer: weights[name].shape[axis] for name, places in axes.items() for axis, layer in places.items()}


def random_orders(weights: Mapping[str, Tensor], axes: Axes, seed: int) -> dict[int, Int[Tensor, " channels"]]:
    """An order of the channels of each layer, all alike probable."""
    generator = torch.Generator().manual_seed(seed)
    return {layer: torch.randperm(size, generator=generator) for layer, size in sorted(sizes(weights, axes).items())}


def matched(first: Mapping[str, Tensor], second: Mapping[str, Tensor], axes: Axes, seed: int) -> dict[str, Tensor]:
    """The second weights with their channels in an order that brings them near the first.

    Layers are visited in random order; each takes the best permutation while the others stay, a linear assignment,
    until none changes: a local optimum.
    """
    generator = torch.Generator().manual_seed(seed)
    orders = {layer: torch.arange(size) for layer, size in sizes(second, axes).items()}
    changed = True
    while changed:
        changed = False
        for layer in torch.tensor(sorted(orders))[torch.randperm(len(orders), generator=generator)].tolist():
            others = orders | {layer: torch.arange(len(orders[layer]))}
            moved = permuted(second, axes, others)
            gain = torch.zeros(len(orders[layer]), len(orders[layer]), dtype=torch.float64)
            for name, places in axes.items():
                for axis, of in places.items():
                    if of == layer:
                        rows = (each[name].movedim(axis, 0).reshape(len(gain), -1).double() for each in (first, moved))
                        left, right = rows
                        gain += left @ right.T
            best = torch.from_numpy(linear_sum_assignment(gain.numpy(), maximize=True)[1])
            if gain[torch.arange(len(best)), best].sum() > gain[torch.arange(len(best)), orders[layer]].sum() + 1e-9:
                orders[layer], changed = best, True
    return permuted(second, axes, orders)
