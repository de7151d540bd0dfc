"""Derivatives and integrals of trajectories on a box with boundaries."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.stencils import tabulated
from pdesym.solvers.finite_differences.system import FiniteDifferenceSystem
from pdesym.solvers.jets import TIME, Jet
from pdesym.solvers.torch_function import torch_function


def quadrature(grid: FiniteDifferenceGrid) -> tuple[Float[Tensor, " points"], ...]:
    """Weights of ∫ along each axis: the norm of summation by parts, of the grid's order; h on periodic axes and cells.

    They are those for which Σ_j w_j (D u)_j = u(L) − u(0) holds exactly.
    """
    result = []
    for n, h, periodic in zip(grid.points, grid.spacing, grid.periodic, strict=True):
        weights = torch.ones(n, dtype=torch.float64)
        if not periodic and grid.scheme == "central":
            ends = tabulated(1, (), grid.order)["norm"].sum(0)
            weights[: len(ends)] = ends
            weights[n - len(ends) :] = ends.flip(0)
        result.append(weights * h)
    return tuple(result)


def integral(values: Float[Tensor, "batch time *space"], grid: FiniteDifferenceGrid) -> Float[Tensor, "batch time"]:
    """∫ over the box of values at its nodes."""
    for weights in reversed(quadrature(grid)):
        values = values @ weights.to(values.device)
    return values


def derivatives(
    equation: Equation,
    grid: FiniteDifferenceGrid,
    jets: Sequence[Jet],
    u: Float[Tensor, "batch time channel *space"],
    times: Float[Tensor, " time"],
) -> list[Float[Tensor, "batch time *space"]]:
    """Derivatives of trajectories with the grid's boundaries.

    Raises:
        ValueError: for derivatives on a grid of cells, `scheme="weno"`.
    """
    if not any(any(jet.orders) for jet in jets):
        return [u[:, :, jet.field] for jet in jets]
    if grid.scheme != "central":
        raise ValueError(f"Only scheme='central' has derivatives of trajectories, this grid has {grid.scheme!r}.")
    system = FiniteDifferenceSystem(equation, grid, u.device)
    values = system.jets(tuple(jets), u.flatten(0, 1), times.repeat(len(u)))
    return [value.unflatten(0, u.shape[:2]) for value in values]


def invariant(
    equation: Equation,
    grid: FiniteDifferenceGrid,
    name: str,
    u: Float[Tensor, "batch time channel *space"],
    times: Float[Tensor, " time"],
) -> Float[Tensor, "batch time"]:
    """∫ density dx of one of the invariants on the equation's card, at every output.

    Raises:
        KeyError: when the card does not list it.
    """
    space, density = equation.space(grid.dims), equation.density(name, grid.dims)
    jets = space.jets_in(density)
    values = derivatives(equation, grid, jets, u, times)
    positions = [
        x.reshape([-1 if i == axis else 1 for i in range(grid.dims)])
        for axis, x in enumerate(grid.coordinates(u.device))
    ]
    symbols = parameter_symbols(equation.declaration.parameters)
    parameters = [torch.as_tensor(equation.parameters[p], dtype=torch.float64, device=u.device) for p in symbols]
    parameters = [p.reshape(-1, *(1,) * (grid.dims + 1)) if p.ndim else p for p in parameters]
    arguments = [*map(space.symbol, jets), *space.coordinates, TIME, *symbols.values()]
    (result,) = torch_function(arguments, [density])(
        *values, *positions, times.reshape(-1, *(1,) * grid.dims), *parameters
    )
    dense = torch.as_tensor(result, dtype=torch.float64, device=u.device).expand(*u.shape[:2], *grid.points)
    return integral(dense, grid)
