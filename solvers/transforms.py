"""Transforms between the modes of a grid and the points, often more of them, on which products are taken."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pdesym.solvers.grid import Grid


class ProductTransforms:
    """From half spectra on the modes of a grid to values on `points` and back, `norm="forward"`.

    Modes that the points have and the grid has not count as zero on the way there and are dropped on the way back;
    columns of them are not transformed at all. Nyquist modes of the grid must be zero, and come back arbitrary.

    Args:
        grid: whose modes.
        points: at least as many as the grid has along each axis.
    """

    def __init__(self, grid: Grid, points: Sequence[int]):
        self.points = tuple(points)
        self._modes = grid.points
        self._columns = grid.points[-1] // 2 + 1

    def to_values(self, spectrum: Tensor) -> Tensor:
        """Real values of a half spectrum, both over the last axes."""
        dims = len(self.points)
        # One axis at a time: the multi-dimensional complex-to-real transform is nearly twice as slow as this.
        for axis in range(-dims, -1):
            spectrum = torch.fft.ifft(_spread(spectrum, axis, self.points[axis]), dim=axis, norm="forward")
        values: Tensor = torch.fft.irfft(spectrum, n=self.points[-1], dim=-1, norm="forward")
        return values

    def to_modes(self, values: Tensor) -> Tensor:
        """Half spectrum of real values."""
        dims = len(self.points)
        spectrum: Tensor = torch.fft.rfft(values, dim=-1, norm="forward")
        if self._columns < spectrum.shape[-1]:
            spectrum = spectrum[..., : self._columns]
        for axis in range(-2, -dims - 1, -1):
            spectrum = _gathered(torch.fft.fft(spectrum, dim=axis, norm="forward"), axis, self._modes[axis])
        return spectrum


def _spread(spectrum: Tensor, axis: int, points: int) -> Tensor:
    """Zeros between the positive and the negative wavenumbers of an axis."""
    n = spectrum.shape[axis]
    if n == points:
        return spectrum
    shape = list(spectrum.shape)
    shape[axis] = points - n
    positive, negative = spectrum.split(((n + 1) // 2, n // 2), dim=axis)
    spread: Tensor = torch.cat((positive, spectrum.new_zeros(shape), negative), dim=axis)
    return spread


def _gathered(spectrum: Tensor, axis: int, modes: int) -> Tensor:
    """The lowest positive and negative wavenumbers of an axis."""
    points = spectrum.shape[axis]
    if modes == points:
        return spectrum
    positive, negative = (modes + 1) // 2, modes // 2
    ends = (spectrum.narrow(axis, 0, positive), spectrum.narrow(axis, points - negative, negative))
    gathered: Tensor = torch.cat(ends, dim=axis)
    return gathered
