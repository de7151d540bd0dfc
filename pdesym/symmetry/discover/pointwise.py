"""When no equation of the library fits data: u_t as a smooth function of u, u_x, …, point by point."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.signal
from jaxtyping import Float

from pdesym.solvers.equation import Equation
from pdesym.symmetry.discover.assemble import assembled
from pdesym.symmetry.discover.identify import Identified, decorrelation
from pdesym.symmetry.discover.jets_numeric import Jets, SampledJets, conditions
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.spectrum import LEAST_MARGIN, ROUNDING, Decision, Spectrum, by_error, scaled_spectrum
from pdesym.symmetry.library import Library

_DEGREE, _ORDERS, _POINTS = 3, (2, 3, 4), 6000
# Modes are kept while their power exceeds that of the noise so often, and this share of the largest.
_ABOVE_NOISE, _SMALLEST_POWER = 10.0, 1e-16
# Below this share of the largest power noise is no reason to smooth in time.
_CLEAN = 1e-14
# Beyond this floor false generators may hide below it.
_LARGEST_FLOOR = 0.02

# A fit that misses this share of u_t is none.
_MEANINGLESS = 0.5


@dataclass(frozen=True)
class PointwiseFit:
    """u_t ≈ a polynomial of degree 3 in u, u_x, … up to an order.

    Attributes:
        equation: the polynomial.
        error: relative error of u_t on data that were held out.
        jets: u, u_x, … of the smoothed data, up to twice the order, `(points, orders)`.
    """

    equation: Equation
    error: float
    jets: Float[np.ndarray, "points orders"]


def discover_pointwise(
    u: Float[np.ndarray, "batch time space"], dt: float, dx: float, library: Library, tried: Identified, seed: int
) -> Discovery:
    """The symmetries of a smooth fit of u_t, with the error of the fit on held-out data as the floor.

    The fit is known where the data are, so that jets are taken from them. Its error is far above that of an identified
    equation, and so are the singular values that it can tell from zero. Where the floor is so high that no gap stands
    above it, only what holds by the form of the fit, the translations, is reported.

    Args:
        u: trajectories on a torus, at equal steps of time.
        dt: that step.
        dx: the spacing of the grid.
        library: the vector fields, of one field over x.
        tried: the equation that does not fit.
        seed: of the points and of the choices of pivots.
    """
    fit = fit_pointwise(u, dt, dx, seed)
    conditioned = conditions(fit.equation, library, SampledJets(fit.jets, Jets()), seed)
    spectrum = scaled_spectrum(conditioned.matrix, conditioned.size)
    decision = _decide(spectrum, fit.error)
    return assembled(
        spectrum,
        decision,
        library,
        linear=False,
        uncertainty=_angle(spectrum.singular_values, decision.dimension),
        seed=seed,
        source="data",
        subject=f"a smooth fit of u_t up to {fit.error:.1e}",
        residual=tried.residual,
        flags=(
            f"no equation of the terms tried fits: {tried} leaves {tried.residual:.1e} of u_t, noise would leave "
            f"{tried.expected:.1e}; u_t was fitted point by point instead, up to {fit.error:.1e}",
        ),
    )


def fit_pointwise(u: Float[np.ndarray, "batch time space"], dt: float, dx: float, seed: int = 0) -> PointwiseFit:
    """A polynomial for u_t in the derivatives of smoothed data, of the least order that does nearly as well as any.

    Args:
        u: trajectories on a torus, at equal steps of time.
        dt: that step.
        dx: the spacing of the grid.
        seed: of the points that are fitted.
    """
    smooth, rate = _smoothed(u, dt)
    jets = _derivatives(smooth, dx, 2 * max(_ORDERS))
    held_out = np.zeros(smooth.shape, dtype=bool)
    if len(u) >= 4:
        held_out[-max(1, len(u) // 4) :] = True
    else:
        held_out[:, :, : u.shape[2] // 4] = True
    rng = np.random.default_rng(seed)
    points = {
        part: rng.choice(np.flatnonzero(held_out.ravel() == part), min(_POINTS, int((held_out == part).sum())), False)
        for part in (True, False)
    }
    flat, target = jets.reshape(len(jets), -1), rate.ravel()
    tried = []
    for order in _ORDERS:
        names, coefficients, error = _polynomial(flat[: order + 1], target, points[False], points[True])
        tried.append((error, order, names, coefficients))
    best = min(error for error, *_ in tried)
    error, order, names, coefficients = next(attempt for attempt in tried if attempt[0] <= 1.5 * best)
    parameters: dict[str, Any] = {f"c{j}": float(c) for j, c in enumerate(coefficients) if c}
    text = " + ".join(f"c{j}*{name}" for j, name in enumerate(names) if f"c{j}" in parameters)
    chosen = flat[: 2 * order + 1, points[False]].T
    return PointwiseFit(Equation(f"u_t = {text}", **parameters), error, np.ascontiguousarray(chosen))


def _angle(singular_values: np.ndarray, dimension: int) -> float:
    """sin Θ ≤ ‖E‖/gap, where the conditions are off by E ≈ σ_d on the null space (Wedin, BIT 12, 1972), in radians."""
    if not 0 < dimension < len(singular_values):
        return 1.0
    return float(np.clip(singular_values[dimension - 1] / singular_values[dimension], 1e-11, 1.0))


def _decide(spectrum: Spectrum, error: float) -> Decision:
    values = spectrum.singular_values
    decision = by_error(values, error)
    if error >= _MEANINGLESS:
        flag = f"undecided: the fit misses {error:.2g} of u_t, so that it says nothing about the data"
        return Decision(0, decision.floor, decision.margin, f"{decision.rule}, which decides nothing here", (flag,))
    if decision.floor <= _LARGEST_FLOOR and decision.margin >= LEAST_MARGIN:
        return decision
    certain = int((values <= ROUNDING).sum())
    flag = (
        f"undecided: with a floor of {decision.floor:.1e} the spectrum shows no gap that could be trusted; only what "
        "follows from the form of the fit is reported"
    )
    return Decision(certain, decision.floor, decision.margin, f"{decision.rule}, which decides nothing here", (flag,))


def _smoothed(u: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """u without its noise in x, and smoothed in t, and u_t, away from the first and last frames."""
    spectrum = np.fft.rfft(u, axis=-1)
    power = (np.abs(spectrum) ** 2).mean((0, 1))
    noise = np.median(power[-(len(power) // 3) : -1])
    kept = power > max(_ABOVE_NOISE * noise, _SMALLEST_POWER * power.max())
    last = int(np.argmin(kept[3:])) + 3 if not kept[3:].all() else len(kept)
    spectrum[..., last:] = 0.0
    calm = np.fft.irfft(spectrum, n=u.shape[-1], axis=-1)
    if noise <= _CLEAN * power.max():
        # The central difference of order 8.
        half, degree = 4, 8
    else:
        half, degree = int(np.clip(decorrelation(u, 1, periodic=False) / 4, 3, u.shape[1] // 8)), 4
    smooth, rate = (
        scipy.signal.savgol_filter(calm, 2 * half + 1, degree, deriv=k, delta=dt, axis=1)[:, half:-half] for k in (0, 1)
    )
    return smooth, rate


def _derivatives(u: np.ndarray, dx: float, orders: int) -> np.ndarray:
    """u, u_x, …, `(orders + 1, *u.shape)`."""
    wave = 2j * math.pi * np.fft.rfftfreq(u.shape[-1], dx)
    spectrum = np.fft.rfft(u, axis=-1)
    return np.stack([np.fft.irfft(spectrum * wave**k, n=u.shape[-1], axis=-1) for k in range(orders + 1)])


def _polynomial(
    jets: np.ndarray, target: np.ndarray, fitted: np.ndarray, held_out: np.ndarray
) -> tuple[list[str], np.ndarray, float]:
    """All monomials up to the degree, their coefficients, and the relative error on what was held out."""
    symbols = ["u", *(f"u_{'x' * k}" for k in range(1, len(jets)))]
    chosen = [c for d in range(_DEGREE + 1) for c in itertools.combinations_with_replacement(range(len(jets)), d)]
    names = ["*".join(symbols[k] for k in c) or "1" for c in chosen]

    def table(points: np.ndarray) -> np.ndarray:
        return np.stack([np.prod(jets[list(c)][:, points], axis=0) for c in chosen], 1)

    matrix = table(fitted)
    size = np.linalg.norm(matrix, axis=0)
    coefficients = np.linalg.lstsq(matrix / size, target[fitted], rcond=1e-10)[0] / size
    missed = table(held_out) @ coefficients - target[held_out]
    return names, coefficients, float(np.linalg.norm(missed) / np.linalg.norm(target[held_out]))
