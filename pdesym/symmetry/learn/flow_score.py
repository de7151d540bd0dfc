"""The equation on solutions that vector fields have moved by a finite way."""

import itertools
import math
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pdesym.solvers.random_streams import stream
from pdesym.symmetry.augment.residual import on_shell_residual
from pdesym.symmetry.learn.local_polynomials import Stencil
from pdesym.symmetry.learn.measure import Measure
from pdesym.symmetry.learn.moved_residual import MovedResidual
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.patches import Patches, PatchSource
from pdesym.symmetry.learn.score import norms

_STENCIL = Stencil()
# Points in x of a patch: four of them have all their neighbours.
_COLUMNS = 2 * _STENCIL.radius_x + 4
# How many times finer than the data patches may be, in x and t; the coarsest is tried first.
_REFINEMENTS = sorted(itertools.product((1, 2, 4), (4, 8, 16, 32)), key=math.prod)
# The floor at which refining ends, and that above which a residual says nothing.
_FINE, _MEANINGLESS = 2e-3, 0.25
_TRIED = 64
# Patches that move at the same time.
_TOGETHER = 32
# What rounding leaves has no slope to follow.
_ROUNDING = 1e-12


class FlowScore:
    """ρ(V) = what the flow of V does to the residual Δ = u_t − K of solutions, relative to u_t, per unit of flow.

    Patches of graphs of solutions move by the Runge-Kutta method along V/‖V‖, each by a way α of its own that is drawn
    from [−σ, σ] for each slot, in equal parts. After every part polynomials through a point and its moved neighbours
    give u_t, u_x, … and so Δ. With r = (Δ − Δ₀)/(α ‖u_t‖), where Δ₀ is the residual before the motion, zero but for the
    error of the polynomials, and ‖u_t‖ the root mean square before,

        log(1 + ρ²) = ⟨log(1 + r²)⟩

    over points, parts and patches: ρ is the root mean square where r is small, and grows with the mean of log |r| where
    it is not, so that folds of moved graphs, at which r is infinite, do not hide all else. For σ → 0 a small ρ is that
    of the linearised symmetry condition. Points that leave the span of time of the scales do not count: V is not known
    there. ‖V‖ is that of the fixed measure, so that V moves all patches by one flow. No number in it has a unit.

    Args:
        source: where to cut patches.
        sigma: σ, in 1.
        parts: of each way.
        seed: of the ways; that of patch i and slot s depends on (seed, i, s) alone.

    Attributes:
        floor: Δ₀ relative to u_t, averaged as r is, or the residual of the frames themselves where that is larger.

    Raises:
        ValueError: for a floor that is so large that Δ says nothing, and fewer than five frames or unequal steps.

    Source: Ko, Kim and Lee, NeurIPS 2024, eq. 6 and appendix D.1. There V is normalised anew for every set of points
    that moves, the polynomials are weighted to be essentially non-oscillatory, and |Δ| counts from an absolute size on.
    """

    def __init__(self, source: PatchSource, sigma: float = 0.4, parts: int = 2, seed: int = 0):
        if not (sigma > 0 and parts > 0):
            raise ValueError(f"Expected a positive sigma and number of parts, got sigma={sigma}, parts={parts}.")
        self._sigma, self._parts, self._seed = sigma, parts, seed
        self._residual = MovedResidual(source.equation, source.grid.length[0], _STENCIL)
        self._patches = self._cut(source)
        self._before, self._size, inexact = self._measured(self._patches)
        # In the middle of a patch u_t is interpolated from K itself: only frames tell whether they solve the equation.
        solved = on_shell_residual(source.frames, source.times, source.grid, source.equation).median()
        self.floor = max(inexact, float(solved))
        if not self.floor <= _MEANINGLESS:
            raise ValueError(
                f"Before anything moves them, patches of the data break {source.equation.statement!r} by "
                f"{self.floor:.2g} of u_t, so that a residual says nothing: pass the equation that they solve or finer "
                "frames, or use score='on_shell', which needs no neighbours."
            )

    @property
    def pieces(self) -> int:
        """Number of patches."""
        return len(self._patches)

    def levels(
        self, network: GeneratorNetwork, measure: Measure, chosen: Int[Tensor, " pieces"] | None = None
    ) -> Float[Tensor, " slots"]:
        """ρ of each vector field of the network."""
        parts = (torch.arange(self.pieces) if chosen is None else chosen).split(_TOGETHER)
        heads = network.heads / norms(network, measure).reshape(-1, 1, 1)
        moved = [self._moved(network, heads, part) for part in parts]
        return _level(torch.cat([rates for rates, _ in moved], 1), torch.cat([counts for _, counts in moved], 1))

    def _moved(self, network: GeneratorNetwork, heads: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """r `(slots, patches, parts, points)`, and which of them count."""
        slots, scales = len(network), network.scales
        ways = np.stack([stream(self._seed, int(i)).uniform(-self._sigma, self._sigma, slots) for i in chosen], 1)
        point = self._patches.point[:, chosen].unsqueeze(1).expand(-1, slots, -1, -1, -1)
        way = torch.from_numpy(ways).to(point)
        before = self._before[chosen]
        move = partial(_step, network, heads, way[..., None, None] / self._parts)
        rates, counts = [], []
        for part in range(1, self._parts + 1):
            # Several times what a step keeps for its gradient does not fit into memory.
            point = checkpoint(move, point, use_reentrant=False) if torch.is_grad_enabled() else move(point)
            residual, _ = self._residual(point, chosen)
            gone = part / self._parts * way.unsqueeze(-1)
            rates.append((residual - before) / (gone * self._size))
            t = self._residual.centres(point)[1].detach()
            counts.append((t >= scales.start) & (t <= scales.start + scales.span))
        return torch.stack(rates, 2), torch.stack(counts, 2)

    def _cut(self, source: PatchSource) -> Patches:
        """Patches with the largest steps at which the polynomials know the equation well, or else best."""
        few, tried = source.some(_TRIED), {}
        for refinement in _REFINEMENTS:
            tried[refinement] = self._measured(few.cut(*refinement, _STENCIL.rows, _COLUMNS))[2]
            if tried[refinement] <= _FINE:
                break
        return source.cut(*min(tried, key=tried.__getitem__), _STENCIL.rows, _COLUMNS)

    def _measured(self, patches: Patches) -> tuple[Tensor, float, float]:
        """Δ₀ of patches, ‖u_t‖, and the one relative to the other."""
        residual, u_t = self._residual(patches.point, torch.arange(len(patches)))
        size = math.sqrt(float(u_t.square().mean()))
        relative = (residual / size).unsqueeze(0)
        return residual, size, float(_level(relative, torch.ones_like(relative)))


def _step(network: GeneratorNetwork, heads: Tensor, way: Tensor, point: Tensor) -> Tensor:
    """Points `(variables, slots, *points)` moved by a way `(slots, *points)` each, by one Runge-Kutta step."""
    units = torch.tensor(network.scales.units, dtype=point.dtype, device=point.device).reshape(-1, 1, 1, 1, 1)

    def velocity(point: Tensor) -> Tensor:
        h, _ = network.basis(point.unbind(0))
        return units * torch.einsum("svf,s...f->vs...", heads, h)

    first = velocity(point)
    second = velocity(point + way / 2 * first)
    third = velocity(point + way / 2 * second)
    fourth = velocity(point + way * third)
    return point + way / 6 * (first + 2 * second + 2 * third + fourth)


def _level(rates: Tensor, counts: Tensor) -> Tensor:
    """(e^⟨log(1 + r²)⟩ − 1)^½ for each slot, over those that count; over all where none does."""
    counts = torch.where(counts.flatten(1).any(1).reshape(-1, *(1,) * (counts.ndim - 1)), counts, 1).to(rates)
    logarithms = (counts * torch.log1p(rates.square())).flatten(1).sum(1) / counts.flatten(1).sum(1)
    level: Tensor = (torch.expm1(logarithms) + _ROUNDING**2).sqrt()
    return level
