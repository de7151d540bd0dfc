"""Windows that are moved along generators learned from the very trajectories they are cut from."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from experiments.forecasting.data import Solutions
from experiments.forecasting.settings import Learned, Stride
from pdesym.datasets import Windows
from pdesym.symmetry import Generator
from pdesym.symmetry.augment import Family, MovedTrajectories, on_shell_residual, random_parameters
from pdesym.symmetry.augment.augment import TOLERANCE
from pdesym.symmetry.augment.point_motion import move_points
from pdesym.symmetry.learn import LearnSettings, from_trajectories, learn
from pdesym.training.moved_pool import MovedPool

# Relative error of the moved fields: what float32 makes of a training step is not smaller.
ERROR = 1e-5
# Frames that the generators are learned from.
FRAMES = 64
EXACT = ("d_x", "d_t", "t*d_x + d_u")


def learned_windows(
    solutions: Solutions, windows: Windows, settings: Learned, stride: Stride, seed: int, folder: Path
) -> tuple[MovedPool, dict[str, Any]]:
    """The windows, or with some probability those of moved copies of the trajectories; and what was learned.

    Args:
        solutions: what is learned from and moved, at full resolution.
        windows: of these solutions.
        settings: how much is moved.
        stride: from full resolution to that of the windows.
        seed: of the learning and of the random motions.
        folder: where copies are kept that are done, so that a call that was ended continues.
    """
    problem = from_trajectories(
        solutions.u, solutions.equation, grid=solutions.grid, times=solutions.times, frames=FRAMES, seed=seed
    )
    learned = learn(problem, LearnSettings(seed=seed))
    scale = settings.scales[solutions.name]
    copies = []
    for number in range(settings.copies):
        path = folder / "copies" / f"{number}.pt"
        if not path.is_file():
            parameters = random_parameters(
                range(len(solutions.u)), [scale] * learned.dimension, settings.copies * seed + number
            )
            _save(path, moved(solutions, learned.generators, parameters, stride))
        copies.append(MovedTrajectories(**_load(path), grid=windows.grid, equation=solutions.equation, length=None))
    pool = MovedPool(windows, copies, settings.probability)
    account = {
        "dimension": learned.dimension,
        "levels": list(learned.levels),
        "angles": learned.angles([Generator(text) for text in EXACT]),
        "flags": list(learned.flags),
        "accepted": float(torch.stack([copy.accepted for copy in copies]).double().mean()),
        "valid_windows": float(pool.valid.double().mean()),
    }
    return pool, account


def moved(solutions: Solutions, family: Family, parameters: Tensor, stride: Stride) -> Mapping[str, Tensor]:
    """The solutions moved by exp(Σ_g ε_g v_g), which of them still solve the equation, and on which frames."""
    times = solutions.times.expand(len(solutions.u), -1)
    u, mask = move_points(
        solutions.u, solutions.times, solutions.grid, solutions.equation, family, parameters, tolerance=ERROR
    )
    residual = on_shell_residual(u, times, solutions.grid, solutions.equation, mask=mask)
    return {
        "u": u[:, :: stride.time, :, :: stride.space].float(),
        "times": times[:, :: stride.time].clone(),
        "mask": mask[:, :: stride.time],
        # Written so that nan is not accepted.
        "accepted": residual <= TOLERANCE,
        "residual": residual,
        "parameters": parameters,
    }


def _save(path: Path, copy: Mapping[str, Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(dict(copy), partial)
    os.replace(partial, path)


def _load(path: Path) -> dict[str, Any]:
    return dict(torch.load(path, weights_only=True))
