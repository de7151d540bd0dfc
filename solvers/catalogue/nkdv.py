"""The Korteweg-de Vries equation with coefficients that grow in time."""

import math

from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.kdv import soliton as kdv_soliton
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

CARD = Card(
    name="Korteweg-de Vries with growing coefficients",
    formula="uₜ + exp(t/t₀) (u uₓ + uₓₓₓ) = 0",
    behaviour="Korteweg-de Vries on a clock s = t₀(exp(t/t₀) − 1) that runs ever faster: the same solitons, "
    "accelerating.",
    good_values="t₀ = 50, L = 128, 256 points, t up to 100 with waves of amplitude 0.5 (Ko, Kim and Lee, 2024), which "
    "is s = 319 of Korteweg-de Vries.",
    ill_posed="for no values; t₀ = 0 makes no sense",
    invariants={"mass": "u", "momentum": "u**2", "energy": "u_x**2/2 - u**3/6"},
    exact_solutions={"soliton": "u(x, t) = U(x, s(t)) with a soliton U of Korteweg-de Vries, s = t₀(exp(t/t₀) − 1)"},
)


def nkdv(t0: int | float | Tensor = 50.0) -> Equation:
    """Korteweg-de Vries with growing coefficients: uₜ + exp(t/t₀)(u uₓ + uₓₓₓ) = 0, on a torus, dimensionless.

    u(x, t) = U(x, s), s = t₀(exp(t/t₀) − 1), for every solution U of `kdv(1, 1)`.

    Args:
        t0: time in which the coefficients grow e-fold, of either sign; a number, or a tensor `(batch,)`.

    Exact solution: `soliton`. Invariants: those of Korteweg-de Vries. Good values: see `CARD`.
    """
    return Equation("u_t = -exp(t/t0)*(u*u_x + u_xxx)", card=CARD, t0=t0)


def clock(t: int | float, t0: int | float = 50.0) -> float:
    """s = t₀(exp(t/t₀) − 1), the time of Korteweg-de Vries at time t."""
    return t0 * math.expm1(t / t0)


def soliton(
    grid: Grid, t: int | float, speed: int | float, centre: int | float = 0.0, t0: int | float = 50.0
) -> Float[Tensor, "1 1 points"]:
    """u = 3c sech²(½ √c (x − x₀ − c s(t))), wrapped around the torus."""
    return kdv_soliton(grid, clock(t, t0), speed, centre)
