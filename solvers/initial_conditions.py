"""Random initial conditions. Sample i of a seed is the same function whatever is drawn beside it, on every grid."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.random_streams import stream


@runtime_checkable
class InitialLaw(Protocol):
    """What draws initial conditions."""

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel *space"]:
        """The initial conditions with the given indices, float64; index i depends on (seed, i) alone."""


@dataclass(frozen=True)
class RandomSinusoids:
    """u₀(x) = mean + Σ_{p=1}^{terms} A_p sin(2π l_p·x/L + φ_p), the law of Bar-Sinai et al. (PNAS 2019) on a torus.

    A_p ~ U(−amplitude, amplitude), φ_p ~ U(0, 2π), |l_p| drawn from `waves`, all independent. In several dimensions l_p
    is one of the vectors of integers whose length rounds to the number drawn, all alike.

    Args:
        terms: number of sinusoids.
        amplitude: largest amplitude of one of them, in units of the field.
        waves: the numbers of waves per domain to draw from, positive integers.
        mean: of the field over the torus, in units of the field.
    """

    terms: int = 10
    amplitude: int | float = 0.5
    waves: tuple[int, ...] = (1, 2)
    mean: int | float = 0.0

    def __post_init__(self) -> None:
        if self.terms < 1 or not self.waves or any(wave < 1 for wave in self.waves):
            raise ValueError(
                f"RandomSinusoids needs at least one term and positive numbers of waves, got terms={self.terms}, "
                f"waves={self.waves}."
            )
        if not (math.isfinite(self.amplitude) and self.amplitude > 0):
            raise ValueError(f"The amplitude must be positive and finite, got {self.amplitude}.")
        if not math.isfinite(self.mean):
            raise ValueError(f"The mean must be finite, got {self.mean}.")

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel *space"]:
        """The initial conditions with the given indices, `(len(samples), 1, *space)`, float64.

        Args:
            grid: a grid of any dimension.
            samples: indices; index i depends on (seed, i) alone.
            seed: an integer, or several (such as seed and split) that act as one.

        Raises:
            ValueError: when the grid has too few points to carry the shortest wave.
        """
        refuse_too_few_points(grid, max(self.waves), "`waves`")
        return torch.stack([self._one(grid, stream(seed, index)) for index in samples]).unsqueeze(1)

    def _one(self, grid: Grid, rng: np.random.Generator) -> Tensor:
        amplitude = torch.from_numpy(rng.uniform(-self.amplitude, self.amplitude, self.terms))
        phase = torch.from_numpy(rng.uniform(0, 2 * math.pi, self.terms))
        wave = rng.choice(np.array(self.waves), self.terms)
        if grid.dims > 1:
            wave = np.stack([rng.choice(_vectors(int(length), grid.dims)) for length in wave])
        angle = phase.reshape(-1, *(1,) * grid.dims)
        for axis, points in enumerate(grid.points):
            x = torch.arange(points, dtype=torch.float64) / points
            along = torch.from_numpy(wave.reshape(self.terms, -1)[:, axis].astype(np.float64))
            shape = [points if i == axis else 1 for i in range(grid.dims)]
            angle = angle + (2 * math.pi * along[:, None] * x).reshape(-1, *shape)
        waves: Tensor = torch.tensordot(amplitude, torch.sin(angle), dims=1)
        return self.mean + waves


@dataclass(frozen=True)
class Uniform:
    """The same value everywhere, such as a fluid at rest.

    Args:
        value: of the field.
    """

    value: int | float = 0.0

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel *space"]:
        """`(len(samples), 1, *space)`, float64."""
        return torch.full((len(samples), 1, *grid.points), float(self.value), dtype=torch.float64)


@dataclass(frozen=True, init=False)
class EachField:
    """A law for every field of an equation: `EachField(RandomSinusoids(), Uniform(0.0))` for (u, v).

    Args:
        laws: one for each field, in the order of the fields; field j of seed s draws from the seed (s, j).

    Raises:
        ValueError: for no laws.
    """

    laws: tuple[InitialLaw, ...]

    def __init__(self, *laws: InitialLaw):
        if not laws:
            raise ValueError("EachField takes one law for each field, got none.")
        object.__setattr__(self, "laws", laws)

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel *space"]:
        """The initial conditions with the given indices, `(len(samples), len(laws), *space)`, float64."""
        entropy = (seed,) if isinstance(seed, int) else tuple(seed)
        return torch.cat([law.sample(grid, samples, (*entropy, j)) for j, law in enumerate(self.laws)], dim=1)


def refuse_too_few_points(grid: Grid, waves: int, name: str) -> None:
    """Raises ValueError unless every axis of the grid carries this many waves."""
    needed = 2 * waves + 1
    if min(grid.points) < needed:
        raise ValueError(
            f"{waves} waves per domain need at least {needed} points, the grid has {min(grid.points)}: raise the "
            f"number of points or lower {name}."
        )


@lru_cache
def _vectors(length: int, dims: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The vectors of integers whose length rounds to `length`, `(number, dims)`."""
    span = range(-length, length + 1)
    return np.array([v for v in itertools.product(span, repeat=dims) if round(math.hypot(*v)) == length])
