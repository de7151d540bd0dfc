"""Linear advection."""

from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import translate

CARD = Card(
    name="Advection",
    formula="uₜ + c uₓ = 0",
    behaviour="Every shape travels at speed c, unchanged: u(x, t) = u₀(x − c t).",
    good_values="c = 1, L = 1 or 2π, any resolved initial condition; the solver is exact here, whatever the step.",
    ill_posed="for no values",
    invariants={"mass": "u", "momentum": "u**2"},
    exact_solutions={"advected": "u₀(x − c t), for any u₀"},
)


def advection(c: int | float | Tensor) -> Equation:
    """Linear advection: uₜ + c uₓ = 0, on a torus, dimensionless.

    Every shape travels at speed `c`, unchanged.

    Args:
        c: velocity; a number, or a tensor `(batch,)`.

    Exact solution: `advected`. Invariants: mass ∫u, momentum ∫u². Good values: see `CARD`.
    """
    return Equation("u_t = -c*u_x", card=CARD, c=c)


def advected(
    u0: Float[Tensor, "batch channel points"], grid: Grid, t: int | float, c: int | float
) -> Float[Tensor, "batch channel points"]:
    """u₀(x − c t)."""
    return translate(u0, grid, c * t)
