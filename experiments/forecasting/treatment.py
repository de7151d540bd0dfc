"""What an arm is trained on: its windows, and how they are moved."""

from dataclasses import dataclass

import torch
from torch import Tensor

from experiments.forecasting.settings import Treatment
from pdesym.datasets import Windows
from pdesym.symmetry import Generator, RandomFlow
from pdesym.training import Augmentation, TrainingWindows
from pdesym.training.batches import Batch


@dataclass(frozen=True)
class AlignedWindows:
    """Of the windows only those whose first frame is a multiple of their number of input frames.

    Args:
        windows: all of them.
    """

    windows: Windows

    @property
    def samples(self) -> int:
        """Number of trajectories."""
        return self.windows.samples

    @property
    def starts(self) -> int:
        """Number of windows in each trajectory."""
        return 1 + (self.windows.starts - 1) // self.windows.frames_in

    def gather(self, sample: Tensor, start: Tensor) -> Batch:
        """The windows of the given trajectories, by their place among these."""
        return self.windows.gather(sample, start * self.windows.frames_in)


@dataclass(frozen=True)
class OneAfterAnother:
    """Several augmentations, each with the randomness that the one before left."""

    parts: tuple[Augmentation, ...]

    def __call__(self, u_in: Tensor, u_out: Tensor, times: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """The moved pair."""
        for part in self.parts:
            u_in, u_out = part(u_in, u_out, times, rng)
        return u_in, u_out


def shown(treatment: Treatment, windows: Windows) -> tuple[TrainingWindows, Augmentation | None]:
    """The windows that an arm draws from, and how they are moved."""
    grid = windows.grid
    moves = tuple(
        RandomFlow(Generator(move.generator, windows.fields, grid.axes), grid, move.width, move.probability)
        for move in treatment.moves
    )
    drawn = AlignedWindows(windows) if treatment.starts == "aligned" else windows
    return drawn, OneAfterAnother(moves) if moves else None
