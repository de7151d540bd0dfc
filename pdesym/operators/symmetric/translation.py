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

    Let z_m be the Fourier coefficients, along the axis, of the last frame's mean over the other axes and sum over the
    channels, and k the smallest m ≤ 16 with |z_m| > tolerance · rms of the frames. Then a = −arg(z_k)/k + 2πj/k (in
    units of L/2π), where j < k makes the greatest Σ Re(z_m e^{ima}) over the m that k does not divide.

    Where u has the period L/g, the translations by multiples of L/g leave it where it is, and every F that commutes
    with them gives an output of that period: Π keeps the modes that g divides. For nearly all fields g = 1 and Π is the
    identity; on a field that is constant along the axis it is the mean. Where there is no z_k but u is not constant, as
    for sin(x + y), a is 0 and F is finite but does not commute with translations on that field.

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
        over = tuple(range(1, spectrum.ndim - 1))
        power = (spectrum.real.square() + spectrum.imag.square()).detach().mean(over)
        last = spectrum[:, -1].sum(1)
        z = last.mean(tuple(range(1, last.ndim - 1))) if last.ndim > 2 else last
        modes = torch.arange(z.shape[-1], device=z.device)
        lowest = self._lowest(z, power)
        chosen = lowest.to(z.real.dtype)
        real, imaginary = (chosen * z.real).sum(-1), (chosen * z.imag).sum(-1)
        absent = ~lowest.any(-1)
        k = torch.where(absent, 1, (lowest * modes).sum(-1))
        angle = -torch.atan2(torch.where(absent, 0.0, imaginary), torch.where(absent, 1.0, real)) / k
        angle = angle + _branch(z.detach(), angle.detach(), k, modes)
        return torch.where(absent, 0.0, angle), _kept(power, modes)

    def _lowest(
        self, z: Complex[Tensor, "batch mode"], power: Float[Tensor, "batch mode"]
    ) -> Bool[Tensor, "batch mode"]:
        """Where k is."""
        size = torch.hypot(z.real.detach(), z.imag.detach())
        weights = torch.where(torch.arange(z.shape[-1], device=z.device) > 0, 2.0, 1.0).to(power.dtype)
        rms = (power * weights).sum(-1, keepdim=True).sqrt()
        modes = torch.arange(z.shape[-1], device=z.device)
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


def _branch(
    z: Complex[Tensor, "batch mode"],
    angle: Float[Tensor, " batch"],
    k: Int[Tensor, " batch"],
    modes: Int[Tensor, " mode"],
) -> Float[Tensor, " batch"]:
    """2πj/k with the j < k whose frame has the greatest Σ Re(z_m e^{ima})."""
    j = torch.arange(_LOWEST, device=z.device)
    turns = 2 * math.pi * j.to(angle.dtype) / k.unsqueeze(-1)
    angles = (angle.unsqueeze(-1) + turns).unsqueeze(-1) * modes
    odd = (modes % k.unsqueeze(-1) != 0).to(angles.dtype)
    real, imaginary = (odd * part for part in (z.real, z.imag))
    score = (real.unsqueeze(1) * angles.cos() - imaginary.unsqueeze(1) * angles.sin()).sum(-1)
    score = torch.where(j < k.unsqueeze(-1), score, -torch.inf)
    best = score.argmax(-1, keepdim=True)
    return turns.gather(-1, best).squeeze(-1)


def _kept(power: Float[Tensor, "batch mode"], modes: Int[Tensor, " mode"]) -> Float[Tensor, "batch mode"]:
    """1 on the multiples of g, the largest number that divides every mode of the field; beyond them all for none."""
    divisors = torch.arange(1, len(modes) + 1, device=modes.device)
    others = (modes % divisors.unsqueeze(-1) != 0).to(power.dtype)
    level = (_ROUNDING_UNITS * torch.finfo(power.dtype).eps) ** 2 * power.sum(-1, keepdim=True)
    divides = power @ others.T <= level
    g = (divides * divisors).amax(-1, keepdim=True)
    return (modes % g == 0).to(power.dtype)


def _shifted(
    spectrum: Complex[Tensor, "batch *modes"], angle: Float[Tensor, " batch"], n: int
) -> Float[Tensor, "batch *points"]:
    """The field of a spectrum, moved by the angle of each sample."""
    phase = angle.reshape(-1, *(1,) * (spectrum.ndim - 1)) * torch.arange(spectrum.shape[-1], device=angle.device)
    field: Tensor = torch.fft.irfft(spectrum * torch.complex(phase.cos(), -phase.sin()), n=n, norm="forward")
    return field
