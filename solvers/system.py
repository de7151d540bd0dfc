"""An equation on a grid, in Fourier space: v' = L v + N(v, t)."""

import copy
import math
from collections.abc import Sequence

import sympy
import torch
from torch import Tensor

from pdesym.solvers.compiled import by_function_of_time, compile_equation
from pdesym.solvers.equation import Equation, Linear, parameter_symbols
from pdesym.solvers.grid import Grid
from pdesym.solvers.jets import TIME
from pdesym.solvers.spectral import derivative_symbol, integer_wavenumbers, inverse_transform, nyquist_mask
from pdesym.solvers.spectrum import padded_points, resize, row_norm
from pdesym.solvers.torch_function import torch_function


class SpectralSystem:
    """The Galerkin form of an equation on the modes |m| < N/2 of a grid, in float64.

    `symbol` is L, N(v, t) is everything else; `diagonal` says that L does not couple the fields, `explicit_time` that N
    depends on t, and `explicit_linear` that derivatives with coefficients of t do: then `frozen_at` moves them to L.

    Spectra are normalised so that they do not depend on the number of points (`norm="forward"`), and are shaped
    `(rows, fields, *modes)`; tangents `(rows, tangents, fields, *modes)`.

    Args:
        equation: what to solve.
        grid: where.
        padded: evaluate products on a finer grid, so that no alias of them falls on a resolved mode (the 3/2 rule for
            a quadratic nonlinearity). Needed only when the spectrum of the solution reaches the end of the grid.
        device: where the tensors live.
        stretch: factors `(rows,)` or `(rows, dims)` by which the box of each sample is longer than that of the grid:
            x runs over [0, stretch·L), and ∂ⁿ has the symbol (ik/stretch)ⁿ. Derivatives with respect to it, and to
            parameters that are tensors, pass through everything that the system computes.

    Raises:
        ValueError: for a stretch of another shape, or one that is not positive.
    """

    def __init__(
        self,
        equation: Equation,
        grid: Grid,
        padded: bool = False,
        device: torch.device | None = None,
        *,
        stretch: Tensor | None = None,
    ):
        self.equation, self.grid, self.padded, self.device = equation, grid, padded, device
        self.stretch = None if stretch is None else _factors(stretch.to(device=device, dtype=torch.float64), grid.dims)
        self._compiled = compiled = compile_equation(equation, grid.dims)
        self.explicit_time = compiled.explicit_time
        self._axes = tuple(range(-grid.dims, 0))
        symbols = parameter_symbols(tuple(sorted(equation.parameters)))
        self._parameters = {symbol: self._as_rows(equation.parameters[name]) for name, symbol in symbols.items()}
        mask = nyquist_mask(grid, device)
        both = (compiled.linear, compiled.explicit_linear)
        self.diagonal = not any(
            op for linear in both for a, row in enumerate(linear) for b, op in enumerate(row) if a != b
        )
        self._mask = mask if self.diagonal else mask[..., None, None]
        self.symbol = self._linear_symbol(compiled.linear) * self._mask
        orders = [orders for row in compiled.explicit_linear for op in row for orders in op]
        self.explicit_linear = any(any(each) for each in orders)
        moving = by_function_of_time(compiled.explicit_linear)
        self._moving = [self._linear_symbol(operators) * self._mask for operators in moving.values()]
        self._speeds = torch_function([TIME, *self._parameters], list(moving))
        self._frozen: list[Tensor] | None = None
        self._jet_symbols = [self._derivative(jet.orders) for jet in compiled.jets]
        self._multipliers = [
            self._value(product.coefficient) * (self._derivative(product.orders) * mask)
            for product in compiled.products
        ]
        self.product_points = padded_points(grid.points, compiled.degree) if padded else grid.points
        self._positions = self._coordinates(self.product_points)

    @property
    def per_sample(self) -> bool:
        """Whether some parameter, or the length of the box, has a value for each sample."""
        return self.stretch is not None or any(value.ndim for value in self._parameters.values())

    def select(self, rows: Tensor) -> "SpectralSystem":
        """The same system for some of the samples."""
        if not self.per_sample and self._frozen is None:
            return self
        selected = copy.copy(self)
        selected._parameters = {s: value[rows] if value.ndim else value for s, value in self._parameters.items()}
        selected.stretch = None if self.stretch is None else self.stretch[rows]
        selected.symbol = self.symbol[rows] if self.symbol.shape[0] > 1 else self.symbol
        selected._moving = [each[rows] if each.shape[0] > 1 else each for each in self._moving]
        if self._frozen is not None:
            selected._frozen = [each[rows] if each.ndim else each for each in self._frozen]
        for name in ("_jet_symbols", "_multipliers", "_positions"):
            tensors = getattr(self, name)
            setattr(selected, name, [each[rows] if each.ndim > self.grid.dims else each for each in tensors])
        return selected

    def frozen_at(self, times: Tensor) -> "SpectralSystem":
        """The same equation, split otherwise: what is linear with coefficients of t is in `symbol`, at `times`.

        The symbol is then L + L'(times) and N is what is left, N(v, t) + (L'(t) − L'(times)) v, small near `times`: a
        step from there is as stable as where nothing depends on t.

        Args:
            times: `(rows,)`, one for each sample, or `()`.
        """
        if not self._moving:
            return self
        frozen = copy.copy(self)
        frozen._frozen = self._speeds_at(times)
        base = self.symbol if self._frozen is None else self.symbol - self._moved(self._frozen)
        frozen.symbol = base + self._moved(frozen._frozen)
        return frozen

    def _speeds_at(self, times: Tensor) -> list[Tensor]:
        """The functions of time before the operators of L'(t), each `()` or `(rows,)`."""
        flat = (value.flatten() if value.ndim else value for value in self._parameters.values())
        return [torch.as_tensor(g, dtype=torch.float64, device=self.device) for g in self._speeds(times, *flat)]

    def _moved(self, speeds: Sequence[Tensor]) -> Tensor:
        """Σ g_j · (operator of g_j), shaped like the symbol."""
        terms = (g.reshape(-1, *(1,) * (each.ndim - 1)) * each for g, each in zip(speeds, self._moving, strict=True))
        return sum(terms, start=torch.zeros((), dtype=torch.complex128, device=self.device))

    def _left_over(self, t: Tensor) -> Tensor | None:
        """L'(t), less what is in the symbol; None where nothing linear depends on t."""
        if not self._moving:
            return None
        speeds = self._speeds_at(t)
        if self._frozen is not None:
            speeds = [now - then for now, then in zip(speeds, self._frozen, strict=True)]
        return self._moved(speeds)

    def _as_rows(self, value: float | Tensor) -> Tensor:
        tensor = torch.as_tensor(value, dtype=torch.float64, device=self.device)
        return tensor.reshape(-1, *(1,) * self.grid.dims) if tensor.ndim else tensor

    def _derivative(self, orders: Sequence[int]) -> Tensor:
        """The symbol of ∂^orders, `modes` or with a stretch `(rows, *modes)`; `()` for no derivative."""
        symbol = derivative_symbol(self.grid, orders, self.device)
        if self.stretch is None or not any(orders):
            return symbol
        powers = (factor**-order for factor, order in zip(self.stretch.unbind(1), orders, strict=True) if order)
        return symbol * math.prod(powers, start=torch.ones_like(self.stretch[:, 0])).reshape(-1, *(1,) * self.grid.dims)

    def _coordinates(self, points: Sequence[int]) -> list[Tensor]:
        """The coordinates on so many points, each shaped to broadcast over them, with a stretch `(rows, …)`."""
        dims = self.grid.dims
        result = []
        for axis, x in enumerate(self.grid.refined(points).coordinates(self.device)):
            along = x.reshape([-1 if i == axis else 1 for i in range(dims)])
            result.append(along if self.stretch is None else along * self.stretch[:, axis].reshape(-1, *(1,) * dims))
        return result

    def _value(self, coefficient: sympy.Expr) -> Tensor:
        """A coefficient of parameters and numbers, `()` or `(rows, 1 …)`."""
        (value,) = torch_function(list(self._parameters), [coefficient])(*self._parameters.values())
        return torch.as_tensor(value, dtype=torch.float64, device=self.device)

    def _linear_symbol(self, linear: Sequence[Sequence[Linear]]) -> Tensor:
        """L: `(rows | 1, fields, *modes)` when diagonal, else `(rows | 1, *modes, fields, fields)`, complex128."""
        modes = (*self.grid.points[:-1], self.grid.points[-1] // 2 + 1)
        zero = torch.zeros(1, *modes, dtype=torch.complex128, device=self.device)

        def entry(operator: Linear) -> Tensor:
            result = zero
            for orders, coefficient in operator.items():
                result = result + self._value(coefficient) * self._derivative(orders)
            return result

        if self.diagonal:
            return torch.stack(torch.broadcast_tensors(*(entry(row[a]) for a, row in enumerate(linear))), dim=1)
        entries = torch.broadcast_tensors(*(entry(operator) for row in linear for operator in row))
        matrix: Tensor = torch.stack(entries, dim=-1).unflatten(-1, (len(linear), len(linear)))
        return matrix

    def to_spectrum(self, u: Tensor) -> Tensor:
        """Spectrum of real fields on this grid, Nyquist modes removed."""
        spectrum: Tensor = torch.fft.rfftn(u.to(torch.float64), dim=self._axes, norm="forward")
        return spectrum * nyquist_mask(self.grid, self.device)

    def to_field(self, v: Tensor) -> Tensor:
        """Real fields of spectra on this grid."""
        return inverse_transform(v, self.grid.points, norm="forward")

    def _physical_jets(self, v: Tensor) -> list[Tensor]:
        """The jets that the products need, on the points where products are taken."""
        result = []
        for jet, symbol in zip(self._compiled.jets, self._jet_symbols, strict=True):
            spectrum = v.select(-1 - self.grid.dims, jet.field)
            if jet.order:
                spectrum = spectrum * (symbol.unsqueeze(1) if spectrum.ndim > symbol.ndim > self.grid.dims else symbol)
            if self.padded:
                spectrum = resize(spectrum, self.grid.points, self.product_points)
            result.append(inverse_transform(spectrum, self.product_points, norm="forward"))
        return result

    def _from_products(self, products: Sequence[Tensor | float | int], like: Tensor) -> Tensor:
        """Σ coefficient (ik)^orders F̂ for every field, from the products F in physical space."""
        field_axis = -1 - self.grid.dims
        shape = (*like.shape[:field_axis], *self.product_points)
        rows: list[Tensor | None] = [None] * len(self.equation.fields)
        for product, values, multiplier in zip(self._compiled.products, products, self._multipliers, strict=True):
            if not isinstance(values, Tensor) or values.shape != shape:
                values = torch.as_tensor(values, dtype=torch.float64, device=like.device).expand(shape)
            spectrum = torch.fft.rfftn(values, dim=self._axes, norm="forward")
            if self.padded:
                spectrum = resize(spectrum, self.product_points, self.grid.points)
            if spectrum.ndim > multiplier.ndim > self.grid.dims:
                multiplier = multiplier.unsqueeze(1)
            term = spectrum * multiplier
            previous = rows[product.field]
            rows[product.field] = term if previous is None else previous + term
        result = [torch.zeros_like(like.select(field_axis, 0)) if row is None else row for row in rows]
        return result[0].unsqueeze(field_axis) if len(result) == 1 else torch.stack(result, dim=field_axis)

    def aliasing(self, v: Tensor, t: Tensor) -> Tensor:
        """How far the products with functions of x differ from those on a finer grid, for each row, relative to them.

        They are taken with the longest waves of v alone, whose products among themselves every grid resolves.
        """
        if not self._compiled.explicit_space:
            return torch.zeros(v.shape[0], dtype=torch.float64, device=v.device)
        waves = v.clone()
        for modes in integer_wavenumbers(self.grid, self.device):
            waves = waves * (modes.abs() <= 2)
        finer = copy.copy(self)
        finer.padded, finer.product_points = True, padded_points(self.product_points, 2)
        finer._positions = self._coordinates(finer.product_points)
        faithful = finer.nonlinear(waves, t)
        return row_norm(self.nonlinear(waves, t) - faithful) / row_norm(faithful).clamp_min(1e-300)

    def _arguments(self, v: Tensor, t: Tensor) -> list[Tensor]:
        time = t.reshape(-1, *(1,) * self.grid.dims) if t.ndim else t
        return [*self._physical_jets(v), *self._positions, time, *self._parameters.values()]

    def nonlinear(self, v: Tensor, t: Tensor) -> Tensor:
        """N(v, t): everything that is not in `symbol`. `t` is `()` or `(rows,)`."""
        result = self._from_products(self._compiled.flux(*self._arguments(v, t)), v)
        moved = self._left_over(t)
        return result if moved is None else self.add(result, moved, v)

    def linearised(self, v: Tensor, t: Tensor) -> tuple[Tensor, "Linearisation"]:
        """N(v, t), and its derivative there as an operator on tangents."""
        arguments = self._arguments(v, t)
        slopes, moved = self._compiled.slopes(*arguments), self._left_over(t)
        value = self._from_products(self._compiled.flux(*arguments), v)
        return value if moved is None else self.add(value, moved, v), Linearisation(self, slopes, moved)

    def apply(self, coefficient: Tensor, v: Tensor) -> Tensor:
        """A coefficient shaped like L, `(rows | 1, …)`, times a state or a tangent."""
        tangent = v.ndim == self.grid.dims + 3
        if self.diagonal:
            return (coefficient.unsqueeze(1) if tangent else coefficient) * v
        equation = "r...ab,rkb...->rka..." if tangent else "r...ab,rb...->ra..."
        return torch.einsum(equation, coefficient.expand(v.shape[0], *coefficient.shape[1:]), v)

    def add(self, base: Tensor | None, coefficient: Tensor, v: Tensor) -> Tensor:
        """base + coefficient · v, in one pass over memory where fields are uncoupled."""
        if base is None:
            return self.apply(coefficient, v)
        if not self.diagonal:
            return base + self.apply(coefficient, v)
        return torch.addcmul(base, coefficient.unsqueeze(1) if v.ndim == self.grid.dims + 3 else coefficient, v)

    def rhs(self, v: Tensor, t: Tensor) -> Tensor:
        """L v + N(v, t)."""
        return self.apply(self.symbol, v) + self.nonlinear(v, t)


def _factors(stretch: Tensor, dims: int) -> Tensor:
    """The stretch of each sample along each axis, `(rows, dims)`, checked."""
    if stretch.ndim not in (1, 2) or (stretch.ndim == 2 and stretch.shape[1] != dims):
        raise ValueError(f"Expected a stretch of shape (rows,) or (rows, {dims}), got {tuple(stretch.shape)}.")
    if not (stretch > 0).all():
        raise ValueError(f"A stretch must be positive, got {stretch.min().item():g}.")
    return stretch if stretch.ndim == 2 else stretch.unsqueeze(1).expand(-1, dims)


class Linearisation:
    """The derivative N'(v, t) as an operator on tangents `(rows, tangents, fields, *modes)`."""

    def __init__(self, system: SpectralSystem, slopes: Sequence[Tensor | float | int], moved: Tensor | None):
        self._system, self._moved = system, moved
        dims = system.grid.dims
        # Slopes with rows get the axis of the tangents behind it.
        self._slopes = [s.unsqueeze(1) if isinstance(s, Tensor) and s.ndim > dims else s for s in slopes]

    def __call__(self, w: Tensor) -> Tensor:
        """N'(v, t)·w."""
        jets = self._system._physical_jets(w)
        slopes = iter(self._slopes)
        products: list[Tensor | float] = []
        for row in self._system._compiled.slope_jets:
            product: Tensor | float = 0.0
            for j in row:
                product = product + next(slopes) * jets[j]
            products.append(product)
        result = self._system._from_products(products, w)
        return result if self._moved is None else self._system.add(result, self._moved, w)
