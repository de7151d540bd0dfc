"""One of several points, by a rule that rounding cannot turn."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

_FUNCTIONALS = 4
_SEED = 20231


def functionals(size: int, device: torch.device | str | None = None) -> Float[Tensor, "functional size"]:
    """Four linear functionals on R^size of norm about 1, normal coefficients that are always the same; float64.

    No symmetry of a grid maps one of them to itself: two points on which they agree are, as a rule, one point.
    """
    rng = torch.Generator().manual_seed(_SEED)
    weights: Tensor = torch.randn(_FUNCTIONALS, size, generator=rng, dtype=torch.float64) / size**0.5
    return weights.to(device)


def sieve(candidates: Float[Tensor, "batch count size"], tolerance: float) -> Int[Tensor, " batch"]:
    """The index of the candidate that is the largest, functional after functional.

    Of the candidates those stay whose value is within tolerance · ‖candidate‖/√size of the greatest; of these the next
    functional chooses, and of what stays to the end the first is taken: those are one point, up to rounding. So the
    point, not the index, is determined by the set of the candidates.

    Args:
        candidates: real points.
        tolerance: dimensionless.
    """
    detached = candidates.detach().double()
    values = detached @ functionals(detached.shape[-1], detached.device).T
    least = tolerance * detached.square().mean(-1).amax(1, keepdim=True).sqrt()
    stays = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
    for place in range(values.shape[-1]):
        value = torch.where(stays, values[..., place], -torch.inf)
        stays = stays & (value >= value.amax(1, keepdim=True) - least)
    return stays.to(torch.int8).argmax(1)
