"""An equation on a grid, in Fourier space: v' = L v + N(v, t)."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from pdesym.solvers.compiled import Product, by_function_of_time, compile_equation
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.jets import TIME
from pdesym.solvers.periodic import refuse_non_periodic
from pdesym.solvers.spectral import integer_wavenumbers, inverse_transform
from pdesym.solvers.spectrum import padded_points, row_norm
from pdesym.solvers.symbols import Symbols, rows_of
from pdesym.solvers.torch_function import torch_function
from pdesym.solvers.transforms import ProductTransforms

PRECISIONS = {"double": (torch.float64, torch.complex128), "mixed": (torch.float32, torch.complex64)}


def unknown_precision(precision: str) -> ValueError:
    """The error for a precision that is none of `PRECISIONS`."""
    return ValueError(f"Expected precision 'double' or 'mixed', got {precision!r}.")


class SpectralSystem:
    """The Galerkin form of an equation on the modes |m| < N/2 of a grid, in float64.

    `symbol` is L, N(v, t) is everything else; `diagonal` says that L does not couple the fields, `explicit_time` that N
    depends on t, `explicit_space` that it depends on x, and `explicit_linear` that derivatives with coefficients of t
    do: then `frozen_at` moves them to L.

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
        precision: "double", or "mixed": the jets, their products and all transforms of N in float32, state and linear
            part in float64. N then has a relative error of about 1e-7, which the solution inherits.

    Raises:
        ValueError: for an unknown precision; for a stretch of another shape, or one that is not positive; for functions
            of x without the period of the grid; for a relation that does not define its auxiliary field on this grid.
    """

    def __init__(
        self,
        equation: Equation,
        grid: Grid,
        padded: bool = False,
        device: torch.device | None = None,
        *,
        stretch: Tensor | None = None,
        precision: str = "double",
    ):
        if precision not in PRECISIONS:
            raise unknown_precision(precision)
        self.equation, self.grid, self.padded, self.device = equation, grid, padded, device
        self._symbols = symbols = Symbols(equation, grid, device, stretch)
        self._compiled = compiled = compile_equation(equation, grid.dims)
        refuse_non_periodic(compiled, symbols)
        self.explicit_time, self.explicit_space = compiled.explicit_time, compiled.explicit_space
        self.diagonal = symbols.is_diagonal(compiled.linear) and symbols.is_diagonal(compiled.explicit_linear)
        self.symbol = symbols.matrix(compiled.linear, self.diagonal)
        self.explicit_linear = any(
            any(orders) or b >= len(equation.fields)
            for row in compiled.explicit_linear
            for b, operator in enumerate(row)
            for orders in operator
        )
        moving = by_function_of_time(compiled.explicit_linear)
        self._moving = [symbols.matrix(operators, self.diagonal) for operators in moving.values()]
        self._speeds = torch_function([TIME, *symbols.parameters], list(moving))
        self._frozen: list[Tensor] | None = None
        self._real, self._complex = PRECISIONS[precision]
        self._jets = [
            [(base, None if factor is None else self._multiplier(factor)) for base, factor in sources]
            for sources in map(symbols.jet, compiled.jets)
        ]
        self._multipliers = [
            {field: self._multiplier(multiplier) for field, multiplier in by_field.items()}
            for by_field in (_by_field(product, symbols) for product in compiled.products)
        ]
        self._take_products_on(padded_points(grid.points, compiled.degree) if padded else grid.points)

    def _take_products_on(self, points: Sequence[int]) -> None:
        """Everything that depends on the points where products are taken."""
        self.product_points = tuple(points)
        self._transforms = ProductTransforms(self.grid, points)
        positions = self._symbols.coordinates(points)
        self._constant = self._transformed_constants(positions)
        # Numbers with rows must not raise products to their own precision.
        self._positions = [self._beside_fields(each.to(self._real)) for each in positions]
        alone = len(self._multipliers) == len(self.equation.fields) == 1 and self._compiled.quadratics is not None
        self.outer = self._multipliers[0][0] if alone and self._constant is None and not self._moving else None
        if self.outer is not None and self.outer.ndim == self.grid.dims:
            self.outer = self.outer.reshape(1, 1, *self.outer.shape)
        self._values = [self._beside_fields(each.to(self._real)) for each in self._symbols.parameters.values()]

    def _multiplier(self, symbol: Tensor) -> Tensor:
        """A symbol over all modes, in the precision of the products."""
        every = symbol.to(self._complex).expand(*symbol.shape[: -self.grid.dims], *self._symbols.mask.shape)
        return self._beside_fields(every.contiguous())

    def _beside_fields(self, tensor: Tensor) -> Tensor:
        """A tensor with rows gets the axis of the fields, which jets and products keep, behind them."""
        return tensor.unsqueeze(1) if tensor.ndim > self.grid.dims else tensor

    def _transformed_constants(self, positions: Sequence[Tensor]) -> Tensor | None:
        """The spectra of what depends on x alone, `(rows | 1, fields, *modes)`; None where nothing does."""
        if all(constant == 0 for constant in self._compiled.constants):
            return None
        values = self._compiled.constant(*positions, *self._symbols.parameters.values())
        shape = torch.empty(0, *self.product_points).shape[1:]
        dense = [torch.as_tensor(each, dtype=torch.float64, device=self.device) for each in values]
        dense = [each.expand(*each.shape[: max(0, each.ndim - self.grid.dims)] or (1,), *shape) for each in dense]
        spectra = [self._transforms.to_modes(each) * self._symbols.mask for each in dense]
        return torch.stack(torch.broadcast_tensors(*spectra), dim=1)

    @property
    def stretch(self) -> Tensor | None:
        """By how much the box of each sample is longer than that of the grid, `(rows, dims)`."""
        return self._symbols.stretch

    @property
    def jet_sources(self) -> Sequence[Sequence[tuple[int, Tensor | None]]]:
        """For each jet the evolving fields whose sum it is, with the multipliers `(…, *modes)` of their spectra."""
        return self._jets

    @property
    def product_uses(self) -> Sequence[dict[int, Tensor]]:
        """For each product the multipliers with which its spectrum enters the equations, by field."""
        return self._multipliers

    @property
    def constant_spectra(self) -> Tensor | None:
        """The part of N that depends on x alone, `(rows | 1, fields, *modes)`."""
        return self._constant

    @property
    def per_sample(self) -> bool:
        """Whether some parameter, or the length of the box, has a value for each sample."""
        return self._symbols.per_sample

    def select(self, rows: Tensor) -> "SpectralSystem":
        """The same system for some of the samples."""
        if not self.per_sample and self._frozen is None:
            return self
        dims = self.grid.dims
        selected = copy.copy(self)
        selected._symbols = self._symbols.select(rows)
        selected.symbol = self.symbol[rows] if self.symbol.shape[0] > 1 else self.symbol
        selected._moving = [each[rows] if each.shape[0] > 1 else each for each in self._moving]
        if self._frozen is not None:
            selected._frozen = [each[rows] if each.ndim else each for each in self._frozen]
        if self._constant is not None and self._constant.shape[0] > 1:
            selected._constant = self._constant[rows]
        selected._jets = [
            [(base, None if factor is None else rows_of(factor, rows, dims)) for base, factor in jet]
            for jet in self._jets
        ]
        selected._multipliers = [{a: rows_of(m, rows, dims) for a, m in each.items()} for each in self._multipliers]
        selected._positions = [rows_of(each, rows, dims) for each in self._positions]
        if self.outer is not None and self.outer.shape[0] > 1:
            selected.outer = self.outer[rows]
        selected._values = [each[rows] if each.ndim else each for each in self._values]
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
        flat = (value.flatten() if value.ndim else value for value in self._symbols.parameters.values())
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

    def to_spectrum(self, u: Tensor) -> Tensor:
        """Spectrum of real fields on this grid, Nyquist modes removed."""
        axes = tuple(range(-self.grid.dims, 0))
        spectrum: Tensor = torch.fft.rfftn(u.to(torch.float64), dim=axes, norm="forward")
        return spectrum * self._symbols.mask

    def to_field(self, v: Tensor) -> Tensor:
        """Real fields of spectra on this grid."""
        return inverse_transform(v, self.grid.points, norm="forward")

    def _physical_jets(self, v: Tensor) -> list[Tensor]:
        """The jets that the products need, `(…, 1, *points)`, on the points where products are taken."""
        axis = -1 - self.grid.dims
        if v.dtype != self._complex:
            v = v.to(self._complex)
        fields = (v,) if v.shape[axis] == 1 else v.split(1, dim=axis)
        return [
            self._transforms.to_values(
                [
                    (fields[base], None if factor is None else self._over_tangents(factor, fields[base]))
                    for base, factor in sources
                ]
            )
            for sources in self._jets
        ]

    def _over_tangents(self, factor: Tensor, spectrum: Tensor) -> Tensor:
        """A multiplier with rows gets the axis of the tangents behind them."""
        return factor.unsqueeze(1) if spectrum.ndim > factor.ndim > self.grid.dims else factor

    def _products(self, v: Tensor, t: Tensor) -> tuple[Sequence[Tensor | float], list[Tensor]]:
        """The products F in physical space, and the arguments of which they are functions."""
        jets = self._physical_jets(v)
        if self._compiled.quadratics is not None and not torch.is_grad_enabled():
            return [form(jets) for form in self._compiled.quadratics], jets
        arguments = [*jets, *self._positions, self._time(t), *self._values]
        return self._compiled.flux(*arguments), jets

    def _time(self, t: Tensor) -> Tensor:
        return t.to(self._real).reshape(-1, *(1,) * (self.grid.dims + 1)) if t.ndim else t

    def _from_products(self, products: Sequence[Tensor | float], like: Tensor) -> Tensor:
        """Σ coefficient (ik)^orders F̂ for every field, from the products F in physical space."""
        axis = -1 - self.grid.dims
        shape = (*like.shape[:axis], 1, *self.product_points)
        dense = [
            values
            if isinstance(values, Tensor) and values.shape == shape
            else torch.as_tensor(values, dtype=self._real, device=like.device).expand(shape)
            for values in products
        ]
        if torch.is_grad_enabled():
            return self._from_products_anew(dense, like)
        result = torch.empty(like.shape, dtype=self._complex, device=like.device)
        fields = (result,) if like.shape[axis] == 1 else result.split(1, dim=axis)
        written = [False] * len(fields)
        for values, multipliers in zip(dense, self._multipliers, strict=True):
            targets = []
            for field, multiplier in multipliers.items():
                targets.append((fields[field], self._over_tangents(multiplier, result), written[field]))
                written[field] = True
            self._transforms.add_modes(values, targets)
        for row, done in zip(fields, written, strict=True):
            if not done:
                row.zero_()
        return result.to(torch.complex128)

    def _from_products_anew(self, products: Sequence[Tensor], like: Tensor) -> Tensor:
        """The same without writing to memory twice, which autograd needs."""
        axis = -1 - self.grid.dims
        rows: list[Tensor | None] = [None] * len(self.equation.fields)
        for values, multipliers in zip(products, self._multipliers, strict=True):
            spectrum = self._transforms.to_modes(values)
            for field, multiplier in multipliers.items():
                term = spectrum * self._over_tangents(multiplier, spectrum)
                previous = rows[field]
                rows[field] = term if previous is None else previous + term
        zero = torch.zeros_like(like.narrow(axis, 0, 1))
        return torch.cat([zero if row is None else row.to(torch.complex128) for row in rows], dim=axis)

    def aliasing(self, v: Tensor, t: Tensor) -> Tensor:
        """How far the products with functions of x differ from those on a finer grid, for each row, relative to them.

        They are taken with the longest waves of v alone, whose products among themselves every grid resolves.
        """
        if not self.explicit_space:
            return torch.zeros(v.shape[0], dtype=torch.float64, device=v.device)
        waves = v.clone()
        for modes in integer_wavenumbers(self.grid, self.device):
            waves = waves * (modes.abs() <= 2)
        finer = copy.copy(self)
        finer._take_products_on(padded_points(self.product_points, 2))
        faithful = finer.nonlinear(waves, t)
        return row_norm(self.nonlinear(waves, t) - faithful) / row_norm(faithful).clamp_min(1e-300)

    def nonlinear(self, v: Tensor, t: Tensor) -> Tensor:
        """N(v, t): everything that is not in `symbol`. `t` is `()` or `(rows,)`."""
        if self.outer is not None and not torch.is_grad_enabled():
            return (self.inner(v) * self.outer).to(torch.complex128)
        products, _ = self._products(v, t)
        return self._completed(self._from_products(products, v), v, self._left_over(t))

    def inner(self, v: Tensor) -> Tensor:
        """F̂ with N(v, t) = `outer` · F̂ + what lies outside the modes, where `outer` is not None.

        A step that takes `outer` into its own coefficients saves a multiplication for each N.
        """
        assert self._compiled.quadratics is not None
        return self._transforms.to_modes(self._compiled.quadratics[0](self._physical_jets(v)))

    def _completed(self, products: Tensor, v: Tensor, moved: Tensor | None) -> Tensor:
        """N from its products: what depends on x alone, and what is linear with coefficients of t, are added."""
        if self._constant is not None:
            products = products + self._constant
        return products if moved is None else self.add_(products, moved, v)

    def linearised(self, v: Tensor, t: Tensor) -> tuple[Tensor, "Linearisation"]:
        """N(v, t), and its derivative there as an operator on tangents."""
        products, jets = self._products(v, t)
        slopes = self._compiled.slopes(*jets, *self._positions, self._time(t), *self._values)
        moved = self._left_over(t)
        value = self._completed(self._from_products(products, v), v, moved)
        return value, Linearisation(self, slopes, moved)

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

    def add_(self, base: Tensor | None, coefficient: Tensor, v: Tensor) -> Tensor:
        """The same, written over `base` while gradients are off: for sums that nobody else looks at."""
        if base is None or torch.is_grad_enabled():
            return self.add(base, coefficient, v)
        if not self.diagonal:
            return base.add_(self.apply(coefficient, v))
        return base.addcmul_(coefficient.unsqueeze(1) if v.ndim == self.grid.dims + 3 else coefficient, v)

    def rhs(self, v: Tensor, t: Tensor) -> Tensor:
        """L v + N(v, t)."""
        return self.apply(self.symbol, v) + self.nonlinear(v, t)


def _by_field(product: Product, symbols: Symbols) -> dict[int, Tensor]:
    """The multipliers by which the transform of a product enters the equations of the fields, by field."""
    result: dict[int, Tensor] = {}
    for term in product.terms:
        multiplier = symbols.value(term.coefficient) * (symbols.derivative(term.orders) * symbols.mask)
        result[term.field] = result[term.field] + multiplier if term.field in result else multiplier
    return result


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
