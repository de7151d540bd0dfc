"""Solutions moved to other solutions by the flow of generators."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.trajectories import Trajectories
from pdesym.symmetry.augment.draw import random_parameters
from pdesym.symmetry.augment.family import Family, SymbolicFamily, family_of
from pdesym.symmetry.augment.frame_form import frame_form
from pdesym.symmetry.augment.frame_motion import MovedFrames, move_frames
from pdesym.symmetry.augment.point_motion import move_points
from pdesym.symmetry.augment.residual import LEAST_FRAMES, on_shell_residual
from pdesym.symmetry.generator import Generator

# With this residual the field between frames has a relative square error of about 1e-6 (KdV and KS at several steps).
TOLERANCE = 1e-2


@dataclass(frozen=True)
class MovedTrajectories:
    """Solutions after a motion, with what is known about their validity.

    Attributes:
        u: `(batch, time, channel, *space)`, in the type of the data.
        times: `(batch, time)`, float64, in the equation's unit of time; those of the data unless a scaling moved them.
        grid: of the data; the points of each sample are the same fractions of its own box.
        equation: what the trajectories should solve.
        length: `(batch, dims)`, the length of the box of each sample; None where it is the grid's.
        mask: `(batch, time)`, the frames whose pre-image lies in the data: the others are no solution.
        residual: `(batch,)`, the residual on the frames of the mask (`on_shell_residual`); nan where they are too few.
        accepted: `(batch,)`, whether that is small enough.
        parameters: `(batch, generators)`, ε.
    """

    u: Float[Tensor, "batch time channel *space"]
    times: Float[Tensor, "batch time"]
    grid: Grid
    equation: Equation
    length: Float[Tensor, "batch dims"] | None
    mask: Bool[Tensor, "batch time"]
    residual: Float[Tensor, " batch"]
    accepted: Bool[Tensor, " batch"]
    parameters: Float[Tensor, "batch generators"]


def augment(
    trajectories: Trajectories,
    generators: Family | Sequence[Generator],
    scales: Sequence[int | float],
    seed: int,
    *,
    probability: float = 1.0,
    tolerance: float = TOLERANCE,
) -> MovedTrajectories:
    """Each trajectory moved by exp(Σ_g ε_g v_g) with its own random ε, `random_parameters` and then `move`.

    Args:
        trajectories: solutions on a periodic grid, frames in equal steps.
        generators: v, symmetries of the equation.
        scales: ε_g is uniform in [−scale_g, scale_g]; one for each generator.
        seed: of the random numbers; the parameters of sample i depend on it and i alone, and what becomes of the sample
            too, up to rounding.
        probability: that a sample is moved at all.
        tolerance: as in `move`.

    Raises:
        ValueError: for another number of scales than of generators; as `random_parameters` and `move`.
    """
    family = family_of(generators)
    if len(scales) != len(family):
        raise ValueError(
            f"Expected one scale for each of the {len(family)} generators ({', '.join(family.names)}), got "
            f"{len(scales)}."
        )
    parameters = random_parameters(range(len(trajectories.u)), scales, seed, probability)
    return move(trajectories, family, parameters, tolerance=tolerance)


def move(
    trajectories: Trajectories,
    generators: Family | Sequence[Generator],
    parameters: Float[Tensor, "batch generators"],
    *,
    tolerance: float = TOLERANCE,
) -> MovedTrajectories:
    """exp(Σ_g ε_g v_g) applied to trajectories, and whether what comes out solves the equation.

    Generators that move frames as a whole (ξ = a(t) + b x, τ(t), φ = α(t) + β(t) u) act by `move_frames`, all others
    by `move_points`, on lines alone. A sample with all parameters 0 comes back bit for bit.

    Args:
        trajectories: solutions on a periodic grid, at least five frames in equal steps.
        generators: v, symmetries of the equation, as text or learned.
        parameters: ε.
        tolerance: a sample with a larger residual is not accepted; data with a larger one are refused. A motion so
            small that it breaks less than this is accepted even along a vector field that is no symmetry.

    Raises:
        ValueError: for boxes of finite differences, generators of other variables than the data's, parameters of
            another shape or not finite, too few frames or unequal steps, data that do not solve the equation; as
            `family_of`, `move_frames` and `move_points`.
    """
    family = family_of(generators)
    grid = _checked(trajectories, family, parameters)
    u, equation = trajectories.u, trajectories.equation
    times = trajectories.times.to(device=u.device, dtype=torch.float64)
    size = torch.tensor(grid.length, dtype=torch.float64, device=u.device)
    stretch = None if trajectories.length is None else trajectories.length.to(size) / size
    before = on_shell_residual(u, times.expand(u.shape[:2]), grid, equation, stretch=stretch)
    _require_solutions(before, tolerance)
    moved = _moved(trajectories, grid, times, stretch, family, parameters)
    boxes = moved.stretch if stretch is None else moved.stretch * stretch
    own = None if bool((boxes == 1).all()) else boxes
    residual = on_shell_residual(moved.u, moved.times, grid, equation, stretch=own, mask=moved.mask)
    return MovedTrajectories(
        moved.u,
        moved.times,
        grid,
        equation,
        None if own is None else own * size,
        moved.mask,
        residual,
        residual <= tolerance,
        parameters,
    )


def _moved(
    trajectories: Trajectories,
    grid: Grid,
    times: Tensor,
    stretch: Tensor | None,
    family: Family,
    parameters: Tensor,
) -> MovedFrames:
    u, equation = trajectories.u, trajectories.equation
    form = frame_form(family.vector_fields) if isinstance(family, SymbolicFamily) else None
    if form is not None:
        return move_frames(u, times, grid, equation, form, family.names, parameters, stretch)
    if stretch is not None:
        raise ValueError(
            f"The generators {', '.join(family.names)} move the points of a frame against each other, which needs one "
            "box for all samples: solve without lengths of their own."
        )
    points, mask = move_points(u, times, grid, equation, family, parameters)
    same = torch.ones(len(u), grid.dims, dtype=torch.float64, device=u.device)
    return MovedFrames(points, times.expand(u.shape[:2]), same, mask)


def _checked(trajectories: Trajectories, family: Family, parameters: Tensor) -> Grid:
    grid, u = trajectories.grid, trajectories.u
    if not isinstance(grid, Grid):
        raise ValueError(
            "Expected trajectories on a periodic Grid, got a box of finite differences, whose ends the generators "
            "would move: solve on a Grid."
        )
    given = (*family.coordinates, "t", *family.fields)
    wanted = (*grid.axes, "t", *trajectories.equation.fields)
    if given != wanted:
        raise ValueError(
            f"Expected generators of the variables ({', '.join(wanted)}) of the data, got {family.names[0]} of "
            f"({', '.join(given)}): declare coordinates and fields as the equation has them."
        )
    if parameters.shape != (len(u), len(family)):
        raise ValueError(
            f"Expected parameters of shape ({len(u)}, {len(family)}), one for each sample and generator, got "
            f"{tuple(parameters.shape)}."
        )
    if not torch.isfinite(parameters).all():
        raise ValueError("Expected finite parameters, got nan or inf among them.")
    finite = torch.isfinite(u).flatten(1).all(1)
    if not finite.all():
        raise ValueError(f"Expected finite trajectories, got nan or inf in sample {int((~finite).nonzero()[0])}.")
    if u.shape[1] < LEAST_FRAMES:
        raise ValueError(
            f"Expected at least {LEAST_FRAMES} frames to test whether they solve the equation, got {u.shape[1]}: keep "
            "more output times."
        )
    return grid


def _require_solutions(residual: Tensor, tolerance: float) -> None:
    # Written so that nan refuses.
    wrong = ~(residual <= tolerance)
    if wrong.any():
        sample = int(wrong.nonzero()[0])
        raise ValueError(
            f"Expected solutions of the equation, got a residual of {residual[sample].item():.2g} in sample {sample} "
            f"before any motion: the equation is another one, the frames are too coarse in time (see "
            "frames_between) or space, or the data are noisy."
        )
