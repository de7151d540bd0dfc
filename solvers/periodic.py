"""Refusing functions of x that do not fit a torus."""

import torch
from torch import Tensor

from pdesym.solvers.compiled import Compiled
from pdesym.solvers.symbols import Symbols

# A seam that a number for the length with seven digits would make.
_SEAM = 1e-6
_NEAR = (-0.047, -0.013, 0.0, 0.021, 0.049)
_WITHIN = (0.11, 0.27, 0.41, 0.59, 0.73, 0.87)


def refuse_non_periodic(compiled: Compiled, symbols: Symbols) -> None:
    """Raises ValueError when a function of x in the equation has a seam where the ends of the box meet.

    Its values to both sides of 0 are compared with those to both sides of the length L, at arbitrary values of the
    jets: they agree for a function of period L, and for one that is nearly zero there.
    """
    if not compiled.explicit_space:
        return
    grid, dims = symbols.grid, symbols.grid.dims
    factors = torch.ones(1, dims, dtype=torch.float64) if symbols.stretch is None else symbols.stretch.detach().cpu()
    sizes = factors * torch.tensor(grid.length, dtype=torch.float64)
    parameters = [value.detach().cpu() for value in symbols.parameters.values()]
    jets = [torch.tensor(0.7 + 0.1 * j, dtype=torch.float64) for j in range(len(compiled.jets))]
    time = torch.tensor(0.3, dtype=torch.float64)

    def values(shifted: int | None, shares: tuple[float, ...]) -> list[Tensor]:
        """All functions of x at shares of the length along one axis, and inside the box along the others."""
        positions = []
        for axis in range(dims):
            at = torch.tensor(shares if axis == shifted else _WITHIN, dtype=torch.float64)
            shape = [-1 if i == axis else 1 for i in range(dims)]
            positions.append(sizes[:, axis].reshape(-1, *(1,) * dims) * at.reshape(shape))
        functions = [*compiled.flux(*jets, *positions, time, *parameters), *compiled.constant(*positions, *parameters)]
        return [torch.as_tensor(each, dtype=torch.float64) for each in functions]

    for axis in range(dims):
        inside = values(None, _WITHIN)
        left, right = values(axis, _NEAR), values(axis, tuple(1 + share for share in _NEAR))
        for scale, a, b in zip(inside, left, right, strict=True):
            if (
                (b - a).abs().amax() > _SEAM * torch.stack([each.abs().amax() for each in (scale, a, b)]).amax()
            ).item():
                name, length = grid.axes[axis], grid.length[axis]
                raise ValueError(
                    f"The equation {symbols.equation.statement!r} contains a function of {name} that does not repeat "
                    f"with the period {length:g} of the grid: write it with sin and cos of 2*pi*{name}/{length:g}, or "
                    "solve on a FiniteDifferenceGrid with boundaries."
                )
