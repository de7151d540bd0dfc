"""Unit masses in space, every two of them joined by a linear spring of no length, under gravity."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class SpringMasses:
    """q_i' = p_i, p_i' = Σ_j K_ij (q_j − q_i) + g for the state x = (q₁ … q_N, p₁ … p_N), q and p in R³; affine in x.

    Its symmetries in SE(3) are the translations and the rotations about the direction of g: 4 of 6 dimensions.
    Conserved: the energy, the angular momentum about g, and the momentum across g.

    Attributes:
        stiffness: K, symmetric, with a zero diagonal, `(N, N)`, force per length.
        gravity: g, acceleration, `(3,)`.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, section 10.2.
    """

    stiffness: Float[Tensor, "particles particles"]
    gravity: Float[Tensor, "3"]

    @property
    def matrix(self) -> Float[Tensor, "n n"]:
        """A of x' = A x + b, `(6 N, 6 N)`."""
        forces = torch.kron(self.stiffness - torch.diag(self.stiffness.sum(1)), torch.eye(3).to(self.stiffness))
        n = len(forces)
        zero, unit = torch.zeros_like(forces), torch.eye(n).to(forces)
        return torch.cat([torch.cat([zero, unit], 1), torch.cat([forces, zero], 1)])

    @property
    def shift(self) -> Float[Tensor, " n"]:
        """b of x' = A x + b, `(6 N,)`."""
        particles = len(self.stiffness)
        return torch.cat([self.gravity.new_zeros(3 * particles), self.gravity.repeat(particles)])

    def __call__(self, x: Float[Tensor, "points n"]) -> Float[Tensor, "points n"]:
        """x' at each point."""
        return x @ self.matrix.to(x).mT + self.shift.to(x)


def random_spring_masses(seed: int, particles: int = 5, softest: float = 0.1, hardest: float = 1.0) -> SpringMasses:
    """K_ij = B_i B_j for i ≠ j, with B_i uniform in [softest, hardest], and g = (0, 0, −1); float64.

    Source: Otto et al. 2025, section 10.2, for these numbers.
    """
    rng = torch.Generator().manual_seed(seed)
    b = softest + (hardest - softest) * torch.rand(particles, generator=rng, dtype=torch.float64)
    stiffness = torch.outer(b, b)
    return SpringMasses(stiffness - torch.diag(stiffness.diagonal()), torch.tensor([0.0, 0.0, -1.0]).double())


def random_states(count: int, particles: int, seed: int, planar: bool = False) -> Float[Tensor, "count n"]:
    """States with positions of unit spread around a common random place, and momenta a tenth of such; float64.

    Args:
        count: number of states.
        particles: N.
        seed: of the draw.
        planar: without any y-component, so that the motion stays in the x-z plane.
    """
    rng = torch.Generator().manual_seed(seed)
    common = torch.randn(count, 2, 1, 3, generator=rng, dtype=torch.float64)
    own = torch.randn(count, 2, particles, 3, generator=rng, dtype=torch.float64)
    states = common + own
    states[:, 1] *= 0.1
    if planar:
        states[..., 1] = 0.0
    return states.reshape(count, 6 * particles)
