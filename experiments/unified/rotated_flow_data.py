"""Kelvin-Helmholtz billows: two shear layers along x that roll up, and the same turned by 90 degrees."""

import math
from functools import cache

import torch
from torch import Tensor

from experiments.unified.rotated_flow_preset import FIELDS, Preset
from pdesym.datasets import Windows
from pdesym.operators.group_fourier import PlaneGroup, act_on_grid
from pdesym.solvers import GaussianField, Grid, navier_stokes, solve
from pdesym.solvers.random_streams import stream

VISCOSITY = 4e-3
# Size of the perturbation, relative to the layers.
NOISE = 0.1
SPLITS = ("train", "validation", "test")


def shear_layers(grid: Grid, samples: int, split: str) -> Tensor:
    """w₀ (sample, 1, x, y) = ±U (sech²((y − a)/δ) − sech²((y − b)/δ))/δ and a tenth of a smooth random field.

    U in 0.8 .. 1.2, δ in 0.35 .. 0.55, b − a half a period give or take 0.5, all uniform: a jet along x, and another
    one back. Its mean is taken away.
    """
    y = torch.meshgrid(*grid.coordinates(), indexing="ij")[1]
    half = grid.length[1] / 2
    seed = SPLITS.index(split)
    noise = GaussianField(alpha=3, tau=3, modes=min(8, grid.points[0] // 2 - 1)).sample(grid, range(samples), (seed, 1))
    fields = []
    for index in range(samples):
        draw = stream((seed, 0), index)
        strength, thickness = draw.choice((-1, 1)) * draw.uniform(0.8, 1.2), draw.uniform(0.35, 0.55)
        first, gap = draw.uniform(0, 2 * half), half + draw.uniform(-0.5, 0.5)
        layers = [((y - centre + half) % (2 * half) - half) / thickness for centre in (first, first + gap)]
        w = strength / thickness * (torch.cosh(layers[0]) ** -2 - torch.cosh(layers[1]) ** -2)
        fields.append(w - w.mean() + NOISE * w.std() * noise[index, 0] / noise[index, 0].std())
    return torch.stack(fields)[:, None]


def solutions(preset: Preset, w0: Tensor) -> Tensor:
    """The vorticity (sample, time, 1, x, y) at the times 0, 1, .. from w₀, float64."""
    times = torch.arange(preset.frames, dtype=torch.float64)
    return solve(navier_stokes(VISCOSITY), w0, grid_of(preset), times, dt=preset.dt).u


@cache
def windows(preset: Preset, split: str, device: str = "cpu") -> Windows:
    """All steps from one frame to the next of a split, in single precision."""
    w0 = shear_layers(grid_of(preset), getattr(preset, split), split).to(device)
    times = torch.arange(preset.frames, dtype=torch.float64, device=device)
    return Windows(solutions(preset, w0).float(), times, grid_of(preset), 1, 1, ("w",))


def turned(w: Tensor) -> Tensor:
    """The flow turned by 90 degrees: jets along x become jets along y."""
    return act_on_grid(w, 1, PlaneGroup("p4"), FIELDS)


def turning_defect(preset: Preset) -> float:
    """Relative difference between the solutions of two turned fields and the turned solutions: round-off."""
    w0 = shear_layers(grid_of(preset), 2, "test")
    after, before = turned(solutions(preset, w0)), solutions(preset, turned(w0))
    return float((before - after).norm() / after.norm())


def grid_of(preset: Preset) -> Grid:
    """The torus of side 2π."""
    return Grid(preset.points, preset.points, length=2 * math.pi)
