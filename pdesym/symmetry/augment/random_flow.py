"""Augmentation by one exact one-parameter group: the random draw, split from the action."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.augment.draw import require_probability
from pdesym.symmetry.generator import Generator


def draw_parameters(samples: int, width: float, probability: float, rng: torch.Generator) -> Float[Tensor, " samples"]:
    """One group parameter for each sample: uniform in [−width, width] with the probability, else 0. float64.

    Args:
        samples: how many.
        width: largest parameter; dimensionless.
        probability: that a sample is moved.
        rng: source of randomness; the result lies on its device.
    """
    uniform = torch.rand(2, samples, generator=rng, device=rng.device, dtype=torch.float64)
    return torch.where(uniform[0] < probability, (2 * uniform[1] - 1) * width, 0.0)


@dataclass(frozen=True)
class RandomFlow:
    """Moves each sample of a training batch by exp(εv) with its own random ε, the same for its input and its output.

    A solution stays a solution, so the pair stays a correct example. For v = t ∂_x + ∂_u:
    u'(x, t) = u(x − εt, t) + ε. A sample with ε = 0 comes back unchanged, bit for bit.

    Args:
        generator: v, a symmetry of the equation with an exact action on frames (`Generator.act`).
        grid: grid of the frames.
        width: ε is uniform in [−width, width]; dimensionless.
        probability: that a sample is moved at all.

    Raises:
        ValueError: for a width or a probability that cannot serve; when called, as `Generator.act`.
    """

    generator: Generator
    grid: Grid
    width: float = 0.4
    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.width < float("inf"):
            raise ValueError(f"Expected a width that is finite and not negative, got {self.width}.")
        require_probability(self.probability)

    def __call__(
        self,
        u_in: Float[Tensor, "batch frames_in channel *space"],
        u_out: Float[Tensor, "batch frames_out channel *space"],
        times: Float[Tensor, "batch frames"],
        rng: torch.Generator,
    ) -> tuple[Float[Tensor, "batch frames_in channel *space"], Float[Tensor, "batch frames_out channel *space"]]:
        """The moved pair.

        Args:
            u_in: input frames.
            u_out: output frames.
            times: times of both, one after the other, in the equation's unit of time.
            rng: source of randomness; it alone decides the parameters.
        """
        epsilon = draw_parameters(u_in.shape[0], self.width, self.probability, rng).to(u_in.device)
        u = torch.cat([u_in, u_out], dim=1)
        moved = self.generator.act(u, self.grid, times, epsilon)
        kept = (epsilon == 0).reshape(-1, *(1,) * (u.ndim - 1))
        pair = torch.where(kept, u, moved)
        return pair[:, : u_in.shape[1]], pair[:, u_in.shape[1] :]
