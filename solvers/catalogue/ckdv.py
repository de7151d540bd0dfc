"""The cylindrical Korteweg-de Vries equation."""

import math

from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation

CARD = Card(
    name="Cylindrical Korteweg-de Vries",
    formula="uₜ + u uₓ + uₓₓₓ + u / (2(t + 1)) = 0",
    behaviour="Waves of a ring that widens: they steepen and disperse as in Korteweg-de Vries while they lose "
    "amplitude like 1/√(t + 1).",
    good_values="L = 128, 256 points, t from 0 to 100 with waves of amplitude 0.5 (Ko, Kim and Lee, 2024).",
    ill_posed="at t = −1, where the ring is a point",
    evidence="fourth-order convergence; the text w_t = −w w_x/√(t + 1) − w_xxx of w = √(t + 1) u gives the same "
    "solutions. The map to Korteweg-de Vries, u = U(x/√(t + 1), −2/√(t + 1))/(t + 1) + x/(2(t + 1)) (Hirota, 1979), "
    "leads off the torus",
    invariants={"mass": "sqrt(t + 1)*u", "momentum": "(t + 1)*u**2"},
    exact_solutions={"faded": "u = C/√(t + 1), uniform"},
)


def ckdv() -> Equation:
    """Cylindrical Korteweg-de Vries equation: uₜ + u uₓ + uₓₓₓ + u/(2(t + 1)) = 0, on a torus, dimensionless.

    Time starts anywhere after t = −1. Exact solution: `faded`, of uniform fields alone. Invariants: mass ∫√(t + 1) u,
    momentum ∫(t + 1) u². Evidence and good values: see `CARD`.
    """
    return Equation("u_t = -u*u_x - u_xxx - u/(2*(t + 1))", card=CARD)


def faded(u0: Float[Tensor, "..."], t: int | float) -> Float[Tensor, "..."]:
    """C/√(t + 1), for a uniform field C at t = 0."""
    return u0 / math.sqrt(t + 1)
