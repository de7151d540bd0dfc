"""The solution operator of an equation, with its derivatives."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.adjoint import detached, wants_gradient, with_gradient
from pdesym.solvers.box import boxed, stretch_of
from pdesym.solvers.control import Adaptive, Control, Fixed
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integrate import integrate
from pdesym.solvers.integration import AccuracyWarning, Integration
from pdesym.solvers.rates import Rates, rates_of
from pdesym.solvers.replay import course_of
from pdesym.solvers.sensitivity import sensitivities
from pdesym.solvers.solve import FIXED_TAIL, check_arguments, check_fields, in_chunks
from pdesym.solvers.steppers import stepper_named
from pdesym.solvers.system import SpectralSystem
from pdesym.solvers.tolerance import TAIL_SHARE, beyond, unresolved

# The largest estimated error of one step, as a share of the tolerance.
_STEP_SHARE = 0.1
_NOTHING: Mapping[str, Tensor] = MappingProxyType({})


class FlowMap:
    """S: u(t₀) ↦ u(t₁), or ↦ (u(t₁), …, u(t_n)): a callable on field batches.

    Args:
        equation: what to solve.
        grid: the grid of its inputs and outputs.
        times: t₀ and one or more later times, in the equation's unit of time.
        rtol: tolerance of the adaptive steps (1e-10 when neither it nor `dt` is given); the global error is not
            estimated again on each call, as `solve` does.
        dt: fixed step instead.
        method: as in `solve`.
        length: as in `solve`.

    Raises:
        ValueError: as `solve`.
    """

    def __init__(
        self,
        equation: Equation,
        grid: Grid,
        times: Sequence[int | float] | Float[Tensor, " time"],
        rtol: int | float | None = None,
        dt: int | float | None = None,
        *,
        method: str = "etdrk4",
        length: int | float | Float[Tensor, "..."] | None = None,
    ):
        if len(times) < 2:
            raise ValueError(f"A flow map needs an initial and at least one later time, got {len(times)} time.")
        self._instants = times.double() if isinstance(times, Tensor) else torch.tensor(times, dtype=torch.float64)
        self.start, *later = self._instants.tolist()
        if later[0] <= self.start:
            raise ValueError(f"The first output time must lie after the initial time {self.start:g}, got {later[0]:g}.")
        rtol = 1e-10 if rtol is None and dt is None else rtol
        grid = boxed(grid, length)
        self.dt, self.rtol, self.times = check_arguments(equation, grid, later, rtol, dt, self.start)
        self.equation, self.grid, self.stepper, self.length = equation, grid, stepper_named(method), length

    def __call__(self, u: Float[Tensor, "batch channel *space"]) -> Float[Tensor, "batch ..."]:
        """The solution at t₁, `(batch, channel, *space)`, or at several times, `(batch, time, channel, *space)`.

        Computed in float64, returned in the type of `u`. Autograd passes through, as through `solve`.

        Raises:
            ValueError: when u is no field batch of this equation on this grid.
            BlowUpError: when a sample ceases to be finite.

        Warns:
            AccuracyWarning: naming the samples whose spectrum does not end on the finest grid, when `rtol` was asked.
        """
        return self._shaped(torch.cat([run.u for run in self._runs(u, None)]), time_axis=1).to(u.dtype)

    def tangent(
        self,
        u: Float[Tensor, "batch channel *space"],
        w: Float[Tensor, "tangents batch channel *space"],
        *,
        parameters: Mapping[str, Float[Tensor, "..."]] = _NOTHING,
        length: Float[Tensor, "..."] | None = None,
        times: Float[Tensor, "..."] | None = None,
    ) -> tuple[Float[Tensor, "batch ..."], Float[Tensor, "tangents batch ..."]]:
        """(S(u), derivatives of S) along several directions at once: exact for the steps that were taken.

        A direction is a w with, where they are given, rates of parameters p, of the lengths L of the box and of the
        output times T:

            dS[u]·w + Σ_p ṗ ∂S/∂p + Σ_axes L̇ ∂S/∂L + Ṫ ∂S/∂T

        at fixed points x/L. ∂S/∂T is the right-hand side at T. So a scaling symmetry, with weights a of t and b of u
        against 1 of x, is `tangent(u, b * u[None], length=L, times=a * T)` equal to b S(u); t₀ = 0 stays.

        Each direction costs about as much as one solution; all share the solution itself. A parameter, or an axis of
        the box, that changes costs as much as several more, however many directions there are. Not differentiable by
        autograd.

        Args:
            u: where to differentiate.
            w: directions of u; zero where only something else changes.
            parameters: rates `(tangents,)` or `(tangents, batch)` by name.
            length: rates `(tangents,)`, `(tangents, batch)` or `(tangents, batch, dims)`, in units of length.
            times: rates of the output times, `(tangents,)` or `(tangents, outputs)`.

        Raises:
            ValueError: for directions and rates of other shapes, or that are not finite; for a parameter that the
                equation has not; when autograd follows an argument.
        """
        if w.shape[1:] != u.shape or not len(w):
            raise ValueError(
                f"Expected directions of shape (tangents, {', '.join(map(str, u.shape))}), at least one, got "
                f"{tuple(w.shape)}."
            )
        if not torch.isfinite(w).all():
            raise ValueError("The directions must be finite: some hold nan or inf.")
        given = (*parameters.values(), length, times, self._instants, self.length)
        if wants_gradient(self.equation, u, w, *(each for each in given if isinstance(each, Tensor))):
            raise ValueError(
                "A tangent cannot be differentiated by autograd: detach u, the directions, and what the flow map "
                "depends on, or call it within torch.no_grad()."
            )
        rates = rates_of(
            self.equation, self.grid, (len(w), len(u)), len(self.times), parameters, length, times, u.device
        )
        runs = self._runs(u, w, rates)
        values = self._shaped(torch.cat([run.u for run in runs]), time_axis=1)
        pushed = torch.cat([run.w for run in runs if run.w is not None]).transpose(0, 1)
        return values.to(u.dtype), self._shaped(pushed, time_axis=2).to(w.dtype)

    def rhs(
        self, u: Float[Tensor, "batch channel *space"], t: int | float | Float[Tensor, "..."] = 0.0
    ) -> Float[Tensor, "batch channel *space"]:
        """The right-hand side N[u] as the solver sees it, products free of aliases, in the type of `u`.

        `t` is one time, or a tensor `(batch,)` with one a sample.
        """
        check_fields(self.equation, u, self.grid)
        stretch = stretch_of(self.length, self.grid, len(u), u.device)
        system = SpectralSystem(self.equation, self.grid, padded=True, device=u.device, stretch=stretch)
        time = torch.as_tensor(t, dtype=torch.float64, device=u.device)
        return system.to_field(system.rhs(system.to_spectrum(u), time)).to(u.dtype)

    def _runs(self, u: Tensor, w: Tensor | None, rates: Rates | None = None) -> list[Integration]:
        check_fields(self.equation, u, self.grid)
        stretch = stretch_of(self.length, self.grid, len(u), u.device)

        def run(rows: list[int]) -> Integration:
            control: Control = (
                Fixed(self.dt, FIXED_TAIL)
                if self.dt is not None
                else Adaptive(
                    (_STEP_SHARE * self.rtol,) * len(rows), TAIL_SHARE * self.rtol, self.stepper.estimate_order
                )
            )
            equation, initial, boxes = self.equation.select(rows), u[rows].double(), None
            plain, fields, plain_boxes = detached(equation), initial.detach(), None
            if stretch is not None:
                boxes = stretch[rows]
                plain_boxes = boxes.detach()
            tangents = None if w is None else w[:, rows].transpose(0, 1).double()
            steps = plain, fields, self.grid, self.start, self.times, control, self.stepper
            result = integrate(*steps, tangents, plain_boxes)
            if rates and result.w is not None:
                course, mine = course_of(result, *steps[1:]), rates.select(rows)
                derivatives = sensitivities(course, plain, fields, plain_boxes, tuple(mine.parameters), mine.axes)
                return replace(result, w=mine.added(result.w, *derivatives))
            return with_gradient(result, equation, initial, self.grid, self._instants, control, self.stepper, boxes)

        runs = in_chunks(self.equation, u, self.grid, len(self.times), run)
        if self.dt is None:
            self._warn_of_unresolved(torch.cat([unresolved(run, self.rtol) for run in runs]))
        return runs

    def _warn_of_unresolved(self, rows: Tensor) -> None:
        if rows.any():
            warnings.warn(
                f"The spectrum of samples {rows.nonzero().flatten().tolist()} {beyond(self.grid)}.",
                AccuracyWarning,
                stacklevel=4,
            )

    def _shaped(self, values: Tensor, time_axis: int) -> Tensor:
        return values.squeeze(time_axis) if len(self.times) == 1 else values
