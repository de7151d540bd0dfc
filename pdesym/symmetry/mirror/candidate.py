"""Candidate symmetries of a weight: the projection onto the weights that have one, however it is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.null_space import LinearConstraint, null_space


@dataclass(frozen=True, eq=False)
class CandidateSymmetry:
    """A symmetry that a weight W may have, by the orthogonal projection onto the subspace of those that have it.

    Args:
        name: for reports.
        kept: W ↦ the nearest W that has the symmetry, linear, in the shape, dtype and on the device of W.
    """

    name: str
    kept: Callable[[Float[Tensor, "..."]], Float[Tensor, "..."]]

    def broken(self, weight: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """O Oᵀ W, the part of W that violates the symmetry."""
        return weight - self.kept(weight)

    def violation(self, weight: Float[Tensor, "..."]) -> float:
        """‖OᵀW‖/‖W‖, dimensionless; 0 for W = 0."""
        size = float(weight.detach().norm())
        return float(self.broken(weight.detach()).norm()) / size if size else 0.0


def averaged(name: str, actions: Sequence[Callable[[Float[Tensor, "..."]], Float[Tensor, "..."]]]) -> CandidateSymmetry:
    """The symmetry under a finite group: W ↦ the mean of ρ(g) W over its elements.

    Args:
        name: for reports.
        actions: ρ(g) of every element g, the identity included; orthogonal maps.

    Raises:
        ValueError: for no actions.
    """
    if not actions:
        raise ValueError(f"Expected the elements of the group of {name}, got none: give the identity at least.")

    def kept(weight: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        total = actions[0](weight)
        for action in actions[1:]:
            total = total + action(weight)
        return total / len(actions)

    return CandidateSymmetry(name, kept)


def constrained_by(name: str, constraint: LinearConstraint) -> CandidateSymmetry:
    """The symmetry that a constraint C W = 0 of `enforce` says, of W flattened row by row.

    Raises:
        ValueError: when the null space of C is not clear.
    """
    basis = null_space(constraint).basis

    def kept(weight: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        columns = basis.to(weight)
        return (columns @ (columns.T @ weight.reshape(-1))).reshape(weight.shape)

    return CandidateSymmetry(name, kept)


def cyclic_matrices(points: int) -> CandidateSymmetry:
    """W that commute with shifts of a periodic grid, (points, points): circulant matrices.

    Raises:
        ValueError: for no points; of what it gives, for a weight of another shape.
    """
    _require_points(points)

    def kept(weight: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        _require_square(weight, points)
        row = torch.arange(points, device=weight.device)
        column = (row[:, None] + row) % points  # of entry (row, row + offset), by row and offset
        means = weight.gather(1, column).mean(0)
        circulant = means[(row - row[:, None]) % points]
        return circulant

    return CandidateSymmetry("translation", kept)


def even_matrices(points: int) -> CandidateSymmetry:
    """W that commute with the reflection x ↦ −x of a periodic grid, W_{−i,−j} = W_ij, (points, points).

    Errors as of `cyclic_matrices`.
    """
    _require_points(points)

    def reflected(weight: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        _require_square(weight, points)
        back = (-torch.arange(points, device=weight.device)) % points
        return weight[back][:, back]

    return averaged("reflection", (lambda weight: weight, reflected))


def real_multipliers() -> CandidateSymmetry:
    """Spectral weights (…, (real part, imaginary part)) that commute with x ↦ −x on a line: real ones."""

    def kept(weight: Float[Tensor, "... 2"]) -> Float[Tensor, "... 2"]:
        return torch.stack((weight[..., 0], torch.zeros_like(weight[..., 1])), -1)

    return CandidateSymmetry("reflection", kept)


def _require_points(points: object) -> None:
    if not isinstance(points, int) or isinstance(points, bool) or points < 1:
        raise ValueError(f"Expected the number of points of a grid, at least 1, got {points!r}.")


def _require_square(weight: Tensor, points: int) -> None:
    if tuple(weight.shape) != (points, points):
        raise ValueError(
            f"Expected a weight of shape {(points, points)}, got {tuple(weight.shape)}: make one for its grid."
        )
