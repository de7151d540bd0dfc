"""Vectors that a representation leaves alone, and linear maps that commute with a group."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.null_space import LinearConstraint, NullSpace, null_space
from pdesym.symmetry.enforce.representation import Representation


def invariance(representation: Representation) -> LinearConstraint:
    """The constraint dρ(Aᵢ) v = 0 for all generators and ρ(g_j) v − v = 0 for all discrete elements."""
    group, d = representation.group, representation.dimension
    q, k = len(group.lie_algebra), len(group.discrete)
    sizes = [representation.size(i) for i in range(q)] + [2.0] * k

    def apply(x: Float[Tensor, "d m"]) -> Float[Tensor, "rows m"]:
        rows = [representation.drho(i, x) for i in range(q)]
        rows += [representation.rho(j, x) - x for j in range(k)]
        return torch.cat(rows) if rows else x.new_zeros(0, x.shape[1])

    def adjoint(y: Float[Tensor, "rows m"]) -> Float[Tensor, "d m"]:
        total = y.new_zeros(d, y.shape[1])
        for number, rows in enumerate(y.split(d)):
            if number < q:
                total = total + representation.drho(number, rows, transpose=True)
            else:
                total = total + representation.rho(number - q, rows, transpose=True) - rows
        return total

    return LinearConstraint(d, apply, adjoint, max(sizes, default=0.0), tuple(sizes), group.lie_algebra.device)


def invariant_vectors(representation: Representation, method: str | None = None, seed: int = 0) -> NullSpace:
    """An orthonormal basis of {v : ρ(g) v = v for all g}.

    Args:
        representation: ρ.
        method: see `null_space`.
        seed: see `null_space`.

    Raises:
        ValueError: when the dimension is not clear.

    Source: Finzi, Welling and Wilson, A Practical Method for Constructing Equivariant Multilayer Perceptrons (ICML
    2021), theorem 1; Otto, Zolman, Kutz and Brunton (JMLR 26(248), 2025), §6.1.
    """
    return null_space(invariance(representation), method, seed=seed)


def equivariant_maps(
    rep_in: Representation, rep_out: Representation, method: str | None = None, seed: int = 0
) -> Float[Tensor, "r d_out d_in"]:
    """A basis of {W : ρ_out(g) W = W ρ_in(g) for all g}, orthonormal for the trace of W₁ᵀ W₂.

    W is an invariant vector of `rep_out * rep_in.dual`: dρ_out(Aᵢ) W − W dρ_in(Aᵢ) = 0.

    Raises:
        ValueError: for representations of different groups, or when the dimension is not clear.
    """
    found = invariant_vectors(rep_out * rep_in.dual, method, seed)
    return found.basis.T.reshape(-1, rep_out.dimension, rep_in.dimension)
