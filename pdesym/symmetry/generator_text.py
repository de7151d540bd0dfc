"""The text of a generator, "t*d_x + d_u", to its coefficients."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import sympy

from pdesym.solvers.expression import (
    CONSTANTS,
    ELEMENTARY,
    ExpressionError,
    parse_expression,
    split_terms,
    tokenize,
)
from pdesym.symmetry.vector_field import DIRECTION, TIME, VectorField, check_names, variable


def parse_generator(
    text: str,
    coordinates: tuple[str, ...],
    fields: tuple[str, ...],
    parameters: tuple[str, ...] = (),
    functions: Mapping[str, Callable[..., sympy.Expr]] = ELEMENTARY,
) -> VectorField:
    """The vector field written in `text`; d_x, d_t, d_u stand for the directions ∂_x, ∂_t, ∂_u.

    Args:
        text: the vector field.
        coordinates: names of the space coordinates.
        fields: names of the dependent variables.
        parameters: names of constants without a value.
        functions: what may be called, and what that does with its arguments.

    Raises:
        ExpressionError: with a caret under the character, for text that cannot be read, names that are not declared,
            and text that is not linear in the directions.
        ValueError: for names of variables that cannot serve.
    """
    check_names(coordinates, fields, parameters)
    names = (*coordinates, TIME, *fields)
    directions = {f"{DIRECTION}{name}": sympy.Symbol(f"{DIRECTION}{name}", real=True) for name in names}
    symbols = {name: variable(name) for name in (*names, *parameters)} | directions | CONSTANTS
    _check_declared(text, coordinates, fields, symbols)

    def read(part: str) -> sympy.Expr:
        return sympy.expand(parse_expression(part, symbols, functions))

    expression = read(text)
    slopes = [sympy.diff(expression, direction) for direction in directions.values()]
    if not _is_linear(expression, slopes, directions):
        for start, end in split_terms(text):
            _check_term(text, start, end, read(_at(text, start, end)), directions)
    return VectorField.of_components(coordinates, fields, slopes, parameters)


def _at(text: str, start: int, end: int) -> str:
    """One term of the text, at its own place, so that positions stay those of the whole text."""
    return " " * start + text[start:end]


def _constant_part(expression: sympy.Expr, directions: dict[str, sympy.Symbol]) -> sympy.Expr:
    return expression.subs(dict.fromkeys(directions.values(), 0))


def _is_linear(expression: sympy.Expr, slopes: list[sympy.Expr], directions: dict[str, sympy.Symbol]) -> bool:
    known = set(directions.values())
    curved = any(slope.free_symbols & known for slope in slopes)
    return not curved and bool(_constant_part(expression, directions) == 0)


def _check_declared(
    text: str, coordinates: tuple[str, ...], fields: tuple[str, ...], symbols: dict[str, sympy.Expr]
) -> None:
    tokens = tokenize(text)
    for token, following in pairwise(tokens):
        if token.kind != "name" or token.text in symbols or token.text in ELEMENTARY or following.text == "(":
            continue
        name = token.text.removeprefix(DIRECTION)
        what = f"{token.text} is the direction of {name}, which" if name != token.text else f"{token.text}"
        raise ExpressionError(
            f"{what} is not a variable of this generator (coordinates {', '.join(coordinates)}, time {TIME}, fields "
            f"{', '.join(fields)}): declare it with coordinates=(...), fields=(...) or parameters=(...).",
            text,
            token.position,
        )


def _check_term(text: str, start: int, end: int, term: sympy.Expr, directions: dict[str, sympy.Symbol]) -> None:
    if _is_linear(term, [sympy.diff(term, direction) for direction in directions.values()], directions):
        return
    if not term.free_symbols & set(directions.values()):
        raise ExpressionError("Expected a direction in every term, such as u*d_u for the term u.", text, start)
    if _constant_part(term, directions).has(sympy.zoo, sympy.nan):
        raise ExpressionError("Expected the directions d_... as factors, not in a denominator.", text, start)
    used = [token for token in tokenize(_at(text, start, end)) if token.text in directions]
    if _constant_part(term, directions) != 0:
        raise ExpressionError("Expected a direction in every part of this term.", text, start)
    if len(used) > 1:
        raise ExpressionError(
            "Expected one direction in a term, got a product of directions: a generator is linear in them.",
            text,
            used[1].position if len(used) == 2 else start,
        )
    raise ExpressionError(
        f"Expected {used[0].text} as a factor by itself: a generator is linear in the directions.",
        text,
        used[0].position,
    )
