"""How a group moves points."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.group import MatrixGroup, Word
from pdesym.symmetry.enforce.representation import Base, Representation


@dataclass(frozen=True, eq=False)
class PointAction:
    """Affine motions of points x of R^n: velocity Aᵢ x + bᵢ for each generator, P_j x + s_j for each discrete element.

    Args:
        group: what acts.
        linear: A, `(q, n, n)`.
        shift: b, `(q, n)`, in the unit of x.
        discrete: P, `(k, n, n)`.
        discrete_shift: s, `(k, n)`, in the unit of x.
    """

    group: MatrixGroup
    linear: Float[Tensor, "q n n"]
    shift: Float[Tensor, "q n"]
    discrete: Float[Tensor, "k n n"]
    discrete_shift: Float[Tensor, "k n"]

    @property
    def dimension(self) -> int:
        """n."""
        return self.discrete.shape[-1]

    @property
    def density(self) -> Representation:
        """The factor by which dx shrinks, on R: generators −tr Aᵢ, discrete elements 1/|det P_j|."""
        lie = -torch.einsum("qaa->q", self.linear)[:, None, None]
        return self.group.representation(lie, 1 / torch.linalg.det(self.discrete).abs()[:, None, None], "density")

    def joint(self, other: "PointAction") -> "PointAction":
        """The action on pairs (x, y)."""
        n, m = self.dimension, other.dimension
        pad = torch.nn.functional.pad
        return PointAction(
            self.group,
            pad(self.linear, (0, m, 0, m)) + pad(other.linear, (n, 0, n, 0)),
            torch.cat([self.shift, other.shift], 1),
            pad(self.discrete, (0, m, 0, m)) + pad(other.discrete, (n, 0, n, 0)),
            torch.cat([self.discrete_shift, other.discrete_shift], 1),
        )

    def inverses(self) -> tuple[Float[Tensor, "k n n"], Float[Tensor, "k n"]]:
        """The discrete elements backwards: x ↦ P⁻¹ x − P⁻¹ s."""
        inverse = torch.linalg.inv(self.discrete)
        return inverse, -torch.einsum("kab,kb->ka", inverse, self.discrete_shift)

    def affine(self, word: Word) -> tuple[Float[Tensor, "n n"], Float[Tensor, " n"]]:
        """The matrix and the shift of the element that a word spells."""
        n = self.dimension
        lie = torch.nn.functional.pad(torch.cat([self.linear, self.shift[:, :, None]], 2), (0, 0, 0, 1))
        discrete = torch.nn.functional.pad(torch.cat([self.discrete, self.discrete_shift[:, :, None]], 2), (0, 0, 0, 1))
        discrete[:, n, n] = 1.0
        total = Base(self.group, lie, discrete).matrix(word)
        return total[:n, :n], total[:n, n]


def linear_action(representation: Representation) -> PointAction:
    """x ↦ ρ(g) x."""
    lie, discrete = representation.generators(), representation.discrete()
    n = representation.dimension
    return PointAction(representation.group, lie, lie.new_zeros(len(lie), n), discrete, lie.new_zeros(len(discrete), n))


def affine_action(group: MatrixGroup) -> PointAction:
    """x ↦ R x + b for a group of matrices [[R, b], [0, 1]], such as SE(n).

    Raises:
        ValueError: for a group with other matrices.
    """
    lie, discrete, n = group.lie_algebra, group.discrete, group.dimension - 1
    _require_homogeneous(group)
    return PointAction(group, lie[:, :n, :n], lie[:, :n, n], discrete[:, :n, :n], discrete[:, :n, n])


def directions(group: MatrixGroup) -> Representation:
    """How vectors at a point turn under a group of matrices [[R, b], [0, 1]]: by R.

    Raises:
        ValueError: for a group with other matrices.
    """
    _require_homogeneous(group)
    n = group.dimension - 1
    return group.representation(group.lie_algebra[:, :n, :n], group.discrete[:, :n, :n], "directions")


def _require_homogeneous(group: MatrixGroup) -> None:
    last = torch.zeros(group.dimension).to(group.discrete)
    lie_fits = bool((group.lie_algebra[:, -1] == last).all())
    last[-1] = 1.0
    if not lie_fits or not bool((group.discrete[:, -1] == last).all()):
        raise ValueError(
            f"Expected matrices [[R, b], [0, 1]] and generators [[A, b], [0, 0]], got {group.name}: take "
            "linear_action of a representation, or a group such as special_euclidean(n)."
        )
