"""Generators as written, as vectors, and as a Lie algebra."""

import copy
import pickle
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from pdesym.solvers.expression import ExpressionError
from pdesym.symmetry import Generator
from pdesym.symmetry.vector_field import VectorField

x, t, u = (sympy.Symbol(name, real=True) for name in "xtu")
PLANE = {"coordinates": ("x", "y"), "fields": ("u", "v")}

BOOST = Generator("t*d_x + d_u")
SCALING = Generator("x*d_x + 3*t*d_t - 2*u*d_u")
SHIFTS = (Generator("d_x"), Generator("d_t"))

WRITTEN = [
    ("t*d_x + d_u", (t,), 0, (1,)),
    ("x*d_x+3*t*d_t  - 2*u*d_u", (x,), 3 * t, (-2 * u,)),
    ("x*t*d_x + t**2*d_t + (x - t*u)*d_u", (x * t,), t**2, (x - t * u,)),
    ("d_u*exp(2*t)*u", (0,), 0, (u * sympy.exp(2 * t),)),
    ("(d_x + d_t)/2", (sympy.Rational(1, 2),), sympy.Rational(1, 2), (0,)),
    ("0.1*d_x", (sympy.Rational(1, 10),), 0, (0,)),
    ("sin(2*pi*x/64)*d_u", (0,), 0, (sympy.sin(sympy.pi * x / 32),)),
    ("d_x - d_x", (0,), 0, (0,)),
    ("0", (0,), 0, (0,)),
]


@pytest.mark.parametrize(("text", "xi", "tau", "phi"), WRITTEN)
def test_the_text_gives_the_coefficients_and_prints_as_written(text, xi, tau, phi):
    generator = Generator(text)
    assert (generator.xi, generator.tau, generator.phi) == (xi, tau, phi)
    assert str(generator) == text
    assert repr(generator) == f'Generator("{text}")'


@pytest.mark.parametrize("generator", [*(Generator(text) for text, *_ in WRITTEN), Generator("v*d_x - u*d_y", **PLANE)])
def test_every_copy_is_the_same_generator(generator):
    namespace = {"Generator": Generator}
    canonical = Generator.of_vector_field(generator.vector_field)
    copies = [
        pickle.loads(pickle.dumps(generator)),
        copy.deepcopy(generator),
        eval(repr(generator), namespace),
        eval(repr(canonical), namespace),
        canonical,
    ]
    assert all(other == generator and hash(other) == hash(generator) for other in copies)


def test_generators_are_equal_when_their_coefficients_are():
    assert Generator("(x + u)**2*d_x") == Generator("x**2*d_x + 2*x*u*d_x + u**2*d_x")
    assert Generator("(x**2 - 1)/(x - 1)*d_u") == Generator("x*d_u + d_u")
    assert BOOST != Generator("t*d_x - d_u")
    assert Generator("d_x") != Generator("d_x", fields=("v",))
    assert len({BOOST, Generator("d_u + t*d_x")}) == 1


def test_a_generator_is_frozen():
    with pytest.raises(AttributeError):
        BOOST.text = "d_x"


def test_arithmetic_prints_in_canonical_form():
    assert str(2 * BOOST - SCALING) == ("(2*t - x)*d_x - 3*t*d_t + (2*u + 2)*d_u")
    assert str(-SHIFTS[0]) == "-d_x"
    assert str(0.5 * SHIFTS[0] + Fraction(1, 3) * SHIFTS[1]) == "1/2*d_x + 1/3*d_t"
    assert str(BOOST - BOOST) == "0"
    assert str(sympy.sqrt(2) * SHIFTS[0]) == "sqrt(2)*d_x"
    assert str(sympy.E * Generator("d_x/sqrt(x**2)")) == "exp(1)/sqrt((x)**2)*d_x"


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), u, sympy.zoo])
def test_a_factor_is_a_finite_constant(factor):
    with pytest.raises(ValueError, match="Expected a finite constant as the factor"):
        BOOST * factor


def test_the_algebra_of_kdv():
    dx, dt = SHIFTS
    assert dt.bracket(BOOST) == dx
    assert dx.bracket(SCALING) == dx
    assert dt.bracket(SCALING) == 3 * dt
    assert BOOST.bracket(SCALING) == -2 * BOOST
    assert dx.bracket(BOOST) == Generator("0")
    # Burgers' projective generator closes sl(2) with time and its own scaling, not with that of KdV.
    projective = Generator("x*t*d_x + t**2*d_t + (x - t*u)*d_u")
    assert dt.bracket(projective) == Generator("x*d_x + 2*t*d_t - u*d_u")
    assert BOOST.bracket(projective) == Generator("0")
    assert dt.bracket(projective) != SCALING


