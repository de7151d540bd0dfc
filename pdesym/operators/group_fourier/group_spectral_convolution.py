"""The spectral convolution that commutes with a plane group and with translations."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from pdesym.operators.group_fourier.group_pointwise import regular_matrix
from pdesym.operators.group_fourier.mode_table import ModeTable
from pdesym.operators.group_fourier.plane_group import PlaneGroup


class GroupSpectralConvolution(nn.Module):
    """A convolution of features on the regular representation, weights shared under the group:

        v̂_o(g, k) = Σ_h Σ_i W_io(g⁻¹h, g⁻¹k) û_i(h, k)   for |k_j| ≤ K,    v̂(k) = 0 beyond.

    An element a of the group moves features by (a·v)(g, x) = v(a⁻¹g, a⁻¹x), and the layer commutes with it and with
    translations, on every square periodic grid; û is normalised by the number of points. Where the grid has fewer
    modes, those with |k_j| < N/2 are kept: the Nyquist mode of an even axis has no sign, and is dropped. The channel
    axis holds (g, o), the element first.

    W(h, −k) = W(h, k)* is built in: the weights at k ≠ 0 are stored for one of k and −k alone, as real numbers with a
    last axis (real part, imaginary part), and those at 0 are real. There are (2K + 1)² · order · in · out real numbers,
    none of them redundant. A mode k of the sector 0 < k₁, 0 ≤ k₂ and its quarter turn meet the same matrix, so that all
    modes but 0 are one batched product over the K(K + 1) modes of the sector. Nothing is written in place.

    Initial weights: as in `SpectralConvolution`, a mode keeps the 1/(order · out)-th part of its energy in a channel,
    E|W|² = 1/(order² · in · out).

    Args:
        group: the plane group.
        in_channels: channels i for each element.
        out_channels: channels o for each element.
        highest: K.
        generator: which draws the initial weights.

    Raises:
        ValueError: from a call, for a grid that is not square.

    Source: Helwig et al., Group Equivariant Fourier Neural Operators for Partial Differential Equations (ICML 2023).
    """

    quotients: Tensor
    row: Tensor
    sign: Tensor
    turned: Tensor
    turned_back: Tensor

    def __init__(
        self, group: PlaneGroup, in_channels: int, out_channels: int, highest: int, generator: torch.Generator
    ):
        super().__init__()
        self.order, self.highest = group.order, highest
        std = 1 / (group.order * (in_channels * out_channels) ** 0.5)
        waves = torch.empty(2, highest, highest + 1, group.order, in_channels, out_channels, 2)
        mean = torch.empty(group.order, in_channels, out_channels)
        self.waves = nn.Parameter(waves.normal_(std=std * 0.5**0.5, generator=generator))
        self.mean = nn.Parameter(mean.normal_(std=std, generator=generator))

        table = ModeTable.of(group, highest)
        self.register_buffer("row", table.row, persistent=False)
        # What multiplies the imaginary part; the axes of the stored weights after h and g are i and o.
        self.register_buffer("sign", 1 - 2 * table.conjugate[..., None, None].to(waves), persistent=False)
        self.register_buffer("quotients", group.quotients, persistent=False)
        self.register_buffer("turned", group.quotients[3], persistent=False)  # at h the element (r³)⁻¹h = rh
        self.register_buffer("turned_back", group.quotients[1], persistent=False)  # at h the element r⁻¹h

    def forward(self, u: Float[Tensor, "batch all_in points points"]) -> Float[Tensor, "batch all_out points points"]:
        """v of u, on the same grid."""
        points = u.shape[-1]
        if u.shape[-2] != points:
            raise ValueError(
                f"Expected a square grid, got {tuple(u.shape[-2:])}: quarter turns leave no other as it is."
            )
        highest = min(self.highest, (points - 1) // 2)
        spectrum = torch.fft.rfft(u, norm="forward").narrow(-1, 0, highest + 1)
        spectrum = torch.fft.fft(spectrum, dim=-2, norm="forward")

        mean = spectrum[..., 0, 0].real @ regular_matrix(self.mean, self.quotients)
        waves = self._product(_sectors(spectrum, highest), highest)

        spectrum = _half_plane(mean, waves, points)
        return torch.fft.irfft(torch.fft.ifft(spectrum, dim=-2, norm="forward"), n=points, norm="forward")

    def _product(
        self, waves: Complex[Tensor, "two batch all_in highest highest_1"], highest: int
    ) -> Complex[Tensor, "two batch all_out highest highest_1"]:
        modes = waves.shape[3:]
        turned = self._by_element(waves[1], self.turned)
        # Contiguous, since a complex bmm copies other factors matrix by matrix.
        together = torch.cat((waves[0], turned)).flatten(2).permute(2, 0, 1).contiguous()
        product = torch.bmm(together, self._matrices(highest)).permute(1, 2, 0).unflatten(2, modes)
        straight, turned = product.tensor_split(2)
        return torch.stack((straight, self._by_element(turned, self.turned_back)))

    def _matrices(self, highest: int) -> Complex[Tensor, "modes all_in all_out"]:
        """At each mode of the sector the matrix at [(h, i), (g, o)] = W(g⁻¹h, g⁻¹k)_io."""
        modes = (slice(highest), slice(highest + 1))
        row, sign = self.row[modes], self.sign[modes]
        stored = self.waves.flatten(0, 3).index_select(0, row.flatten()).unflatten(0, row.shape)
        weight = torch.complex(stored[..., 0], stored[..., 1] * sign)
        return weight.permute(0, 1, 2, 4, 3, 5).flatten(4, 5).flatten(2, 3).flatten(0, 1)

    def _by_element(
        self, waves: Complex[Tensor, "batch channel *modes"], element: Tensor
    ) -> Complex[Tensor, "batch channel *modes"]:
        return waves.unflatten(1, (self.order, -1)).index_select(1, element).flatten(1, 2)


def _sectors(
    spectrum: Complex[Tensor, "batch channel rows columns"], highest: int
) -> Complex[Tensor, "two batch channel highest highest_1"]:
    """The modes k and rk = (−k₂, k₁) at [k₁ − 1, k₂], from those of `rfft2` with k₂ ≤ K."""
    rows = spectrum.shape[-2]
    straight = spectrum.narrow(-2, 1, highest)
    columns = spectrum.narrow(-1, 1, highest)
    downward = torch.cat((columns.narrow(-2, 0, 1), columns.narrow(-2, rows - highest, highest).flip(-2)), -2)
    return torch.stack((straight, downward.transpose(-1, -2)))


def _half_plane(
    mean: Float[Tensor, "batch channel"], waves: Complex[Tensor, "two batch channel highest highest_1"], points: int
) -> Complex[Tensor, "batch channel points columns"]:
    """The inverse of `_sectors`: all modes of `rfft2` with 0 ≤ k₂ ≤ K, zeros for |k₁| > K."""
    straight, turned = waves[0], waves[1].transpose(-1, -2)
    highest = straight.shape[-2]
    positive = straight.narrow(-1, 0, 1)
    constant = mean[..., None, None].to(waves.dtype)
    zero = torch.cat((constant, turned.narrow(-2, 0, 1)), -1)
    negative = torch.cat((positive.conj(), turned.narrow(-2, 1, highest)), -1).flip(-2)
    padding = straight.new_zeros((*straight.shape[:-2], points - 2 * highest - 1, highest + 1))
    return torch.cat((zero, straight, padding, negative), -2)
