"""A field at any points of space and time, from its frames."""

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integration import AccuracyWarning
from pdesym.solvers.spectral import inverse_transform, transform
from pdesym.solvers.spectrum import interpolated
from pdesym.symmetry.augment.interpolation import TimeInterpolant
from pdesym.symmetry.augment.lagrange import halfway, lagrange_weights, stencil

# Points of the local interpolation along each axis, and how much finer than the data it may work.
_WIDTH = 8
_FINEST = 32
_MIDDLE = lagrange_weights(torch.tensor([_WIDTH / 2 - 0.5], dtype=torch.float64), _WIDTH)[0]
# The error of the interpolation falls by 2⁸ from one refinement to the next; so much of it is counted on.
_GAIN = 2 ** (_WIDTH - 3)

# Where it falls by less than this, the pieces of `TimeInterpolant` do not fit together any better; above _ROUGH they
# are no description of the field.
_FALL = 8
_ROUGH = 1e-3


class SpaceTimeField:
    """The trajectory of one sample as a function u(x, t), float64.

    Frames between the given ones come from `TimeInterpolant`, points between the grid's from zeros behind the spectrum;
    on this finer grid, Lagrange's interpolation through 8 × 8 points. The grid is refined, by 2 at a time, until that
    interpolation reproduces the points of the next finer one to the tolerance, or as well as the pieces that
    `TimeInterpolant` consists of fit together, up to 32 times; `error` is the largest difference then left, measured
    where the interpolation is worst, halfway between points. The error of `TimeInterpolant` comes on top.

    Args:
        u: frames `(time, channel, points)`.
        times: `(time,)`, equidistant, float64.
        grid: 1D.
        equation: what the frames solve, with parameters of this sample; None where that is not known.
        tolerance: of the interpolation on the finer grid, relative to the root mean square of each channel.

    Attributes:
        error: reached, relative to the root mean square.
        refined: how many times finer the grid is than the data, in time and in space.

    Raises:
        ValueError: as `TimeInterpolant`.

    Warns:
        AccuracyWarning: when `error` is above 1e-3.
    """

    def __init__(
        self,
        u: Float[Tensor, "time channel points"],
        times: Float[Tensor, " time"],
        grid: Grid,
        equation: Equation | None,
        tolerance: float,
    ):
        frames = u.double()
        self.scale = frames.square().mean((0, 2)).sqrt().clamp_min(torch.finfo(torch.float64).tiny)
        self._length = grid.length[0]
        self._first, self._last = float(times[0]), float(times[-1])
        in_space, space_error = self._refinement_in_space(frames, grid, tolerance)
        table, time_error = self._refined_in_time(frames, times, grid, equation, tolerance)
        self.refined, self.error = ((len(table) - 1) // (len(frames) - 1), in_space), max(space_error, time_error)
        fine = (in_space * grid.points[0],)
        values = inverse_transform(interpolated(transform(table, grid), grid.points, fine), fine) * in_space
        self._step = (self._last - self._first) / (len(table) - 1)
        self._points, self._spacing = fine[0], self._length / fine[0]
        self._count = len(table)
        # (channel, time, points), closed around the torus so that a stencil never leaves the row.
        closed = torch.cat([values, values[..., : _WIDTH - 1]], -1).transpose(0, 1).contiguous()
        self.slopes = (
            ((closed[..., 1:] - closed[..., :-1]).abs().amax((1, 2)) / self._spacing),
            ((closed[:, 1:] - closed[:, :-1]).abs().amax((1, 2)) / self._step),
        )
        self._windows = closed.unfold(1, _WIDTH, 1).unfold(2, _WIDTH, 1)
        if self.error > _ROUGH:
            warnings.warn(
                f"Between its frames a sample is known to {self.error:.1e} of its size alone: give the equation that "
                "it solves, or frames that are closer in time.",
                AccuracyWarning,
                stacklevel=2,
            )

    def __call__(self, x: Float[Tensor, " points"], t: Float[Tensor, " points"]) -> Float[Tensor, "channel points"]:
        """u at points, x modulo the length of the box, t moved to the nearest frame where it lies outside the data."""
        row = ((t - self._first) / self._step).clamp(0, self._count - 1)
        column = torch.remainder(x, self._length) / self._spacing
        below, in_time = stencil(row, _WIDTH, self._count)
        left, in_space = stencil(column, _WIDTH)
        patches = self._windows[:, below, torch.remainder(left, self._points)]
        return torch.einsum("cpij,pi,pj->cp", patches, in_time, in_space)

    def _refinement_in_space(self, frames: Tensor, grid: Grid, tolerance: float) -> tuple[int, float]:
        """How much finer the points must be, and the error that is left."""
        spectrum, n = transform(frames, grid), grid.points[0]
        refined = 1
        while True:
            fine = (2 * refined * n,)
            values = inverse_transform(interpolated(spectrum, grid.points, fine), fine) * (2 * refined)
            middle = sum(
                weight * values[..., ::2].roll(_WIDTH // 2 - 1 - j, -1) for j, weight in enumerate(_MIDDLE.tolist())
            )
            error = self._relative(values[..., 1::2] - middle) / _GAIN
            refined *= 2
            if error <= tolerance or refined >= _FINEST:
                return refined, error

    def _refined_in_time(
        self, frames: Tensor, times: Tensor, grid: Grid, equation: Equation | None, tolerance: float
    ) -> tuple[Tensor, float]:
        """Frames that are close enough in time, and the error that is left."""
        between = TimeInterpolant(frames.unsqueeze(0), times, grid, equation)
        table, refined, before = frames, 1, float("inf")
        while True:
            count = len(table)
            instants = self._first + (torch.arange(count - 1, device=frames.device, dtype=torch.float64) + 0.5) * (
                (self._last - self._first) / (count - 1)
            )
            new = between.fields(instants.unsqueeze(0))[0]
            error = self._relative(new - halfway(table, _WIDTH)) / _GAIN
            finer = table.new_empty((2 * count - 1, *table.shape[1:]))
            finer[::2], finer[1::2] = table, new
            table, refined = finer, 2 * refined
            settled = error <= tolerance or (error < _ROUGH and error > before / _FALL)
            if len(table) >= _WIDTH and (settled or refined >= _FINEST):
                return table, error
            before = error

    def _relative(self, difference: Tensor) -> float:
        return float((difference.abs().amax((0, 2)) / self.scale).max())
