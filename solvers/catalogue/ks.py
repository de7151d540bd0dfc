"""The Kuramoto-Sivashinsky equation."""

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation

CARD = Card(
    name="Kuramoto-Sivashinsky",
    formula="uₜ + u uₓ + uₓₓ + uₓₓₓₓ = 0",
    behaviour="Waves with |k| < 1 grow, shorter ones are damped, steepening couples them: cellular chaos, with a "
    "Lyapunov time of about 10.",
    good_values="L = 64, 128 points, t up to 30 before digits are lost to chaos; L < 2π decays to a constant.",
    ill_posed="for no values",
    evidence="fourth-order convergence; agreement with DOP853 on another right-hand side",
    invariants={"mass": "u"},
)


def ks() -> Equation:
    """Kuramoto-Sivashinsky equation: uₜ + u uₓ + uₓₓ + uₓₓₓₓ = 0, on a torus, dimensionless.

    Waves with |k| < 1 grow, shorter ones are damped, and the steepening couples them: chaos for L ≥ 20 or so. No exact
    solution is known that fits a general initial condition. Invariant: mass ∫u. Good values: see `CARD`.
    """
    return Equation("u_t = -u*u_x - u_xx - u_xxxx", card=CARD)
