"""Where an operator from frames to frames lives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid

DURATION, LENGTH = "duration", "length"

Parameters: TypeAlias = Float[Tensor, "batch parameter"] | None
"""Positive numbers of each sample in the order of `Setting.parameters`; None for the reference."""

Network: TypeAlias = Callable[[Tensor, Parameters], Tensor]
"""(batch, frames_in, channel, *space) and parameters → (batch, frames_out, channel, *space)."""

Trial: TypeAlias = Callable[[Tensor, Parameters, "Setting", bool], tuple[Tensor, Parameters]]
"""An element of a group on frames and parameters; the last argument tells frames out from frames in."""


@dataclass(frozen=True)
class Setting:
    """Grid, times of the frames and parameters of an operator, in the equation's own units.

    Args:
        grid: of every frame.
        times_in: of the frames that the operator is given.
        times_out: of the frames that it gives.
        parameters: names of its parameters. All times are proportional to the one named "duration", all lengths of the
            box to the one named "length".
        reference: their values for which the times and the grid are those written here.
    """

    grid: Grid
    times_in: tuple[float, ...]
    times_out: tuple[float, ...]
    parameters: tuple[str, ...] = ()
    reference: tuple[int | float, ...] = ()

    def require_reference(self) -> None:
        """Refuse, in one sentence, references that are not those of the grid and the times written here.

        Raises:
            ValueError: naming both numbers.
        """
        named = dict(zip(self.parameters, self.reference, strict=True))
        wrong = [name for name, value in named.items() if not 0 < value < float("inf")]
        if wrong:
            raise ValueError(f"Expected references that are positive and finite, got {named[wrong[0]]} of {wrong[0]}.")
        own = {
            DURATION: [self.times_out[-1] - self.times_in[-1], self.times_out[-1] - self.times_in[0]],
            LENGTH: list(self.grid.length),
        }
        for name, allowed in own.items():
            if name in named and all(abs(named[name] - value) > 1e-6 * abs(value) for value in allowed):
                raise ValueError(
                    f"Expected {' or '.join(f'{value:g}' for value in dict.fromkeys(allowed))} as the reference of "
                    f"{name!r}, as in the grid and the times, got {named[name]:g}: these belong to the reference, and "
                    "change in proportion."
                )

    def times(self, u: Float[Tensor, "batch ..."], parameters: Parameters, out: bool) -> Float[Tensor, "..."]:
        """Of the frames in or out, `(frames,)`, or `(batch, frames)` where the duration differs; float64."""
        written = torch.tensor(self.times_out if out else self.times_in, dtype=torch.float64, device=u.device)
        factor = self._relative(DURATION, parameters)
        return written if factor is None else factor.double().unsqueeze(-1) * written

    def stretch(self, parameters: Parameters) -> Float[Tensor, " batch"] | None:
        """Length of the box of each sample over that of the grid, None where it is 1."""
        return self._relative(LENGTH, parameters)

    def given(self, u: Float[Tensor, "batch ..."], parameters: Parameters) -> Float[Tensor, "batch parameter"]:
        """The parameters, the reference in the place of None."""
        if parameters is not None:
            return parameters
        return torch.tensor(self.reference, dtype=u.dtype, device=u.device).expand(len(u), -1)

    def _relative(self, name: str, parameters: Parameters) -> Float[Tensor, " batch"] | None:
        if parameters is None or name not in self.parameters:
            return None
        place = self.parameters.index(name)
        return parameters[:, place] / self.reference[place]


@runtime_checkable
class Layer(Protocol):
    """One symmetry, put around any network."""

    @property
    def order(self) -> int:
        """Layers of a smaller number stand outside."""

    @property
    def channels(self) -> int | None:
        """Number of fields that it acts on, None for any."""

    @property
    def shifted_axes(self) -> tuple[int, ...]:
        """The axes along which it shifts frames, from 0."""

    def __call__(
        self,
        network: Network,
        setting: Setting,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Parameters,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """What the network with the symmetry makes of the frames."""

    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """Some elements of the group with their names, on which equivariance can be tried."""

    def described(self) -> dict[str, Any]:
        """As JSON holds it."""
