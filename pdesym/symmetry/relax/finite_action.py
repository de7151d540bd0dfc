"""Finite groups by their tables."""

import hashlib
from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pdesym.symmetry.relax.action import GroupAction, GroupElement, Stabiliser, measurable, tolerance_for
from pdesym.symmetry.relax.border import require_samples
from pdesym.symmetry.relax.sieve import sieve


@dataclass(frozen=True)
class FiniteStabiliser(Stabiliser):
    """G_x as which elements of a finite group belong to it.

    Args:
        members: whether g_j x = x.
    """

    members: Bool[Tensor, "batch count"]

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.members)

    @property
    def order(self) -> Int[Tensor, " batch"]:
        """|G_x|."""
        return self.members.sum(1)

    def random(self, generator: torch.Generator) -> GroupElement:
        """An element of G_x for each sample."""
        weights = self.members.to(device=generator.device, dtype=torch.float64)
        drawn: Tensor = torch.multinomial(weights, 1, generator=generator).squeeze(1)
        return drawn.to(self.members.device)

    def elements(self, sample: int) -> GroupElement:
        """All of G_x of one sample."""
        return self.members[sample].nonzero().squeeze(1)


class FiniteAction(GroupAction):
    """A finite group whose elements are indices `(batch,)` int64 into a table, 0 the identity.

    canonical(x) compares all g⁻¹ x; a search over the orbit of |G| images.

    Args:
        table: the index of g h in row g and column h.
    """

    def __init__(self, table: Int[Tensor, "count count"]):
        self.table = table
        self._inverses = (table == 0).to(torch.int8).argmax(1)

    def __len__(self) -> int:
        """|G|."""
        return len(self.table)

    def __repr__(self) -> str:
        """The number of elements, and a digest of the table."""
        return f"{type(self).__qualname__}({len(self)} elements, {digest(self.table)})"

    @abstractmethod
    def image(self, index: int, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """g x of all samples, for the one element with that index."""

    def act(self, g: GroupElement, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """g x for each sample.

        Raises:
            ValueError: for another number of elements than of samples, or indices that are not in the table.
        """
        require_samples(x)
        index = indices(g)
        if len(index) != len(x) or bool(((index < 0) | (index >= len(self))).any()):
            raise ValueError(
                f"Expected an index from 0 to {len(self) - 1} for each of {len(x)} samples, got {len(index)}: "
                f"{index.tolist()[:8]}."
            )
        parts, places = [], []
        for element in index.unique().tolist():
            (place,) = torch.nonzero(index == element, as_tuple=True)
            parts.append(self.image(element, x[place.to(x.device)]))
            places.append(place)
        if len(parts) == 1:
            return parts[0]
        return torch.cat(parts)[torch.cat(places).argsort().to(x.device)]

    def compose(self, g: GroupElement, h: GroupElement) -> GroupElement:
        """g h."""
        first, second = indices(g), indices(h)
        return self.table.to(first.device)[first, second]

    def inverse(self, g: GroupElement) -> GroupElement:
        """g⁻¹."""
        index = indices(g)
        return self._inverses.to(index.device)[index]

    def identity(self, count: int, device: torch.device | str | None = None) -> GroupElement:
        """0, `count` times."""
        return torch.zeros(count, dtype=torch.int64, device=device)

    def random(self, count: int, generator: torch.Generator) -> GroupElement:
        """Independent indices."""
        return torch.randint(len(self), (count,), generator=generator, device=generator.device)

    def everything(self, device: torch.device | str | None = None) -> GroupElement | None:
        """All indices."""
        return torch.arange(len(self), device=device)

    def canonical(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> GroupElement:
        """The g for which g⁻¹ x is the largest under four fixed linear functionals."""
        part = tolerance_for(x, tolerance)
        return self.inverse(sieve(self.images(x).flatten(2), part))

    def stabiliser(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> FiniteStabiliser:
        """The g with ‖g x − x‖ ≤ tolerance ‖x‖; of a sample that is not finite the identity alone."""
        part = tolerance_for(x, tolerance)
        difference = (self.images(x) - x.unsqueeze(1)).detach().double().flatten(2).square().sum(2)
        size = x.detach().double().flatten(1).square().sum(1, keepdim=True)
        members = (difference <= part**2 * size) & measurable(x).unsqueeze(1)
        members[:, 0] = True
        return FiniteStabiliser(members)

    def images(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch count ..."]:
        """All g x."""
        return torch.stack([self.image(index, x) for index in range(len(self))], 1)


def digest(numbers: Tensor) -> str:
    """A short text for numbers up to rounding, at 10⁻⁶."""
    rounded = (numbers.detach().double().cpu() * 1e6).round().long()
    return hashlib.sha256(f"{tuple(rounded.shape)} {rounded.flatten().tolist()}".encode()).hexdigest()[:12]


def indices(g: GroupElement) -> Int[Tensor, " batch"]:
    """The element of a finite group as what it is.

    Raises:
        ValueError: for a pair, which belongs to a product.
    """
    if isinstance(g, tuple) or g.dtype != torch.int64 or g.ndim != 1:
        given = f"a tuple of {len(g)}" if isinstance(g, tuple) else f"{g.dtype} of shape {tuple(g.shape)}"
        raise ValueError(f"Expected indices (batch,) of elements, int64, got {given}: take those of this action.")
    return g
