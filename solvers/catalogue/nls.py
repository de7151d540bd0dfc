"""The nonlinear Schrödinger equation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.circle import signed_distance
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

CARD = Card(
    name="Nonlinear Schrödinger",
    formula="i ψₜ + ∇²ψ + κ |ψ|² ψ = 0, ψ = u + i v",
    behaviour="Wave packets spread, and for κ > 0 (focusing) hold together as bright solitons, while plane waves break "
    "up into them; for κ < 0 (defocusing) plane waves are stable.",
    dims=(1, 2, 3),
    good_values="κ = ±2, L = 40, 256 points, |ψ| of about 1, t up to 5.",
    ill_posed="for no values in 1D; in 2D and 3D focusing packets of more than a critical ∫|ψ|² collapse in a "
    "finite time",
    invariants={
        "mass": "u**2 + v**2",
        "momentum": "u*v_x - v*u_x",
        "energy": "-u*lap(u) - v*lap(v) - kappa*(u**2 + v**2)**2/2",
    },
    exact_solutions={
        "bright_soliton": "ψ = A sech(A √(κ/2) (x − x₀ − V t)) exp(i(V (x − x₀)/2 + (κA²/2 − V²/4) t))",
        "plane_wave": "ψ = A exp(i(k·x − (k² − κA²) t))",
    },
)


def nls(kappa: int | float | Tensor = 2.0) -> Equation:
    """Nonlinear Schrödinger equation: iψₜ + ∇²ψ + κ|ψ|²ψ = 0, on a torus of any dimension, dimensionless.

    The fields are u = Re ψ and v = Im ψ.

    Args:
        kappa: κ, positive for focusing, negative for defocusing; a number, or a tensor `(batch,)`.

    Exact solutions: `bright_soliton` (1D), `plane_wave`. Invariants: mass ∫|ψ|², momentum ∫Im(ψ* ψₓ), energy
    ∫(|∇ψ|² − κ|ψ|⁴/2). Good values: see `CARD`.
    """
    return Equation(
        "u_t = -lap(v) - kappa*(u**2 + v**2)*v", "v_t = lap(u) + kappa*(u**2 + v**2)*u", card=CARD, kappa=kappa
    )


def bright_soliton(
    grid: Grid,
    t: int | float,
    amplitude: int | float,
    velocity: int | float = 0.0,
    centre: int | float = 0.0,
    kappa: int | float = 2.0,
) -> Float[Tensor, "1 2 points"]:
    """A sech(B ξ) exp(i(V(ξ + Vt)/2 + (B² − V²/4)t)), ξ = x − x₀ − Vt, B = A√(κ/2), wrapped around the torus; κ > 0.

    Zakharov and Shabat (Sov. Phys. JETP 34, 1972).
    """
    width = amplitude * math.sqrt(kappa / 2)
    xi = signed_distance(grid, centre + velocity * t)
    phase = velocity * (xi + velocity * t) / 2 + (width**2 - velocity**2 / 4) * t
    return torch.stack([phase.cos(), phase.sin()])[None] * amplitude / torch.cosh(width * xi)


def plane_wave(
    grid: Grid, t: int | float, amplitude: int | float, modes: tuple[int, ...], kappa: int | float = 2.0
) -> Float[Tensor, "1 2 *space"]:
    """A exp(i(k·x − (k² − κA²)t)), with `modes` waves along each axis.

    For κ > 0 it is unstable to waves longer than 2π/(A√(2κ)): round-off grows at up to κA².
    """
    coordinates = torch.meshgrid(*grid.coordinates(), indexing="ij")
    k = [2 * math.pi * m / size for m, size in zip(modes, grid.length, strict=True)]
    phase = -(sum(each**2 for each in k) - kappa * amplitude**2) * t * torch.ones_like(coordinates[0])
    for each, x in zip(k, coordinates, strict=True):
        phase = phase + each * x
    return amplitude * torch.stack([phase.cos(), phase.sin()])[None]
