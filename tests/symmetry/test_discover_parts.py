"""The parts of discovery by themselves: series, rules for the dimension, readable bases, closure, superposition."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch

from pdesym.symmetry import Generator
from pdesym.symmetry.discover.closed_form import chance_of_fractions, closed_form
from pdesym.symmetry.discover.closure import closure_residual
from pdesym.symmetry.discover.spectrum import ROUNDING, by_error, by_gap, by_rounding, scaled_spectrum
from pdesym.symmetry.discover.superposition import split_superposition
from pdesym.symmetry.discover.taylor import Ring, series_function
from pdesym.symmetry.library import Library

X, T = sympy.symbols("x t", real=True)


@pytest.mark.parametrize(
    "text",
    ["x**2*t - 3*x", "sin(x*t) + cos(x)", "exp(x - t)/(2 + x)", "log(1.5 + x*t)", "sqrt(2 + x)", "(2 + x)**t", "2**x"],
)
def test_series_are_those_of_sympy(text):
    function = sympy.sympify(text, {"x": X, "t": T})
    ring, at = Ring(1, 2, 6), (0.3, 0.4)
    x, t = (ring.variable(torch.tensor([value], dtype=torch.float64), axis) for axis, value in enumerate(at))
    (series,) = series_function((X, T), [function])(x, t)
    for j, s in ring.indices:
        exact = sympy.diff(function, X, j, T, s).subs({X: at[0], T: at[1]}).evalf()
        assert float(series.derivative_at_point((j, s))) == pytest.approx(float(exact), rel=1e-11, abs=1e-11), (j, s)
    slope = series.derivative(0)
    assert float(slope.value) == pytest.approx(float(sympy.diff(function, X).subs({X: at[0], T: at[1]})), rel=1e-11)


def test_exact_conditions_count_what_is_rounding():
    values = np.array([0.0, 1e-16, 3e-16, 1e-9, 1e-2, 1.0])
    decision = by_rounding(values)
    assert decision.dimension == 3
    assert decision.margin == pytest.approx(1e-9 / ROUNDING)
    assert "nearly symmetric: 1 more direction" in decision.flags[0]
    assert by_rounding(np.array([1e-3, 1.0])).dimension == 0
    assert by_rounding(np.array([1e-17, 1e-16])).dimension == 2


def test_the_largest_gap_and_the_error_disagree_where_they_should():
    values = np.array([1e-10, 1e-4, 2e-3, 3e-2])
    assert by_gap(values).dimension == 1
    assert by_error(values, 2e-3).dimension == 3
    assert by_error(values, 2e-3).margin == pytest.approx(3e-2 / 4e-3)
    assert "unclear" in by_error(values, 1e-2).flags[0]
    assert by_error(values, 1e-6).dimension == 1


def test_a_column_of_rounding_noise_is_a_symmetry():
    """Dividing a column by itself would hide that it vanishes."""
    torch.manual_seed(0)
    size = torch.rand(50, 4, dtype=torch.float64) + 1
    matrix = size * torch.randn(50, 4, dtype=torch.float64)
    matrix[:, 2] = 1e-16 * torch.randn(50, dtype=torch.float64)
    spectrum = scaled_spectrum(matrix, size)
    assert by_rounding(spectrum.singular_values).dimension == 1
    np.testing.assert_allclose(np.abs(spectrum.null_space(1)), [[0, 0, 1, 0]], atol=1e-14)
    assert spectrum.defects(np.eye(4))[2] < 1e-15
    assert spectrum.defects(np.eye(4))[0] > 0.1


def turned(rows, angle=0.0):
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(np.array(rows, dtype=float).T)[0].T
    basis = basis + angle * rng.normal(size=basis.shape) / math.sqrt(basis.size)
    mixing = np.linalg.qr(rng.normal(size=(len(rows), len(rows))))[0]
    return mixing @ np.linalg.qr(basis.T)[0].T


def test_a_readable_basis_is_found_from_any_other():
    rows = [[1, 0, 0, 0, 0, 0], [0, 1, 3, -2, 0, 0], [0, 0, 0, 0, 2, 1]]
    form = closed_form(turned(rows), 1e-12)
    assert form.rational
    assert set(form.rows) == {tuple(map(Fraction, row)) for row in rows}


def test_fractions_are_refused_where_the_numbers_do_not_carry_them():
    rows = [[1, 0, 0.5], [0, 1, 0.3]]
    assert closed_form(turned(rows, 1e-6), 1e-5).rational
    rough = closed_form(turned(rows, 1e-2), 1e-2)
    assert not rough.rational
    assert "random numbers" in rough.reason
    no_fraction = closed_form(turned([[1, 0, math.pi]]), 1e-9)
    assert not no_fraction.rational
    assert "no fraction" in no_fraction.reason
    failing = closed_form(turned(rows), 1e-12, holds=lambda _: False)
    assert not failing.rational
    assert "fail the conditions" in failing.reason
    assert 0.9 < chance_of_fractions(0.02) <= 1
    assert chance_of_fractions(1e-6) < 1e-3


LIBRARY = Library.polynomial(2)


def rows_of(*texts):
    return LIBRARY.matrix([Generator(text) for text in texts])


def test_brackets_that_leave_are_seen():
    assert closure_residual(rows_of("d_x", "d_t", "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u"), LIBRARY) < 1e-12
    assert closure_residual(rows_of("d_t", "x*t*d_x + t**2*d_t + (x - t*u)*d_u"), LIBRARY) > 0.1
    # [2t ∂_x − xu ∂_u, x ∂_u] is 2t ∂_u + x² ∂_u, which only a superposition takes in.
    heat = rows_of("d_x", "2*t*d_x - x*u*d_u", "u*d_u", "u*d_u + x*d_u")
    assert closure_residual(heat, LIBRARY) > 0.01
    assert closure_residual(heat, LIBRARY, modulo_superposition=True) < 1e-12
    assert closure_residual(rows_of("d_t", "x*t*d_x + t**2*d_t"), LIBRARY, modulo_superposition=True) > 0.1


def test_the_ideal_is_what_has_only_functions_of_x_and_t():
    null_space = turned(rows_of("d_x + x*d_u", "u*d_u", "x*d_u", "(x**2 + 2*t)*d_u"))
    rest, ideal = split_superposition(null_space, LIBRARY)
    assert (len(rest), len(ideal)) == (2, 2)
    wanted = rows_of("x*d_u", "(x**2 + 2*t)*d_u")
    assert np.linalg.matrix_rank(np.concatenate([ideal, wanted]), tol=1e-9) == 2
