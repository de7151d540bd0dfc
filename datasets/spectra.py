"""Mean power spectra of fields that come piece by piece."""

import numpy as np

_LAST_THIRD = 2 / 3


class PowerSpectra:
    """P(k) of a field along one axis at some frames, averaged over the samples and the other axes.

    With û the coefficients of the discrete Fourier series along the axis, P(k) = |û_k|² + |û_−k|²: the P(k) of a frame
    add up to the mean of u².

    Args:
        axis: counted among the axes of space, from 0.
        frames: positions of the frames.

    Attributes:
        roughest: the largest share, over samples and frames, of the last third of the wavenumbers in the norm of the
            sample at its largest frame, the mean included; 0 before anything came.
    """

    def __init__(self, axis: int, frames: np.ndarray):
        self.axis, self.frames = axis, frames
        self._sum: np.ndarray | float = 0.0
        self._samples = 0
        self.roughest = 0.0

    def add(self, values: np.ndarray) -> None:
        """Takes some more samples, `(sample, time, *space)`."""
        if not len(values):
            return
        u = np.moveaxis(values[:, self.frames].astype(np.float64), 2 + self.axis, -1)
        points = u.shape[-1]
        power = np.abs(np.fft.rfft(u, norm="forward")) ** 2
        power[..., 1 : (points + 1) // 2] *= 2  # those of −k; the Nyquist mode of an even number stands alone
        others = tuple(range(2, power.ndim - 1))
        power = power.mean(axis=others)
        norms = power.sum(axis=-1).max(axis=1, keepdims=True)
        last = power[..., _first_of_the_last_third(power.shape[-1]) :].sum(axis=-1)
        shares = np.sqrt(last / np.where(norms > 0, norms, 1.0))
        self.roughest = max(self.roughest, float(shares.max()))
        self._sum = self._sum + power.sum(axis=0)
        self._samples += len(values)

    @property
    def power(self) -> np.ndarray:
        """`(frame, wavenumber)`, wavenumbers 0, 1, 2, … in units of 2π/L; empty before anything came."""
        return np.asarray(self._sum) / self._samples if self._samples else np.empty((len(self.frames), 0))

    @property
    def tail(self) -> float:
        """The largest share, over the frames, of the last third of the wavenumbers in the norm without the mean."""
        power = self.power
        first = _first_of_the_last_third(power.shape[1])
        total = power[:, 1:].sum(axis=1)
        shares = np.sqrt(power[:, first:].sum(axis=1) / np.where(total > 0, total, 1.0))
        return float(shares.max(initial=0.0))


def _first_of_the_last_third(wavenumbers: int) -> int:
    return int(np.ceil(_LAST_THIRD * wavenumbers))
