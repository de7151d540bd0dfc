"""The Lie derivatives of an operator relative to their two sides, by the inner products of their columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

# Of a unit diagonal, by the precision of the motions: below its root a combination of motions that cancel is rounding.
_RIDGE = {torch.float64: 1e-11, torch.float32: 1e-8}


@dataclass(frozen=True)
class Grams:
    """Inner products of the columns of R = B − A, and of both sides, AᵀA + BᵀB, each `(generators, generators)`.

    `ridge` is the square of the size, relative to its parts, below which a combination of motions counts as none.
    """

    residual: Float[Tensor, "generators generators"]
    size: Float[Tensor, "generators generators"]
    ridge: float

    def select(self, columns: Sequence[int]) -> "Grams":
        """Those of some of the columns."""
        chosen = list(columns)
        return Grams(self.residual[chosen][:, chosen], self.size[chosen][:, chosen], self.ridge)


def grams(pushed: Float[Tensor, "generators ..."], target: Float[Tensor, "generators ..."]) -> Grams:
    """The inner products in float64, of A = `pushed` and B = `target`, as means over the points."""
    a, b = pushed.flatten(1).double(), target.flatten(1).double()
    r = b - a
    points = a.shape[1]
    return Grams(r @ r.mT / points, (a @ a.mT + b @ b.mT) / points, _RIDGE[target.dtype])


def defects(products: Grams) -> Float[Tensor, " generators"]:
    """δ_k² = ‖R_k‖²/(‖A_k‖² + ‖B_k‖²) of each generator by itself; 0 for one that moves nothing."""
    size = products.size.diagonal()
    return products.residual.diagonal() / torch.where(size > 0, size, 1.0)


def whitened(products: Grams) -> Float[Tensor, "generators generators"]:
    """A matrix whose eigenvalues are δᵢ², those of RᵀR c = δ² (AᵀA + BᵀB) c.

    The generators are brought to equal size first, and combinations of them whose motions cancel are kept at a size of
    3e-6 of it, 1e-4 in float32, so that what is rounding counts as nothing.
    """
    size = products.size.diagonal()
    scale = torch.where(size > 0, size, 1.0).rsqrt()
    scales = scale.unsqueeze(0) * scale.unsqueeze(1)
    ridge = products.ridge * torch.eye(len(scale), dtype=scale.dtype, device=scale.device)
    # 1 in place of a vanishing diagonal entry leaves the row and column of that generator zero in the result.
    unit = products.size * scales + torch.diag((size == 0).to(scale.dtype)) + ridge
    factor: Tensor = torch.linalg.cholesky(unit)
    half = torch.linalg.solve_triangular(factor, products.residual * scales, upper=False)
    result: Tensor = torch.linalg.solve_triangular(factor, half.mT, upper=False)
    return result
