"""The equation behind trajectories, from its weak form."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from pdesym.solvers.equation import Equation
from pdesym.symmetry.discover.identifiability import same_fit, trivial_direction
from pdesym.symmetry.discover.sparse_regression import Fit, hidden_weights, sparse_fit
from pdesym.symmetry.discover.weak_form import Term, WeakForm, standard_terms, weak_form

LEAST_FRAMES, LEAST_POINTS = 20, 32
"""Below these there is no room to move test functions."""

# Half widths of test functions in units of the lengths over which trajectories decorrelate by half, and their bounds.
_SPACE, _TIME = (2.5, 3.5, 5.0, 7.0), (3.0, 5.0)
_SMALLEST_WIDTH, _LARGEST_SPACE, _LARGEST_TIME = 6, 0.25, 0.3
# An equation fits when it leaves no more of u_t than the noise does, by this factor, and this share of u_t.
_NOISE_FACTOR, _LEAST_RESIDUAL = 1.25, 3e-3


@dataclass(frozen=True)
class Identified:
    """u_t = Σ_j w_j ∂_x^{k_j} (u^{p_j}), found in trajectories.

    Attributes:
        terms: the terms that were found.
        coefficients: w_j.
        errors: their standard errors.
        residual: share of the weak u_t that the equation does not explain.
        expected: the share that noise in u alone would leave.
        noise: the noise in u that was found, as a standard deviation.
        widths: half widths of the test functions, in points and frames.
        agreement: how many of the widths that were tried find these terms, and how many were tried.
        hidden: other terms, and the coefficient up to which each of them could have gone unseen.
        ambiguous: why other equations would do as well, or None.
    """

    terms: tuple[Term, ...]
    coefficients: np.ndarray
    errors: np.ndarray
    residual: float
    expected: float
    noise: float
    widths: tuple[int, int]
    agreement: tuple[int, int]
    hidden: dict[Term, float]
    ambiguous: str | None

    @property
    def fits(self) -> bool:
        """Whether the equation leaves no more than noise and a small share."""
        return self.residual <= _NOISE_FACTOR * self.expected + _LEAST_RESIDUAL

    def equation(self, coefficients: np.ndarray | None = None) -> Equation:
        """The equation, with other coefficients if wanted."""
        chosen = self.coefficients if coefficients is None else coefficients
        return _equation_of(dict(zip(self.terms, chosen.tolist(), strict=True)))

    @property
    def with_hidden_terms(self) -> Equation:
        """The equation with all other terms, each as large as it could be unseen."""
        return _equation_of(dict(zip(self.terms, self.coefficients.tolist(), strict=True)) | self.hidden)

    def __str__(self) -> str:
        parts = [
            f"{c:+.{_digits(c, e)}f}*{term}"
            for c, e, term in zip(self.coefficients, self.errors, self.terms, strict=True)
        ]
        return f"u_t = {' '.join(parts).removeprefix('+')}"


def identify(
    u: Float[np.ndarray, "batch time space"], dt: float, dx: float, terms: Sequence[Term] | None = None
) -> Identified:
    """The sparse equation of trajectories on a torus, by its weak form with test functions of several widths.

    The terms are those that most widths find, the coefficients those of the width that knows them best.

    Args:
        u: trajectories at equal steps of time.
        dt: that step.
        dx: the spacing of the grid.
        terms: to choose from; ∂_x^k (u^p), p ≤ 3, k ≤ 4 when not given.

    Raises:
        ValueError: for fewer than 20 frames or 32 points, and fields that do not change.
    """
    if u.shape[1] < LEAST_FRAMES or u.shape[2] < LEAST_POINTS:
        raise ValueError(
            f"Test functions need at least {LEAST_FRAMES} frames of {LEAST_POINTS} points to move over, got "
            f"{u.shape[1]} of {u.shape[2]}."
        )
    forms = [weak_form(u, dt, dx, widths, terms or standard_terms()) for widths in _widths(u)]
    fits = [sparse_fit(form.blocks) for form in forms]
    votes = Counter(fit.support for fit in fits)
    # Of two as frequent ones the longer: a term that is missed makes a wrong symmetry, one too many loses a right one.
    support = max(votes, key=lambda chosen: (votes[chosen], len(chosen)))
    candidates = [(form, fit) for form, fit in zip(forms, fits, strict=True) if fit.support == support]
    form, fit = min(candidates, key=lambda pair: pair[1].relative_error)
    unseen = hidden_weights(form.blocks, form.factor, fit.support)
    found = Identified(
        terms=tuple(form.terms[j] for j in fit.support),
        coefficients=fit.weights,
        errors=fit.errors,
        residual=fit.residual,
        expected=_expected(form, fit),
        noise=form.noise,
        widths=form.widths,
        agreement=(votes[support], len(forms)),
        hidden={form.terms[j]: float(unseen[j]) for j in np.flatnonzero(unseen)},
        ambiguous=trivial_direction(forms[-1]),
    )
    return replace(found, ambiguous=same_fit(form, fit)) if found.fits and not found.ambiguous else found


def _equation_of(terms: dict[Term, float]) -> Equation:
    names = [f"c{j}" for j in range(1, len(terms) + 1)]
    text = " + ".join(f"{name}*{term.text}" for name, term in zip(names, terms, strict=True))
    parameters: dict[str, Any] = dict(zip(names, terms.values(), strict=True))
    return Equation(f"u_t = {text}", **parameters)


def _widths(u: np.ndarray) -> list[tuple[int, int]]:
    across = decorrelation(u, 2, periodic=True)
    along = decorrelation(u, 1, periodic=False)
    spatial = {_clipped(factor * across, _LARGEST_SPACE * u.shape[2]) for factor in _SPACE}
    temporal = {_clipped(factor * along, _LARGEST_TIME * u.shape[1]) for factor in _TIME}
    return [(a, b) for a in sorted(spatial) for b in sorted(temporal)]


def _clipped(width: float, largest: float) -> int:
    return max(_SMALLEST_WIDTH, round(min(width, largest)))


def decorrelation(u: np.ndarray, axis: int, periodic: bool) -> float:
    """The lag, in points, at which the correlation falls to half of that at a lag of one (which has no noise)."""
    n = u.shape[axis]
    centred = np.moveaxis(u - u.mean(axis=(1, 2), keepdims=True), axis, -1)
    spectrum = np.fft.rfft(centred, n=n if periodic else 2 * n, axis=-1)
    correlation = np.fft.irfft((np.abs(spectrum) ** 2).reshape(-1, spectrum.shape[-1]).sum(0))[: n // 2]
    if not periodic:
        correlation = correlation / np.arange(n, n - n // 2, -1)
    half = 0.5 * correlation[1]
    below = np.flatnonzero(correlation < half)
    if not len(below) or below[0] < 2:
        return float(n // 2) if not len(below) else float(below[0])
    last = below[0] - 1
    return float(last + (correlation[last] - half) / (correlation[last] - correlation[last + 1]))


def _expected(form: WeakForm, fit: Fit) -> float:
    combination = np.zeros(len(form.terms) + 1)
    combination[list(fit.support)] = fit.weights
    combination[-1] = -1.0
    return form.expected_residual(combination) / float(np.linalg.norm(form.factor[:, -1]))


def _digits(coefficient: float, error: float) -> int:
    """Decimals down to the first digit of the standard error, between 2 and 12."""
    return int(np.clip(-np.floor(np.log10(max(error, 1e-12))), 2, 12))
