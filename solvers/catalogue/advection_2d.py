"""Linear advection in the plane."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import translate

CARD = Card(
    name="Advection in the plane",
    formula="uₜ + c·∇u = 0, c = (c₁, c₂)",
    behaviour="Every shape travels at velocity c, unchanged: u(x, t) = u₀(x − c t).",
    dims=(2,),
    good_values="c = (1, 0.5), L = 1 or 2π, any resolved initial condition; the solver is exact, whatever the step.",
    ill_posed="for no values",
    invariants={"mass": "u", "momentum": "u**2"},
    exact_solutions={"advected": "u₀(x − c t), for any u₀"},
)


def advection_2d(cx: int | float | Tensor, cy: int | float | Tensor) -> Equation:
    """Linear advection: uₜ + cx uₓ + cy u_y = 0, on a 2D torus, dimensionless.

    Args:
        cx: velocity along x; a number, or a tensor `(batch,)`.
        cy: velocity along y; likewise.

    Exact solution: `advected`. Invariants: mass ∫u, momentum ∫u². Good values: see `CARD`.
    """
    return Equation("u_t = -cx*u_x - cy*u_y", card=CARD, cx=cx, cy=cy)


def advected(
    u0: Float[Tensor, "batch channel rows columns"], grid: Grid, t: int | float, cx: int | float, cy: int | float
) -> Float[Tensor, "batch channel rows columns"]:
    """u₀(x − c t)."""
    return translate(u0, grid, torch.tensor([cx * t, cy * t], dtype=torch.float64))
