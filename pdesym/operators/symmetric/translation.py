"""Translations enforced by the phase of the lowest Fourier mode."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from pdesym.operators.symmetric.setting import Network, Parameters, Setting, Trial
from pdesym.solvers.spectral import translate

# The lowest mode is looked for among so many.
_LOWEST = 16
_ROUNDING_UNITS = 64


@dataclass(frozen=True)
class Translation:
    """F(u) = T_a Π F₀(T_{−a} u), T_a the translation by a along one axis: it commutes with all of them.

    Let z_cm be the Fourier coefficients, along the axis, of channel c of the last frame's mean over the other axes; one
    that is no more than 64 rounding units of the channel's rms counts as 0. Let k be the smallest m ≤ 16 with
    √Σ_c |z_cm|² > tolerance · rms of what varies along the axis in the frames, and c the first channel in which |z_ck|
    is at least half the largest. Then a = −arg(z_ck)/k + 2πj/k (in units of L/2π), where j < k makes the greatest
    Σ Re(e^{i(1+c)} z_cm e^{ima}) over all channels c and the m that k does not divide.

    Where u has the period L/g, the translations by multiples of L/g leave it where it is, and every F that commutes
    with them gives an output of that period: Π keeps the modes that g divides. For nearly all fields g = 1 and Π is the
    identity; on a field that is constant along the axis, up to rounding, it is the mean. Where there is no k but u is
    not constant, as for sin(x + y), a is 0 and F is finite but does not commute with translations on that field.

    The mode N/2 of an even axis is dropped from what goes in and what comes out.

    Args:
        axis: of space.
        tolerance: dimensionless; with a small one the frame of a field with a small lowest mode turns fast.

    Source: Kaba and Ravanbakhsh, Symmetry Breaking and Equivariant Neural Networks (NeurReps 2023), on stabilisers.
    """

    axis: int = 0
    tolerance: float = 1e-3

    order = 50

    @property
    def shifted_axes(self) -> tuple[int, ...]:
        """The axis."""
        return (self.axis,)

    @property
    def channels(self) -> int | None:
        """Number of fields that it acts on."""
        return None

    def __call__(
        self,
        network: Network,
        setting: Setting,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Parameters,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """What the network with the symmetry makes of the frames."""
        place = self.axis - setting.grid.dims
        n = u.shape[place]
        spectrum = torch.fft.rfft(u.movedim(place, -1), norm="forward")[..., : (n + 1) // 2]
        angle, kept = self._frame(spectrum)
        v = network(_shifted(spectrum, -angle, n).movedim(-1, place), parameters)
        after = torch.fft.rfft(v.movedim(place, -1), norm="forward")[..., : (n + 1) // 2]
        after = after * kept.to(v.dtype).reshape(len(v), *(1,) * (after.ndim - 2), -1)
        return _shifted(after, angle, n).movedim(-1, place)

    def _frame(
        self, spectrum: Complex[Tensor, "batch time channel *modes"]
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, "batch highest"]]:
        """a in units of L/2π, and 1 for the modes that Π keeps, 0 for the others."""
        over = (1, *range(3, spectrum.ndim - 1))
        power = (spectrum.real.square() + spectrum.imag.square()).detach().mean(over)
        last = spectrum[:, -1]
        z = last.mean(tuple(range(2, last.ndim - 1))) if last.ndim > 3 else last
        modes = torch.arange(z.shape[-1], device=z.device)
        resolved = _resolved(z, power)
        lowest = self._lowest(resolved, power)
        # Of channels that are equally strong rounding must not choose: the first that is not much weaker is taken.
        strength = (lowest.unsqueeze(1) * resolved).sum(-1)
        strong = 2 * strength >= strength.amax(-1, keepdim=True)
        strong = strong & (strong.cumsum(-1) == 1)
        chosen = (lowest.unsqueeze(1) & strong.unsqueeze(-1)).to(z.real.dtype)
        real, imaginary = (chosen * z.real).sum((1, 2)), (chosen * z.imag).sum((1, 2))
        absent = ~lowest.any(-1)
        k = torch.where(absent, 1, (lowest * modes).sum(-1))
        angle = -torch.atan2(torch.where(absent, 0.0, imaginary), torch.where(absent, 1.0, real)) / k
        angle = angle + _branch(z.detach(), angle.detach(), k, modes)
        return torch.where(absent, 0.0, angle), _kept(power, modes)

    def _lowest(
        self, resolved: Float[Tensor, "batch channel mode"], power: Float[Tensor, "batch channel mode"]
    ) -> Bool[Tensor, "batch mode"]:
        """Where k is."""
        size = resolved.square().sum(1).sqrt()
        rms = (2 * power[..., 1:].sum((1, 2))).sqrt().unsqueeze(-1)
        modes = torch.arange(size.shape[-1], device=size.device)
        present = (size > self.tolerance * rms) & (modes > 0) & (modes <= _LOWEST)
        return present & (present.cumsum(-1) == 1)

    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """Some elements of the group with their names, on which equivariance can be tried."""

        def moved(u: Tensor, parameters: Parameters, setting: Setting, out: bool) -> tuple[Tensor, Parameters]:
            distance = torch.zeros(setting.grid.dims, dtype=torch.float64, device=u.device)
            distance[self.axis] = 0.37 * setting.grid.length[self.axis]
            return translate(u, setting.grid, distance.squeeze(-1) if setting.grid.dims == 1 else distance), parameters

        return ((f"translations along axis {self.axis}", moved),)

    def described(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"symmetry": "translation", "axis": self.axis, "tolerance": self.tolerance}


def _resolved(
    z: Complex[Tensor, "batch channel mode"], power: Float[Tensor, "batch channel mode"]
) -> Float[Tensor, "batch channel mode"]:
    """|z|, 0 where it is no more than rounding of its channel."""
    size = torch.hypot(z.real.detach(), z.imag.detach())
    return torch.where(size.square() > _rounding(power), size, 0.0)


def _rounding(power: Float[Tensor, "batch channel mode"]) -> Float[Tensor, "batch channel one"]:
    """The power up to which a mode of a channel is rounding."""
    return (_ROUNDING_UNITS * torch.finfo(power.dtype).eps) ** 2 * power.sum(-1, keepdim=True)


def _branch(
    z: Complex[Tensor, "batch channel mode"],
    angle: Float[Tensor, " batch"],
    k: Int[Tensor, " batch"],
    modes: Int[Tensor, " mode"],
) -> Float[Tensor, " batch"]:
    """2πj/k with the j < k whose frame has the greatest Σ Re(w_m e^{ima}), w_m = Σ_c e^{i(1+c)} z_cm.

    Without these factors opposite channels would cancel, and the sum be 0 for a sine among cosines.
    """
    factor = torch.arange(1, z.shape[1] + 1, device=z.device, dtype=angle.dtype).unsqueeze(-1)
    w = (torch.complex(factor.cos(), factor.sin()) * z).sum(1)
    j = torch.arange(_LOWEST, device=z.device)
    turns = 2 * math.pi * j.to(angle.dtype) / k.unsqueeze(-1)
    angles = (angle.unsqueeze(-1) + turns).unsqueeze(-1) * modes
    odd = (modes % k.unsqueeze(-1) != 0).to(angles.dtype)
    real, imaginary = (odd * part for part in (w.real, w.imag))
    score = (real.unsqueeze(1) * angles.cos() - imaginary.unsqueeze(1) * angles.sin()).sum(-1)
    score = torch.where(j < k.unsqueeze(-1), score, -torch.inf)
    best = score.argmax(-1, keepdim=True)
    return turns.gather(-1, best).squeeze(-1)


def _kept(power: Float[Tensor, "batch channel mode"], modes: Int[Tensor, " mode"]) -> Float[Tensor, "batch mode"]:
    """1 on the multiples of g, the largest number that divides every mode of the field; beyond them all for none."""
    divisors = torch.arange(1, len(modes) + 1, device=modes.device)
    others = (modes % divisors.unsqueeze(-1) != 0).to(power.dtype)
    divides = (power @ others.T <= _rounding(power)).all(1)
    g = (divides * divisors).amax(-1, keepdim=True).clamp_min(1)  # 0 for a sample that is not finite
    return (modes % g == 0).to(power.dtype)


def _shifted(
    spectrum: Complex[Tensor, "batch *modes"], angle: Float[Tensor, " batch"], n: int
) -> Float[Tensor, "batch *points"]:
    """The field of a spectrum, moved by the angle of each sample."""
    phase = angle.reshape(-1, *(1,) * (spectrum.ndim - 1)) * torch.arange(spectrum.shape[-1], device=angle.device)
    field: Tensor = torch.fft.irfft(spectrum * torch.complex(phase.cos(), -phase.sin()), n=n, norm="forward")
    return field
