"""Burgers' equation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative, inverse_transform, transform, translate, wavenumbers

CARD = Card(
    name="Burgers",
    formula="uₜ + u uₓ = ν uₓₓ",
    behaviour="Slopes steepen into fronts of width about ν/|u|, which merge and decay.",
    good_values="L = 2π, ν = 0.05, amplitude 1, t ≤ 4, 128 points; ν = 0.01 makes fronts that need 1024.",
    ill_posed="for ν < 0; ν = 0 makes shocks",
    invariants={"mass": "u"},
    exact_solutions={"cole_hopf": "u = −2ν ψₓ/ψ with a heat solution ψ, for any u₀"},
)


def burgers(nu: int | float | Tensor) -> Equation:
    """Burgers' equation: uₜ + u uₓ = ν uₓₓ, on a torus, dimensionless.

    Slopes steepen into fronts of width about ν/|u|, which merge and decay.

    Args:
        nu: viscosity ν > 0; a number, or a tensor `(batch,)`.

    Exact solution: `cole_hopf`. Invariant: mass ∫u. Good values: see `CARD`.
    """
    return Equation("u_t = -u*u_x + nu*u_xx", card=CARD, nu=nu)


def cole_hopf(
    u0: Float[Tensor, "batch channel points"], grid: Grid, t: int | float, nu: int | float
) -> Float[Tensor, "batch channel points"]:
    """The exact solution by Cole (1951) and Hopf (1950): u = ū − 2ν ψₓ/ψ in the frame of the mean flow ū.

    ψ = exp(−∫(u₀ − ū)dx/2ν) is periodic and solves ψₜ = νψₓₓ; the Galilean boost by ū brings the frame back. Accurate
    while ψ is resolved on the grid, which takes far more points than u when |u|L/ν is large, and while its smallest
    value exceeds round-off, max ∫(u₀ − ū)dx − min ∫(u₀ − ū)dx < 40 ν or so.
    """
    mean = u0.mean(dim=-1, keepdim=True)
    (k,) = wavenumbers(grid, u0.device)
    spectrum = transform(u0 - mean, grid)
    integrated = torch.where(k == 0, 0, spectrum / (1j * k.clamp_min(math.pi / grid.length[0])))
    exponent = -inverse_transform(integrated, grid.points) / (2 * nu)
    psi = diffused(torch.exp(exponent - exponent.amax(dim=-1, keepdim=True)), grid, t, nu)
    return mean + translate(-2 * nu * derivative(psi, grid, 1) / psi, grid, mean[..., 0] * t)
