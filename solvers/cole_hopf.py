"""Initial fields that the transform of Cole and Hopf takes into one another: of the heat equation, and of Burgers'."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.initial_conditions import RandomSinusoids
from pdesym.solvers.spectral import derivative

# The smallest and the largest value of a field are those at so many points for each of its shortest waves.
_POINTS_A_WAVE = 256


@dataclass(frozen=True)
class HeatPotential:
    """ψ₀ = exp(2 s (n − ½)) with n = (w − min w)/max(w − min w): a positive field, w a sum of random sinusoids.

    ψ₀ lies between e^(−s) and e^s. As an initial field of ψₜ = νψₓₓ it is the heat solution whose transform
    u = −2ν ψₓ/ψ solves Burgers' equation from the field that `ColeHopf` draws with the same numbers and seed; sums
    a ψ₁ + b ψ₂ with positive a and b are such potentials too, which makes new solutions of Burgers' equation from two.
    The law of Brandstetter, Welling and Worrall (ICML 2022) with s = 10, 20 sinusoids of 1 to 6 waves.

    The extremes of w are those at 256 points for each of its shortest waves, so that ψ₀ is the same function on every
    grid; those between the points are missed by less than 1e-4 of the sum of the amplitudes.

    Args:
        scale: s > 0.
        terms: number of sinusoids of w.
        amplitude: largest amplitude of one of them, > 0. ψ₀ does not depend on it but for rounding.
        waves: the numbers of waves per domain to draw from, positive integers.

    Raises:
        ValueError: for numbers that make no law.
    """

    scale: int | float = 10.0
    terms: int = 20
    amplitude: int | float = 0.5
    waves: tuple[int, ...] = (1, 2, 3, 4, 5, 6)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and 0 < self.scale <= 300):
            raise ValueError(f"The scale must lie between 0 and 300, so that exp(scale) is a number, got {self.scale}.")
        _ = self.sinusoids

    @property
    def sinusoids(self) -> RandomSinusoids:
        """The law of w."""
        return RandomSinusoids(self.terms, self.amplitude, self.waves)

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel points"]:
        """The initial conditions with the given indices, `(len(samples), 1, points)`, float64.

        Args:
            grid: a grid of one dimension.
            samples: indices; index i depends on (seed, i) alone, and is the same function on every grid.
            seed: an integer, or several (such as seed and split) that act as one.

        Raises:
            ValueError: for a grid of several dimensions, or with too few points to carry the shortest wave.
        """
        w, low, height = _levels(self.sinusoids, grid, samples, seed)
        return torch.exp(2 * self.scale * ((w - low) / height - 0.5))


@dataclass(frozen=True)
class ColeHopf:
    """u₀ = −2ν ∂ₓ log ψ₀ = −4ν s ∂ₓn of the ψ₀ and n that `HeatPotential` draws with the same numbers and seed.

    Burgers' equation with this ν takes it to −2ν ψₓ/ψ. Its mean is zero.

    Args:
        nu: ν > 0, the viscosity; one number, or one for each of the samples that are drawn together.
        scale: s > 0.
        terms: number of sinusoids of w, a multiple of which u₀ is the slope of.
        amplitude: largest amplitude of one of them, > 0. u₀ does not depend on it but for rounding.
        waves: the numbers of waves per domain to draw from, positive integers.

    Raises:
        ValueError: for numbers that make no law.
    """

    nu: int | float | Float[Tensor, " batch"]
    scale: int | float = 10.0
    terms: int = 20
    amplitude: int | float = 0.5
    waves: tuple[int, ...] = (1, 2, 3, 4, 5, 6)

    def __post_init__(self) -> None:
        nu = torch.as_tensor(self.nu)
        if not (torch.isfinite(nu) & (nu > 0)).all():
            raise ValueError(f"The viscosity nu must be positive and finite, got {nu.tolist()}.")
        _ = self.potential

    @property
    def potential(self) -> HeatPotential:
        """The law of ψ₀."""
        return HeatPotential(self.scale, self.terms, self.amplitude, self.waves)

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel points"]:
        """The initial conditions with the given indices, `(len(samples), 1, points)`, float64.

        Args:
            grid: a grid of one dimension.
            samples: indices; index i depends on (seed, i) and its ν alone, and is the same function on every grid.
            seed: an integer, or several (such as seed and split) that act as one.

        Raises:
            ValueError: for a grid of several dimensions, or with too few points to carry the shortest wave; for another
                number of samples than of viscosities.
        """
        nu = torch.as_tensor(self.nu, dtype=torch.float64).cpu()
        if nu.ndim and len(nu) != len(samples):
            raise ValueError(f"There are {len(nu)} viscosities for {len(samples)} samples: give one for each.")
        w, _, height = _levels(self.potential.sinusoids, grid, samples, seed)
        return -4 * nu.reshape(-1, 1, 1) * self.scale * derivative(w, grid, 1) / height


def _levels(
    law: RandomSinusoids, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """w on the grid, its smallest value, and how far above that its largest lies."""
    if grid.dims != 1:
        raise ValueError(f"The transform of Cole and Hopf is taken on a line, the grid has {grid.dims} dimensions.")
    w = law.sample(grid, samples, seed)
    fine = law.sample(Grid(_POINTS_A_WAVE * max(law.waves), length=grid.length), samples, seed)
    low, high = fine.amin(-1, keepdim=True), fine.amax(-1, keepdim=True)
    return w, low, high - low
