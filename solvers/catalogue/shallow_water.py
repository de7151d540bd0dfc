"""The shallow water equations."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import inverse_transform, transform, wavenumbers

CARD = Card(
    name="Shallow water",
    formula="hₜ + ∇·((H + h)u) = 0, uₜ + (u·∇)u + f e₃×u + g ∇h = 0, u = (u, v)",
    behaviour="Gravity waves of speed √(gH) steepen and break, vortices are carried along; rotation f turns the flow "
    "and holds vortices in balance. h is the height above the mean depth H.",
    dims=(2,),
    good_values="g = H = 1, f = 0 to 1, L = 2π, 128 × 128 points, |h| up to 0.05, t up to 5, before waves break.",
    ill_posed="for g H < 0, and where the water falls dry (h ≤ −H)",
    evidence="fourth-order convergence; small waves follow `linearised`",
    invariants={
        "mass": "h",
        "energy": "((H + h)*(u**2 + v**2) + g*h**2)/2",
        "potential_enstrophy": "(v_x - u_y + f)**2/(2*(H + h))",
    },
    exact_solutions={
        "simple_wave": "for f = 0: λ = 3c − 2√(gH) with λₜ + λ λₙ = 0, c² = g(H + h), velocity 2(c − √(gH)) "
        "along the wave",
        "linearised": "the exponential of the linear part, for small h and u",
    },
    vectors={"velocity": ("u", "v")},
)


def shallow_water(
    g: int | float | Tensor = 1.0, H: int | float | Tensor = 1.0, f: int | float | Tensor = 0.0
) -> Equation:
    """Shallow water equations: hₜ + ∇·((H + h)u) = 0, uₜ + (u·∇)u + f e₃×u + g∇h = 0, on a 2D torus, dimensionless.

    The fields are h, the height above the mean depth, and the velocities u along x and v along y. No viscosity is
    added: a wave that breaks ends the accuracy, and the solver says so.

    Args:
        g: gravity; a number, or a tensor `(batch,)`.
        H: mean depth; likewise.
        f: Coriolis parameter; likewise.

    Exact solutions: `simple_wave`, `linearised`. Invariants: mass ∫h, energy ∫((H + h)|u|² + g h²)/2, potential
    enstrophy ∫(vₓ − u_y + f)²/(2(H + h)). Good values: see `CARD`.
    """
    return Equation(
        "h_t = -H*(u_x + v_y) - dx(h*u) - dy(h*v)",
        "u_t = -g*h_x + f*v - u*u_x - v*u_y",
        "v_t = -g*h_y - f*u - u*v_x - v*v_y",
        card=CARD,
        g=g,
        H=H,
        f=f,
    )


def simple_wave(
    grid: Grid,
    t: int | float,
    amplitude: int | float,
    modes: tuple[int, int] = (1, 0),
    g: int | float = 1.0,
    H: int | float = 1.0,
) -> Float[Tensor, "1 3 rows columns"]:
    """A plane wave that steepens, by its characteristics (Stoker, Water Waves, 1957, section 10.3); f = 0.

    At t = 0 its characteristic speed is λ = √(gH)(1 + amplitude · sin(k·x)); each value of it travels at itself.

    Raises:
        ValueError: when the wave has broken, from t = 1/(|k| √(gH) amplitude) on.
    """
    k = [2 * math.pi * m / size for m, size in zip(modes, grid.length, strict=True)]
    size, rest = math.hypot(*k), math.sqrt(g * H)
    if size * rest * abs(amplitude) * t >= 1:
        raise ValueError(f"This wave breaks at t = {1 / (size * rest * abs(amplitude)):g}, before t = {t:g}.")
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    angle = k[0] * x + k[1] * y
    fast = torch.full_like(angle, rest)
    for _ in range(100):  # Newton's method for λ = λ₀(angle − |k| λ t)
        start = angle - size * fast * t
        residual = fast - rest * (1 + amplitude * torch.sin(start))
        fast = fast - residual / (1 + rest * amplitude * torch.cos(start) * size * t)
    c = (fast + 2 * rest) / 3
    along = 2 * (c - rest)
    return torch.stack([c**2 / g - H, along * k[0] / size, along * k[1] / size])[None]


def linearised(
    u0: Float[Tensor, "batch 3 rows columns"],
    grid: Grid,
    t: int | float,
    g: int | float = 1.0,
    H: int | float = 1.0,
    f: int | float = 0.0,
) -> Float[Tensor, "batch 3 rows columns"]:
    """Small waves: the exponential of the linear part, off by the square of the amplitude."""
    kx, ky = torch.broadcast_tensors(*wavenumbers(grid, u0.device))
    zero, one = torch.zeros_like(kx), torch.ones_like(kx)
    rows = ((zero, -1j * H * kx, -1j * H * ky), (-1j * g * kx, zero, f * one), (-1j * g * ky, -f * one, zero))
    matrix = torch.stack([torch.stack([entry + 0j for entry in row], -1) for row in rows], -2)
    propagator = torch.linalg.matrix_exp(matrix * t)
    return inverse_transform(torch.einsum("xyij,bjxy->bixy", propagator, transform(u0, grid)), grid.points)
