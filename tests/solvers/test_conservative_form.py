"""The split into linear part, fluxes and remainder: always the same expression, with the fewest transforms."""

import math

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdesym.solvers import Equation, FlowMap, Grid, derivative
from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.conservative import conservative_form, count_transforms, fewest_transforms, inverse_total_derivative
from pdesym.solvers.jets import TIME, JetSpace
from pdesym.solvers.spectral import derivative_symbol
from pdesym.solvers.system import SpectralSystem

PLANE = JetSpace(("u", "v"), 2)
JETS = sympy.symbols("u u_x u_y u_xx u_xy u_yy u_xxx v v_x v_y v_xy", real=True)
X, Y = PLANE.coordinates
A = sympy.Symbol("a", real=True)


def expanded(form, space):
    result = sympy.Integer(0)
    for orders, flux in form.items():
        for axis, order in enumerate(orders):
            for _ in range(order):
                flux = space.total_derivative(flux, axis)
        result += flux
    return sympy.expand(result)


factors = st.sampled_from([*JETS, A, TIME, X, Y, sympy.sin(X), sympy.exp(JETS[0]), sympy.sqrt(1 + JETS[7] ** 2)])
terms = st.builds(
    lambda number, factors: number * sympy.Mul(*factors),
    st.sampled_from([1, -1, 2, sympy.Rational(1, 3), -6]),
    st.lists(factors, min_size=1, max_size=4),
)
expressions = st.builds(lambda terms: sympy.expand(sympy.Add(*terms)), st.lists(terms, min_size=1, max_size=4))


@given(expressions)
def test_the_conservative_form_is_the_same_expression(expression):
    assert sympy.simplify(expanded(conservative_form(expression, PLANE), PLANE) - expression) == 0


polynomials = st.builds(
    lambda powers: sympy.Add(*(sympy.Mul(*p) for p in powers)),
    st.lists(
        st.lists(st.sampled_from([*JETS[:4], JETS[7], JETS[8], A]), min_size=1, max_size=3), min_size=1, max_size=3
    ),
)


@given(polynomials, st.integers(0, 1))
def test_every_total_derivative_is_recognised_as_one(flux, axis):
    """∂F comes back as the flux F up to what ∂ annihilates, whatever F."""
    flux = sympy.expand(flux - flux.subs(dict.fromkeys(JETS, 0)))
    found = inverse_total_derivative(PLANE.total_derivative(flux, axis), axis, PLANE)
    if found is None:  # only where F has derivatives along another axis may it go unseen
        assert any(jet.order != jet.orders[axis] for jet in PLANE.jets_in(flux))
    else:
        assert sympy.expand(found - flux) == 0


@given(polynomials)
def test_the_cheaper_form_is_taken(expression):
    expression = sympy.expand(expression)
    chosen = count_transforms(fewest_transforms((expression,), PLANE), PLANE)
    assert chosen <= count_transforms(({(0, 0): expression},), PLANE)
    assert chosen <= count_transforms((conservative_form(expression, PLANE),), PLANE)


@pytest.mark.parametrize(
    ("texts", "transforms"),
    [
        (("u_t = -u*u_x - u_xxx",), 2),
        (("u_t = -u*u_x - u_xx - u_xxxx",), 2),
        (("u_t = u**2*u_x + u*u_x",), 2),
        (("u_t = -6*u*u_x + 3*u**2*u_xx + 6*u*u_x**2",), 3),
        (("u_t = lap(u**3 - u)",), 2),
        (("u_t = exp(u)*u_x",), 2),
        (("u_t = t*u*u_x",), 2),
        (("u_t = a*u*u_x",), 2),
        (("u_t = u*(1 - u)",), 2),
        (("u_t = u_x**2",), 2),
        (("u_t = sin(2*pi*x)",), 0),
        (("u_t = u_xx + 3",), 0),
        (("u_t = u_xx",), 0),
        (("u_t = lap(u) - u*v**2 + 1 - u", "v_t = lap(v) + u*v**2 - v"), 3),
        (("u_t = -dx(u*v)", "v_t = -dx(v**2/2 + u)"), 4),
        (("u_t = -u*u_x - v*u_y", "v_t = -u*v_x - v*v_y"), 8),
        (("u_t = -u*u_x - u*u_y",), 2),
    ],
)
@pytest.mark.parametrize("padded", [False, True])
def test_transforms_that_are_really_made(texts, transforms, padded, monkeypatch):
    parameters = {"a": 0.5} if "a*" in texts[0] else {}
    dims = 2 if any("_y" in text for text in texts) else 1
    equation, grid = Equation(*texts, **parameters), Grid(*(16,) * dims, length=1.0)
    system = SpectralSystem(equation, grid, padded)
    v = torch.zeros(2, len(texts), *derivative_symbol(grid, (1,) * dims).shape, dtype=torch.complex128)
    made = []
    for name in ("rfft", "irfft", "rfftn", "irfftn", "rfft2", "irfft2"):
        original = getattr(torch.fft, name)
        monkeypatch.setattr(torch.fft, name, lambda *a, _f=original, **k: (made.append(1), _f(*a, **k))[1])
    system.nonlinear(v, torch.zeros((), dtype=torch.float64))
    assert len(made) == transforms


