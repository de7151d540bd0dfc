"""Reflections, rotations by right angles, and other finite groups, enforced by the mean over the group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.operators.symmetric.setting import Network, Parameters, Setting, Trial
from pdesym.symmetry.grid_element import Element, closure, require_grid


@dataclass(frozen=True)
class FiniteGroup:
    """F(u) = 1/|G| Σ g⁻¹ F₀(g u) over the group G that the elements generate.

    It takes |G| times the work of the network, in one batch of |G| times the size.

    Args:
        generators: elements; products of them are added until there are no more.

    Raises:
        ValueError: for elements of different numbers of axes or channels, or a group of more than 384 elements.
    """

    generators: tuple[Element, ...]

    order = 0

    def __post_init__(self) -> None:
        elements = closure(self.generators)
        object.__setattr__(self, "_elements", elements)
        object.__setattr__(self, "_inverses", tuple(_inverse(element, elements) for element in elements))

    @property
    def elements(self) -> tuple[Element, ...]:
        """All of G, the identity first."""
        elements: tuple[Element, ...] = self._elements  # type: ignore[attr-defined]
        return elements

    @property
    def shifted_axes(self) -> tuple[int, ...]:
        """None: it shifts no frame by a part of a cell."""
        return ()

    @property
    def channels(self) -> int | None:
        """Number of fields that it acts on."""
        return len(self.generators[0].channels)

    def require(self, setting: Setting) -> None:
        """Refuse, in one sentence, a grid that the group does not map to itself.

        Raises:
            ValueError: for other axes, or exchanged axes of different points or lengths.
        """
        require_grid(self.generators, setting.grid)

    def __call__(
        self,
        network: Network,
        setting: Setting,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Parameters,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """What the network with the symmetry makes of the frames."""
        count = len(self.elements)
        moved = torch.cat([element(u) for element in self.elements])
        given = None if parameters is None else parameters.repeat(count, 1)
        images = network(moved, given).chunk(count)
        inverses: tuple[Element, ...] = self._inverses  # type: ignore[attr-defined]
        return torch.stack([inverse(v) for inverse, v in zip(inverses, images, strict=True)]).mean(0)

    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """Some elements of the group with their names, on which equivariance can be tried."""

        def by(element: Element) -> Trial:
            return lambda u, parameters, setting, out: (element(u), parameters)

        return tuple((f"x -> {g.space} x, u -> {g.channels} u", by(g)) for g in self.generators)

    def described(self) -> dict[str, Any]:
        """As JSON holds it."""
        elements = [
            {"space": [list(row) for row in g.space], "channels": [list(row) for row in g.channels]}
            for g in self.generators
        ]
        return {"symmetry": "finite", "generators": elements}


def _inverse(element: Element, elements: Sequence[Element]) -> Element:
    return next(other for other in elements if other.after(element).key == elements[0].key)
