"""The turns and mirrors that a square grid has."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class PlaneGroup:
    """The symmetries of a square grid that fix its point 0, as signed permutation matrices of (x, y).

    "p4" holds the quarter turns rʲ, r: (x, y) → (−y, x); "p4m" the mirror images rʲ s too, s: (x, y) → (x, −y). Element
    4 m + j is rʲ sᵐ. The names are those of the plane groups that these elements make with the translations.

    Args:
        name: "p4" or "p4m".

    Raises:
        ValueError: for another name.
    """

    ORDERS: ClassVar[dict[str, int]] = {"p4": 4, "p4m": 8}

    name: str

    def __post_init__(self) -> None:
        if self.name not in self.ORDERS:
            names = ", ".join(self.ORDERS)
            raise ValueError(f"Expected the group to be one of {names}, got {self.name!r}: choose one of these.")

    @property
    def order(self) -> int:
        """Number of elements."""
        return self.ORDERS[self.name]

    @cached_property
    def matrices(self) -> Int[Tensor, "order 2 2"]:
        """g, as it moves points."""
        turn, mirror = torch.tensor([[0, -1], [1, 0]]), torch.tensor([[1, 0], [0, -1]])
        turns = [torch.linalg.matrix_power(turn.double(), j).long() for j in range(4)]
        return torch.stack([r @ m for m in (torch.eye(2, dtype=torch.long), mirror) for r in turns][: self.order])

    @cached_property
    def quotients(self) -> Int[Tensor, "order order"]:
        """At [g, h] the element g⁻¹h."""
        products = torch.einsum("gba,hbc->ghac", self.matrices, self.matrices)
        same = (products[:, :, None] == self.matrices).all(-1).all(-1)
        return same.long().argmax(-1)
