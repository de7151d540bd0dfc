"""The linearised symmetry condition on solutions, for vector fields that are networks."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.score import Components, LinearScore, Projection
from pdesym.symmetry.learn.solution_frames import SolutionFrames


class OnShellScore(LinearScore):
    """ρ(V) = ‖D_t Q − K'[u] Q‖ / (‖u_t‖ ‖V‖) with Q = φ − ξ·∇u − τ K, on frames of solutions of u_t = K.

    D_t is the derivative along the solution, in which every u_t is K; space derivatives of Q are spectral. So no flow
    is integrated, no frame needs its neighbours, and no step size enters: for an exact symmetry ρ = 0 to rounding.

    Args:
        frames: of solutions.

    Source: Olver, Applications of Lie Groups to Differential Equations, Theorem 5.15 (the condition).
    """

    def __init__(self, frames: SolutionFrames):
        self.frames = frames

    @property
    def pieces(self) -> int:
        """Number of frames."""
        return len(self.frames)

    @property
    def size(self) -> float:
        """Root mean square of u_t."""
        return math.sqrt(float(self.frames.u_t.square().mean()))

    def condition(
        self, network: GeneratorNetwork, projection: Projection, chosen: Int[Tensor, " pieces"]
    ) -> Float[Tensor, "rows columns"]:
        """D_t Q − K'[u] Q at the points of some frames."""
        frames = self.frames[chosen.to(self.frames.t.device)]
        h, dh = network.basis(frames.point, frames.rate)
        assert dh is not None
        v, dv = projection(h), projection(dh)
        units = network.scales.units
        still = (*(-g for g in frames.gradient), -frames.u_t)
        moving = (*(-g for g in frames.gradient_t), -frames.u_tt)
        dims = frames.grid.dims
        q = characteristics(v, still, units, dims)
        changed = characteristics(dv, still, units, dims) + characteristics(v, moving, units, dims, vertical=False)
        return (changed - frames.linearised(q)).movedim(-dims - 1, -1).flatten(0, -2)


def characteristics(
    components: Components,
    velocities: Sequence[Float[Tensor, "..."]],
    units: Sequence[float],
    dims: int,
    *,
    vertical: bool = True,
) -> Float[Tensor, "..."]:
    """φᵃ + Σ_v V_v wᵃ_v with w = (−∂ᵢu…, −u_t), for several vector fields at once, `(*lead, fields, columns, *space)`.

    Args:
        components: V in scaled units, `(*lead, *space, columns)` by variable; those left out are zero.
        velocities: w, `(*lead, fields, *space)`, in physical units.
        units: of the variables.
        dims: number of space axes.
        vertical: whether φ counts.
    """
    some = next(iter(components.values()))
    parts = []
    for a in range(len(units) - len(velocities)):
        total = torch.zeros_like(some)
        for v, value in components.items():
            if v < len(velocities):
                total = total + units[v] * value * velocities[v].select(-dims - 1, a).unsqueeze(-1)
            elif vertical and v - len(velocities) == a:
                total = total + units[v] * value
        parts.append(total.movedim(-1, -dims - 1))
    return torch.stack(parts, -dims - 2)
