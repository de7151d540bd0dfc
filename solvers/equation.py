"""Declaring an evolution equation as text."""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from numbers import Real
from types import MappingProxyType

import sympy
import torch
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, ExpressionError, Token, parse_expression, tokenize
from pdesym.solvers.grid import AXES
from pdesym.solvers.jets import TIME, Jet, JetSpace, expanded

_LEFT_SIDE = re.compile(r"\s*([A-Za-zͰ-Ͽ][A-Za-z0-9_Ͱ-Ͽ]*?)_t\s*")  # ASCII and Greek
_DERIVATIVE = re.compile(r"(.+)_([xyzt]+)")
_AXIS_OPERATORS = tuple(f"d{axis}" for axis in AXES)
_OPERATORS = ("lap", *_AXIS_OPERATORS)

Linear = dict[tuple[int, ...], sympy.Expr]
"""Coefficients of a constant-coefficient operator by orders of derivative: {(3,): -b} is −b ∂ₓ³."""


@dataclass(frozen=True)
class Split:
    """Right-hand sides as (constant-coefficient linear operator) + (remainder).

    Attributes:
        linear: `linear[a][b]` is the operator by which field b enters the equation of field a; its coefficients contain
            parameters and numbers only.
        remainder: everything else.
        explicit_linear: the part of the remainder that is linear with coefficients of t, shaped like `linear`.
    """

    space: JetSpace
    linear: tuple[tuple[Linear, ...], ...]
    remainder: tuple[sympy.Expr, ...]
    explicit_linear: tuple[tuple[Linear, ...], ...]


class Equation:
    """An evolution equation, or a system of them, from text.

        Equation("u_t = -u*u_x - u_xxx")
        Equation("u_t = Du*lap(u) - u*v**2 + F*(1 - u)", "v_t = Dv*lap(v) + u*v**2 - (F + k)*v", Du=…, Dv=…, F=…, k=…)

    On the right may stand the fields and their derivatives (`u_x`, `u_xxy`), `lap(f)`, `dx(f)`, `dy(f)`, `dz(f)` of
    any expression, the coordinates `x`, `y`, `z` and `t`, parameters, numbers, `pi`, `+ - * / **` and the elementary
    functions. Numbers are exact rationals. The text is never executed.

    Args:
        text: one `field_t = …` for each field; their order is the order of the channels.
        card: what is known about the equation.
        parameters: a value for every other name in the text: a number, or a tensor `(batch,)` with one value a sample.
            Units are whatever the text implies; the catalogue is dimensionless.

    Raises:
        ExpressionError: (a ValueError) for text that cannot be read, an unknown symbol, a parameter without a value;
            the message points at the character.
        ValueError: for a parameter that the text does not use or whose value is no number.
    """

    def __init__(self, *text: str, card: Card | None = None, **parameters: int | float | Tensor):
        if not text:
            raise ValueError('An equation needs text, such as Equation("u_t = -u*u_x - u_xxx").')
        self.text = text
        self.card = card
        self.fields = tuple(_left_side(line) for line in text)
        if len(set(self.fields)) != len(self.fields):
            raise ValueError(f"Each field takes one equation, got left sides for {', '.join(self.fields)}.")
        self.parameters: Mapping[str, float | Tensor] = MappingProxyType(
            {name: _checked_value(name, value) for name, value in parameters.items()}
        )
        used = {token.text for line in text for token in _names(line)}
        for name in parameters:
            if name in (*self.fields, *AXES, "t", *_OPERATORS, *ELEMENTARY, *CONSTANTS):
                raise ValueError(f"A parameter cannot be called {name!r}: that name has a meaning of its own here.")
            if (match := _DERIVATIVE.fullmatch(name)) and match[1] in self.fields:
                raise ValueError(f"A parameter cannot be called {name!r}: that is a derivative of {match[1]}.")
            if name not in used:
                raise ValueError(f"The parameter {name!r} does not occur in {'; '.join(text)!r}: remove it.")
        self.least_dims = self._least_dims(used)
        self.right_hand_sides(self.least_dims)

    def __repr__(self) -> str:
        arguments = [repr(line) for line in self.text]
        arguments += [
            f"{name}={value if isinstance(value, float) else f'<{len(value)} values>'}"
            for name, value in self.parameters.items()
        ]
        return f"Equation({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Callable[[], "Equation"], tuple[()]]:
        # Made anew from its text: worker processes are handed equations.
        return partial(Equation, *self.text, card=self.card, **self.parameters), ()

    def _least_dims(self, used: set[str]) -> int:
        """The fewest space dimensions in which every name of the text makes sense."""
        dims = 1
        for name in used:
            if name in self.parameters:
                continue
            match = _DERIVATIVE.fullmatch(name)
            if match and match[1] in self.fields:
                letters = match[2]
            elif name in AXES or name in _AXIS_OPERATORS:
                letters = name[-1]
            else:
                continue
            dims = max([dims, *(AXES.index(letter) + 1 for letter in letters if letter in AXES)])
        return dims

    def select(self, rows: list[int]) -> "Equation":
        """The same equation for some of the samples: per-sample parameters keep the values of `rows`."""
        if not any(isinstance(value, Tensor) for value in self.parameters.values()):
            return self
        chosen = {n: v[rows] if isinstance(v, Tensor) else v for n, v in self.parameters.items()}
        return Equation(*self.text, card=self.card, **chosen)

    def space(self, dims: int) -> JetSpace:
        """The jets of the equation's fields over `dims` space axes."""
        return JetSpace(self.fields, dims)

    def right_hand_sides(self, dims: int) -> tuple[sympy.Expr, ...]:
        """The right-hand sides as sympy expressions in jet symbols, on `dims` space axes.

        Raises:
            ValueError: when the text needs more axes.
        """
        if dims < self.least_dims:
            raise ValueError(
                f"The equation {'; '.join(self.text)!r} needs {self.least_dims} space dimensions, the grid has {dims}."
            )
        return _parsed(self.text, self.fields, tuple(sorted(self.parameters)), dims)

    def split(self, dims: int) -> Split:
        """The right-hand sides as constant-coefficient linear part plus remainder."""
        self.right_hand_sides(dims)
        return split_text(self.text, self.fields, tuple(sorted(self.parameters)), dims)

    def density(self, name: str, dims: int) -> sympy.Expr:
        """The density of one of the card's invariants.

        Raises:
            KeyError: for a name that the card does not list.
        """
        invariants = self.card.invariants if self.card else {}
        if name not in invariants:
            known = ", ".join(invariants) or "none"
            raise KeyError(f"No invariant {name!r} is declared for this equation; declared: {known}.")
        return _read(invariants[name], self.space(dims), tuple(self.parameters))


