"""The exact symmetry algebra, against a table of known ones in closed form, with controls that must fail."""

import itertools
import json

import pytest
import sympy

from pdesym.solvers.catalogue import (
    allen_cahn,
    burgers,
    ckdv,
    fisher_kpp,
    heat,
    kdv,
    ks,
    mkdv,
    navier_stokes,
    nkdv,
    nls,
    shallow_water,
)
from pdesym.solvers.equation import Equation
from pdesym.symmetry import Algebra, Generator, Library
from pdesym.symmetry.determine import Determined, determine, is_symmetry
from pdesym.symmetry.determine.statement import statement_of

SYSTEM = {"coordinates": ("x", "y"), "fields": ("h", "u", "v")}
SHALLOW = ("h_t = -dx(h*u) - dy(h*v)", "u_t = -g*h_x - u*u_x - v*u_y", "v_t = -g*h_y - u*v_x - v*v_y")
HEAT = (
    "d_x",
    "d_t",
    "u*d_u",
    "x*d_x + 2*t*d_t",
    "2*nu*t*d_x - x*u*d_u",
    "4*nu*t*x*d_x + 4*nu*t**2*d_t - (x**2 + 2*nu*t)*u*d_u",
)
BURGERS = ("d_x", "d_t", "t*d_x + d_u", "x*d_x + 2*t*d_t - u*d_u", "x*t*d_x + t**2*d_t + (x - t*u)*d_u")
# Olver (1993), §2.4; Ibragimov's handbook; Ko, Kim and Lee (2024) for the equations with growing coefficients;
# Ovsiannikov (1959) for the nonlinear diffusions.
KNOWN = {
    "heat": (heat(0.1), HEAT),
    "burgers": (burgers(0.5), BURGERS),
    "kdv": (kdv(), ("d_x", "d_t", "a*t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u")),
    "mkdv": (mkdv(), ("d_x", "d_t", "x*d_x + 3*t*d_t - u*d_u")),
    "ks": (ks(), ("d_x", "d_t", "t*d_x + d_u")),
    "fisher": (fisher_kpp(), ("d_x", "d_t")),
    "allen_cahn": (allen_cahn(0.1), ("d_x", "d_t")),
    "cubic": ("u_t = u_xx + c*u**3", ("d_x", "d_t", "x*d_x + 2*t*d_t - u*d_u")),
    "nkdv": (
        nkdv(),
        ("d_x", "exp(-t/t0)*d_t", "t0*(exp(t/t0) - 1)*d_x + d_u", "x*d_x + 3*t0*(1 - exp(-t/t0))*d_t - 2*u*d_u"),
    ),
    "ckdv": (
        ckdv(),
        (
            "d_x",
            "sqrt(t + 1)*d_x + 1/(2*sqrt(t + 1))*d_u",
            "x*d_x + 3*(t + 1)*d_t - 2*u*d_u",
            "x*sqrt(t + 1)*d_x + 2*(t + 1)**(3/2)*d_t + (x - 4*u*(t + 1))/(2*sqrt(t + 1))*d_u",
        ),
    ),
    "potential_burgers": (
        "u_t = u_xx + u_x**2",
        ("d_x", "d_t", "d_u", "x*d_x + 2*t*d_t", "2*t*d_x - x*d_u", "4*t*x*d_x + 4*t**2*d_t - (x**2 + 2*t)*d_u"),
    ),
    "nls": (
        nls(),
        (
            "d_x",
            "d_t",
            "u*d_v - v*d_u",
            "x*d_x + 2*t*d_t - u*d_u - v*d_v",
            "2*t*d_x - x*v*d_u + x*u*d_v",
        ),
    ),
    "shallow_water": (
        SHALLOW,
        (
            "d_x",
            "d_y",
            "d_t",
            "t*d_x + d_u",
            "t*d_y + d_v",
            "x*d_y - y*d_x + u*d_v - v*d_u",
            "x*d_x + y*d_y + t*d_t",
            "x*d_x + y*d_y + u*d_u + v*d_v + 2*h*d_h",
            "t*x*d_x + t*y*d_y + t**2*d_t + (x - t*u)*d_u + (y - t*v)*d_v - 2*t*h*d_h",
        ),
    ),
    "logarithm": (
        "u_t = nu*u_xx + delta*u*log(u)",
        ("d_x", "d_t", "exp(delta*t)*u*d_u", "2*nu*exp(delta*t)*d_x - delta*exp(delta*t)*x*u*d_u"),
    ),
    "exponential": ("u_t = dx(exp(u)*u_x)", ("d_x", "d_t", "x*d_x + 2*t*d_t", "t*d_t - d_u")),
    "power": ("u_t = dx(u**m*u_x)", ("d_x", "d_t", "x*d_x + 2*t*d_t", "m*t*d_t - u*d_u")),
    "power_source": ("u_t = u_xx + u**m", ("d_x", "d_t", "(m - 1)*(x*d_x + 2*t*d_t) - 2*u*d_u")),
    "exponential_source": ("u_t = u_xx + exp(u)", ("d_x", "d_t", "x*d_x + 2*t*d_t - 2*d_u")),
    "explicit_x": (
        "u_t = u_xx + x*u",
        (
            "d_t",
            "u*d_u",
            "d_x + t*u*d_u",
            "2*t*d_x + (t**2 - x)*u*d_u",
            "(x - 3*t**2)*d_x + 2*t*d_t + (3*t*x - t**3)*u*d_u",
            "(4*t*x - 4*t**3)*d_x + 4*t**2*d_t + (6*t**2*x - x**2 - 2*t - t**4)*u*d_u",
        ),
    ),
}


