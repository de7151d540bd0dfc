"""The spectral convolution of a Fourier neural operator, exact under translations on every periodic grid."""

from collections.abc import Sequence

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

# Options that neuralop's blocks pass to every convolution, and the one value of each that this layer has.
_FIXED = {
    "complex_data": False,
    "factorization": None,
    "fno_block_precision": "full",
    "max_n_modes": None,
    "resolution_scaling_factor": None,
    "separable": False,
}
# These say how to factorise, so they are without effect here.
_FACTORISATION = {"decomposition_kwargs", "fixed_rank_modes", "implementation", "rank"}


class SpectralConvolution(nn.Module):
    """A linear map between channels, one matrix for each Fourier mode: a `conv_module` for neuralop's FNO.

        v̂_o(k) = Σ_i W_io(k) û_i(k)   for |k_j| ≤ K_j,    v̂(k) = 0 beyond,    v = Re F⁻¹ v̂ + b,

    with û normalised by the number of points, so that a layer means the same on every grid. The set of modes is
    symmetric, k and −k together, so that a layer can commute with reflections; it commutes with translations by
    construction, on grids with an odd number of points too. Where the grid has fewer modes, those with
    |k_j| < N_j/2 are kept: the Nyquist mode of an even axis has no sign, and is dropped.

    The weights are real numbers with a last axis (real part, imaginary part): they follow `.to(torch.float64)`, and
    nothing that moves, stores or reduces parameters meets complex numbers. The forward pass writes nothing in place,
    so that `torch.func.jvp`, `linearize` and `vmap` serve it.

    Initial weights: real and imaginary part normal with variance 1/(2 c_in c_out), twice that on the plane k_d = 0,
    where taking the real part of v halves it; the bias is 0. A mode then keeps the 1/c_out-th part of its energy, and
    the pointwise path beside this layer carries the signal at first. Weights that keep all of it, c_out times larger
    in variance, led to twice the error in long predictions (KdV, 32 trajectories). They are drawn from torch's global
    generator, like those of torch's own layers.

    Args:
        in_channels: channels of u.
        out_channels: channels of v.
        n_modes: for each axis the width of the band, 2 K_j or 2 K_j + 1.
        bias: whether there is a constant b for each channel.
        options: what else neuralop passes; anything that would ask for another layer is refused.

    Raises:
        ValueError: for an option that this layer does not have, or no room for a mode.

    Source: Li et al., Fourier Neural Operator for Parametric PDEs (ICLR 2021), equation 5.
    """

    def __init__(
        self, in_channels: int, out_channels: int, n_modes: Sequence[int], bias: bool = True, **options: object
    ):
        super().__init__()
        for name, value in options.items():
            if name not in _FIXED and name not in _FACTORISATION:
                raise TypeError(f"SpectralConvolution has no option {name!r}.")
            if name in _FIXED and value != _FIXED[name]:
                raise ValueError(
                    f"SpectralConvolution has {name}={_FIXED[name]!r} alone, got {value!r}: leave it out, or take "
                    "neuralop's own SpectralConv."
                )
        if not n_modes or any(width < 1 for width in n_modes):
            raise ValueError(f"Expected a positive number of modes for each axis, got {tuple(n_modes)}.")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.highest = tuple(width // 2 for width in n_modes)
        """K, the highest wavenumber kept along each axis."""
        modes = (*(2 * k + 1 for k in self.highest[:-1]), self.highest[-1] + 1)
        self.weight = nn.Parameter(torch.empty(*modes, in_channels, out_channels, 2))
        self.bias = nn.Parameter(torch.empty(out_channels, *(1,) * self.dims)) if bias else None
        self.reset_parameters()

    @property
    def dims(self) -> int:
        """Number of space dimensions."""
        return len(self.highest)

    def reset_parameters(self) -> None:
        """Draws the initial weights anew from torch's global generator."""
        with torch.no_grad():
            self.weight.normal_(std=(2 * self.in_channels * self.out_channels) ** -0.5)
            self.weight.select(self.dims - 1, 0).mul_(2**0.5)
            if self.bias is not None:
                self.bias.zero_()

    def forward(
        self, u: Float[Tensor, "batch in_channels *space"], output_shape: Sequence[int] | None = None
    ) -> Float[Tensor, "batch out_channels *space"]:
        """v of u, on the same grid; the place of `output_shape` is neuralop's, and it must stay empty."""
        self._refuse_resampling(output_shape)
        v = self.linear(u)
        return v if self.bias is None else v + self.bias

    def linear(self, u: Float[Tensor, "batch in_channels *space"]) -> Float[Tensor, "batch out_channels *space"]:
        """v − b of u, the derivative of v along u."""
        dims, points = self.dims, u.shape[2:]
        highest = [min(k, (n - 1) // 2) for k, n in zip(self.highest, points, strict=True)]

        spectrum = torch.fft.rfft(u, norm="forward").narrow(-1, 0, highest[-1] + 1)
        weight = torch.view_as_complex(self.weight).narrow(dims - 1, 0, highest[-1] + 1)
        for axis in range(dims - 1):
            spectrum = _low_modes(torch.fft.fft(spectrum, dim=axis + 2, norm="forward"), axis + 2, highest[axis])
            weight = _low_modes(weight, axis, highest[axis])

        modes = spectrum.shape[2:]
        product = torch.bmm(spectrum.flatten(2).permute(2, 0, 1), weight.flatten(0, dims - 1))
        spectrum = product.permute(1, 2, 0).unflatten(2, modes)

        for axis in range(dims - 1):
            padded = _padded(spectrum, axis + 2, highest[axis], points[axis])
            spectrum = torch.fft.ifft(padded, dim=axis + 2, norm="forward")
        # What the last transform makes of an imaginary part at k = 0 differs between FFT libraries.
        constant = spectrum.narrow(-1, 0, 1).real.to(spectrum.dtype)
        spectrum = torch.cat((constant, spectrum.narrow(-1, 1, highest[-1])), -1)
        v: Tensor = torch.fft.irfft(spectrum, n=points[-1], norm="forward")
        return v

    def transform(
        self, u: Float[Tensor, "batch channel *space"], output_shape: Sequence[int] | None = None
    ) -> Float[Tensor, "batch channel *space"]:
        """u as the skip connections need it: itself, since this layer does not change the grid."""
        self._refuse_resampling(output_shape)
        return u

    def extra_repr(self) -> str:
        """Channels and highest wavenumbers, for print."""
        return f"{self.in_channels}, {self.out_channels}, |k| <= {self.highest}"

    @staticmethod
    def _refuse_resampling(output_shape: Sequence[int] | None) -> None:
        if output_shape is not None:
            raise ValueError(
                f"SpectralConvolution answers on the grid of its input, got output_shape={tuple(output_shape)}: "
                "interpolate the result instead."
            )


def _low_modes(spectrum: Complex[Tensor, "..."], axis: int, highest: int) -> Complex[Tensor, "..."]:
    """The modes 0 .. K, −K .. −1 of an axis in the order of torch.fft."""
    size = spectrum.shape[axis]
    return torch.cat((spectrum.narrow(axis, 0, highest + 1), spectrum.narrow(axis, size - highest, highest)), axis)


def _padded(spectrum: Complex[Tensor, "..."], axis: int, highest: int, points: int) -> Complex[Tensor, "..."]:
    """The inverse of `_low_modes`: zeros between the modes K and −K of an axis, up to `points` modes."""
    size = list(spectrum.shape)
    size[axis] = points - 2 * highest - 1
    positive, negative = spectrum.split((highest + 1, highest), axis)
    return torch.cat((positive, spectrum.new_zeros(size), negative), axis)
