"""Arithmetic text to sympy expressions.

The text is read by the small grammar below and by nothing else: it never reaches `eval`, `exec` or `sympify`, so a
recipe from a stranger cannot run code. Every error knows the character that it is about.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/") signed)*
    signed  = ("+" | "-") signed | power
    power   = atom ("**" signed)?
    atom    = number | name | name "(" sum ("," sum)* ")" | "(" sum ")"
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy

ELEMENTARY: dict[str, Callable[..., sympy.Expr]] = {
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
}
CONSTANTS: dict[str, sympy.Expr] = {"pi": sympy.pi}

_PATTERN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_Ͱ-Ͽ][A-Za-z0-9_Ͱ-Ͽ]*)"  # ASCII and Greek
    r"|(?P<operator>\*\*|[-+*/(),])|(?P<space>\s+)"
)
_INSTEAD = {"^": "**", "−": "-", "–": "-", "·": "*", "×": "*", "÷": "/", "²": "**2", "³": "**3"}
# Beyond these a short text could ask for a number of millions of digits, or overflow the stack.
_LARGEST_EXPONENT, _LARGEST_ARGUMENT, _MOST_BITS, _DEEPEST = 400, 1e6, 10_000, 50
_UNBOUNDED = (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo)


class ExpressionError(ValueError):
    """A text that cannot be read; the message is one sentence, then the line with a caret under the character.

    Attributes:
        sentence: what is wrong and what would be right.
        position: index of the character in the text, counted from 0; the length of the text for its end.
    """

    def __init__(self, sentence: str, text: str, position: int):
        start = text.rfind("\n", 0, position) + 1
        line = text[start:].split("\n", 1)[0]
        margin = "".join("\t" if character == "\t" else " " for character in line[: position - start])
        super().__init__(f"{sentence}\n    {line}\n    {margin}^")
        self.sentence = sentence
        self.text = text
        self.position = position

    def __reduce__(self) -> tuple[type, tuple[str, str, int]]:
        # An exception is unpickled from its arguments; a worker process must be able to hand this one back.
        return type(self), (self.sentence, self.text, self.position)


@dataclass(frozen=True)
class Token:
    """A number, a name, an operator, or the end of the text."""

    kind: str
    text: str
    position: int


def tokenize(text: str) -> tuple[Token, ...]:
    """The tokens of an arithmetic text, the last one of kind "end".

    Raises:
        ExpressionError: at a character that arithmetic does not use.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            hint = f": write {_INSTEAD[text[position]]}" if text[position] in _INSTEAD else ""
            raise ExpressionError(f"Unexpected character {text[position]!r}{hint}.", text, position)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return (*tokens, Token("end", "", len(text)))


def split_terms(text: str) -> tuple[tuple[int, int], ...]:
    """Spans (start, end) of the terms of the outermost sum, without the operators between them."""
    tokens = tokenize(text)
    spans: list[tuple[int, int]] = []
    start, depth = None, 0
    for before, token in zip((Token("end", "", 0), *tokens), tokens, strict=False):
        depth += (token.text == "(") - (token.text == ")")
        operand_before = before.kind in ("number", "name") or before.text == ")"
        if token.kind == "end" or (depth == 0 and token.text in ("+", "-") and operand_before):
            if start is not None:
                spans.append((start, before.position + len(before.text)))
            start = None
        elif start is None:
            start = token.position
    return tuple(spans)


def parse_expression(
    text: str, names: Mapping[str, sympy.Expr], functions: Mapping[str, Callable[..., sympy.Expr]]
) -> sympy.Expr:
    """The sympy expression that an arithmetic text stands for. Numbers become exact rationals: 0.1 is 1/10.

    Args:
        text: sums, products, quotients, powers (**), calls and parentheses over numbers and names.
        names: what each name stands for.
        functions: what each callable name does with its sympy arguments. A TypeError or ValueError it raises is
            reported at the name in the text.

    Raises:
        ExpressionError: for text outside the grammar, an unknown name, or a value that is not a finite real number.
    """
    return _Reader(text, names, functions).read()


