import math

import pytest

from pdesym.report.number_text import given_text, largest_text, measured_text, power_of_ten_text, seconds_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.84e-7, "3.8e-07"),
        (0.331, "0.33"),
        (0.0214, "0.021"),
        (0.00964, "9.6e-03"),
        (0.0996, "0.10"),
        (0.996, "1.0"),
        (1.137, "1.1"),
        (9.96, "10"),
        (12.4, "12"),
        (99.7, "1.0e+02"),
        (123.4, "1.2e+02"),
        (-0.5, "-0.50"),
        (0.0, "0"),
        (5e-324, "4.9e-324"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (None, "–"),
    ],
)
def test_measured_numbers_have_two_digits(value, text):
    assert measured_text(value) == text


@pytest.mark.parametrize("exponent", range(-18, 6))
def test_a_measured_number_is_right_to_two_digits(exponent):
    for mantissa in (1.0, 1.049, 2.5, 9.94, 9.96):
        value = mantissa * 10.0**exponent
        assert float(measured_text(value)) == pytest.approx(value, rel=0.05)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (128.0, "128"),
        (1e-6, "1e-06"),
        (0.4016, "0.4016"),
        (2950.0, "2950"),
        (412884.0, "412,884"),
        (1e300, "1e+300"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (None, "–"),
    ],
)
def test_given_numbers_keep_their_digits(value, text):
    assert given_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (247.0, "4 min 07 s"),
        (3600.0, "1 h 00 min"),
        (7529.0, "2 h 05 min"),
        (math.nan, "nan"),
        (None, "–"),
    ],
)
def test_durations(value, text):
    assert seconds_text(value) == text


def test_the_bound_of_a_defect():
    assert (largest_text(math.sqrt(2)), largest_text(2.0)) == ("√2", "2")


def test_powers_of_ten():
    assert [power_of_ten_text(10.0**exponent) for exponent in (-15, -1, 0, 1, 2)] == ["10⁻¹⁵", "10⁻¹", "1", "10", "10²"]