def written(equation, texts):
    """The algebra that the table states."""
    statement = statement_of(equation, (), None, True, {})
    names = {"coordinates": statement.coordinates, "fields": statement.space.fields}
    return Algebra([Generator(text, **names, parameters=statement.parameters) for text in texts])


SLOW = {"shallow_water": pytest.mark.slow}
CASES = [pytest.param(*case, id=name, marks=SLOW.get(name, ())) for name, case in KNOWN.items()]


@pytest.mark.parametrize(("equation", "texts"), CASES)
class TestKnown:
    def test_algebra(self, equation, texts):
        determined, known = determine(equation, special=False), written(equation, texts)
        assert determined.dimension == known.dimension
        assert all(v in determined.algebra for v in known)
        assert all(v in known for v in determined.algebra)
        assert determined.closure == 0
        assert isinstance(determined.closure, sympy.Integer)

    def test_determining_equations_hold_and_reject(self, equation, texts):
        known = written(equation, texts)
        assert all(is_symmetry(equation, v) for v in known)
        names = {"coordinates": known.coordinates, "fields": known.fields}
        wrong = Generator(f"x**2*d_{known.fields[-1]} + t**3*d_x", **names)
        assert not is_symmetry(equation, wrong)
        assert not any(is_symmetry(equation, v + wrong) for v in known)


@pytest.mark.parametrize("nu", [0.5, 2])
def test_values_in_place_of_parameters(nu):
    determined = determine("u_t = nu*u_xx", values={"nu": nu})
    known = Algebra([Generator(text, parameters=("nu",)) for text in HEAT]).at(nu=nu)
    assert determined.algebra.angle_to(known) < 1e-10
    assert determined.algebra.parameters == ()
    assert determine(heat(nu), symbolic=False).algebra.angle_to(known) < 1e-10
    assert determine("u_t = nu*u_xx").at(nu=nu).angle_to(known) < 1e-10


