"""Lie algebras: known structure, the laws that every bracket obeys, and spaces that are no algebra."""

import itertools

import numpy as np
import pytest
import sympy

from pdesym.symmetry import Algebra, Generator
from pdesym.symmetry.angles import largest_angle, principal_angles
from pdesym.symmetry.vector_field import variable

SPACE = {"coordinates": ("x", "y", "z")}


def algebra(*texts, **names):
    return Algebra([Generator(text, **names) for text in texts])


KDV = algebra("d_x", "d_t", "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u")
HEAT = algebra(
    "d_x",
    "d_t",
    "u*d_u",
    "x*d_x + 2*t*d_t",
    "2*nu*t*d_x - x*u*d_u",
    "4*nu*t*x*d_x + 4*nu*t**2*d_t - (x**2 + 2*nu*t)*u*d_u",
    parameters=("nu",),
)
HEISENBERG = algebra("d_x", "u*d_u", "t*d_x - x*u*d_u", "d_t")
SO3 = algebra("x*d_y - y*d_x", "y*d_z - z*d_y", "z*d_x - x*d_z", **SPACE)
SL2 = algebra("d_x", "x*d_x", "x**2*d_x")
CKDV = algebra(
    "d_x",
    "sqrt(t + 1)*d_x + 1/(2*sqrt(t + 1))*d_u",
    "x*d_x + 3*(t + 1)*d_t - 2*u*d_u",
    "x*sqrt(t + 1)*d_x + 2*(t + 1)*sqrt(t + 1)*d_t + (x - 4*u*(t + 1))/(2*sqrt(t + 1))*d_u",
)
KNOWN = [
    # algebra, derived series, lower central series, semisimple, dimension of the centre
    (KDV, (4, 3, 1, 0), (4, 3, 3), False, 0),
    (HEAT, (6, 6), (6, 6), False, 1),
    (HEISENBERG, (4, 2, 0), (4, 2, 1, 0), False, 1),
    (SO3, (3, 3), (3, 3), True, 0),
    (SL2, (3, 3), (3, 3), True, 0),
    (CKDV, (4, 3, 1, 0), (4, 3, 3), False, 0),
    (algebra("d_x", "d_t"), (2, 0), (2, 0), False, 2),
    (Algebra([]), (0,), (0,), False, 0),
]
IDS = ["kdv", "heat", "heisenberg", "so3", "sl2", "ckdv", "translations", "empty"]


@pytest.mark.parametrize(("known", "derived", "central", "semisimple", "centre"), KNOWN, ids=IDS)
class TestStructure:
    def test_known(self, known, derived, central, semisimple, centre):
        assert known.closure == 0
        assert isinstance(known.closure, sympy.Integer)
        assert known.derived_series == derived
        assert known.lower_central_series == central
        assert known.is_solvable == (derived[-1] == 0)
        assert known.is_nilpotent == (central[-1] == 0)
        assert known.is_semisimple == semisimple
        assert len(known.center) == centre

    def test_brackets_are_what_the_constants_say(self, known, derived, central, semisimple, centre):
        for (i, v), (j, w) in itertools.product(enumerate(known), repeat=2):
            total = Generator("0", known.fields, known.coordinates, known.parameters).vector_field
            for constant, basis in zip(known.structure_constants[i][j], known, strict=True):
                total = total + basis.vector_field.scaled(constant)
            wanted = v.bracket(w).vector_field.components
            assert all(sympy.simplify(a - b) == 0 for a, b in zip(total.components, wanted, strict=True))

    def test_jacobi(self, known, derived, central, semisimple, centre):
        c, n = known.structure_constants, range(known.dimension)
        for i, j, k, m in itertools.product(n, repeat=4):
            cyclic = (c[a][b][p] * c[p][d][m] for a, b, d in ((i, j, k), (j, k, i), (k, i, j)) for p in n)
            assert sympy.cancel(sum(cyclic)) == 0

    def test_through_json(self, known, derived, central, semisimple, centre):
        again = Algebra.from_json(known.to_json())
        assert again.to_json() == known.to_json()
        assert again.structure_constants == known.structure_constants


def test_center_commutes():
    assert HEAT.center == (Generator("u*d_u"),)
    assert HEISENBERG.center == (Generator("u*d_u"),)


def test_killing_form_of_rotations():
    assert SO3.killing_form == ((-2, 0, 0), (0, -2, 0), (0, 0, -2))


def test_a_space_that_is_no_algebra():
    space = algebra("d_x", "x**3*d_x")
    assert space.closure == 1.0
    assert not space.is_closed()
    with pytest.raises(ValueError, match=r"not closed under brackets \(closure 1\)"):
        _ = space.derived_series


def test_brackets_that_leave_the_space_are_told():
    space = algebra("d_x", "x*d_x", "x**3*d_x")
    assert space.outside == ((0, 2),)
    assert space.to_json()["outside"] == [[0, 2]]
    assert KDV.outside == () == tuple(KDV.to_json()["outside"])
    rows = [line.split() for line in space.commutator_table().splitlines()]
    assert (rows[1][1], rows[1][3]) == ("0", "outside")
    assert rows[3][:2] == ["v3", "outside"]
    assert "<td>outside</td>" in space.html()


