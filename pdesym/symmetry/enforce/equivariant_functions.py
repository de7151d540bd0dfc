"""Maps F: Rⁿ → W that commute with a group, within a library of functions."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.maps import invariance
from pdesym.symmetry.enforce.null_space import LinearConstraint, NullSpace, null_space
from pdesym.symmetry.enforce.on_polynomials import OnPolynomials
from pdesym.symmetry.enforce.point_action import PointAction
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.enforce.sampled import Samples, group_terms, sampled_constraint
from pdesym.symmetry.functions import FunctionLibrary, Polynomials

_SAME = 1e-6  # relative to the parts of a Lie derivative


@dataclass(frozen=True, eq=False)
class FunctionSpace:
    """A space of maps F_r(x) = Σᵢ basis[r, …, i] Dᵢ(x), with how clear its dimension is.

    `basis` has orthonormal coefficients for polynomials, and is orthonormal on the sample points for other libraries.
    """

    library: FunctionLibrary
    basis: Float[Tensor, "r *value size"]
    null_space: NullSpace

    @property
    def dimension(self) -> int:
        """The number of basis maps."""
        return len(self.basis)

    def evaluate(self, x: Float[Tensor, "points variables"]) -> Float[Tensor, "r points *value"]:
        """All basis maps at points, in the dtype of x."""
        values = torch.einsum("r...i,ki->rk...", self.basis.to(x), self.library.evaluate(x))
        return values


def equivariant_functions(
    library: FunctionLibrary,
    action: PointAction,
    representation: Representation,
    points: Float[Tensor, "points variables"] | None = None,
    weights: Float[Tensor, " points"] | None = None,
    method: str | None = None,
) -> FunctionSpace:
    """All F = Σ C_ai Dᵢ e_a with ρ(g) F(x) = F(g x): L_ξ F = dρ(ξ) F − ∂F · (A x + b) = 0 and K_g F − F = 0.

    For `Polynomials` the constraint is exact; for other libraries it is taken at sample points, where M points need to
    determine the functions and their derivatives.

    Args:
        library: scalar functions D of x.
        action: how x moves.
        representation: how F(x) turns.
        points: where a library other than polynomials is sampled.
        weights: of the points; 1 each by default.
        method: see `null_space`.

    Raises:
        ValueError: when dimensions do not fit, points are missing, too few or too special, or the dimension is not
            clear.

    Source: Otto, Zolman, Kutz and Brunton, JMLR 26(248), 2025, eq. 12, 14 and §9.
    """
    return function_space(library, action, representation, (representation.dimension,), points, weights, method)


def function_constraint(
    library: FunctionLibrary,
    action: PointAction,
    representation: Representation,
    points: Float[Tensor, "points variables"] | None = None,
    weights: Float[Tensor, " points"] | None = None,
) -> tuple[LinearConstraint, Float[Tensor, "size size"] | None]:
    """The constraint of `equivariant_functions`, and T when its unknowns are coefficients in D T instead of D.

    Raises:
        ValueError: as `equivariant_functions`.
    """
    if library.variables != action.dimension:
        raise ValueError(
            f"Expected a library of {action.dimension} variables, as many as the action moves, got "
            f"{library.variables}: a kernel K(x, y) is a function of x and y together."
        )
    if isinstance(library, Polynomials):
        return invariance(representation * OnPolynomials(action.group, action, library)), None
    if points is None:
        raise ValueError("Expected sample points for a library that is not Polynomials, got none: give points=(M, n).")
    samples = Samples(library, points, weights)
    terms = group_terms(samples, action, representation)
    return sampled_constraint(samples, representation.dimension, terms), samples.orthonormal


def function_space(
    library: FunctionLibrary,
    action: PointAction,
    representation: Representation,
    shape: tuple[int, ...],
    points: Tensor | None,
    weights: Tensor | None,
    method: str | None,
) -> FunctionSpace:
    """`equivariant_functions` with values of another shape; row by row its entries are those of the representation."""
    constraint, transform = function_constraint(library, action, representation, points, weights)
    found = null_space(constraint, method)
    basis = found.basis.T.reshape(found.dimension, *shape, library.size)
    if transform is not None:
        basis = basis @ transform.T
        assert points is not None  # of which the transform comes
        _require_elsewhere(library, action, representation, basis.reshape(found.dimension, -1, library.size), points)
    return FunctionSpace(library, basis, found)


def _require_elsewhere(
    library: FunctionLibrary,
    action: PointAction,
    representation: Representation,
    basis: Float[Tensor, "r d size"],
    points: Float[Tensor, "points variables"],
) -> None:
    """Refuse functions that are symmetric at the sample points alone, as such on a line are under rotations."""
    x = points.to(torch.float64)
    for linear, shift in zip(action.linear, action.shift, strict=True):
        x = x + 0.1 * (x @ linear.T + shift) / (torch.linalg.matrix_norm(linear, 2) + 1)
    values, slopes = library.evaluate(x), library.jacobian(x)
    sound = values.isfinite().all(1) & slopes.isfinite().all((1, 2))
    for psi, linear, shift in zip(representation.generators(), action.linear, action.shift, strict=True):
        turned = torch.einsum("ab,rbp,kp->rka", psi, basis, values[sound])
        moved = torch.einsum("rap,kpn,kn->rka", basis, slopes[sound], x[sound] @ linear.T + shift)
        fastest = torch.linalg.vector_norm(x[sound] @ linear.T + shift, dim=1).amax()
        steepest = torch.linalg.vector_norm(slopes[sound], dim=(1, 2)).amax()
        size = fastest * steepest * torch.linalg.vector_norm(basis, dim=(1, 2)) + turned.abs().amax((1, 2))
        if bool(((turned - moved).abs().amax((1, 2)) > _SAME * size).any()):
            raise ValueError(
                "Expected points that determine the functions and their derivatives, got points at which functions are "
                "symmetric that are not beside them: spread the points over the whole space."
            )
