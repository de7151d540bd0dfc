"""The yardstick of a constraint: a plain network without its smallest units, and training that keeps zeros."""

import torch
from torch import nn

from pdesym.operators import SpectralConvolution
from pdesym.symmetry.mirror import constrained_tensors
from pdesym.symmetry.mirror.removal import unparametrise


def spectral_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights `(*modes, in_channels, out_channels, 2)` of all spectral convolutions, by their names."""
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, SpectralConvolution)}
    return {f"{name}.weight": layer.weight for name, layer in layers.items()}


def cut_smallest(model: nn.Module, share: float) -> int:
    """Makes the smallest units of all constrained tensors together exact zeros and takes the constraints off, in place.

    A network is constrained after its training, which leaves its function as it is; its units are then the entries,
    groups or singular values that training under the constraint would have let vanish. Without singular values this
    is the truncated SVD, without groups pruning by norm.

    Args:
        model: with constraints.
        share: of the units, 0 to 1; rounded to whole units.

    Returns:
        How many units went.

    Raises:
        ValueError: for a share outside 0 .. 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"Expected the share of units to cut to be between 0 and 1, got {share}.")
    listed = list(constrained_tensors(model))
    sizes = [constrained.units() for constrained in listed]
    every = torch.cat([size.flatten() for size in sizes])
    goes = torch.zeros(len(every), dtype=torch.bool, device=every.device)
    goes[every.argsort(stable=True)[: round(share * len(every))]] = True
    for constrained, size, gone in zip(listed, sizes, goes.split([size.numel() for size in sizes]), strict=True):
        with torch.no_grad():
            left = constrained.constraint.without(gone.reshape(size.shape), *constrained.originals.values())
        unparametrise(constrained.owner, constrained.attribute, left)
    return int(goes.sum())


def cut_highest(model: nn.Module, share: float) -> None:
    """Makes the weights of the highest wavenumbers of every spectral convolution exact zeros, in place.

    Args:
        model: in one space dimension, without constraints.
        share: of the modes, 0 to 1; rounded to whole modes of each layer.

    Raises:
        ValueError: for a share outside 0 .. 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"Expected the share of modes to cut to be between 0 and 1, got {share}.")
    with torch.no_grad():
        for weight in spectral_weights(model).values():
            weight[len(weight) - round(share * len(weight)) :] = 0


def keep_zeros(model: nn.Module) -> None:
    """Keeps the spectral weights that are exactly 0 so while the model is trained: their gradient is 0 from now on.

    An optimiser that moves a weight by its gradient and its size alone, as AdamW does, then never changes them.
    """
    for weight in spectral_weights(model).values():
        gone = weight.detach() == 0
        weight.register_hook(lambda gradient, gone=gone: gradient.masked_fill(gone, 0))


def share_of_zeros(model: nn.Module) -> float:
    """Share of the spectral weights that are exactly 0."""
    weights = spectral_weights(model).values()
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)


def modes_left(model: nn.Module) -> list[list[int]]:
    """Of each spectral convolution in one dimension the wavenumbers at which some weight is not 0."""
    return [
        weight.detach().flatten(1).any(1).nonzero().flatten().tolist() for weight in spectral_weights(model).values()
    ]
