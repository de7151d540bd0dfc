"""Prolongations: textbook formulas, the bracket, and equations that a symmetry leaves invariant."""

import pytest
import sympy

from pdesym.symmetry import Generator
from pdesym.symmetry.vector_field import variable

x, t, u, u_x, u_t, u_xx, u_xt, u_xxx = map(variable, ("x", "t", "u", "u_x", "u_t", "u_xx", "u_xt", "u_xxx"))


def test_textbook():
    """Olver, example 2.38 and after: rotations, and the heat equation's projective generator."""
    rotation = Generator("x*d_u - u*d_x").prolong(2)
    assert rotation["u_x"] == 1 + u_x**2
    assert sympy.expand(rotation["u_xx"] - 3 * u_x * u_xx) == 0
    boost = Generator("t*d_x + d_u").prolong(2)
    assert (boost["u_x"], boost["u_t"], boost["u_xx"], boost["u_xt"]) == (0, -u_x, 0, -u_xx)
    assert boost[u] == 1


@pytest.mark.parametrize(
    ("text", "is_symmetry"),
    [
        ("t*d_x + d_u", True),
        ("x*d_x + 3*t*d_t - 2*u*d_u", True),
        ("t*d_x - d_u", False),
        ("x*d_x + 3*t*d_t + u*d_u", False),
        ("u*d_u", False),
    ],
)
def test_korteweg_de_vries(text, is_symmetry):
    equation = u_t + u * u_x + u_xxx
    change = Generator(text).prolong(3)(equation)
    assert (sympy.expand(change.subs(u_t, -u * u_x - u_xxx)) == 0) == is_symmetry


def test_prolongation_respects_brackets():
    v, w = Generator("u*d_x + x*t*d_u"), Generator("x*d_x + t**2*d_t - u**2*d_u")
    first, second, both = v.prolong(2), w.prolong(2), v.bracket(w).prolong(2)
    for jet, coefficient in both.coefficients.items():
        assert sympy.expand(first(second[jet]) - second(first[jet]) - coefficient) == 0


def test_several_variables():
    names = {"coordinates": ("x", "y"), "fields": ("u", "v")}
    rotation = Generator("x*d_y - y*d_x + u*d_v - v*d_u", **names).prolong(1)
    divergence = variable("u_x") + variable("v_y")
    assert sympy.expand(rotation(divergence)) == 0
    assert sympy.expand(rotation(variable("u_x"))) != 0


def test_refusals():
    with pytest.raises(ValueError, match="order of at least 0"):
        Generator("d_x").prolong(-1)
    with pytest.raises(KeyError, match="u_xx is no derivative of order up to 1"):
        Generator("d_x").prolong(1)["u_xx"]
