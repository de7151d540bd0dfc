"""Vector fields that have given symmetries exactly."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.dynamics.action import AffineAction
from pdesym.symmetry.dynamics.library_field import LibraryField, coefficient_brackets, sampled_brackets
from pdesym.symmetry.dynamics.regression import restricted_field
from pdesym.symmetry.enforce.null_space import LinearConstraint, NullSpace, null_space
from pdesym.symmetry.functions import FunctionLibrary, Polynomials


def symmetric_fields(library: FunctionLibrary, action: AffineAction, seed: int = 0) -> NullSpace:
    """All W, row by row, with L_ξ (W D) = 0 for every generator ξ.

    Exact for `Polynomials`. For other functions the condition is posed at points drawn from the standard normal
    distribution, twice as many as there are functions.

    Args:
        library: D.
        action: the generators.
        seed: of the points.

    Raises:
        ValueError: where library and action differ in variables, or the null space is not clear.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, Theorem 3 and section 9.
    """
    if isinstance(library, Polynomials):
        brackets = coefficient_brackets(library, action)
    else:
        rng = torch.Generator().manual_seed(seed)
        x = torch.randn(2 * library.size, library.variables, generator=rng, dtype=torch.float64)
        brackets = sampled_brackets(library, action, x)
    matrix = brackets.flatten(0, 1)
    return null_space(
        LinearConstraint(
            size=matrix.shape[1],
            apply=lambda columns: matrix @ columns,
            adjoint=lambda columns: matrix.mT @ columns,
            # Without cancellation: the largest that a single coefficient gives.
            scale=float(matrix.norm(dim=0).max()),
            device=matrix.device,
        )
    )


def enforced_field(
    library: FunctionLibrary,
    x: Float[Tensor, "points n"],
    velocity: Float[Tensor, "points n"],
    action: AffineAction,
) -> LibraryField:
    """min ‖W D(x) − x'‖ over the fields W D that have every symmetry of the action.

    Raises:
        ValueError: as `symmetric_fields`, for data that do not fit the library, and where no field has the symmetries.
    """
    return restricted_field(library, x, velocity, symmetric_fields(library, action).basis)
