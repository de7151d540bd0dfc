"""Pairs of an input and one of the outcomes that its symmetries allow."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.solvers import Grid

CIRCLE = 0
"""The order of a stabiliser that holds all translations."""


@dataclass(frozen=True)
class Pairs:
    """Inputs x, one outcome y for each, and how many translations leave x where it is.

    What may have come of x is {s y : s ∈ G_x}, and which of these did is nothing that x tells. Training therefore sees
    them all: `u_out` has s y as its frames, for as many s as there are cells, each s ∈ C_p equally often.

    Args:
        x: inputs on a circle.
        y: outcomes.
        order: |G_x|, a divisor of the number of points; 0 for all translations.
    """

    x: Float[Tensor, "samples channel points"]
    y: Float[Tensor, "samples 1 points"]
    order: Int[Tensor, " samples"]

    @property
    def samples(self) -> int:
        """Number of pairs."""
        return len(self.x)

    @property
    def starts(self) -> int:
        """One: a pair is no trajectory."""
        return 1

    @property
    def u_in(self) -> Float[Tensor, "samples channel 1 points"]:
        """The channels of x as frames."""
        return self.x.unsqueeze(2)

    @property
    def u_out(self) -> Float[Tensor, "samples moved 1 points"]:
        """s y as frames, the s of a circle by whole cells."""
        points = self.y.shape[-1]
        cells, order = torch.arange(points), self.order.unsqueeze(1)
        moves = torch.where(order == CIRCLE, cells, cells % order.clamp_min(1) * (points // order.clamp_min(1)))
        index = (cells - moves.unsqueeze(2)) % points
        return self.y.expand(-1, points, -1).gather(2, index).unsqueeze(2)

    @property
    def times(self) -> Float[Tensor, "samples frames"]:
        """Numbers of the frames: they are no times."""
        frames = self.x.shape[1] + self.y.shape[-1]
        return torch.arange(frames, dtype=torch.float64).expand(self.samples, frames)

    def gather(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"]) -> "Pairs":
        """Some of the pairs."""
        return Pairs(self.x[sample], self.y[sample], self.order[sample])

    def single(self) -> "Pairs":
        """The same in float32."""
        return Pairs(self.x.float(), self.y.float(), self.order)

    def and_then(self, others: "Pairs") -> "Pairs":
        """These and others."""
        return Pairs(*(torch.cat(both) for both in zip(self, others, strict=True)))

    def __iter__(self) -> Iterator[Tensor]:
        """The three tensors."""
        return iter((self.x, self.y, self.order))


def waves(
    grid: Grid, numbers: tuple[int, ...], rng: torch.Generator, count: int
) -> Float[Tensor, "count numbers points"]:
    """cos(2π k x/L + φ) for each number k, the phases φ uniform, independent; dimensionless."""
    (x,) = grid.coordinates()
    phase = 2 * torch.pi * torch.rand(count, len(numbers), 1, generator=rng, dtype=torch.float64)
    k = 2 * torch.pi / grid.length[0] * torch.tensor(numbers, dtype=torch.float64).unsqueeze(-1)
    return (k * x + phase).cos()


def uniform(rng: torch.Generator, low: float, high: float, *shape: int) -> Float[Tensor, "..."]:
    """Independent numbers between two others, float64."""
    return low + (high - low) * torch.rand(*shape, generator=rng, dtype=torch.float64)
