"""Text to sympy: exact values, exact positions, nothing executed."""

import pickle
import time

import pytest
import sympy

from pdesym.solvers import Equation
from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, ExpressionError, parse_expression, split_terms, tokenize

x, t, u, nu = sympy.symbols("x t u nu")
NAMES = {"x": x, "t": t, "u": u, "nu": nu, **CONSTANTS}


def read(text: str) -> sympy.Expr:
    return parse_expression(text, NAMES, ELEMENTARY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t*u + 1", t * u + 1),
        ("-x**2", -(x**2)),
        ("2**-1", sympy.Rational(1, 2)),
        ("2**3**2", sympy.Integer(512)),
        ("x - t - u", x - t - u),
        ("x/t/u", x / t / u),
        ("-x/2*t", -x * t / 2),
        ("0.1*u", u / 10),
        ("1e-3", sympy.Rational(1, 1000)),
        (".5", sympy.Rational(1, 2)),
        ("  (x\n + t)*2 ", 2 * (x + t)),
        ("sin(2*pi*x/0.5)", sympy.sin(4 * sympy.pi * x)),
        ("sqrt(4)", sympy.Integer(2)),
        ("exp(x)*exp(-x)", sympy.Integer(1)),
        ("- - x", x),
    ],
)
def test_the_value_is_exact(text: str, expected: sympy.Expr) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "sentence"),
    [
        ("", 0, "Expected an expression, got an empty text."),
        ("x +", 3, "got the end of the text"),
        ("  2x", 3, "Expected an operator before 'x': write [*] for a product."),
        ("x t", 2, "Expected an operator before 't'"),
        ("(x t)", 3, "Expected an operator or '[)]' before 't'"),
        ("(x", 0, "This '[(]' is never closed"),
        ("x)", 1, "This '[)]' closes nothing"),
        ("x, t", 1, "A comma separates the arguments of a function only"),
        ("x^2", 1, "write [*][*]"),
        ("x²", 1, "write [*][*]2"),
        ("3 − x", 2, "Unexpected character '−': write -"),
        ("x = 2", 2, "Unexpected character '='"),
        ("x//2", 2, "Expected a number, a name or '[(]', got '/'"),
        ("nuu*x", 0, r"Unknown name 'nuu' \(known: nu, pi, t, u, x; did you mean 'nu'\?\)"),
        ("x + __import__", 4, "Unknown name '__import__'"),
        ("exec(x)", 0, r"Unknown function 'exec' \(known: cos, .*\)"),
        ("x.real", 1, "Unexpected character '[.]'"),
        ("u(x)", 0, r"'u' is not a function: write u\*\(...\) for a product"),
        ("1 + sin", 4, r"'sin' is a function: write sin\(...\)"),
        ("sin(x, t)", 0, "sin: sin takes exactly 1 argument"),
        ("sin()", 4, "got '[)]'"),
        ("x/(t - t)", 1, "Division by zero"),
        ("1 + log(0)", 4, "This log is not finite"),
        ("0**-1", 1, "This power is not finite"),
        ("sqrt(-1)", 0, "This sqrt is not a real number"),
        ("(-8)**(1/3)", 4, "This power is not a real number"),
        ("9**9**9", 1, "Expected an exponent of at most 400|too large"),
        ("(10**300)**40", 9, "too large to be exact"),
        ("x**1e9", 1, "Expected an exponent of at most 400"),
        ("x*1e999999999", 2, "Expected a number below 1e400"),
        ("x +\n  yy", 6, "Unknown name 'yy'"),
        ("(" * 500, 50, "at most 50 levels"),
    ],
)
def test_an_error_points_at_the_character(text: str, position: int, sentence: str) -> None:
    with pytest.raises(ExpressionError, match=sentence) as caught:
        read(text)
    assert caught.value.position == position


def test_the_caret_stands_under_the_character_of_its_line() -> None:
    with pytest.raises(ExpressionError) as caught:
        read("x +\n\t  yy")
    _, line, caret = str(caught.value).split("\n")
    assert line.index("yy") == caret.index("^")
    assert caret.startswith("    \t")


def test_an_error_crosses_process_borders() -> None:
    with pytest.raises(ExpressionError) as caught:
        read("x + yy")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.position) == (str(caught.value), 4)


def test_a_function_may_refuse_its_arguments() -> None:
    def lap(_: sympy.Expr) -> sympy.Expr:
        raise ValueError("lap takes a field")

    with pytest.raises(ExpressionError, match="lap takes a field") as caught:
        parse_expression("x + lap(x)", NAMES, {"lap": lap})
    assert caught.value.position == 4


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("t*d_x + d_u", ["t*d_x", "d_u"]),
        (" -x*d_x - (x + 2*-t)*d_t+1e-3*d_u ", ["-x*d_x", "(x + 2*-t)*d_t", "1e-3*d_u"]),
        ("x", ["x"]),
        ("- - x**-2", ["- - x**-2"]),
        ("", []),
    ],
)
def test_the_outermost_sum_splits_into_its_terms(text: str, terms: list[str]) -> None:
    assert [text[start:end] for start, end in split_terms(text)] == terms


def test_the_last_token_is_the_end_of_the_text() -> None:
    assert [token.kind for token in tokenize("2*x ")] == ["number", "operator", "name", "end"]
    assert tokenize("2*x ")[-1].position == 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("u_t = (u + u_x + u_xx + u_xxx + 1)**300", "at most 20000 terms"),
        ("u_t = sin((u + u_x + u_xx + 1)**200)", "at most 20000 terms"),
        ("u_t = " + "*".join(["(u + u_x + 1)"] * 200), "at most 20000 terms"),
        ("u_t = " + "lap(" * 8 + "(u + 1)**9*u_x**3*sin(u)" + ")" * 8, "too long an expression"),
        ("u_t = u_" + "x" * 1000, "order 64 at most"),
        ("u_t = 9**9**9**9*u", "exponent of at most 400"),
        ("u_t = u**(10**9)", "exponent of at most 400"),
        ("u_t = exp(exp(exp(exp(99))))*u", "number of at most 1e.06 in exp"),
        ("u_t = 2**exp(999)*u", "exponent of at most 400"),
    ],
)
def test_a_short_text_that_stands_for_a_huge_expression_is_refused_at_once(text, sentence):
    began = time.perf_counter()
    with pytest.raises(ValueError, match=sentence):
        Equation(text).split(1)
    assert time.perf_counter() - began < 20
