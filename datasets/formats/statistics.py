"""Mean, deviation and root mean square of fields that pass by in slabs, and of their increments in time."""

import math

import numpy as np

from pdesym.datasets.moments import Moments


class FieldStatistics:
    """Those of one array, over its samples, frames and points; of a vector, of every component.

    Args:
        components: of a vector, which are its last axis; None for a scalar, which has no such axis.
    """

    def __init__(self, components: int | None):
        self._vector = components is not None
        self._moments = {suffix: [Moments() for _ in range(components or 1)] for suffix in ("", "_delta")}

    def add(self, block: np.ndarray) -> None:
        """Takes the values `(sample, time, *space[, component])` of some samples in."""
        values = block.astype("float64")
        for suffix, part in (("", values), ("_delta", np.diff(values, axis=1))):
            parts = np.moveaxis(part, -1, 0) if self._vector else (part,)
            for moments, one in zip(self._moments[suffix], parts, strict=True):
                moments.add(one)

    def statistics(self) -> dict[str, float | list[float]]:
        """`mean`, `std` and `rms` of the values, and with the ending `_delta` those of what changes in a frame.

        All are 0 where nothing came, as of the increments of a single frame.
        """
        found: dict[str, float | list[float]] = {}
        for suffix, components in self._moments.items():
            pairs = [(one.mean, one.std) if one.count else (0.0, 0.0) for one in components]
            rows = [(mean, std, math.hypot(mean, std)) for mean, std in pairs]
            for kind, values in zip(("mean", "std", "rms"), zip(*rows, strict=True), strict=True):
                found[kind + suffix] = list(values) if self._vector else values[0]
        return found
