"""Refusing equations whose linear part makes short waves grow without bound."""

import itertools
import math

import sympy
import torch
from torch import Tensor

from pdesym.solvers.auxiliary import auxiliary_multipliers, on_evolving
from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.declaration import Constraint, parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.jets import TIME, Linear
from pdesym.solvers.torch_function import torch_function

_RADII = (1e6, 1e8, 1e10)
# A hundredfold wavenumber multiplies the slowest unbounded growth of m coupled fields, |k|^(1/m), by 100^(1/m).
_RATIO = 3.0
# Directions of k are those of vectors with whole components up to this, by number of axes.
_COMPONENTS = {1: 1, 2: 6, 3: 2}
_TIMES = 33
_ZERO = sympy.Integer(0)
_POWERS_OF_I = (1, 1j, -1, -1j)


def refuse_ill_posed(equation: Equation, dims: int, span: tuple[float, float] = (0.0, 0.0)) -> None:
    """Raises ValueError when max Re λ(L(k)) grows without bound as |k| → ∞, as in the backward heat equation.

    Only the linear part L is looked at, its coefficients constant or functions of t; its growth at bounded k (as in
    Kuramoto-Sivashinsky) is no obstacle. λ is evaluated at |k| of about 1e6, 1e8 and 1e10, in many directions, and at
    33 equidistant times where L depends on t.

    Args:
        equation: what is to be solved.
        dims: on so many space axes.
        span: from the initial to the last time, in the equation's unit of time.
    """
    moving = any(operator for row in compile_equation(equation, dims).explicit_linear for operator in row)
    times = torch.linspace(*span, _TIMES if moving and span[0] < span[1] else 1, dtype=torch.float64)
    for time in times:
        growth = torch.stack([_growth(equation, dims, radius, time) for radius in _RADII])
        without_bound = (growth[2] > _RATIO * growth[1]) & (growth[1] >= _RATIO * growth[0])
        if without_bound.any():
            row = int(without_bound.nonzero()[0])
            sample = f" of sample {row}" if len(without_bound) > 1 else ""
            when = f" at t = {float(time):g}" if moving else ""
            raise ValueError(
                f"The equation {equation.statement!r} is ill-posed forward in time: its linear part{sample} makes "
                f"waves of wavenumber k grow without bound as k grows (rate {growth[2, row].item():.1e} at k = "
                f"{_RADII[2]:.0e}{when}); check the sign of its highest even derivative, or of the parameter before it."
            )


def _growth(equation: Equation, dims: int, radius: float, time: Tensor) -> Tensor:
    """Largest real part of an eigenvalue of L over directions, `(samples,)`; what round-off could make counts as 0."""
    compiled = compile_equation(equation, dims)
    linear = [
        [
            {n: constant.get(n, _ZERO) + moving.get(n, _ZERO) for n in constant | moving}
            for constant, moving in zip(*rows, strict=True)
        ]
        for rows in zip(compiled.linear, compiled.explicit_linear, strict=True)
    ]
    names = equation.declaration.parameters
    symbols = [TIME, *parameter_symbols(names).values()]
    numbers = [torch.as_tensor(equation.parameters[name], dtype=torch.float64) for name in names]
    values = [time, *(number.detach().cpu().reshape(1, -1) for number in numbers)]
    k = [radius * component for component in _directions(dims)]

    def terms(operator: Linear) -> list[Tensor]:
        result = []
        for orders, coefficient in operator.items():
            (value,) = torch_function(symbols, [coefficient])(*values)
            monomial = torch.ones_like(k[0])
            for component, order in zip(k, orders, strict=True):
                monomial = monomial * component**order
            result.append(torch.as_tensor(value, dtype=torch.float64) * monomial * _POWERS_OF_I[sum(orders) % 4])
        return result

    def total(operator: Linear) -> Tensor:
        return sum(terms(operator), start=torch.zeros(len(k[0]), 1, dtype=torch.complex128))

    def inverse(constraint: Constraint) -> Tensor:
        symbol = total(constraint.operator)
        return torch.where(symbol == 0, 0.0, 1 / torch.where(symbol == 0, 1.0, symbol))

    fields = range(len(linear))
    auxiliaries = auxiliary_multipliers(compiled.constraints, len(linear), total, inverse)
    entries: list[list[list[Tensor]]] = [[[] for _ in fields] for _ in fields]
    for a in fields:
        for b, operator in enumerate(linear[a]):
            for base, multiplier in on_evolving(b, len(linear), auxiliaries).items():
                entries[a][base] += [term if multiplier is None else term * multiplier for term in terms(operator)]
    zero = torch.zeros(len(k[0]), 1, dtype=torch.complex128)
    if not any(entries[a][b] for a in fields for b in fields if a != b):
        growth = [_without_round_off([zero.real, *(term.real for term in entries[a][a])]) for a in fields]
        return torch.stack(torch.broadcast_tensors(*growth)).amax(dim=(0, 1))
    flat = torch.broadcast_tensors(*(sum(entries[a][b], start=zero) for a in fields for b in fields))
    eigenvalues = torch.linalg.eigvals(torch.stack(flat, dim=-1).unflatten(-1, (len(linear), len(linear))))
    largest = eigenvalues.real.amax(-1)
    return torch.where(largest > 1e-7 * eigenvalues.abs().amax(-1), largest, 0.0).amax(0)


def _without_round_off(terms: list[Tensor]) -> Tensor:
    """The sum of the terms where it is positive by more than their rounding, else 0."""
    total, size = sum(terms, torch.zeros(1)), sum((term.abs() for term in terms), torch.zeros(1))
    return torch.where(total > 1e-12 * size, total, 0.0)


def _directions(dims: int) -> tuple[Tensor, ...]:
    """Components `(directions, 1)` of wavevectors of length about 1, one of each pair ±k."""
    most = _COMPONENTS[dims]
    vectors = [
        vector
        for vector in itertools.product(range(-most, most + 1), repeat=dims)
        if math.gcd(*vector) == 1 and vector > (0,) * dims
    ]
    return tuple(torch.tensor(vectors, dtype=torch.float64).unsqueeze(-1).unbind(1))
