"""Sections: functions of the frames that a one-parameter group moves, so that one frame in each orbit has value 0."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.vector_field import VectorField, variable

UserSection: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""(frames (batch, time, channel, *space), times (time,) or (batch, time)) → (batch,)."""

# A fluctuation of so many rounding units of the field is none: means over space and shifts leave a few.
_ROUNDING_UNITS = 32


@runtime_checkable
class Section(Protocol):
    """A section that can be written to a file."""

    order: int
    """Frames with a smaller number stand outside: the sections of those outside are invariant under those inside."""

    def __call__(self, u: Float[Tensor, "batch time channel *space"], times: Float[Tensor, "..."]) -> Tensor:
        """s(u), one for each sample."""

    def rate(self, vector_field: VectorField) -> sympy.Expr | None:
        """c(t) where s(exp(εv) u) = s(u) + ε ⟨c⟩ for all frames, ⟨c⟩ the mean over their times; None elsewhere."""


@dataclass(frozen=True)
class Mean:
    """The mean of a field over space and frames, which a boost t ∂_x + ∂_u moves by ε.

    Args:
        field: its channel.
    """

    field: int = 0
    order = 10

    def __call__(
        self, u: Float[Tensor, "batch time channel *space"], times: Float[Tensor, "..."]
    ) -> Float[Tensor, " batch"]:
        """s(u), one for each sample."""
        return u[:, :, self.field].flatten(1).mean(1)

    def rate(self, vector_field: VectorField) -> sympy.Expr | None:
        """φ of the field, where it depends on t alone."""
        phi = vector_field.phi[self.field]
        return phi if _of_time(phi) else None


@dataclass(frozen=True)
class LogRms:
    """log √⟨|u − ⟨u⟩|²⟩, the size of the fluctuation of some fields, which u ∂_u moves by ε; or of the fields whole.

    Args:
        fields: their channels.
        each_frame: whether the logarithm is taken of each frame and then the mean over the frames, as growth that
            depends on t needs it; otherwise the size is that of all frames together.
        whole: whether the mean of each frame belongs to it.

    Where the fluctuation is no more than 32 rounding units of √⟨|u|²⟩, the size is √⟨|u|²⟩, which u ∂_u moves by ε too:
    constants keep the symmetry. There s jumps, and an operator with it, by log(1/(32 rounding units)), 12 in float32.
    Under (u + b) ∂_u such a field has no size. A field that is exactly 0 counts as one of size 1.
    """

    fields: tuple[int, ...] = (0,)
    each_frame: bool = False
    whole: bool = False
    order = 30

    def __call__(
        self, u: Float[Tensor, "batch time channel *space"], times: Float[Tensor, "..."]
    ) -> Float[Tensor, " batch"]:
        """s(u), one for each sample."""
        logarithm = log_rms(u, self.fields, (2, 3) if self.each_frame else (1, 2, 3), self.whole)
        return logarithm.mean(1) if self.each_frame else logarithm

    def rate(self, vector_field: VectorField) -> sympy.Expr | None:
        """c(t), where φ = c(t) u + b(t) for each of the fields."""
        rates = set()
        for field in self.fields:
            phi, u = vector_field.phi[field], variable(vector_field.fields[field])
            slope = sympy.diff(phi, u)
            rest = sympy.expand(phi - slope * u)
            if not _of_time(slope) or not _of_time(rest) or (self.whole and rest != 0):
                return None
            rates.add(slope)
        rate = rates.pop()
        return None if rates or (not self.each_frame and rate.free_symbols) else rate