def test_constants_from_measured_coefficients():
    measured = algebra("d_x", "d_t", "t*d_x + 1.00000001*d_u", "x*d_x + 3*t*d_t - 1.99999997*u*d_u")
    assert 1e-9 < measured.closure < 1e-7
    assert measured.derived_series == KDV.derived_series
    broken = algebra("d_x + 1e-9*u*d_u", "d_t", "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u")
    assert 1e-10 < broken.closure < 1e-8
    assert broken.is_closed()
    assert not broken.is_closed(1e-12)
    constants = np.array(broken.structure_constants, dtype=float)
    assert np.allclose(constants, np.array(KDV.structure_constants, dtype=float), atol=1e-7)
    assert broken.derived_series == KDV.derived_series
    assert not broken.is_semisimple


def test_membership():
    assert Generator("2*d_x - t*d_x - d_u") in KDV
    assert Generator("t*d_x + 2*d_u") not in KDV
    assert KDV.combination(Generator("2*d_x - t*d_x - d_u")) == (2, 0, -1, 0)


def test_modulo_an_ideal():
    space = algebra("d_x", "x*u*d_u + x**2*d_u")
    assert space.closure > 0.5
    assert space.modulo([Generator("u*d_u"), Generator("x*d_u")]) == 0
    assert space.modulo([Generator("u*d_u")]) > 0.5
    assert Algebra([]).modulo([Generator("u*d_u")]) == Algebra([]).modulo([]) == 0


def test_values_for_parameters():
    heat = HEAT.at(nu=0.5)
    assert Generator("t*d_x - x*u*d_u") in heat
    assert heat.closure == 0
    assert heat.angle_to(HEAT.at(nu=0.5)) < 1e-12
    assert heat.angle_to(HEAT.at(nu=0.6)) > 1
    with pytest.raises(ValueError, match="parameters without a value"):
        HEAT.angle_to(HEAT)
    with pytest.raises(ValueError, match="linearly independent"):
        algebra("d_x", "d_x + c*d_u", parameters=("c",)).at(c=0)


class TestAngles:
    @pytest.mark.parametrize("exponent", range(-12, 1))
    def test_tiny_angles_keep_their_digits(self, exponent):
        angle = 10.0**exponent
        turned = float(np.tan(np.radians(angle)))
        first = algebra("d_x", "d_t", "d_u")
        second = algebra("d_x", "d_t", f"d_u + {turned}*u*d_u")
        assert first.angle_to(second) == pytest.approx(angle, rel=1e-6)

    def test_basis_does_not_matter(self):
        other = Algebra([KDV[0] + KDV[1], KDV[1], KDV[2] - 3 * KDV[0], 5 * KDV[3] + KDV[2]])
        assert KDV.angle_to(other) < 1e-13

    def test_rules(self):
        assert KDV.angle_to(Algebra(KDV.basis[:3])) == 90
        assert algebra("d_x").angle_to(algebra("d_u")) == pytest.approx(90)
        assert Algebra([]).angle_to(Algebra([])) == 0

    def test_weights_are_lengths(self):
        first, second = algebra("d_x"), algebra("d_x + d_u")
        assert first.angle_to(second) == pytest.approx(45)
        assert first.angle_to(second, {(2, sympy.Integer(1)): 3**0.5}) == pytest.approx(60)
        assert first.angle_to(second, {(1, variable("t")): 7.0}) == pytest.approx(45)

    def test_all_angles_of_two_planes(self):
        c, s, d, r = np.cos(0.3), np.sin(0.3), np.cos(1.2), np.sin(1.2)
        angles = principal_angles(np.eye(4)[:2], np.array([[c, 0, s, 0], [0, d, 0, r]]))
        assert np.radians(angles) == pytest.approx([1.2, 0.3])
        assert largest_angle(np.zeros((0, 3)), np.zeros((0, 3))) == 0


def test_text():
    assert str(KDV).splitlines()[3] == "  v3 = t*d_x + d_u"
    assert KDV.commutator_table().splitlines()[3].split() == ["v3", "0", "-v1", "0", "-2*v3"]
    assert r"t\,\partial_{x} + \partial_{u}" in KDV._repr_latex_()
    assert "<td>-2 v<sub>3</sub></td>" in KDV.html()


def test_refusals():
    with pytest.raises(ValueError, match=r"t\*d_x \+ d_x is a combination"):
        algebra("d_x", "t*d_x", "t*d_x + d_x")
    with pytest.raises(ValueError, match="same variables"):
        Algebra([Generator("d_x"), Generator("d_x", fields=("v",))])
    with pytest.raises(ValueError, match=r"contains nu: give values with \.at\(nu"):
        HEAT[4].vector_field.require_values()
