"""Libraries: coefficients and generators are each other's inverse; what is not in the span is named."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from pdesym.symmetry import Generator
from pdesym.symmetry.library import Library

BURGERS = [
    "d_x",
    "d_t",
    "t*d_x + d_u",
    "x*d_x + 2*t*d_t - u*d_u",
    "x*t*d_x + t**2*d_t + (x - t*u)*d_u",
]


def test_polynomial_library_counts_monomials():
    assert len(Library.polynomial(2)) == 30
    assert len(Library.polynomial(3)) == 60
    assert len(Library.polynomial(2, ("h", "u", "v"), ("x", "y"))) == 6 * 28
    still = Library.polynomial(2, space=False)
    assert len(still) == 18
    assert not any(sympy.Symbol("x", real=True) in f.free_symbols for _, f in still.columns)


@pytest.mark.parametrize("text", BURGERS)
def test_there_and_back(text):
    library, generator = Library.polynomial(2), Generator(text)
    assert library.generator(library.coefficients(generator)) == generator
    assert library.generator([float(c) for c in library.coefficients(generator)]) == generator


def test_numbers_of_every_kind():
    library = Library.of_terms(["1", "x"])
    for half in (Fraction(1, 2), 0.5, np.float64(0.5), sympy.Rational(1, 2)):
        assert library.generator([0, half, 0, 0, 1, 0]) == Generator("x/2*d_x + d_u")


def test_matrix():
    library = Library.polynomial(2)
    matrix = library.matrix([Generator(text) for text in BURGERS])
    assert matrix.shape == (5, 30)
    assert matrix.dtype == np.float64
    assert np.linalg.matrix_rank(matrix) == 5


def test_what_the_library_lacks_is_named():
    with pytest.raises(ValueError, match=r"no combination of columns for the part \(x\*\*3\)\*d_u"):
        Library.polynomial(2).coefficients(Generator("d_x + x**3*d_u"))
    with pytest.raises(ValueError, match="variables of the library"):
        Library.polynomial(2).coefficients(Generator("d_x", fields=("v",)))


def test_columns_of_several_terms():
    library = Library.of_terms(["x**2 + 2*t", "t", "exp(t)*u"])
    assert library.coefficients(Generator("x**2*d_u"))[-3:] == (1, -2, 0)
    with pytest.raises(ValueError, match=r"\(x\)\*d_u"):
        library.coefficients(Generator("x*d_u"))


def test_fourier_and_union():
    library = Library.polynomial(1, space=False)
    waved = library.fourier(2, 20.0)
    assert len(waved) == 5 * len(library)
    assert len(waved + library) == len(waved)
    assert waved.columns[: len(library)] == library.columns
    generator = Generator("3*t*sin(2*pi*x/10)*d_u + u*cos(pi*x/10)*d_x")
    assert waved.generator(waved.coefficients(generator)) == generator
    with pytest.raises(ValueError, match="same variables"):
        library + Library.polynomial(1, ("v",))


def test_a_column_for_each_text():
    library = Library.of_columns(("t*d_x", "u**2*d_u"))
    assert [str(column) for column in library] == ["t*d_x", "u**2*d_u"]
    polynomials = Library.polynomial(2, ("u", "v"), ("x", "y"))
    assert Library.of_columns([str(column) for column in polynomials], ("u", "v"), ("x", "y")) == polynomials
    with pytest.raises(ValueError, match=r"Expected one direction in a column, such as t\*d_x, got d_x \+ d_u"):
        Library.of_columns(("d_x + d_u",))


def test_refusals():
    with pytest.raises(ValueError, match="degree of at least 0"):
        Library.polynomial(-1)
    with pytest.raises(ValueError, match="12 coefficients"):
        Library.polynomial(1).generator([1, 2])
    with pytest.raises(ValueError, match="finite constant"):
        Library.of_terms(["1"]).generator([1, 0, float("nan")])
    with pytest.raises(ValueError, match="Expected components from 0 to 2"):
        Library(("x",), ("u",), ((3, sympy.Integer(1)),))
    with pytest.raises(ValueError, match="positive length"):
        Library.polynomial(1).fourier(1, (1.0, 2.0))


def test_a_sum_over_one_denominator_is_taken_apart():
    library = Library.of_terms(["1/sqrt(t+1)", "x/sqrt(t+1)", "u*sqrt(t+1)"])
    generator = Generator("(x/(2*sqrt(t + 1)) - 2*u*sqrt(t + 1))*d_u")
    assert library.coefficients(generator) == (0, 0, 0, 0, 0, 0, 0, sympy.Rational(1, 2), -2)
    with pytest.raises(ValueError, match="no combination"):
        library.coefficients(Generator("(x/(2*sqrt(t + 1)) - 2*u*sqrt(t + 1) + u)*d_u"))
