"""Which few columns explain a vector, with standard errors from the scatter between parts of the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

_THRESHOLDS = np.logspace(-4, 0, 60)
# A term is taken in when so small a chance would make it stand out from its standard error as it does, and when it
# explains so much of the vector; one that chance explains more easily than the larger number goes.
_ENTERS, _LEAVES, _LEAST_SHARE = 1e-6, 1e-3, 1e-4


@dataclass(frozen=True)
class Fit:
    """b ≈ Σ_{j ∈ support} w_j G_j.

    Attributes:
        support: indices of the columns, ascending.
        weights: w_j.
        errors: their standard errors, by the jackknife over blocks.
        residual: ‖b − G w‖ / ‖b‖.
    """

    support: tuple[int, ...]
    weights: np.ndarray
    errors: np.ndarray
    residual: float

    @property
    def relative_error(self) -> float:
        """The largest standard error of a weight, relative to it."""
        return float(np.max(self.errors / np.abs(self.weights))) if len(self.weights) else float("inf")


def sparse_fit(blocks: np.ndarray) -> Fit:
    """The sparse solution of G w = b, given for each part of the data the triangular factor of its [G, b].

    Thresholds on the share that each term has in b, over a range of them (modified sequential thresholding least
    squares, Messenger and Bortz, J. Comput. Phys. 443, 2021); then terms enter and leave by their standard errors,
    because thresholds weigh a term against the number of terms and lose small ones that are certain.

    Args:
        blocks: `(blocks, J + 1, J + 1)`.
    """
    factor = triangular(blocks.reshape(-1, blocks.shape[-1]))
    support = _thresholded(factor)
    for _ in range(factor.shape[1]):
        entered = _entering(blocks, factor, support)
        if entered is None:
            break
        support = tuple(sorted((*support, entered)))
    while len(support) > 1:
        fit = fit_on(blocks, factor, support)
        strength = np.abs(fit.weights) / np.maximum(fit.errors, 1e-300)
        if strength.min() >= _student(_LEAVES, len(blocks)):
            break
        support = tuple(j for i, j in enumerate(support) if i != int(strength.argmin()))
    return fit_on(blocks, factor, support)


def fit_on(blocks: np.ndarray, factor: np.ndarray, support: Sequence[int]) -> Fit:
    """Least squares on given columns."""
    chosen = [*support]
    weights = _solve(factor, chosen)
    n = len(blocks)
    grams = np.einsum("bij,bik->bjk", blocks, blocks)
    total = grams.sum(0)
    left_out = np.stack([_solve_normal(total - gram, chosen) for gram in grams])
    errors = np.sqrt((n - 1) / n * ((left_out - left_out.mean(0)) ** 2).sum(0))
    residual = np.linalg.norm(factor[:, chosen] @ weights - factor[:, -1]) / np.linalg.norm(factor[:, -1])
    return Fit(tuple(chosen), weights, errors, float(residual))


def triangular(rows: np.ndarray) -> np.ndarray:
    """R of QR: as good as the rows for least squares."""
    factor: np.ndarray = np.asarray(np.linalg.qr(rows, mode="r"))
    return factor


def hidden_weights(blocks: np.ndarray, factor: np.ndarray, support: Sequence[int]) -> np.ndarray:
    """The weight that each column outside the support may have without being taken in, `(J,)`, 0 on the support."""
    result = np.zeros(factor.shape[1] - 1)
    for j in range(len(result)):
        if j not in support:
            uncertain = _student(_ENTERS, len(blocks)) * fit_on(blocks, factor, (*support, j)).errors[-1]
            small = _LEAST_SHARE * np.linalg.norm(factor[:, -1]) / np.linalg.norm(factor[:, j])
            result[j] = max(uncertain, small)
    return result


def _thresholded(factor: np.ndarray) -> tuple[int, ...]:
    """The support with the least (loss of fit + share of terms) over all thresholds."""
    columns, b = factor[:, :-1], factor[:, -1]
    scaled = columns / np.linalg.norm(columns, axis=0)
    full = np.linalg.lstsq(scaled, b, rcond=None)[0]
    reached = np.linalg.norm(scaled @ full)
    best, chosen = np.inf, np.ones(columns.shape[1], dtype=bool)
    for threshold in _THRESHOLDS:
        support, weights = np.ones(columns.shape[1], dtype=bool), full
        for _ in range(columns.shape[1]):
            kept = support & (np.abs(weights) >= threshold * np.linalg.norm(b))
            if (kept == support).all() or not kept.any():
                break
            support, weights = kept, np.zeros_like(full)
            weights[kept] = np.linalg.lstsq(scaled[:, kept], b, rcond=None)[0]
        loss = np.linalg.norm(scaled @ (weights - full)) / reached + support.mean()
        if loss < best:
            best, chosen = loss, support
    return tuple(int(j) for j in np.flatnonzero(chosen))


def _entering(blocks: np.ndarray, factor: np.ndarray, support: tuple[int, ...]) -> int | None:
    """The column whose addition leaves the least, when it is certain and not negligible."""
    others = [j for j in range(factor.shape[1] - 1) if j not in support]
    if not others:
        return None

    def left(j: int) -> float:
        chosen = [*support, j]
        return float(np.linalg.norm(factor[:, chosen] @ _solve(factor, chosen) - factor[:, -1]))

    best = min(others, key=left)
    fit = fit_on(blocks, factor, (*support, best))
    share = abs(fit.weights[-1]) * np.linalg.norm(factor[:, best]) / np.linalg.norm(factor[:, -1])
    certain = abs(fit.weights[-1]) >= _student(_ENTERS, len(blocks)) * fit.errors[-1]
    return best if certain and share >= _LEAST_SHARE else None


def _student(chance: float, blocks: int) -> float:
    """How many standard errors, themselves estimated from a few blocks, a weight exceeds with this chance."""
    return float(scipy.stats.t.isf(chance / 2, blocks - 1))


def _solve(factor: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    size = np.linalg.norm(factor[:, chosen], axis=0)
    solution: np.ndarray = np.linalg.lstsq(factor[:, chosen] / size, factor[:, -1], rcond=None)[0] / size
    return solution


def _solve_normal(gram: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    size = np.sqrt(gram[chosen, chosen])
    square = gram[np.ix_(chosen, chosen)] / np.outer(size, size)
    solution: np.ndarray = np.linalg.lstsq(square, gram[chosen, -1] / size, rcond=None)[0] / size
    return solution
