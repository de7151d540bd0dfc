"""The modified Korteweg-de Vries equation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.catalogue.circle import signed_distance
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative

CARD = Card(
    name="Modified Korteweg-de Vries",
    formula="uₜ + a u² uₓ + b uₓₓₓ = 0",
    behaviour="For a b > 0 (focusing) waves break up into solitons of either sign and breathers, which pass through "
    "each other; for a b < 0 (defocusing) they disperse, or carry kinks between ±u.",
    good_values="a = ±6, b = 1, L = 64, 256 points, waves of amplitude 0.3, t up to 20.",
    ill_posed="for no values; b = 0 makes shocks",
    invariants={"mass": "u", "momentum": "u**2", "energy": "b*u_x**2/2 - a*u**4/12"},
    exact_solutions={
        "soliton": "u = √(6c/a) sech(√(c/b) (x − x₀ − c t)), a soliton of speed c > 0",
        "breather": "u = √(24b/a) ∂ₓ arctan(β/α sin(α y₁) / cosh(β y₂)), y₁ = x − x₀ + b(α² − 3β²)t, "
        "y₂ = x − x₀ + b(3α² − β²)t",
    },
)


def mkdv(a: int | float | Tensor = 6.0, b: int | float | Tensor = 1.0) -> Equation:
    """Modified Korteweg-de Vries equation: uₜ + a u² uₓ + b uₓₓₓ = 0, on a torus, dimensionless.

    Focusing for a b > 0, with solitons and breathers; defocusing for a b < 0.

    Args:
        a: strength of the steepening, of either sign; a number, or a tensor `(batch,)`.
        b: strength of the dispersion; likewise.

    Exact solutions: `soliton`, `breather`. Invariants: mass ∫u, momentum ∫u², energy ∫(b uₓ²/2 − a u⁴/12). Good values:
    see `CARD`.
    """
    return Equation("u_t = -a*u**2*u_x - b*u_xxx", card=CARD, a=a, b=b)


def soliton(
    grid: Grid,
    t: int | float,
    speed: int | float,
    centre: int | float = 0.0,
    a: int | float = 6.0,
    b: int | float = 1.0,
) -> Float[Tensor, "1 1 points"]:
    """u = √(6c/a) sech(√(c/b) (x − x₀ − c t)), wrapped around the torus; c > 0, a and b as in `mkdv`, both positive."""
    distance = signed_distance(grid, centre + speed * t)
    return (math.sqrt(6 * speed / a) / torch.cosh(math.sqrt(speed / b) * distance)).reshape(1, 1, -1)


def breather(
    grid: Grid,
    t: int | float,
    alpha: int | float,
    beta: int | float,
    centre: int | float = 0.0,
    a: int | float = 6.0,
    b: int | float = 1.0,
) -> Float[Tensor, "1 1 points"]:
    """The breather of Wadati (J. Phys. Soc. Jpn. 34, 1973): waves of wavenumber α under an envelope of width 1/β.

    u = √(24b/a) ∂ₓ arctan(β/α sin(α y₁)/cosh(β y₂)); the envelope moves at −b(3α² − β²). Wrapped around the torus.
    """
    # The angle decays away from its envelope: its derivative is taken on the torus.
    y2 = signed_distance(grid, centre - b * (3 * alpha**2 - beta**2) * t)
    y1 = y2 - 2 * b * (alpha**2 + beta**2) * t
    angle = torch.arctan(beta / alpha * torch.sin(alpha * y1) / torch.cosh(beta * y2))
    return math.sqrt(24 * b / a) * derivative(angle.reshape(1, 1, -1), grid, 1)
