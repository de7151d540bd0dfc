"""How the values of fields turn with the plane."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.operators.group_fourier.plane_group import PlaneGroup

_CHANNELS = {"scalar": 1, "pseudoscalar": 1, "vector": 2}


def field_channels(fields: tuple[str, ...]) -> int:
    """Channels that fields such as ("vector", "scalar") have together; see `field_representation`.

    Raises:
        ValueError: for no field, or one that is not known.
    """
    if not isinstance(fields, tuple) or not fields or any(field not in _CHANNELS for field in fields):
        raise ValueError(
            f"Expected a tuple of fields, each one of {', '.join(_CHANNELS)}, got {fields!r}: name one for each field, "
            "as in ('vector', 'scalar')."
        )
    return sum(_CHANNELS[field] for field in fields)


def field_representation(fields: tuple[str, ...], group: PlaneGroup) -> Float[Tensor, "order channel channel"]:
    """ρ(g), signed permutation matrices by which an element g mixes the channels: (g·u)(x) = ρ(g) u(g⁻¹x); float64.

    A scalar keeps its value, ρ = 1. A pseudoscalar, such as a vorticity or a stream function, has ρ(g) = det g: its
    sign changes under mirrors. A vector has two channels, its components along x and y, and ρ(g) = g.

    Args:
        fields: "scalar", "pseudoscalar" or "vector" for each field, in the order of the channels.
        group: of the elements.

    Raises:
        ValueError: for no field, or one that is not known.
    """
    field_channels(fields)
    turns = group.matrices.double()
    blocks = {
        "scalar": torch.ones(group.order, 1, 1, dtype=torch.float64),
        "pseudoscalar": torch.linalg.det(turns)[:, None, None].round(),
        "vector": turns,
    }
    chosen = [blocks[field] for field in fields]
    return torch.stack([torch.block_diag(*(block[g] for block in chosen)) for g in range(group.order)])
