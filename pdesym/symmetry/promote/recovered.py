"""Which of the candidate symmetries a model has."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.promote.lie_tensor import LieTensor

# The released study counts singular values below this part of the largest (section 10.1 of the paper).
NULL = 1e-5


@dataclass(frozen=True, eq=False)
class RecoveredAlgebra:
    """The singular values of ξ ↦ L_ξ F on a candidate algebra, and the generators that it maps to zero.

    Attributes:
        singular_values: descending, one for each generator of the candidate.
        directions: the right singular vectors, one a row, coefficients of the orthonormal generators.
        nullity: how many singular values are at most 1e-5 of the largest, or within twice the uncertainty of L_c if
            that is more: the dimension of the symmetry algebra; all of them where the largest is rounding itself.
    """

    singular_values: Float[Tensor, " generators"]
    directions: Float[Tensor, "generators generators"]
    nullity: int

    @property
    def symmetries(self) -> Float[Tensor, "nullity generators"]:
        """An orthonormal basis of the symmetries: the algebra {ξ : L_ξ F = 0} (Otto et al., JMLR 2025, Thm 4)."""
        return self.directions[len(self.directions) - self.nullity :]


def recovered_algebra(
    tensor: LieTensor, coefficients: Float[Tensor, " parameters"], uncertainty: float = 0.0
) -> RecoveredAlgebra:
    """The singular value decomposition of L_c, with a null space by a gap of 1e-5.

    Args:
        tensor: L.
        coefficients: c.
        uncertainty: the spectral norm of what L_c may be off by; no singular value is known better than that.
    """
    matrix = tensor.matrix(coefficients)
    # As many rows as columns, so that every direction of the algebra has a singular value.
    missing = max(tensor.generators - len(matrix), 0)
    _, sigma, directions = torch.linalg.svd(torch.cat([matrix, matrix.new_zeros(missing, tensor.generators)]))
    typical = (tensor.normal.diagonal().sum() / tensor.parameters / tensor.generators).sqrt()
    scale = torch.maximum(sigma[0], 1e-6 * typical * torch.linalg.norm(coefficients))
    null = (NULL * scale).clamp_min(2 * uncertainty)
    return RecoveredAlgebra(sigma, directions, int((sigma <= null).sum()))
