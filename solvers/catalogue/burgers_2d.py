"""Burgers' equations in the plane."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative, derivative_symbol, inverse_transform, transform, translate

CARD = Card(
    name="Burgers in the plane",
    formula="uₜ + (u·∇)u = ν ∇²u, u = (u, v)",
    behaviour="Each velocity carries itself: slopes steepen into curved fronts of width about ν/|u|, which merge and "
    "decay; rotation is carried along and stretched.",
    dims=(2,),
    good_values="L = 2π, ν = 0.05, amplitude 1, t ≤ 2, 128 × 128 points.",
    ill_posed="for ν < 0; ν = 0 makes shocks",
    evidence="fields without rotation follow `cole_hopf`; others converge at fourth order",
    exact_solutions={"cole_hopf": "u = −2ν ∇ψ/ψ with a heat solution ψ, for any u₀ without rotation"},
    vectors={"velocity": ("u", "v")},
)


def burgers_2d(nu: int | float | Tensor) -> Equation:
    """Burgers' equations: uₜ + u uₓ + v u_y = ν∇²u, vₜ + u vₓ + v v_y = ν∇²v, on a 2D torus, dimensionless.

    Args:
        nu: viscosity ν > 0; a number, or a tensor `(batch,)`.

    Exact solution: `cole_hopf`, for fields without rotation. No invariants: in the plane the mean flow changes. Good
    values: see `CARD`.
    """
    return Equation("u_t = -u*u_x - v*u_y + nu*lap(u)", "v_t = -u*v_x - v*v_y + nu*lap(v)", card=CARD, nu=nu)


def cole_hopf(
    u0: Float[Tensor, "batch 2 rows columns"], grid: Grid, t: int | float, nu: int | float
) -> Float[Tensor, "batch 2 rows columns"]:
    """The exact solution for u₀ = mean + ∇φ: u = mean − 2ν ∇ψ/ψ in the frame of the mean flow.

    ψ = exp(−φ/2ν) is periodic and solves ψₜ = ν∇²ψ. Accurate while ψ is resolved on the grid.
    """
    mean = u0.mean(dim=(-2, -1), keepdim=True)
    along_x, along_y = (derivative_symbol(grid, orders, u0.device) for orders in ((1, 0), (0, 1)))
    square = along_x.abs().square() + along_y.abs().square()
    spectrum = transform(u0 - mean, grid)
    divergence = along_x.conj() * spectrum[:, 0] + along_y.conj() * spectrum[:, 1]
    potential = inverse_transform(torch.where(square == 0, 0, divergence / square.clamp_min(1e-300)), grid.points)
    exponent = -potential / (2 * nu)
    psi = diffused(torch.exp(exponent - exponent.amax(dim=(-2, -1), keepdim=True)).unsqueeze(1), grid, t, nu)
    slopes = torch.cat([derivative(psi, grid, orders) for orders in ((1, 0), (0, 1))], dim=1)
    return mean + translate(-2 * nu * slopes / psi, grid, (mean[..., 0, 0] * t).unsqueeze(1))
