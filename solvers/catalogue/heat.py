"""The heat equation."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import inverse_transform, transform, wavenumbers

CARD = Card(
    name="Heat",
    formula="uₜ = ν ∇²u",
    behaviour="Every wave decays at the rate νk²: the field smooths towards its mean.",
    good_values="ν = 0.01 to 1 on L = 2π; 64 points carry any smooth initial condition.",
    dims=(1, 2, 3),
    ill_posed="for ν < 0",
    invariants={"mass": "u"},
    exact_solutions={"diffused": "each Fourier mode times exp(−ν k² t), for any u₀"},
)


def heat(nu: int | float | Tensor) -> Equation:
    """Heat equation: uₜ = ν ∇²u, on a torus of any dimension, dimensionless.

    Every wave of wavenumber k decays like exp(−νk²t).

    Args:
        nu: diffusivity ν > 0; a number, or a tensor `(batch,)`.

    Exact solution: `diffused`. Invariant: mass ∫u. Good values: see `CARD`.
    """
    return Equation("u_t = nu*lap(u)", card=CARD, nu=nu)


def diffused(
    u0: Float[Tensor, "batch channel *space"], grid: Grid, t: int | float, nu: int | float
) -> Float[Tensor, "batch channel *space"]:
    """û₀(k) exp(−ν |k|² t)."""
    decay = torch.zeros((), dtype=torch.float64, device=u0.device)
    for k in wavenumbers(grid, u0.device):
        decay = decay + k**2
    return inverse_transform(transform(u0, grid) * torch.exp(-nu * t * decay).to(u0.dtype), grid.points)
