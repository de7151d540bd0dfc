"""The FitzHugh-Nagumo equations."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.circle import signed_distance
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

CARD = Card(
    name="FitzHugh-Nagumo",
    formula="uₜ = D ∇²u + u (1 − u)(u − a) − v, vₜ = ε (u − γ v)",
    behaviour="An excitable medium: a push of u above the threshold a sends out a pulse of constant shape, which the "
    "slow recovery v ends; in 2D such pulses curl into spirals.",
    dims=(1, 2, 3),
    good_values="D = 1, a = 0.1, ε = 0.005, γ = 2, L = 200, 256 points, t up to 200.",
    ill_posed="for D < 0",
    evidence="fourth-order convergence",
    exact_solutions={
        "front_pair": "for ε = 0, v = 0 (Nagumo): u = f(x − x₁ − c t) f(x₂ − x − c t), f(z) = 1/(1 + exp(z/√(2D))), "
        "c = √(D/2)(1 − 2a)",
    },
)


def fitzhugh_nagumo(
    D: int | float | Tensor = 1.0,
    a: int | float | Tensor = 0.1,
    epsilon: int | float | Tensor = 0.005,
    gamma: int | float | Tensor = 2.0,
) -> Equation:
    """FitzHugh-Nagumo equations: uₜ = D∇²u + u(1 − u)(u − a) − v, vₜ = ε(u − γv), on a torus of any dimension.

    Dimensionless, in the form of Nagumo, Arimoto and Yoshizawa (Proc. IRE 50, 1962).

    Args:
        D: diffusivity of u, D > 0; a number, or a tensor `(batch,)`.
        a: threshold, between 0 and 1/2; likewise.
        epsilon: ε, rate of the recovery; likewise.
        gamma: γ, decay of the recovery; likewise. Below 4/(1 − a)² rest is the only steady state.

    Exact solution: `front_pair` (1D, ε = 0). No invariants. Good values: see `CARD`.
    """
    return Equation(
        "u_t = D*lap(u) + u*(1 - u)*(u - a) - v",
        "v_t = epsilon*(u - gamma*v)",
        card=CARD,
        D=D,
        a=a,
        epsilon=epsilon,
        gamma=gamma,
    )


def front_pair(
    grid: Grid, t: int | float, half_width: int | float, D: int | float = 1.0, a: int | float = 0.1
) -> Float[Tensor, "1 2 points"]:
    """Two fronts of Nagumo's equation (ε = 0, v = 0) that move apart from the middle of the torus.

    At time t they stand `half_width` + c t from the middle, c = √(D/2)(1 − 2a). Their product solves the equation up to
    exp(−√(2/D) · half_width) and exp(−(L/2 − half_width − c t)/√(2D)).
    """
    reached = half_width + math.sqrt(D / 2) * (1 - 2 * a) * t
    z = signed_distance(grid, grid.length[0] / 2)
    right, left = (1 / (1 + torch.exp((side * z - reached) / math.sqrt(2 * D))) for side in (1, -1))
    return torch.stack([right * left, torch.zeros_like(z)])[None]
