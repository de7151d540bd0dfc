"""Boundary conditions: linear combinations of a field and its normal derivatives, with a value that may depend on t."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sympy
import torch
from torch import Tensor

from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, parse_expression
from pdesym.solvers.grid import AXES
from pdesym.solvers.jets import TIME
from pdesym.solvers.torch_function import torch_function

Value = int | float | str | Callable[[Tensor], Tensor | float]
"""A number; text in t and the coordinates, such as "sin(t)*y"; or a function of t, which is a float64 tensor `()` or
`(rows, 1 …)` that broadcasts against the boundary's points."""

HIGHEST_ORDER = 3


@dataclass(frozen=True)
class Condition:
    """∂ᵏu/∂nᵏ + ratio · u = value at one end of an axis, n the outward normal.

    Made by `Dirichlet`, `Neumann`, `Robin` and `Normal`. Several at one end are joined by `&`: a clamped beam is
    `Dirichlet(0) & Neumann(0)`.

    Attributes:
        order: k.
        ratio: 0 except for Robin conditions, in 1/length.
        value: right-hand side, already divided by the coefficient of the derivative.
        scale: what a text or a function is divided by.
    """

    order: int
    ratio: float
    value: Value
    scale: float = 1.0

    def __and__(self, other: "Condition | End") -> "End":
        return End((self,)) & other

    @property
    def is_zero(self) -> bool:
        """Whether the value is the number 0."""
        return isinstance(self.value, int | float) and self.value == 0

    @property
    def in_space(self) -> bool:
        """Whether the value can vary along the boundary."""
        if isinstance(self.value, str):
            expression = _parsed(self.value)
            return any(sympy.Symbol(name, real=True) in expression.free_symbols for name in AXES)
        return callable(self.value)

    @property
    def in_time(self) -> bool:
        """Whether the value can vary with time."""
        return callable(self.value) or (isinstance(self.value, str) and TIME in _parsed(self.value).free_symbols)

    def at(self, t: Tensor, positions: tuple[Tensor, ...]) -> Tensor:
        """The value at time t, which broadcasts against the positions of the boundary's points, divided by `scale`."""
        if isinstance(self.value, str):
            (result,) = _compiled(self.value, len(positions))(*positions, t)
        elif callable(self.value):
            result = self.value(t)
        else:
            result = self.value
        return torch.as_tensor(result, dtype=torch.float64, device=t.device) / self.scale


@dataclass(frozen=True)
class End:
    """The conditions at one end of an axis for one field, those of lower order first; none at an outflow."""

    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        orders = self.orders
        if len(set(orders)) != len(orders):
            raise ValueError(f"Conditions at one end must differ in order, got two of order {_repeated(orders)}.")
        if any(c.ratio for c in self.conditions) and 0 in orders:
            raise ValueError("A Robin condition cannot stand beside a Dirichlet condition: the value is then known.")
        object.__setattr__(self, "conditions", tuple(sorted(self.conditions, key=lambda c: c.order)))

    @property
    def orders(self) -> tuple[int, ...]:
        """The orders of the conditions."""
        return tuple(condition.order for condition in self.conditions)

    def __and__(self, other: "Condition | End") -> "End":
        return End(self.conditions + (other.conditions if isinstance(other, End) else (other,)))


def Dirichlet(value: Value = 0.0) -> Condition:
    """u = value."""
    return Condition(0, 0.0, _checked(value))


def Neumann(value: Value = 0.0) -> Condition:
    """∂u/∂n = value, with the outward normal: at the left end ∂u/∂n = −∂u/∂x."""
    return Condition(1, 0.0, _checked(value))


def Robin(a: int | float, b: int | float, value: Value = 0.0) -> Condition:
    """a u + b ∂u/∂n = value, b ≠ 0, with the outward normal.

    Raises:
        ValueError: for coefficients that are not finite, or b = 0.
    """
    a, b = _finite(a, "a"), _finite(b, "b")
    if b == 0:
        raise ValueError("Robin needs b ≠ 0 in a u + b ∂u/∂n = value: without a derivative write Dirichlet(value/a).")
    return Condition(1, a / b, _checked(value), b)


def Normal(order: int, value: Value = 0.0) -> Condition:
    """∂ᵏu/∂nᵏ = value for k = `order`, with the outward normal: u_xx = 0 at a hinged end is `Normal(2)`.

    Raises:
        ValueError: unless 0 ≤ order ≤ 3.
    """
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= HIGHEST_ORDER:
        raise ValueError(f"Normal takes a derivative of order 0 to {HIGHEST_ORDER}, got {order!r}.")
    return Condition(order, 0.0, _checked(value))


Outflow = End()
"""No condition: the end at which everything leaves."""


def _repeated(orders: tuple[int, ...]) -> int:
    return next(k for k in orders if orders.count(k) > 1)


def _finite(number: object, name: str) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError(f"The coefficient {name} of a Robin condition must be a finite number, got {number!r}.")
    return float(number)


def _checked(value: object) -> Value:
    if isinstance(value, str):
        _parsed(value)
        return value
    if callable(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(
            f"The value of a boundary condition must be a finite number, text in t such as 'sin(t)', or a function of "
            f"t, got {value!r}."
        )
    return float(value)


def _symbols(dims: int) -> list[sympy.Symbol]:
    return [sympy.Symbol(name, real=True) for name in AXES[:dims]]


@lru_cache(maxsize=256)
def _parsed(text: str) -> sympy.Expr:
    names = {symbol.name: symbol for symbol in _symbols(len(AXES))} | {"t": TIME} | CONSTANTS
    return parse_expression(text, names, ELEMENTARY)


@lru_cache(maxsize=256)
def _compiled(text: str, dims: int) -> Callable[..., list[Tensor | float]]:
    expression = _parsed(text)
    missing = [name for name in AXES[dims:] if sympy.Symbol(name, real=True) in expression.free_symbols]
    if missing:
        raise ValueError(f"The boundary value {text!r} uses {missing[0]!r}, which a grid of {dims} axes does not have.")
    return torch_function([*_symbols(dims), TIME], [expression])
