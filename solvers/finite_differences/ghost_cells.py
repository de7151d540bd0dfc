"""Cells beyond the ends of a grid, filled so that the conditions at the ends hold."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pdesym.solvers.finite_differences.conditions import Condition
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.grid import AXES

_TINY = 1e-40


@dataclass(frozen=True)
class GhostCells:
    """Fields `(rows, fields, *cells)` with `width` more cells at both ends of every axis.

    The ends lie on faces between cells. With u_k the k-th cell from the end and d_k its distance (k + ½)h, the ghost
    cell at the distance d_k beyond it gets

    * on a periodic axis the cell one period away;
    * without condition (`Outflow`) u_0: zero gradient, what comes along leaves, with errors of first order in the last
      three cells that do not travel back;
    * with ∂u/∂n + r u = g (`Neumann`, `Robin`) what makes the central difference and mean over the face satisfy it, for
      g = r = 0 the mirror image u_k;
    * with u = 0 (`Dirichlet(0)`) the image −u_k. A reflecting wall has it for the normal velocity or momentum and
      `Neumann(0)` for the other fields, and this is exact;
    * with u = g (`Dirichlet`) otherwise the polynomial through g and two cells, through g and one, or g itself,
      weighted by how smooth they are, of third order where the solution is smooth (after Tan and Shu, J. Comput. Phys.
      229, 2010, section 2.2). Where waves leave against a given value upwinding ignores it.

    Args:
        grid: with `scheme="weno"`.
        fields: names of the fields.
        width: number of cells beyond each end.
        device: where the tensors live.

    Raises:
        ValueError: for a condition on a second or higher derivative, two conditions at one end, or fewer cells than
            ghost cells.
    """

    grid: FiniteDifferenceGrid
    fields: tuple[str, ...]
    width: int
    device: torch.device | None = None

    def __post_init__(self) -> None:
        if min(self.grid.points) < max(self.width, 6):
            raise ValueError(
                f"The scheme 'weno' needs at least {max(self.width, 6)} points along each axis, got {self.grid.points}."
            )
        for axis, periodic in enumerate(self.grid.periodic):
            for name in () if periodic else self.fields:
                for right in (False, True):
                    conditions = self.grid.end(axis, right, name).conditions
                    if len(conditions) > 1 or any(c.order > 1 for c in conditions):
                        raise ValueError(
                            f"The scheme 'weno' takes one of Dirichlet, Neumann, Robin and Outflow for a field at an "
                            f"end, got {len(conditions)} conditions of orders {[c.order for c in conditions]} for "
                            f"{name!r} at the {('left', 'right')[right]} end of {AXES[axis]}: use scheme 'central'."
                        )

    def coordinates(self) -> tuple[Tensor, ...]:
        """The coordinates of all cells, ghosts included, shaped to broadcast over space.

        On periodic axes they are those one period away, so that functions of them are periodic.
        """
        result = []
        for axis, x in enumerate(self.grid.coordinates(self.device)):
            h = self.grid.spacing[axis]
            if self.grid.periodic[axis]:
                longer = torch.cat((x[-self.width :], x, x[: self.width]))
            else:
                beyond = torch.arange(1, self.width + 1, dtype=x.dtype, device=x.device) * h
                longer = torch.cat((x[0] - beyond.flip(0), x, x[-1] + beyond))
            result.append(longer.reshape([-1 if i == axis else 1 for i in range(self.grid.dims)]))
        return tuple(result)

    def __call__(self, u: Tensor, t: Tensor, coordinates: tuple[Tensor, ...]) -> Tensor:
        """The fields with their ghost cells, at the times `(rows,)`."""
        sizes = u.square().amax(tuple(range(2, u.ndim)), keepdim=True)
        for axis in range(self.grid.dims):
            dim = 2 + axis
            if self.grid.periodic[axis]:
                ends = u.narrow(dim, u.shape[dim] - self.width, self.width), u.narrow(dim, 0, self.width)
            else:
                near = u.narrow(dim, 0, self.width), u.narrow(dim, u.shape[dim] - self.width, self.width).flip(dim)
                # Axes that come later have no ghosts yet.
                across = [x if i < axis else self._inner(x, i) for i, x in enumerate(coordinates)]
                left, right = (self._beyond(side, sizes, t, axis, bool(i), across) for i, side in enumerate(near))
                ends = left.flip(dim), right
            u = torch.cat((ends[0], u, ends[1]), dim)
        return u

    def _inner(self, x: Tensor, axis: int) -> Tensor:
        return x.narrow(axis, self.width, self.grid.points[axis])

    def _beyond(self, near: Tensor, sizes: Tensor, t: Tensor, axis: int, right: bool, across: list[Tensor]) -> Tensor:
        """The ghosts at one end, outwards, from as many cells inwards."""
        places = list(across)
        places[axis] = torch.full_like(across[axis].narrow(axis, 0, 1), self.grid.length[axis] if right else 0.0)
        time = t.reshape(-1, *(1,) * self.grid.dims)
        ghosts = []
        for field, name in enumerate(self.fields):
            conditions = self.grid.end(axis, right, name).conditions
            inside = near[:, field]
            if conditions:
                value = conditions[0].at(time, tuple(places))
                ghosts.append(self._satisfying(conditions[0], inside, value, sizes[:, field], axis))
            else:
                ghosts.append(inside.narrow(1 + axis, 0, 1).expand_as(inside))
        return torch.stack(ghosts, 1)

    def _satisfying(self, condition: Condition, inside: Tensor, value: Tensor, size: Tensor, axis: int) -> Tensor:
        dim, h = 1 + axis, self.grid.spacing[axis]
        steps = torch.arange(self.width, dtype=inside.dtype, device=inside.device) + 0.5
        steps = steps.reshape([-1 if i == dim else 1 for i in range(inside.ndim)])
        if condition.order == 1:
            half = 0.5 * condition.ratio
            slope = 1 / (2 * steps * h)
            return (value + (slope - half) * inside) / (slope + half)
        if condition.is_zero:
            return -inside
        first, second = inside.narrow(dim, 0, 1) - value, inside.narrow(dim, 1, 1) - value
        # In s = distance/h inwards: first = a/2 + b/4 and second = 3a/2 + 9b/4 of the parabola g + a s + b s².
        bend = (2 / 3) * second - 2 * first
        rise = 2 * first - 0.5 * bend
        line, parabola = -2 * first * steps, -rise * steps + bend * steps.square()
        # Smooth solutions change by about this share of their size in a cell.
        small = h / self.grid.length[axis]
        rough_value = small**2 * (size + value.square())
        rough_line, rough_parabola = (2 * first).square(), rise.square() + 2 * rise * bend + (16 / 3) * bend.square()
        weight_value = small**2 / (_TINY + rough_value).square()
        weight_line = small / (_TINY + rough_line).square()
        weight_parabola = (1 - small - small**2) / (_TINY + rough_parabola).square()
        total = weight_value + weight_line + weight_parabola
        return value + (weight_line * line + weight_parabola * parabola) / total
