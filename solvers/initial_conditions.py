"""Random initial conditions. Sample i of a seed is the same whatever is drawn beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid


@dataclass(frozen=True)
class RandomSinusoids:
    """u₀(x) = Σ_{p=1}^{terms} A_p sin(2π l_p x/L + φ_p), the law of Bar-Sinai et al. (PNAS 2019) on a torus.

    A_p ~ U(−amplitude, amplitude), φ_p ~ U(0, 2π), l_p drawn from `waves`, all independent. The mean is zero.

    Args:
        terms: number of sinusoids.
        amplitude: largest amplitude of one of them, in units of the field.
        waves: the numbers of waves per domain to draw from, positive integers.
    """

    terms: int = 10
    amplitude: int | float = 0.5
    waves: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        if self.terms < 1 or not self.waves or any(wave < 1 for wave in self.waves):
            raise ValueError(
                f"RandomSinusoids needs at least one term and positive numbers of waves, got terms={self.terms}, "
                f"waves={self.waves}."
            )
        if not (math.isfinite(self.amplitude) and self.amplitude > 0):
            raise ValueError(f"The amplitude must be positive and finite, got {self.amplitude}.")

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel points"]:
        """The initial conditions with the given indices, `(len(samples), 1, points)`, float64.

        Args:
            grid: a 1D grid.
            samples: indices; index i depends on (seed, i) alone.
            seed: an integer, or several (such as seed and split) that act as one.

        Raises:
            ValueError: when the grid is not 1D, or has too few points to carry the shortest wave.
        """
        if grid.dims != 1:
            raise ValueError(f"RandomSinusoids lives on a 1D grid, got {grid.dims} dimensions.")
        (points,) = grid.points
        needed = 2 * max(self.waves) + 1
        if points < needed:
            raise ValueError(
                f"{max(self.waves)} waves per domain need at least {needed} points, the grid has {points}: "
                "raise the number of points or lower `waves`."
            )
        entropy = [seed] if isinstance(seed, int) else list(seed)
        x = torch.arange(points, dtype=torch.float64) / points
        return torch.stack([self._one(x, np.random.default_rng([*entropy, index])) for index in samples]).unsqueeze(1)

    def _one(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        amplitude = torch.from_numpy(rng.uniform(-self.amplitude, self.amplitude, self.terms))
        phase = torch.from_numpy(rng.uniform(0, 2 * math.pi, self.terms))
        wave = torch.from_numpy(rng.choice(np.array(self.waves, dtype=np.float64), self.terms))
        return (amplitude[:, None] * torch.sin(2 * math.pi * wave[:, None] * x + phase[:, None])).sum(0)
