"""The φ functions of exponential integrators, of numbers and of matrices.

φ₀(z) = eᶻ,   φ₁(z) = (eᶻ − 1)/z,   φ₂(z) = (eᶻ − 1 − z)/z²,   φ₃(z) = (eᶻ − 1 − z − z²/2)/z³
"""

import torch
from jaxtyping import Complex
from torch import Tensor

_CONTOUR_POINTS = 32
_CONTOUR_RADIUS = 2.0


def phi_functions(z: Complex[Tensor, "..."]) -> tuple[Complex[Tensor, "..."], ...]:
    """φ₀ … φ₃ of complex numbers, to about 1e-15 for every z with Re z ≤ 1 or so.

    For |z| < 1 the quotients cancel; there the mean of φ over a full circle of radius 2 around z is taken (Cauchy's
    formula; Kassam and Trefethen, SIAM J. Sci. Comput. 26, 2005). The circle stays at distance 1 from the origin, and
    no real part is taken anywhere: for an imaginary L, as in KdV, that would make the method first order.
    """
    angles = 2 * torch.pi * (torch.arange(_CONTOUR_POINTS, dtype=torch.float64, device=z.device) + 0.5)
    circle = _CONTOUR_RADIUS * torch.exp(1j * angles / _CONTOUR_POINTS)
    small = z.abs() < 1
    on_circle = _quotients(z[small].unsqueeze(-1) + circle)
    result = _quotients(torch.where(small, 1.0, z))
    for values, means in zip(result, on_circle, strict=True):
        values[small] = means.mean(-1)
    return (torch.exp(z), *result)


def _quotients(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    one = torch.expm1(z)
    return one / z, (one - z) / z**2, (one - z - z**2 / 2) / z**3


def phi_matrices(matrix: Complex[Tensor, "*modes m m"]) -> tuple[Complex[Tensor, "*modes m m"], ...]:
    """φ₀ … φ₃ of square matrices, from one exponential of the augmented block matrix.

    The first block row of exp [[A, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]] is φ₀(A), φ₁(A), φ₂(A), φ₃(A)
    (Sidje, ACM Trans. Math. Softw. 24, 1998, theorem 1).
    """
    size = matrix.shape[-1]
    augmented = torch.zeros(*matrix.shape[:-2], 4 * size, 4 * size, dtype=matrix.dtype, device=matrix.device)
    augmented[..., :size, :size] = matrix
    block = torch.arange(3 * size, device=matrix.device)
    augmented[..., block, block + size] = 1.0
    exponential = torch.linalg.matrix_exp(augmented)
    return tuple(exponential[..., :size, j * size : (j + 1) * size] for j in range(4))
