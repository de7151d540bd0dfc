"""How far vector fields are from being symmetries of an operator."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.discover.propagation import AT_ONCE
from pdesym.symmetry.learn.graph import gradient, points
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.on_shell import characteristics
from pdesym.symmetry.learn.score import LinearScore, Projection
from pdesym.symmetry.pushforward import Operator, pushforward


class OperatorScore(LinearScore):
    """ρ(V) = ‖dF[u]·Q_in − Q_out‖ / (‖F u − u‖ ‖V‖), Q = φ − ξ·∇u − τ u_t, for an operator F on solutions.

    F maps fields to fields or frames to frames; every frame's Q is taken at its own time. ‖F u − u‖ is what F changes
    after the last frame that it is given. The output's u_t is what F makes of that of the input, dF[u]·u_t, so that ∂_t
    is a symmetry of every F that is not told the time.

    Args:
        operator: F, on fields `(batch, channel, *space)` or trajectories `(batch, time, channel, *space)`.
        u: where to look, of either kind.
        u_t: its rate of change, of the same shape.
        grid: of input and output.
        times_in: times of the input frames `(time,)`, one for fields.
        times_out: times of the output frames.

    Attributes:
        output: F u.

    Raises:
        ValueError: for shapes that do not fit, and an operator that leaves u as it is.
    """

    def __init__(
        self,
        operator: Operator,
        u: Float[Tensor, "..."],
        u_t: Float[Tensor, "..."],
        grid: Grid,
        times_in: Float[Tensor, " time_in"],
        times_out: Float[Tensor, " time_out"],
    ):
        with torch.no_grad():
            parts = [pushforward(operator, u[i : i + 1], u_t[None, i : i + 1]) for i in range(len(u))]
        value = torch.cat([part[0] for part in parts])
        framed = u.ndim == grid.dims + 3
        if value.numel() * (u.shape[1] if framed else 1) != u.numel() * times_out.numel():
            raise ValueError(
                f"Expected {times_out.numel()} output frames, one for each of times_out, got an output of shape "
                f"{tuple(value.shape)}."
            )
        self._operator, self._u, self._grid, self.output = operator, u, grid, value
        pushed = torch.cat([part[1][0] for part in parts])
        self._before = _Side(u, u_t, grid, _with_frames(times_in, u, grid))
        self._after = _Side(value, pushed, grid, _with_frames(times_out, value, grid))
        last = u[:, -1:] if framed else u.unsqueeze(1)
        frames = value if value.ndim == grid.dims + 3 else value.unsqueeze(1)
        self._size = math.sqrt(float((frames - last).square().mean()))
        if self._size == 0:
            raise ValueError("The operator leaves every field as it is, so that everything is a symmetry of it.")

    @property
    def pieces(self) -> int:
        """Number of windows."""
        return len(self._u)

    @property
    def size(self) -> float:
        """Root mean square of what the operator changes."""
        return self._size

    def condition(
        self, network: GeneratorNetwork, projection: Projection, chosen: Int[Tensor, " pieces"]
    ) -> Float[Tensor, "rows columns"]:
        """dF[u]·Q_in − Q_out on some windows."""
        dims = self._grid.dims
        before, after = (side.motion(network, projection, chosen) for side in (self._before, self._after))
        arguments = (before.movedim(-dims - 1, 0), self._operator, self._u[chosen])
        pushed: Tensor = _Push.apply(*arguments)  # type: ignore[no-untyped-call]
        return (pushed - after.movedim(-dims - 1, 0)).flatten(1).mT


class _Side:
    """The input or the output: its points, and how they move."""

    def __init__(self, u: Tensor, u_t: Tensor, grid: Grid, t: Tensor):
        self._velocities = (*(-slope for slope in gradient(u, grid)), -u_t)
        self._point = points(grid, t, u)
        self._dims = grid.dims

    def motion(self, network: GeneratorNetwork, projection: Projection, chosen: Tensor) -> Tensor:
        """Q of several vector fields, `(batch, [time,] fields, columns, *space)`."""
        h, _ = network.basis([z[chosen] for z in self._point])
        velocities = [w[chosen] for w in self._velocities]
        return characteristics(projection(h), velocities, network.scales.units, self._dims)


class _Push(torch.autograd.Function):
    """dF[u]·w for several w, with the gradient dF[u]ᵀ·g along w; u is fixed."""

    @staticmethod
    def forward(ctx: Any, directions: Tensor, operator: Operator, u: Tensor) -> Tensor:
        ctx.operator, ctx.u = operator, u
        with torch.no_grad():
            return torch.cat([pushforward(operator, u, part)[1] for part in directions.split(AT_ONCE)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        with torch.enable_grad():
            u = ctx.u.detach().requires_grad_()
            value = ctx.operator(u)
        # One reverse pass for each direction: they share the forward pass.
        each = [torch.autograd.grad(value, u, g, retain_graph=True)[0] for g in gradients[0]]
        return torch.stack(each), None, None


def _with_frames(times: Tensor, u: Tensor, grid: Grid) -> Tensor:
    frames = u.shape[1] if u.ndim == grid.dims + 3 else 1
    if times.shape != (frames,):
        raise ValueError(f"Expected {frames} times, one for each frame, got times of shape {tuple(times.shape)}.")
    return times.double()
