"""Truncated Taylor series in space and time, with the arithmetic of the functions that they stand for."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Union

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.expression import ELEMENTARY
from pdesym.solvers.torch_function import torch_function

Index = tuple[int, ...]


@dataclass(frozen=True)
class Ring:
    """Taylor polynomials in x… and t up to a weight: x^j t^s counts |j| + s·(weight of t).

    Products leave out what is heavier, which is closed under every operation below.

    Attributes:
        dims: number of space axes.
        time_weight: weight of t. With the order of u_t = K, the series of u to weight w gives that of K to w − order.
        weight: largest weight that is kept.
    """

    dims: int
    time_weight: int
    weight: int
    indices: tuple[Index, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ranges = [range(self.weight + 1)] * self.dims + [range(self.weight // self.time_weight + 1)]
        kept = (index for index in itertools.product(*ranges) if self.weight_of(index) <= self.weight)
        object.__setattr__(self, "indices", tuple(sorted(kept, key=lambda index: (self.weight_of(index), index))))

    def weight_of(self, index: Index) -> int:
        """|j| + s · time_weight of x^j t^s."""
        return sum(index[:-1]) + self.time_weight * index[-1]

    def position(self, index: Index) -> int:
        """Where the coefficient of x^j t^s stands."""
        return _positions(self)[index]

    def constant(self, value: Float[Tensor, "..."]) -> "Series":
        """The series without higher terms."""
        padding = value.new_zeros(*value.shape, len(self.indices) - 1)
        return Series(self, torch.cat([value.unsqueeze(-1), padding], -1))

    def variable(self, value: Float[Tensor, "..."], axis: int) -> "Series":
        """The coordinate x_axis (t for axis = dims) around a value of it."""
        series = self.constant(value)
        unit = tuple(int(i == axis) for i in range(self.dims + 1))
        if unit in _positions(self):
            series.coefficients[..., self.position(unit)] = 1.0
        return series


Operand = Union["Series", Tensor, int, float]


@dataclass(frozen=True, eq=False)
class Series:
    """Σ c_{j,s} x^j t^s, truncated; many at once.

    Attributes:
        ring: what is kept.
        coefficients: `(..., terms)` in the order of `ring.indices`; derivatives are j! s! times these.
    """

    ring: Ring
    coefficients: Float[Tensor, "*batch terms"]

    @property
    def value(self) -> Float[Tensor, "..."]:
        """The value at the point."""
        return self.coefficients[..., 0]

    def derivative_at_point(self, index: Index) -> Float[Tensor, "..."]:
        """∂^j ∂_t^s at the point: the coefficient times j! s!."""
        return self.coefficients[..., self.ring.position(index)] * math.prod(map(math.factorial, index))

    def derivative(self, axis: int) -> "Series":
        """∂ along an axis (t for axis = dims). The terms whose origin was cut off are left at 0."""
        sources, targets, factors = _derivative_table(self.ring, axis)
        result = torch.zeros_like(self.coefficients)
        result[..., targets] = self.coefficients[..., sources] * factors
        return Series(self.ring, result)

    def to(self, ring: Ring) -> "Series":
        """The same series with fewer terms."""
        return Series(ring, self.coefficients[..., [self.ring.position(index) for index in ring.indices]])

    def __add__(self, other: Operand) -> "Series":
        if isinstance(other, Series):
            return Series(self.ring, self.coefficients + other.coefficients)
        shifted = self.coefficients.clone()
        shifted[..., 0] += other
        return Series(self.ring, shifted)

    def __mul__(self, other: Operand) -> "Series":
        if not isinstance(other, Series):
            factor = other.unsqueeze(-1) if isinstance(other, Tensor) else other
            return Series(self.ring, self.coefficients * factor)
        left, right, target = _product_table(self.ring)
        products = self.coefficients[..., left] * other.coefficients[..., right]
        result = products.new_zeros(*products.shape[:-1], len(self.ring.indices))
        return Series(self.ring, result.index_add_(-1, target, products))

    def __pow__(self, exponent: Operand) -> "Series":
        if isinstance(exponent, Series):
            return _composition("exp", exponent * _composition("log", self))
        if isinstance(exponent, int) and exponent >= 0:
            result = self.ring.constant(torch.ones_like(self.value))
            for _ in range(exponent):
                result = result * self
            return result
        power = float(exponent)
        factors = [math.prod((power - i) / (i + 1) for i in range(k)) for k in range(self._largest_power + 1)]
        return self._composed([factor * self.value ** (power - k) for k, factor in enumerate(factors)])

    def __rpow__(self, base: int | float) -> "Series":
        return _composition("exp", self * math.log(base))

    def __sub__(self, other: Operand) -> "Series":
        return self + (other * -1)

    def __rsub__(self, other: Operand) -> "Series":
        return self * -1 + other

    def __neg__(self) -> "Series":
        return self * -1

    def __truediv__(self, other: Operand) -> "Series":
        return self * (other**-1 if isinstance(other, Series) else 1 / other)

    def __rtruediv__(self, other: Operand) -> "Series":
        return self**-1 * other

    __radd__ = __add__
    __rmul__ = __mul__

    @property
    def _largest_power(self) -> int:
        """The largest power of a series without constant term that does not vanish."""
        return self.ring.weight

    def _composed(self, taylor: Sequence[Float[Tensor, "..."]]) -> "Series":
        """Σ g_k (self − value)^k by Horner's rule, with the Taylor coefficients g_k of a function at the value."""
        nilpotent = Series(
            self.ring, torch.cat([torch.zeros_like(self.value[..., None]), self.coefficients[..., 1:]], -1)
        )
        result = self.ring.constant(torch.as_tensor(taylor[-1], dtype=self.value.dtype).expand_as(self.value))
        for coefficient in reversed(taylor[:-1]):
            result = result * nilpotent + coefficient
        return result


