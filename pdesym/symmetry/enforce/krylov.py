"""The null space of a symmetric positive semidefinite operator from products with it alone."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

_FIRST_BLOCK = 16
_ITERATIONS = 5000
_CONVERGED = 1e-13
_DEPENDENT = 1e-6


def null_block(
    normal: Callable[[Float[Tensor, "n m"]], Float[Tensor, "n m"]], size: int, device: torch.device, seed: int
) -> tuple[Float[Tensor, "n r"], float]:
    """An orthonormal basis of the null space of N = CᵀC, and the smallest positive singular value of C that was met.

    A random block X is projected: conjugate gradients solve N Z = N X within the range of N, and X − Z lies in the null
    space. What was found is projected out of the next block, twice as wide, until a block brings a direction that is
    no longer new: random directions miss none of the null space with probability 1. The number of products is about
    κ(C) ln 1e13 for each block.

    Raises:
        ValueError: when conjugate gradients do not converge: N has positive eigenvalues close to 0.
    """
    rng = torch.Generator().manual_seed(seed)
    basis = torch.zeros(size, 0, dtype=torch.float64, device=device)
    width, smallest = _FIRST_BLOCK, torch.inf
    while basis.shape[1] < size:
        block = torch.randn(size, min(width, size), generator=rng, dtype=torch.float64).to(device)
        start = torch.linalg.qr(block - basis @ (basis.T @ block)).Q
        projected, value = _without_range(normal, start)
        smallest = min(smallest, value)
        projected = projected - basis @ (basis.T @ projected)
        directions, lengths, _ = torch.linalg.svd(projected, full_matrices=False)
        fresh = directions[:, lengths > _DEPENDENT]
        if fresh.shape[1]:
            # The short directions carry the rounding of the long ones: once more, now from unit vectors.
            fresh, _ = _without_range(normal, fresh)
            fresh = fresh - basis @ (basis.T @ fresh)
            basis = torch.cat([basis, torch.linalg.qr(fresh).Q], 1)
        if fresh.shape[1] < block.shape[1]:
            break
        width *= 2
    return basis, smallest


def _without_range(
    normal: Callable[[Tensor], Tensor], start: Float[Tensor, "n m"]
) -> tuple[Float[Tensor, "n m"], float]:
    """The part of each column in the null space, by conjugate gradients from the column itself on N x = 0.

    The starting residual −N x lies in the range, so the iterates change x within the range alone. The coefficients of
    the first column are those of Lanczos' tridiagonal matrix, whose smallest eigenvalue is met from above (Golub and
    Van Loan, Matrix Computations, §11.3).
    """
    x = start
    residual = -normal(x)
    direction = residual
    square = (residual**2).sum(0)
    first = square.clone()
    alphas: list[Tensor] = []
    betas: list[Tensor] = []
    tiny = torch.finfo(x.dtype).tiny
    for _ in range(_ITERATIONS):
        active = square > _CONVERGED**2 * first.clamp_min(_CONVERGED**2)
        if not bool(active.any()):
            break
        image = normal(direction)
        step = torch.where(active, square / (direction * image).sum(0).clamp_min(tiny), 0.0)
        x = x + step * direction
        residual = residual - step * image
        new = (residual**2).sum(0)
        ratio = torch.where(active, new / square.clamp_min(tiny), 0.0)
        direction = residual + ratio * direction
        square = torch.where(active, new, square)
        alphas.append(torch.where(active, step, torch.nan))
        betas.append(ratio)
    else:
        raise ValueError(
            f"Expected conjugate gradients to converge in {_ITERATIONS} steps, got a constraint with singular values "
            "close to 0: scale the generators and functions alike, or take method='dense'."
        )
    return x, _smallest_singular_value(alphas, betas)


def _smallest_singular_value(alphas: list[Tensor], betas: list[Tensor]) -> float:
    """√λ of the smallest Ritz value over all columns."""
    if not alphas:
        return torch.inf
    steps, ratios = torch.stack(alphas, 1).cpu(), torch.stack(betas, 1).cpu()
    smallest = torch.inf
    for alpha, beta in zip(steps, ratios, strict=True):
        count = int((~alpha.isnan()).sum())
        if count == 0:
            continue
        a, b = alpha[:count], beta[: count - 1]
        diagonal = 1 / a
        diagonal[1:] += b / a[:-1]
        off = b.sqrt() / a[:-1]
        ritz = torch.linalg.eigvalsh(torch.diag(diagonal) + torch.diag(off, 1) + torch.diag(off, -1))
        smallest = min(smallest, float(ritz[0].clamp_min(0).sqrt()))
    return smallest
