"""Vector fields with as many of the candidate symmetries as the data allow."""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.dynamics.action import AffineAction
from pdesym.symmetry.dynamics.library_field import LibraryField
from pdesym.symmetry.dynamics.regression import check_data
from pdesym.symmetry.functions import FunctionLibrary, Polynomials
from pdesym.symmetry.promote.admm import Settings, State
from pdesym.symmetry.promote.candidate import CandidateAlgebra
from pdesym.symmetry.promote.convex import Promoted, fit_exact, fit_penalised
from pdesym.symmetry.promote.lie_tensor import LieTensor
from pdesym.symmetry.promote.lie_tensors import polynomial_lie_tensor, sampled_lie_tensor


@dataclass(frozen=True, eq=False)
class PromotedField:
    """A field, and how it was found.

    Attributes:
        field: F = W D.
        fit: singular values, null space, convergence, and the objective of `promoted_field`; its state is that of
            `fit_penalised` with half the weight.
    """

    field: LibraryField
    fit: Promoted


def field_lie_tensor(library: FunctionLibrary, action: AffineAction, points: Float[Tensor, "points n"]) -> LieTensor:
    """W ↦ (ξ ↦ L_ξ (W D)), with L_ξ F = A F − ∂F(A x + b) as for `bracket`, generators made orthonormal.

    Args:
        library: D; Lie derivatives of `Polynomials` are exact.
        action: the candidate algebra on states.
        points: of the inner product of fields, the mean over them; at least as many as the functions in general
            position, not on the data where these lie in a subspace.

    Raises:
        ValueError: for an action or points of other variables than the library, or generators that depend on each
            other.
    """
    algebra = CandidateAlgebra.of(action.linear, action.shift, action.linear)
    if isinstance(library, Polynomials):
        return polynomial_lie_tensor(library, algebra, points, action.dimension)
    return sampled_lie_tensor(library, algebra, points, action.dimension)


def promoted_field(
    library: FunctionLibrary,
    x: Float[Tensor, "points n"],
    velocity: Float[Tensor, "points n"],
    tensor: LieTensor,
    weight: float | None,
    settings: Settings | None = None,
    start: State | None = None,
) -> PromotedField:
    """min_W (1/M) Σ ‖x' − W D(x)‖² + γ ‖ξ ↦ L_ξ (W D)‖_*, a convex problem; or the second term where the first is 0.

    Data without noise should be met exactly: what is badly conditioned in them, but there, is given up first where it
    may be traded for symmetry.

    Args:
        library: D.
        x: states.
        velocity: x' there.
        tensor: the Lie derivatives along the candidate algebra, from `field_lie_tensor`.
        weight: γ > 0; None for data that are to be met exactly.
        settings: when the iteration stops.
        start: `fit.state` of an earlier result with the same tensor.

    Raises:
        ValueError: for data that do not fit the library, a weight that is not positive, or, without one, data that no
            field meets.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eq. 29 and section 7.3.
    """
    check_data(library, x, velocity)
    if weight is None:
        fit = fit_exact(library.evaluate(x), velocity, [tensor], None, settings, start)
    else:  # `fit_penalised` halves the mean square
        fit = fit_penalised(library.evaluate(x), velocity, [tensor], [weight / 2], settings, start)
        fit = replace(fit, objective=2 * fit.objective)
    return PromotedField(LibraryField(library, fit.coefficients.mT), fit)
