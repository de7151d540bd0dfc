"""The solution operator of an equation, with its tangent-linear."""

import warnings
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.control import Adaptive, Fixed
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.integrate import integrate
from pdesym.solvers.integration import Integration
from pdesym.solvers.solve import FIXED_TAIL, AccuracyWarning, check_arguments, check_fields, in_chunks
from pdesym.solvers.steppers import stepper_named
from pdesym.solvers.system import SpectralSystem
from pdesym.solvers.tolerance import TAIL_SHARE, beyond, unresolved

# The largest estimated error of one step, as a share of the tolerance.
_STEP_SHARE = 0.1


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
    ):
        if len(times) < 2:
            raise ValueError(f"A flow map needs an initial and at least one later time, got {len(times)} time.")
        self.start, *later = (float(t) for t in times)
        if later[0] <= self.start:
            raise ValueError(f"The first output time must lie after the initial time {self.start:g}, got {later[0]:g}.")
        rtol = 1e-10 if rtol is None and dt is None else rtol
        self.dt, self.rtol, self.times = check_arguments(equation, grid, later, rtol, dt, self.start)
        self.equation, self.grid, self.stepper = equation, grid, stepper_named(method)

    def __call__(self, u: Float[Tensor, "batch channel *space"]) -> Float[Tensor, "batch ..."]:
        """The solution at t₁, `(batch, channel, *space)`, or at several times, `(batch, time, channel, *space)`.

        Computed in float64, returned in the type of `u`. Not differentiable by autograd: see `tangent`.

        Raises:
            ValueError: when u is no field batch of this equation on this grid.
            BlowUpError: when a sample ceases to be finite.

        Warns:
            AccuracyWarning: naming the samples whose spectrum does not end on the finest grid, when `rtol` was asked.
        """
        return self._shaped(torch.cat([run.u for run in self._runs(u, None)]), time_axis=1).to(u.dtype)

    def tangent(
        self, u: Float[Tensor, "batch channel *space"], w: Float[Tensor, "tangents batch channel *space"]
    ) -> tuple[Float[Tensor, "batch ..."], Float[Tensor, "tangents batch ..."]]:
        """(S(u), dS[u]·w) for several directions w at once: the exact derivative of the steps that were taken.

        Each direction costs about as much as one solution; all share the solution itself.

        Raises:
            ValueError: when the shapes of w and u do not fit.
        """
        if w.shape[1:] != u.shape or not len(w):
            raise ValueError(
                f"Expected directions of shape (tangents, {', '.join(map(str, u.shape))}), at least one, got "
                f"{tuple(w.shape)}."
            )
        if not torch.isfinite(w).all():
            raise ValueError("The directions must be finite: some hold nan or inf.")
        runs = list(self._runs(u, w))
        values = self._shaped(torch.cat([run.u for run in runs]), time_axis=1)
        tangents = torch.cat([run.w for run in runs if run.w is not None]).transpose(0, 1)
        return values.to(u.dtype), self._shaped(tangents, time_axis=2).to(w.dtype)

    def rhs(
        self, u: Float[Tensor, "batch channel *space"], t: int | float | Float[Tensor, "..."] = 0.0
    ) -> Float[Tensor, "batch channel *space"]:
        """The right-hand side N[u] as the solver sees it, products free of aliases, in the type of `u`.

        `t` is one time, or a tensor `(batch,)` with one a sample.
        """
        check_fields(self.equation, u, self.grid)
        system = SpectralSystem(self.equation, self.grid, padded=True, device=u.device)
        time = torch.as_tensor(t, dtype=torch.float64, device=u.device)
        return system.to_field(system.rhs(system.to_spectrum(u), time)).to(u.dtype)

    def _runs(self, u: Tensor, w: Tensor | None) -> list[Integration]:
        check_fields(self.equation, u, self.grid)

        def run(rows: list[int]) -> Integration:
            control = (
                Fixed(self.dt, FIXED_TAIL)
                if self.dt is not None
                else Adaptive(
                    (_STEP_SHARE * self.rtol,) * len(rows), TAIL_SHARE * self.rtol, self.stepper.estimate_order
                )
            )
            tangents = None if w is None else w[:, rows].transpose(0, 1).double()
            equation = self.equation.select(rows)
            initial = u[rows].double()
            return integrate(equation, initial, self.grid, self.start, self.times, control, self.stepper, tangents)

        runs = in_chunks(u, self.grid, run)
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
