"""Mean, deviation and root mean square of fields that pass by in slabs, and of their increments in time."""

import numpy as np


class Moments:
    """The moments of one array, over its samples, frames and points; of a vector, of every component.

    Args:
        vector: whether the last axis are components.
    """

    def __init__(self, vector: bool):
        self._vector = vector
        self._sums = {"": _Sums(), "_delta": _Sums()}

    def add(self, block: np.ndarray) -> None:
        """Takes the values `(sample, time, *space[, component])` of some samples in."""
        if not len(block):
            return
        values = block.astype("float64")
        for suffix, part in (("", values), ("_delta", np.diff(values, axis=1))):
            flat = part.reshape(-1, part.shape[-1]) if self._vector else part.reshape(-1, 1)
            if len(flat):
                self._sums[suffix].add(flat)

    def statistics(self) -> dict[str, float | list[float]]:
        """`mean`, `std` and `rms` of the values, and with the ending `_delta` those of what changes in a frame."""
        found = {}
        for suffix, sums in self._sums.items():
            mean, variance = sums.mean, sums.variance
            for kind, value in (("mean", mean), ("std", variance**0.5), ("rms", (variance + mean**2) ** 0.5)):
                found[kind + suffix] = value.tolist() if self._vector else float(value[0])
        return found


class _Sums:
    """Count, mean and sum of squared deviations, merged block by block without cancellation."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = np.zeros(1)
        self._squares = np.zeros(1)

    @property
    def variance(self) -> np.ndarray:
        """The mean squared deviation."""
        return self._squares / max(self.count, 1)

    def add(self, block: np.ndarray) -> None:
        count, mean = len(block), block.mean(axis=0)
        squares = ((block - mean) ** 2).sum(axis=0)
        total, apart = self.count + count, mean - self.mean
        self._squares = self._squares + squares + apart**2 * (self.count * count / total)
        self.mean = self.mean + apart * (count / total)
        self.count = total
