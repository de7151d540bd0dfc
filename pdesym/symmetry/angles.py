"""Principal angles between subspaces."""

import numpy as np
from jaxtyping import Float


def principal_angles(
    first: Float[np.ndarray, "dimension columns"], second: Float[np.ndarray, "other columns"]
) -> Float[np.ndarray, " angles"]:
    """The principal angles between the row spaces of two matrices, in degrees, from the largest to the smallest.

    There are as many as the smaller dimension. Angles below 45 degrees come from the singular values of
    (1 − P₁) Q₂, their sines, and the others from Q₁ᵀQ₂, their cosines: so tiny angles keep all their digits, which
    arccos alone would lose below 1e-6 degrees (Björck and Golub, Math. Comp. 27, 1973; Knyazev and Argentati, SIAM J.
    Sci. Comput. 23, 2002).

    Args:
        first: linearly independent rows.
        second: linearly independent rows, in the same columns.
    """
    if len(first) < len(second):
        first, second = second, first
    q1, q2 = (np.linalg.qr(matrix.T)[0] for matrix in (_unit_rows(first), _unit_rows(second)))
    cosines = np.clip(np.linalg.svd(q1.T @ q2, compute_uv=False), 0.0, 1.0)
    sines = np.clip(np.linalg.svd(q2 - q1 @ (q1.T @ q2), compute_uv=False)[: len(second)], 0.0, 1.0)
    angles = np.where(sines**2 < 0.5, np.arcsin(sines), np.arccos(np.sort(cosines)))
    return np.asarray(np.degrees(angles))


def largest_angle(first: Float[np.ndarray, "dimension columns"], second: Float[np.ndarray, "other columns"]) -> float:
    """The largest principal angle in degrees; 90 for spaces of different dimension, 0 for two spaces of dimension 0.

    Two spaces of different dimension are as far apart as can be: the larger has a direction orthogonal to the smaller.
    """
    if len(first) != len(second):
        return 90.0
    return float(principal_angles(first, second)[0]) if len(first) else 0.0


def _unit_rows(matrix: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))
