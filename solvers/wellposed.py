"""Refusing equations whose linear part makes short waves grow without bound."""

import itertools

import torch
from torch import Tensor

from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.equation import Equation, parameter_symbols
from pdesym.solvers.torch_function import torch_function

_RADII = (1e6, 1e8, 1e10)
_POWERS_OF_I = (1, 1j, -1, -1j)


def refuse_ill_posed(equation: Equation, dims: int) -> None:
    """Raises ValueError when max Re λ(L(k)) grows without bound as |k| → ∞, as in the backward heat equation.

    Only the constant-coefficient linear part L is looked at; its growth at bounded k (as in Kuramoto-Sivashinsky) is
    no obstacle. λ is evaluated exactly enough at |k| = 1e6, 1e8, 1e10, along the axes and the diagonals.
    """
    growth = [_largest_growth(equation, dims, radius) for radius in _RADII]
    if growth[0] > 0 and all(later > 10 * earlier for earlier, later in itertools.pairwise(growth)):
        raise ValueError(
            f"The equation {'; '.join(equation.text)!r} is ill-posed forward in time: its linear part makes waves of "
            f"wavenumber k grow without bound as k grows (rate {growth[0]:.1e} at k = {_RADII[0]:.0e}); check the sign "
            "of its highest even derivative, or of the parameter before it."
        )


def _largest_growth(equation: Equation, dims: int, radius: float) -> float:
    """Largest real part of an eigenvalue of L over directions and samples; what round-off could make counts as 0."""
    compiled = compile_equation(equation, dims)
    names = tuple(sorted(equation.parameters))
    symbols = list(parameter_symbols(names).values())
    values = [torch.as_tensor(equation.parameters[name], dtype=torch.float64).reshape(-1) for name in names]
    largest = 0.0
    for direction in itertools.product((0.0, 1.0, -1.0), repeat=dims):
        if not any(direction):
            continue
        k = [radius * component for component in direction]

        def entry(operator: dict[tuple[int, ...], object], k: list[float] = k) -> Tensor:
            result = torch.zeros(1, dtype=torch.complex128)
            for orders, coefficient in operator.items():
                (value,) = torch_function(symbols, [coefficient])(*values)  # type: ignore[list-item]
                factor = _POWERS_OF_I[sum(orders) % 4]
                for component, order in zip(k, orders, strict=True):
                    factor *= component**order
                result = result + torch.as_tensor(value, dtype=torch.float64) * factor
            return result

        rows = torch.broadcast_tensors(*(entry(operator) for row in compiled.linear for operator in row))
        fields = len(compiled.linear)
        matrix = torch.stack(rows, dim=-1).unflatten(-1, (fields, fields))
        if fields == 1:
            largest = max(largest, matrix.real.max().item())
        else:
            growth = torch.linalg.eigvals(matrix).real.max().item()
            largest = max(largest, growth if growth > 1e-9 * matrix.abs().max().item() else 0.0)
    return largest
