"""Kernels whose operator maps one first-order operator on its input to another on its output."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.equivariant_functions import FunctionSpace
from pdesym.symmetry.enforce.null_space import null_space
from pdesym.symmetry.enforce.sampled import Samples, Term, sampled_constraint
from pdesym.symmetry.functions import FunctionLibrary


@dataclass(frozen=True)
class SliceOperator:
    """Q[u](x) = a(x) u(x) − Σ_i ξ_i(x) ∂_i u(x): a linear point symmetry on one time slice.

    Args:
        matrix: a, from points `(M, n)` to `(M, d, d)`.
        field: ξ, from points `(M, n)` to `(M, n)`, each row of the point of that row alone, differentiable.
    """

    matrix: Callable[[Tensor], Tensor]
    field: Callable[[Tensor], Tensor]

    def divergence(self, points: Float[Tensor, "points n"]) -> Float[Tensor, " points"]:
        """Σ_i ∂_i ξ_i, by automatic differentiation."""
        columns = torch.eye(points.shape[1]).to(points)
        parts = [torch.func.jvp(self.field, (points,), (e.expand_as(points),))[1] @ e for e in columns]
        return torch.stack(parts).sum(0)


def slice_pair_kernels(
    library: FunctionLibrary,
    pairs: Sequence[tuple[SliceOperator, SliceOperator]],
    dimension_out: int,
    points: Float[Tensor, "points variables"],
    weights: Float[Tensor, " points"] | None = None,
    method: str | None = None,
) -> FunctionSpace:
    """All kernels in a library with T ∘ Q₀ = Q_T ∘ T, for every pair (Q₀, Q_T), T[F](x) = ∫ K(x, y) F(y) dy.

        Q_T K(·, y) − K Q₀†:  a_T(x) K − ξ_T(x)·∂ₓK − K a₀(y) − div ξ₀(y) K − ξ₀(y)·∂_yK = 0

    The input and the output slice may differ, as those of a solution operator do: translations and the Galilean pair
    (−y, −x − 2νT ∂ₓ) of the heat equation leave the multiples of e^{−(x−y)²/4νT} alone.

    Args:
        library: scalar functions of (x, y) together, fields that decay in y.
        pairs: (Q₀ at the input, Q_T at the output).
        dimension_out: n, the number of variables x; the others are y.
        points: (x, y), where the constraint is sampled.
        weights: of the points; 1 each by default.
        method: see `null_space`.

    Returns:
        Values of shape `(d_out, d_in)`.

    Raises:
        ValueError: for no pair, coefficients of other shapes, too few points, or a dimension that is not clear.
    """
    if not pairs:
        raise ValueError("Expected at least one pair (Q₀, Q_T), got none: without a constraint every kernel is left.")
    samples = Samples(library, points, weights)
    z = points.to(torch.float64)
    x, y = z[:, :dimension_out], z[:, dimension_out:]
    d_in, d_out = (_values(q, at).shape[-1] for q, at in zip(pairs[0], (y, x), strict=True))
    terms = []
    for start, end in pairs:
        one, other = torch.eye(d_out).to(z), torch.eye(d_in).to(z)
        field = torch.cat([_field(end, x), _field(start, y)], 1)
        right = _values(start, y).mT + start.divergence(y)[:, None, None] * other
        matrix = _kronecker(_values(end, x), other) - _kronecker(one, right)
        terms.append(Term(matrix, samples.values, samples.along(field), field))
    found = null_space(sampled_constraint(samples, d_out * d_in, terms), method)
    basis = found.basis.T.reshape(found.dimension, d_out, d_in, library.size) @ samples.orthonormal.T
    return FunctionSpace(library, basis, found)


def _values(operator: SliceOperator, points: Float[Tensor, "points n"]) -> Float[Tensor, "points d d"]:
    values = operator.matrix(points)
    if values.ndim != 3 or values.shape[0] != len(points) or values.shape[1] != values.shape[2]:
        raise ValueError(
            f"Expected a(x) of shape ({len(points)}, d, d), got {tuple(values.shape)}: a scalar is a 1 × 1 matrix."
        )
    return values


def _field(operator: SliceOperator, points: Float[Tensor, "points n"]) -> Float[Tensor, "points n"]:
    field = operator.field(points)
    if field.shape != points.shape:
        raise ValueError(f"Expected ξ(x) of shape {tuple(points.shape)}, got {tuple(field.shape)}: one vector a point.")
    return field


def _kronecker(left: Float[Tensor, "*k a a"], right: Float[Tensor, "*l b b"]) -> Float[Tensor, "points ab ab"]:
    product = torch.einsum("...ij,...kl->...ikjl", left, right)
    return product.flatten(-4, -3).flatten(-2, -1)
