"""Groups that act on batches, an element of its own for every sample."""

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pdesym.symmetry.relax.border import require_samples

GroupElement: TypeAlias = Tensor | tuple[Any, ...]
"""One element for each sample, the batch as the leading axis of a tensor, or of each tensor of a tuple."""

LARGEST = 2**63 - 1
"""What stands for an order that is this or more."""


class Stabiliser(ABC):
    """G_x = {g : g x = x} for each sample x of a batch."""

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.order)

    @property
    @abstractmethod
    def order(self) -> Int[Tensor, " batch"]:
        """|G_x|, 0 where it is infinite, 2⁶³ − 1 where it is that or more."""

    @abstractmethod
    def random(self, generator: torch.Generator) -> GroupElement:
        """An element of G_x for each sample, from the uniform (Haar) distribution."""

    @abstractmethod
    def elements(self, sample: int) -> GroupElement:
        """All of G_x of one sample, the identity among them; their number is the leading axis.

        Raises:
            ValueError: for a stabiliser that is infinite, or of more elements than can be listed.
        """


class GroupAction(ABC):
    """A group G acting on batches x `(batch, …)` by linear maps, a left action: (g h) x = g (h x).

    A frame h(x), here `canonical`, is relaxed equivariant: h(g x) ∈ g G_x h(x), so that h(x)⁻¹ x is one point for each
    orbit. Where some x have a stabiliser G_x ≠ {e} there is no h with h(g x) = g h(x), and this is what remains.

    Sizes count as equal where they differ by `tolerance` of the size of the sample; None stands for 10⁻⁹ in float64 and
    10⁻⁵ in float32. Ties closer than that never decide: samples that agree up to rounding have the same frame, up to
    G_x. A sample that is not finite, or too large for its sum of squares, has the stabiliser {e}, in every group.

    Source: Kaba and Ravanbakhsh, Symmetry Breaking and Equivariant Neural Networks (NeurReps 2023).
    """

    def __repr__(self) -> str:
        """Which group acts on what: equal for equal actions alone, in every process."""
        return f"{type(self).__qualname__}()"

    @abstractmethod
    def act(self, g: GroupElement, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """g x for each sample."""

    @abstractmethod
    def compose(self, g: GroupElement, h: GroupElement) -> GroupElement:
        """g h, which does h first."""

    @abstractmethod
    def inverse(self, g: GroupElement) -> GroupElement:
        """g⁻¹."""

    @abstractmethod
    def identity(self, count: int, device: torch.device | str | None = None) -> GroupElement:
        """e, `count` times."""

    @abstractmethod
    def random(self, count: int, generator: torch.Generator) -> GroupElement:
        """Independent elements from the uniform (Haar) distribution, on the device of the generator."""

    @abstractmethod
    def canonical(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> GroupElement:
        """h(x), with h(g x) ∈ g G_x h(x): h(x)⁻¹ x is the same for all of an orbit."""

    @abstractmethod
    def stabiliser(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> Stabiliser:
        """G_x of each sample, of elements with ‖g x − x‖ no larger than rounding."""

    def everything(self, device: torch.device | str | None = None) -> GroupElement | None:
        """All elements of G, their number as the leading axis; None where there are too many to list."""
        return None

    def mean_over(self, stabiliser: Stabiliser, y: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The mean of s y over s ∈ G_x, exactly: the projection onto what G_x leaves as it is."""
        images = [self._images(stabiliser, y, sample).mean(0) for sample in range(len(y))]
        return torch.stack(images)

    def distance_over(
        self, stabiliser: Stabiliser, y_hat: Float[Tensor, "batch ..."], y: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        """The least ‖s ŷ − y‖² over s ∈ G_x for each sample, in float64; norms are sums over all entries."""
        found = []
        for sample in range(len(y)):
            difference = self._images(stabiliser, y_hat, sample) - y[sample]
            found.append(difference.double().flatten(1).square().sum(1).amin())
        return torch.stack(found)

    def _images(self, stabiliser: Stabiliser, y: Float[Tensor, "batch ..."], sample: int) -> Float[Tensor, "order ..."]:
        elements = stabiliser.elements(sample)
        return self.act(elements, y[sample].expand(count_of(elements), *y.shape[1:]))


def count_of(g: GroupElement) -> int:
    """For how many samples g has an element."""
    while isinstance(g, tuple):
        g = g[0]
    return len(g)


def taken(g: GroupElement, index: Tensor | slice) -> GroupElement:
    """The elements of some of the samples."""
    if isinstance(g, tuple):
        return tuple(taken(part, index) for part in g)
    return g[index]


def measurable(x: Float[Tensor, "batch ..."]) -> Bool[Tensor, " batch"]:
    """Of which samples the sum of squares is a number. Of the others G_x counts as {e}: nothing tells more."""
    return x.detach().double().flatten(1).square().sum(1).isfinite()


def tolerance_for(x: Tensor, tolerance: float | None) -> float:
    """The relative tolerance that None stands for, for what frames and stabilisers can be asked of.

    Raises:
        TypeError: for what is no tensor.
        ValueError: for a tolerance that is not between 0 and 1, fields that are not float32 or float64, or no sample.
    """
    require_samples(x)
    if x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"Expected float32 or float64 to look for symmetries in, got {x.dtype}: convert it first.")
    if tolerance is None:
        return 1e-9 if x.dtype == torch.float64 else 1e-5
    if not 0 < tolerance < 1:
        raise ValueError(f"Expected a tolerance between 0 and 1, a part of the size of a sample, got {tolerance}.")
    return tolerance
