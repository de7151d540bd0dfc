"""What mirrors have caught in a trained network: equal channels, dead channels, lost rank."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Inexact
from torch import Tensor

from pdesym.symmetry.mirror.channel_group import ChannelGroup


def channel_vectors(group: ChannelGroup, parameters: Mapping[str, Tensor]) -> Float[Tensor, "channel features"]:
    """θ_c for every channel of a group: all that makes the channel and all that reads it, in float64.

    Args:
        group: the channels.
        parameters: of the network.

    Raises:
        ValueError: for parameters that are not finite.
    """
    parts = []
    for axis in group.axes:
        p = parameters[axis.parameter].detach().double()
        p = p.reshape(axis.view or p.shape)
        for place, positions in axis.at.items():
            p = p.index_select(place, torch.tensor(positions, device=p.device))
        if not bool(p.isfinite().all()):
            raise ValueError(f"Expected finite parameters, got others in {axis.parameter}: nothing tells its channels.")
        parts.append(p.movedim(axis.axis, 0).flatten(1) if p.ndim > 1 else p[:, None])
    return torch.cat(parts, 1)


def channel_distances(group: ChannelGroup, parameters: Mapping[str, Tensor]) -> Float[Tensor, "channel channel"]:
    """‖θ_a − θ_b‖/√(‖θ_a‖² + ‖θ_b‖²) for every two channels: 0 where they are equal, 1 where orthogonal.

    Where a sign of a channel is a mirror too, the smaller of those to θ_b and −θ_b. Between two channels that vanish
    the distance is 0.

    Args:
        group: the channels, with their kinds.
        parameters: of the network.
    """
    θ = channel_vectors(group, parameters)
    squares = θ.square().sum(1)
    scale = squares[:, None] + squares
    product = θ @ θ.T
    if {"sign", "rotation"} & set(group.kinds):
        product = product.abs()
    relative = (scale - 2 * product).clamp_min(0) / scale.clamp_min(torch.finfo(torch.float64).tiny)
    distances = relative.sqrt()
    distances.fill_diagonal_(0)
    return distances


def dead_channels(
    group: ChannelGroup, parameters: Mapping[str, Tensor], tolerance: float = 1e-3
) -> Bool[Tensor, " channel"]:
    """Which channels have ‖θ_c‖ up to the tolerance times that of the largest.

    Args:
        group: the channels.
        parameters: of the network.
        tolerance: relative.
    """
    sizes: Tensor = channel_vectors(group, parameters).norm(dim=1)
    dead: Tensor = sizes <= tolerance * sizes.max()
    return dead


def different_channels(group: ChannelGroup, parameters: Mapping[str, Tensor], tolerance: float = 0.05) -> int:
    """How many different channels a group has: those within a distance of the tolerance, link by link, count as one.

    Dead channels do not count.

    Args:
        group: the channels.
        parameters: of the network.
        tolerance: of `channel_distances`.
    """
    alive = ~dead_channels(group, parameters)
    near = channel_distances(group, parameters)[alive][:, alive] <= tolerance
    rest, found = set(range(len(near))), 0
    while rest:
        found += 1
        linked = [rest.pop()]
        while linked:
            here = near[linked.pop()]
            joined = {other for other in rest if here[other]}
            rest -= joined
            linked += joined
    return found


def effective_rank(matrix: Inexact[Tensor, "*batch rows columns"]) -> Float[Tensor, "*batch"]:
    """exp(−Σ p log p) with p = σ/Σσ of the singular values: n where n are equal and the others 0, and 0 of 0.

    Source: Roy and Vetterli, The effective rank (EUSIPCO 2007).
    """
    wide = torch.complex128 if matrix.is_complex() else torch.float64
    σ = torch.linalg.svdvals(matrix.detach().to(wide))
    total = σ.sum(-1, keepdim=True)
    share = σ / total.clamp_min(torch.finfo(torch.float64).tiny)
    rank = (-torch.special.xlogy(share, share).sum(-1)).exp()
    return torch.where(total.squeeze(-1) > 0, rank, 0.0)
