"""Vector fields that have given symmetries exactly."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.dynamics.action import AffineAction
from pdesym.symmetry.dynamics.library_field import LibraryField
from pdesym.symmetry.dynamics.regression import restricted_field
from pdesym.symmetry.enforce.equivariant_functions import equivariant_functions
from pdesym.symmetry.enforce.group import MatrixGroup
from pdesym.symmetry.enforce.null_space import NullSpace
from pdesym.symmetry.enforce.point_action import PointAction, affine_action
from pdesym.symmetry.functions import FunctionLibrary, Polynomials


def symmetric_fields(library: FunctionLibrary, action: AffineAction | PointAction, seed: int = 0) -> NullSpace:
    """All W, row by row, with L_ξ (W D) = 0 for every generator ξ, and P F(x) = F(P x + s) for discrete elements.

    Exact for `Polynomials`. For other functions the condition is posed at points drawn from the standard normal
    distribution, twice as many as there are functions. The lengths of generators do not matter.

    Args:
        library: D.
        action: the generators; a `PointAction` has discrete elements too.
        seed: of the points.

    Raises:
        ValueError: where library and action differ in variables, functions depend on each other, or the null space is
            not clear.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, Theorem 3 and section 9.
    """
    points_move = action if isinstance(action, PointAction) else _point_action(action)
    velocities_turn = points_move.group.representation(points_move.linear, points_move.discrete, "velocities")
    if isinstance(library, Polynomials):
        return equivariant_functions(library, points_move, velocities_turn).null_space
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(2 * library.size, library.variables, generator=rng, dtype=torch.float64)
    found = equivariant_functions(library, points_move, velocities_turn, x.to(action.linear.device))
    # Orthonormal on the points, and so not in the coefficients.
    basis = torch.linalg.qr(found.basis.flatten(1).mT).Q
    return NullSpace(basis, found.null_space.largest_null, found.null_space.smallest_kept)


def enforced_field(
    library: FunctionLibrary,
    x: Float[Tensor, "points n"],
    velocity: Float[Tensor, "points n"],
    action: AffineAction | PointAction,
) -> LibraryField:
    """min ‖W D(x) − x'‖ over the fields W D that have every symmetry of the action.

    Raises:
        ValueError: as `symmetric_fields`, for data that do not fit the library, and where no field has the symmetries.
    """
    return restricted_field(library, x, velocity, symmetric_fields(library, action).basis)


def _point_action(action: AffineAction) -> PointAction:
    """The same generators, of the group of matrices [[M, b], [0, 1]]."""
    n = action.dimension
    matrices = torch.cat([action.linear, action.shift.unsqueeze(-1)], -1)
    matrices = torch.nn.functional.pad(matrices, (0, 0, 0, 1))
    return affine_action(MatrixGroup(matrices, matrices.new_zeros(0, n + 1, n + 1), "affine motions"))
