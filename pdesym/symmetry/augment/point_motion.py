"""Trajectories moved point by point, by vector fields of any form on a 1D torus."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.heap import keep_freed_memory
from pdesym.solvers.threads import one_thread
from pdesym.symmetry.augment.family import Family
from pdesym.symmetry.augment.runge_kutta import runge_kutta_step
from pdesym.symmetry.augment.space_time import SpaceTimeField
from pdesym.symmetry.augment.steps import in_equal_steps

# Steps of the flow are doubled until two results agree, on so many points of a sample.
_MOST_STEPS = 128
_PROBES = 256
# Points at a time for which the layers of a network stay in a processor's cache.
_IN_CACHE = 4096
# Newton's steps for u', with slopes from differences: of velocities, which may be float32, and of the field.
_ASIDE, _NEARBY = 0.05, 1e-3
_LEAST_GAIN = 1e-2
_MOST_ITERATIONS = 30
# Velocities in float32 are not smooth below this, relative to the field.
_FLOOR = {torch.float32: 1e-5, torch.float64: 0.0}


def move_points(
    u: Float[Tensor, "batch time channel points"],
    times: Float[Tensor, " time"],
    grid: Grid,
    equation: Equation | None,
    family: Family,
    parameters: Float[Tensor, "batch generators"],
    *,
    tolerance: float = 1e-9,
) -> tuple[Float[Tensor, "batch time channel points"], Bool[Tensor, "batch time"]]:
    """exp(Σ_a ε_a v_a) applied to trajectories: the graph {(x, t, u(x, t))} moves with the flow of the combined field.

    At a point (x', t') of the grid the moved field is the number u' whose pre-image lies on the graph,

        (x, t, w) = exp(−Σ_a ε_a v_a)(x', t', u'),    w = u(x, t),

    found by Newton's method from a midpoint step of the flow, with slopes fixed but for those of u(x, t). The flow is
    computed by a step of Runge and Kutta's method of order 4, or by steps of one of order 6 whose number is doubled
    until two results agree on some of the points; u(x, t) between frames and points comes from `SpaceTimeField`. Each
    is exact to the tolerance, to what is known of the field between its frames, or to 1e-5 where the velocities are
    float32, whichever is largest. A sample does not depend on the others. Not differentiable.

    Args:
        u: the trajectories, computed in float64.
        times: of the frames, equidistant, in the equation's unit of time.
        grid: 1D.
        equation: what the frames solve; None where that is not known.
        family: the generators, periodic in x with the length of the grid.
        parameters: ε, one for each generator and sample, in units of the group parameters; a sample with all 0 comes
            back bit for bit.
        tolerance: relative to the root mean square of each field.

    Returns:
        the moved trajectories, and the frames all of whose points have their pre-image in time inside the data. In the
        other frames u' belongs to pre-images moved to the nearest end of the data: it is no solution there.

    Raises:
        ValueError: on a grid of several axes; for frames that are not equidistant, other shapes, or a family that is
            not periodic; where the flow does not stay finite, or the moved graph folds so that there is no u'.

    Warns:
        AccuracyWarning: as `SpaceTimeField`.
    """
    _check(u, times, grid, family, parameters)
    keep_freed_memory()
    moved, mask = u.clone(), torch.ones(u.shape[:2], dtype=torch.bool, device=u.device)
    with torch.no_grad(), one_thread():
        for sample in range(len(u)):
            if not (parameters[sample] != 0).any():
                continue
            mine = None if equation is None else equation.select([sample])
            motion = _Motion(u[sample], times, grid, mine, family, parameters[sample], sample, tolerance)
            field, inside = motion.moved()
            moved[sample], mask[sample] = field.to(u.dtype), inside
    return moved, mask


class _Motion:
    """One sample and the combined field that moves it."""

    def __init__(
        self,
        u: Tensor,
        times: Tensor,
        grid: Grid,
        equation: Equation | None,
        family: Family,
        parameters: Tensor,
        sample: int,
        tolerance: float,
    ):
        self._family, self._parameters, self._sample = family, parameters, sample
        (x,) = grid.coordinates(device=u.device)
        self._times = times.to(device=u.device, dtype=torch.float64)
        self._shape = tuple(u.shape)
        # (variables, points): x', t' and, to begin with, u itself.
        here = [x.expand(len(u), -1), self._times.unsqueeze(-1).expand(-1, grid.points[0]), *u.double().unbind(1)]
        self._targets = torch.stack([values.flatten() for values in here])
        tolerance = max(tolerance, self._floor())
        self._field = SpaceTimeField(u, times, grid, equation, tolerance)
        # Nothing else need be more exact than the field between its frames.
        self._tolerance = max(tolerance, self._field.error / 4)

    def moved(self) -> tuple[Tensor, Tensor]:
        """u' `(time, channel, points)`, and the frames without pre-images outside the data `(time,)`."""
        solved, instants = self._solved(self._steps())
        first, last = self._times[0], self._times[-1]
        slack = 1e-9 * (last - first)
        inside = ((instants >= first - slack) & (instants <= last + slack)).reshape(self._shape[0], -1).all(1)
        return solved.reshape(self._shape[1], self._shape[0], self._shape[2]).transpose(0, 1), inside

    def _velocity(self, z: Tensor) -> Tensor:
        parts = z.split(_IN_CACHE, dim=1) if z.device.type == "cpu" else (z,)
        return torch.cat([self._combined_velocity(part) for part in parts], dim=1)

    def _combined_velocity(self, z: Tensor) -> Tensor:
        values = self._family.velocities(tuple(z.unbind(0)))
        combined: Tensor = torch.tensordot(self._parameters.to(values), values, 1)
        return combined.double()

    def _floor(self) -> float:
        values = self._family.velocities(tuple(self._targets[:, :1].unbind(0)))
        return _FLOOR.get(values.dtype, 0.0)

    def _back(self, z: Tensor, steps: int) -> Tensor:
        """exp(−v) at points `(variables, points)`, by steps of order 6; 0 stands for one step of order 4."""
        if not steps:
            k1 = self._velocity(z)
            k2 = self._velocity(z - k1 / 2)
            k3 = self._velocity(z - k2 / 2)
            return z - (k1 + 2 * (k2 + k3) + self._velocity(z - k3)) / 6

        def rate(state: Tensor, _: float) -> Tensor:
            return self._velocity(state)

        for n in range(steps):
            z = runge_kutta_step(rate, z, -n / steps, -1 / steps)
        return z

    def _begun(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """u' up to third order in the motion from w = u(x', t'), and how exp(−v) depends on it up to second order.

        Returns u' `(channel, points)` and the slopes `(variables, channel, points)`.
        """
        z = self._targets[:2]
        velocity = self._velocity(torch.cat([z, w]))
        w = self._field(*(z - velocity[:2])) + velocity[2:]
        middle = torch.cat([z, w]) - velocity / 2
        velocity = self._velocity(middle)
        slopes = torch.zeros(len(middle), *w.shape, dtype=w.dtype, device=w.device)
        for a, size in enumerate(self._field.scale.tolist()):
            aside = torch.zeros_like(middle[:, :1])
            aside[2 + a] = _ASIDE * size
            difference = self._velocity(middle + aside) - self._velocity(middle - aside)
            slopes[:, a] = -difference / (2 * _ASIDE * size)
            slopes[2 + a, a] += 1
        return self._field(*(z - velocity[:2])) + velocity[2:], slopes

    def _steps(self) -> int:
        """Steps for `_back` with an error of the flow, measured in the field, below the tolerance."""
        probes = self._targets[:, :: max(1, self._targets.shape[1] // _PROBES)]
        in_space, in_time = self._field.slopes
        steps, reached = 0, self._back(probes, 0)
        while steps <= _MOST_STEPS:
            finer = max(1, 2 * steps)
            better = self._back(probes, finer)
            if not better.isfinite().all():
                raise self._lost("its flow does not stay finite")
            off = (better - reached).abs().amax(1)
            error = float(((off[2:] + off[0] * in_space + off[1] * in_time) / self._field.scale).max())
            if error <= self._tolerance:
                return steps
            steps, reached = finer, better
        raise self._lost(f"its flow needs more than {_MOST_STEPS} steps")

    def _solved(self, steps: int) -> tuple[Tensor, Tensor]:
        """u' `(channel, points)` with w(u') = u(x(u'), t(u')), and the times t."""
        scale = self._field.scale.unsqueeze(-1)
        w, slopes = self._begun(self._targets[2:])
        instants = torch.empty_like(w[0])
        active = torch.arange(w.shape[1], device=w.device)
        before = torch.full_like(w[0], torch.finfo(w.dtype).tiny)  # the first step promises nothing
        for _ in range(_MOST_ITERATIONS):
            source = self._back(torch.cat([self._targets[:2, active], w[:, active]]), steps)
            instants[active] = source[1]
            here = self._field(source[0], source[1])
            off = source[2:] - here
            matrix = slopes[2:].clone()
            for a, size in enumerate((_NEARBY * self._field.scale).tolist()):
                there = self._field(source[0] + size * slopes[0, a], source[1] + size * slopes[1, a])
                matrix[:, a] -= (there - here) / size
            step = torch.linalg.solve_ex(matrix.permute(2, 0, 1), off.T)[0].T
            w[:, active] -= step
            error = (off.abs() / scale).amax(0)
            # The step leaves about the share of the error that the last one left.
            left = (~(error * (error / before).clamp(_LEAST_GAIN, 1.0) <= self._tolerance)).nonzero().flatten()
            if not len(left):
                return w, instants
            active, slopes, before = active[left], slopes[..., left], error[left]
        raise self._lost("the moved graph folds, so that there is no single u'")

    def _lost(self, what: str) -> ValueError:
        names = ", ".join(
            f"{name} by {float(parameter):.3g}"
            for name, parameter in zip(self._family.names, self._parameters, strict=True)
            if parameter != 0
        )
        return ValueError(f"Sample {self._sample} cannot be moved along {names}: {what}; take smaller parameters.")


def _check(u: Tensor, times: Tensor, grid: Grid, family: Family, parameters: Tensor) -> None:
    if grid.dims != 1 or len(family.coordinates) != 1:
        raise ValueError(
            f"Points are moved one by one on 1D grids alone, got a grid of {grid.dims} axes and generators of "
            f"{len(family.coordinates)}: in several dimensions take generators that move frames as a whole."
        )
    if u.shape[2] != len(family.fields) or u.shape[3] != grid.points[0] or len(times) != u.shape[1]:
        raise ValueError(
            f"Expected trajectories of shape (batch, {len(times)}, {len(family.fields)}, {grid.points[0]}) from the "
            f"times, the fields of the generators and the grid, got {tuple(u.shape)}."
        )
    if tuple(parameters.shape) != (len(u), len(family)):
        raise ValueError(
            f"Expected one parameter for each of the {len(u)} samples and {len(family)} generators, got shape "
            f"{tuple(parameters.shape)}."
        )
    if not parameters.isfinite().all():
        raise ValueError("The parameters must be finite: some are nan or inf.")
    if not in_equal_steps(times):
        raise ValueError("Expected frames at increasing, equidistant times: points are gathered from equal steps.")
    _require_periodic(u, times, grid, family)


def _require_periodic(u: Tensor, times: Tensor, grid: Grid, family: Family) -> None:
    """One sentence for a family whose coefficients jump where the grid closes."""
    rng = torch.Generator().manual_seed(0)
    share = torch.rand(2 + u.shape[2], _PROBES, generator=rng, dtype=torch.float64).to(u.device)
    low, high = u.detach().double().amin((0, 1, 3)), u.detach().double().amax((0, 1, 3))
    point = [share[0] * grid.length[0], times[0] + share[1] * (times[-1] - times[0])]
    point += [low[a] + share[2 + a] * (high[a] - low[a]) for a in range(u.shape[2])]
    with torch.no_grad():
        here = family.velocities(tuple(point))
        there = family.velocities((point[0] + grid.length[0], *point[1:]))
    # Written so that a value that is not finite refuses; the number x in float32 has an error of its own.
    close = 1e-9 if here.dtype == torch.float64 else 1e-3
    size = here.abs().amax(-1, keepdim=True)
    jumps = ~((here - there).abs() <= close * size).all(-1).all(-1)
    if jumps.any():
        name = family.names[int(jumps.nonzero()[0])]
        raise ValueError(
            f"The coefficients of {name} do not close on this grid, where x = 0 and x = {grid.length[0]:g} are one "
            "point: take generators with this period, or, for scalings, the motion of whole frames."
        )
