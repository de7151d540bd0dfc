"""Which stored weight a group spectral convolution takes at which mode."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from pdesym.operators.group_fourier.plane_group import PlaneGroup


@dataclass(frozen=True)
class ModeTable:
    """W(g⁻¹h, g⁻¹k) for every k of the sector S = {0 < k₁ ≤ K, 0 ≤ k₂ ≤ K}, in terms of the weights that are stored.

    S, rS, −S and −rS are all modes but 0, each once. Stored are W(h, k) and W(h, rk) for k in S; the others follow from
    W(h, −k) = W(h, k)*, without which v would not be real.

    Args:
        row: position of the stored weight in (S or rS, k₁ − 1, k₂, h).
        conjugate: whether its conjugate is taken.
    """

    row: Int[Tensor, "highest highest_1 order order"]
    conjugate: Bool[Tensor, "highest highest_1 order order"]

    @classmethod
    def of(cls, group: PlaneGroup, highest: int) -> "ModeTable":
        """The table at [k₁ − 1, k₂, h, g] for modes up to K = `highest`."""
        k1, k2 = torch.meshgrid(torch.arange(1, highest + 1), torch.arange(highest + 1), indexing="ij")
        k = torch.einsum("gba,bij->gija", group.matrices, torch.stack((k1, k2)))  # g⁻¹k
        part, conjugate = torch.zeros_like(k[..., 0]), torch.zeros_like(k[..., 0], dtype=torch.bool)
        for sector, (a, b) in enumerate(((k[..., 0], k[..., 1]), (k[..., 1], -k[..., 0]))):  # k and r⁻¹k
            for sign in (1, -1):
                inside = (sign * a > 0) & (sign * b >= 0)
                position = (sector * highest + sign * a - 1) * (highest + 1) + sign * b
                part, conjugate = torch.where(inside, position, part), torch.where(inside, sign < 0, conjugate)
        row = part[:, None] * group.order + group.quotients[:, :, None, None]
        return cls(row.permute(2, 3, 1, 0), conjugate[:, None].expand_as(row).permute(2, 3, 1, 0))
