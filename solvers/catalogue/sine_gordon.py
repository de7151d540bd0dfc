"""The sine-Gordon equation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.circle import signed_distance
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

CARD = Card(
    name="Sine-Gordon",
    formula="uₜₜ = ∇²u − sin u, as uₜ = v, vₜ = ∇²u − sin u",
    behaviour="Kinks between multiples of 2π travel below speed 1 and pass through each other; small waves disperse, "
    "breathers oscillate in place.",
    dims=(1, 2, 3),
    good_values="L = 40, 256 points, |u| up to 2π, t up to 20.",
    ill_posed="for no values",
    invariants={"momentum": "v*u_x", "energy": "v**2/2 - u*lap(u)/2 + 1 - cos(u)"},
    exact_solutions={
        "breather": "u = 4 arctan(√(1 − ω²)/ω cos(ωt)/cosh(√(1 − ω²)(x − x₀)))",
        "kink_antikink": "u = 4 arctan(sinh(γVt)/(V cosh(γ(x − x₀)))), γ = 1/√(1 − V²)",
    },
)


def sine_gordon() -> Equation:
    """Sine-Gordon equation: uₜ = v, vₜ = ∇²u − sin u, on a torus of any dimension, dimensionless.

    Exact solutions: `breather`, `kink_antikink` (1D). Invariants: momentum ∫v uₓ, energy ∫((v² + |∇u|²)/2 + 1 − cos u).
    Good values: see `CARD`.
    """
    return Equation("u_t = v", "v_t = lap(u) - sin(u)", card=CARD)


def breather(
    grid: Grid, t: int | float, frequency: int | float, centre: int | float = 0.0
) -> Float[Tensor, "1 2 points"]:
    """u = 4 arctan(√(1 − ω²)/ω cos(ωt)/cosh(√(1 − ω²)(x − x₀))) and v = uₜ, 0 < ω < 1, wrapped around the torus."""
    rate = math.sqrt(1 - frequency**2)
    envelope = rate / frequency / torch.cosh(rate * signed_distance(grid, centre))
    return _arctan_field(envelope * math.cos(frequency * t), -frequency * envelope * math.sin(frequency * t))


def kink_antikink(
    grid: Grid, t: int | float, velocity: int | float, centre: int | float = 0.0
) -> Float[Tensor, "1 2 points"]:
    """A kink and an antikink that part at t = 0 from x₀ at speeds ±V, with u near 2π between them: (u, uₜ).

    u = 4 arctan(sinh(γVt)/(V cosh(γ(x − x₀)))), γ = 1/√(1 − V²), 0 < V < 1, wrapped around the torus: exact up to
    exp(−γ(L/2 − Vt)).
    """
    gamma = 1 / math.sqrt(1 - velocity**2)
    envelope = 1 / (velocity * torch.cosh(gamma * signed_distance(grid, centre)))
    angle = gamma * velocity * t
    return _arctan_field(math.sinh(angle) * envelope, gamma * velocity * math.cosh(angle) * envelope)


def _arctan_field(tangent: Tensor, rate: Tensor) -> Tensor:
    """u = 4 arctan(tangent) and its rate of change, from that of the tangent."""
    return torch.stack([4 * torch.arctan(tangent), 4 * rate / (1 + tangent**2)])[None]