# Texts, not sympy objects: sympy draws random numbers of its own while it computes.
terms = st.tuples(
    st.integers(-3, 3),
    st.sampled_from(["1", "x", "t", "u", "x*t", "u**2", "x*u", "exp(t)"]),
    st.sampled_from(["d_x", "d_t", "d_u"]),
).map(lambda term: "({})*{}*{}".format(*term))
texts = st.lists(terms, min_size=1, max_size=4).map(" + ".join)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(texts, texts, texts)
def test_the_bracket_makes_a_lie_algebra(first, second, third):
    a, b, c = Generator(first), Generator(second), Generator(third)
    zero = Generator("0")
    assert a.bracket(b) + b.bracket(a) == zero
    assert a.bracket(2 * b - 3 * c) == 2 * a.bracket(b) - 3 * a.bracket(c)
    assert a.bracket(b.bracket(c)) + b.bracket(c.bracket(a)) + c.bracket(a.bracket(b)) == zero


@settings(max_examples=30, deadline=None, derandomize=True)
@given(texts)
def test_canonical_text_reads_back(text):
    canonical = str(Generator(text) + Generator("sin(x)*d_u/(1 + x**2)"))
    assert str(Generator(canonical) - Generator("sin(x)*d_u/(1 + x**2)")) == str(1 * Generator(text))


PLACES = [
    ("", 0, "got an empty text"),
    ("t*d_x + ", 8, "got the end of the text"),
    ("t*d_x + u^2*d_u", 9, "write [*][*]"),
    ("2 d_x", 2, "write [*] for a product"),
    ("t*d_x + nu*d_u", 8, r"nu is not a variable of this generator \(coordinates x, time t, fields u\): declare it"),
    ("t*d_x + d_v", 8, "d_v is the direction of v, which is not a variable of this generator"),
    ("x*d_y - y*d_x", 2, "d_y is the direction of y"),
    ("foo(x)*d_x", 0, "Unknown function 'foo'"),
    ("d_x*d_t", 4, "got a product of directions"),
    ("u*d_u + d_x*(d_t + d_u)", 8, "got a product of directions"),
    ("u*d_u + x*d_x**2", 10, "Expected d_x as a factor by itself"),
    ("sin(d_x)", 4, "Expected d_x as a factor by itself"),
    ("d_t + x/d_x", 6, "not in a denominator"),
    ("t*d_x + u", 8, "Expected a direction in every term, such as u[*]d_u"),
    ("t*d_x - 1", 8, "Expected a direction in every term"),
    ("(d_x + 1)*u", 0, "Expected a direction in every part of this term"),
]


@pytest.mark.parametrize(("text", "position", "sentence"), PLACES)
def test_a_text_error_points_at_the_character(text, position, sentence):
    with pytest.raises(ExpressionError, match=sentence) as caught:
        Generator(text)
    assert caught.value.position == position
    assert str(caught.value).split("\n")[2].index("^") == 4 + position


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Generator("d_u", fields="u"),
            r"Expected a tuple of names for fields, got the text 'u': write \('u',\)",
        ),
        (lambda: Generator("d_x", coordinates="x"), "Expected a tuple of names for coordinates"),
        (lambda: Generator("d_u", fields=()), "Expected at least one coordinate and one field"),
        (lambda: Generator("d_u", fields=("u", "u")), "Expected different names"),
        (lambda: Generator("d_t", fields=("t",)), "The name 't' already has a meaning"),
        (lambda: Generator("d_x", fields=("sin",)), "The name 'sin' already has a meaning"),
        (lambda: Generator("d_x", fields=("d_u",)), "The name 'd_u' already has a meaning"),
        (lambda: Generator("d_x", fields=("u v",)), "Expected names such as x or u1"),
        (lambda: BOOST + Generator("d_v", fields=("v",)), "Expected two generators of the same variables, got one of"),
        (lambda: BOOST.bracket(Generator("d_y", **PLANE)), r"\(x, t, u\) and one of \(x, y, t, u, v\)"),
        (lambda: VectorField(("x",), ("u",), (x, x), t, (u,)), "Expected 1 coefficients xi and 1 coefficients phi"),
        (
            lambda: VectorField(("x",), ("u",), (sympy.Symbol("x"),), t, (u,)),
            "The coefficients contain x, which is not among the real symbols x, t, u",
        ),
    ],
)
def test_other_bad_input_is_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_text_is_never_executed(tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(ExpressionError):
        Generator(f"__import__('pathlib').Path('{mark}').touch()*d_x")
    assert not mark.exists()
