"""The conditions on a vector field that come from an operator: what it makes of each column of a library."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.discover.spectrum import Decision, Spectrum
from pdesym.symmetry.discover.window import EXACT, Margins, inside, middle_coordinates, plateau
from pdesym.symmetry.frames import Times, frame_times, over_space
from pdesym.symmetry.library import Library

# An operator whose values at a sum differ from the sum of its values by less than this share is linear.
_LINEAR = 1e-6


@dataclass(frozen=True)
class Probes:
    """The directions that tell what an operator does to each column of a library.

    Attributes:
        library: the vector fields.
        grid: of the operator's input and output.
        moving: columns that move the input at all; the image of the others is zero.
        checked: columns that a second probe, with another plateau and a coarser u_t, moves differently.
        directions: characteristics of the moving columns, u_t, and those of the checked columns by the second probe,
            `(tangents, *u.shape)`.
        margins: of the plateaus, and of the window in which all is compared.
    """

    library: Library
    grid: Grid
    moving: tuple[int, ...]
    checked: tuple[int, ...]
    directions: Float[Tensor, "tangents ..."]
    margins: Margins


def fitting_library(library: Library | None, fields: int, grid: Grid) -> Library:
    """A library for this many fields on the grid; polynomials of degree 2 when none is given.

    Raises:
        ValueError: for a library of other fields or another number of axes.
    """
    if library is None:
        names = ("u",) if fields == 1 else tuple(f"u{i}" for i in range(1, fields + 1))
        return Library.polynomial(2, names, ("x", "y", "z")[: grid.dims])
    if len(library.fields) != fields or len(library.coordinates) != grid.dims:
        raise ValueError(
            f"The library has {len(library.fields)} fields on {len(library.coordinates)} axes, the data have "
            f"{fields} on {grid.dims}: give one of the same kind."
        )
    return library


def probes(
    library: Library,
    u: Float[Tensor, "batch ..."],
    rate: Float[Tensor, "batch ..."],
    coarser: Float[Tensor, "batch ..."],
    grid: Grid,
    times: Times,
    margins: Margins = EXACT,
) -> Probes:
    """What to push forward along an operator at u.

    Args:
        library: the vector fields.
        u: the operator's input, `(batch, channel, *space)` or `(batch, time, channel, *space)`.
        rate: its u_t.
        coarser: u_t to a lower order, to see how much that matters.
        grid: its grid.
        times: of its frames.
        margins: of the plateaus and of the window.
    """
    first = plateau(grid, u, margins.plateau, margins.slope)
    second = plateau(grid, u, margins.other_plateau, margins.slope)
    before = characteristics(library, u, rate, grid, times, cut=first)
    other = characteristics(library, u, coarser, grid, times, cut=second)
    moving = tuple(k for k in range(len(library)) if bool(before[k].any()))
    checked = tuple(k for k in moving if not torch.equal(before[k], other[k]))
    directions = torch.cat([before[list(moving)], rate[None], other[list(checked)]])
    return Probes(library, grid, moving, checked, directions, margins)


def conditions(
    probes: Probes,
    values: Float[Tensor, "batch time channel *space"],
    pushed: Float[Tensor, "tangents batch time channel *space"],
    times: Float[Tensor, " time"],
) -> tuple[Float[Tensor, "rows columns"], Float[Tensor, "rows columns"], Float[Tensor, "rows columns"]]:
    """In the inner window dF·Q_in − Q_out, |dF·Q_in| + |Q_out|, and the change of dF·Q_in by the second probe.

    The output's u_t is what the operator makes of the input's.

    Args:
        probes: what was pushed forward.
        values: the output frames.
        pushed: the derivatives of the output frames along the directions of the probes.
        times: of the output frames.
    """
    moving, checked = list(probes.moving), list(probes.checked)
    window = _compared(probes, values)
    rows, sizes, changes = [], [], []
    for frame, time in enumerate(times):
        now = pushed[:, :, frame]
        after = characteristics(probes.library, values[:, frame], now[len(moving)], probes.grid, time, cut=None)
        carried, change = torch.zeros_like(after), torch.zeros_like(after)
        carried[moving] = now[: len(moving)]
        change[checked] = now[len(moving) + 1 :] - carried[checked]
        rows.append((carried - after)[..., window].flatten(1))
        sizes.append((carried.abs() + after.abs())[..., window].flatten(1))
        changes.append(change[..., window].flatten(1))
    matrix, size, changed = (torch.cat(each, dim=1).T for each in (rows, sizes, changes))
    return matrix, size, changed


def _compared(probes: Probes, values: Tensor) -> Bool[Tensor, "*space"]:
    """The inner window; everywhere when no coefficient of the library depends on space, and nothing is cut off."""
    space = set(probes.library.variables[: probes.grid.dims])
    if any(function.free_symbols & space for _, function in probes.library.columns):
        return inside(probes.grid, values, probes.margins.window)
    return torch.ones(probes.grid.points, dtype=torch.bool, device=values.device)


def characteristics(
    library: Library,
    u: Float[Tensor, "batch ..."],
    rate: Float[Tensor, "batch ..."],
    grid: Grid,
    times: Times,
    cut: Float[Tensor, "*space"] | None,
) -> Float[Tensor, "columns batch ..."]:
    """The characteristic of each column; coefficients that depend on space are multiplied by `cut`.

    x is measured from the middle of the box.
    """
    dims = grid.dims
    channel = -dims - 1
    slopes = [derivative(u, grid, tuple(int(axis == other) for other in range(dims))) for axis in range(dims)]
    functions = [function for _, function in library.columns]
    compiled = torch_function(library.variables, functions)
    t = over_space(frame_times(u, grid, times), grid).to(u.dtype)
    values = compiled(*middle_coordinates(grid, u), t, *u.unbind(channel))
    space = set(library.variables[:dims])
    result = torch.zeros(len(library), *u.shape, dtype=u.dtype, device=u.device)
    shape = u.select(channel, 0).shape
    for k, (component, function) in enumerate(library.columns):
        value = torch.as_tensor(values[k], dtype=u.dtype, device=u.device).expand(shape)
        if cut is not None and function.free_symbols & space:
            value = value * cut
        if component > dims:
            result[k].select(channel, component - dims - 1).copy_(value)
        else:
            along = rate if component == dims else slopes[component]
            result[k] = -value.unsqueeze(channel) * along
    return result


def noise_of(spectrum: Spectrum, change: Float[Tensor, "rows columns"]) -> Float[np.ndarray, " columns"]:
    """How much another probe changes the conditions on each direction of the spectrum."""
    per_direction = (change / torch.from_numpy(spectrum.scale)) @ torch.from_numpy(spectrum.directions).T
    result: np.ndarray = (per_direction.norm(dim=0) / len(change) ** 0.5).numpy()
    return result


def uncertainty_of(spectrum: Spectrum, decision: Decision) -> float:
    """How far errors as large as the largest null singular value turn the null space: sin θ ≤ σ_d/σ_{d+1}."""
    values = spectrum.singular_values
    if not 0 < decision.dimension < len(values):
        return 0.0
    largest, gap = float(values[decision.dimension - 1]), float(values[decision.dimension])
    return float(np.clip(max(largest, decision.floor) / gap, 1e-11, 1.0))


def is_linear(operator: Callable[[Tensor], Tensor], u: Float[Tensor, "batch ..."]) -> bool:
    """Whether the operator takes the sum of two inputs to the sum of its values."""
    one, other = u[:1], u[-1:].flip(-1)
    together, apart = operator(one + other), operator(one) + operator(other)
    return float((together - apart).norm() / together.norm()) < _LINEAR
