"""Compiling sympy expressions to one torch function."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import sympy
import torch
from torch import Tensor


def _on_numbers_too(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor | float], Tensor]:
    return lambda value: function(value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64))


_NAMESPACE = {
    name: _on_numbers_too(getattr(torch, name))
    for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "sinh", "cosh", "tanh", "sign", "asin", "acos", "atan")
} | {"Abs": _on_numbers_too(torch.abs), "abs": _on_numbers_too(torch.abs), "pi": math.pi, "E": math.e}
# torch takes whole numbers of 64 bits.
_LARGEST_INTEGER = 2**62
_SIGN = sympy.Function("sign")


def torch_function(
    arguments: Sequence[sympy.Symbol], expressions: Sequence[sympy.Expr]
) -> Callable[..., list[Tensor | float]]:
    """One function of tensors that returns every expression, common subexpressions evaluated once.

    The result broadcasts: an expression without arguments comes back as a number. Works under torch.func transforms
    and autograd, on any device and dtype.
    """
    return _compiled(tuple(arguments), tuple(expressions))


@lru_cache(maxsize=1024)
def _compiled(
    arguments: tuple[sympy.Symbol, ...], expressions: tuple[sympy.Expr, ...]
) -> Callable[..., list[Tensor | float]]:
    function: Callable[..., list[Tensor | float]] = sympy.lambdify(
        list(arguments),
        [_printable(expression) for expression in expressions],
        modules=[_NAMESPACE],
        cse=True,
        dummify=True,  # a parameter may be called E or sign
    )
    return function


def _printable(expression: sympy.Expr) -> sympy.Expr:
    """The expression with numbers that torch can hold, and sign as a call instead of an `if`."""
    large = [n for n in expression.atoms(sympy.Rational) if max(abs(n.p), n.q) > _LARGEST_INTEGER]
    result: sympy.Expr = expression.xreplace({n: sympy.Float(n, 17) for n in large})
    result = result.replace(sympy.sign, _SIGN)
    return result
