"""Constraints on combinations of given functions, at sample points."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.null_space import LinearConstraint
from pdesym.symmetry.enforce.point_action import PointAction
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.functions import FunctionLibrary

_INDEPENDENT = 1e-8


@dataclass(frozen=True, eq=False)
class Samples:
    """Sample points with weights: ⟨F, G⟩ = (1/M) Σ_k w_k F(x_k)·G(x_k) (Otto et al., JMLR 26(248), 2025, eq. 39).

    Args:
        library: scalar functions.
        points: x_k, at least as many as functions, and so placed that no combination of functions vanishes on them all.
        weights: w_k ≥ 0; 1 each by default.

    Raises:
        ValueError: for weights that do not fit, or functions that are linearly dependent on the points.
    """

    library: FunctionLibrary
    points: Float[Tensor, "points variables"]
    weights: Float[Tensor, " points"] | None = None

    def __post_init__(self) -> None:
        if self.weights is not None and (
            self.weights.shape != self.points.shape[:1] or not bool((self.weights >= 0).all())
        ):
            raise ValueError(
                f"Expected {len(self.points)} weights that are not negative, got {tuple(self.weights.shape)}, the "
                f"smallest {float(self.weights.min()):.1e}: give one for each point."
            )
        values = torch.linalg.svdvals(self.values / self.values.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny))
        if len(self.points) < self.library.size or bool(values[-1] <= _INDEPENDENT * values[0]):
            raise ValueError(
                f"Expected {self.library.size} functions that are independent on the points, got {len(self.points)} "
                f"points and a relative singular value of {float(values[-1] / values[0]):.1e}: give more points, or "
                "leave out functions."
            )

    @cached_property
    def roots(self) -> Float[Tensor, "points 1"]:
        """√(w_k/M), by which rows are weighted."""
        weights = torch.ones_like(self.points[:, 0]) if self.weights is None else self.weights
        return (weights.to(torch.float64) / len(self.points)).sqrt()[:, None]

    @cached_property
    def values(self) -> Float[Tensor, "points size"]:
        """D(x_k) √(w_k/M), float64."""
        return self.library.evaluate(self.points.to(torch.float64)) * self.roots

    def at(self, points: Float[Tensor, "points variables"]) -> Float[Tensor, "points size"]:
        """The functions at other points with the weights of these."""
        return self.library.evaluate(points.to(torch.float64)) * self.roots

    def along(self, field: Float[Tensor, "points variables"]) -> Float[Tensor, "points size"]:
        """∇D(x_k) · field_k √(w_k/M)."""
        return torch.einsum("kpn,kn->kp", self.gradients, field)

    @cached_property
    def gradients(self) -> Float[Tensor, "points size variables"]:
        """∇D(x_k) √(w_k/M), float64."""
        return self.library.jacobian(self.points.to(torch.float64)) * self.roots[:, :, None]

    @cached_property
    def orthonormal(self) -> Float[Tensor, "size size"]:
        """T with D T orthonormal for ⟨·,·⟩, upper triangular with a positive diagonal."""
        _, r = torch.linalg.qr(self.values)
        r = r * r.diagonal().sign()[:, None]
        eye = torch.eye(self.library.size).to(r)
        transform: Tensor = torch.linalg.solve_triangular(r, eye, upper=True)
        return transform


@dataclass(frozen=True, eq=False)
class Term:
    """(L F)(x_k) = Z_k F(x_k) − F′(x_k) with F = C D: one block of rows Z_k C D_k − C D′_k.

    Where D′ is a derivative along a field, `field` says so, since it can vanish by cancellation.
    """

    matrix: Float[Tensor, "points d d"]
    values: Float[Tensor, "points size"]
    subtracted: Float[Tensor, "points size"]
    field: Float[Tensor, "points variables"] | None = None

    def size(self, transform: Float[Tensor, "size size"], gradients: Float[Tensor, "points size variables"]) -> float:
        """A bound on ‖L F‖ without cancellation, for coefficients of norm 1 in the functions D T."""
        norm = torch.linalg.vector_norm
        parts = torch.linalg.matrix_norm(self.matrix) * norm(self.values @ transform, dim=1)
        if self.field is None:
            return float(norm(parts) + norm(self.subtracted @ transform))
        slopes = norm(torch.einsum("kpn,pq->kqn", gradients, transform), dim=(1, 2))
        return float(norm(parts) + norm(slopes * norm(self.field, dim=1)))


def sampled_constraint(samples: Samples, d: int, terms: list[Term]) -> LinearConstraint:
    """All terms vanish, for the coefficients `(d, size)` of F in the orthonormal functions D T, flattened."""
    size, points, transform = samples.library.size, len(samples.points), samples.orthonormal
    whitened = [Term(term.matrix, term.values @ transform, term.subtracted @ transform) for term in terms]

    def apply(x: Float[Tensor, "n m"]) -> Float[Tensor, "rows m"]:
        c = x.reshape(d, size, -1)
        rows = []
        for term in whitened:
            f = torch.einsum("apm,kp->kam", c, term.values.to(x))
            moved = torch.einsum("kab,kbm->kam", term.matrix.to(x), f)
            rows.append((moved - torch.einsum("apm,kp->kam", c, term.subtracted.to(x))).flatten(0, 1))
        return torch.cat(rows) if rows else x.new_zeros(0, x.shape[1])

    def adjoint(y: Float[Tensor, "rows m"]) -> Float[Tensor, "n m"]:
        total = y.new_zeros(d, size, y.shape[1])
        for term, rows in zip(whitened, y.split(points * d), strict=True):
            r = rows.reshape(points, d, -1)
            turned = torch.einsum("kab,kam->kbm", term.matrix, r)
            total = total + torch.einsum("kbm,kp->bpm", turned, term.values)
            total = total - torch.einsum("kam,kp->apm", r, term.subtracted)
        return total.flatten(0, 1)

    sizes = tuple(term.size(transform, samples.gradients) for term in terms)
    return LinearConstraint(d * size, apply, adjoint, max(sizes, default=0.0), sizes, samples.points.device)


def group_terms(samples: Samples, action: PointAction, representation: Representation) -> list[Term]:
    """L_ξ F for all generators, and K_g F − F for all discrete elements, (K_g F)(x) = ρ(g) F(g⁻¹ x)."""
    x, count = samples.points.to(torch.float64), len(samples.points)
    terms = []
    for psi, linear, shift in zip(representation.generators(), action.linear, action.shift, strict=True):
        velocity = x @ linear.T + shift
        terms.append(Term(psi.expand(count, -1, -1), samples.values, samples.along(velocity), velocity))
    for psi, linear, shift in zip(representation.discrete(), *action.inverses(), strict=True):
        terms.append(Term(psi.expand(count, -1, -1), samples.at(x @ linear.T + shift), samples.values))
    return terms
