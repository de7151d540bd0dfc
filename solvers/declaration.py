"""Reading the texts of an equation: `field_t = …`, and relations that define further fields."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial

import sympy

from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, ExpressionError, Token, parse_expression, tokenize
from pdesym.solvers.grid import AXES
from pdesym.solvers.jets import MOST_ORDERS, TIME, Jet, JetSpace, Linear, expanded, linear_part

_LEFT_SIDE = re.compile(r"\s*([A-Za-zͰ-Ͽ][A-Za-z0-9_Ͱ-Ͽ]*?)_t\s*")  # ASCII and Greek
_DERIVATIVE = re.compile(r"(.+)_([xyzt]+)")
_AXIS_OPERATORS = tuple(f"d{axis}" for axis in AXES)
_OPERATORS = ("lap", *_AXIS_OPERATORS)
_RESERVED = (*AXES, "t", *_OPERATORS, *ELEMENTARY, *CONSTANTS)


@dataclass(frozen=True)
class Constraint:
    """A relation A(ψ) = Σ_b B_b(field b) that defines an auxiliary field ψ at every moment.

    Attributes:
        field: the index of ψ among the fields of the jet space.
        operator: A.
        sources: B_b by field; ψ itself and auxiliary fields after it have none.
        expression: A(ψ) − Σ B_b(field b) in jet symbols, which vanishes on solutions.
    """

    field: int
    operator: Linear
    sources: tuple[Linear, ...]
    expression: sympy.Expr


@dataclass(frozen=True)
class Declaration:
    """The texts of an equation and what their names are.

    Attributes:
        text: one `field_t = …` a field.
        where: one relation an auxiliary field.
        fields: the fields that evolve, in the order of their equations.
        auxiliaries: the fields that the relations define, in their order.
        parameters: names that have a value, sorted.
        least_dims: the fewest space axes on which the texts make sense.
    """

    text: tuple[str, ...]
    where: tuple[str, ...]
    fields: tuple[str, ...]
    auxiliaries: tuple[str, ...]
    parameters: tuple[str, ...]
    least_dims: int

    @property
    def statement(self) -> str:
        """All texts in one line."""
        return "; ".join(self.text) + (f" where {'; '.join(self.where)}" if self.where else "")

    def space(self, dims: int) -> JetSpace:
        """Jets of the fields, and after them of the auxiliary fields, on `dims` space axes.

        Raises:
            ValueError: when the texts need more axes.
        """
        if dims < self.least_dims:
            raise ValueError(
                f"The equation {self.statement!r} needs {self.least_dims} space dimensions, the grid has {dims}."
            )
        return JetSpace((*self.fields, *self.auxiliaries), dims)


def declared(text: tuple[str, ...], where: tuple[str, ...], parameters: Sequence[str]) -> Declaration:
    """The declaration that some texts make, checked, with names that have a value.

    Raises:
        ExpressionError: for text that cannot be read, an unknown symbol, a parameter without a value.
        ValueError: for names that clash or do not occur.
    """
    fields = tuple(_left_side(line) for line in text)
    if len(set(fields)) != len(fields):
        raise ValueError(f"Each field takes one equation, got left sides for {', '.join(fields)}.")
    auxiliaries: tuple[str, ...] = ()
    for line in where:
        auxiliaries += (_defined_by(line, (*fields, *auxiliaries), parameters),)
    unknowns = (*fields, *auxiliaries)
    used = {token.text for line in text for token in _names(line)}
    used |= {token.text for line in where for side in _sides(line) for token in tokenize(side) if token.kind == "name"}
    for name in parameters:
        if name in unknowns or name in _RESERVED:
            raise ValueError(f"A parameter cannot be called {name!r}: that name has a meaning of its own here.")
        if (match := _DERIVATIVE.fullmatch(name)) and match[1] in unknowns:
            raise ValueError(f"A parameter cannot be called {name!r}: that is a derivative of {match[1]}.")
        if name not in used:
            raise ValueError(f"The parameter {name!r} does not occur in {'; '.join((*text, *where))!r}: remove it.")
    least_dims = _least_dims(used - set(parameters), unknowns)
    declaration = Declaration(text, where, fields, auxiliaries, tuple(sorted(parameters)), least_dims)
    right_hand_sides(declaration, declaration.least_dims)
    constraints(declaration, declaration.least_dims)
    return declaration


@lru_cache(maxsize=256)
def right_hand_sides(declaration: Declaration, dims: int) -> tuple[sympy.Expr, ...]:
    """The right-hand sides in jet symbols, on `dims` space axes."""
    space = declaration.space(dims)
    result = []
    for line in declaration.text:
        with _pointing_into(line):
            _refuse_missing_parameters(_right_side(line), space, declaration.parameters)
            result.append(read(_right_side(line), space, declaration.parameters))
    return tuple(result)


@lru_cache(maxsize=256)
def constraints(declaration: Declaration, dims: int) -> tuple[Constraint, ...]:
    """The relations that define the auxiliary fields, in their order, on `dims` space axes."""
    space = declaration.space(dims)
    result = []
    for index, line in enumerate(declaration.where, start=len(declaration.fields)):
        # What is defined further down is not known here, so that every relation can be solved in turn.
        known = JetSpace(space.fields[: index + 1], dims)
        with _pointing_into(line):
            for side in _sides(line):
                _refuse_missing_parameters(side, known, declaration.parameters)
            left, right = (read(side, known, declaration.parameters) for side in _sides(line))
        row, rest = linear_part(left - right, known)
        if rest != 0 or not row[index]:
            what = f"the terms {rest} are not" if rest != 0 else f"{known.fields[index]!r} drops out of it"
            raise ExpressionError(
                "A relation for an auxiliary field is linear in the fields with constant coefficients, such as "
                f"'lap(psi) = -w': {what}.",
                line,
                len(line) - len(line.lstrip()),
            )
        sources = tuple({n: -c for n, c in operator.items()} for operator in row[:index])
        padding: tuple[Linear, ...] = ({},) * (len(space.fields) - index)
        result.append(Constraint(index, row[index], (*sources, *padding), expanded(left - right)))
    return tuple(result)


def read(text: str, space: JetSpace, parameters: Sequence[str]) -> sympy.Expr:
    """The expression that a text stands for, in jets, coordinates, t and parameters.

    Raises:
        ExpressionError: for text that cannot be read.
    """
    names: dict[str, sympy.Expr] = {}
    for token in tokenize(text):
        jet = space.jet_named(token.text) if token.kind == "name" else None
        if jet is not None:
            if jet.order > MOST_ORDERS:
                raise ExpressionError(f"Expected a derivative of order {MOST_ORDERS} at most.", text, token.position)
            names[token.text] = space.symbol(jet)
    names |= {symbol.name: symbol for symbol in space.coordinates} | {"t": TIME} | CONSTANTS
    names |= parameter_symbols(parameters)
    names |= {name: space.symbol(Jet(i, (0,) * space.dims)) for i, name in enumerate(space.fields)}
    functions = dict(ELEMENTARY) | {"lap": _smooth(space.laplacian)}
    for axis in range(space.dims):
        functions[f"d{AXES[axis]}"] = _smooth(partial(space.total_derivative, axis=axis))
    return parse_expression(text, names, functions)


def parameter_symbols(names: Sequence[str]) -> dict[str, sympy.Symbol]:
    """The sympy symbols that stand for parameters."""
    return {name: sympy.Symbol(name, real=True) for name in names}


def _least_dims(names: set[str], unknowns: Sequence[str]) -> int:
    """The fewest space dimensions in which every name makes sense."""
    dims = 1
    for name in names:
        match = _DERIVATIVE.fullmatch(name)
        if match and match[1] in unknowns:
            letters = match[2]
        elif name in AXES or name in _AXIS_OPERATORS:
            letters = name[-1]
        else:
            continue
        dims = max([dims, *(AXES.index(letter) + 1 for letter in letters if letter in AXES)])
    return dims


def _left_side(line: str) -> str:
    left, equals, _ = line.partition("=")
    match = _LEFT_SIDE.fullmatch(left)
    if not equals or match is None:
        position = len(left) - len(left.lstrip())
        hint = "; name the derivative: 'u_t = v', 'v_t = …'" if left.strip().endswith("_tt") else ""
        raise ExpressionError(f"Expected 'field_t = right-hand side', such as 'u_t = u_xx'{hint}.", line, position)
    _refuse_taken(match[1], line, match.start(1))
    return match[1]


def _refuse_taken(name: str, line: str, position: int) -> None:
    if name in _RESERVED:
        raise ExpressionError(f"A field cannot be called {name!r}: that name is taken.", line, position)
    if _DERIVATIVE.fullmatch(name):
        raise ExpressionError(f"A field cannot be called {name!r}: that is a derivative.", line, position)


def _sides(line: str) -> tuple[str, str]:
    """The two sides of a relation, the right one with blanks before it, so that positions are those in the line."""
    if line.count("=") != 1:
        raise ExpressionError("Expected a relation 'left = right', such as 'lap(psi) = -w'.", line, 0)
    return line.partition("=")[0], _right_side(line)


def _defined_by(line: str, fields: Sequence[str], parameters: Sequence[str]) -> str:
    """The one new name of a relation: the auxiliary field that it defines."""
    new: dict[str, int] = {}
    with _pointing_into(line):
        for side in _sides(line):
            for token, following in itertools.pairwise(tokenize(side)):
                if token.kind != "name" or token.text in (*fields, *parameters, *_RESERVED) or following.text == "(":
                    continue
                match = _DERIVATIVE.fullmatch(token.text)
                if (base := match[1] if match else token.text) not in fields:
                    new.setdefault(base, token.position)
    if not new:
        raise ExpressionError("A relation defines a new field, such as psi in 'lap(psi) = -w': there is none.", line, 0)
    if len(new) > 1:
        raise ExpressionError(
            f"A relation defines one new field, got {' and '.join(sorted(new))}: give parameters a value, and place "
            "relations that define other fields before this one.",
            line,
            max(new.values()),
        )
    ((name, position),) = new.items()
    _refuse_taken(name, line, position)
    return name


def _right_side(line: str) -> str:
    """The right-hand side, blanks in place of the left, so that positions are those in the line."""
    left, equals, right = line.partition("=")
    return " " * len(left + equals) + right


@contextmanager
def _pointing_into(line: str) -> Iterator[None]:
    """Errors raised about one side show the whole line."""
    try:
        yield
    except ExpressionError as error:
        raise ExpressionError(error.sentence, line, error.position) from None


def _names(line: str) -> list[Token]:
    with _pointing_into(line):
        return [token for token in tokenize(_right_side(line)) if token.kind == "name"]


def _smooth(derivative: Callable[[sympy.Expr], sympy.Expr]) -> Callable[[sympy.Expr], sympy.Expr]:
    """The same operator, refusing what it cannot differentiate."""

    def checked(expression: sympy.Expr) -> sympy.Expr:
        result = derivative(expression)
        if result.has(sympy.DiracDelta, sympy.Derivative):
            raise ValueError(f"{expression} is not smooth enough to be differentiated")
        return result

    return checked


def _refuse_missing_parameters(text: str, space: JetSpace, parameters: Sequence[str]) -> None:
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
