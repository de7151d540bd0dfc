"""Polynomials fitted around the points of a grid, and derivatives with respect to points that have moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

Series = Mapping[tuple[int, int], Tensor]
"""Coefficients of x^a t^b by (a, b), a + b up to some degree, `(*points)` each."""


@dataclass(frozen=True)
class Stencil:
    """Least-squares polynomials on a rectangle of a grid around each point of its middle row.

    Attributes:
        radius_x: neighbours on each side in x that a fit sees.
        radius_t: neighbours on each side in t.
        degree_x: of the polynomials in x; those are products of polynomials in x and in t.
        degree_t: of the polynomials in t.
    """

    radius_x: int = 4
    radius_t: int = 3
    degree_x: int = 8
    degree_t: int = 6

    @property
    def rows(self) -> int:
        """Rows of grid points in t that a fit needs."""
        return 2 * self.radius_t + 1

    @cached_property
    def _weights(self) -> tuple[Tensor, Tensor]:
        return _fit(self.radius_x, self.degree_x), _fit(self.radius_t, self.degree_t)

    def series(self, values: Float[Tensor, "*lead time space"], degree: int) -> Series:
        """The fitted polynomials, up to a total degree, in steps of the grid; `(*lead, space − 2 radius_x)` each."""
        along_x, along_t = (w[: degree + 1].to(values) for w in self._weights)
        rows = torch.einsum("bt,...tx->b...x", along_t, values)
        fitted = torch.einsum("aw,b...cw->ab...c", along_x, rows.unfold(-1, 2 * self.radius_x + 1, 1))
        return {(a, b): fitted[a, b] for a in range(degree + 1) for b in range(degree + 1 - a)}


def _fit(radius: int, degree: int) -> Tensor:
    """Weights `(degree + 1, points)` that give the coefficients of the polynomial nearest to values at −radius…radius.

    In steps of the grid.
    """
    place = torch.arange(-radius, radius + 1, dtype=torch.float64) / radius
    powers = torch.arange(degree + 1, dtype=torch.float64)
    weights: Tensor = torch.linalg.pinv(place.unsqueeze(1) ** powers)
    return weights / radius ** powers.unsqueeze(1)


def moved_derivatives(x: Series, t: Series, u: Series, order: int) -> tuple[Tensor, list[Tensor]]:
    """u_t and [u_x, u_xx, …] on a surface (x, t, u) that is given by the place in a grid.

    With subscripts i and j for the place, ∂_x = (t_j ∂_i − t_i ∂_j)/J and ∂_t = (x_i ∂_j − x_j ∂_i)/J with
    J = x_i t_j − x_j t_i; applied to truncated series these are exact.

    Args:
        x: up to the degree `order`, at least 1, as the other two.
        t: likewise.
        u: likewise.
        order: of the highest derivative.
    """
    degree = order - 1
    (x_i, x_j), (t_i, t_j), (u_i, u_j) = (_slopes(each, degree) for each in (x, t, u))
    jacobian = _difference(_product(x_i, t_j, degree), _product(x_j, t_i, degree))
    inverse = _reciprocal(jacobian, degree)
    along, across = _product(inverse, t_j, degree), _product(inverse, t_i, degree)
    origin = (0, 0)
    u_t = inverse[origin] * (x_i[origin] * u_j[origin] - x_j[origin] * u_i[origin])
    derivatives, current = [], u
    for remaining in range(degree, -1, -1):
        by_i, by_j = _slopes(current, remaining)
        current = _difference(_product(along, by_i, remaining), _product(across, by_j, remaining))
        derivatives.append(current[origin])
    return u_t, derivatives


def _slopes(f: Series, degree: int) -> tuple[Series, Series]:
    """∂_i f and ∂_j f up to a degree."""
    places = _places(degree)
    return {(a, b): (a + 1) * f[a + 1, b] for a, b in places}, {(a, b): (b + 1) * f[a, b + 1] for a, b in places}


def _places(degree: int) -> list[tuple[int, int]]:
    return [(n - b, b) for n in range(degree + 1) for b in range(n + 1)]


def _product(f: Series, g: Series, degree: int) -> Series:
    def coefficient(a: int, b: int) -> Tensor:
        terms = [f[c, d] * g[a - c, b - d] for c in range(a + 1) for d in range(b + 1)]
        return torch.stack(terms).sum(0)

    return {(a, b): coefficient(a, b) for a, b in _places(degree)}


def _difference(f: Series, g: Series) -> Series:
    return {place: value - g[place] for place, value in f.items()}


def _reciprocal(f: Series, degree: int) -> Series:
    """1/f."""
    first = 1 / f[0, 0]
    result = {(0, 0): first}
    for a, b in _places(degree)[1:]:
        terms = [f[c, d] * result[a - c, b - d] for c in range(a + 1) for d in range(b + 1) if c + d]
        result[a, b] = -first * torch.stack(terms).sum(0)
    return result
