"""Whether the coefficients of a vector field are functions on the torus."""

from functools import lru_cache

import sympy
import torch

from pdesym.solvers.grid import Grid
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.vector_field import DIRECTION, VectorField

_SAMPLES = 64
_TOLERANCE = 1e-9


def require_periodic(vector_field: VectorField, grid: Grid) -> None:
    """Refuse a vector field whose coefficients jump where the grid closes.

    A polynomial in a coordinate is never periodic. Any other coefficient is evaluated at random points and one period
    further on; it passes when the values agree to 1e-9 of their size.

    Raises:
        ValueError: naming the coefficient and the forms that do apply.
    """
    vector_field.require_values()
    if len(vector_field.coordinates) != grid.dims:
        raise ValueError(
            f"The generator has {len(vector_field.coordinates)} coordinates "
            f"({', '.join(vector_field.coordinates)}), but the grid has {grid.dims} axes: declare one for each axis."
        )
    for coefficient, moved in zip(vector_field.components, vector_field.variables, strict=True):
        for axis, length in enumerate(grid.length):
            if not _is_periodic(coefficient, vector_field.variables, axis, length):
                name = vector_field.coordinates[axis]
                raise ValueError(
                    f"The coefficient {coefficient} of {DIRECTION}{moved} does not close on this grid, where "
                    f"{name} = 0 and {name} = {length:g} are one point, so {vector_field.text} is no vector field on "
                    "it: take the domain length and the horizon as inputs of the operator, or integer dilations, or "
                    "localised data with an inner window, or the residual form."
                )


@lru_cache(maxsize=1024)
def _is_periodic(coefficient: sympy.Expr, variables: tuple[sympy.Symbol, ...], axis: int, length: float) -> bool:
    x = variables[axis]
    if x not in coefficient.free_symbols:
        return True
    if coefficient.is_polynomial(x):
        return False
    rng = torch.Generator().manual_seed(0)
    # Positive values lie in the domain of logarithms and roots too.
    points = 0.25 + torch.rand(len(variables), _SAMPLES, generator=rng, dtype=torch.float64)
    points[axis] *= length
    function = torch_function(variables, (coefficient,))
    here = torch.as_tensor(function(*points)[0])
    points[axis] += length
    there = torch.as_tensor(function(*points)[0])
    # Written so that a value that is not finite refuses.
    return bool((here - there).abs().max() <= _TOLERANCE * here.abs().max())
