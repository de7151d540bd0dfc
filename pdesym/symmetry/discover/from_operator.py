"""The symmetries of a solution map that can only be called."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.flow_map import FlowMap
from pdesym.solvers.grid import Grid
from pdesym.symmetry.discover.conditions import conditions, fitting_library, is_linear, probes
from pdesym.symmetry.discover.judgement import Conditions, Knowledge, judged
from pdesym.symmetry.discover.propagation import Operator, Propagation, propagation_of
from pdesym.symmetry.discover.resolution import unresolved
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.window import Margins
from pdesym.symmetry.library import Library


def discover_from_operator(
    operator: Operator | FlowMap,
    u: Float[Tensor, "batch channel *space"],
    grid: Grid,
    library: Library | None = None,
    *,
    step: float | None = None,
    horizons: Sequence[int] = (1, 2, 4),
    error: float | None = None,
    others: Sequence[Operator] = (),
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

    A trained operator is wrong by more than that, and what it does to one direction is wrong by more than what it does
    to another. Operators trained alike from other seeds tell by how much: with Aᵢ the conditions of this operator and
    Aⱼ those of the others, all with the columns scaled alike, ‖(Aᵢ − Aⱼ)c‖/√2 is its error along c. A singular value
    counts as zero when it is at most `factor` times that; counting ends with the first that is not. For what breaks
    no symmetry the ratio is about 1 whatever the network, and for what does it grows as networks get better.

    Args:
        operator: a `FlowMap`, or a callable on field batches that moves them by `step`.
        u: where to look, such as the fields that the operator was trained on; float64.
        grid: their grid.
        library: where to look; polynomials of degree 2 in the variables of u when not given.
        step: the time of one step; of a `FlowMap` up to its first output time when not given.
        horizons: times of comparison, in steps.
        error: relative error of the operator's one-step increments on data that it has not seen, for a trained one
            that has no others beside it: singular values up to `factor` times as large count as zero.
        others: operators that map the same fields by the same step, trained alike from other seeds. Without `error`
            and `others` the operator counts as exact, and the largest gap in the spectrum decides, none of whose values
            counts as smaller than its noise.
        factor: see `error` and above.
        seed: of the choices of pivots.
        name: what to call the operator.

    Raises:
        ValueError: for fields in another precision, of other shapes, or horizons that are no numbers of steps.
    """
    library = _checked_library(u, grid, library, horizons)
    knowledge = Knowledge(error, bool(others), factor)
    maps = propagation_of(operator, step)
    (own, last), *beside = (
        _conditions(each, u, grid, library, tuple(horizons), knowledge.margins)
        for each in (maps, *(propagation_of(other, maps.step) for other in others))
    )
    return judged(
        own,
        [matrix for (matrix, _, _), _ in beside],
        knowledge,
        library,
        linear=is_linear(_one_step(maps), u),
        seed=seed,
        name=name,
        flags=unresolved(last, grid) if knowledge.exact else (),
    )


def discover_alike(
    operators: Mapping[str, Operator],
    u: Float[Tensor, "batch channel *space"],
    grid: Grid,
    library: Library | None = None,
    *,
    step: float,
    horizons: Sequence[int] = (1, 2, 4),
    factor: float = 2.0,
    seed: int = 0,
) -> tuple[Discovery, ...]:
    """`discover_from_operator` of each of several operators with the `others` beside it, each evaluated once.

    Args:
        operators: callables on field batches by name, trained alike from different seeds; two at least, better three.
        u: as there.
        grid: as there.
        library: as there.
        step: as there.
        horizons: as there.
        factor: as there.
        seed: as there.

    Raises:
        ValueError: for a single operator, and as there.
    """
    if len(operators) < 2:
        raise ValueError(f"Expected two operators or more, whose spread tells their error, got {len(operators)}.")
    library = _checked_library(u, grid, library, horizons)
    knowledge = Knowledge(None, True, factor)
    maps = {name: propagation_of(operator, step) for name, operator in operators.items()}
    found = {
        name: _conditions(each, u, grid, library, tuple(horizons), knowledge.margins)[0] for name, each in maps.items()
    }
    return tuple(
        judged(
            own,
            [matrix for other, (matrix, _, _) in found.items() if other != name],
            knowledge,
            library,
            linear=is_linear(_one_step(maps[name]), u),
            seed=seed,
            name=name,
        )
        for name, own in found.items()
    )


def _one_step(maps: Propagation) -> Operator:
    return lambda fields: maps.advance(fields, 1)


def _checked_library(u: Tensor, grid: Grid, library: Library | None, horizons: Sequence[int]) -> Library:
    if u.dtype != torch.float64:
        raise ValueError(f"Expected fields in float64, in which symmetries are measured, got {u.dtype}.")
    if tuple(u.shape[2:]) != grid.points:
        raise ValueError(f"Expected fields (batch, channel, {', '.join(map(str, grid.points))}), got {tuple(u.shape)}.")
    if not horizons or any(k < 1 for k in horizons):
        raise ValueError(f"Expected horizons of one step or more, got {tuple(horizons)}.")
    return fitting_library(library, u.shape[1], grid)


def _conditions(
    maps: Propagation, u: Tensor, grid: Grid, library: Library, horizons: tuple[int, ...], margins: Margins
) -> tuple[Conditions, Tensor]:
    """The conditions at all horizons, see `conditions`, and the fields at the longest."""
    probed = probes(library, u, *maps.initial_rates(u), grid, 0.0, margins)
    chosen = [steps - 1 for steps in horizons]
    frames = maps.advance(u, max(horizons))
    pushed = maps.push(u, probed.directions, max(horizons))[:, :, chosen]
    times = maps.step * torch.tensor(horizons, dtype=torch.float64)
    return conditions(probed, frames[:, chosen], pushed, times), frames[:, -1]
