"""Affine actions of a Lie algebra on state space, and the ways to put several of them together."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.group import MatrixGroup


@dataclass(frozen=True, eq=False)
class AffineAction:
    """Generators ξ₁ … ξ_q that move a state x ∈ Rⁿ along the fields θ_i(x) = A_i x + b_i.

    Attributes:
        linear: A_i, `(generators, n, n)`.
        shift: b_i, `(generators, n)`; zero for a representation.

    Raises:
        ValueError: for numbers of generators or sizes that do not fit together.
    """

    linear: Float[Tensor, "_ _ _"]
    shift: Float[Tensor, "_ _"]

    def __post_init__(self) -> None:
        generators, n, m = self.linear.shape
        if n != m or self.shift.shape != (generators, n):
            raise ValueError(
                f"Expected matrices (generators, n, n) and shifts (generators, n), got {tuple(self.linear.shape)} and "
                f"{tuple(self.shift.shape)}: give each generator one matrix and one shift, of zeros where it has none."
            )

    @property
    def generators(self) -> int:
        """q."""
        return len(self.linear)

    @property
    def dimension(self) -> int:
        """n."""
        return self.linear.shape[-1]

    def velocity(self, x: Float[Tensor, "points n"]) -> Float[Tensor, "generators points n"]:
        """A_i x + b_i, in the dtype and on the device of x."""
        return torch.einsum("qij,pj->qpi", self.linear.to(x), x) + self.shift.to(x).unsqueeze(1)

    def of_vectors(self) -> "AffineAction":
        """The same generators on vectors, such as velocities and momenta: A_i x, which no translation moves."""
        return AffineAction(self.linear, torch.zeros_like(self.shift))

    def on(self, coordinates: Sequence[int], dimension: int) -> "AffineAction":
        """The same generators on some coordinates of a larger state, the others at rest.

        Args:
            coordinates: n indices into the larger state.
            dimension: its size.

        Raises:
            ValueError: for indices that repeat, lie outside or are not n.
        """
        chosen = torch.tensor(list(coordinates), dtype=torch.long)
        if len(set(coordinates)) != self.dimension or not all(0 <= i < dimension for i in coordinates):
            raise ValueError(
                f"Expected {self.dimension} different coordinates in 0 … {dimension - 1}, got {list(coordinates)}: "
                "name one for each variable that the action moves."
            )
        linear = self.linear.new_zeros(self.generators, dimension, dimension)
        linear[:, chosen.unsqueeze(1), chosen] = self.linear
        shift = self.shift.new_zeros(self.generators, dimension)
        shift[:, chosen] = self.shift
        return AffineAction(linear, shift)

    def combined(self, coefficients: Float[Tensor, "combinations generators"]) -> "AffineAction":
        """The generators Σ_i c_{ki} ξ_i."""
        weights = coefficients.to(self.linear)
        return AffineAction(
            torch.einsum("kq,qij->kij", weights, self.linear), torch.einsum("kq,qi->ki", weights, self.shift)
        )

    def normalised(self) -> "AffineAction":
        """Each generator divided by the Frobenius norm of [A_i b_i]: the scale on which a nuclear norm weighs them.

        Raises:
            ValueError: for a generator that moves nothing.
        """
        norms = (self.linear.square().sum((1, 2)) + self.shift.square().sum(1)).sqrt()
        if bool((norms == 0).any()):
            raise ValueError("Expected generators that move something, got one with A = 0 and b = 0: leave it out.")
        return AffineAction(self.linear / norms[:, None, None], self.shift / norms[:, None])


def linear_action(group: MatrixGroup) -> AffineAction:
    """The generators of a group of n × n matrices on Rⁿ; discrete elements are left aside.

    `symmetric_fields` takes actions with discrete elements: those of `pdesym.symmetry.enforce.point_action`.
    """
    linear = group.lie_algebra
    return AffineAction(linear, linear.new_zeros(linear.shape[:2]))


def affine_action(group: MatrixGroup) -> AffineAction:
    """The generators of a group of matrices [[M, b], [0, 1]] of size n + 1, such as SE(n), on Rⁿ.

    Discrete elements are left aside, as in `linear_action`.

    Raises:
        ValueError: for generators whose last row is not zero.
    """
    matrices = group.lie_algebra
    if bool((matrices[:, -1] != 0).any()):
        raise ValueError(
            f"Expected generators [[A, b], [0, 0]] of affine maps, got {group.name} with another last row: take "
            "`linear_action` for a group that is not in homogeneous form."
        )
    return AffineAction(matrices[:, :-1, :-1], matrices[:, :-1, -1])


def side_by_side(actions: Sequence[AffineAction]) -> AffineAction:
    """The direct sum of actions of one algebra: the state is (x₁, x₂, …) and generator ξ_i moves all parts at once.

    Raises:
        ValueError: for actions with different numbers of generators.
    """
    if not actions or len({action.generators for action in actions}) > 1:
        raise ValueError(
            f"Expected actions of one algebra, got {[action.generators for action in actions]} generators: give the "
            "same generators in the same order in each."
        )
    linear = torch.stack([torch.block_diag(*parts) for parts in zip(*(a.linear for a in actions), strict=True)])
    return AffineAction(linear, torch.cat([action.shift for action in actions], 1))


def independent(actions: Sequence[AffineAction]) -> AffineAction:
    """The product of algebras that act on one state: the generators of all, one after the other.

    Raises:
        ValueError: for actions on states of different sizes.
    """
    if not actions or len({action.dimension for action in actions}) > 1:
        raise ValueError(
            f"Expected actions on one state, got sizes {[action.dimension for action in actions]}: place each in the "
            "whole state with `on`."
        )
    return AffineAction(
        torch.cat([action.linear for action in actions]), torch.cat([action.shift for action in actions])
    )
