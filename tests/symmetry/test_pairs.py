"""Symmetries that depend on time, found from vector fields that do not."""

import math

import pytest

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, burgers, heat, kdv, ks
from pdesym.symmetry import Generator
from pdesym.symmetry.discover import composition_defect, discover_pairs
from tests.symmetry.noisy import Noisy

GRID = Grid(128, length=8 * math.pi)
BASIS = [Generator(text) for text in ("d_x", "u*d_u", "d_u", "d_t", "u**2*d_u")]
T = 0.5

# equation → inputs and outputs
KNOWN = {
    "heat": (heat(0.1), {"d_x": "d_x", "d_t": "d_t", "u*d_u": "u*d_u", "d_u": "d_u"}),
    "burgers": (burgers(1.0), {"d_x": "d_x", "d_t": "d_t", "d_u": "1/2*d_x + d_u"}),
    "kdv": (kdv(), {"d_x": "d_x", "d_t": "d_t", "d_u": "1/2*d_x + d_u"}),
    "ks": (ks(), {"d_x": "d_x", "d_t": "d_t", "d_u": "1/2*d_x + d_u"}),
}


def waves(largest=3):
    return 0.3 + RandomSinusoids(waves=(1, largest)).sample(GRID, range(6), 0)


def pairs_of(equation, start=0.0, end=T, basis=BASIS, rtol=1e-11, **options):
    flow = FlowMap(equation, GRID, (start, end), rtol=rtol)
    return discover_pairs(flow, basis, waves(), GRID, start, end, **options)


@pytest.mark.parametrize("name", KNOWN)
def test_the_pairs_of_known_equations(name):
    equation, expected = KNOWN[name]
    found = pairs_of(equation)
    assert found.dimension == len(expected)
    assert found.singular_values[found.dimension - 1] <= 1e-8
    assert found.singular_values[found.dimension] >= 1e-3
    outputs = dict(zip(map(str, found.inputs), found.outputs, strict=True))
    assert outputs == {one: Generator(other) for one, other in expected.items()}
    assert not found.flags


def test_a_reaction_takes_the_boost_away():
    found = pairs_of(Equation("u_t = -u*u_x + 0.5*u_xx - 0.2*u**3"), calibration=Generator("d_x"))
    assert {str(v) for v in found.inputs} == {"d_x", "d_t"}


def test_damping_leaves_a_boost_that_no_polynomial_in_t_can_write():
    """u_t + u u_x = ν u_xx − δ u keeps (1 − e^(−δt))/δ ∂_x + e^(−δt) ∂_u, at t = 0 ∂_u."""
    found = pairs_of(Equation("u_t = -u*u_x + 0.5*u_xx - 0.4*u"))
    brackets = dict(zip(map(str, found.inputs), found.time_brackets, strict=True))
    assert set(brackets) == {"d_x", "d_t", "d_u"}
    assert brackets["d_u"] == Generator("d_x - 2/5*d_u")
    assert "d_u → 0.4532*d_x + 0.8187*d_u" in str(found)


def test_the_logarithm_is_the_bracket_with_time():
    found = pairs_of(kdv())
    brackets = dict(zip(map(str, found.inputs), found.time_brackets, strict=True))
    for text, expected in (("d_u", "d_x"), ("d_x", "0*d_x"), ("d_t", "0*d_x")):
        assert brackets[text] == Generator(expected)
    growing = pairs_of(Equation("u_t = 0.1*u_xx + 0.8*u"), basis=BASIS[1:3])
    rates = dict(zip(map(str, growing.inputs), map(str, growing.time_brackets), strict=True))
    assert rates == {"u*d_u": "0", "d_u": "4/5*d_u"}


def test_pairs_compose_as_flows_do():
    first, second, both = pairs_of(kdv(), 0.0, 0.2), pairs_of(kdv(), 0.2, 0.5), pairs_of(kdv(), 0.0, 0.5)
    assert composition_defect(first, second, both) < 1e-6
    # With a dispersion that changes half way the boost of one part is no longer that of the other.
    other = pairs_of(Equation("u_t = -2*u*u_x - u_xxx"), 0.2, 0.5)
    assert composition_defect(first, other, both) > 0.05
    with pytest.raises(ValueError, match="add up"):
        composition_defect(first, first, both)


def test_errors_of_a_thousandth_leave_the_ranking_of_kdv():
    flow = Noisy(FlowMap(kdv(), GRID, (0.0, T), rtol=1e-10), 1e-3)
    found = discover_pairs(flow, BASIS, waves(), GRID, 0.0, T, calibration=Generator("d_x"))
    assert {str(v) for v in found.inputs} == {"d_x", "d_t", "d_u"}
    assert found.singular_values[2] < 5e-3 < 3e-2 < found.singular_values[3]


def test_errors_in_small_columns_are_flagged_and_replicates_put_them_right():
    """N[u] is small for slow heat, so that errors lift the true pair (N, N) above the false one (u², u²)."""
    flow = FlowMap(heat(0.1), GRID, (0.0, T), rtol=1e-10)
    arguments = BASIS, waves(), GRID, 0.0, T
    alone = discover_pairs(Noisy(flow, 1e-2), *arguments, calibration=Generator("d_x"))
    assert {str(v) for v in alone.inputs} == {"d_x", "u*d_u", "d_u", "u**2*d_u"}
    assert any("replicates" in flag for flag in alone.flags)
    together = discover_pairs(Noisy(flow, 1e-2), *arguments, replicates=[Noisy(flow, 1e-2, seed=1)])
    assert {str(v) for v in together.inputs} == {"d_x", "d_t", "u*d_u", "d_u"}
    better = discover_pairs(Noisy(flow, 1e-3), *arguments, replicates=[Noisy(flow, 1e-3, seed=1)])
    assert dict(zip(map(str, better.inputs), map(str, better.outputs), strict=True)) == {
        text: text for text in ("d_x", "d_t", "u*d_u", "d_u")
    }
    assert better.singular_values[3] < 1.5
    assert better.singular_values[4] > 10
    assert not better.flags


def test_what_pairs_cannot_be_of_is_refused():
    flow = FlowMap(kdv(), GRID, (0.0, T), rtol=1e-8)
    with pytest.raises(ValueError, match="without t in their coefficients"):
        discover_pairs(flow, [Generator("t*d_x")], waves(), GRID, 0.0, T)
    with pytest.raises(ValueError, match="later"):
        discover_pairs(flow, BASIS, waves(), GRID, T, T)
    with pytest.raises(ValueError, match="does not close on this grid"):
        discover_pairs(flow, [Generator("x*d_x")], waves(), GRID, 0.0, T)
