"""The Kuramoto-Sivashinsky equation in the plane."""

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation

CARD = Card(
    name="Kuramoto-Sivashinsky in the plane",
    formula="uₜ + ½ |∇u|² + ∇²u + ∇⁴u = 0",
    behaviour="A flame front: waves with |k| < 1 grow, shorter ones are damped, slopes couple them into chaos; "
    "the mean sinks. For fields of x alone uₓ solves Kuramoto-Sivashinsky in 1D.",
    dims=(2,),
    good_values="L = 32, 64 × 64 points, t up to 30 before digits are lost to chaos; L < 2π decays to a constant.",
    ill_posed="for no values",
    evidence="fourth-order convergence; for fields of x alone the slopes are those of Kuramoto-Sivashinsky in 1D",
)


def ks_2d() -> Equation:
    """Kuramoto-Sivashinsky equation for a height: uₜ + ½|∇u|² + ∇²u + ∇⁴u = 0, on a 2D torus, dimensionless.

    No exact solution is known that fits a general initial condition; no invariants. Good values: see `CARD`.
    """
    return Equation("u_t = -lap(u) - lap(lap(u)) - (u_x**2 + u_y**2)/2", card=CARD)
