"""Vector fields that are linear in coefficients, and the Lie derivative as a matrix on these."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.dynamics.action import AffineAction
from pdesym.symmetry.functions import FunctionLibrary, Polynomials


@dataclass(frozen=True, eq=False)
class LibraryField:
    """F(x) = W D(x), with functions D of a library.

    Attributes:
        library: D.
        coefficients: W, `(n, size)`.
    """

    library: FunctionLibrary
    coefficients: Float[Tensor, "n size"]

    def __call__(self, x: Float[Tensor, "points n"]) -> Float[Tensor, "points n"]:
        """F at each point, in the dtype of x."""
        return self.library.evaluate(x) @ self.coefficients.to(x).mT


def coefficient_brackets(library: Polynomials, action: AffineAction) -> Float[Tensor, "generators rows coefficients"]:
    """The matrices of W ↦ coefficients of L_ξ (W D) = (A W − W M) D for each generator; exact, float64.

    W is read row by row, rows = coefficients = n · size. (Ax + b)·∇ maps D to M D.

    Raises:
        ValueError: where action and library have different variables.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, sections 7.3 and 9.
    """
    _check_variables(library, action)
    n, size = action.dimension, library.size
    derivations = library.lie_matrices(action.linear, action.shift)
    result = torch.zeros(action.generators, n, size, n, size, dtype=torch.float64)
    for each, linear, derivation in zip(result, action.linear.double(), derivations, strict=True):
        # Views of the blocks on the two diagonals of [a, i, b, j]: i = j for A, a = b for M.
        each.diagonal(dim1=1, dim2=3).add_(linear.unsqueeze(-1))
        each.diagonal(dim1=0, dim2=2).sub_(derivation.mT.unsqueeze(-1))
    return result.reshape(action.generators, n * size, n * size)


def sampled_brackets(
    library: FunctionLibrary, action: AffineAction, x: Float[Tensor, "points n"]
) -> Float[Tensor, "generators rows coefficients"]:
    """The matrices of W ↦ L_ξ (W D) at sample points, divided by √points, for libraries of any functions.

    Their singular values are those in the inner product of the mean over the points (eq. 39 of the source), and their
    null space is right for points enough in general position. rows = points · n.

    Raises:
        ValueError: where action and library have different variables.
    """
    _check_variables(library, action)
    points, n = x.shape
    values, slopes = library.evaluate(x), library.jacobian(x)
    carried = torch.einsum("qab,pi->qpabi", action.linear.to(x), values)
    pushed = torch.einsum("pij,qpj->qpi", slopes, action.velocity(x))
    unit = torch.eye(n, dtype=x.dtype, device=x.device)
    whole = carried - torch.einsum("ab,qpi->qpabi", unit, pushed)
    result: Tensor = whole.reshape(action.generators, points * n, n * library.size) / points**0.5
    return result


def _check_variables(library: FunctionLibrary, action: AffineAction) -> None:
    if library.variables != action.dimension:
        raise ValueError(
            f"Expected a library of {action.dimension} variables, as the action moves, got {library.variables}: place "
            "the action in the state with `on`."
        )
