"""Fifth-order weighted essentially non-oscillatory reconstruction, and the numerical flux made of it."""

from collections.abc import Sequence

import torch
from torch import Tensor

GHOSTS = 3
"""Cells that the numerical flux needs beyond each end."""

_TINY = 1e-40


def reconstructed(v: Sequence[Tensor]) -> Tensor:
    """The value at the right face of the middle one of five cells, from the cells' averages, by WENO-Z.

    Three parabolas have weights d_k (1 + (τ/(β_k + ε))²) with d = (1, 6, 3)/10, the smoothness β_k of Jiang and Shu
    (J. Comput. Phys. 126, 1996, eqs. 2.16 to 2.18) and τ = |β₀ − β₂| (Borges, Carmona, Costa and Don, J. Comput. Phys.
    227, 2008, eqs. 24 to 28). The power 2 keeps the fifth order at extrema; a jump is left to the parabolas that do not
    cross it. ε = 1e-40 only keeps 0/0 away, so that the scale of v does not matter.
    """
    a, b, c, d, e = v
    bent_left, bent, bent_right = a - 2 * b + c, b - 2 * c + d, c - 2 * d + e
    beta_0 = (13 / 12) * bent_left.square() + 0.25 * (a - 4 * b + 3 * c).square()
    beta_1 = (13 / 12) * bent.square() + 0.25 * (b - d).square()
    beta_2 = (13 / 12) * bent_right.square() + 0.25 * (3 * c - 4 * d + e).square()
    tau = (beta_0 - beta_2).abs()
    weight_0 = 1 + (tau / (beta_0 + _TINY)).square()
    weight_1 = 6 + 6 * (tau / (beta_1 + _TINY)).square()
    weight_2 = 3 + 3 * (tau / (beta_2 + _TINY)).square()
    # Relative to the middle cell, so that a constant stays one to the last digit.
    left = weight_0 * (2 * a - 7 * b + 5 * c)
    middle = weight_1 * (2 * d - c - b)
    right = weight_2 * (5 * d - 4 * c - e)
    return c + (left + middle + right) / (6 * (weight_0 + weight_1 + weight_2))


def numerical_flux(flux: Tensor, u: Tensor, speeds: Tensor, basis: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """The flux through the faces between cells, from point values along the last axis.

    The flux is split into (F ± αu)/2 with α the largest wave speed on the six cells around a face (local
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
    faces = u.shape[-1] - 2 * GHOSTS + 1
    alpha = speeds.unfold(-1, 2 * GHOSTS, 1).amax(-1)
    f = [flux[..., k : k + faces] for k in range(2 * GHOSTS)]
    w = [u[..., k : k + faces] for k in range(2 * GHOSTS)]
    if basis is not None:
        f, w = [_applied(basis[0], each) for each in f], [_applied(basis[0], each) for each in w]
    carried = [alpha * each for each in w]
    # One call for both directions: on small grids the calls cost more than the numbers.
    upwind = [torch.stack((f[k] + carried[k], f[-1 - k] - carried[-1 - k])) for k in range(2 * GHOSTS - 1)]
    result = 0.5 * reconstructed(upwind).sum(0)
    return result if basis is None else _applied(basis[1], result)


def _applied(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Matrix times vector at every face, both with their components in the axes after the rows."""
    return (matrices * vectors.unsqueeze(1)).sum(2)