def parameter_symbols(names: tuple[str, ...]) -> dict[str, sympy.Symbol]:
    """The sympy symbols that stand for parameters."""
    return {name: sympy.Symbol(name, real=True) for name in names}


def _left_side(line: str) -> str:
    left, equals, _ = line.partition("=")
    match = _LEFT_SIDE.fullmatch(left)
    if not equals or match is None:
        position = len(left) - len(left.lstrip())
        hint = "; name the derivative: 'u_t = v', 'v_t = …'" if left.strip().endswith("_tt") else ""
        raise ExpressionError(f"Expected 'field_t = right-hand side', such as 'u_t = u_xx'{hint}.", line, position)
    if match[1] in (*AXES, "t", *ELEMENTARY, *CONSTANTS, *_OPERATORS):
        raise ExpressionError(f"A field cannot be called {match[1]!r}: that name is taken.", line, match.start(1))
    if _DERIVATIVE.fullmatch(match[1]):
        raise ExpressionError(f"A field cannot be called {match[1]!r}: that is a derivative.", line, match.start(1))
    return match[1]


def _right_side(line: str) -> str:
    """The right-hand side, blanks in place of the left, so that positions are those in the line."""
    left, equals, right = line.partition("=")
    return " " * len(left + equals) + right


@contextmanager
def _pointing_into(line: str) -> Iterator[None]:
    """Errors raised about the right-hand side show the whole line."""
    try:
        yield
    except ExpressionError as error:
        raise ExpressionError(error.sentence, line, error.position) from None


def _names(line: str) -> list[Token]:
    with _pointing_into(line):
        return [token for token in tokenize(_right_side(line)) if token.kind == "name"]


def _checked_value(name: str, value: object) -> float | Tensor:
    if isinstance(value, Tensor):
        if value.ndim == 0:
            value = float(value)
        elif value.ndim != 1 or not value.is_floating_point():
            raise ValueError(
                f"Parameter {name!r} must be a number or a float tensor (batch,), got a {value.dtype} tensor of shape "
                f"{tuple(value.shape)}."
            )
        elif not torch.isfinite(value).all():
            raise ValueError(f"Parameter {name!r} must be finite, got {value.tolist()}.")
        else:
            return value
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"Parameter {name!r} must be a finite number or a tensor (batch,), got {value!r}.")
    return float(value)


