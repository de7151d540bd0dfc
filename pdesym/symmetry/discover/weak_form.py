"""Trajectories against test functions: the terms of an equation without a derivative of the data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.polynomial import Polynomial

from pdesym.symmetry.discover.sparse_regression import triangular

# Test functions fall to this at the last point inside their support, so that sums are integrals.
_EDGE = 1e-10
# Test functions stand this many times in their half width.
_OVERLAP = 4
# Each trajectory is cut into so many parts in time and in space, whose scatter gives the standard errors.
_PARTS = (2, 4)


@dataclass(frozen=True, order=True)
class Term:
    """∂_x^order (u^power), a term of u_t."""

    power: int
    order: int

    def __str__(self) -> str:
        base = "u" if self.power == 1 else f"u**{self.power}"
        if not self.order:
            return base
        return f"{base}_{'x' * self.order}" if self.power == 1 else f"({base})_{'x' * self.order}"

    @property
    def text(self) -> str:
        """As `Equation` reads it."""
        base = "u" if self.power == 1 else f"u**{self.power}"
        return "dx(" * self.order + base + ")" * self.order


def standard_terms(largest_power: int = 3, largest_order: int = 4) -> tuple[Term, ...]:
    """∂_x^k (u^p) for all powers from 1 and orders from 0 on."""
    return tuple(Term(p, k) for p in range(1, largest_power + 1) for k in range(largest_order + 1))


@dataclass(frozen=True)
class WeakForm:
    """The equation Σ_j w_j G_j = b, where G_j = ∫∫ ψ ∂_x^k (u^p) and b = ∫∫ ψ u_t by parts, for many ψ.

    Attributes:
        terms: what the columns G_j stand for.
        blocks: for each part of the data the triangular factor of its [G, b], `(blocks, J + 1, J + 1)`.
        rows: number of test functions.
        noise: standard deviation of the noise in u, from the end of its spectrum in x.
        covariance: what noise of variance 1 adds to ⟨[G, b]ᵀ[G, b]⟩ for each test function, `(J + 1, J + 1)`.
        widths: half widths of the test functions in points and frames.
    """

    terms: tuple[Term, ...]
    blocks: Float[np.ndarray, "blocks columns columns"]
    rows: int
    noise: float
    covariance: Float[np.ndarray, "columns columns"]
    widths: tuple[int, int]

    @property
    def factor(self) -> np.ndarray:
        """The triangular factor of all of [G, b]."""
        return triangular(self.blocks.reshape(-1, self.blocks.shape[-1]))

    def expected_residual(self, combination: np.ndarray) -> float:
        """The norm that noise alone gives [G, b] · combination."""
        variance = combination @ self.covariance @ combination
        return self.noise * math.sqrt(max(variance, 0.0) * self.rows)


def weak_form(
    u: Float[np.ndarray, "batch time space"],
    dt: float,
    dx: float,
    widths: tuple[int, int],
    terms: Sequence[Term] | None = None,
) -> WeakForm:
    """The weak form on test functions (1 − (x/a)²)^p (1 − (t/b)²)^q around many points (Messenger and Bortz, 2021).

    Args:
        u: trajectories on a torus, at equal steps of time.
        dt: that step.
        dx: the spacing of the grid.
        widths: half widths a and b of the support, in points and frames.
        terms: of the equation; ∂_x^k (u^p), p ≤ 3, k ≤ 4 when not given.
    """
    terms = tuple(terms or standard_terms())
    frames, points = u.shape[1:]
    a, b = widths
    across, along = _bump(a, dx, max(term.order for term in terms)), _bump(b, dt, 1)
    centres = np.arange(b, frames - b, max(1, b // _OVERLAP))
    stride = max(1, a // _OVERLAP)
    in_time = np.zeros((2, len(centres), frames))
    for row, centre in enumerate(centres):
        in_time[:, row, centre - b : centre + b + 1] = along[:2]
    in_space = [np.conj(np.fft.rfft(_wrapped(values, points))) for values in across]

    def tested(field: np.ndarray, time_order: int, space_order: int) -> np.ndarray:
        spectrum = np.fft.rfft(np.einsum("ct,btn->bcn", in_time[time_order], field))
        values: np.ndarray = np.fft.irfft(spectrum * in_space[space_order], n=points)[..., ::stride]
        return values * (-1.0) ** (time_order + space_order)

    noise = noise_level(u)
    powers = {p: unbiased_power(u, p, noise) for p in {term.power for term in terms}}
    columns = [tested(powers[term.power], 0, term.order) for term in terms] + [tested(u, 1, 0)]
    table = np.stack(columns, -1)
    blocks = [
        triangular(_tall(part.reshape(-1, len(columns))))
        for trajectory in table
        for half in np.array_split(trajectory, _PARTS[0], axis=0)
        for part in np.array_split(half, _PARTS[1], axis=1)
    ]
    return WeakForm(
        terms=terms,
        blocks=np.stack(blocks),
        rows=table[..., 0].size,
        noise=noise,
        covariance=_noise_covariance(u, terms, across, along),
        widths=widths,
    )


def noise_level(u: Float[np.ndarray, "batch time space"]) -> float:
    """The standard deviation of white noise, from the last third of the spectrum in x, where fields have none."""
    power = np.abs(np.fft.rfft(u, axis=-1)) ** 2 / u.shape[-1]
    tail = power[..., -(power.shape[-1] // 3) : -1]
    # The power of a mode is exponentially distributed, with mean σ² and median σ² log 2.
    return float(np.sqrt(np.median(tail) / math.log(2)))


def unbiased_power(u: np.ndarray, power: int, noise: float) -> np.ndarray:
    """What has the mean (u − n)^power under Gaussian noise n: σ^p He_p(u/σ), such as u³ − 3σ²u.

    The noise in u³ alone would make a term 3σ²u, and pass for one of the equation.
    """
    below, result = np.ones_like(u), u
    for p in range(1, power):
        below, result = result, u * result - p * noise**2 * below
    return result


def _bump(half: int, step: float, derivatives: int) -> np.ndarray:
    """(1 − (x/a)²)^p and its derivatives at the points of its support, `(derivatives + 1, 2 half + 1)`."""
    power = max(derivatives + 3, math.ceil(math.log(_EDGE) / math.log((2 * half - 1) / half**2)))
    polynomial = Polynomial([1.0, 0.0, -1.0]) ** power
    x = np.arange(-half, half + 1) / half
    rows = [(polynomial.deriv(k) if k else polynomial)(x) / (half * step) ** k for k in range(derivatives + 1)]
    return np.stack(rows)


def _wrapped(values: np.ndarray, points: int) -> np.ndarray:
    half = len(values) // 2
    result = np.zeros(points)
    np.add.at(result, np.arange(-half, half + 1) % points, values)
    return result


def _tall(rows: np.ndarray) -> np.ndarray:
    """At least as many rows as columns, so that every triangular factor has one shape."""
    missing = rows.shape[1] - len(rows)
    return np.concatenate([rows, np.zeros((missing, rows.shape[1]))]) if missing > 0 else rows


def _noise_covariance(
    u: np.ndarray, terms: Sequence[Term], across: np.ndarray, along: np.ndarray
) -> Float[np.ndarray, "columns columns"]:
    """To first order in the noise n: u^p changes by p u^(p−1) n."""
    signs = (-1.0) ** np.arange(len(across))
    overlap = across @ across.T * np.outer(signs, signs)
    at_rest, moving = along[0] @ along[0], along[1] @ along[1]
    result = np.zeros((len(terms) + 1, len(terms) + 1))
    moments = {m: float(np.mean(u**m)) for m in {s.power + t.power - 2 for s in terms for t in terms}}
    for i, s in enumerate(terms):
        for j, t in enumerate(terms):
            moment = moments[s.power + t.power - 2]
            result[i, j] = s.power * t.power * moment * overlap[s.order, t.order] * at_rest
    result[-1, -1] = overlap[0, 0] * moving
    return result