@dataclass(frozen=True)
class PairPhase:
    """The argument of ⟨|ψ|² ψ⟩, ψ = u + iv for a pair of fields, which v ∂_u − u ∂_v moves by −ε.

    The mean is over space and frames, of the modes below a third of the grid's N: of those no product is taken for
    another mode of the grid, so that shifts leave the mean as it is. It is 0 for some fields, a plane wave for one,
    whose shifts are rotations of its phase; where it is below 10⁻⁶ of ⟨|ψ|³⟩ the argument counts as 0.

    Args:
        fields: the channels of u and v.
    """

    fields: tuple[int, int] = (0, 1)
    order = 40

    def __call__(
        self, u: Float[Tensor, "batch time channel *space"], times: Float[Tensor, "..."]
    ) -> Float[Tensor, " batch"]:
        """s(u), one for each sample."""
        a, b = (_low_modes(u[:, :, field]).flatten(1) for field in self.fields)
        power = a.square() + b.square()
        real, imaginary = (power * a).mean(1), (power * b).mean(1)
        size = torch.hypot(real.detach(), imaginary.detach())
        absent = size <= 1e-6 * power.detach().pow(1.5).mean(1)
        return torch.atan2(torch.where(absent, 0.0, imaginary), torch.where(absent, 1.0, real))

    def rate(self, vector_field: VectorField) -> sympy.Expr | None:
        """−c, where v = c (v ∂_u − u ∂_v) with c a number, and nothing else moves: the flow has a period then."""
        a, b = (variable(vector_field.fields[field]) for field in self.fields)
        speed = sympy.diff(vector_field.phi[self.fields[0]], b)
        rotation = [sympy.Integer(0)] * len(vector_field.fields)
        rotation[self.fields[0]], rotation[self.fields[1]] = speed * b, -speed * a
        pairs = zip(vector_field.phi, rotation, strict=True)
        still = not any(vector_field.xi) and all(sympy.expand(given - expected) == 0 for given, expected in pairs)
        return -speed if speed.is_number and still else None


def log_rms(
    u: Float[Tensor, "batch time channel *space"], fields: Sequence[int], over: Sequence[int], whole: bool = False
) -> Float[Tensor, "batch ..."]:
    """log √⟨|u − ⟨u⟩|²⟩ of some fields, log √⟨|u|²⟩ where nothing but rounding is left, and 0 where u = 0.

    Args:
        u: frames.
        fields: their channels.
        over: axes of the outer mean, of time 1, channel 2 and space 3; the inner one is over space.
        whole: whether the inner mean is left out.
    """
    chosen = torch.stack([u[:, :, field] for field in fields], 2).flatten(3)
    power = chosen.square().mean(tuple(over))
    if not whole:
        fluctuation = (chosen - chosen.mean(3, keepdim=True)).square().mean(tuple(over))
        power = torch.where(fluctuation > (_ROUNDING_UNITS * torch.finfo(u.dtype).eps) ** 2 * power, fluctuation, power)
    return torch.where(power > 0, power, 1.0).log() / 2


def candidates(vector_field: VectorField) -> list[Section]:
    """The sections to try, in the order in which they are taken."""
    moved = [field for field, phi in enumerate(vector_field.phi) if phi != 0]
    sections: list[Section] = [Mean(field) for field in moved]
    for each_frame in (False, True):
        sections += [LogRms(tuple(moved), each_frame)] if len(moved) > 1 else []
        sections += [LogRms((field,), each_frame) for field in moved]
    sections += [PairPhase((a, b)) for a in moved for b in moved if a < b]
    sections += [LogRms(tuple(moved), whole=True)] if moved else []
    return sections


def _of_time(expression: sympy.Expr) -> bool:
    return expression.free_symbols <= {variable("t")}


def _low_modes(u: Float[Tensor, "batch time *space"]) -> Float[Tensor, "batch time *space"]:
    points = u.shape[2:]
    axes = tuple(range(2, u.ndim))
    spectrum = torch.fft.rfftn(u, dim=axes)
    for axis, n in zip(axes, points, strict=True):
        modes = torch.fft.rfftfreq(n, 1 / n) if axis == axes[-1] else torch.fft.fftfreq(n, 1 / n)
        low = (3 * modes.abs() < n).to(u.device, u.dtype)
        spectrum = spectrum * low.reshape(-1, *(1,) * (u.ndim - axis - 1))
    field: Tensor = torch.fft.irfftn(spectrum, s=points, dim=axes)
    return field
