"""The wave equation."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import inverse_transform, transform, wavenumbers

CARD = Card(
    name="Wave",
    formula="uₜₜ = c² ∇²u, as uₜ = v, vₜ = c² ∇²u",
    behaviour="Every wave travels at speed c, undamped; in 1D u(x, t) = f(x − c t) + g(x + c t).",
    dims=(1, 2, 3),
    good_values="c = 1, L = 2π, any resolved initial condition; the solver is exact here, whatever the step.",
    ill_posed="for no values (c² < 0 cannot be written)",
    invariants={"impulse": "v", "momentum": "v*u_x", "energy": "v**2/2 - c**2*u*lap(u)/2"},
    exact_solutions={"vibrated": "û = û₀ cos(c|k|t) + v̂₀ sin(c|k|t)/(c|k|), d'Alembert's, for any u₀ and v₀"},
)


def wave(c: int | float | Tensor) -> Equation:
    """Wave equation: uₜ = v, vₜ = c²∇²u, on a torus of any dimension, dimensionless.

    Args:
        c: speed; a number, or a tensor `(batch,)`.

    Exact solution: `vibrated`. Invariants: impulse ∫v, momentum ∫v uₓ, energy ∫(v² + c²|∇u|²)/2. Good values: see
    `CARD`.
    """
    return Equation("u_t = v", "v_t = c**2*lap(u)", card=CARD, c=c)


def vibrated(
    u0: Float[Tensor, "batch 2 *space"], grid: Grid, t: int | float, c: int | float
) -> Float[Tensor, "batch 2 *space"]:
    """d'Alembert's solution, mode by mode; the mean of u grows by that of v."""
    square = torch.zeros((), dtype=torch.float64, device=u0.device)
    for k in wavenumbers(grid, u0.device):
        square = square + k**2
    omega = c * square.sqrt()
    u, v = transform(u0, grid).unbind(1)
    cosine, sine = torch.cos(omega * t), t * torch.sinc(omega * t / torch.pi)
    return inverse_transform(torch.stack([cosine * u + sine * v, cosine * v - omega**2 * sine * u], 1), grid.points)
