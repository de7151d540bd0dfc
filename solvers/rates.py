"""What changes along a direction besides the initial condition: parameters, lengths of boxes, output times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid


@dataclass(frozen=True)
class Rates:
    """The rates of change along several directions, float64.

    Attributes:
        parameters: `(rows, tangents)` for each parameter that changes.
        stretch: `(rows, tangents, dims)`, where the box changes.
        times: `(tangents, outputs)`, where the output times do.
    """

    parameters: Mapping[str, Tensor]
    stretch: Tensor | None
    times: Tensor | None

    def __bool__(self) -> bool:
        return bool(self.parameters) or self.stretch is not None or self.times is not None

    @property
    def axes(self) -> tuple[int, ...]:
        """Along which the box changes."""
        if self.stretch is None:
            return ()
        return tuple(axis for axis, rate in enumerate(self.stretch.unbind(-1)) if rate.any())

    def added(self, w: Tensor, by_variable: Tensor, of_time: Tensor) -> Tensor:
        """Tangents w `(rows, tangents, outputs, fields, *space)`, with what changes along their directions added.

        Args:
            w: derivatives with respect to the initial condition.
            by_variable: `(rows, variables, outputs, …)`, with respect to the parameters and the stretches along `axes`.
            of_time: `(rows, outputs, …)`, with respect to the output times.
        """
        rates = list(self.parameters.values())
        if self.stretch is not None:
            rates += [self.stretch[..., axis] for axis in self.axes]
        for rate, derivative in zip(rates, by_variable.unbind(1), strict=True):
            w = w + rate.reshape(*rate.shape, *(1,) * (w.ndim - 2)) * derivative.unsqueeze(1)
        if self.times is not None:
            w = w + self.times.reshape(1, *self.times.shape, *(1,) * (w.ndim - 3)) * of_time.unsqueeze(1)
        return w

    def select(self, rows: Sequence[int]) -> "Rates":
        """The rates of some of the samples."""
        chosen = list(rows)
        stretch = None if self.stretch is None else self.stretch[chosen]
        return Rates({name: rate[chosen] for name, rate in self.parameters.items()}, stretch, self.times)


def rates_of(
    equation: Equation,
    grid: Grid,
    shape: tuple[int, int],
    outputs: int,
    parameters: Mapping[str, Tensor],
    length: Tensor | None,
    times: Tensor | None,
    device: torch.device,
) -> Rates:
    """The rates that a caller stated, checked, for `shape` = (tangents, samples).

    Raises:
        ValueError: with one sentence that says what was wrong.
    """
    tangents, samples = shape
    unknown = [name for name in parameters if name not in equation.parameters]
    if unknown:
        known = ", ".join(equation.parameters) or "none"
        raise ValueError(f"The equation has no parameter {unknown[0]!r} to be differentiated by; it has: {known}.")
    by_name = {
        name: _checked(f"The rates of parameter {name!r}", rate, [(tangents,), (tangents, samples)], device)
        for name, rate in parameters.items()
    }
    shapes = [(tangents,), (tangents, samples), (tangents, samples, grid.dims)]
    stretch = None
    if length is not None:
        rate = _checked("The rates of the length", length, shapes, device)
        rate = rate.reshape(*rate.shape, *(1,) * (3 - rate.ndim)).expand(shapes[-1])
        stretch = rate.transpose(0, 1) / torch.tensor(grid.length, dtype=torch.float64, device=device)
    moving = None
    if times is not None:
        moving = _checked("The rates of the times", times, [(tangents,), (tangents, outputs)], device)
        moving = moving.reshape(tangents, -1).expand(tangents, outputs)
    spread = {name: rate.reshape(tangents, -1).expand(tangents, samples).T for name, rate in by_name.items()}
    return Rates(spread, stretch, moving)


def _checked(what: str, rate: Tensor, shapes: Sequence[tuple[int, ...]], device: torch.device) -> Tensor:
    if tuple(rate.shape) not in shapes:
        raise ValueError(f"{what} must have the shape {' or '.join(map(str, shapes))}, got {tuple(rate.shape)}.")
    if not torch.isfinite(rate).all():
        raise ValueError(f"{what} must be finite: some are nan or inf.")
    return rate.to(device=device, dtype=torch.float64)
