"""The Korteweg-de Vries equation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid

CARD = Card(
    name="Korteweg-de Vries",
    formula="uₜ + a u uₓ + b uₓₓₓ = 0",
    behaviour="Waves steepen (a) and disperse (b) into solitons, taller ones faster, which pass through each other.",
    good_values="a = b = 1, L = 128, 256 points and more, t up to 100 with waves of amplitude 0.5.",
    ill_posed="for no values; b = 0 makes shocks",
    invariants={"mass": "u", "momentum": "u**2", "energy": "b*u_x**2/2 - a*u**3/6"},
    exact_solutions={"soliton": "u = (3c/a) sech²(½ √(c/b) (x − x₀ − c t)), a soliton of speed c > 0"},
)


def kdv(a: int | float | Tensor = 1.0, b: int | float | Tensor = 1.0) -> Equation:
    """Korteweg-de Vries equation: uₜ + a u uₓ + b uₓₓₓ = 0, on a torus, dimensionless.

    Waves steepen and disperse into solitons, which pass through each other. No viscosity is added, ever.

    Args:
        a: strength of the steepening; a number, or a tensor `(batch,)`.
        b: strength of the dispersion; likewise.

    Exact solution: `soliton`. Invariants: mass ∫u, momentum ∫u², energy ∫(b uₓ²/2 − a u³/6). Good values: see `CARD`.
    """
    return Equation("u_t = -a*u*u_x - b*u_xxx", card=CARD, a=a, b=b)


def soliton(
    grid: Grid,
    t: int | float,
    speed: int | float,
    centre: int | float = 0.0,
    a: int | float = 1.0,
    b: int | float = 1.0,
) -> Float[Tensor, "1 1 points"]:
    """u = (3c/a) sech²(½ √(c/b) (x − x₀ − c t)), wrapped around the torus.

    It solves KdV up to its own value on the far side of the torus, about 12c/a · exp(−√(c/b) L/2).

    Args:
        grid: a 1D grid.
        t: time.
        speed: c > 0.
        centre: x₀, the position at t = 0.
        a: as in `kdv`.
        b: as in `kdv`.
    """
    (x,), (length,) = grid.coordinates(), grid.length
    distance = (x - centre - speed * t + length / 2) % length - length / 2
    return (3 * speed / a / torch.cosh(0.5 * math.sqrt(speed / b) * distance) ** 2).reshape(1, 1, -1)
