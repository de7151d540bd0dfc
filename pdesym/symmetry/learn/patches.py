"""Small pieces of the graphs of solutions, on fine grids of their own."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.symmetry.augment.interpolation import TimeInterpolant

# As many frames around a patch as the interpolation in time takes.
_WINDOW = 7


@dataclass(frozen=True)
class Patches:
    """Patches of the graphs of solutions u(x, t) on a line, float64.

    Attributes:
        x: `(patches, space)`; may exceed the box, around which u is continued.
        t: `(patches, time)`.
        u: `(patches, time, space)`.
    """

    x: Float[Tensor, "patches space"]
    t: Float[Tensor, "patches time"]
    u: Float[Tensor, "patches time space"]

    def __len__(self) -> int:
        return len(self.u)

    @property
    def point(self) -> Float[Tensor, "3 patches time space"]:
        """The points (x, t, u)."""
        return torch.stack(torch.broadcast_tensors(self.x.unsqueeze(1), self.t.unsqueeze(2), self.u))


@dataclass(frozen=True)
class PatchSource:
    """Places on trajectories from which patches are cut, each with the frames around it.

    In the middle of a patch lies a frame, where neither fields nor their rates need interpolation.

    Attributes:
        equation: that the trajectories solve, with parameters for all places or one for each.
        grid: of the frames.
        frames: around each place, `(places, time, 1, space)`.
        times: theirs.
        middle: time of the frame in the middle.
        start: x of the first point of the patch.
    """

    equation: Equation
    grid: Grid
    frames: Float[Tensor, "places time 1 space"]
    times: Float[Tensor, "places time"]
    middle: Float[Tensor, " places"]
    start: Float[Tensor, " places"]

    @classmethod
    def of(
        cls,
        u: Float[Tensor, "batch time fields *space"],
        times: Float[Tensor, " time"],
        grid: Grid,
        equation: Equation,
        sample: Int[Tensor, " places"],
        frame: Int[Tensor, " places"],
        place: Float[Tensor, " places"],
    ) -> "PatchSource":
        """Places by trajectory, frame and part of the box.

        Args:
            u: trajectories.
            times: of their frames.
            grid: of their frames.
            equation: that they solve, with parameters for all trajectories or one for each.
            sample: number of the trajectory.
            frame: number of the frame in the middle; those next to the first and the last stand for these.
            place: where the patch begins, in lengths of the box.

        Raises:
            ValueError: for several fields or dimensions, and auxiliary fields.
        """
        if grid.dims != 1 or len(equation.fields) != 1 or equation.auxiliaries:
            raise ValueError(
                f"The flow score knows equations for one field on a line, got {equation.statement!r} in {grid.dims} "
                "dimension(s): use score='on_shell'."
            )
        width = min(_WINDOW, u.shape[1])
        frame = frame.clamp(1, max(1, u.shape[1] - 2))
        first = (frame - width // 2).clamp(0, u.shape[1] - width)
        window = first.unsqueeze(1) + torch.arange(width, device=u.device)
        times = times.double()
        return cls(
            equation.select(sample.tolist()),
            grid,
            u[sample.unsqueeze(1), window].double(),
            times[window],
            times[frame],
            place * grid.length[0],
        )

    def __len__(self) -> int:
        return len(self.frames)

    def some(self, count: int) -> "PatchSource":
        """The first so many places."""
        few = slice(count)
        equation = self.equation.select(list(range(len(self)))[few])
        return PatchSource(equation, self.grid, self.frames[few], self.times[few], self.middle[few], self.start[few])

    def cut(self, refine_x: int, refine_t: int, rows: int, columns: int) -> Patches:
        """Patches with steps of dx/refine_x and dt/refine_t: spectral in x, interpolated in t.

        Args:
            refine_x: how many times their steps are smaller than those of the grid.
            refine_t: how many times they are smaller than those between frames.
            rows: points in t, an odd number of at most 2 refine_t + 1.
            columns: points in x.
        """
        dx, dt = self.grid.spacing[0] / refine_x, float(self.times.diff(dim=1).min()) / refine_t
        t = self.middle.unsqueeze(1) + dt * (self._numbers(rows) - rows // 2)
        x = self.start.unsqueeze(1) + dx * self._numbers(columns)
        spectra = TimeInterpolant(self.frames, self.times, self.grid, self.equation).spectra(t)[:, :, 0]
        k = 2 * math.pi / self.grid.length[0] * self._numbers(spectra.shape[-1])
        angle = k.unsqueeze(1) * x.unsqueeze(1)
        # Half a spectrum: every wave but the constant stands for two.
        waves = torch.complex(torch.cos(angle), torch.sin(angle)) * torch.where(k > 0, 2.0, 1.0).unsqueeze(1)
        return Patches(x, t, (spectra @ waves).real)

    def _numbers(self, count: int) -> Tensor:
        return torch.arange(count, dtype=torch.float64, device=self.frames.device)
