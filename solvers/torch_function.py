"""Compiling sympy expressions to one torch function."""

import math
from collections.abc import Callable, Sequence

import sympy
import torch
from torch import Tensor


def _on_numbers_too(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor | float], Tensor]:
    return lambda value: function(value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64))


_NAMESPACE = {
    name: _on_numbers_too(getattr(torch, name))
    for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "sinh", "cosh", "tanh", "sign", "asin", "acos", "atan")
} | {"Abs": _on_numbers_too(torch.abs), "abs": _on_numbers_too(torch.abs), "pi": math.pi, "E": math.e}


def torch_function(
    arguments: Sequence[sympy.Symbol], expressions: Sequence[sympy.Expr]
) -> Callable[..., list[Tensor | float]]:
    """One function of tensors that returns every expression, common subexpressions evaluated once.

    The result broadcasts: an expression without arguments comes back as a number. Works under torch.func transforms
    and autograd, on any device and dtype.
    """
    function: Callable[..., list[Tensor | float]] = sympy.lambdify(
        list(arguments), list(expressions), modules=[_NAMESPACE], cse=True
    )
    return function
