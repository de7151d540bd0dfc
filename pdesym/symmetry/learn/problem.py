"""What vector fields are fitted to: a score on some data, the same score on other data, and a measure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.threads import one_thread
from pdesym.solvers.trajectories import Trajectories
from pdesym.symmetry.augment.residual import LEAST_FRAMES, on_shell_residual
from pdesym.symmetry.augment.steps import in_equal_steps
from pdesym.symmetry.discover.from_data import arrays_of, checked_arrays
from pdesym.symmetry.discover.identify import identify
from pdesym.symmetry.discover.pointwise import fit_pointwise
from pdesym.symmetry.discover.time_differences import rates_of_frames
from pdesym.symmetry.learn.flow_score import FlowScore
from pdesym.symmetry.learn.measure import Measure
from pdesym.symmetry.learn.on_shell import OnShellScore
from pdesym.symmetry.learn.operator_score import OperatorScore
from pdesym.symmetry.learn.patches import PatchSource
from pdesym.symmetry.learn.scales import Scales
from pdesym.symmetry.learn.score import Score
from pdesym.symmetry.learn.solution_frames import SolutionFrames, require_local
from pdesym.symmetry.pushforward import Operator

EXACT = 0.02
"""Relative breaking up to which a vector field counts as a symmetry."""

_HELD_OUT = 0.25
_PIECES = 16
_PATCHES = 4
_SCORES = ("on_shell", "flow")


@dataclass(frozen=True)
class LearningProblem:
    """What vector fields are fitted to.

    Attributes:
        score: on the data that the fit sees.
        held_out: the same on data that it does not see, which decide what is a symmetry.
        measure: under which vector fields are normalised and compared.
        tolerance: relative breaking on the data held out up to which a vector field counts as a symmetry.
        subject: what is looked at, in words.
        notes: what a reader of the result should know, a sentence each.
        equation: that the data solve, given or identified; None for an operator.
    """

    score: Score
    held_out: Score
    measure: Measure
    tolerance: float
    subject: str
    notes: tuple[str, ...] = ()
    equation: Equation | None = None

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ValueError(f"Expected a tolerance between 0 and 1, got {self.tolerance}.")


@one_thread()
def from_trajectories(
    trajectories: Trajectories | Float[Tensor, "batch time channel *space"],
    equation: Equation | None = None,
    *,
    grid: Grid | None = None,
    times: Float[Tensor, " time"] | None = None,
    score: str = "on_shell",
    sigma: float = 0.4,
    frames: int = 160,
    refine: int = 2,
    tolerance: float = EXACT,
    seed: int = 0,
) -> LearningProblem:
    """The symmetry condition on frames of trajectories, or the equation on what finite flows make of them.

    A quarter of the trajectories, at least one, is held out; of a single one, the last quarter of its frames.

    Args:
        trajectories: what `solve` returns, or an array with `grid` and `times`.
        equation: that they solve; not given, it is identified from them, which takes one field on a line. What
            `Trajectories` know of their equation is not used: pass it.
        grid: of an array.
        times: of an array.
        score: "on_shell", see `OnShellScore`, in which the best last layer of the network is solved for; or "flow", see
            `FlowScore`, for one field on a line, with four patches around each frame, which gradient steps alone fit.
        sigma: of `FlowScore`; shorter ways are easier to learn from.
        frames: how many the fit sees; a quarter as many are held out. With too few of them the fields held out leave
            the range that the network has seen, and their levels say so.
        refine: factor by which the grid is refined, see `SolutionFrames`.
        tolerance: see `LearningProblem`.
        seed: of the choice of frames.

    Raises:
        ValueError: for an array without grid or times, fields that are not those of the equation, data that fix no
            equation, too few frames or points to identify one; an unknown score, and all that `FlowScore` refuses.
    """
    if frames < 1 or refine < 1:
        raise ValueError(f"Expected at least 1 frame and a factor of at least 1, got frames={frames}, refine={refine}.")
    if score not in _SCORES:
        raise ValueError(f"Expected score to be one of {', '.join(_SCORES)}, got {score!r}.")
    u, grid, times = arrays_of(trajectories, grid, times)
    if u.ndim != grid.dims + 3 or tuple(u.shape[3:]) != grid.points or len(times) != u.shape[1]:
        raise ValueError(
            f"Expected trajectories (batch, {len(times)}, channel, {', '.join(map(str, grid.points))}), got "
            f"{tuple(u.shape)}."
        )
    if equation is None:
        equation, note = _equation_behind(u, grid, times, seed)
        notes: tuple[str, ...] = (note,)
    else:
        notes = _tested(u, grid, times, equation, tolerance)
    times = times.to(u.device).double()
    scales = Scales.of(u, times, grid, equation.fields)
    rng = np.random.default_rng(seed)
    pool = np.stack(np.meshgrid(np.arange(len(u)), np.arange(u.shape[1]), indexing="ij"), -1)
    cut = max(1, round(_HELD_OUT * len(u))) if len(u) > 1 else max(1, round(_HELD_OUT * u.shape[1]))
    seen, unseen = (pool[:-cut], pool[-cut:]) if len(u) > 1 else (pool[:, :-cut], pool[:, -cut:])

    def scored(part: np.ndarray, count: int) -> Score:
        flat = part.reshape(-1, 2)
        sample, frame = torch.from_numpy(flat[rng.permutation(len(flat))[:count]]).to(u.device).unbind(1)
        if score == "flow":
            sample, frame = (index.repeat_interleave(_PATCHES) for index in (sample, frame))
            place = torch.from_numpy(rng.random(len(sample))).to(u.device)
            return FlowScore(PatchSource.of(u, times, grid, equation, sample, frame, place), sigma, seed=seed)
        at = equation.select(sample.tolist())
        return OnShellScore(SolutionFrames.of(u[sample, frame], times[frame], grid, at, refine))

    scores = scored(seen, frames), scored(unseen, max(1, frames // 4))
    measure = Measure.of(u, times.expand(len(u), -1), grid, scales, _PIECES, seed)
    return LearningProblem(*scores, measure, tolerance, equation.statement, notes, equation)


def from_operator(
    operator: Operator,
    u: Float[Tensor, "..."],
    grid: Grid,
    times_in: Float[Tensor, " time_in"],
    times_out: Float[Tensor, " time_out"],
    *,
    rhs: Callable[..., Tensor] | None = None,
    tolerance: float = EXACT,
    name: str = "operator",
    seed: int = 0,
) -> LearningProblem:
    """The condition dF[u]·Q_in = Q_out of an operator F, a trained network or a solver's flow map.

    A quarter of the fields or windows, at least one, is held out. The dependent variables are called u, or u1, u2, …

    Args:
        operator: F, see `OperatorScore`; in float64.
        u: where to look, solutions `(batch, channel, *space)` or `(batch, time, channel, *space)`, float64.
        grid: their grid.
        times_in: times of the input frames, one for fields; those of a flow map itself.
        times_out: times of the output frames; likewise.
        rhs: u_t of fields at a time, `rhs(u, t)`; by default that of the operator, or else a difference of the input
            frames, of which there must then be several at equal steps.
        tolerance: see `LearningProblem`; an operator whose frames are wrong by a share e cannot tell symmetries from
            what is broken by e.
        name: what to call the operator.
        seed: of the points of the measure.

    Raises:
        ValueError: for another precision, fewer than two windows, shapes that do not fit, or no way to u_t.
    """
    if u.dtype != torch.float64:
        raise ValueError(f"Expected fields in float64, in which symmetries are measured, got {u.dtype}.")
    if u.ndim not in (grid.dims + 2, grid.dims + 3) or tuple(u.shape[-grid.dims :]) != grid.points:
        raise ValueError(
            f"Expected fields (batch, channel, *space) or windows (batch, time, channel, *space) on {grid.points} "
            f"points, got {tuple(u.shape)}."
        )
    if len(u) < 2:
        raise ValueError("Expected at least two fields or windows, of which some are held out, got one.")
    frames = u if u.ndim == grid.dims + 3 else u.unsqueeze(1)
    rhs = getattr(operator, "rhs", None) if rhs is None else rhs
    if rhs is not None:
        u_t = torch.stack([rhs(f, float(t)) for f, t in zip(frames.unbind(1), times_in, strict=True)], 1)
    elif frames.shape[1] > 1:
        u_t, _ = rates_of_frames(frames, float(times_in[1] - times_in[0]))
    else:
        raise ValueError("One frame does not tell u_t: pass rhs=..., the right-hand side of the equation.")
    times_in, times_out = times_in.double(), times_out.double()
    if times_out.ndim != 1 or not bool((times_out > times_in.max()).all()):
        raise ValueError(
            f"Expected output times (time_out,) after {float(times_in.max()):g}, got {times_out.tolist()}."
        )
    names = ("u",) if frames.shape[2] == 1 else tuple(f"u{a + 1}" for a in range(frames.shape[2]))
    everything = torch.cat([times_in, times_out]).double()
    cut = max(1, round(_HELD_OUT * len(u)))
    u_t = u_t.reshape(u.shape)
    parts = (slice(-cut), slice(-cut, None))
    seen, unseen = (OperatorScore(operator, u[part], u_t[part], grid, times_in, times_out) for part in parts)
    after = torch.cat([seen.output, unseen.output]).reshape(len(u), len(times_out), *frames.shape[2:])
    # A vector field is to be judged at the times of the output too.
    frames = torch.cat([frames, after], 1)
    scales = Scales.of(frames, everything, grid, names)
    measure = Measure.of(frames, everything.expand(len(u), -1), grid, scales, _PIECES, seed)
    return LearningProblem(seen, unseen, measure, tolerance, name)


def _tested(u: Tensor, grid: Grid, times: Tensor, equation: Equation, tolerance: float) -> tuple[str, ...]:
    """A note where frames do not tell whether they solve the equation, or tell that they do not quite.

    Raises:
        ValueError: for other fields, or where they do not.
    """
    require_local(u[:, 0], equation)
    equation.require_samples(len(u))
    if not bool((times.double().diff() > 0).all()):
        raise ValueError("Expected times that increase from frame to frame.")
    if len(times) < LEAST_FRAMES or not in_equal_steps(times):
        return ("whether the data solve the equation was not tested, which takes five frames in equal steps",)
    few = list(range(min(len(u), _TESTED)))
    instants = times.to(u.device).double().expand(len(few), -1)
    residuals = on_shell_residual(u[: len(few)], instants, grid, equation.select(few))
    residual, worst = float(residuals.median()), int(residuals.argmax())
    # Written so that nan refuses.
    if not residual <= _WRONG:
        raise ValueError(
            f"Expected solutions of {equation.statement!r}, got a residual of {residual:.2g}: the equation is another "
            "one, the frames are too coarse in time or space, or the data are noisy."
        )
    if float(residuals[worst]) > tolerance:
        return (
            f"doubtful: sample {worst} misses the equation by {float(residuals[worst]):.2g} of u_t (another equation, "
            "coarse frames, or noise), so that levels below that are levels of the equation, not of the data",
        )
    return ()


def _equation_behind(u: Tensor, grid: Grid, times: Tensor, seed: int) -> tuple[Equation, str]:
    """The equation of trajectories, and how it was found."""
    array, dt, dx = checked_arrays(u, grid, times)
    found = identify(array, dt, dx)
    if found.ambiguous is not None:
        raise ValueError(f"These data fix no equation, {found.ambiguous}: pass equation=..., or other data.")
    if found.fits:
        return found.equation(), f"identified from the data: {found}, which leaves {found.residual:.1e} of u_t"
    fit = fit_pointwise(array, dt, dx, seed)
    if fit.error > _MEANINGLESS:
        raise ValueError(
            f"No equation of the terms tried fits these data ({found} leaves {found.residual:.1e} of u_t), nor does a "
            f"smooth function of u, u_x, … (it misses {fit.error:.1e}): pass equation=..., or finer frames."
        )
    return fit.equation, f"u_t is fitted point by point, up to {fit.error:.1e} of it, on data held out"


_MEANINGLESS = 0.1
# Trajectories that are tested, and the residual above which they solve another equation.
_TESTED, _WRONG = 8, 0.3
