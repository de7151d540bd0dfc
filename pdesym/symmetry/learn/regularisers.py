"""What keeps learned vector fields apart from each other, and smooth. Each gives one number for each vector field."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.learn.measure import norms_of

# The arccos of 1 has no slope.
_CLOSEST = 1 - 1e-6


def orthogonality(values: Float[Tensor, "slots variables *points"]) -> Float[Tensor, " slots"]:
    """Σ_{a<b} π/2 − arccos |⟨V_a, V_b⟩|/(‖V_a‖‖V_b‖) for each b, in radians: 0 for orthogonal vector fields.

    V_a is held fixed, so that the later one turns away from the earlier.

    Source: Ko, Kim and Lee, NeurIPS 2024, eq. 11.
    """
    flat = values.flatten(1)
    flat = flat / flat.norm(dim=1, keepdim=True)
    cosines = (flat.detach() @ flat.T).abs().clamp_max(_CLOSEST)
    return torch.triu(math.pi / 2 - torch.arccos(cosines), diagonal=1).sum(0)


def lipschitz(
    values: Float[Tensor, "slots variables pieces time *space"],
    points: Float[Tensor, "variables pieces time *space"],
    bound: float = 3.0,
) -> Float[Tensor, " slots"]:
    """The mean over neighbours of relu(‖ΔV‖/‖Δz‖ − τ), V normalised: by how much slopes exceed the bound τ.

    Neighbours are successive points along each axis, around the box, and successive frames.

    Args:
        values: V, in scaled units.
        points: z = (x…, t, u…), in scaled units, in which the box has the length 1.
        bound: τ, in 1.

    Source: Ko, Kim and Lee, NeurIPS 2024, eq. 12.
    """
    dims = values.ndim - 4
    v = _normalised(values)
    excess = []
    for axis in range(-dims, 0):
        dv, dz = torch.roll(v, -1, axis) - v, torch.roll(points, -1, axis) - points
        # Around the end of the box the coordinate of this axis falls by 1.
        coordinate = axis + dims
        dz[coordinate] = dz[coordinate] - dz[coordinate].round()
        excess.append(_excess(dv, dz, bound))
    if v.shape[3] > 1:
        excess.append(_excess(v.diff(dim=3), points.diff(dim=2), bound))
    return torch.cat(excess, 1).mean(1)


def _normalised(values: Tensor) -> Tensor:
    return values / norms_of(values).reshape(-1, *(1,) * (values.ndim - 1))


def _excess(dv: Tensor, dz: Tensor, bound: float) -> Tensor:
    # A norm has no slope at 0, where two neighbours have the same vector.
    slope = ((dv.square().sum(1) + 1e-24) / dz.square().sum(0)).sqrt()
    return torch.relu(slope - bound).flatten(1)


def sobolev(values: Float[Tensor, "slots variables pieces time *space"]) -> Float[Tensor, " slots"]:
    """The mean over frames and components of log Σ_k ((1 + |k|²)² − 1) |V̂_k|², V normalised, k in waves per box.

    Source: Ko, Kim and Lee, NeurIPS 2024, appendix, as their code has it.
    """
    dims = values.ndim - 4
    v = _normalised(values)
    axes = tuple(range(-dims, 0))
    spectrum = torch.fft.fftn(v, dim=axes, norm="forward")
    waves = torch.zeros((), dtype=values.dtype, device=values.device)
    for axis in axes:
        n = values.shape[axis]
        k = torch.fft.fftfreq(n, 1 / n, dtype=values.dtype, device=values.device)
        waves = waves + k.square().reshape(-1, *(1,) * (-axis - 1))
    energy = (((1 + waves).square() - 1) * spectrum.abs().square()).sum(axes)
    # Where V does not depend on x at all there is nothing to make smaller.
    result: Tensor = (energy + 1e-12).log().flatten(1).mean(1)
    return result
