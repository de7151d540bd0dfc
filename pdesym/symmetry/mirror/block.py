"""The entries of O that lie in one parameter: directions along an axis, repeated over the other axes."""

from dataclasses import dataclass, field
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Block:
    """Columns O_c = Σ_k value_k e_{index(c, k)} with entries in one parameter.

    Args:
        parameter: its name.
        shape: its shape.
        first: which coordinate of the mirror is the block's first.
    """

    parameter: str
    shape: tuple[int, ...]
    first: int

    @property
    def rank(self) -> int:
        """How many coordinates the block has."""
        raise NotImplementedError

    def entries(self, like: Tensor) -> tuple[Int[Tensor, "r k"], Float[Tensor, "#r k"]]:
        """Where the columns have entries in the flattened parameter, and which; device and dtype are those of like."""
        raise NotImplementedError

    def coordinates(self, θ: Float[Tensor, "..."]) -> Float[Tensor, " r"]:
        """The block's part of Oᵀθ."""
        index, value = self.entries(θ)
        return (θ.reshape(-1)[index] * value).sum(1)

    def lift(self, z: Float[Tensor, " r"]) -> Float[Tensor, "..."]:
        """The block's part of O z, in the parameter's shape."""
        index, value = self.entries(z)
        flat = z.new_zeros(prod(self.shape)).index_add(0, index.reshape(-1), (z[:, None] * value).reshape(-1))
        return flat.reshape(self.shape)


@dataclass(frozen=True, eq=False)
class Along(Block):
    """Directions n¹ ⊗ n² ⊗ … of some axes, one column for each index of the others.

    Args:
        view: how the parameter is read; its own shape, or one with axes split, as that of (heads · size).
        directions: axis of the view → (positions, values): n has these values at these positions and is 0 elsewhere.
        at: axis of the view → the positions that are taken of it, of the axes of which not all are.
    """

    view: tuple[int, ...]
    directions: dict[int, tuple[Int[Tensor, " k"], Float[Tensor, " k"]]]
    at: dict[int, Int[Tensor, " m"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if prod(self.view) != prod(self.shape):
            raise ValueError(f"Expected a view of {self.parameter}, {self.shape}, with as many entries: {self.view}.")
        for axis in (*self.directions, *self.at):
            if not 0 <= axis < len(self.view):
                raise ValueError(
                    f"Expected an axis of {self.parameter} from 0 to {len(self.view) - 1}, got {axis}: count from 0."
                )
        for axis, positions in [(a, d[0]) for a, d in self.directions.items()] + list(self.at.items()):
            if bool(((positions < 0) | (positions >= self.view[axis])).any()):
                raise ValueError(
                    f"Expected positions from 0 to {self.view[axis] - 1} along axis {axis} of {self.parameter}, got "
                    f"{positions.tolist()}."
                )

    @property
    def rank(self) -> int:
        """How many coordinates the block has."""
        sizes = {axis: len(positions) for axis, positions in self.at.items()}
        return prod(sizes.get(axis, size) for axis, size in enumerate(self.view) if axis not in self.directions)

    def entries(self, like: Tensor) -> tuple[Int[Tensor, "r k"], Float[Tensor, "#r k"]]:
        """Where the columns have entries in the flattened parameter, and which."""
        device = like.device
        columns = entries = torch.zeros(1, dtype=torch.int64, device=device)
        values = torch.ones(1, dtype=like.dtype, device=device)
        for axis, size in enumerate(self.view):
            stride = prod(self.view[axis + 1 :])
            if axis in self.directions:
                positions, n = self.directions[axis]
                entries = (entries[:, None] + positions.to(device) * stride).reshape(-1)
                values = (values[:, None] * n.to(like)).reshape(-1)
            else:
                positions = self.at[axis].to(device) if axis in self.at else torch.arange(size, device=device)
                columns = (columns[:, None] + positions * stride).reshape(-1)
        return columns[:, None] + entries, values[None]


@dataclass(frozen=True, eq=False)
class Rows(Block):
    """Columns of a matrix that was given: the rows of O that belong to the parameter."""

    matrix: Float[Tensor, "entries r"]

    @property
    def rank(self) -> int:
        """How many coordinates the block has."""
        return self.matrix.shape[1]

    def coordinates(self, θ: Float[Tensor, "..."]) -> Float[Tensor, " r"]:
        """The block's part of Oᵀθ."""
        return θ.reshape(-1) @ self.matrix.to(θ)

    def lift(self, z: Float[Tensor, " r"]) -> Float[Tensor, "..."]:
        """The block's part of O z."""
        return (self.matrix.to(z) @ z).reshape(self.shape)
