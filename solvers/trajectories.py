"""What `solve` returns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.finite_differences.integrals import invariant
from pdesym.solvers.grid import Grid
from pdesym.solvers.jets import TIME
from pdesym.solvers.spectral import inverse_transform, transform
from pdesym.solvers.symbols import Symbols
from pdesym.solvers.torch_function import torch_function


@dataclass(frozen=True)
class Trajectories:
    """Solutions at given times, with what is known about their accuracy.

    Attributes:
        u: `(batch, time, channel, *space)`; channels are the equation's fields in declared order.
        times: `(time,)`, float64, in the equation's unit of time.
        grid: the grid of `u`; the solver may have used a finer one.
        equation: what was solved.
        error: `(batch,)` estimated error relative to the solution, ‖u − u_true‖ / ‖u_true‖ over all outputs; nan
            where the step was fixed and nothing was estimated.
        horizon: `(batch,)` the last output time up to which that error stays within the tolerance, the initial time
            where it never does: for a chaotic solution the end of what can be predicted. nan like `error`.
        steps: `(batch,)` number of time steps taken.
        points_used: `(batch,)` points along the first axis of the finest grid used.
        tail: `(batch,)` largest share of the norm in the last third of the spectrum on the grid used.
        length: `(batch, dims)` the length of the box of each sample along each axis; None where it is the grid's.
        verified: the error of some samples, by their index, against solutions a hundred times more exact.
    """

    u: Float[Tensor, "batch time channel *space"]
    times: Float[Tensor, " time"]
    grid: Grid | FiniteDifferenceGrid
    equation: Equation
    error: Float[Tensor, " batch"]
    horizon: Float[Tensor, " batch"]
    steps: Int[Tensor, " batch"]
    points_used: Int[Tensor, " batch"]
    tail: Float[Tensor, " batch"]
    length: Float[Tensor, "batch dims"] | None = None
    verified: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        u: Float[Tensor, "batch time channel *space"],
        times: Float[Tensor, " time"],
        grid: Grid,
        equation: Equation,
    ) -> "Trajectories":
        """Fields that came from elsewhere, of whose accuracy nothing is known (nan, and 0 steps).

        Args:
            u: the fields; channels are the equation's fields.
            times: of the frames.
            grid: of the fields.
            equation: what they solve.

        Raises:
            ValueError: for shapes that do not fit. Whether the fields solve the equation is not tested.
        """
        wanted = (len(times), len(equation.fields), *grid.points)
        if tuple(u.shape[1:]) != wanted:
            raise ValueError(
                f"Expected fields (batch, {', '.join(map(str, wanted))}) from the times, the equation and the grid, "
                f"got {tuple(u.shape)}."
            )
        equation.require_samples(len(u))
        unknown = torch.full((len(u),), math.nan, dtype=torch.float64, device=u.device)
        none = torch.zeros(len(u), dtype=torch.int64, device=u.device)
        points = torch.full_like(none, grid.points[0])
        return cls(u, times.double(), grid, equation, unknown, unknown, none, points, unknown)

    def at(self, time: int | float) -> Float[Tensor, "batch channel *space"]:
        """The fields at one of the output times.

        Raises:
            ValueError: when `time` is none of them.
        """
        index = int((self.times - time).abs().argmin())
        if abs(self.times[index].item() - time) > 1e-9 * max(1.0, abs(time)):
            raise ValueError(f"t = {time} is no output time; the nearest is {self.times[index].item()}.")
        return self.u[:, index]

    def invariant(self, name: str) -> Float[Tensor, "batch time"]:
        """∫ density dx of one of the invariants on the equation's card, at every output, float64.

        Raises:
            KeyError: when the card does not list it.
        """
        if isinstance(self.grid, FiniteDifferenceGrid):
            return invariant(self.equation, self.grid, name, self.u.to(torch.float64), self.times)
        dims = self.grid.dims
        space = self.equation.space(dims)
        density = self.equation.density(name, dims)
        jets = space.jets_in(density)
        symbols = parameter_symbols(tuple(self.equation.parameters))
        u = self.u.to(torch.float64)
        spectra = transform(u, self.grid)
        sizes = torch.tensor([self.grid.length], dtype=torch.float64, device=u.device)
        stretch = None if self.length is None else self.length / sizes
        fourier = Symbols(self.equation, self.grid, u.device, stretch)
        values = [inverse_transform(fourier.applied(jet, spectra), self.grid.points) for jet in jets]
        coordinates = fourier.coordinates(self.grid.points)
        # Behind the samples comes the axis of the outputs.
        coordinates = [c.unsqueeze(1) if c.ndim > dims else c for c in coordinates]
        parameters = [
            torch.as_tensor(self.equation.parameters[p], dtype=torch.float64, device=u.device) for p in symbols
        ]
        parameters = [p.reshape(-1, *(1,) * (dims + 1)) if p.ndim else p for p in parameters]
        times = self.times.reshape(-1, *(1,) * dims)
        arguments = [*map(space.symbol, jets), *space.coordinates, TIME, *symbols.values()]
        (result,) = torch_function(arguments, [density])(*values, *coordinates, times, *parameters)
        cell = (sizes if self.length is None else self.length).prod(1, keepdim=True) / math.prod(self.grid.points)
        dense = torch.as_tensor(result, dtype=torch.float64, device=u.device).expand(*u.shape[:2], *self.grid.points)
        return dense.flatten(2).sum(-1) * cell
