"""Differentiable constraints by symmetry: θ = (I − O Oᵀ) w + O (u ⊙ v); descent finds which of Oᵀθ are 0."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pdesym.symmetry.mirror.block import Block
from pdesym.symmetry.mirror.constraint import Constraint, owner_of
from pdesym.symmetry.mirror.kinds import Elementwise, Kind, LowRank
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry


class Reparametrised(Constraint):
    """One tensor θ as (I − O Oᵀ) w + O z with z = Oᵀθ a product of factors; without a mirror O = I and θ = z.

    w is free; its part along O has no effect. The originals are (w, *factors), without a mirror the factors alone.

    Args:
        kind: of the product.
        shape: of z.
        size: of the factors where z = 0 (`Kind.factors`).
        mirror: O; None for the identity.
        name: of the tensor, by which the mirror knows it.
    """

    def __init__(self, kind: Kind, shape: Sequence[int], size: float, mirror: MirrorSymmetry | None, name: str):
        super().__init__()
        self.kind, self.shape, self.size = kind, tuple(shape), size
        self.mirror, self.name = mirror, name

    @property
    def free(self) -> int:
        """1 with a mirror, else 0."""
        return int(self.mirror is not None)

    def forward(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """θ, in the dtype of the factors also under autocast."""
        with torch.autocast(originals[0].device.type, enabled=False):
            return self._placed(self.kind.compose(originals[self.free :], self.shape), originals)

    def right_inverse(self, theta: Float[Tensor, "..."]) -> tuple[Float[Tensor, "..."], ...]:
        """Originals that give θ: bit for bit without a mirror, else to rounding."""
        z = self._coordinates(theta)
        units = self.kind.units(z)
        self.scale.copy_(units.max())
        factors = self.kind.factors(z, self.size)
        return factors if self.mirror is None else (theta - self._lifted(z), *factors)

    def units(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The sizes of the units of z."""
        return self.kind.units(self.kind.compose(originals[self.free :], self.shape))

    def without(self, gone: Bool[Tensor, "..."], *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """θ with some units of z exactly 0."""
        return self._placed(self.kind.without(self.kind.compose(originals[self.free :], self.shape), gone), originals)

    def cost(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """The norm of z."""
        return self.kind.cost(self.kind.compose(originals[self.free :], self.shape))

    def extra_repr(self) -> str:
        """The kind, and the parameter if a mirror says which part, for print and the identity of a training run."""
        mirror = "" if self.mirror is None else f", mirror={self.mirror.name}"
        return f"{self.kind}{mirror}"

    def _coordinates(self, theta: Tensor) -> Tensor:
        return theta if self.mirror is None else self.mirror.coordinates({self.name: theta}).reshape(self.shape)

    def _lifted(self, z: Tensor) -> Tensor:
        return z if self.mirror is None else self.mirror.lift(z.reshape(-1))[self.name]

    def _placed(self, z: Tensor, originals: tuple[Tensor, ...]) -> Tensor:
        if self.mirror is None:
            return z
        return originals[0] + self._lifted(z - self._coordinates(originals[0]))


def constrain(
    module: nn.Module,
    name: str,
    kind: Kind,
    mirror: MirrorSymmetry | None = None,
    shape: Sequence[int] | None = None,
    size: float = 1.0,
) -> nn.Module:
    """Puts a parameter of a module under a constraint, in place: its function stays what it is.

    Train with a decay of the factors: `optimiser_groups` for SGD, where weight decay is exact, or `ConstraintPenalty`
    in the loss for Adam; the plain decay of AdamW is no norm of the factors. Units of Oᵀθ that the data do not need
    then decay as exp(−rate · t), and `remove` makes them exact zeros. Make the optimiser after this call, since the
    parameters are other ones.

    Args:
        module: the network.
        name: of the parameter, as in `named_parameters`.
        kind: what vanishes: `Elementwise()`, `Grouped(over)`, `LowRank(rows, columns)`.
        mirror: O, of this parameter alone; None for the identity, all entries of the parameter.
        shape: how to read Oᵀθ, `(r,)` by default; without a mirror the parameter's own.
        size: of the factors where Oᵀθ = 0, dimensionless, positive. At 1 training begins as it would without; smaller,
            it is slower at small weights, and units vanish sooner.

    Raises:
        ValueError: for no such parameter, a complex one, one that is constrained already, a mirror that touches others,
            one that is not finite, no kind, or a shape or axes that do not fit.

    Source: Ziyin, Symmetry Induces Structure and Constraint of Learning (ICML 2024), equation 8.
    """
    owner, attribute = owner_of(module, name)
    theta = owner.get_parameter(attribute)
    require_kind(kind)
    if not bool(theta.detach().isfinite().all()):
        raise ValueError(f"Expected a finite parameter {name}, got others in it: nothing can be factored.")
    if isinstance(kind, LowRank) and theta.dtype in (torch.float16, torch.bfloat16):
        raise ValueError(
            f"Expected float32 or float64 for LowRank, got {name} of {theta.dtype}, of which torch has no singular "
            "values: convert the module with .float()."
        )
    if mirror is not None and tuple(mirror.names) != (name,):
        raise ValueError(
            f"Expected a mirror of {name} alone, got one of {', '.join(mirror.names)}: constrain_mirror "
            "takes mirrors of several parameters."
        )
    rank = theta.numel() if mirror is None else mirror.coordinates({name: theta.detach()}).numel()
    shape = tuple(shape if shape is not None else theta.shape if mirror is None else (rank,))
    check(kind, shape, theta.numel() if mirror is None else rank, size)
    if mirror is None and shape != tuple(theta.shape):
        raise ValueError(
            f"Expected no shape without a mirror, got {shape}: {name} keeps its own, {tuple(theta.shape)}."
        )
    constraint = Reparametrised(kind, shape, size, mirror, name).to(theta)
    parametrize.register_parametrization(owner, attribute, constraint)
    return module


def constrain_mirror(module: nn.Module, mirror: MirrorSymmetry, size: float = 1.0) -> nn.Module:
    """Puts κ‖Oᵀθ‖₁ on the coordinates of a mirror of any parameters, in place: `constrain` on each of them.

    Where O is block diagonal over the parameters, as of permutations, signs, rotations and rescalings of vectors, every
    coordinate is one of a single parameter, and the norm is the sum over the parameters. Coordinates vanish one by one.

    Args:
        module: the network.
        mirror: O.
        size: see `constrain`.

    Raises:
        ValueError: as `constrain`, and for a mirror that mixes parameters within a coordinate.
    """
    parts = {name: tuple(block for block in mirror.blocks if block.parameter == name) for name in mirror.names}
    taken: dict[int, str] = {}
    for block in mirror.blocks:
        for coordinate in range(block.first, block.first + block.rank):
            if taken.setdefault(coordinate, block.parameter) != block.parameter:
                raise ValueError(
                    f"Expected a mirror each of whose coordinates is one of a single parameter, got {mirror.name}, "
                    f"which mixes {taken[coordinate]} and {block.parameter}: constrain a function of both instead."
                )
    alone = {name: MirrorSymmetry(mirror.name, _from_zero(blocks)) for name, blocks in parts.items()}
    for name in alone:
        owner_of(module, name)  # refused before anything is changed
    for name, part in alone.items():
        constrain(module, name, Elementwise(), part, size=size)
    return module


def _from_zero(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The same blocks, their coordinates numbered without gaps."""
    firsts, total = {}, 0
    for block in sorted(blocks, key=lambda block: block.first):
        if block.first not in firsts:
            firsts[block.first] = total
            total += block.rank
    return tuple(replace(block, first=firsts[block.first]) for block in blocks)


def require_kind(kind: Any) -> None:
    """Refuses what is no kind of constraint.

    Raises:
        ValueError: in one sentence.
    """
    if not isinstance(kind, Kind):
        got = f"the class {kind.__name__}" if isinstance(kind, type) else repr(kind)
        raise ValueError(f"Expected a kind such as Elementwise(), Grouped((1,)) or LowRank(), got {got}.")


def check(kind: Kind, shape: Sequence[int], entries: int, size: float) -> None:
    """Refuses a size or shape of z with which there is no constraint.

    Raises:
        ValueError: in one sentence.
    """
    if not 0 < size < float("inf"):
        raise ValueError(
            f"Expected a positive size of the factors, got {size}: at 0 zeros of the parameter could never grow."
        )
    if prod(shape) != entries:
        raise ValueError(f"Expected a shape of {entries} entries, one for each coordinate of O, got {tuple(shape)}.")
    kind.check(shape)
