"""The translation that brings a periodic field to a place of its own, and the lattice of its waves."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Complex, Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.relax.lattice import Lattice, extended
from pdesym.symmetry.relax.waves import coefficients, contained, grid_size, waves

_ROUNDING_UNITS = 64
_LAST = 1 << 62
# Waves are preferred whose size, relative to their channel, is of the same decade and a half as the largest. The
# borders are at no simple ratio, where amplitudes such as 1, 1/2 and 1/3 would leave the order to rounding.
_LEVEL = 3.4
_LEVEL_OFFSET = 0.43
# Centre of the window of a phase in turns, for the same reason at no simple part of a turn or number of radians.
_CENTRE = (math.sqrt(5) - 2) / 2


@dataclass(frozen=True)
class PhaseFrame:
    """α of h(x) = T_{α L}, as turns of each axis, and the lattice Λ of the waves of each sample."""

    turns: Float[Tensor, "batch dims"]
    lattices: tuple[Lattice, ...]


def phase_frame(x: Float[Tensor, "batch *rest"], grid: Grid, tolerance: float) -> PhaseFrame:
    """α with α(T_a x) = α(x) + a/L up to the stabiliser, the translations on which all waves of Λ are 1.

    A wave k of a channel is there where |û_k| is more than tolerance · the channel's rms and 64 rounding units of the
    whole sample's. Waves generate Λ one after the other, those first that are strong in their channel (within a factor
    of about 20 of the strongest, then 30 times as much, …), of these the longest, of these the first channel. One that
    no earlier ones span fixes its own phase: arg û_k becomes 0. Of one k of which m > 1 is the least multiple in the
    lattice so far, the phase can have m values then, and the frame takes the one within half a step of (√5 − 2)/2
    turns. In that way rounding turns a choice on no field of simple amplitudes and phases; some jump there must be,
    as no frame is continuous everywhere.

    The result is differentiable in x where no choice changes.
    """
    z = coefficients(x, grid)
    present, rank = _ranked(z.detach(), x.detach(), grid, tolerance)
    modes = waves(grid)[0]
    phases = (torch.angle(z.detach()) / (2 * math.pi)).cpu()
    rank, anywhere = rank.cpu(), present.any(1).cpu()
    found = [_Growing() for _ in range(len(x))]
    while found:
        inside = torch.stack([contained(sample.lattice, grid) for sample in found])
        outside = anywhere & ~inside
        if not bool(outside.any()):
            break
        best = rank.masked_fill(~outside.unsqueeze(1), _LAST).flatten(1).argmin(1)
        for number in outside.any(1).nonzero().squeeze(1).tolist():
            channel, wave = divmod(int(best[number]), z.shape[2])
            found[number].add((channel, wave), tuple(modes[wave].tolist()), float(phases[number, channel, wave]))
    return PhaseFrame(_turns(z, found, grid.dims), tuple(sample.lattice for sample in found))


def _ranked(
    z: Complex[Tensor, "batch lead wave"], x: Tensor, grid: Grid, tolerance: float
) -> tuple[Bool[Tensor, "batch lead wave"], Tensor]:
    """Which waves are there, and the order in which they are taken."""
    size = z.abs()
    rms = x.double().reshape(*z.shape[:2], grid_size(grid)).square().mean(-1).sqrt()
    whole = rms.square().sum(1, keepdim=True).sqrt()
    units = _ROUNDING_UNITS * torch.finfo(x.dtype).eps
    present = size > torch.maximum(tolerance * rms, units * whole).unsqueeze(-1)
    relative = torch.where(present, size / rms.clamp_min(torch.finfo(rms.dtype).tiny).unsqueeze(-1), 0.0)
    largest = relative.flatten(1).amax(1)[:, None, None] if relative.numel() else relative
    level = torch.floor((largest / relative).log() / _LEVEL + _LEVEL_OFFSET / _LEVEL)
    channels, count = z.shape[1:]
    place = torch.arange(count, device=z.device) * channels + torch.arange(channels, device=z.device)[:, None]
    rank = torch.where(present, level, 0.0).long() * (count * channels) + place
    return present, torch.where(present, rank, _LAST)


class _Growing:
    """A lattice with the value of b·α for each row b of its basis, as waves are added to it."""

    def __init__(self) -> None:
        self.lattice: Lattice = ()
        self.values: list[float] = []
        self.entries: list[tuple[int, int]] = []
        self.waves: list[tuple[int, ...]] = []
        self.phases: list[float] = []

    def add(self, entry: tuple[int, int], k: tuple[int, ...], phase: float) -> None:
        """One wave of that phase, in turns."""
        extension = extended(self.lattice, k)
        if extension.index:
            m = extension.index
            value = sum(c * v for c, v in zip(extension.coefficients, self.values, strict=True))
            steps = math.ceil(m * (_CENTRE - phase - value) - 0.5)
            value += steps / m
        else:
            value = -phase
            self.entries.append(entry)
            self.waves.append(k)
            self.phases.append(phase)
        values = [*self.values, value]
        self.values = [sum(t * v for t, v in zip(row, values, strict=True)) for row in extension.transform]
        self.lattice = extension.lattice


def _turns(z: Complex[Tensor, "batch lead wave"], found: list[_Growing], dims: int) -> Float[Tensor, "batch dims"]:
    """α = K⁺ (n − arg û/2π) over the independent waves K of each sample, n the whole turns that the frame chose."""
    count = len(found)
    rows = torch.zeros(count, dims, dims, dtype=torch.float64)
    offsets = torch.zeros(count, dims, dtype=torch.float64)
    places = torch.zeros(count, dims, dtype=torch.int64)
    used = torch.zeros(count, dims, dtype=torch.bool)
    for number, sample in enumerate(found):
        rank = len(sample.waves)
        if not rank:
            continue
        basis = torch.tensor(sample.lattice, dtype=torch.float64)
        alpha = torch.linalg.pinv(basis) @ torch.tensor(sample.values, dtype=torch.float64)
        k = torch.tensor(sample.waves, dtype=torch.float64)
        rows[number, :, :rank] = torch.linalg.pinv(k)
        offsets[number, :rank] = (k @ alpha + torch.tensor(sample.phases, dtype=torch.float64)).round()
        places[number, :rank] = torch.tensor([channel * z.shape[2] + wave for channel, wave in sample.entries])
        used[number, :rank] = True
    device = z.device
    chosen = z.flatten(1).gather(1, places.to(device)) if z.numel() else z.new_ones(count, dims)
    chosen = torch.where(used.to(device), chosen, torch.ones_like(chosen))
    turns = offsets.to(device) - torch.angle(chosen) / (2 * math.pi)
    return torch.einsum("bij,bj->bi", rows.to(device), turns)
