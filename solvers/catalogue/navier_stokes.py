"""The Navier-Stokes equations of a plane incompressible flow, in vorticity form."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

_CARRIED = "w_t = -psi_y*w_x + psi_x*w_y + nu*lap(w)"
_STREAM = "lap(psi) = -w"

CARD = Card(
    name="Navier-Stokes",
    formula="wₜ + u·∇w = ν ∇²w, w = vₓ − u_y, u = (ψ_y, −ψₓ), ∇²ψ = −w",
    behaviour="Vortices of the same sign merge, filaments between them are drawn out and smoothed: large eddies that "
    "decay. w > 0 turns anticlockwise; the mean flow and the mean of w are zero.",
    dims=(2,),
    good_values="ν = 1e-3 on L = 1 or 1e-2 on L = 2π, 64 × 64 points, w of about 1, t up to 20.",
    ill_posed="for ν < 0",
    evidence="fourth-order convergence",
    invariants={"circulation": "w"},
    exact_solutions={
        "taylor_green": "w = w₀ exp(−ν|k|²t) for any sum w₀ of waves of one length |k|",
        "shielded_vortex": "ψ = A/(4ντ) exp(−r²/(4ντ)), w = −∇²ψ, τ = t + t₀: the derivative in t of Lamb and Oseen's",
    },
)

KOLMOGOROV = Card(
    name="Kolmogorov flow",
    formula="wₜ + u·∇w = ν ∇²w − α w − A n cos(n y), the curl of the force A sin(n y) along x",
    behaviour="Alternating jets, steady while A/(ν² n³) is small, then wavy, then turbulent; the drag α ends the "
    "growth of the largest eddies.",
    dims=(2,),
    good_values="L = 2π, n = 4, A = 1, ν = 1e-2 to 1e-3, α = 0 to 0.1, 64 × 64 to 256 × 256 points, t up to 20.",
    ill_posed="for ν < 0; n must be a whole number on L = 2π, so that the force is periodic",
    evidence="fourth-order convergence",
    invariants={"circulation": "w"},
    exact_solutions={"jets": "w = w₀ E − A n cos(n y)(1 − E)/(ν n² + α), E = exp(−(ν n² + α)t), for w₀ = a cos(n y)"},
)

FNO = Card(
    name="Navier-Stokes with the force of the FNO benchmark",
    formula="wₜ + u·∇w = ν ∇²w + 0.1 (sin 2π(x + y) + cos 2π(x + y))",
    behaviour="Decaying eddies and a steady diagonal force (Li et al., ICLR 2021).",
    dims=(2,),
    good_values="L = 1 (the force has that period), ν = 1e-3 to 1e-5, 64 × 64 to 256 × 256 points, t up to 50, w₀ from "
    "`GaussianField(alpha=2.5, tau=7)`.",
    ill_posed="for ν < 0",
    evidence="fourth-order convergence",
    invariants={"circulation": "w"},
)

GFNO = Card(
    name="Navier-Stokes with the symmetric force of the G-FNO benchmark",
    formula="wₜ + u·∇w = ν ∇²w + 0.1 (cos 4πx + cos 4πy)",
    behaviour="Decaying eddies and a steady force that quarter turns leave as it is, so that they map solutions to "
    "solutions (Helwig et al., ICML 2023).",
    dims=(2,),
    good_values="L = 1 (the force has half that period), ν = 1e-4, 64 × 64 to 256 × 256 points, t up to 30, w₀ from "
    "`GaussianField(alpha=2.5, tau=7)`.",
    ill_posed="for ν < 0",
    evidence="fourth-order convergence",
    invariants={"circulation": "w"},
)


def navier_stokes(nu: int | float | Tensor) -> Equation:
    """Navier-Stokes in vorticity form: wₜ + u·∇w = ν∇²w, on a 2D torus, dimensionless.

    w = vₓ − u_y, positive for anticlockwise turning, of the velocity (u, v) = (ψ_y, −ψₓ) with ∇²ψ = −w. The mean flow
    and the mean of w are zero.

    Args:
        nu: kinematic viscosity ν > 0; a number, or a tensor `(batch,)`.

    Exact solutions: `taylor_green`, `shielded_vortex`. Good values: see `CARD`.
    """
    return Equation(_CARRIED, where=_STREAM, card=CARD, nu=nu)


def kolmogorov_flow(
    nu: int | float | Tensor,
    n: int | float | Tensor = 4.0,
    amplitude: int | float | Tensor = 1.0,
    drag: int | float | Tensor = 0.0,
) -> Equation:
    """Kolmogorov flow: `navier_stokes` under the force A sin(n y) along x and a drag α, on a 2D torus.

    wₜ + u·∇w = ν∇²w − αw − A n cos(n y).

    Args:
        nu: kinematic viscosity ν > 0; a number, or a tensor `(batch,)`.
        n: wavenumber of the force, a whole multiple of 2π/L; likewise.
        amplitude: A, size of the force; likewise.
        drag: α, rate of the linear drag; likewise.

    Exact solution: `jets`. Good values: see `KOLMOGOROV`.
    """
    return Equation(
        _CARRIED + " - drag*w - amplitude*n*cos(n*y)",
        where=_STREAM,
        card=KOLMOGOROV,
        nu=nu,
        n=n,
        amplitude=amplitude,
        drag=drag,
    )


def navier_stokes_fno(nu: int | float | Tensor) -> Equation:
    """`navier_stokes` on the unit torus under 0.1(sin 2π(x + y) + cos 2π(x + y)) (Li et al., ICLR 2021).

    Args:
        nu: kinematic viscosity ν > 0; a number, or a tensor `(batch,)`.

    The benchmark's code steps it by Crank-Nicolson and explicit Euler with dt = 1e-4; see `FNO` for good values.
    """
    return Equation(_CARRIED + " + (sin(2*pi*(x + y)) + cos(2*pi*(x + y)))/10", where=_STREAM, card=FNO, nu=nu)


def navier_stokes_gfno(nu: int | float | Tensor) -> Equation:
    """`navier_stokes` on the unit torus under 0.1(cos 4πx + cos 4πy) (NS-Sym of Helwig et al., ICML 2023).

    Args:
        nu: kinematic viscosity ν > 0; a number, or a tensor `(batch,)`. The benchmark takes 1e-4.

    Good values: see `GFNO`.
    """
    return Equation(_CARRIED + " + (cos(4*pi*x) + cos(4*pi*y))/10", where=_STREAM, card=GFNO, nu=nu)


def taylor_green(
    w0: Float[Tensor, "batch 1 rows columns"], t: int | float, nu: int | float, wavenumber: int | float
) -> Float[Tensor, "batch 1 rows columns"]:
    """w₀ exp(−ν|k|²t), for any sum w₀ of waves of one wavenumber |k|; Taylor and Green's is cos kx cos ky."""
    return w0 * math.exp(-nu * wavenumber**2 * t)


