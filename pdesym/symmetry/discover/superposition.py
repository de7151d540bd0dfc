"""The part of a null space that says no more than that the equation is linear."""

import numpy as np
import scipy.linalg

from pdesym.symmetry.library import Library

# Whether a combination of null vectors has only columns φ(x, t) ∂_u.
_TOLERANCE = 1e-8


def superposition_columns(library: Library) -> np.ndarray:
    """Which columns are φ(x, t) ∂_u, `(K,)` of bool: functions of coordinates and time in the direction of a field."""
    fields = set(library.variables[len(library.coordinates) + 1 :])
    places = range(len(library.coordinates) + 1, len(library.variables))
    return np.array(
        [component in places and not function.free_symbols & fields for component, function in library.columns]
    )


def split_superposition(
    null_space: np.ndarray, library: Library, tolerance: float = _TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """A null space as (rest, ideal): the ideal is its part in the columns φ(x, t) ∂_u.

    To a solution u of a linear equation every solution φ may be added, so that φ ∂_u is a symmetry: an infinite family,
    of which a library holds some members.

    Args:
        null_space: an orthonormal basis, `(d, K)`.
        library: what its columns mean.
        tolerance: angle in radians up to which a direction counts as one of these columns.

    Returns:
        Orthonormal bases of the ideal and of its complement in the null space, `(d − e, K)` and `(e, K)`.
    """
    if not len(null_space):
        return null_space, null_space
    outside = null_space[:, ~superposition_columns(library)]
    left, values, _ = np.linalg.svd(outside, full_matrices=True)
    padded = np.zeros(len(null_space))
    padded[: len(values)] = values
    inside = padded <= tolerance
    rotated = left.T @ null_space
    return rotated[~inside], rotated[inside]


def without_members(rest: np.ndarray, ideal: np.ndarray) -> np.ndarray:
    """Representatives of `rest` modulo the ideal that lack the ideal's pivots, `(d − e, K)`, orthonormal.

    Args:
        rest: rows that complete the ideal to the null space, `(d − e, K)`.
        ideal: a basis of the ideal, `(e, K)`.
    """
    if not len(ideal) or not len(rest):
        return rest
    pivots = scipy.linalg.qr(ideal, mode="r", pivoting=True)[-1][: len(ideal)]
    reduced = rest - rest[:, pivots] @ np.linalg.solve(ideal[:, pivots], ideal)
    basis: np.ndarray = np.linalg.qr(reduced.T)[0].T
    return basis
