"""From a spectrum and a dimension to a Discovery: readable basis, superposition part, closure."""

from typing import Any

import numpy as np

from pdesym.symmetry.discover.closed_form import closed_form
from pdesym.symmetry.discover.closure import closure_residual
from pdesym.symmetry.discover.jets_numeric import Jets
from pdesym.symmetry.discover.result import Discovery, closure_tolerance
from pdesym.symmetry.discover.spectrum import Decision, Spectrum
from pdesym.symmetry.discover.superposition import split_superposition, without_members
from pdesym.symmetry.library import Library

# In radians: a space that is known no better than this is no basis for statements on single directions.
_COARSEST = 0.1


def assembled(
    spectrum: Spectrum,
    decision: Decision,
    library: Library,
    *,
    linear: bool,
    uncertainty: float | None = None,
    null_space: np.ndarray | None = None,
    jets: Jets | None = None,
    seed: int = 0,
    **rest: Any,
) -> Discovery:
    """A Discovery from what was measured.

    Args:
        spectrum: of the conditions.
        decision: how many singular values count as zero.
        library: what the coefficients mean.
        linear: whether the equation or operator is linear, so that symmetries φ(x, t) ∂_u are set apart.
        uncertainty: the angle, in radians, up to which the null space is known; None for exact conditions, where it
            follows from rounding and where fractions are checked against the conditions.
        null_space: an orthonormal basis of what is reported, where that is less than the decision says.
        jets: where x, t and u are drawn for the brackets.
        seed: of the draws and of the choices of pivots.
        **rest: the other attributes of the Discovery.
    """
    if null_space is None:
        null_space = spectrum.null_space(decision.dimension)
    exact = uncertainty is None
    angle = _rounding_angle(spectrum, decision) if uncertainty is None else uncertainty

    def holds(rows: np.ndarray) -> bool:
        return bool(spectrum.defects(rows).max() <= decision.floor)

    # Three standard errors, where the conditions cannot be asked.
    test, known = (holds, angle) if exact else (None, 3 * angle)
    members, tolerance = null_space[:0], min(_COARSEST, max(1e-8, 4 * angle))
    others = null_space
    if linear:
        others, members = split_superposition(null_space, library, tolerance)
    ideal = closed_form(members, known, test, seed=seed)
    finite = closed_form(without_members(others, members), known, test, seed=seed)
    basis = finite.matrix.reshape(-1, len(library))
    closure = closure_residual(basis, library, bool(ideal.rows), jets, seed)
    flags = decision.flags + tuple(rest.pop("flags", ()))
    if angle > _COARSEST:
        flags += (f"rough: the basis is known up to {angle:.2g} radians only, its coefficients mean little",)
    if closure > closure_tolerance(angle):
        flags += (
            f"not closed: brackets leave the space by {closure:.1e}, it is no algebra; the library may lack functions, "
            "or a direction may be missing or wrong",
        )
    return Discovery(
        library=library,
        spectrum=spectrum,
        decision=decision,
        null_space=null_space,
        uncertainty=angle,
        finite=finite,
        ideal=ideal,
        closure=closure,
        flags=flags,
        **rest,
    )


def _rounding_angle(spectrum: Spectrum, decision: Decision) -> float:
    """How far rounding can turn the null space of exact conditions, in radians; at least 1e-11."""
    rest = spectrum.singular_values[decision.dimension :]
    gap = float(rest[0]) if len(rest) else 1.0
    stretch = float(spectrum.scale.max() / spectrum.scale.min())
    return min(1e-6, max(1e-11, 10 * float(np.finfo(np.float64).eps) / gap * stretch))
