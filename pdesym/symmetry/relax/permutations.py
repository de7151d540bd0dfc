"""Permutations of the members of sets."""

import itertools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from pdesym.symmetry.relax.action import LARGEST, GroupAction, GroupElement, Stabiliser, measurable, tolerance_for
from pdesym.symmetry.relax.border import require_samples
from pdesym.symmetry.relax.sieve import functionals

_LISTED = 50_000


@dataclass(frozen=True)
class PermutationStabiliser(Stabiliser):
    """The permutations among members that are equal.

    Args:
        labels: of the members; equal ones have equal labels.
    """

    labels: Int[Tensor, "batch n"]

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.labels)

    @property
    def order(self) -> Int[Tensor, " batch"]:
        """The product of the factorials of how often each member occurs."""
        sizes = [math.prod(map(math.factorial, row.unique(return_counts=True)[1].tolist())) for row in self.labels]
        return torch.tensor([min(size, LARGEST) for size in sizes], dtype=torch.int64, device=self.labels.device)

    def random(self, generator: torch.Generator) -> GroupElement:
        """A permutation of G_x for each sample."""
        drawn = torch.rand(self.labels.shape, generator=generator, dtype=torch.float64, device=generator.device)
        shuffled = drawn.to(self.labels.device).argsort(1)
        after = shuffled.gather(1, self.labels.gather(1, shuffled).argsort(dim=1, stable=True))
        return torch.zeros_like(after).scatter(1, self.labels.argsort(dim=1, stable=True), after)

    def elements(self, sample: int) -> GroupElement:
        """All of G_x of one sample.

        Raises:
            ValueError: for more than 50 000.
        """
        order = int(self.order[sample])
        if order > _LISTED:
            raise ValueError(
                f"Expected a stabiliser of at most {_LISTED} permutations to list, got {order}: draw from it with "
                "random(generator)."
            )
        groups = self.groups(sample)
        found = []
        for images in itertools.product(*map(itertools.permutations, groups)):
            permutation = list(range(self.labels.shape[1]))
            for group, image in zip(groups, images, strict=True):
                for source, target in zip(group, image, strict=True):
                    permutation[source] = target
            found.append(permutation)
        return torch.tensor(found, dtype=torch.int64, device=self.labels.device)

    def groups(self, sample: int) -> list[list[int]]:
        """The places of equal members of one sample."""
        row = self.labels[sample]
        return [(row == label).nonzero().squeeze(1).tolist() for label in row.unique()]