class TestSuperposition:
    def test_heat(self):
        ideal = determine(heat(0.1), special=False).ideal
        assert (ideal.direction, ideal.equation) == ("alpha*d_u", "alpha_t = nu*alpha_xx")
        texts = ("d_u", "x*d_u", "(x**2 + 2*nu*t)*d_u", "(x**3 + 6*nu*t*x)*d_u")
        members = Algebra(ideal.members)
        assert members.dimension == 4
        assert all(Generator(text, parameters=("nu",)) in members for text in texts)

    def test_hopf_and_cole(self):
        ideal = determine("u_t = nu*u_xx + c*u_x**2", special=False).ideal
        assert (ideal.direction, ideal.equation) == ("alpha*exp(-c*u/nu)*d_u", "alpha_t = nu*alpha_xx")
        assert len(ideal.members) == 4
        assert all(is_symmetry("u_t = nu*u_xx + c*u_x**2", v) for v in ideal.members)

    def test_its_name_is_free(self):
        ideal = determine("u_t = alpha*u_xx + beta*u_x**2", special=False).ideal
        assert (ideal.direction, ideal.equation) == ("gamma*exp(-beta*u/alpha)*d_u", "gamma_t = alpha*gamma_xx")

    def test_power(self):
        ideal = determine("u_t = u_xx - 2*u_x**2/u").ideal
        assert (ideal.direction, ideal.equation) == ("alpha*u**2*d_u", "alpha_t = alpha_xx")

    def test_system(self):
        ideal = determine(("u_t = -v_xx", "v_t = u_xx")).ideal
        assert ideal.equation == "alpha1_t = -alpha2_xx; alpha2_t = alpha1_xx"

    def test_with_a_source(self):
        determined = determine("u_t = u_xx + 1")
        assert determined.dimension == 6
        assert determined.closure == 0
        assert determined.algebra.closure != 0

    @pytest.mark.parametrize("equation", [burgers(0.5), kdv(), "u_t = u_xx + u_x**3", "u_t = u_xx + u_x**2 + u**2"])
    def test_not_of_other_equations(self, equation):
        assert determine(equation, special=False).ideal is None


class TestSpecialValues:
    def test_nonlinear_diffusion(self):
        special = {s.condition: s for s in determine("u_t = dx(u**m*u_x)").special}
        assert set(special) == {"m = 0", "m = -4/3"}
        assert special["m = -4/3"].algebra.dimension == 5
        assert Generator("x**2*d_x - 3*x*u*d_u") in special["m = -4/3"].algebra
        assert special["m = 0"].ideal is not None

    def test_given_value(self):
        third = sympy.Rational(-4, 3)
        assert determine("u_t = dx(u**m*u_x)", values={"m": third}).dimension == 5
        assert determine("u_t = dx(u**m*u_x)", values={"m": 2}).dimension == 4
        assert determine("u_t = dx(sqrt(u)*u_x)").dimension == 4
        assert determine("u_t = dx(u_x/u**(4/3))").dimension == 5

    def test_value_given_afterwards(self):
        determined = determine("u_t = dx(u**m*u_x)")
        assert determined.at(m=sympy.Rational(-4, 3)).dimension == 5
        assert determined.at(m=2).dimension == 4

    def test_values_that_are_special_together(self):
        determined = determine("u_t = dx(u**m*u_x) + u**n")
        assert determined.at(m=0, n=0).dimension == 6
        assert determined.at(m=0, n=1).dimension == 6
        assert determined.at(n=3).dimension == 3
        with pytest.raises(ValueError, match="no parameter k without a value; those it has: m, n"):
            determined.at(k=1)

    def test_a_basis_that_degenerates(self):
        determined = determine("u_t = u_xx - c*x**2*u")
        (there,) = determined.special
        assert there.condition == "c = 0"
        assert Generator("x*d_x + 2*t*d_t") in there.algebra
        assert not any(c.has(sympy.I) for v in determined.at(c=-1) for c in v.vector_field.components)
        assert determined.at(c=0).angle_to(there.algebra) < 1e-10

    def test_source_that_vanishes(self):
        determined = determine("u_t = u_xx + c*u**3")
        assert [s.condition for s in determined.special] == ["c = 0"]
        assert determined.special[0].algebra.dimension == 6

    def test_cylinder_and_sphere(self):
        special = {s.condition: s.algebra.dimension for s in determine("u_t = -u*u_x - u_xxx - u/(k*t + 1)").special}
        assert special["k = 2"] == 4
        assert determine("u_t = -u*u_x - u_xxx - u/(k*t + 1)", special=False).dimension == 3

    def test_none_where_there_is_none(self):
        assert determine("u_t = -u*u_x - u_xx - u_xxxx").special == ()


