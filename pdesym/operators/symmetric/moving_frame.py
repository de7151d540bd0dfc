"""A one-parameter group enforced by a moving frame."""

from dataclasses import dataclass
from typing import Any

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.operators.symmetric.motion import Motion
from pdesym.operators.symmetric.newton import root
from pdesym.operators.symmetric.sections import Section, UserSection
from pdesym.operators.symmetric.setting import Network, Parameters, Setting, Trial
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry import Generator
from pdesym.symmetry.nyquist import without_nyquist
from pdesym.symmetry.vector_field import variable


@dataclass(frozen=True)
class MovingFrame:
    """F(u) = exp(εv)|_out F₀(exp(−εv)|_in u), with ε(u) from s(exp(−εv) u) = 0 for a section s.

    Since ε(exp(av) u) = ε(u) + a, F commutes with the group whatever F₀ is, but for frames that the group leaves where
    they are, such as 0 under u ∂_u: there any ε solves, one is taken, and F commutes only as far as F₀ does. Where the
    section moves affinely, s(exp(εv) u) = s(u) + cε, ε is s(u)/c; elsewhere Newton's method finds it for each sample,
    with exact first derivatives, and makes the output of a sample not a number where it comes to no root.

    Where the generator shifts frames, the mode N/2 of even axes is dropped from what goes in and what comes out.

    Args:
        generator: v, one that `Generator.act` can apply.
        section: s: `Mean`, `LogRms`, `PairPhase`, or any function of frames `(batch, time, channel, *space)` and times
            `(time,)` or `(batch, time)` with one number for each sample that the generator moves; an operator with such
            a function cannot be opened from a folder. None finds one when it is enforced.

    Source: Fels and Olver, Moving coframes II (Acta Applicandae Mathematicae 55, 1999), section 4.
    """

    generator: Generator
    section: Section | UserSection | None = None

    @property
    def order(self) -> int:
        """Layers of a smaller number stand outside."""
        return self.section.order if isinstance(self.section, Section) else 20

    @property
    def channels(self) -> int | None:
        """Number of fields that it acts on."""
        return len(self.generator.fields)

    @property
    def shifted_axes(self) -> tuple[int, ...]:
        """The axes along which frames are shifted, from 0."""
        return tuple(axis for axis, xi in enumerate(self.generator.xi) if xi != 0)

    def epsilon(
        self, u: Float[Tensor, "batch time channel *space"], setting: Setting, parameters: Parameters
    ) -> Float[Tensor, " batch"]:
        """ε(u), one for each sample."""
        section, motion = self.section, Motion(self.generator)
        if section is None:
            raise ValueError("Expected a moving frame with a section: put it around a network with enforce.")
        times = setting.times(u, parameters, out=False)
        rate = section.rate(self.generator.vector_field) if isinstance(section, Section) else None
        if rate is not None:
            return section(u, times) / mean_rate(rate, times).to(u.dtype)
        if torch.compiler.is_exporting():
            raise ValueError(
                f"The frame of {self.generator.vector_field.text} is found by Newton's method, which torch.export "
                "cannot record: give a section that the generator moves affinely, or use save_operator."
            )
        settled = u.detach()
        fixed = None if parameters is None else parameters.detach()
        times_fixed = times.detach()
        return root(
            lambda epsilon: section(motion(u, -epsilon, setting, parameters, False), times),
            lambda epsilon: section(motion(settled, -epsilon, setting, fixed, False), times_fixed),
            torch.zeros(len(u), dtype=u.dtype, device=u.device),
        )

    def __call__(
        self,
        network: Network,
        setting: Setting,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Parameters,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """What the network with the symmetry makes of the frames."""
        motion = Motion(self.generator)
        epsilon = self.epsilon(u, setting, parameters)
        v = network(motion(u, -epsilon, setting, parameters, False), parameters)
        return motion(
            without_nyquist(v, [axis - setting.grid.dims for axis in self.shifted_axes]),
            epsilon,
            setting,
            parameters,
            True,
        )

    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """Some elements of the group with their names, on which equivariance can be tried."""
        motion = Motion(self.generator)

        def moved(u: Tensor, parameters: Parameters, setting: Setting, out: bool) -> tuple[Tensor, Parameters]:
            epsilon = torch.full((len(u),), 0.37, dtype=u.dtype, device=u.device)
            return motion(u, epsilon, setting, parameters, out), parameters

        return ((self.generator.vector_field.text, moved),)

    def described(self) -> dict[str, Any]:
        """As JSON holds it."""
        field = self.generator.vector_field
        return {
            "symmetry": "frame",
            "generator": field.text,
            "fields": list(field.fields),
            "coordinates": list(field.coordinates),
            "section": described_section(self.section),
        }


def described_section(section: Section | UserSection | None) -> dict[str, Any]:
    """A section as JSON holds it: with its name and its arguments."""
    if isinstance(section, Section):
        arguments = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(section).items()}
        return {"name": type(section).__name__, **arguments}
    named: Any = section if hasattr(section, "__qualname__") else type(section)
    return {"name": f"{named.__module__}.{named.__qualname__}"}


def mean_rate(rate: sympy.Expr, times: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """⟨c⟩ over the frames, float64: a number, or one for each sample."""
    (value,) = torch_function((variable("t"),), (rate,))(times)
    return (torch.as_tensor(value, dtype=torch.float64, device=times.device) + 0 * times).mean(-1)
