"""An operator averaged over motions whose ranges are learned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators import FourierOperator
from pdesym.solvers import Grid
from pdesym.symmetry import Generator


@dataclass(frozen=True)
class Candidate:
    """A one-parameter group and how far a width of 1 moves.

    Attributes:
        name: for tables.
        generator: v, one that `Generator.act` can apply; at time 0 it moves inputs, at T outputs.
        reach: ε at width 1, in the unit of the group's parameter.
    """

    name: str
    generator: Generator
    reach: float


class OrbitAverage(nn.Module):
    """S̄(u) = E g_T(ε)⁻¹ S(g_0(ε) u),  g_t(ε) = exp(ε_n v_n)|_t ⋯ exp(ε_1 v_1)|_t,  ε_i = w_i r_i η_i,  η_i ~ U[−1, 1].

    The widths w_i ∈ [0, 1] are parameters beside those of S, and the expectation is a mean over draws of η. Where every
    v_i with w_i > 0 is a symmetry of what is learned, an S that has learned it is not changed by the average.

    Args:
        network: S, from fields to fields.
        candidates: v_i with their reaches r_i.
        grid: of the fields.
        duration: T, in the equation's unit of time.
        width: of all candidates at first, dimensionless.

    Source: Benton, Finzi, Izmailov and Wilson, Learning Invariances in Neural Networks (NeurIPS 2020), section 3; there
    g acts on inputs alone.
    """

    def __init__(self, network: nn.Module, candidates: Sequence[Candidate], grid: Grid, duration: float, width: float):
        super().__init__()
        self.network, self.candidates, self.grid, self.duration = network, tuple(candidates), grid, duration
        self.widths = nn.Parameter(torch.full((len(self.candidates),), width, dtype=torch.float64))

    def forward(
        self, u: Float[Tensor, "batch 1 points"], rng: torch.Generator, samples: int
    ) -> Float[Tensor, "batch 1 points"]:
        """The mean over some draws of the motion, others for every field."""
        noise = torch.rand(len(self.candidates), samples * len(u), generator=rng, dtype=torch.float64)
        epsilon = [
            (2 * each - 1) * width * candidate.reach
            for each, width, candidate in zip(noise, self.widths, self.candidates, strict=True)
        ]
        moved = self.network(self.moved(u.repeat(samples, 1, 1), epsilon))
        return self.moved_back(moved, epsilon).unflatten(0, (samples, len(u))).mean(0)

    def moved(
        self, u: Float[Tensor, "batch 1 points"], epsilon: Sequence[Float[Tensor, " batch"]]
    ) -> Float[Tensor, "batch 1 points"]:
        """g_0(ε) u."""
        for candidate, parameter in zip(self.candidates, epsilon, strict=True):
            u = candidate.generator.act(u, self.grid, 0.0, parameter)
        return u

    def moved_back(
        self, u: Float[Tensor, "batch 1 points"], epsilon: Sequence[Float[Tensor, " batch"]]
    ) -> Float[Tensor, "batch 1 points"]:
        """g_T(ε)⁻¹ u."""
        for candidate, parameter in reversed(list(zip(self.candidates, epsilon, strict=True))):
            u = candidate.generator.act(u, self.grid, self.duration, -parameter)
        return u

    @torch.no_grad()
    def project(self) -> None:
        """Takes the widths back to [0, 1] after a step."""
        self.widths.clamp_(0.0, 1.0)


class PlacedOperator(nn.Module):
    """u ↦ F(u, cos(2πx/L), sin(2πx/L)) with a Fourier neural operator F: it can tell places apart.

    Args:
        operator: F, from three frames to one.
        grid: of the fields.
    """

    def __init__(self, operator: FourierOperator, grid: Grid):
        super().__init__()
        self.operator = operator
        (x,) = grid.coordinates(device=torch.device("cpu"), dtype=torch.float32)
        angle = 2 * math.pi / grid.length[0] * x
        self.register_buffer("places", torch.stack((angle.cos(), angle.sin())).unsqueeze(1))

    def forward(self, u: Float[Tensor, "batch 1 points"]) -> Float[Tensor, "batch 1 points"]:
        """The field that follows u."""
        places = self.get_buffer("places").expand(len(u), -1, -1, -1)
        return self.operator(torch.cat((u.unsqueeze(1), places), 1)).squeeze(1)
