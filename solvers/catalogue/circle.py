"""Localised solutions of the line, wrapped around a torus."""

from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid


def signed_distance(grid: Grid, centre: int | float) -> Float[Tensor, " points"]:
    """x − centre on the circle of a 1D grid, in [−L/2, L/2)."""
    (x,), (length,) = grid.coordinates(), grid.length
    return (x - centre + length / 2) % length - length / 2
