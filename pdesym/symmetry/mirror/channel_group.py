"""Channels that a network numbers along several axes of its parameters, and the mirrors that they have."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.mirror.declared import Axis, _rotation, _text, permutation, sign
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry


@dataclass(frozen=True)
class ChannelGroup:
    """Axes of parameters along which the same channels are numbered.

    Args:
        axes: what makes the channels and what reads them.
        size: number of channels.
        shapes: of the parameters.
        kinds: the mirrors that were found true, of "permutation", "sign" and "rotation": of two channels, of one, and
            of any direction among them.
    """

    axes: tuple[Axis, ...]
    size: int
    shapes: dict[str, tuple[int, ...]]
    kinds: tuple[str, ...] = ()

    def permutation(self, i: int, j: int) -> MirrorSymmetry:
        """Exchange of two channels."""
        return permutation(self._blank(), self.axes, i, j)

    def sign(self, i: int) -> MirrorSymmetry:
        """Change of a channel's sign."""
        return sign(self._blank(), self.axes, i)

    def rotation(self, n: Float[Tensor, " size"]) -> MirrorSymmetry:
        """Reflection of all channels at the plane with unit normal n."""
        return _rotation(self._blank(), self.axes, n)

    def mirrors(self) -> list[MirrorSymmetry]:
        """Mirrors that generate those of the kinds: exchanges of neighbours, and signs of each channel."""
        found: list[MirrorSymmetry] = []
        if {"permutation", "rotation"} & set(self.kinds):
            found += [self.permutation(i, i + 1) for i in range(self.size - 1)]
        if {"sign", "rotation"} & set(self.kinds):
            found += [self.sign(i) for i in range(self.size)]
        if "rotation" in self.kinds:
            n = torch.linspace(1, 2, self.size, dtype=torch.float64)
            found.append(self.rotation(n / n.norm()))
        return found

    def candidate(self, kind: str) -> MirrorSymmetry:
        """One mirror of a kind, to try it."""
        if kind == "rotation":
            n = torch.linspace(1, 2, self.size, dtype=torch.float64).cos()
            return self.rotation(n / n.norm())
        return self.sign(0) if kind == "sign" else self.permutation(0, self.size - 1)

    def with_kinds(self, kinds: tuple[str, ...]) -> "ChannelGroup":
        """The same channels with the kinds that were found true."""
        return replace(self, kinds=kinds)

    def __str__(self) -> str:
        """Size, axes and kinds."""
        return f"{self.size} channels of {_text(self.axes)}: {', '.join(self.kinds) or 'no mirror'}"

    def _blank(self) -> dict[str, Tensor]:
        return {name: torch.empty(shape, device="meta") for name, shape in self.shapes.items()}