def shielded_vortex(
    grid: Grid, t: int | float, nu: int | float, age: int | float, size: int | float = 1.0
) -> Float[Tensor, "1 1 rows columns"]:
    """A round vortex without net circulation in the middle of the torus, ψ = A/(4ντ) exp(−r²/(4ντ)), τ = t + age.

    Taylor's vortex (1918), the time derivative of Lamb and Oseen's, whose own circulation no torus holds. Exact up to
    exp(−L²/(16ντ)).

    Args:
        grid: a 2D grid.
        t: time.
        nu: viscosity.
        age: t₀, time since the vortex was a point at t = 0.
        size: A.
    """
    x, y = (c - length / 2 for c, length in zip(grid.coordinates(), grid.length, strict=True))
    spread = 4 * nu * (t + age)
    squared = (x[:, None] ** 2 + y[None, :] ** 2) / spread
    return (4 * size / spread**2 * (1 - squared) * torch.exp(-squared))[None, None]


def jets(
    grid: Grid,
    t: int | float,
    nu: int | float,
    start: int | float = 0.0,
    n: int | float = 4.0,
    amplitude: int | float = 1.0,
    drag: int | float = 0.0,
) -> Float[Tensor, "1 1 rows columns"]:
    """The laminar Kolmogorov flow from w₀ = `start` · cos(n y)."""
    _, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    rate = nu * n**2 + drag
    decay = math.exp(-rate * t)
    return (torch.cos(n * y) * (start * decay - amplitude * n * (1 - decay) / rate))[None, None]
