"""Fourier symbols of an equation's operators on a grid."""

import copy
import math
from collections.abc import Sequence

import sympy
import torch
from torch import Tensor

from pdesym.solvers.auxiliary import auxiliary_multipliers, on_evolving
from pdesym.solvers.declaration import Constraint, parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.jets import Jet, Linear
from pdesym.solvers.spectral import derivative_symbol, integer_wavenumbers, nyquist_mask
from pdesym.solvers.torch_function import torch_function

# A symbol that is this much smaller than the sum of its terms vanishes.
_VANISHES = 1e-12


class Symbols:
    """The symbols of derivatives, coefficients and relations, with a row for each sample where samples differ.

    Args:
        equation: whose parameters the coefficients contain.
        grid: on whose modes.
        device: where the tensors live.
        stretch: factors `(rows,)` or `(rows, dims)` by which the box of each sample is longer than that of the grid.

    Raises:
        ValueError: for a stretch of another shape, or one that is not positive; for a relation whose operator vanishes
            at another wavenumber than 0.
    """

    def __init__(self, equation: Equation, grid: Grid, device: torch.device | None, stretch: Tensor | None):
        self.equation, self.grid, self.device = equation, grid, device
        self.stretch = None if stretch is None else _factors(stretch.to(device=device, dtype=torch.float64), grid.dims)
        names = parameter_symbols(equation.declaration.parameters)
        self.parameters = {symbol: self._as_rows(equation.parameters[name]) for name, symbol in names.items()}
        self.mask = nyquist_mask(grid, device)
        self.fields = len(equation.fields)
        self._auxiliaries = auxiliary_multipliers(
            equation.constraints(grid.dims), self.fields, self.operator, self._inverse
        )

    @property
    def per_sample(self) -> bool:
        """Whether some parameter, or the length of the box, has a value for each sample."""
        return self.stretch is not None or any(value.ndim for value in self.parameters.values())

    def select(self, rows: Tensor) -> "Symbols":
        """The same for some of the samples."""
        selected = copy.copy(self)
        selected.parameters = {s: value[rows] if value.ndim else value for s, value in self.parameters.items()}
        selected.stretch = None if self.stretch is None else self.stretch[rows]
        selected._auxiliaries = [
            {base: rows_of(each, rows, self.grid.dims) for base, each in multipliers.items()}
            for multipliers in self._auxiliaries
        ]
        return selected

    def _as_rows(self, value: float | Tensor) -> Tensor:
        tensor = torch.as_tensor(value, dtype=torch.float64, device=self.device)
        return tensor.reshape(-1, *(1,) * self.grid.dims) if tensor.ndim else tensor

    def coordinates(self, points: Sequence[int]) -> list[Tensor]:
        """The coordinates on so many points, each shaped to broadcast over them, with a stretch `(rows, …)`."""
        dims = self.grid.dims
        result = []
        for axis, x in enumerate(self.grid.refined(points).coordinates(self.device)):
            along = x.reshape([-1 if i == axis else 1 for i in range(dims)])
            result.append(along if self.stretch is None else along * self.stretch[:, axis].reshape(-1, *(1,) * dims))
        return result

    def value(self, coefficient: sympy.Expr) -> Tensor:
        """A coefficient of parameters and numbers, `()` or `(rows, 1 …)`."""
        (value,) = torch_function(list(self.parameters), [coefficient])(*self.parameters.values())
        return torch.as_tensor(value, dtype=torch.float64, device=self.device)

    def derivative(self, orders: Sequence[int]) -> Tensor:
        """The symbol of ∂^orders, `modes` or with a stretch `(rows, *modes)`; `()` for no derivative."""
        symbol = derivative_symbol(self.grid, orders, self.device)
        if self.stretch is None or not any(orders):
            return symbol
        powers = (factor**-order for factor, order in zip(self.stretch.unbind(1), orders, strict=True) if order)
        return symbol * math.prod(powers, start=torch.ones_like(self.stretch[:, 0])).reshape(-1, *(1,) * self.grid.dims)

    def operator(self, operator: Linear) -> Tensor:
        """The symbol of an operator, `modes` or `(rows, *modes)`."""
        result = torch.zeros(self.mask.shape, dtype=torch.complex128, device=self.device)
        for orders, coefficient in operator.items():
            result = result + self.value(coefficient) * self.derivative(orders)
        return result

    def _inverse(self, constraint: Constraint) -> Tensor:
        """1/A of a relation on the modes of the grid, 0 at wavenumber 0 where A vanishes there."""
        symbol = self.operator(constraint.operator)
        with torch.no_grad():
            size = sum(
                ((self.value(c) * self.derivative(orders)).abs() for orders, c in constraint.operator.items()),
                start=torch.zeros(self.mask.shape, dtype=torch.float64, device=self.device),
            )
            vanishes = (symbol.abs() <= _VANISHES * size) | (self.mask == 0)
            modes = torch.broadcast_tensors(*integer_wavenumbers(self.grid, self.device))
            elsewhere = vanishes & (self.mask > 0) & (sum(m.abs() for m in modes) > 0)
            if elsewhere.any():
                index = tuple(elsewhere.nonzero()[0, -self.grid.dims :].tolist())
                where = ", ".join(f"{int(m[index])}" for m in modes)
                number = constraint.field - self.fields
                line, name = self.equation.where[number], self.equation.auxiliaries[number]
                raise ValueError(
                    f"The relation {line!r} does not define {name} on this grid: its operator vanishes on waves with "
                    f"({where}) periods in the box; change a sign, a parameter, or the length."
                )
        return torch.where(vanishes, 0.0, 1 / torch.where(vanishes, 1.0, symbol))

    def jet(self, jet: Jet) -> list[tuple[int, Tensor | None]]:
        """A jet as a sum of multiplied evolving fields: (field, multiplier), None for 1."""
        derivative = self.derivative(jet.orders) if jet.order else None
        result: list[tuple[int, Tensor | None]] = []
        for base, multiplier in on_evolving(jet.field, self.fields, self._auxiliaries).items():
            if multiplier is not None and derivative is not None:
                multiplier = multiplier * derivative
            result.append((base, derivative if multiplier is None else multiplier))
        return result

    def applied(self, jet: Jet, spectra: Tensor) -> Tensor:
        """The spectrum of a jet from those of the evolving fields, `(…, fields, *modes)` with the samples first."""
        dims = self.grid.dims
        total: Tensor | None = None
        for base, multiplier in self.jet(jet):
            term = spectra.select(-1 - dims, base)
            if multiplier is not None and multiplier.ndim > dims:
                multiplier = multiplier.reshape(-1, *(1,) * (term.ndim - dims - 1), *multiplier.shape[1:])
            if multiplier is not None:
                term = term * multiplier
            total = term if total is None else total + term
        assert total is not None, "a jet is made of at least one field"
        return total

    def is_diagonal(self, linear: Sequence[Sequence[Linear]]) -> bool:
        """Whether a linear part couples no two evolving fields."""
        return all(
            set(on_evolving(b, self.fields, self._auxiliaries)) <= {a}
            for a, row in enumerate(linear)
            for b, operator in enumerate(row)
            if operator
        )

    def matrix(self, linear: Sequence[Sequence[Linear]], diagonal: bool) -> Tensor:
        """A linear part by evolving fields, auxiliary ones eliminated, Nyquist modes removed.

        `(rows | 1, fields, *modes)` when diagonal, else `(rows | 1, *modes, fields, fields)`, complex128.
        """
        zero = torch.zeros(1, *self.mask.shape, dtype=torch.complex128, device=self.device)
        entries = [[zero for _ in range(self.fields)] for _ in range(self.fields)]
        for a, row in enumerate(linear):
            for b, operator in enumerate(row):
                if not operator:
                    continue
                symbol = self.operator(operator) * self.mask
                for base, multiplier in on_evolving(b, self.fields, self._auxiliaries).items():
                    entries[a][base] = entries[a][base] + (symbol if multiplier is None else symbol * multiplier)
        if diagonal:
            return torch.stack(torch.broadcast_tensors(*(entries[a][a] for a in range(self.fields))), dim=1)
        flat = torch.broadcast_tensors(*(entry for row in entries for entry in row))
        matrix: Tensor = torch.stack(flat, dim=-1).unflatten(-1, (self.fields, self.fields))
        return matrix


def rows_of(tensor: Tensor, rows: Tensor, dims: int) -> Tensor:
    """Some rows of a tensor over modes or points, which has rows only where samples differ."""
    return tensor[rows] if tensor.ndim > dims else tensor


def _factors(stretch: Tensor, dims: int) -> Tensor:
    """The stretch of each sample along each axis, `(rows, dims)`, checked."""
    if stretch.ndim not in (1, 2) or (stretch.ndim == 2 and stretch.shape[1] != dims):
        raise ValueError(f"Expected a stretch of shape (rows,) or (rows, {dims}), got {tuple(stretch.shape)}.")
    if not (stretch > 0).all():
        raise ValueError(f"A stretch must be positive, got {stretch.min().item():g}.")
    return stretch if stretch.ndim == 2 else stretch.unsqueeze(1).expand(-1, dims)
