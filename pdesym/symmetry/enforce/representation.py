"""Representations as values: V * W, V + W, 3 * V, V.dual."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.exponential import exponential
from pdesym.symmetry.enforce.group import MatrixGroup, Word


@dataclass(frozen=True, eq=False)
class Representation(ABC):
    """A linear action ρ of a group on R^d, with dρ its derivative at the identity.

    `V + W` is the direct sum, `3 * V` is V + V + V, `V * W` the tensor product (coordinates row by row: entry (a, b)
    of a matrix at a dim W + b; sums on the left are multiplied out), `V.dual` is ρ(g)⁻ᵀ. Linear maps from V to W are
    the vectors of `W * V.dual`.
    Equal expressions of one group are equal values.
    """

    group: MatrixGroup

    @property
    @abstractmethod
    def dimension(self) -> int:
        """d."""

    @property
    @abstractmethod
    def dual(self) -> "Representation":
        """ρ(g)⁻ᵀ."""

    @property
    def parts(self) -> "tuple[Representation, ...]":
        """The summands of a direct sum; of anything else itself alone."""
        return (self,)

    @abstractmethod
    def drho(self, i: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """dρ(Aᵢ) x for the i-th generator of the group, or its transpose applied to x."""

    @abstractmethod
    def rho(self, j: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """ρ(g_j) x for the j-th discrete element of the group, or its transpose applied to x."""

    @abstractmethod
    def matrix(self, word: Word) -> Float[Tensor, "d d"]:
        """ρ(g) of the element that a word spells, dense."""

    @abstractmethod
    def size(self, i: int) -> float:
        """A bound on the spectral norm of dρ(Aᵢ)."""

    def generators(self) -> Float[Tensor, "q d d"]:
        """dρ of all generators, dense."""
        eye = torch.eye(self.dimension).to(self.group.lie_algebra)
        images = [self.drho(i, eye) for i in range(len(self.group.lie_algebra))]
        return torch.stack(images) if images else eye.new_zeros(0, self.dimension, self.dimension)

    def discrete(self) -> Float[Tensor, "k d d"]:
        """ρ of all discrete elements, dense."""
        eye = torch.eye(self.dimension).to(self.group.lie_algebra)
        images = [self.rho(j, eye) for j in range(len(self.group.discrete))]
        return torch.stack(images) if images else eye.new_zeros(0, self.dimension, self.dimension)

    def __add__(self, other: "Representation") -> "Representation":
        _require_one_group(self, other)
        return Sum(self.group, (*self.parts, *other.parts))

    def __mul__(self, other: "Representation") -> "Representation":
        _require_one_group(self, other)
        products = tuple(Product(self.group, part, other) for part in self.parts)
        return products[0] if len(products) == 1 else Sum(self.group, products)

    def __rmul__(self, multiple: int) -> "Representation":
        if multiple < 1:
            raise ValueError(
                f"Expected a positive multiple of a representation, got {multiple}: leave the summand out."
            )
        return self if multiple == 1 else Sum(self.group, self.parts * multiple)

    def __hash__(self) -> int:
        return hash((type(self), self.dimension))


@dataclass(frozen=True, eq=False)
class Base(Representation):
    """A representation given by its matrices."""

    lie_images: Float[Tensor, "q d d"]
    discrete_images: Float[Tensor, "k d d"]
    name: str = "representation"

    @property
    def dimension(self) -> int:
        """d."""
        return self.discrete_images.shape[-1]

    @property
    def dual(self) -> Representation:
        """ρ(g)⁻ᵀ."""
        inverses = torch.linalg.inv(self.discrete_images).mT
        return Base(self.group, -self.lie_images.mT, inverses, f"dual {self.name}")

    def drho(self, i: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """dρ(Aᵢ) x."""
        return _like(self.lie_images[i], x, transpose) @ x

    def rho(self, j: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """ρ(g_j) x."""
        return _like(self.discrete_images[j], x, transpose) @ x

    def matrix(self, word: Word) -> Float[Tensor, "d d"]:
        """ρ(g), the product of matrix exponentials and discrete images."""
        total = torch.eye(self.dimension).to(self.group.lie_algebra)
        for factor in word:
            if isinstance(factor, int):
                total = total @ self.discrete_images[factor]
            else:
                total = total @ exponential(torch.einsum("q,qab->ab", factor, self.lie_images))
        return total

    def size(self, i: int) -> float:
        """The spectral norm of dρ(Aᵢ)."""
        return float(torch.linalg.matrix_norm(self.lie_images[i], 2))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Base)
            and self.group.same_as(other.group)
            and torch.equal(self.lie_images, other.lie_images)
            and torch.equal(self.discrete_images, other.discrete_images)
        )

    __hash__ = Representation.__hash__

    def __repr__(self) -> str:
        return f"{self.name} of {self.group.name}"


@dataclass(frozen=True, eq=False)
class Sum(Representation):
    """A direct sum of representations that are no sums."""

    summands: tuple[Representation, ...]

    @property
    def dimension(self) -> int:
        """The sum of the dimensions."""
        return sum(part.dimension for part in self.summands)

    @property
    def dual(self) -> Representation:
        """The sum of the duals."""
        return Sum(self.group, tuple(part.dual for part in self.summands))

    @property
    def parts(self) -> tuple[Representation, ...]:
        """The summands."""
        return self.summands

    def drho(self, i: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """dρ(Aᵢ) x, part by part."""
        return torch.cat([part.drho(i, y, transpose) for part, y in self._split(x)])

    def rho(self, j: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """ρ(g_j) x, part by part."""
        return torch.cat([part.rho(j, y, transpose) for part, y in self._split(x)])

    def matrix(self, word: Word) -> Float[Tensor, "d d"]:
        """The block-diagonal matrix of the parts."""
        block: Tensor = torch.block_diag(*(part.matrix(word) for part in self.summands))
        return block

    def size(self, i: int) -> float:
        """The largest of the parts."""
        return max(part.size(i) for part in self.summands)

    def _split(self, x: Float[Tensor, "d m"]) -> list[tuple[Representation, Tensor]]:
        sizes = [part.dimension for part in self.summands]
        return list(zip(self.summands, x.split(sizes), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and self.summands == other.summands

    __hash__ = Representation.__hash__

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.summands))


@dataclass(frozen=True, eq=False)
class Product(Representation):
    """A tensor product; dρ is the Kronecker sum dρ₁ ⊗ 1 + 1 ⊗ dρ₂, which is never formed to be applied."""

    left: Representation
    right: Representation

    @property
    def dimension(self) -> int:
        """The product of the dimensions."""
        return math.prod((self.left.dimension, self.right.dimension))

    @property
    def dual(self) -> Representation:
        """The product of the duals."""
        return Product(self.group, self.left.dual, self.right.dual)

    def drho(self, i: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """(dρ₁ ⊗ 1 + 1 ⊗ dρ₂) x."""
        left = self.left.drho(i, self._left_form(x), transpose)
        right = self.right.drho(i, self._right_form(x), transpose)
        return left.reshape(x.shape) + self._from_right_form(right, x.shape[1])

    def rho(self, j: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """(ρ₁ ⊗ ρ₂) x."""
        moved = self.left.rho(j, self._left_form(x), transpose).reshape(x.shape)
        return self._from_right_form(self.right.rho(j, self._right_form(moved), transpose), x.shape[1])

    def matrix(self, word: Word) -> Float[Tensor, "d d"]:
        """The Kronecker product."""
        return torch.kron(self.left.matrix(word), self.right.matrix(word))

    def size(self, i: int) -> float:
        """The sum of the factors'."""
        return self.left.size(i) + self.right.size(i)

    def _left_form(self, x: Float[Tensor, "d m"]) -> Float[Tensor, "left rest"]:
        return x.reshape(self.left.dimension, -1)

    def _right_form(self, x: Float[Tensor, "d m"]) -> Float[Tensor, "right rest"]:
        separate = x.reshape(self.left.dimension, self.right.dimension, -1)
        return separate.transpose(0, 1).reshape(self.right.dimension, -1)

    def _from_right_form(self, x: Float[Tensor, "right rest"], columns: int) -> Float[Tensor, "d m"]:
        separate = x.reshape(self.right.dimension, self.left.dimension, columns)
        return separate.transpose(0, 1).reshape(self.dimension, columns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Product) and self.left == other.left and self.right == other.right

    __hash__ = Representation.__hash__

    def __repr__(self) -> str:
        return f"({self.left!r}) * ({self.right!r})"


def _like(matrix: Float[Tensor, "d d"], x: Tensor, transpose: bool) -> Float[Tensor, "d d"]:
    return (matrix.T if transpose else matrix).to(x)


def _require_one_group(one: Representation, other: Representation) -> None:
    if not one.group.same_as(other.group):
        raise ValueError(
            f"Expected representations of one group, got {one.group.name} and {other.group.name}: build both from one "
            "MatrixGroup."
        )
