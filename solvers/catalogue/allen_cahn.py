"""The Allen-Cahn equation."""

import math

import torch
from jaxtyping import Float
from scipy.special import ellipj, ellipk
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.circle import signed_distance
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

CARD = Card(
    name="Allen-Cahn",
    formula="uₜ = ε² ∇²u + u − u³",
    behaviour="The field separates into domains of u = ±1 within a time of about 1; their walls, of width ε, then move "
    "by their curvature.",
    dims=(1, 2, 3),
    good_values="ε = 0.05 to 0.2 on L = 2π, 256 points for ε = 0.1, u₀ between −1 and 1, t up to 10.",
    ill_posed="for no values (ε² < 0 cannot be written)",
    exact_solutions={
        "front_pair": "u = f(x − x₁ − c t) f(x₂ − x − c t), f(z) = 1/(1 + exp(z/√2 ε)), c = 3ε/√2",
        "standing_wave": "u = m √(2/(1 + m²)) sn(x/(ε √(1 + m²)), m), with an integer number of periods on the torus; "
        "one wall is tanh(x/√2 ε)",
        "separated": "u = u₀ exp(t)/√(1 + u₀² (exp(2t) − 1)), uniform",
    },
)


def allen_cahn(epsilon: int | float | Tensor) -> Equation:
    """Allen-Cahn equation: uₜ = ε² ∇²u + u − u³, on a torus of any dimension, dimensionless.

    Domains of u = ±1 form, and their walls of width ε straighten.

    Args:
        epsilon: ε, width of a wall; a number, or a tensor `(batch,)`.

    Exact solutions: `front_pair` and `standing_wave` (1D), `separated`. No invariants. Good values: see `CARD`.
    """
    return Equation("u_t = epsilon**2*lap(u) + u - u**3", card=CARD, epsilon=epsilon)


def front_pair(
    grid: Grid, t: int | float, half_width: int | float, epsilon: int | float
) -> Float[Tensor, "1 1 points"]:
    """Two fronts in which u = 1 invades the unstable u = 0, moving apart from the middle of the torus.

    At time t they stand `half_width` + c t from the middle, c = 3ε/√2. Their product solves the equation up to
    exp(−√2 half_width/ε) on the plateau and exp(−(L/2 − half_width − c t)/(√2 ε)) outside.
    """
    reached = half_width + 3 * epsilon / math.sqrt(2) * t
    z = signed_distance(grid, grid.length[0] / 2)
    right, left = (1 / (1 + torch.exp((side * z - reached) / (math.sqrt(2) * epsilon))) for side in (1, -1))
    return (right * left).reshape(1, 1, -1)


def standing_wave(grid: Grid, epsilon: int | float, waves: int = 1) -> Float[Tensor, "1 1 points"]:
    """The elliptic standing wave of `waves` periods, u = m √(2/(1 + m²)) sn(x/(ε√(1 + m²)), m): ε²uₓₓ + u − u³ = 0.

    Raises:
        ValueError: for waves shorter than 2πε, which the linear instability of u = 0 does not reach.
    """
    (x,), (length,) = grid.coordinates(), grid.length
    period = length / waves / epsilon
    if period <= 2 * math.pi:
        raise ValueError(f"A standing wave is longer than 2πε = {2 * math.pi * epsilon:g}, got {length / waves:g}.")
    low, high = 0.0, 1.0
    for _ in range(200):  # 4 K(m) √(1 + m²) grows with the modulus m from 2π to ∞
        modulus = (low + high) / 2
        long = 4 * ellipk(modulus**2) * math.sqrt(1 + modulus**2) > period
        low, high = (low, modulus) if long else (modulus, high)
    sn = torch.from_numpy(ellipj((x / (epsilon * math.sqrt(1 + modulus**2))).numpy(), modulus**2)[0])
    return (modulus * math.sqrt(2 / (1 + modulus**2)) * sn).reshape(1, 1, -1)


def separated(u0: Float[Tensor, "..."], t: int | float) -> Float[Tensor, "..."]:
    """u₀ exp(t)/√(1 + u₀²(exp(2t) − 1)), for a uniform field."""
    return u0 * math.exp(t) / (1 + u0**2 * math.expm1(2 * t)) ** 0.5
