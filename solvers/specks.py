"""Specks of a second species, from which the patterns of Gray-Scott grow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.random_streams import stream


@dataclass(frozen=True)
class Specks:
    """(u, v) = (1, 0) but for specks, (1/2, 1/4) in the middle of each: v = ¼ (1 − ∏ᵢ(1 − gᵢ)), u = 1 − 2v.

    gᵢ is a smooth bump of width w at a random place, exp(−Σ_j (1 − cos(2π(x_j − x_ij)/L_j)) (L_j/2πw)²), a Gaussian
    wrapped around the torus. The values are those of Pearson (Science 261, 1993).

    Args:
        count: number of specks.
        width: w, in units of length.

    Raises:
        ValueError: for no specks, or a width that is not positive and finite.
    """

    count: int = 20
    width: int | float = 0.05

    def __post_init__(self) -> None:
        if self.count < 1 or not (math.isfinite(self.width) and self.width > 0):
            raise ValueError(
                f"Specks needs at least one speck and a positive width, got count={self.count}, width={self.width}."
            )

    def sample(self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]) -> Float[Tensor, "batch 2 *space"]:
        """The initial conditions with the given indices, `(len(samples), 2, *space)`, float64.

        Args:
            grid: a grid of any dimension.
            samples: indices; index i depends on (seed, i) alone, and is the same function on every grid.
            seed: an integer, or several (such as seed and split) that act as one.

        Raises:
            ValueError: when the points lie further apart than the width of a speck.
        """
        if max(grid.spacing) > self.width:
            raise ValueError(
                f"Specks of width {self.width:g} need points at most that far apart, those of the grid are "
                f"{max(grid.spacing):g} apart: raise the number of points or the width."
            )
        return torch.stack([self._one(grid, stream(seed, index)) for index in samples])

    def _one(self, grid: Grid, rng: np.random.Generator) -> Tensor:
        places = torch.from_numpy(rng.uniform(0, 1, (self.count, grid.dims)))
        exponent = torch.zeros(self.count, *(1,) * grid.dims, dtype=torch.float64)
        for axis, (points, length) in enumerate(zip(grid.points, grid.length, strict=True)):
            x = torch.arange(points, dtype=torch.float64) / points
            along = (torch.cos(2 * math.pi * (x - places[:, axis, None])) - 1) * (
                length / (2 * math.pi * self.width)
            ) ** 2
            exponent = exponent + along.reshape(-1, *(points if i == axis else 1 for i in range(grid.dims)))
        v = (1 - (1 - torch.exp(exponent)).prod(dim=0)) / 4
        return torch.stack([1 - 2 * v, v])
