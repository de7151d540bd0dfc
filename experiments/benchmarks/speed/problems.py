"""The problems that every tool solves, and the one measure of error that all are judged by."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pdesym.solvers import Equation, GaussianField, Grid, InitialLaw, RandomSinusoids, burgers, kdv, ks
from pdesym.solvers.catalogue.navier_stokes import navier_stokes

SEED = 0


@dataclass(frozen=True)
class Problem:
    """What is solved, where errors are measured, and to which error.

    Attributes:
        name: of the problem, and of its truth in the cache.
        equation: what pdesym solves.
        grid: where initial fields are drawn and errors are measured; a tool may compute on any finer grid.
        law: of the initial fields.
        samples: number of trajectories.
        horizon: final time, in the equation's unit.
        frames: number of saved fields, equidistant, the last at the horizon, the initial one not among them.
        bar: largest error allowed for any sample.
    """

    name: str
    equation: Callable[[], Equation]
    grid: Grid
    law: InitialLaw
    samples: int
    horizon: float
    frames: int
    bar: float

    @property
    def times(self) -> Tensor:
        """`(frames,)`, float64."""
        return torch.linspace(0, self.horizon, self.frames + 1, dtype=torch.float64)[1:]

    def initial(self, points: int | None = None) -> Tensor:
        """`(samples, 1, *points)` on the problem's grid, or on one with this many points along each axis."""
        grid = self.grid if points is None else self.grid.refined([points] * self.grid.dims)
        return self.law.sample(grid, range(self.samples), SEED)

    def fewer(self, samples: int) -> "Problem":
        """The same with the first samples only."""
        return replace(self, samples=min(samples, self.samples))


KDV = Problem("kdv", kdv, Grid(256, length=128.0), RandomSinusoids(), 256, 100.0, 250, 1e-5)
KS = Problem("ks", ks, Grid(128, length=64.0), RandomSinusoids(), 64, 100.0, 500, 5e-4)
BURGERS = Problem(
    "burgers",
    lambda: burgers(nu=0.05),
    Grid(256, length=2 * math.pi),
    RandomSinusoids(waves=(1, 2, 3, 4)),
    64,
    4.0,
    40,
    1e-5,
)
# The law of the FNO benchmark with every mode that 64² points carry, 16 times as strong: a root mean square of 3.
# Their grid alone makes an error of some 3e-4.
NAVIER_STOKES_64 = Problem(
    "navier-stokes",
    lambda: navier_stokes(nu=1e-3),
    Grid(64, 64, length=1.0),
    GaussianField(sigma=300.0, modes=31),
    16,
    2.0,
    20,
    1e-3,
)
NAVIER_STOKES_128 = replace(NAVIER_STOKES_64, bar=1e-5)


def errors(u: Tensor, truth: Tensor) -> Tensor:
    """‖u − truth‖ / ‖truth‖ of each sample over all frames and points of the truth's grid; inf where u is not finite.

    Args:
        u: `(samples, frames, 1, *any)`, any floating type; its trigonometric interpolant is what is judged.
        truth: `(samples, frames, 1, *points)`.
    """
    result = []
    for mine, true in zip(u, truth, strict=True):
        difference = (on_points(mine.double(), tuple(true.shape[2:])) - true).norm() / true.norm()
        result.append(difference.nan_to_num(nan=math.inf))
    return torch.stack(result)


def on_points(u: Tensor, points: tuple[int, ...]) -> Tensor:
    """The trigonometric interpolant of fields `(…, *any)` at the points of another grid, exactly.

    Raises:
        ValueError: in 2D, when the points are none of the fields' own.
    """
    own = tuple(u.shape[-len(points) :])
    if own == points:
        return u
    if all(n % p == 0 for n, p in zip(own, points, strict=True)):
        return u[(..., *(slice(None, None, n // p) for n, p in zip(own, points, strict=True)))]
    if len(points) > 1:
        raise ValueError(f"Expected a multiple of {points} points in 2D, got {own}.")
    (n,), (p,) = own, points
    spectrum = torch.fft.fft(u, dim=-1, norm="forward")
    wave = torch.fft.fftfreq(n, 1 / n).round().long()
    if n % 2 == 0:
        # The wave n/2 is the mean of both its signs.
        spectrum[..., n // 2] /= 2
        spectrum = torch.cat([spectrum, spectrum[..., n // 2 : n // 2 + 1]], dim=-1)
        wave = torch.cat([wave, -wave[n // 2 : n // 2 + 1]])
    # On p points the wave k looks like k mod p.
    folded = torch.zeros(*u.shape[:-1], p, dtype=spectrum.dtype).index_add_(-1, wave % p, spectrum)
    return torch.fft.ifft(folded, norm="forward").real
