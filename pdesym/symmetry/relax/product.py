"""Products of two groups that act on the same batches."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pdesym.symmetry.grid_element import require_grid
from pdesym.symmetry.relax.action import (
    LARGEST,
    GroupAction,
    GroupElement,
    Stabiliser,
    measurable,
    taken,
    tolerance_for,
)
from pdesym.symmetry.relax.finite_action import FiniteAction, FiniteStabiliser, indices
from pdesym.symmetry.relax.plane_group import PlaneGroup
from pdesym.symmetry.relax.sieve import sieve
from pdesym.symmetry.relax.torus import TorusTranslations


@dataclass(frozen=True)
class ProductStabiliser(Stabiliser):
    """The pairs (a, b) with a b x = x: those with b among the members, a = s a_b, s ∈ A_x.

    Args:
        action: the product.
        first: A_x.
        members: whether b x is on the orbit of x under A.
        steps: a_b of all samples, for each b.
    """

    action: "Product"
    first: Stabiliser
    members: Bool[Tensor, "batch count"]
    steps: tuple[GroupElement, ...]

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.members)

    @property
    def order(self) -> Int[Tensor, " batch"]:
        """|A_x| times the number of members, 0 where A_x is infinite."""
        count = self.members.sum(1)
        return torch.where(self.first.order > LARGEST // count, LARGEST, self.first.order * count)

    def random(self, generator: torch.Generator) -> GroupElement:
        """A pair for each sample."""
        b = indices(FiniteStabiliser(self.members).random(generator))
        steps = _by_index(self.steps, b)
        return self.action.first.compose(self.first.random(generator), steps), b

    def elements(self, sample: int) -> GroupElement:
        """All pairs of one sample."""
        s = self.first.elements(sample)
        count = len(s[0]) if isinstance(s, tuple) else len(s)
        b = self.members[sample].nonzero().squeeze(1)
        index = torch.full((count,), sample, dtype=torch.int64)
        pairs = [self.action.first.compose(s, taken(self.steps[place], index)) for place in b.tolist()]
        return _joined(pairs), b.repeat_interleave(count)


class Product(GroupAction):
    """A × B with (a, b) x = a b x, for actions that commute: a b x = b a x. An element is the pair `(a, b)`.

    h(x) puts every b⁻¹ x into the form that the frame of A gives it and chooses among these |B| forms as a finite group
    does. G_x can be more than A_x × B_x: under translations and changes of sign the half period of sin x with the
    change of sign leaves sin x.

    Args:
        first: A, any action.
        second: B, a finite one.

    Raises:
        ValueError: for a second action that is not finite, or translations with a plane group that turns them.
    """

    def __init__(self, first: GroupAction, second: GroupAction):
        if not isinstance(second, FiniteAction):
            raise ValueError(
                f"Expected a finite group as the second of a product, got {type(second).__name__}: "
                + ("exchange the two." if isinstance(first, FiniteAction) else "one of the two must be finite.")
            )
        turns = isinstance(second, PlaneGroup) and len({element.space for element in second.elements}) > 1
        if type(self) is Product and isinstance(first, TorusTranslations) and turns:
            raise ValueError(
                "Expected actions that commute, got translations and rotations or reflections of space, which do not: "
                "take TorusPlaneGroup."
            )
        self.first, self.second = first, second

    def __repr__(self) -> str:
        """Of both."""
        return f"{type(self).__qualname__}({self.first}, {self.second})"

    def carried(self, b: GroupElement, a: GroupElement) -> GroupElement:
        """b a b⁻¹ as an element of A: a itself."""
        return a

    def act(self, g: GroupElement, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """a b x."""
        a, b = _pair(g)
        return self.first.act(a, self.second.act(b, x))

    def compose(self, g: GroupElement, h: GroupElement) -> GroupElement:
        """(a, b) (a', b') = (a · b a' b⁻¹, b b')."""
        (a, b), (a2, b2) = _pair(g), _pair(h)
        return self.first.compose(a, self.carried(b, a2)), self.second.compose(b, b2)

    def inverse(self, g: GroupElement) -> GroupElement:
        """(b⁻¹ a⁻¹ b, b⁻¹)."""
        a, b = _pair(g)
        back = self.second.inverse(b)
        return self.carried(back, self.first.inverse(a)), back

    def identity(self, count: int, device: torch.device | str | None = None) -> GroupElement:
        """The pairs of identities."""
        return self.first.identity(count, device), self.second.identity(count, device)

    def random(self, count: int, generator: torch.Generator) -> GroupElement:
        """Independent pairs."""
        return self.first.random(count, generator), self.second.random(count, generator)

    def everything(self, device: torch.device | str | None = None) -> GroupElement | None:
        """All pairs, None where A has too many."""
        a = self.first.everything(device)
        if a is None:
            return None
        b = torch.arange(len(self.second), device=device)
        count = len(a[0]) if isinstance(a, tuple) else len(a)
        return _joined([a] * len(b)), b.repeat_interleave(count)

    def canonical(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> GroupElement:
        """The pair for the form that a finite group would choose."""
        frames, forms = self._forms(x, tolerance)
        chosen = sieve(torch.stack(forms, 1).flatten(2), tolerance_for(x, tolerance))
        b = self.second.inverse(chosen)
        return self.carried(b, _by_index(frames, chosen)), b

    def stabiliser(self, x: Float[Tensor, "batch ..."], tolerance: float | None = None) -> ProductStabiliser:
        """The pairs that leave x, found where b x and x have one form under A."""
        with torch.no_grad():
            frames, forms = self._forms(x, tolerance)
            size = x.double().flatten(1).norm(dim=1)
            away = torch.stack([(form - forms[0]).double().flatten(1).norm(dim=1) for form in forms], 1)
            members = (away <= tolerance_for(x, tolerance) * size.unsqueeze(1)) & measurable(x).unsqueeze(1)
            members[:, 0] = True  # the identity
            steps = tuple(self.first.compose(frames[0], self.first.inverse(frame)) for frame in frames)
        return ProductStabiliser(self, self.first.stabiliser(x, tolerance), members, steps)

    def mean_over(self, stabiliser: Stabiliser, y: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The mean over the members of those over A_x."""
        found = self._own(stabiliser)
        weights = found.members.to(y.dtype) / found.members.sum(1, keepdim=True)
        shape = (len(y), *(1,) * (y.ndim - 1))
        images = [weights[:, b].reshape(shape) * image for b, image in enumerate(self._stepped(found, y))]
        return self.first.mean_over(found.first, torch.stack(images).sum(0))

    def distance_over(
        self, stabiliser: Stabiliser, y_hat: Float[Tensor, "batch ..."], y: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, " batch"]:
        """The least over the members of those over A_x."""
        found = self._own(stabiliser)
        distances = [
            torch.where(found.members[:, b], self.first.distance_over(found.first, image, y), torch.inf)
            for b, image in enumerate(self._stepped(found, y_hat))
            if bool(found.members[:, b].any())
        ]
        return torch.stack(distances).amin(0)

    def _forms(self, x: Tensor, tolerance: float | None) -> tuple[list[GroupElement], list[Tensor]]:
        """For each b the frame of b x under A, and its form."""
        tolerance = tolerance_for(x, tolerance)
        images = [self.second.image(b, x) for b in range(len(self.second))]
        frames = [self.first.canonical(image, tolerance) for image in images]
        forms = [self.first.act(self.first.inverse(a), image) for a, image in zip(frames, images, strict=True)]
        return frames, forms

    def _stepped(self, stabiliser: ProductStabiliser, y: Tensor) -> list[Tensor]:
        """a_b b y for each b."""
        return [self.first.act(step, self.second.image(b, y)) for b, step in enumerate(stabiliser.steps)]

    def _own(self, stabiliser: Stabiliser) -> ProductStabiliser:
        if not isinstance(stabiliser, ProductStabiliser):
            raise ValueError(
                f"Expected a stabiliser of a product, got {type(stabiliser).__name__}: take that of the product on "
                "the inputs."
            )
        return stabiliser


