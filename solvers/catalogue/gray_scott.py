"""The Gray-Scott equations."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

PATTERNS: dict[str, tuple[float, float]] = {
    "gliders": (0.014, 0.054),
    "bubbles": (0.098, 0.057),
    "maze": (0.029, 0.057),
    "worms": (0.058, 0.065),
    "spirals": (0.018, 0.051),
    "spots": (0.030, 0.062),
}
"""(F, k) of patterns that go by a name, for Du = 2e-5, Dv = 1e-5 on L = 2 (The Well, Ohana et al., NeurIPS 2024)."""

CARD = Card(
    name="Gray-Scott",
    formula="uₜ = Du ∇²u − u v² + F (1 − u), vₜ = Dv ∇²v + u v² − (F + k) v",
    behaviour="v feeds on u, which is fed at the rate F, and dies at the rate F + k: out of a few specks of v grow "
    + ", ".join(f"{name} (F = {F:g}, k = {k:g})" for name, (F, k) in PATTERNS.items())
    + ".",
    dims=(1, 2, 3),
    good_values="Du = 2e-5, Dv = 1e-5, L = 2, 128 × 128 points, initial fields by `Specks`, t up to 10000.",
    ill_posed="for Du < 0 or Dv < 0",
    evidence="fourth-order convergence",
    exact_solutions={"fed": "without v: u = 1 + (heat solution − 1) exp(−F t), for any u₀"},
)


def gray_scott(
    F: int | float | Tensor,
    k: int | float | Tensor,
    Du: int | float | Tensor = 2e-5,
    Dv: int | float | Tensor = 1e-5,
) -> Equation:
    """Gray-Scott equations: uₜ = Du∇²u − uv² + F(1 − u), vₜ = Dv∇²v + uv² − (F + k)v, on a torus of any dimension.

    Dimensionless. `gray_scott(*PATTERNS["spots"])` makes the patterns that go by a name (Pearson, Science 261, 1993).

    Args:
        F: feed rate; a number, or a tensor `(batch,)`.
        k: kill rate; likewise.
        Du: diffusivity of u; likewise.
        Dv: diffusivity of v; likewise.

    Exact solution: `fed`, without v. No invariants. Good values: see `CARD`.
    """
    return Equation(
        "u_t = Du*lap(u) - u*v**2 + F*(1 - u)",
        "v_t = Dv*lap(v) + u*v**2 - (F + k)*v",
        card=CARD,
        F=F,
        k=k,
        Du=Du,
        Dv=Dv,
    )


def fed(
    u0: Float[Tensor, "batch 2 *space"], grid: Grid, t: int | float, F: int | float, Du: int | float = 2e-5
) -> Float[Tensor, "batch 2 *space"]:
    """u = 1 + (diffused u₀ − 1) exp(−F t) where v = 0."""
    u = 1 + (diffused(u0[:, :1], grid, t, Du) - 1) * math.exp(-F * t)
    return torch.cat([u, torch.zeros_like(u)], dim=1)
