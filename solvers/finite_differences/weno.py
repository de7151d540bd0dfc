"""Fifth-order weighted essentially non-oscillatory reconstruction, and the numerical flux made of it."""

from functools import lru_cache

import torch
from torch import Tensor

GHOSTS = 3
"""Cells that the numerical flux needs beyond each end."""

# With the wave speed itself one part of the split flux is flat at extrema to so high an order that the weights lose
# theirs: the derivative of a smooth wave then has errors of order h³ there instead of h⁵.
_MARGIN = 1.1
_TINY = 1e-40
# By rows, for the three parabolas: the two factors of their first differences in the one-sided slope and in six times
# the value at the face, and the ideal weights times ten.
_TABLE = ((-1, 1, -3), (3, 1, 1), (-2, 1, 4), (5, 2, -1), (1, 6, 3))


def reconstructed(v: Tensor) -> Tensor:
    """The value at the right face of the middle one of five cells, `(5, …)`, from the cells' averages, by WENO-Z.

    Three parabolas have weights d_k (1 + (τ/(β_k + ε))²) with d = (1, 6, 3)/10, the smoothness β_k of Jiang and Shu
    (J. Comput. Phys. 126, 1996, eqs. 2.16 to 2.18) and τ = |β₀ − β₂| (Borges, Carmona, Costa and Don, J. Comput. Phys.
    227, 2008, eqs. 24 to 28). The power 2 keeps the fifth order at extrema; a jump is left to the parabolas that do not
    cross it. ε = 1e-40 only keeps 0/0 away, so that the scale of v does not matter.
    """
    back, ahead, back_face, ahead_face, ideal = _table(v.ndim, v.device)
    # In differences, so that a constant stays one to the last digit.
    change = v.diff(dim=0)
    before, after = change[:3], change[1:]
    slope = back * before + ahead * after
    beta = (13 / 12) * (after - before).square() + 0.25 * slope.square()
    tau = (beta[0] - beta[2]).abs()
    weights = torch.addcmul(ideal, ideal, (tau / (beta + _TINY)).square())
    faces = back_face * before + ahead_face * after
    return v[2] + (weights * faces).sum(0) / (6 * weights.sum(0))


@lru_cache(maxsize=16)
def _table(ndim: int, device: torch.device) -> tuple[Tensor, ...]:
    rows = torch.tensor(_TABLE, dtype=torch.float64, device=device)
    return tuple(row.reshape(3, *(1,) * (ndim - 1)) for row in rows)


def numerical_flux(flux: Tensor, u: Tensor, speeds: Tensor, basis: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """The flux through the faces between cells, from point values along the last axis.

    The flux is split into (F ± αu)/2 with α a tenth above the largest wave speed on the six cells around a face (local
    Lax-Friedrichs), each part reconstructed from its upwind side: the finite-difference form of Shu and Osher
    (J. Comput. Phys. 83, 1989), conservative and of fifth order for any number of axes, each taken by itself.

    With a basis it is the components along the eigenvectors that are split and reconstructed. Waves of different
    families that overlap, as just after a dam breaks, then do not spoil each other's smoothness.

    Args:
        flux: `(rows, fields, …, cells + 6)`, with three ghost cells at each end.
        u: the same shape.
        speeds: `(rows, 1 or fields, …, cells + 6)`: |λ|, by component.
        basis: (left eigenvectors as rows, right ones as columns), each `(rows, fields, fields, …, cells + 1)`.

    Returns:
        `(rows, fields, …, cells + 1)`.
    """
    alpha = _MARGIN * speeds.unfold(-1, 2 * GHOSTS, 1).amax(-1)
    near = torch.stack((flux, u)).unfold(-1, 2 * GHOSTS, 1).movedim(-1, 0)
    if basis is not None:
        near = _applied(basis[0], near)
    carried = alpha * near[:, 1]
    rightward, leftward = near[:5, 0] + carried[:5], (near[1:, 0] - carried[1:]).flip(0)
    # Both directions in one call: on small grids calls cost more than numbers.
    result = 0.5 * reconstructed(torch.stack((rightward, leftward), 1)).sum(0)
    return result if basis is None else _applied(basis[1], result)


def _applied(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Matrix times vector at every face: `(rows, fields, fields, …)` times `(…, rows, fields, …)`."""
    axis = vectors.ndim - matrices.ndim + 2
    result = matrices[:, :, 0] * vectors.narrow(axis, 0, 1)
    for b in range(1, matrices.shape[2]):
        result.addcmul_(matrices[:, :, b], vectors.narrow(axis, b, 1))
    return result