class Permutations(GroupAction):
    """S_n on sets `(batch, n, …)`: (p x)_{p(i)} = x_i; an element is `(batch, n)` int64, p(i) in column i.

    canonical(x) sorts the members by four fixed linear functionals of their features, members that agree to rounding
    counting as equal: those are what G_x exchanges.

    Args:
        n: members.

    Raises:
        ValueError: for no member; from a call, for sets of another size.
    """

    def __init__(self, n: int):
        if n < 1:
            raise ValueError(f"Expected sets of at least one member, got {n}.")
        self.n = n

    def __repr__(self) -> str:
        """With n."""
        return f"{type(self).__qualname__}({self.n})"

    def act(self, g: GroupElement, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The members at their new places."""
        self._require(x)
        places = self._checked(g).argsort(1).to(x.device)
        return x.gather(1, places.reshape(*places.shape, *(1,) * (x.ndim - 2)).expand_as(x))

    def compose(self, g: GroupElement, h: GroupElement) -> GroupElement:
        """i ↦ g(h(i))."""
        return self._checked(g).gather(1, self._checked(h))

    def inverse(self, g: GroupElement) -> GroupElement:
        """g⁻¹."""
        return self._checked(g).argsort(1)

    def identity(self, count: int, device: torch.device | str | None = None) -> GroupElement:
        """0, 1, …, n − 1."""
        return torch.arange(self.n, device=device).repeat(count, 1)

    def random(self, count: int, generator: torch.Generator) -> GroupElement:
        """Independent uniform permutations."""
        drawn = torch.rand(count, self.n, generator=generator, dtype=torch.float64, device=generator.device)
        return drawn.argsort(1)

    def canonical(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> GroupElement:
        """The permutation that takes the sorted set to x."""
        return self._sorted(x, tolerance)[0]

    def stabiliser(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> PermutationStabiliser:
        """The permutations of equal members."""
        order, labels = self._sorted(x, tolerance)
        return PermutationStabiliser(torch.zeros_like(labels).scatter(1, order, labels))

    def mean_over(self, stabiliser: Stabiliser, y: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The mean over the members of equal label."""
        labels = _own(stabiliser).labels
        alike = (labels.unsqueeze(2) == labels.unsqueeze(1)).to(device=y.device, dtype=y.dtype)
        return (alike / alike.sum(2, keepdim=True) @ y.reshape(len(y), self.n, -1)).reshape(y.shape)

    def distance_over(
        self, stabiliser: Stabiliser, y_hat: Float[Tensor, "batch ..."], y: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        """The least sum of squares over assignments within each label, exactly."""
        own, total = _own(stabiliser), []
        for sample in range(len(y)):
            a = y_hat[sample].double().reshape(self.n, -1)
            b = y[sample].double().reshape(self.n, -1)
            costs = (a.unsqueeze(1) - b).square().sum(2)
            least = costs.new_zeros(())
            for group in own.groups(sample):
                block = costs[group][:, group]
                if not bool(block.isfinite().all()):
                    least = least + block.sum()
                    continue
                rows, columns = linear_sum_assignment(block.detach().cpu().numpy())
                least = least + block[torch.as_tensor(rows), torch.as_tensor(columns)].sum()
            total.append(least)
        return torch.stack(total)

    def _sorted(
        self, x: Float[Tensor, "batch ..."], tolerance: float | None
    ) -> tuple[Int[Tensor, "batch n"], Int[Tensor, "batch n"]]:
        """The places of the members in order, and a label for each of the sorted ones."""
        self._require(x)
        features = x.detach().double().reshape(len(x), self.n, math.prod(x.shape[2:]))
        values = features @ functionals(features.shape[2], x.device).T
        least = tolerance_for(x, tolerance) * features.square().mean((1, 2)).sqrt().unsqueeze(1)
        order = torch.arange(self.n, device=x.device).repeat(len(x), 1)
        labels = torch.zeros_like(order)
        for functional in range(values.shape[2]):
            value = values[..., functional].gather(1, order)
            by_value = value.argsort(dim=1, stable=True)
            step = by_value.gather(1, labels.gather(1, by_value).argsort(dim=1, stable=True))
            order, labels, value = order.gather(1, step), labels.gather(1, step), value.gather(1, step)
            apart = (labels.diff(dim=1) > 0) | (value.diff(dim=1) > least)
            labels = torch.nn.functional.pad(apart.long().cumsum(1), (1, 0))
        return order, torch.where(measurable(x).unsqueeze(1), labels, torch.arange(self.n, device=x.device))

    def _require(self, x: Tensor) -> None:
        require_samples(x)
        if x.ndim < 2 or x.shape[1] != self.n:
            raise ValueError(f"Expected sets (batch, {self.n} members, …), got shape {tuple(x.shape)}.")

    def _checked(self, g: GroupElement) -> Int[Tensor, "batch n"]:
        if isinstance(g, tuple) or g.dtype != torch.int64 or g.ndim != 2 or g.shape[1] != self.n:
            given = f"a tuple of {len(g)}" if isinstance(g, tuple) else f"{g.dtype} of shape {tuple(g.shape)}"
            raise ValueError(f"Expected permutations (batch, {self.n}) int64, got {given}.")
        return g


def _own(stabiliser: Stabiliser) -> PermutationStabiliser:
    if not isinstance(stabiliser, PermutationStabiliser):
        raise ValueError(
            f"Expected a stabiliser of permutations, got {type(stabiliser).__name__}: take that of a Permutations on "
            "the inputs."
        )
    return stabiliser
