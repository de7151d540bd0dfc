"""The Fisher-KPP equation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.circle import signed_distance
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

CARD = Card(
    name="Fisher-KPP",
    formula="uₜ = D ∇²u + r u (1 − u)",
    behaviour="The state u = 1 invades u = 0 in fronts of width √(D/r) and speed 2√(D r) or more.",
    dims=(1, 2, 3),
    good_values="D = r = 1, L = 100, 256 points, u₀ between 0 and 1, t up to 20.",
    ill_posed="for D < 0; negative fields run off to −∞ in a finite time",
    exact_solutions={
        "front_pair": "u = f(x − x₁ − c t) f(x₂ − x − c t), f(z) = (1 + exp(z √(r/6D)))⁻², c = 5 √(D r/6)",
        "grown": "u = u₀/(u₀ + (1 − u₀) exp(−r t)), uniform",
    },
)


def fisher_kpp(D: int | float | Tensor = 1.0, r: int | float | Tensor = 1.0) -> Equation:
    """Fisher-KPP equation: uₜ = D ∇²u + r u (1 − u), on a torus of any dimension, dimensionless.

    The stable state 1 invades the unstable state 0.

    Args:
        D: diffusivity, D > 0; a number, or a tensor `(batch,)`.
        r: growth rate; likewise.

    Exact solutions: `front_pair` (1D), `grown`. No invariants. Good values: see `CARD`.
    """
    return Equation("u_t = D*lap(u) + r*u*(1 - u)", card=CARD, D=D, r=r)


def front_pair(
    grid: Grid, t: int | float, half_width: int | float, D: int | float = 1.0, r: int | float = 1.0
) -> Float[Tensor, "1 1 points"]:
    """Two fronts of Ablowitz and Zeppetella (Bull. Math. Biol. 41, 1979) that move apart from the middle of the torus.

    At time t they stand `half_width` + c t from the middle, c = 5√(D r/6), u ≈ 1 between them. Their product solves the
    equation up to exp(−√(r/6D) · 2 half_width) on the plateau and exp(−2√(r/6D)(L/2 − half_width − c t)) outside.
    """
    rate, reached = math.sqrt(r / (6 * D)), half_width + 5 * math.sqrt(D * r / 6) * t
    z = signed_distance(grid, grid.length[0] / 2)
    right, left = ((1 + torch.exp(rate * (side * z - reached))) ** -2 for side in (1, -1))
    return (right * left).reshape(1, 1, -1)


def grown(u0: Float[Tensor, "..."], t: int | float, r: int | float = 1.0) -> Float[Tensor, "..."]:
    """The logistic law u₀/(u₀ + (1 − u₀) exp(−r t)), for a uniform field."""
    return u0 / (u0 + (1 - u0) * math.exp(-r * t))
