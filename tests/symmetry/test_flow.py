"""Closed forms of flows, held by the laws of a one-parameter group."""

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdesym.symmetry import Flow, Generator
from pdesym.symmetry.flow import closed_form_flow
from pdesym.symmetry.numerical_flow import NumericalFlow

PLANE = {"coordinates": ("x", "y"), "fields": ("u", "v")}
SHALLOW = {"coordinates": ("x", "y"), "fields": ("h", "u", "v")}
x, t, u, e = (sympy.Symbol(name, real=True) for name in ("x", "t", "u", "epsilon"))

FLOWS = [
    Generator("0"),
    Generator("d_x - 2*d_t"),
    Generator("t*d_x + d_u"),
    Generator("x*d_x + 3*t*d_t - 2*u*d_u"),
    Generator("x*t*d_x + t**2*d_t + (x - t*u)*d_u"),
    Generator("2*t*d_x - x*u*d_u"),
    Generator("4*t*x*d_x + 4*t**2*d_t - (x**2 + 2*t)*u*d_u"),
    Generator("exp(2*t)*u*d_u"),
    Generator("2*exp(t)*d_x - exp(t)*x*u*d_u"),
    Generator("(u - u**2)*d_u"),
    Generator("u**3*d_u"),
    Generator("sqrt(u)*d_u"),
    Generator("u*d_x + d_u"),
    Generator("d_x + sin(2*pi*x/3)*d_u"),
    Generator("t*d_x + x*d_t"),
    Generator("t*u*d_u + d_u"),
    Generator("x*d_y - y*d_x + u*d_v - v*d_u", **PLANE),
    Generator("t*(x*d_y - y*d_x) + u*d_v", **PLANE),
    Generator("(u + 2*v + 1)*d_u + u*d_v", **PLANE),
    Generator("t*x*d_x + t*y*d_y + t**2*d_t + (x - t*u)*d_u + (y - t*v)*d_v - 2*t*h*d_h", **SHALLOW),
]


def at(flow, start, epsilon):
    """The image of a point of numbers, to 30 digits."""
    point = dict(zip(flow.variables, start, strict=True)) | {flow.epsilon: epsilon}
    return [sympy.N(image.subs(point), 30) for image in flow.image]


def near(first, second):
    return all(abs(a - b) < 1e-12 for a, b in zip(first, second, strict=True))


def start_of(generator):
    return [sympy.Rational(k + 2, 2 * k + 7) for k in range(len(generator.variables))]


@pytest.mark.parametrize("generator", FLOWS, ids=str)
class TestLaws:
    def test_group(self, generator):
        flow, start, a, b = generator.flow(), start_of(generator), sympy.Rational(1, 5), sympy.Rational(-2, 7)
        assert near(at(flow, at(flow, start, a), b), at(flow, start, a + b))

    def test_identity_and_inverse(self, generator):
        flow, start, a = generator.flow(), start_of(generator), sympy.Rational(1, 5)
        assert near(at(flow, start, 0), start)
        assert near(at(flow, at(flow, start, a), -a), start)

    def test_velocity(self, generator):
        flow = generator.flow()
        point = dict(zip(flow.variables, start_of(generator), strict=True))
        velocity = [sympy.diff(image, flow.epsilon).subs(flow.epsilon, 0).subs(point) for image in flow.image]
        expected = [c.subs(point) for c in (*generator.xi, generator.tau, *generator.phi)]
        assert near(map(sympy.N, velocity), map(sympy.N, expected))


def test_known_closed_forms():
    boost = Generator("t*d_x + d_u").flow()
    assert (boost.x, boost.t, boost.u, boost.epsilon) == ((x + e * t,), t, (u + e,), e)
    projective = Generator("x*t*d_x + t**2*d_t + (x - t*u)*d_u").flow()
    expected = (x / (1 - e * t), t / (1 - e * t), u + e * (x - t * u))
    assert all(sympy.simplify(a - b) == 0 for a, b in zip(projective.image, expected, strict=True))


def test_a_wrong_flow_breaks_the_group_law():
    """The control of the laws above: the boost with a quadratic ε is no group."""
    flow = Generator("t*d_x + d_u").flow()
    wrong = type(flow)(flow.epsilon, flow.variables, (x + e**2 * t, t, u + e), 1)
    start = [1, 2, 3]
    assert not near(at(wrong, at(wrong, start, 1), 2), at(wrong, start, 3))


@pytest.mark.parametrize("text", ["sin(x)*d_x", "exp(u)*d_u", "(u**2 + x*u**3 + 1)*d_u", "u*d_x + x**2*d_u"])
def test_a_flow_without_closed_form_is_integrated(text):
    generator = Generator(text)
    with pytest.raises(ValueError, match=r"No closed form of the flow of .* was found: integrate"):
        closed_form_flow(generator.vector_field)
    flow = generator.flow()
    assert isinstance(flow, NumericalFlow)
    start = torch.tensor([[0.3, 0.5], [0.2, 0.1], [0.1, -0.4]], dtype=torch.float64)
    there = flow(flow(start, 0.1), 0.2)
    assert torch.allclose(torch.stack(there), torch.stack(flow(start, 0.3)), rtol=0, atol=1e-10)
    assert torch.allclose(torch.stack(flow(there, -0.3)), start, rtol=0, atol=1e-10)
    moved = (torch.stack(flow(start, 1e-3)) - torch.stack(flow(start, -1e-3))) / 2e-3
    values = dict(zip(flow.variables, start[:, 0].tolist(), strict=True))
    velocity = [float(c.subs(values)) for c in generator.vector_field.components]
    assert moved[:, 0].tolist() == pytest.approx(velocity, abs=1e-5)
    assert max(map(abs, velocity)) > 0.01


@pytest.mark.parametrize("generator", FLOWS[:13], ids=str)
def test_both_flows_agree(generator):
    exact, numerical = generator.flow(), NumericalFlow(generator.vector_field)
    assert isinstance(exact, Flow)
    start = torch.tensor([[0.3, 0.5], [0.2, 0.1], [0.4, 0.7]], dtype=torch.float64)
    assert torch.allclose(torch.stack(exact(start, 0.3)), torch.stack(numerical(start, 0.3)), rtol=0, atol=1e-10)


def test_parameters_stay_in_the_closed_form():
    generator = Generator("2*nu*t*d_x - x*u*d_u", parameters=("nu",))
    flow = generator.flow()
    nu = sympy.Symbol("nu", real=True)
    assert sympy.simplify(flow.x[0] - (x + 2 * nu * t * e)) == 0
    with pytest.raises(ValueError, match="flow contains nu: give values"):
        flow([0.0, 1.0, 1.0], 0.1)
    assert float(generator.at(nu=0.5).flow()([0.0, 1.0, 1.0], 0.1)[0]) == pytest.approx(0.1)


def test_a_flow_that_blows_up_says_where():
    flow = Generator("exp(u)*d_u").flow()
    with pytest.raises(ValueError, match=r"does not reach epsilon = 2 .* at about epsilon = 1"):
        flow([0.0, 0.0, 0.0], 2.0)
    with pytest.raises(ValueError, match="a value for each of x, t, u, got 2"):
        flow([0.0, 0.0], 0.5)


small = st.integers(-2, 2)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(small, small, small, small, small)
def test_affine_fields_always_have_a_closed_form(a, b, c, d, f):
    generator = Generator(f"({a}*x + {b})*d_x + {c}*t*d_t + ({d}*u + {f}*x)*d_u")
    TestLaws().test_group(generator)
