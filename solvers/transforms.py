"""Transforms between the modes of a grid and the points, often more of them, on which products are taken."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pdesym.solvers.grid import Grid

Terms = Sequence[tuple[Tensor, Tensor | None]]
"""Spectra with the multipliers before them, None for 1: they stand for their sum."""


class ProductTransforms:
    """From half spectra on the modes of a grid to values on `points` and back, `norm="forward"`.

    Modes that the points have and the grid has not count as zero on the way there and are dropped on the way back;
    columns of them are not transformed at all. Nyquist modes of the grid must be zero, and come back arbitrary.

    On a plane, while gradients are off, spectra are assembled in memory that is kept from call to call: an object
    serves one thread at a time.

    Args:
        grid: whose modes.
        points: at least as many as the grid has along each axis.
    """

    def __init__(self, grid: Grid, points: Sequence[int]):
        self.points = tuple(points)
        self._modes = grid.points
        self._columns = grid.points[-1] // 2 + 1
        self._tall: Tensor | None = None
        self._wide: Tensor | None = None
        # Where wavenumbers of either sign of the last axis but one stand: (in the modes, in the points, how many).
        modes, rows = (self._modes[-2], self.points[-2]) if grid.dims > 1 else (1, 1)
        halves = ((modes + 1) // 2, modes // 2)
        self._ends = (
            ((0, 0, modes),) if modes == rows else ((0, 0, halves[0]), (halves[0], rows - halves[1], halves[1]))
        )

    def to_values(self, terms: Terms) -> Tensor:
        """Real values `(…, *points)` of a sum of half spectra `(…, *modes)`."""
        if len(self.points) == 2 and not torch.is_grad_enabled():
            spectrum = self._columns_of_values(terms)
        else:
            spectrum = _total(terms)
            # One axis at a time: the multi-dimensional complex-to-real transform is nearly twice as slow as this.
            for axis in range(-len(self.points), -1):
                spectrum = torch.fft.ifft(_spread(spectrum, axis, self.points[axis]), dim=axis, norm="forward")
        values: Tensor = torch.fft.irfft(spectrum, n=self.points[-1], dim=-1, norm="forward")
        return values

    def _columns_of_values(self, terms: Terms) -> Tensor:
        """What is left to be transformed along the last axis of a plane."""
        first = terms[0][0]
        if self._modes == self.points:
            spectrum: Tensor = torch.fft.ifft(_total(terms), dim=-2, norm="forward")
            return spectrum
        tall = self._tall = _kept(self._tall, (*first.shape[:-2], self.points[-2], self._columns), first)
        for number, (source, multiplier) in enumerate(terms):
            for mode, point, count in self._ends:
                part, target = source.narrow(-2, mode, count), tall.narrow(-2, point, count)
                factor = None if multiplier is None else multiplier.narrow(-2, mode, count)
                _put(part, factor, target, add=number > 0)
        transformed = torch.fft.ifft(tall, dim=-2, norm="forward")
        # irfft would add the missing columns itself, in a slower way.
        wide = self._wide = _kept(self._wide, (*transformed.shape[:-1], self.points[-1] // 2 + 1), first)
        wide.narrow(-1, 0, self._columns).copy_(transformed)
        return wide

    def to_modes(self, values: Tensor) -> Tensor:
        """Half spectrum `(…, *modes)` of real values `(…, *points)`."""
        spectrum = self._pruned(values)
        for axis in range(-2, -len(self.points) - 1, -1):
            spectrum = _gathered(torch.fft.fft(spectrum, dim=axis, norm="forward"), axis, self._modes[axis])
        return spectrum

    def add_modes(self, values: Tensor, targets: Sequence[tuple[Tensor, Tensor, bool]]) -> None:
        """Half spectra of real values, multiplied and written or added to several targets in place.

        Args:
            values: `(…, *points)`.
            targets: (where, multiplier, whether to add).
        """
        if len(self.points) == 2:
            spectrum, ends = torch.fft.fft(self._pruned(values), dim=-2, norm="forward"), self._ends
        else:
            spectrum, ends = self.to_modes(values), None
        for target, multiplier, add in targets:
            if ends is None:
                _put(spectrum, multiplier, target, add)
                continue
            for mode, point, count in ends:
                factor, place = multiplier.narrow(-2, mode, count), target.narrow(-2, mode, count)
                _put(spectrum.narrow(-2, point, count), factor, place, add)

    def _pruned(self, values: Tensor) -> Tensor:
        """The transform along the last axis, columns that the grid has not left out."""
        spectrum: Tensor = torch.fft.rfft(values, dim=-1, norm="forward")
        return spectrum if self._columns == spectrum.shape[-1] else spectrum.narrow(-1, 0, self._columns)


def _put(spectrum: Tensor, multiplier: Tensor | None, target: Tensor, add: bool) -> None:
    if multiplier is None:
        target.add_(spectrum) if add else target.copy_(spectrum)
    elif add:
        target.addcmul_(spectrum, multiplier)
    else:
        torch.mul(spectrum, multiplier, out=target)


def _total(terms: Terms) -> Tensor:
    result: Tensor | None = None
    for spectrum, multiplier in terms:
        term = spectrum if multiplier is None else spectrum * multiplier
        result = term if result is None else result + term
    assert result is not None, "a jet is made of at least one field"
    return result


def _kept(buffer: Tensor | None, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """A buffer of zeros of this shape, the one at hand if it fits: whoever writes to it writes to the same places."""
    if buffer is not None and buffer.shape == shape and buffer.dtype == like.dtype and buffer.device == like.device:
        return buffer
    return like.new_zeros(shape)


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
