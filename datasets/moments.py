"""Means and variances of numbers that come piece by piece."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class Moments:
    """How many numbers came, their mean, the sum of their squared distances from it, the smallest and the largest.

    Two pieces with n and m numbers, means a and b, sums of squares A and B have together the mean a + (b − a) m/(n + m)
    and the sum A + B + (b − a)² n m/(n + m): no large numbers are subtracted. Everything is float64.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    def add(self, values: np.ndarray) -> None:
        """Takes some more numbers; none is allowed too."""
        if values.size == 0:
            return
        numbers = values.astype(np.float64, copy=False)
        mean = float(numbers.mean())
        self.merge(
            Moments(
                numbers.size,
                mean,
                float(np.square(numbers - mean).sum()),
                float(numbers.min()),
                float(numbers.max()),
            )
        )

    def merge(self, other: "Moments") -> None:
        """Takes all the numbers of another piece."""
        if other.count == 0:
            return
        count = self.count + other.count
        apart = other.mean - self.mean
        self.squares += other.squares + apart * apart * self.count * other.count / count
        self.mean += apart * other.count / count
        self.count = count
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)

    @property
    def std(self) -> float:
        """The standard deviation of all numbers that came, √(Σ(x − mean)²/n); nan of none."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan
