"""Whether the coefficients of an equation are finite at all times that a recipe solves through."""

from collections.abc import Iterator

import numpy as np
import sympy
import torch

from pdesym.datasets.errors import RecipeError
from pdesym.solvers import Equation
from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.jets import TIME
from pdesym.solvers.torch_function import torch_function

_TIMES = 4097
_HALVINGS = 60


def refuse_singular_coefficients(equation: Equation, dims: int, span: tuple[float, float]) -> None:
    """RecipeError where a coefficient, a function of t and of parameters, is not finite at some time of a span.

    Every part of the right-hand sides in which no other variables occur is evaluated at 4097 equidistant times, and so
    is every denominator, whose changes of sign are found by bisection. A denominator that touches 0 between these times
    without a change of sign is not found.

    Args:
        equation: with numbers, or a number for each sample, as parameters.
        dims: number of axes.
        span: the first and the last time.

    Raises:
        RecipeError: that says the coefficient and the time.
    """
    symbols = [TIME, *parameter_symbols(equation.declaration.parameters).values()]
    sides = equation.right_hand_sides(dims)
    parts = dict.fromkeys(part for side in sides for part in _functions_of_time(side, set(symbols)))
    if not parts:
        return
    numbers = [torch.as_tensor(equation.parameters[name]) for name in equation.declaration.parameters]
    columns = [number.detach().cpu().to(torch.float64).reshape(1, -1) for number in numbers]
    times = np.linspace(*span, _TIMES)

    def values(part: sympy.Expr, at: np.ndarray) -> np.ndarray:
        """`(time, sample)`."""
        (found,) = torch_function(symbols, [part])(torch.from_numpy(at).reshape(-1, 1), *columns)
        return np.asarray(torch.as_tensor(found, dtype=torch.float64).broadcast_to(len(at), -1))

    with np.errstate(all="ignore"):
        for part in parts:
            found = values(part, times)
            if (wrong := ~np.isfinite(found)).any():
                _refuse(part, float(times[wrong.any(axis=1).argmax()]), span)
            for divisor in _divisors(part):
                found = values(divisor, times)
                if len(crossing := np.argwhere((found[:-1] > 0) != (found[1:] > 0))):
                    row, column = crossing[0]
                    low, high = times[row], times[row + 1]
                    for _ in range(_HALVINGS):
                        middle = (low + high) / 2
                        same = (values(divisor, np.array([middle]))[0, column] > 0) == (found[row, column] > 0)
                        low, high = (middle, high) if same else (low, middle)
                    _refuse(part, float(high), span)


def _functions_of_time(expression: sympy.Expr, known: set[sympy.Symbol]) -> Iterator[sympy.Expr]:
    """The largest subexpressions in which t occurs, and nothing beside it but parameters."""
    if TIME not in expression.free_symbols:
        return
    if expression.free_symbols <= known:
        yield expression
        return
    inside: list[sympy.Expr] = []
    if isinstance(expression, sympy.Add | sympy.Mul):
        inside = [argument for argument in expression.args if argument.free_symbols <= known]
        yield from _functions_of_time(expression.func(*inside), known)
    for argument in expression.args:
        if argument not in inside:
            yield from _functions_of_time(argument, known)


def _divisors(expression: sympy.Expr) -> Iterator[sympy.Expr]:
    """What the parts of an expression are divided by."""
    for part in sympy.preorder_traversal(expression):
        if isinstance(part, sympy.Pow) and part.exp.could_extract_minus_sign():
            yield part.base
        elif isinstance(part, sympy.tan):
            yield sympy.cos(part.args[0])


def _refuse(part: sympy.Expr, time: float, span: tuple[float, float]) -> None:
    where = "times.burn_in" if time <= 0 and span[0] < 0 else "times.last"
    raise RecipeError(
        f"The coefficient {part} of the equation is singular at t = {time:.6g}, and the solution goes from "
        f"t = {span[0]:g} to t = {span[1]:g}: make {where} smaller."
    )
