"""The Cahn-Hilliard equation."""

from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation

CARD = Card(
    name="Cahn-Hilliard",
    formula="uₜ = ∇²(u³ − u − ε² ∇²u)",
    behaviour="A mixture separates into domains of u = ±1, first those of wavelength 2π√2 ε, which then grow at the "
    "expense of the smaller ones; the amount of each stays.",
    dims=(1, 2, 3),
    good_values="ε = 0.1 on L = 2π, 128 points, u₀ of amplitude 0.1, t up to 1.",
    ill_posed="for ε = 0, where |u| < 1/√3 diffuses backward",
    evidence="fourth-order convergence; the growth rate k²(1 − ε²k²) of small waves; the standing wave of Allen-Cahn "
    "stays",
    invariants={"mass": "u"},
    exact_solutions={"standing_wave": "that of Allen-Cahn, where u³ − u − ε²uₓₓ = 0"},
)


def cahn_hilliard(epsilon: int | float | Tensor) -> Equation:
    """Cahn-Hilliard equation: uₜ = ∇²(u³ − u − ε²∇²u), on a torus of any dimension, dimensionless.

    A mixture separates into domains of u = ±1 with walls of width ε, which coarsen.

    Args:
        epsilon: ε ≠ 0, width of a wall; a number, or a tensor `(batch,)`.

    Exact solution: `allen_cahn.standing_wave` (1D). Invariant: mass ∫u. Evidence and good values: see `CARD`.
    """
    return Equation("u_t = lap(u**3 - u) - epsilon**2*lap(lap(u))", card=CARD, epsilon=epsilon)
