"""The Swift-Hohenberg equation."""

from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation

CARD = Card(
    name="Swift-Hohenberg",
    formula="uₜ = r u − (1 + ∇²)² u + g u² − u³",
    behaviour="For r > 0 waves with |k| ≈ 1 grow and saturate at about 2√(r/3) cos x: rolls, and hexagons or localised "
    "patches with g.",
    dims=(1, 2, 3),
    good_values="r = 0.2, g = 0 (rolls) or g = 1 (hexagons), L = 32π, 256 points, t up to 50.",
    ill_posed="for no values",
    evidence="fourth-order convergence; the growth rate r − (1 − k²)² of small waves",
)


def swift_hohenberg(r: int | float | Tensor = 0.2, g: int | float | Tensor = 0.0) -> Equation:
    """Swift-Hohenberg equation: uₜ = r u − (1 + ∇²)²u + g u² − u³, on a torus of any dimension, dimensionless.

    Args:
        r: distance from the onset of the instability; a number, or a tensor `(batch,)`.
        g: strength of the quadratic term, which breaks u → −u; likewise.

    No exact solution is known that fits a general initial condition; no invariants. Evidence and good values: see
    `CARD`.
    """
    return Equation("u_t = (r - 1)*u - 2*lap(u) - lap(lap(u)) + g*u**2 - u**3", card=CARD, r=r, g=g)