@pytest.mark.parametrize(
    "text", ["u_t = -u*u_x", "u_t = lap(u**3)", "u_t = dx(exp(u))", "u_t = -u**2*u_x + dx(u*u_xx)"]
)
def test_the_mean_is_kept_exactly_by_a_conservation_law(text):
    grid = Grid(48, length=2 * math.pi)
    (x,) = grid.coordinates()
    u = torch.exp(torch.cos(x) + 0.3 * torch.sin(3 * x)).reshape(1, 1, -1)
    assert FlowMap(Equation(text), grid, (0.0, 1.0)).rhs(u).mean().abs() < 1e-14
    assert FlowMap(Equation("u_t = u_x**2"), grid, (0.0, 1.0)).rhs(u).mean().abs() > 1e-2


def test_the_linear_part_has_the_symbol_of_its_derivatives():
    """L from the text against derivatives of plane waves by hand, on a rectangle with unlike sides."""
    grid = Grid(12, 18, length=(2.0, 3.0))
    equation = Equation("u_t = a*u_xxy - 2*lap(u) + 5*v_y - u*u", "v_t = dx(u_x - v)/3 - 7*v", a=0.25)
    system = SpectralSystem(equation, grid)
    assert not system.diagonal
    kx, ky = 2 * math.pi * 3 / 2.0, 2 * math.pi * 4 / 3.0
    block = system.symbol[0, 3, 4]
    expected = [
        [0.25 * (1j * kx) ** 2 * (1j * ky) + 2 * (kx**2 + ky**2), 5j * ky],
        [-(kx**2) / 3, -1j * kx / 3 - 7],
    ]
    torch.testing.assert_close(block, torch.tensor(expected, dtype=torch.complex128), rtol=1e-14, atol=1e-12)
    assert compile_equation(equation, 2).products[0].flux == sympy.Symbol("u", real=True) ** 2


def test_what_depends_on_x_or_t_is_no_constant_coefficient():
    split = Equation("u_t = t*u_xx + sin(x)*u + a*t + u_xx/a", a=2.0).split(1)
    assert split.linear == (({(2,): 1 / A},),)
    assert split.remainder[0].has(TIME, X)


def test_products_of_a_plane_against_derivatives_taken_by_hand():
    grid = Grid(24, 32, length=(2 * math.pi, 4 * math.pi))
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    u = torch.sin(x + y / 2) + 0.3 * torch.cos(2 * x)
    v = torch.cos(x - y) + 0.2 * torch.sin(3 * y / 2)
    equation = Equation("u_t = -u*u_x - v*u_y + sin(x)*v", "v_t = -dx(u*v) - dy(v**2) + u_xy*v + t*u")
    rhs = FlowMap(equation, grid, (0.0, 1.0)).rhs(torch.stack([u, v])[None], t=2.0)[0]
    ux, uy, uxy = (derivative(u, grid, orders) for orders in ((1, 0), (0, 1), (1, 1)))
    vx, vy = (derivative(v, grid, orders) for orders in ((1, 0), (0, 1)))
    torch.testing.assert_close(rhs[0], -u * ux - v * uy + torch.sin(x) * v, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(rhs[1], -ux * v - u * vx - 2 * v * vy + uxy * v + 2 * u, rtol=1e-12, atol=1e-12)
