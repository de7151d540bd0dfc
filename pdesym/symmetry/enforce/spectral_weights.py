"""Equivariant weights of a spectral convolution as a function of their coefficients."""

import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.enforce.bases import Bases
from pdesym.symmetry.enforce.blocks import assembled, combined
from pdesym.symmetry.enforce.spectral_multipliers import SpectralMultipliers


class SpectralWeights(nn.Module):
    """Coefficients `(dimension,)` ↦ weights `(*modes, c_in, c_out, 2)`, for `torch.nn.utils.parametrize`.

    Modes stand in the order of `torch.fft.rfftn` with |k_j| ≤ K_j kept, the last axis is (real part, imaginary part).
    """

    _rows: Tensor
    _columns: Tensor
    _starts: Tensor
    _orbit: Tensor
    _sign: Tensor
    _back: Tensor

    def __init__(self, multipliers: SpectralMultipliers):
        super().__init__()
        self._multipliers = multipliers
        orbits = multipliers.orbits
        self._pairs = list(itertools.product(multipliers.kinds_out.counts, multipliers.kinds_in.counts))
        flat = [basis for rows in multipliers.bases for row in rows for basis in row]
        self._sizes = [
            len(starts) * b * a * len(basis)
            for (starts, (b, a)), basis in zip(itertools.product(orbits.orbits_of, self._pairs), flat, strict=True)
        ]
        self.bases = Bases([basis.contiguous() for basis in flat])
        self.turns = Bases([multipliers.matrices_out, multipliers.matrices_in])
        element = torch.tensor(orbits.element)
        order = element.argsort(stable=True)
        indices = {
            "_rows": multipliers.kinds_out.position,
            "_columns": multipliers.kinds_in.position,
            "_starts": torch.tensor([start for starts in orbits.orbits_of for start in starts]),
            "_orbit": torch.tensor(orbits.orbit)[order],
            "_sign": torch.tensor(orbits.sign)[order],
            "_back": order.argsort(),
        }
        for name, index in indices.items():
            self.register_buffer(name, index, persistent=False)
        self._per_element = element.bincount(minlength=len(multipliers.matrices_out)).tolist()

    def forward(self, coefficients: Float[Tensor, " dimension"]) -> Float[Tensor, "*modes c_in c_out 2"]:
        """The weights, in the dtype of the coefficients also under autocast."""
        with torch.autocast(coefficients.device.type, enabled=False):
            spread = self._spread(self._representatives(coefficients))
        highest = self._multipliers.highest
        modes = (*(2 * top + 1 for top in highest[:-1]), highest[-1] + 1)
        return spread.permute(0, 3, 2, 1).contiguous().reshape(*modes, *spread.shape[:0:-1])

    def right_inverse(self, weight: Float[Tensor, "*modes c_in c_out 2"]) -> Float[Tensor, " dimension"]:
        """The coefficients of equivariant weights; of others, those of the projection at one mode of each orbit."""
        layout = self._multipliers
        at = weight.flatten(0, len(layout.highest) - 1)[self._starts].permute(0, 3, 2, 1)
        grouped = at[:, :, self._rows.argsort()][..., self._columns.argsort()]
        pieces, bases = [], iter(self.bases)
        for orbits in grouped.split(self._counts):
            for b, rows in enumerate(orbits.split(layout.kinds_out.sizes, 2)):
                for a, block in enumerate(rows.split(layout.kinds_in.sizes, 3)):
                    copies = block.unflatten(3, (layout.kinds_in.counts[a], -1))
                    copies = copies.unflatten(2, (layout.kinds_out.counts[b], -1))
                    pieces.append(torch.einsum("npoxiy,rpxy->noir", copies, next(bases)).flatten())
        return torch.cat(pieces)

    def drawn(self, deviation: float, generator: torch.Generator | None = None) -> Float[Tensor, " dimension"]:
        """Random coefficients for which an entry of the weights has the standard deviation `deviation` in either part.

        That is the root mean square over a block of R(k₀) between two summands, where it can differ from 0 at all.
        """
        parts = []
        for size, basis in zip(self._sizes, self.bases, strict=True):
            wanted = math.prod(basis.shape[1:]) / max(len(basis), 1)
            parts.append(deviation * wanted**0.5 * torch.randn(size, generator=generator))
        return torch.cat(parts)

    @property
    def _counts(self) -> list[int]:
        return [len(starts) for starts in self._multipliers.orbits.orbits_of]

    def _representatives(self, coefficients: Float[Tensor, " dimension"]) -> Float[Tensor, "orbits 2 c_out c_in"]:
        pieces = iter(zip(coefficients.split(self._sizes), self.bases, strict=True))
        columns, found = len(self._multipliers.kinds_in.counts), []
        for count in self._counts:
            blocks = []
            for b, a in self._pairs:
                piece, basis = next(pieces)
                blocks.append(combined(piece.reshape(count, b, a, len(basis)), basis))
            rows = [blocks[start : start + columns] for start in range(0, len(blocks), columns)]
            found.append(assembled(rows, self._rows, self._columns))
        return torch.cat(found)

    def _spread(self, representatives: Float[Tensor, "orbits 2 c_out c_in"]) -> Float[Tensor, "modes 2 c_out c_in"]:
        """R(s g k₀) = ρ_out(g) R(k₀) ρ_in(g)⁻¹, conjugated for s = −1."""
        chosen = representatives[self._orbit].split(self._per_element)
        outward, inward = self.turns[0], self.turns[1]
        turned = torch.cat([g @ part @ h for g, part, h in zip(outward, chosen, inward, strict=True)])
        signs = torch.stack([torch.ones_like(self._sign), self._sign], 1).to(turned)
        return (turned * signs[:, :, None, None])[self._back]
