"""The nuclear norm of a tall matrix, with gradients that stay finite where singular values vanish or coincide."""

import torch
from jaxtyping import Float
from torch import Tensor


def smooth_nuclear_norm(matrix: Float[Tensor, "rows columns"], floor: float) -> Float[Tensor, ""]:
    """Σᵢ (√(σᵢ² + f²) − f), σᵢ the singular values of R, f the floor: the norm ‖R‖_* = Σᵢ σᵢ up to f times its columns.

    It is Tr (RᵀR + f²)^{1/2} less its value at R = 0: convex in R, and smooth, with gradient R (RᵀR + f²)^{-1/2}, so
    that it neither jumps nor divides by zero where singular values meet or vanish. A singular value below the floor is
    no longer driven down by a constant force, but in proportion to itself.

    Args:
        matrix: R, real; its Gram matrix RᵀR is formed, so that singular values below √(machine precision) times the
            largest one are rounding: 3e-4 in float32.
        floor: f > 0, in the unit of R.

    Raises:
        ValueError: for a floor that is not positive and finite.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eq. 28, for the norm as a penalty.
    """
    return smooth_trace_norm(matrix.mT @ matrix, floor)


def smooth_trace_norm(gram: Float[Tensor, "columns columns"], floor: float) -> Float[Tensor, ""]:
    """`smooth_nuclear_norm` of any R with this Gram matrix RᵀR.

    Raises:
        ValueError: for a floor that is not positive and finite.
    """
    require_floor(floor, "a nuclear norm")
    # The derivative of the eigenvalues alone, V diag(g) Vᵀ, has no differences of eigenvalues in a denominator.
    return smooth_sum(torch.linalg.eigvalsh(gram).clamp_min(0), floor)


def smooth_sum(squares: Float[Tensor, " values"], floor: float) -> Float[Tensor, ""]:
    """Σᵢ (√(sᵢ + f²) − f): the sum of numbers that are not negative, from their squares s, smooth where they vanish."""
    return ((squares + floor**2).sqrt() - floor).sum()


def require_floor(floor: float, owner: str) -> None:
    """Refuse a floor that cannot be.

    Raises:
        ValueError: for one that is not positive and finite.
    """
    if not 0 < floor < float("inf"):
        raise ValueError(f"Expected the floor of {owner} to be positive and finite, got {floor}.")