class _Reader:
    """Recursive descent through the tokens of one text."""

    def __init__(self, text: str, names: Mapping[str, sympy.Expr], functions: Mapping[str, Callable[..., sympy.Expr]]):
        self.text, self.names, self.functions = text, names, functions
        self.tokens = tokenize(text)
        self.next = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def error(self, sentence: str, token: Token) -> ExpressionError:
        return ExpressionError(sentence, self.text, token.position)

    def take(self, *texts: str) -> Token | None:
        """The current token, stepped over, when it is one of these operators."""
        token = self.token
        if token.kind != "operator" or token.text not in texts:
            return None
        self.next += 1
        return token

    def read(self) -> sympy.Expr:
        if self.token.kind == "end":
            raise self.error("Expected an expression, got an empty text.", self.token)
        result = self.sum()
        token = self.token
        if token.text == ")":
            raise self.error("This ')' closes nothing: remove it or open it before.", token)
        if token.text == ",":
            raise self.error("A comma separates the arguments of a function only: remove it.", token)
        if token.kind != "end":
            raise self.error(f"Expected an operator before {token.text!r}: write * for a product.", token)
        return result

    def sum(self) -> sympy.Expr:
        result = self.product()
        while operator := self.take("+", "-"):
            term = self.product()
            result = result + term if operator.text == "+" else result - term
        return result

    def product(self) -> sympy.Expr:
        result = self.signed()
        while operator := self.take("*", "/"):
            factor = self.signed()
            if operator.text == "/" and factor.is_zero:
                raise self.error("Division by zero.", operator)
            result = result * factor if operator.text == "*" else result / factor
        return result

    def signed(self) -> sympy.Expr:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error(f"Expected at most {_DEEPEST} levels of nesting.", self.token)
        operator = self.take("+", "-")
        result = self.power() if operator is None else self.signed()
        self.depth -= 1
        return -result if operator is not None and operator.text == "-" else result

    def power(self) -> sympy.Expr:
        base = self.atom()
        operator = self.take("**")
        if operator is None:
            return base
        exponent = self.signed()
        if exponent.is_number and _exceeds(exponent, _LARGEST_EXPONENT):
            raise self.error(f"Expected an exponent of at most {_LARGEST_EXPONENT}.", operator)
        if base.is_Rational and exponent.is_Rational and _bits(base) * abs(exponent) > _MOST_BITS:
            raise self.error("The power of these two numbers is too large to be exact.", operator)
        return self.finite(base**exponent, (base, exponent), "This power", operator)

    def atom(self) -> sympy.Expr:
        token = self.token
        if token.kind == "number":
            self.next += 1
            return self.number(token)
        if token.kind == "name":
            self.next += 1
            return self.call(token) if self.token.text == "(" else self.value(token)
        if self.take("("):
            result = self.sum()
            self.close(token)
            return result
        found = "the end of the text" if token.kind == "end" else repr(token.text)
        raise self.error(f"Expected a number, a name or '(', got {found}.", token)

    def close(self, opened: Token) -> None:
        if self.take(")"):
            return
        if self.token.kind == "end":
            raise self.error("This '(' is never closed: add the ')'.", opened)
        raise self.error(f"Expected an operator or ')' before {self.token.text!r}.", self.token)

    def number(self, token: Token) -> sympy.Expr:
        mantissa, _, exponent = token.text.lower().partition("e")
        if len(mantissa) > _LARGEST_EXPONENT or abs(int((exponent or "0")[:6])) > _LARGEST_EXPONENT:
            raise self.error(f"Expected a number below 1e{_LARGEST_EXPONENT}.", token)
        return sympy.Rational(token.text)

    def value(self, token: Token) -> sympy.Expr:
        try:
            return self.names[token.text]
        except KeyError:
            pass
        if token.text in self.functions:
            raise self.error(f"{token.text!r} is a function: write {token.text}(...).", token)
        raise self.error(f"Unknown name {token.text!r} {_suggestion(token.text, self.names)}.", token)

    def call(self, token: Token) -> sympy.Expr:
        if token.text not in self.functions:
            if token.text in self.names:
                raise self.error(f"{token.text!r} is not a function: write {token.text}*(...) for a product.", token)
            raise self.error(f"Unknown function {token.text!r} {_suggestion(token.text, self.functions)}.", token)
        opened = self.token
        self.next += 1
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        self.close(opened)
        if any(argument.is_number and _exceeds(argument, _LARGEST_ARGUMENT) for argument in arguments):
            raise self.error(f"Expected a number of at most {_LARGEST_ARGUMENT:g} in {token.text}.", token)
        try:
            result = self.functions[token.text](*arguments)
        except ExpressionError:
            raise
        except (TypeError, ValueError) as error:
            raise self.error(f"{token.text}: {error}".rstrip(".") + ".", token) from error
        return self.finite(result, arguments, f"This {token.text}", token)

    def finite(self, result: sympy.Expr, operands: Iterable[sympy.Expr], what: str, token: Token) -> sympy.Expr:
        if result.has(*_UNBOUNDED):
            raise self.error(f"{what} is not finite.", token)
        if result.is_extended_real is False and not any(operand.is_extended_real is False for operand in operands):
            raise self.error(f"{what} is not a real number.", token)
        return result


def _exceeds(number: sympy.Expr, limit: int | float) -> bool:
    return bool(abs(number if number.is_Rational else number.evalf()) > limit)


def _bits(number: sympy.Rational) -> int:
    return abs(int(number.p)).bit_length() + int(number.q).bit_length()


def _suggestion(name: str, known: Mapping[str, object]) -> str:
    listed = ", ".join(sorted(known)) or "none"
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"(known: {listed}; did you mean {close[0]!r}?)" if close else f"(known: {listed})"