@pytest.mark.parametrize(
    ("equation", "dimension"),
    [
        ("u_t = -u*u_x - u_xxx + eps*u_xx", 3),  # the scaling of KdV is lost
        ("u_t = -u*u_x - u_xxx - u", 3),  # the time of the boost turns exponential, the scaling is lost
        ("u_t = -u*u_x - u_xxx - u**3*u_x", 2),
        ("u_t = -u*u_x - u_xxx + sin(x)", 1),
        ("u_t = u_xx + u_x**2 + u**2", 2),
        ("u_t = dx(exp(u)*u_x) + u", 2),
    ],
)
def test_broken_symmetries_are_fewer(equation, dimension):
    assert determine(equation, special=False).dimension == dimension


class TestPlane:
    def test_heat(self):
        determined = determine(heat(0.1), dims=2, special=False)
        assert determined.dimension == 9
        assert Generator("x*d_y - y*d_x", coordinates=("x", "y")) in determined.algebra
        assert determined.closure == 0

    @pytest.mark.slow
    def test_rotating_shallow_water(self):
        determined = determine(shallow_water(), special=False)
        assert determined.dimension == 9
        assert determined.closure == 0
        names = {**SYSTEM, "parameters": determined.algebra.parameters}
        circle = Generator("cos(f*t)*d_x - sin(f*t)*d_y - f*sin(f*t)*d_u - f*cos(f*t)*d_v", **names)
        assert circle in determined.algebra

    @pytest.mark.slow
    def test_vorticity_with_its_stream_function(self):
        determined = determine(navier_stokes(0.1), special=False)
        assert [str(family) for family in determined.families] == [
            "f(t)*d_psi with any function f(t)",
            "f(t)*d_x + y*f'(t)*d_psi with any function f(t)",
            "f(t)*d_y - x*f'(t)*d_psi with any function f(t)",
        ]
        names = {"coordinates": ("x", "y"), "fields": ("w", "psi")}
        for text in ("d_x", "d_t", "x*d_y - y*d_x", "x*d_x + y*d_y + 2*t*d_t - 2*w*d_w"):
            assert Generator(text, **names) in determined.algebra
        assert determined.dimension == 6
        assert determined.closure == 0
        for family in determined.families:
            assert all(is_symmetry(navier_stokes(0.1), v) for v in family.members)
        assert not is_symmetry(navier_stokes(0.1), Generator("t*d_x", **names))


class TestLibrary:
    def test_constant_coefficients_find_the_same(self):
        determined = determine(burgers(0.5), library=Library.polynomial(2), special=False)
        assert determined.degree is None
        assert all(Generator(text) in determined.algebra for text in BURGERS)
        assert determined.dimension == 5

    def test_too_small_a_library_finds_less(self):
        assert determine(burgers(0.5), library=Library.polynomial(1), special=False).dimension == 4

    def test_functions_of_time_that_the_ansatz_refuses(self):
        text = "u_t = -u*u_x - u_xxx - sin(t)*u_x"
        with pytest.raises(ValueError, match=r"With (sin|cos)\(t\) in the equation"):
            determine(text)
        library = Library.of_terms(["1", "x", "t", "u", "sin(t)", "cos(t)"])
        determined = determine(text, library=library)
        assert determined.dimension == 3
        assert Generator("d_t + sin(t)*d_x") in determined.algebra
        assert Generator("d_t - sin(t)*d_x") not in determined.algebra
        assert all(is_symmetry(text, v) for v in determined.algebra)

    def test_other_variables_are_refused(self):
        with pytest.raises(ValueError, match="a library in the equation's coordinates"):
            determine(burgers(0.5), library=Library.polynomial(2, ("v",)))


@pytest.mark.parametrize("equation", ["u_t = -u*u_x", "u_t = -c*u_x", "u_t = -exp(t)*u*u_x"])
def test_infinite_algebras_say_so(equation):
    """Equations of first order in one field: every τ(t, x, u) (∂_t + …) is a symmetry, and there are more."""
    determined = determine(equation, special=False)
    assert determined.closure > 0.1
    assert "not closed under brackets" in str(determined)
    assert len(determined.families) >= 2
    members = [v for family in determined.families for v in family.members]
    assert all(is_symmetry(equation, v) for v in (*determined.algebra, *members))
    assert any(v.tau.has(sympy.Symbol("t", real=True)) for v in members)


