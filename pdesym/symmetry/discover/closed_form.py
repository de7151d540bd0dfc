"""A readable basis of a space of coefficients: few terms, small fractions, and a word where that is not warranted."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy.linalg

LARGEST_DENOMINATOR = 12
# Where fractions can be checked against the conditions.
_CHECKED_DENOMINATOR = 200
# With less certainty than this in every coefficient, a fraction may be luck.
_LUCK = 0.05
_PIVOTINGS = 40
# However little is known of a basis, its rows are written.
_COARSEST = 0.1


@dataclass(frozen=True)
class ClosedForm:
    """A basis in reduced row echelon form; rows of fractions are cleared of denominators, the first is positive.

    Attributes:
        rows: coefficients: fractions where the basis is rational, numbers with the digits that are known where not.
        rational: whether all coefficients are fractions.
        reason: why they are, or why they are not.
        tolerance: up to this the coefficients are known.
    """

    rows: tuple[tuple[Fraction | float, ...], ...]
    rational: bool
    reason: str
    tolerance: float

    @property
    def matrix(self) -> np.ndarray:
        """The rows as float64, `(dimension, K)`."""
        return np.array([[float(c) for c in row] for row in self.rows], dtype=np.float64)


def closed_form(
    null_space: np.ndarray,
    uncertainty: float,
    holds: Callable[[np.ndarray], bool] | None = None,
    largest_denominator: int = LARGEST_DENOMINATOR,
    seed: int = 0,
) -> ClosedForm:
    """The sparsest reduced row echelon form of a space over many choices of pivots, rounded to fractions.

    Fractions are refused when the space is known too roughly to tell them from their neighbours, when a coefficient is
    near none of them, and when the rounded basis fails the test. A test that can be asked carries larger denominators.

    Args:
        null_space: an orthonormal basis, `(d, K)`.
        uncertainty: the angle, in radians, up to which the space is known.
        holds: whether rounded coefficients `(d, K)` still satisfy what defines the space; what is certain is not asked.
        largest_denominator: of the fractions.
        seed: of the choices of pivots.

    Returns:
        The basis; without fractions its coefficients are rounded to the digits that are known.
    """
    if not len(null_space):
        return ClosedForm((), True, "there is nothing to write", 0.0)
    candidates = [_reduced(null_space, weights, uncertainty) for weights in _weights(null_space.shape[1], seed)]
    denominators = (largest_denominator,) if holds is None else (largest_denominator, _CHECKED_DENOMINATOR)
    forms: list[ClosedForm] = []
    for largest in denominators:
        forms = [rounded(rows, tolerance, largest) for rows, tolerance in candidates]
        best = min(forms, key=_untidiness)
        if best.rational and (holds is None or holds(best.matrix)):
            return replace(best, rows=_sorted(_cleared(row) for row in best.rows))
    if best.rational:
        rows, tolerance = candidates[forms.index(best)]
        best = ClosedForm(_digits(rows, tolerance), False, "the nearest fractions fail the conditions", tolerance)
    return replace(best, rows=_sorted(best.rows))


def chance_of_fractions(tolerance: float, largest_denominator: int = LARGEST_DENOMINATOR) -> float:
    """How likely a random coefficient is within the tolerance of a fraction with a small denominator."""
    return min(1.0, 2 * tolerance * _fractions_in_a_unit(largest_denominator))


@lru_cache
def _fractions_in_a_unit(largest_denominator: int) -> int:
    return sum(math.gcd(n, d) == 1 for d in range(1, largest_denominator + 1) for n in range(1, d + 1))


def _weights(columns: int, seed: int) -> Sequence[np.ndarray]:
    rng = np.random.default_rng(seed)
    random = [np.exp(rng.normal(size=columns)) for _ in range(_PIVOTINGS - 1)]
    return [np.ones(columns), *random]


def _reduced(null_space: np.ndarray, weights: np.ndarray, uncertainty: float) -> tuple[np.ndarray, float]:
    """The row echelon form with the pivots that the weights make stand out, and how well its entries are known."""
    pivots = np.sort(scipy.linalg.qr(null_space * weights, mode="r", pivoting=True)[-1][: len(null_space)])
    square = null_space[:, pivots]
    rows = np.linalg.solve(square, null_space)
    rows[:, pivots] = np.eye(len(pivots))
    amplified = uncertainty * float(np.linalg.norm(np.linalg.inv(square), 2)) * max(1.0, float(np.abs(rows).max()))
    return rows, amplified


def rounded(rows: np.ndarray, tolerance: float, largest_denominator: int = LARGEST_DENOMINATOR) -> ClosedForm:
    """Rows known up to a tolerance, as fractions where that is warranted, else with the digits that are known."""
    chance = chance_of_fractions(tolerance, largest_denominator)
    if chance > _LUCK:
        reason = (
            f"the coefficients are known up to {tolerance:.1e}, where one in {1 / chance:.0f} random numbers is as "
            f"near to a fraction with a denominator up to {largest_denominator}"
        )
        return ClosedForm(_digits(rows, tolerance), False, reason, tolerance)
    fractions = [[Fraction(float(c)).limit_denominator(largest_denominator) for c in row] for row in rows]
    misses = np.abs(np.array([[float(c) for c in row] for row in fractions]) - rows)
    if misses.max() <= tolerance:
        reason = (
            f"every coefficient is within {tolerance:.1e} of a fraction with a denominator up to {largest_denominator}"
        )
        return ClosedForm(tuple(map(tuple, fractions)), True, reason, tolerance)
    worst = float(rows.flat[int(misses.argmax())])
    reason = (
        f"{worst:.6g} is no fraction with a denominator up to {largest_denominator} within {tolerance:.1e}, up to "
        "which it is known"
    )
    return ClosedForm(_digits(rows, tolerance), False, reason, tolerance)


def _digits(rows: np.ndarray, tolerance: float) -> tuple[tuple[float, ...], ...]:
    """The coefficients with the digits that are known, two at least; what is zero up to the tolerance is 0."""
    tolerance = min(tolerance, _COARSEST)
    digits = max(2, math.floor(-math.log10(max(tolerance, 1e-15))))
    return tuple(tuple(0.0 if abs(c) <= tolerance else round(float(c), digits) for c in row) for row in rows)


def _cleared(row: tuple[Fraction | float, ...]) -> tuple[Fraction | float, ...]:
    """The smallest multiple of a row of fractions with whole numbers, the first of them positive."""
    fractions = [Fraction(c) for c in row]
    factor = math.lcm(*(c.denominator for c in fractions))
    leading = next(c for c in fractions if c)
    return tuple(c * (factor if leading > 0 else -factor) for c in fractions)


def _sorted(rows: Iterable[tuple[Fraction | float, ...]]) -> tuple[tuple[Fraction | float, ...], ...]:
    """Rows with few terms first."""
    return tuple(sorted(rows, key=lambda row: (sum(c != 0 for c in row), [c == 0 for c in row])))


def _untidiness(form: ClosedForm) -> tuple[bool, float]:
    return not form.rational, sum(_length(c) for row in form.rows for c in row)


def _length(coefficient: Fraction | float) -> float:
    """How long a coefficient is to write."""
    if not coefficient:
        return 0.0
    if isinstance(coefficient, Fraction):
        return 1.0 + math.log(abs(coefficient.numerator) * coefficient.denominator)
    return 1.0 + len(repr(abs(coefficient)).replace(".", "").strip("0"))
