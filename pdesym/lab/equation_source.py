"""Equations as they are named on the command line: by text, or by a name of the catalogue."""

import inspect
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from pdesym.solvers import CATALOGUE, Equation, ExpressionError
from pdesym.solvers.expression import tokenize
from pdesym.symmetry.determine import Determined, determine


def is_equation(source: str) -> bool:
    """Whether a source is the text of an equation or a name of the catalogue."""
    return "=" in source or source in CATALOGUE


def split_system(source: str) -> tuple[str, ...]:
    """The texts of a system that is written in one, "u_t = v; v_t = u_xx"."""
    return tuple(text.strip() for text in source.split(";") if text.strip())


def has_parameter(source: str, name: str) -> bool:
    """Whether a name occurs in the text of an equation, or is a parameter of one of the catalogue."""
    if source in CATALOGUE:
        return name in _parameters(source)
    return any(token.text == name for text in split_system(source) for token in tokenize(text.replace("=", "+")))


def parameter_values(pairs: Sequence[str]) -> dict[str, Fraction]:
    """The values in "nu=0.1" and "m=-4/3", exactly.

    Raises:
        ValueError: for another form, a value that is no number, or a name that occurs twice.
    """
    values: dict[str, Fraction] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        try:
            value = Fraction(text)
        except (ValueError, ZeroDivisionError):
            equals = ""
        if not equals or not name:
            raise ValueError(f"Expected a parameter as NAME=NUMBER, such as nu=0.1 or m=-4/3, got {pair}.")
        if name in values:
            raise ValueError(f"The parameter {name} has two values: leave one of them out.")
        values[name] = value
    return values


def determined(sources: Sequence[str], where: Sequence[str], values: Mapping[str, Fraction], degree: int) -> Determined:
    """The exact algebra of an equation; parameters without a value stay symbols.

    Args:
        sources: the texts of a system, or one name of the catalogue.
        where: the relations of auxiliary fields, beside text.
        values: of parameters.
        degree: of the ansatz.

    Raises:
        ValueError: for a source or a parameter that is unknown, text that cannot be read, and equations that have no
            place in the calculation.
    """
    texts = tuple(text for source in sources for text in split_system(source))
    if len(texts) == 1 and texts[0] in CATALOGUE:
        _refuse_relations(texts[0], where)
        named = CATALOGUE[texts[0]]
        needed = [name for name, given in _parameters(texts[0]).items() if given is inspect.Parameter.empty]
        return determine(named(**dict.fromkeys(needed, 1.0)), degree, values=values)
    for text in texts:
        if "=" not in text:
            raise ValueError(f"{unknown_equation(text)}.")
    return determine(texts, degree, where=tuple(where), values=values)


def equation_with_numbers(source: str, where: Sequence[str], values: Mapping[str, Fraction]) -> Equation:
    """The equation of a text or of a name, with a number for each parameter: the catalogue's own where it has one.

    Raises:
        ValueError: for a parameter that is unknown or has no value, and text that cannot be read.
    """
    numbers: dict[str, Any] = {name: float(value) for name, value in values.items()}
    if source not in CATALOGUE:
        try:
            return Equation(*split_system(source), where=tuple(where), **numbers)
        except ExpressionError as error:
            sentence = re.sub(r"pass (\w+)=… to Equation", r"add --param \1=…", error.sentence)
            raise ExpressionError(sentence, error.text, error.position) from None
    _refuse_relations(source, where)
    given = _parameters(source)
    if strangers := [name for name in numbers if name not in given]:
        raise ValueError(
            f"The equation {source} has no parameter {', '.join(strangers)}; its parameters: "
            f"{', '.join(given) or 'none'}."
        )
    if missing := [name for name in given if given[name] is inspect.Parameter.empty and name not in numbers]:
        raise ValueError(f"The equation {source} needs a number for {', '.join(missing)}: add --param {missing[0]}=….")
    return CATALOGUE[source](**numbers)


def unknown_equation(source: str) -> str:
    """That a source is no equation, and what would be one; without the full stop."""
    near = get_close_matches(source, list(CATALOGUE), n=1)
    guess = f" (did you mean {near[0]}?)" if near else ""
    return (
        f"No equation is named {source}{guess}: give a text such as 'u_t = -u*u_x - u_xxx', or a name that "
        "`pdesym equations` lists"
    )


def _parameters(name: str) -> dict[str, object]:
    return {key: each.default for key, each in inspect.signature(CATALOGUE[name]).parameters.items()}


def _refuse_relations(name: str, where: Sequence[str]) -> None:
    if where:
        raise ValueError(f"The equation {name} of the catalogue has its relations already: leave --where out.")
