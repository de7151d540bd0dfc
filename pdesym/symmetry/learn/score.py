"""What a validity score is, and what those that are linear in the vector field have in common."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.learn.measure import Measure, norms_of
from pdesym.symmetry.learn.network import GeneratorNetwork

Components = Mapping[int, Tensor]
Projection = Callable[[Tensor], Components]
"""Features `(…, features)` to those components of some vector fields that are not zero, `(…, columns)` by variable."""


@runtime_checkable
class Score(Protocol):
    """How far the vector fields of a network are from being symmetries."""

    @property
    def pieces(self) -> int:
        """Number of independent pieces of data, of which a step looks at a few."""

    def levels(
        self, network: GeneratorNetwork, measure: Measure, chosen: Int[Tensor, " pieces"] | None = None
    ) -> Float[Tensor, " slots"]:
        """The relative breaking of each vector field, on some pieces or on all; differentiable in the weights."""


class LinearScore(ABC):
    """A score ρ(V) = ‖𝓛V‖ / (‖u_t‖ ‖V‖) with a condition 𝓛V = 0 that is linear in V.

    ρ is the change that one unit of the flow of V makes to what the equation says, relative to u_t. It does not change
    when V, u or the units of time and space are multiplied by numbers.
    """

    @property
    @abstractmethod
    def pieces(self) -> int:
        """Number of independent pieces of data."""

    @property
    @abstractmethod
    def size(self) -> float:
        """Root mean square of u_t, or of what stands for it, in the unit of the condition."""

    @abstractmethod
    def condition(
        self, network: GeneratorNetwork, projection: Projection, chosen: Int[Tensor, " pieces"]
    ) -> Float[Tensor, "rows columns"]:
        """𝓛V of the vector fields that a projection makes of the network's features, in the units of its scales."""

    def levels(
        self, network: GeneratorNetwork, measure: Measure, chosen: Int[Tensor, " pieces"] | None = None
    ) -> Float[Tensor, " slots"]:
        """ρ of each vector field of the network."""
        heads = network.heads

        def projection(h: Tensor) -> Components:
            return {v: h @ heads[:, v].T for v in range(heads.shape[1])}

        parts = self._parts(chosen)
        squares = [self.condition(network, projection, part).square().mean(0) * len(part) for part in parts]
        mean = torch.stack(squares).sum(0) / sum(len(part) for part in parts)
        levels: Tensor = (mean / norms(network, measure).square()).sqrt() / self.size
        return levels

    def factor(
        self, network: GeneratorNetwork, chosen: Int[Tensor, " pieces"] | None = None
    ) -> Float[Tensor, "columns columns"]:
        """A triangular R with |R c| = ‖𝓛V‖/‖u_t‖ for V = Σ c_{v,f} h_f in component v; no gradient.

        Its singular values keep the digits that those of RᵀR would lose.
        """
        variables = network.heads.shape[1]
        factor: Tensor | None = None
        rows = 0
        with torch.no_grad():
            for part in self._parts(chosen):
                block = torch.cat([self.condition(network, _only(v), part) for v in range(variables)], 1)
                rows += len(block)
                factor = _triangle(block if factor is None else torch.cat([factor, block]))
        assert factor is not None
        return factor / (math.sqrt(rows) * self.size)

    def _parts(self, chosen: Tensor | None) -> Sequence[Tensor]:
        parts: Sequence[Tensor] = (torch.arange(self.pieces) if chosen is None else chosen).split(_TOGETHER)
        return parts


# Pieces whose conditions are in memory at the same time.
_TOGETHER = 8


def _triangle(matrix: Tensor) -> Tensor:
    """R of the QR decomposition."""
    factor: Tensor = torch.linalg.qr(matrix, mode="r").R
    return factor


def _only(variable: int) -> Projection:
    return lambda h: {variable: h}


def norms(network: GeneratorNetwork, measure: Measure) -> Float[Tensor, " slots"]:
    """‖V‖ of each vector field under the measure."""
    return norms_of(network(measure.point))
