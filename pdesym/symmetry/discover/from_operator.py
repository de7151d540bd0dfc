"""The symmetries of a solution map that can only be called."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.flow_map import FlowMap
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.discover.assemble import assembled
from pdesym.symmetry.discover.propagation import Operator, Propagation, propagation_of
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.spectrum import Decision, Spectrum, by_error, by_gap, scaled_spectrum
from pdesym.symmetry.discover.window import OTHER_PLATEAU, inside, middle_coordinates, plateau
from pdesym.symmetry.library import Library

# An operator whose values at a sum differ from the sum of its values by less than this share is linear.
_LINEAR = 1e-6


def discover_from_operator(
    operator: Operator | FlowMap,
    u: Float[Tensor, "batch channel *space"],
    grid: Grid,
    library: Library | None = None,
    *,
    step: float | None = None,
    horizons: Sequence[int] = (1, 2, 4),
    error: float | None = None,
    factor: float = 2.0,
    seed: int = 0,
    name: str = "operator",
) -> Discovery:
    """The symmetries of a solution map S among the vector fields of a library, from its values and derivatives.

    v is a symmetry exactly when dS_T[u]·Q_0[u] = Q_T[S_T u] for all u. With v = Σ c_k f_k ∂_{z_k} that is linear in c:
    one column for each k, one row for each sample, horizon, field and point; the null space is the algebra. The rate
    u_t at the initial time is a one-sided difference of six steps, and is carried to T by dS_T.

    Coefficients that are not periodic, such as x, are multiplied by a plateau before dS_T acts on them, and all is
    compared in an inner window only, a tenth of the box. That is right as long as nothing travels from the slopes of
    the plateau, a quarter of the box away, to the window within the longest horizon: 3k²T for KdV with wavenumbers up
    to k. What does is measured by a second plateau; with the change of u_t from one order of the difference to the next
    it is the noise of an exact map. x is measured from the middle of the box, and t from the initial time.

    Args:
        operator: a `FlowMap`, or a callable on field batches that moves them by `step`.
        u: where to look, such as the fields that the operator was trained on; float64.
        grid: their grid.
        library: where to look; polynomials of degree 2 in the variables of u when not given.
        step: the time of one step; of a `FlowMap` up to its first output time when not given.
        horizons: times of comparison, in steps.
        error: relative error of the operator's one-step increments on data that it has not seen, for a trained one:
            singular values up to `factor` times as large count as zero. Without it the operator counts as exact, and
            the largest gap in the spectrum decides, none of whose values counts as smaller than its noise.
        factor: see `error`.
        seed: of the choices of pivots.
        name: what to call the operator.

    Raises:
        ValueError: for fields in another precision, of other shapes, or horizons that are no numbers of steps.
    """
    if u.dtype != torch.float64:
        raise ValueError(f"Expected fields in float64, in which symmetries are measured, got {u.dtype}.")
    if tuple(u.shape[2:]) != grid.points:
        raise ValueError(f"Expected fields (batch, channel, {', '.join(map(str, grid.points))}), got {tuple(u.shape)}.")
    if not horizons or any(k < 1 for k in horizons):
        raise ValueError(f"Expected horizons of one step or more, got {tuple(horizons)}.")
    library = library or _polynomials(u.shape[1], grid.dims)
    if len(library.fields) != u.shape[1] or len(library.coordinates) != grid.dims:
        raise ValueError(
            f"The library has {len(library.fields)} fields on {len(library.coordinates)} axes, the data have "
            f"{u.shape[1]} on {grid.dims}: give one of the same kind."
        )
    maps = propagation_of(operator, step)
    matrix, size, change = _conditions(maps, u, grid, library, tuple(horizons))
    spectrum = scaled_spectrum(matrix, size)
    values = spectrum.singular_values
    noise = _noise(spectrum, change)
    decision = by_gap(values, noise=noise) if error is None else by_error(values, error, factor)
    return assembled(
        spectrum,
        decision,
        library,
        linear=_is_linear(maps, u),
        uncertainty=_uncertainty(spectrum, decision),
        seed=seed,
        source="operator",
        subject=name,
    )


def _polynomials(fields: int, dims: int) -> Library:
    names = ("u",) if fields == 1 else tuple(f"u{i}" for i in range(1, fields + 1))
    return Library.polynomial(2, names, ("x", "y", "z")[:dims])


def _conditions(
    maps: Propagation, u: Tensor, grid: Grid, library: Library, horizons: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """`(rows, columns)` in the inner window: dS·Q_0 − Q_T, |dS·Q_0| + |Q_T|, and the change by another probe.

    The other probe has its plateau elsewhere, and u_t from a difference of lower order.
    """
    frames = maps.advance(u, max(horizons))
    rate, coarser = maps.initial_rates(u)
    before = _characteristics(library, u, rate, grid, 0.0, cut=plateau(grid, u))
    other = _characteristics(library, u, coarser, grid, 0.0, cut=plateau(grid, u, OTHER_PLATEAU))
    moving = [k for k in range(len(library)) if bool(before[k].any())]
    checked = [k for k in moving if not torch.equal(before[k], other[k])]
    pushed = maps.push(u, torch.cat([before[moving], rate[None], other[checked]]), max(horizons))
    window = inside(grid, u)
    rows, sizes, changes = [], [], []
    for steps in horizons:
        now = pushed[:, :, steps - 1]
        after = _characteristics(library, frames[:, steps - 1], now[len(moving)], grid, steps * maps.step, cut=None)
        carried = torch.zeros_like(after)
        carried[moving] = now[: len(moving)]
        change = torch.zeros_like(after)
        change[checked] = now[len(moving) + 1 :] - carried[checked]
        rows.append((carried - after)[..., window].flatten(1))
        sizes.append((carried.abs() + after.abs())[..., window].flatten(1))
        changes.append(change[..., window].flatten(1))
    matrix, size, changed = (torch.cat(each, dim=1).T for each in (rows, sizes, changes))
    return matrix, size, changed


def _noise(spectrum: Spectrum, change: Tensor) -> np.ndarray:
    """How much another probe changes the conditions on each direction, `(columns,)`."""
    per_direction = (change / torch.from_numpy(spectrum.scale)) @ torch.from_numpy(spectrum.directions).T
    result: np.ndarray = (per_direction.norm(dim=0) / len(change) ** 0.5).numpy()
    return result


def _characteristics(
    library: Library, u: Tensor, rate: Tensor, grid: Grid, t: float, cut: Tensor | None
) -> Float[Tensor, "columns batch channel *space"]:
    """The characteristic of each column; coefficients that depend on space are multiplied by `cut`."""
    dims = grid.dims
    slopes = [derivative(u, grid, tuple(int(axis == other) for other in range(dims))) for axis in range(dims)]
    coordinates = middle_coordinates(grid, u)
    functions = [function for _, function in library.columns]
    compiled = torch_function(library.variables, functions)
    values = compiled(*coordinates, torch.as_tensor(t, dtype=u.dtype), *u.unbind(1))
    space = set(library.variables[:dims])
    result = torch.zeros(len(library), *u.shape, dtype=u.dtype, device=u.device)
    for k, (component, function) in enumerate(library.columns):
        value = torch.as_tensor(values[k], dtype=u.dtype, device=u.device).expand(u[:, 0].shape)
        if cut is not None and function.free_symbols & space:
            value = value * cut
        if component > dims:
            result[k, :, component - dims - 1] = value
        else:
            along = rate if component == dims else slopes[component]
            result[k] = -value.unsqueeze(1) * along
    return result


def _uncertainty(spectrum: Spectrum, decision: Decision) -> float:
    """How far errors as large as the largest null singular value turn the null space: sin θ ≤ σ_d/σ_{d+1}."""
    values = spectrum.singular_values
    if not 0 < decision.dimension < len(values):
        return 0.0
    largest, gap = float(values[decision.dimension - 1]), float(values[decision.dimension])
    return float(np.clip(max(largest, decision.floor) / gap, 1e-11, 1.0))


def _is_linear(maps: Propagation, u: Tensor) -> bool:
    one, other = u[:1], u[-1:].flip(-1)
    together, apart = maps.advance(one + other, 1), maps.advance(one, 1) + maps.advance(other, 1)
    return float((together - apart).norm() / together.norm()) < _LINEAR