def test_result():
    determined = determine("u_t = u_xx + c*u**3")
    data = determined.to_json()
    assert (data["dimension"], data["closure"], data["special"][0]["condition"]) == (3, 0, "c = 0")
    assert Algebra.from_json(data).structure_constants == determined.algebra.structure_constants
    assert "x*d_x + 2*t*d_t - u*d_u" in str(determined)
    assert "c = 0" in str(determined)
    assert r"\partial_{u}" in determined.latex()
    assert "<table" in determined.html()


@pytest.mark.parametrize(
    "equation",
    [
        "u_t = u_xx + c*u**3",
        "u_t = nu*u_xx",
        "u_t = u_xx + u_x**2/nu",
        ckdv(),
        ("u_t = v_xx", "v_t = -c*u_xx"),
        navier_stokes(0.1),
    ],
    ids=str,
)
def test_what_is_written_as_json_is_read_again(equation):
    determined = determine(equation, special=isinstance(equation, str))
    text = json.dumps(determined.to_json(), allow_nan=False)
    again = Determined.from_json(json.loads(text))
    assert json.dumps(again.to_json()) == text
    assert str(again) == str(determined)
    assert again.algebra.basis == determined.algebra.basis
    assert again.algebra.structure_constants == determined.algebra.structure_constants
    assert again.library == determined.library
    assert again.ideal == determined.ideal
    assert [f.vector_field for f in again.families] == [f.vector_field for f in determined.families]
    assert [(s.name, s.value) for s in again.special] == [(s.name, s.value) for s in determined.special]


def test_json_says_what_kind_of_algebra_it_is():
    kinds = determine(kdv()).to_json()["structure"]
    assert (kinds["solvable"], kinds["nilpotent"], kinds["semisimple"]) == (True, False, False)
    assert (kinds["derived_series"], kinds["killing_rank"], kinds["center"]) == ([4, 3, 1, 0], 1, [])
    assert determine(ks()).to_json()["structure"]["nilpotent"]


def test_json_of_a_space_that_is_not_closed_has_no_structure():
    data = determine("u_t = c*u_x", special=False).to_json()
    assert data["closure"] > 0.1
    assert data["structure"] is None
    assert data["structure_constants"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("u_t = u_xx + sqrt(2)*u_x",), "constant|power|root"),
        (("u_t = u_xx + u**u",), "exponent of u"),
        (("u_t = u_xx + sin(2)*u",), r"constant sin\(2\)"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        determine(*arguments)


@pytest.mark.parametrize(
    "text",
    [
        "u_t = u_xx/(u + 1) + u_x/(u + 2)",
        "u_t = u_xx/(u**2 + 1) + u_x/u",
        "u_t = u_xx + sin(x)*u_x + sin(2*x)*u",
        "u_t = u_xx + log(u)*u_x + log(2*u)*u",
        "u_t = u_xx + exp(u)*u_x + sinh(u)",
    ],
)
def test_functions_that_depend_on_each_other_are_refused(text):
    with pytest.raises(ValueError, match="stand side by side"):
        determine(text)


def test_names_of_parameters():
    with pytest.raises(ValueError, match="no parameter mu; its parameters: nu"):
        determine("u_t = nu*u_xx", values={"mu": 1})
    with pytest.raises(ValueError, match="Expected a generator in"):
        is_symmetry("u_t = nu*u_xx", Generator("d_x", fields=("v",)))
    assert determine(
        Equation("u_t = a*u_xx + b*u_x", a=1.0, b=2.0), symbolic=("a",), special=False
    ).algebra.parameters == ("a",)


def test_elementary_functions_differentiate_as_they_should():
    """Every function that the ring knows: translations hold, and the function's own variable is not invariant."""
    for name, argument in itertools.product(("sin", "cos", "tan", "exp", "log", "sinh", "cosh", "tanh", "sqrt"), "ux"):
        text = f"u_t = u_xx + {name}({argument})*u_x"
        assert is_symmetry(text, Generator("d_t"))
        assert is_symmetry(text, Generator("d_x")) == (argument == "u")
        assert is_symmetry(text, Generator("d_u")) == (argument == "x")
