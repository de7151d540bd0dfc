"""Gaussian random fields on a torus."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.initial_conditions import refuse_too_few_points
from pdesym.solvers.random_streams import stream
from pdesym.solvers.spectral import inverse_transform


@dataclass(frozen=True)
class GaussianField:
    """u₀ = mean + Σ_k √2 σ (|k|² + τ²)^(−α/2) (a_k cos k·x + b_k sin k·x), a_k and b_k standard normal.

    The sum runs over one wavevector k = 2πm/L of each pair ±k with 0 < max|m_j| ≤ modes. On the unit torus this is the
    law N(0, σ²(−∇² + τ²)^(−α)), cut off at `modes`. A sample with more modes is the same field with finer detail.

    The benchmarks of Li et al. (ICLR 2021) use such laws. `GaussianField(alpha=2, tau=5, sigma=25)` is what their text
    says for Burgers, N(0, 625(−∇² + 25)^(−2)). For Navier-Stokes, α = 5/2 and τ = 7 in 2D, text and code differ:

    * the text says N(0, 7^(3/2)(−∇² + 49)^(−5/2)), which is σ = 7^(3/4) and a standard deviation of 0.043;
    * their code of 2020 gives every wavevector a complex normal number whose two parts have the variance 1, and takes
      the real part of √2 7^(3/2) Σ: that is σ = √2 7^(3/2) and 0.262;
    * the code of later years, also that of Helwig et al. (ICML 2023), gives the parts the variance 1/2: that is
      σ = 7^(3/2), the default, and 0.185.

    Args:
        alpha: α, smoothness; the spectrum falls like |k|^(−α). More than half the number of dimensions.
        tau: τ, the wavenumber (1/length) up to which the spectrum is flat.
        sigma: σ, size; τ^(α − d/2) in d dimensions when not given.
        modes: the most waves along an axis.
        mean: of the field over the torus.

    Raises:
        ValueError: for numbers that make no law.
    """

    alpha: int | float = 2.5
    tau: int | float = 7.0
    sigma: int | float | None = None
    modes: int = 16
    mean: int | float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.alpha, self.tau, self.mean, 1.0 if self.sigma is None else self.sigma)
        if not all(map(math.isfinite, numbers)) or self.alpha <= 0 or self.tau <= 0 or numbers[-1] <= 0:
            raise ValueError(
                f"GaussianField needs finite numbers and positive alpha, tau and sigma, got alpha={self.alpha}, "
                f"tau={self.tau}, sigma={self.sigma}, mean={self.mean}."
            )
        if self.modes < 1:
            raise ValueError(f"GaussianField needs at least one mode along an axis, got modes={self.modes}.")

    def sample(
        self, grid: Grid, samples: Sequence[int], seed: int | Sequence[int]
    ) -> Float[Tensor, "batch channel *space"]:
        """The initial conditions with the given indices, `(len(samples), 1, *space)`, float64.

        Args:
            grid: a grid of any dimension.
            samples: indices; index i depends on (seed, i) alone, and is the same function on every grid.
            seed: an integer, or several (such as seed and split) that act as one.

        Raises:
            ValueError: when the grid has too few points for `modes`.
        """
        refuse_too_few_points(grid, self.modes, "`modes`")
        vectors = _half_space(self.modes, grid.dims)
        k = 2 * math.pi * vectors / np.array(grid.length)
        sigma = self.tau ** (self.alpha - grid.dims / 2) if self.sigma is None else self.sigma
        size = sigma / math.sqrt(2) * ((k**2).sum(1) + self.tau**2) ** (-self.alpha / 2)
        spectrum = np.zeros((len(samples), *grid.points[:-1], grid.points[-1] // 2 + 1), dtype=np.complex128)
        for row, index in enumerate(samples):
            normal = stream(seed, index).standard_normal((len(vectors), 2))
            coefficient = size * (normal[:, 0] - 1j * normal[:, 1])
            spectrum[(row, *vectors.T)] = coefficient
            # The half spectrum holds both waves of a pair on its plane k = 0.
            flat = vectors[:, -1] == 0
            spectrum[(row, *-vectors[flat].T)] = coefficient[flat].conj()
        field = inverse_transform(torch.from_numpy(spectrum), grid.points, norm="forward")
        return self.mean + field.unsqueeze(1)


@lru_cache
def _half_space(modes: int, dims: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """One of each pair ±m of vectors of integers with 0 < max|m_j| ≤ modes, `(number, dims)`, short waves last.

    The last component is not negative. Those of fewer modes come first, in the same order.
    """
    span = range(-modes, modes + 1)
    chosen = [v for v in itertools.product(span, repeat=dims) if v[::-1] > (0,) * dims]
    return np.array(sorted(chosen, key=lambda v: (max(map(abs, v)), v)))