@lru_cache(maxsize=256)
def _parsed(
    text: tuple[str, ...], fields: tuple[str, ...], parameters: tuple[str, ...], dims: int
) -> tuple[sympy.Expr, ...]:
    space = JetSpace(fields, dims)
    result = []
    for line in text:
        with _pointing_into(line):
            _refuse_missing_parameters(_right_side(line), space, parameters)
            result.append(_read(_right_side(line), space, parameters))
    return tuple(result)


def _read(text: str, space: JetSpace, parameters: tuple[str, ...]) -> sympy.Expr:
    names: dict[str, sympy.Expr] = {}
    for token in tokenize(text):
        jet = space.jet_named(token.text) if token.kind == "name" else None
        if jet is not None:
            names[token.text] = space.symbol(jet)
    names |= {symbol.name: symbol for symbol in space.coordinates} | {"t": TIME} | CONSTANTS
    names |= parameter_symbols(parameters)
    names |= {name: space.symbol(Jet(i, (0,) * space.dims)) for i, name in enumerate(space.fields)}
    functions = dict(ELEMENTARY) | {"lap": _smooth(space.laplacian)}
    for axis in range(space.dims):
        functions[f"d{AXES[axis]}"] = _smooth(partial(space.total_derivative, axis=axis))
    return parse_expression(text, names, functions)


def _smooth(derivative: Callable[[sympy.Expr], sympy.Expr]) -> Callable[[sympy.Expr], sympy.Expr]:
    """The same operator, refusing what it cannot differentiate."""

    def checked(expression: sympy.Expr) -> sympy.Expr:
        result = derivative(expression)
        if result.has(sympy.DiracDelta, sympy.Derivative):
            raise ValueError(f"{expression} is not smooth enough to be differentiated")
        return result

    return checked


def _refuse_missing_parameters(text: str, space: JetSpace, parameters: tuple[str, ...]) -> None:
    """A plain unknown name is a parameter without a value; derivatives of unknown fields are left to the parser."""
    tokens = tokenize(text)
    known = (*space.fields, *parameters, *CONSTANTS, *(s.name for s in space.coordinates), "t")
    for token, following in itertools.pairwise(tokens):
        if token.kind != "name" or token.text in known or following.text == "(" or space.jet_named(token.text):
            continue
        match = _DERIVATIVE.fullmatch(token.text)
        if match and match[1] in space.fields:
            raise ExpressionError(
                "A time derivative cannot stand on the right: name it as a field of its own, 'u_t = v', 'v_t = …'.",
                text,
                token.position,
            )
        if not match:
            raise ExpressionError(
                f"The parameter {token.text!r} has no value: pass {token.text}=… to Equation, or correct the name "
                f"(fields: {', '.join(space.fields)}).",
                text,
                token.position,
            )


@lru_cache(maxsize=256)
def split_text(text: tuple[str, ...], fields: tuple[str, ...], parameters: tuple[str, ...], dims: int) -> Split:
    """The split of parsed texts; `Equation.split` is the way in."""
    space = JetSpace(fields, dims)
    linear: list[tuple[Linear, ...]] = []
    explicit: list[tuple[Linear, ...]] = []
    remainder: list[sympy.Expr] = []
    for expression in _parsed(text, fields, parameters, dims):
        row: list[Linear] = [{} for _ in fields]
        explicit_row: list[Linear] = [{} for _ in fields]
        rest: list[sympy.Expr] = []
        for term in sympy.Add.make_args(expanded(expression)):
            jets = space.jets_in(term)
            coefficient, factor = term.as_independent(
                *space.coordinates, *(space.symbol(jet) for jet in jets), as_Add=False
            )
            is_linear = len(jets) == 1 and factor == space.symbol(jets[0])
            if is_linear:
                operator = (explicit_row if coefficient.has(TIME) else row)[jets[0].field]
                operator[jets[0].orders] = operator.get(jets[0].orders, sympy.Integer(0)) + coefficient
            if not is_linear or coefficient.has(TIME):
                rest.append(term)
        linear.append(tuple(row))
        explicit.append(tuple(explicit_row))
        remainder.append(sympy.Add(*rest))
    return Split(space, tuple(linear), tuple(remainder), tuple(explicit))


def linear_expression(row: Sequence[Linear], space: JetSpace) -> sympy.Expr:
    """Σ_b Σ_n coefficient ∂ⁿ u_b in jet symbols."""
    return sympy.Add(
        *(
            coefficient * space.symbol(Jet(b, orders))
            for b, operator in enumerate(row)
            for orders, coefficient in operator.items()
        )
    )
