"""Scalings of fields together with the parameters of the equation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.operators.symmetric.sections import log_rms
from pdesym.operators.symmetric.setting import DURATION, LENGTH, Network, Parameters, Setting, Trial

AMPLITUDE = "amplitude"
_PARAMETER = {"t": DURATION, "x": LENGTH}


@dataclass(frozen=True, init=False)
class Scaling:
    """u → λ^{w_u} u with p → λ^{w_p} p for the parameters p: F(u, p) = λ^{w_u} F₀(λ^{−w_u} u, λ^{−w_p} p).

    Written by the weights: `Scaling(u=-2, t=3, x=1)` for Korteweg-de Vries, `Scaling(u=-1, t=2, x=1)` for Burgers and
    heat, or with a fixed box `Scaling(u=1, t=-1, nu=1)`, S_{T,ν}(u) = μ S₀_{μT,ν/μ}(u/μ). Here t stands for the
    parameter "duration", x for "length"; other names are those of fields and of the network's parameters.

    λ is the one that makes the section 1: the rms fluctuation of the fields, λ^{w_u} = √⟨|u − ⟨u⟩|²⟩ over all frames,
    or a parameter over its reference. Where the fluctuation is no more than 32 rounding units of √⟨|u|²⟩, √⟨|u|²⟩ takes
    its place, so that constants scale too, and F jumps there; a field that is exactly 0 counts as one of size 1, and on
    it F has the symmetry only as far as F₀ has it.

    Args:
        section: "amplitude", or the name of a parameter with a weight.
        fields: names of the channels.
        weights: of fields and parameters, dimensionless; 0 for those that are not named.

    Raises:
        ValueError: for a section without weight.
    """

    section: str
    fields: tuple[str, ...]
    weights: tuple[tuple[str, float], ...]

    order = 20

    def __init__(self, section: str = AMPLITUDE, fields: Sequence[str] = ("u",), **weights: int | float):
        named = {_PARAMETER.get(name, name) if name not in fields else name: w for name, w in weights.items() if w}
        object.__setattr__(self, "section", section)
        object.__setattr__(self, "fields", tuple(fields))
        object.__setattr__(self, "weights", tuple((name, float(weight)) for name, weight in named.items()))
        if not (self._moving if section == AMPLITUDE else self.weight(section) and section not in fields):
            raise ValueError(
                f"Expected a section that the scaling changes, {AMPLITUDE!r} or a parameter with a weight, got "
                f"{section!r} with the weights {named}: give it a weight."
            )

    @property
    def shifted_axes(self) -> tuple[int, ...]:
        """None: it shifts no frame by a part of a cell."""
        return ()

    @property
    def channels(self) -> int | None:
        """Number of fields that it acts on."""
        return len(self.fields)

    def weight(self, name: str) -> float:
        """Of a field or a parameter."""
        return dict(self.weights).get(name, 0.0)

    @property
    def _moving(self) -> tuple[int, ...]:
        """The channels whose amplitude is the section: all of the weight of the first that has one."""
        weights = [self.weight(name) for name in self.fields]
        first = next((weight for weight in weights if weight), None)
        return tuple(channel for channel, weight in enumerate(weights) if first is not None and weight == first)

    def require(self, setting: Setting) -> None:
        """Refuse, in one sentence, weights of parameters that the network does not take.

        Raises:
            ValueError: naming them.
        """
        missing = [name for name, _ in self.weights if name not in (*self.fields, *setting.parameters)]
        if missing:
            raise ValueError(
                f"The scaling changes {', '.join(missing)}, and the network takes ({', '.join(setting.parameters)}): "
                f"build it with parameters={tuple(missing)} beside what it has."
            )

    def __call__(
        self,
        network: Network,
        setting: Setting,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Parameters,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """What the network with the symmetry makes of the frames."""
        given = setting.given(u, parameters)
        logarithm = self._log_scale(u, given, setting)
        v = network(self._scaled(u, -logarithm), self._scaled_parameters(given, -logarithm, setting))
        return self._scaled(v, logarithm)

    def _log_scale(
        self, u: Float[Tensor, "batch time channel *space"], given: Float[Tensor, "batch parameter"], setting: Setting
    ) -> Float[Tensor, " batch"]:
        """log λ of each sample."""
        if self.section == AMPLITUDE:
            size = log_rms(u, self._moving, (1, 2, 3))
            return size / self.weight(self.fields[self._moving[0]])
        place = setting.parameters.index(self.section)
        relative = given[:, place] / setting.reference[place]
        return relative.log().to(u.dtype) / self.weight(self.section)

    def _scaled(
        self, u: Float[Tensor, "batch time channel *space"], logarithm: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch time channel *space"]:
        weights = logarithm.new_tensor([self.weight(name) for name in self.fields])
        factor = (logarithm.unsqueeze(-1) * weights).exp()
        return u * factor.reshape(len(u), 1, -1, *(1,) * (u.ndim - 3))

    def _scaled_parameters(
        self, given: Float[Tensor, "batch parameter"], logarithm: Float[Tensor, " batch"], setting: Setting
    ) -> Parameters:
        if not setting.parameters:
            return None
        weights = logarithm.new_tensor([self.weight(name) for name in setting.parameters])
        return given * (logarithm.unsqueeze(-1) * weights).exp()

    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """Some elements of the group with their names, on which equivariance can be tried."""

        def moved(u: Tensor, parameters: Parameters, setting: Setting, out: bool) -> tuple[Tensor, Parameters]:
            logarithm = torch.full((len(u),), 0.19, dtype=u.dtype, device=u.device)
            given = setting.given(u, parameters)
            return self._scaled(u, logarithm), self._scaled_parameters(given, logarithm, setting)

        return ((f"the scaling {dict(self.weights)}", moved),)

    def described(self) -> dict[str, Any]:
        """As JSON holds it."""
        weights = dict(self.weights)
        return {"symmetry": "scaling", "section": self.section, "fields": list(self.fields), "weights": weights}
