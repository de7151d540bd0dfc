"""Singular value thresholding, of all singular values or of the few that stay."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.promote.lie_tensor import LieTensor

# Vectors beyond those that stayed: what they do not hold of the next ones is corrected in the steps after it.
_SPARE = 8


@dataclass(frozen=True)
class LowRank:
    """A matrix left @ right.mT of combinations of functions, with its singular values in the metric."""

    left: Float[Tensor, "rows rank"]
    right: Float[Tensor, "generators rank"]
    values: Float[Tensor, " rank"]

    def dense(self) -> Float[Tensor, "rows generators"]:
        """The matrix itself."""
        return self.left @ self.right.mT


def shrink(matrix: Float[Tensor, "rows generators"], tensor: LieTensor, threshold: float) -> tuple[LowRank, Tensor]:
    """Every singular value σ in the metric of `tensor` made max(σ − threshold, 0), the prox of the nuclear norm.

    By the eigenvectors of the Gram matrix of the columns; a singular value below 1e-8 of the largest is rounding, and a
    threshold is not.

    Returns:
        The result, and right singular vectors from which `shrink_within` may start.

    Source: Cai, Candès, Shen, SIAM J. Optim. 20 (2010), 1956.
    """
    squares, vectors = torch.linalg.eigh(matrix.mT @ tensor.metric(matrix))
    sigma = squares.clamp_min(0).sqrt()
    kept = int((sigma > threshold).sum())
    result = _shrunk(matrix, vectors[:, len(sigma) - kept :], sigma[len(sigma) - kept :], threshold)
    return result, vectors[:, -min(len(sigma), kept + _SPARE) :]


def shrink_within(
    matrix: Float[Tensor, "rows generators"], tensor: LieTensor, threshold: float, start: Float[Tensor, "generators k"]
) -> tuple[LowRank, Tensor] | None:
    """`shrink` by one step of subspace iteration from nearby singular vectors; none where they are too few.

    Exact only as far as the singular vectors have settled, which repeated use with slowly moving matrices brings about.
    """
    basis = torch.linalg.qr(matrix.mT @ tensor.metric(matrix @ start)).Q
    image = matrix @ basis
    squares, rotation = torch.linalg.eigh(image.mT @ tensor.metric(image))
    sigma = squares.clamp_min(0).sqrt()
    kept = int((sigma > threshold).sum())
    if kept + _SPARE // 2 > len(sigma):
        return None
    vectors = basis @ rotation
    chosen = slice(len(sigma) - kept, None)
    left = (image @ rotation[:, chosen]) * (1 - threshold / sigma[chosen])
    shrunk = LowRank(left, vectors[:, chosen], sigma[chosen] - threshold)
    return shrunk, vectors[:, -min(len(sigma), kept + _SPARE) :]


def _shrunk(matrix: Tensor, vectors: Tensor, sigma: Tensor, threshold: float) -> LowRank:
    return LowRank((matrix @ vectors) * (1 - threshold / sigma), vectors, sigma - threshold)