class TorusPlaneGroup(Product):
    """All translations of a periodic box with the rotations and reflections of a plane group: (a, b) u = T_a b u.

    The plane group turns translations, b T_a b⁻¹ = T_{Aa}, so that (a, b) (a', b') = (a + A a', b b'). For an equation
    that is the same in all places and directions of the square these are all symmetries that its box has.

    Args:
        translations: of the grid.
        plane: of its axes.

    Raises:
        ValueError: for a grid that the plane group does not map to itself.
    """

    def __init__(self, translations: TorusTranslations, plane: PlaneGroup):
        require_grid(plane.generators, translations.grid)
        super().__init__(translations, plane)
        self._matrices = torch.tensor([element.space for element in plane.elements], dtype=torch.float64)

    def carried(self, b: GroupElement, a: GroupElement) -> GroupElement:
        """A a."""
        if isinstance(a, tuple):
            raise ValueError(f"Expected translations (batch, dims), got a tuple of {len(a)}.")
        index = indices(b)
        return torch.einsum("bij,bj->bi", self._matrices.to(a.device)[index.to(a.device)], a)


def _pair(g: GroupElement) -> tuple[GroupElement, GroupElement]:
    if not isinstance(g, tuple) or len(g) != 2:
        raise ValueError("Expected the pair of an element of each of two groups, got one: take those of this product.")
    return g[0], g[1]


def _by_index(choices: Any, index: Tensor) -> Any:
    """Of each sample the element of its choice."""
    if isinstance(choices[0], tuple):
        return tuple(_by_index([choice[place] for choice in choices], index) for place in range(len(choices[0])))
    stacked = torch.stack(tuple(choices))
    return stacked[index, torch.arange(len(index), device=stacked.device)]


def _joined(parts: Any) -> Any:
    """One after the other."""
    if isinstance(parts[0], tuple):
        return tuple(_joined([part[place] for part in parts]) for place in range(len(parts[0])))
    return torch.cat(tuple(parts))
