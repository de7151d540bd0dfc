"""How far a map is from equivariance, strict and relaxed, and from a target up to the symmetries of its input."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.relax.action import GroupAction, GroupElement, Stabiliser, count_of, taken
from pdesym.symmetry.relax.border import require_generator, require_is, require_outputs, require_samples

_DRAWN = 8


def strict_defect(
    f: Callable[[Tensor], Tensor],
    action_in: GroupAction,
    x: Float[Tensor, "batch ..."],
    action_out: GroupAction | None = None,
    elements: GroupElement | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " batch"]:
    """max_g ‖f(g x) − g f(x)‖/‖f(x)‖ for each sample, dimensionless, float64; not a number where f is 0 all along.

    Args:
        f: batches to batches.
        action_in: on x.
        x: samples.
        action_out: on f(x), None for the same.
        elements: the g that are tried, each on all samples; None for all of a finite group, or 8 drawn from the
            generator.
        generator: draws them.

    Raises:
        TypeError: for x or f(x) that is no tensor, or a generator that is none.
        ValueError: for no sample, or neither elements nor a generator where the group is not a small finite one.
    """
    require_samples(x)

    def apart(moved: Tensor, pushed: Tensor) -> Tensor:
        return _norm(f(moved) - pushed)

    return _worst(apart, f, action_in, x, action_in if action_out is None else action_out, elements, generator)


def relaxed_defect(
    f: Callable[[Tensor], Tensor],
    action_in: GroupAction,
    x: Float[Tensor, "batch ..."],
    action_out: GroupAction | None = None,
    elements: GroupElement | None = None,
    generator: torch.Generator | None = None,
    tolerance: float | None = None,
) -> Float[Tensor, " batch"]:
    """max_g min_{s ∈ G_x} ‖f(g x) − g s f(x)‖/‖f(x)‖ for each sample, dimensionless, float64.

    It is no larger than the strict defect and equal to it where G_x is trivial. g s = s' g with s' ∈ G_gx, over which
    the minimum is taken.

    Args:
        f: as `strict_defect` takes it, and so are the other arguments.
        action_in: on x.
        x: samples.
        action_out: on f(x).
        elements: the g that are tried.
        generator: draws them.
        tolerance: of the stabiliser, as in `GroupAction`.

    Raises:
        TypeError: as `strict_defect` does.
        ValueError: as `strict_defect` does.
    """
    out = action_in if action_out is None else action_out
    require_samples(x)

    def apart(moved: Tensor, pushed: Tensor) -> Tensor:
        return out.distance_over(action_in.stabiliser(moved, tolerance), pushed, f(moved)).sqrt()

    return _worst(apart, f, action_in, x, out, elements, generator)


def orbit_distance(
    y_hat: Float[Tensor, "batch ..."], y: Float[Tensor, "batch ..."], action: GroupAction, stabiliser: Stabiliser
) -> Float[Tensor, " batch"]:
    """min_{s ∈ G_x} ‖s ŷ − y‖² for each sample, the sum over all entries, in the square of their unit; float64.

    Where y is one of the targets s y of a symmetric input x, which of them was drawn is nothing that x tells: this
    error counts a prediction of any of them as right. Over continuous G_x of translations it is the greatest value of
    a correlation, which transforms give on a fine grid and Newton's method between its points.

    Args:
        y_hat: predictions.
        y: targets.
        action: on the outputs.
        stabiliser: of the inputs x, from the action on them.

    Raises:
        TypeError: for what is no tensor, action or stabiliser.
        ValueError: for different shapes, no sample, or a stabiliser of another number of samples or another action.
    """
    _require_orbit((y_hat, y), action, stabiliser)
    return action.distance_over(stabiliser, y_hat, y)


def orbit_mean(
    y: Float[Tensor, "batch ..."], action: GroupAction, stabiliser: Stabiliser
) -> Float[Tensor, "batch ..."]:
    """ȳ, the mean of s y over s ∈ G_x: the nearest to y that an equivariant map can give.

    Its output at x is one that G_x leaves as it is, and ȳ is the orthogonal projection of y onto these: no equivariant
    map has a smaller error than ‖ȳ − y‖² on that sample.

    Args:
        y: targets.
        action: on the outputs, by orthogonal maps.
        stabiliser: of the inputs x.

    Raises:
        TypeError: as `orbit_distance` does.
        ValueError: as `orbit_distance` does.
    """
    _require_orbit((y,), action, stabiliser)
    return action.mean_over(stabiliser, y)


def _require_orbit(fields: tuple[Any, ...], action: object, stabiliser: Any) -> None:
    for y in fields:
        require_samples(y)
    require_is(action, GroupAction, "the action on the outputs before the stabiliser")
    require_is(stabiliser, Stabiliser, "the stabiliser of the inputs after the action, action.stabiliser(x)")
    shapes = {tuple(y.shape) for y in fields}
    if len(shapes) > 1:
        raise ValueError(
            f"Expected predictions and targets of one shape, got {' and '.join(map(str, sorted(shapes)))}."
        )
    if len(stabiliser) != len(fields[0]):
        raise ValueError(
            f"Expected the stabiliser of {len(fields[0])} inputs, as many as there are outputs, got one of "
            f"{len(stabiliser)}."
        )


def _worst(
    apart: Callable[[Tensor, Tensor], Tensor],
    f: Callable[[Tensor], Tensor],
    action_in: GroupAction,
    x: Float[Tensor, "batch ..."],
    action_out: GroupAction,
    elements: GroupElement | None,
    generator: torch.Generator | None,
) -> Float[Tensor, " batch"]:
    """max_g apart(g x, g f(x))/‖f(x)‖."""
    with torch.no_grad():
        y = f(x)
        require_outputs(y, len(x))
        worst = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        for g in _tried(action_in, x, elements, generator):
            worst = torch.maximum(worst, apart(action_in.act(g, x), action_out.act(g, y)))
        return worst / _norm(y)


def _tried(
    action: GroupAction, x: Tensor, elements: GroupElement | None, generator: torch.Generator | None
) -> list[GroupElement]:
    """The elements, each for all samples."""
    chosen = action.everything(x.device) if elements is None else elements
    if chosen is None:
        if generator is None:
            raise ValueError(
                "Expected elements to try, or a generator that draws them: this group has too many to try all."
            )
        require_generator(generator)
        chosen = action.random(_DRAWN, generator)
    repeats = len(x)
    return [taken(chosen, torch.full((repeats,), place, dtype=torch.int64)) for place in range(count_of(chosen))]


def _norm(y: Float[Tensor, "batch ..."]) -> Float[Tensor, " batch"]:
    size: Tensor = torch.linalg.vector_norm(y.double().flatten(1), dim=1)
    return size
