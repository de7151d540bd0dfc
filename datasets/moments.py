"""Means and variances of numbers that come piece by piece."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class Moments:
    """How many numbers came, their mean, the sum of their squared distances from it, the smallest and the largest.

    Two pieces with n and m numbers, means a and b, sums of squares A and B have together the mean a + (b − a) m/(n + m)
    and the sum A + B + (b − a)² n m/(n + m): no large numbers are subtracted. All are counted from the mean of the
    first piece, so that numbers far from 0 lose nothing either. Everything is float64.
    """

    count: int = 0
    origin: float = 0.0
    offset: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    def add(self, values: np.ndarray) -> None:
        """Takes some more numbers; none is allowed too."""
        if values.size == 0:
            return
        with np.errstate(invalid="ignore"):  # of numbers that are not finite nothing finite comes
            if self.count == 0:
                self.origin = float(values.mean(dtype=np.float64))
            distances = np.subtract(values, self.origin, dtype=np.float64)
            offset = float(distances.mean())
            distances -= offset
            squares = float(np.square(distances, out=distances).sum())
        count = self.count + values.size
        apart = offset - self.offset
        self.squares += squares + apart * apart * self.count * values.size / count
        self.offset += apart * values.size / count
        self.count = count
        self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))

    @property
    def mean(self) -> float:
        """Of all numbers that came; nan of none."""
        return self.origin + self.offset if self.count else math.nan

    @property
    def std(self) -> float:
        """The standard deviation of all numbers that came, √(Σ(x − mean)²/n); nan of none."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan
