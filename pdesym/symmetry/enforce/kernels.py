"""Kernels of integral operators that commute with a group."""

import functools
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.equivariant_functions import FunctionSpace, function_space
from pdesym.symmetry.enforce.point_action import PointAction
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.functions import FunctionLibrary


def kernel_action(
    point_out: PointAction, points_in: Sequence[PointAction], rep_out: Representation, reps_in: Sequence[Representation]
) -> tuple[PointAction, Representation]:
    """How the arguments (x, y₁, …, y_r) of a kernel move, and how its values turn: ρ_out ⊗ ρ₁* ⊗ … ⊗ ρ_r* ⊗ dy₁ … dy_r.

    Raises:
        ValueError: unless there are as many representations as points, at least one.
    """
    if not points_in or len(points_in) != len(reps_in):
        raise ValueError(
            f"Expected an action on points and a representation for each input, got {len(points_in)} and "
            f"{len(reps_in)}: give one pair for each argument of the operator."
        )
    action = functools.reduce(PointAction.joint, points_in, point_out)
    values = functools.reduce(lambda total, each: total * each.dual, reps_in, rep_out)
    return action, functools.reduce(lambda total, each: total * each.density, points_in, values)


def equivariant_kernels(
    library: FunctionLibrary,
    point_out: PointAction,
    points_in: Sequence[PointAction],
    rep_out: Representation,
    reps_in: Sequence[Representation],
    points: Float[Tensor, "points variables"] | None = None,
    weights: Float[Tensor, " points"] | None = None,
    method: str | None = None,
) -> FunctionSpace:
    """All kernels with which T[F₁ … F_r](x) = ∫ K(x, y₁ … y_r)(F₁(y₁) … F_r(y_r)) dy commutes with a group.

    A field moves by (g F)(x) = ρ(g) F(g⁻¹ x). The kernel then fulfils, for r = 1 and velocities φ x + b of the points,

        L_ξ K = ψ_out K − K ψ_in − K tr φ_in − ∂ₓK · (φ_out x + b_out) − ∂_yK · (φ_in y + b_in) = 0,

    and K(x, y) = ρ_out(g) K(g⁻¹x, g⁻¹y) ρ_in(g)⁻¹ / |det g| for discrete elements. So K is an equivariant function of
    (x, y) with values in ρ_out ⊗ ρ_in* times a density.

    Args:
        library: scalar functions of (x, y₁, …, y_r) together.
        point_out: how x moves.
        points_in: how each y moves.
        rep_out: how values of the output turn.
        reps_in: how values of each input turn.
        points: of (x, y₁, …, y_r), where a library other than polynomials is sampled.
        weights: of the points; 1 each by default.
        method: see `null_space`.

    Returns:
        Values of shape `(d_out, d₁, …, d_r)`.

    Raises:
        ValueError: as `equivariant_functions`, and for inputs without a pair of action and representation.

    Source: Otto, Zolman, Kutz and Brunton, JMLR 26(248), 2025, eq. 19, 21 and 67; translations added.
    """
    action, values = kernel_action(point_out, points_in, rep_out, reps_in)
    shape = (rep_out.dimension, *(each.dimension for each in reps_in))
    return function_space(library, action, values, shape, points, weights, method)