def apply(name: str, series: Operand) -> Operand:
    """An elementary function of a series, or of a number."""
    if not isinstance(series, Series):
        (number,) = _taylor_coefficients(name, 0)(series)
        return number
    return _composition(name, series)


def _composition(name: str, series: Series) -> Series:
    taylor = _taylor_coefficients(name, series._largest_power)(series.value)
    return series._composed([torch.as_tensor(coefficient) for coefficient in taylor])


def series_function(
    arguments: Sequence[sympy.Symbol], expressions: Sequence[sympy.Expr]
) -> Callable[..., list[Operand]]:
    """One function of series that returns every expression; what depends on nothing comes back as a number."""
    return _series_function(tuple(arguments), tuple(expressions))


@lru_cache(maxsize=1024)
def _series_function(
    arguments: tuple[sympy.Symbol, ...], expressions: tuple[sympy.Expr, ...]
) -> Callable[..., list[Operand]]:
    namespace = {name: _named(name) for name in ELEMENTARY} | {"pi": math.pi, "E": math.e}
    function: Callable[..., list[Operand]] = sympy.lambdify(
        list(arguments), list(expressions), modules=[namespace], cse=True, dummify=True
    )
    return function


def _named(name: str) -> Callable[[Operand], Operand]:
    return lambda series: apply(name, series)


@lru_cache(maxsize=256)
def _taylor_coefficients(name: str, order: int) -> Callable[..., list[Tensor | float]]:
    z = sympy.Symbol("z", real=True)
    function = ELEMENTARY[name](z)
    return torch_function((z,), [sympy.diff(function, z, k) / math.factorial(k) for k in range(order + 1)])


@lru_cache(maxsize=256)
def _positions(ring: Ring) -> dict[Index, int]:
    return {index: position for position, index in enumerate(ring.indices)}


@lru_cache(maxsize=256)
def _product_table(ring: Ring) -> tuple[Tensor, Tensor, Tensor]:
    """All pairs of terms whose product is kept: positions of the two and of the product."""
    positions, rows = _positions(ring), []
    for (i, a), (j, b) in itertools.product(enumerate(ring.indices), repeat=2):
        target = positions.get(tuple(m + n for m, n in zip(a, b, strict=True)))
        if target is not None:
            rows.append((i, j, target))
    left, right, target_ = torch.tensor(rows).T
    return left, right, target_


@lru_cache(maxsize=256)
def _derivative_table(ring: Ring, axis: int) -> tuple[list[int], list[int], Tensor]:
    """Positions of the terms that contain the axis, of their derivatives, and the factors."""
    rows = [
        (source, ring.position(tuple(n - (i == axis) for i, n in enumerate(index))), float(index[axis]))
        for source, index in enumerate(ring.indices)
        if index[axis]
    ]
    return [r[0] for r in rows], [r[1] for r in rows], torch.tensor([r[2] for r in rows], dtype=torch.float64)
