"""A conservation law on a grid: u' = −(differences of fluxes between faces)/h + central differences of all else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from pdesym.solvers.conservative import Orders
from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.ghost_cells import GhostCells
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.shock_capturing_form import ConservationLaw, conservation_law
from pdesym.solvers.finite_differences.stencils import central, half_width
from pdesym.solvers.finite_differences.weno import GHOSTS, numerical_flux

CFL = 0.5
"""Cells that the fastest wave may pass in a step, added over the axes."""

# Eigenvalues closer than this share of the largest count as equal.
_DISTINCT = 1e-6
# The Runge-Kutta method is stable for decay rates up to 2.51 per step; the other half is left to the waves.
_MOST_DECAY = 1.25


@dataclass(frozen=True)
class ShockCapturingSystem:
    """The semi-discrete form of a conservation law with WENO fluxes, float64.

    States are `(rows, fields, *points)`. The fluxes of systems are reconstructed along the eigenvectors of their
    Jacobian where its eigenvalues have a formula (up to three fields, factors of degree 2 in the characteristic
    polynomial): the projector Π_q (A − λ_q)/(λ_p − λ_q) on the eigenvector of λ_p then costs products of small
    matrices, no decomposition. Elsewhere, and where eigenvalues meet, each field is reconstructed by itself.

    Everything but the fluxes is taken by central differences of the grid's order.

    Attributes:
        law: fluxes and the rest.
        grid: where, with `scheme="weno"`.
        parameters: values of the equation's parameters, `()` or `(rows, 1, …)`.
        ghosts: what lies beyond the ends.
        coordinates: of all cells, ghosts included.
    """

    law: ConservationLaw
    grid: FiniteDifferenceGrid
    parameters: tuple[Tensor, ...]
    ghosts: GhostCells
    coordinates: tuple[Tensor, ...]

    @classmethod
    def of(
        cls, equation: Equation, grid: FiniteDifferenceGrid, device: torch.device | None = None
    ) -> "ShockCapturingSystem":
        """The system of an equation.

        Raises:
            ValueError: for text without conservative form, conditions that do not fit, or too few points.
        """
        law = conservation_law(equation, grid.dims)
        values = [
            torch.as_tensor(equation.parameters[name], dtype=torch.float64, device=device)
            for name in parameter_symbols(equation.declaration.parameters)
        ]
        parameters = tuple(value.reshape(-1, *(1,) * grid.dims) if value.ndim else value for value in values)
        reach = max(GHOSTS, *(_reach(law, axis, grid.order) for axis in range(grid.dims)))
        ghosts = GhostCells(grid, equation.fields, reach, device)
        return cls(law, grid, parameters, ghosts, ghosts.coordinates())

    def select(self, rows: Sequence[int]) -> "ShockCapturingSystem":
        """The system of some of the samples."""
        chosen = tuple(value[list(rows)] if value.ndim else value for value in self.parameters)
        return replace(self, parameters=chosen)

    def slope(self, u: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """(u', rate) at times `(rows,)`: a step of 1/rate `(rows,)` or less is stable."""
        dims, width = self.grid.dims, self.ghosts.width
        wide = self.ghosts(u, t, self.coordinates)
        others = [*self.coordinates, t.reshape(-1, *(1,) * dims), *self.parameters]
        fluxes = _filled(self.law.flux(*wide.unbind(1), *others), wide).unflatten(1, (dims, wide.shape[1]))
        result, crossed = torch.zeros_like(u), torch.zeros_like(u[:, 0])
        for axis in range(dims):
            speeds = self._speeds(axis, wide, others)
            line, fast = self._along(axis, wide), self._along(axis, speeds.abs())
            h = self.grid.spacing[axis]
            flux = numerical_flux(self._along(axis, fluxes[:, axis]), line, fast, self._basis(axis, line, others))
            result -= (flux.diff(dim=-1) / h).movedim(-1, 2 + axis)
            # What stands in the ghosts may be faster than anything inside.
            fastest = fast.amax(1).unfold(-1, 2 * GHOSTS + 1, 1).amax(-1)
            crossed = crossed + fastest.movedim(-1, 1 + axis) / h
        rate = crossed.flatten(1).amax(1) / CFL
        if self.law.terms:
            rest, decay = self._rest(wide, others, width)
            result += rest
            rate = rate + decay / _MOST_DECAY
        return result, rate

    def _along(self, axis: int, v: Tensor) -> Tensor:
        """`v` with three ghosts along an axis, which comes last, and none along the others."""
        spare = self.ghosts.width - GHOSTS
        for i, n in enumerate(self.grid.points):
            less = spare if i == axis else self.ghosts.width
            v = v.narrow(2 + i, less, n + 2 * (self.ghosts.width - less))
        return v.movedim(2 + axis, -1)

    def _speeds(self, axis: int, wide: Tensor, others: list[Tensor]) -> Tensor:
        """Eigenvalues `(rows, fields, …)` of the flux Jacobian where they have a formula, else its spectral radius."""
        function = self.law.speeds[axis]
        if function is not None:
            return _filled(function(*wide.unbind(1), *others), wide)
        matrices = self._jacobian(axis, wide, others).movedim((1, 2), (-2, -1))
        finite = torch.isfinite(matrices).flatten(-2).all(-1)
        values: Tensor = torch.linalg.eigvals(torch.where(finite[..., None, None], matrices, 0.0))
        radius = values.abs().amax(-1)
        real = values.imag.abs().amax(-1) <= _DISTINCT * radius
        return torch.where(finite & real, radius, math.nan).unsqueeze(1)

    def _jacobian(self, axis: int, u: Tensor, others: list[Tensor]) -> Tensor:
        fields = u.shape[1]
        entries = self.law.jacobian(*u.unbind(1), *others)[axis * fields**2 : (axis + 1) * fields**2]
        result: Tensor = _filled(entries, u).unflatten(1, (fields, fields))
        return result

    def _basis(self, axis: int, line: Tensor, others: list[Tensor]) -> tuple[Tensor, Tensor] | None:
        """Left and right eigenvectors at the faces, from the mean of the two cells beside each."""
        function, fields = self.law.speeds[axis], line.shape[1]
        if function is None or fields == 1:
            return None
        faces = line.shape[-1] - 2 * GHOSTS + 1
        first, second = (line.narrow(-1, GHOSTS - 1 + side, faces) for side in (0, 1))
        states = (0.5 * (first + second)).movedim(-1, 2 + axis)
        places = []
        for i, x in enumerate(others[: self.grid.dims]):
            if i == axis:
                # Half a cell on from the cell before, also where the next one is a period away.
                places.append(x.narrow(i, self.ghosts.width - 1, faces) + 0.5 * self.grid.spacing[axis])
            else:
                places.append(x.narrow(i, self.ghosts.width, self.grid.points[i]))
        arguments = [*places, *others[self.grid.dims :]]
        eigenvalues = _filled(function(*states.unbind(1), *arguments), states)
        left, right = _eigenvectors(self._jacobian(axis, states, arguments), eigenvalues)
        return left.movedim(3 + axis, -1), right.movedim(3 + axis, -1)

    def _rest(self, wide: Tensor, others: list[Tensor], width: int) -> tuple[Tensor, Tensor]:
        """Σ ∂^α R_α, and a bound on the rates at which it changes the fields, `(rows,)`."""
        law, order, h = self.law, self.grid.order, self.grid.spacing
        outer = [max(_half(orders[i], order) for _, orders, _ in law.terms) for i in range(self.grid.dims)]
        sizes = [n + 2 * w for n, w in zip(self.grid.points, outer, strict=True)]
        jets = [_centre(_derivative(wide[:, jet.field], jet.orders, h, order), sizes) for jet in law.jets]
        like = _centre(wide[:, 0], sizes).unsqueeze(1)
        near = [_centre(x, [min(n, size) for n, size in zip(x.shape, sizes, strict=True)], 0) for x in others[: len(h)]]
        arguments = [*jets, *near, *others[len(h) :]]
        values = _filled(law.rest(*arguments), like)
        result = torch.zeros(wide.shape[0], wide.shape[1], *self.grid.points, dtype=wide.dtype, device=wide.device)
        for (field, orders, _), value in zip(law.terms, values.unbind(1), strict=True):
            result[:, field] += _centre(_derivative(value, orders, h, order), self.grid.points)
        changes = torch.zeros(wide.shape[0], wide.shape[1], dtype=wide.dtype, device=wide.device)
        if law.slope_of:
            slopes = _filled(law.slopes(*arguments), like).abs().flatten(2).amax(2)
            for slope, (term, jet) in zip(slopes.unbind(1), law.slope_of, strict=True):
                field, orders, _ = law.terms[term]
                changes[:, field] += slope * _size(orders, h, order) * _size(law.jets[jet].orders, h, order)
        return result, changes.amax(1)


def _filled(values: Sequence[Tensor | int | float], like: Tensor) -> Tensor:
    """Values that may be numbers, as `(rows, values, *space)`."""
    shape = (like.shape[0], *like.shape[2:])
    dense = [torch.as_tensor(value, dtype=like.dtype, device=like.device).expand(shape) for value in values]
    return torch.stack(dense, 1)


def _eigenvectors(matrices: Tensor, eigenvalues: Tensor) -> tuple[Tensor, Tensor]:
    """(left eigenvectors as rows, right as columns), L R = 1; unit vectors where two eigenvalues meet.

    Args:
        matrices: `(rows, n, n, *space)`.
        eigenvalues: `(rows, n, *space)`.
    """
    n = eigenvalues.shape[1]
    size = eigenvalues.abs().amax(1)
    unit = torch.eye(n, dtype=matrices.dtype, device=matrices.device).reshape(1, n, n, *(1,) * (matrices.ndim - 3))
    distinct = torch.ones_like(size, dtype=torch.bool)
    left, right = [], []
    for p in range(n):
        projector = unit.expand_as(matrices)
        for q in range(n):
            if q != p:
                gap = eigenvalues[:, p] - eigenvalues[:, q]
                apart = gap.abs() > _DISTINCT * size
                distinct = distinct & apart
                factor = matrices - eigenvalues[:, q, None, None] * unit
                product = (projector.unsqueeze(3) * factor.unsqueeze(1)).sum(2)
                projector = product / torch.where(apart, gap, 1.0)[:, None, None]
        # r lᵀ has rank one: its row with the largest entry is l, up to a factor that its column then takes.
        flat = projector.flatten(1, 2)
        place = flat.abs().argmax(1, keepdim=True)
        pivot = flat.gather(1, place)
        row, column = place // n, place % n
        rows = row.unsqueeze(2).expand(-1, 1, n, *projector.shape[3:])
        columns = column.unsqueeze(1).expand(-1, n, 1, *projector.shape[3:])
        left.append(projector.gather(1, rows).squeeze(1))
        right.append(projector.gather(2, columns).squeeze(2) / torch.where(pivot == 0, 1.0, pivot))
    keep = distinct[:, None, None]
    return torch.where(keep, torch.stack(left, 1), unit), torch.where(keep, torch.stack(right, 2), unit)


def _half(k: int, order: int) -> int:
    return half_width(k, order) if k else 0


def _reach(law: ConservationLaw, axis: int, order: int) -> int:
    """How many cells beyond an end the central differences need."""
    outer = max((_half(orders[axis], order) for _, orders, _ in law.terms), default=0)
    return outer + max((_half(jet.orders[axis], order) for jet in law.jets), default=0)


def _derivative(v: Tensor, orders: Orders, h: tuple[float, ...], order: int) -> Tensor:
    """∂^orders of `(rows, *space)` by central differences, shorter by their reach along each axis."""
    for axis, k in enumerate(orders):
        if not k:
            continue
        weights = central(k, order)
        count = v.shape[1 + axis] - len(weights) + 1
        total = torch.zeros_like(v.narrow(1 + axis, 0, count))
        for j, weight in enumerate(weights):
            if weight:
                total = total.add(v.narrow(1 + axis, j, count), alpha=weight / h[axis] ** k)
        v = total
    return v


def _centre(v: Tensor, sizes: Sequence[int], first: int = 1) -> Tensor:
    """The middle part of these sizes."""
    for axis, size in enumerate(sizes, start=first):
        v = v.narrow(axis, (v.shape[axis] - size) // 2, size)
    return v


def _size(orders: Orders, h: tuple[float, ...], order: int) -> float:
    """The largest factor by which the central difference multiplies a wave."""
    return math.prod(_largest(k, order) / step**k for k, step in zip(orders, h, strict=True))


@lru_cache(maxsize=64)
def _largest(k: int, order: int) -> float:
    if not k:
        return 1.0
    weights = torch.tensor(central(k, order), dtype=torch.float64)
    angles = torch.linspace(0, math.pi, 257, dtype=torch.float64)
    reach = len(weights) // 2
    places = torch.arange(-reach, reach + 1, dtype=torch.float64)
    return float((weights * torch.exp(1j * angles[:, None] * places)).sum(1).abs().max())
