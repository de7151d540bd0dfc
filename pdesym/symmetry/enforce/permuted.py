"""Representations by permutations too large for matrices."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.group import Word
from pdesym.symmetry.enforce.representation import Representation


@dataclass(frozen=True, eq=False)
class Permuted(Representation):
    """The discrete element g_j moves entry i to entry images[j][i]; the generators do nothing."""

    images: tuple[Tensor, ...]
    count: int

    @property
    def dimension(self) -> int:
        """The number of entries."""
        return self.count

    @property
    def dual(self) -> Representation:
        """The same: permutations are orthogonal."""
        return self

    def drho(self, i: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """0."""
        return torch.zeros_like(x)

    def rho(self, j: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """The entries in their new places."""
        index = self.images[j].to(x.device)
        return x[index] if transpose else x[index.argsort()]

    def matrix(self, word: Word) -> Float[Tensor, "d d"]:
        """The permutation matrix."""
        total = torch.eye(self.dimension).to(self.group.lie_algebra)
        for factor in reversed(word):
            total = self.rho(factor, total) if isinstance(factor, int) else total
        return total

    def size(self, i: int) -> float:
        """0."""
        return 0.0

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = Representation.__hash__
