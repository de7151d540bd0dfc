"""The double pendulum whose rods are springs, in space."""

import torch
from jaxtyping import Float
from torch import Tensor


def double_spring_pendulum(x: Float[Tensor, "points 12"]) -> Float[Tensor, "points 12"]:
    """x' of a mass that hangs from the origin by a spring and carries a second mass by a second spring.

    State x = (q₁, q₂, p₁, p₂), q and p in R³; masses, stiffnesses, lengths at rest and gravity are 1. Energy
    H = |p₁|²/2 + |p₂|²/2 + (|q₁| − 1)²/2 + (|q₂ − q₁| − 1)²/2 + q₁ᶻ + q₂ᶻ. The rotations about the z-axis are its only
    symmetries in SE(3); conserved are H and the angular momentum about z.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, section 10.3; Finzi, Welling, Wilson, ICML 2021.
    """
    first, second, momenta = x[:, :3], x[:, 3:6], x[:, 6:]
    rod = second - first
    upper = (1 / first.norm(dim=1, keepdim=True) - 1) * first
    lower = (1 / rod.norm(dim=1, keepdim=True) - 1) * rod
    weight = torch.zeros_like(upper)
    weight[:, 2] = -1.0
    return torch.cat([momenta, upper - lower + weight, lower + weight], 1)


def pendulum_energy(x: Float[Tensor, "points 12"]) -> Float[Tensor, " points"]:
    """H of `double_spring_pendulum`."""
    first, second = x[:, :3], x[:, 3:6]
    stretch = (first.norm(dim=1) - 1).square() + ((second - first).norm(dim=1) - 1).square()
    energy: Tensor = x[:, 6:].square().sum(1) / 2 + stretch / 2 + first[:, 2] + second[:, 2]
    return energy


def hanging_states(count: int, seed: int) -> Float[Tensor, "count 12"]:
    """States near rest: q₁ = (0, 0, −1.5), q₂ = (0, 0, −3), each with spread 0.2; momenta of spread 0.4; float64."""
    rng = torch.Generator().manual_seed(seed)
    spread = torch.tensor([0.2] * 6 + [0.4] * 6, dtype=torch.float64)
    centre = torch.zeros(12, dtype=torch.float64)
    centre[2], centre[5] = -1.5, -3.0
    return centre + spread * torch.randn(count, 12, generator=rng, dtype=torch.float64)
