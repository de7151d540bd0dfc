"""Which windows a training step sees: decided by the seed and the step alone, so that no history matters."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


@runtime_checkable
class Batch(Protocol):
    """Windows of frames, those that go in and those that should come out."""

    @property
    def u_in(self) -> Tensor:
        """(batch, frames_in, channel, *space)."""

    @property
    def u_out(self) -> Tensor:
        """(batch, frames_out, channel, *space)."""

    @property
    def times(self) -> Tensor:
        """(batch, frames_in + frames_out), of the frames of u_in and then of u_out."""


@runtime_checkable
class TrainingWindows(Protocol):
    """What training needs to know of its data; `pdesym.datasets.Windows` is one."""

    @property
    def samples(self) -> int:
        """Number of trajectories."""

    @property
    def starts(self) -> int:
        """Number of windows in each trajectory."""

    def gather(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"]) -> Batch:
        """The windows of the given trajectories from the given first frames on."""


@runtime_checkable
class RandomWindows(TrainingWindows, Protocol):
    """Windows that change at random when they are drawn; `MovingWindows` and `MovedPool` are such."""

    @property
    def motion(self) -> str:
        """What moves them: two texts are equal when the same draw gives the same windows of the same data."""

    def draw(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"], rng: torch.Generator) -> Batch:
        """The windows of `gather`, moved; all randomness is drawn from the generator, which is on the CPU."""


Augmentation = Callable[[Tensor, Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
"""(u_in, u_out, times, generator) → (u_in, u_out), all its randomness drawn from the generator, which is on the CPU."""


def draw_batch(
    windows: TrainingWindows, size: int, seed: int, step: int, augmentation: Augmentation | None = None
) -> tuple[Float[Tensor, "batch frames_in channel *space"], Float[Tensor, "batch frames_out channel *space"]]:
    """The windows of one step: trajectories and first frames uniform, with replacement, then moved and augmented.

    Two runs with the same seed see the same windows at the same step, whether they move and augment or not: windows
    that move, and the augmentation, have generators of their own.
    """
    draw = step_generator(seed, step, "windows")
    sample = torch.randint(windows.samples, (size,), generator=draw)
    start = torch.randint(windows.starts, (size,), generator=draw)
    if isinstance(windows, RandomWindows):
        batch = windows.draw(sample, start, step_generator(seed, step, "motion"))
    else:
        batch = windows.gather(sample, start)
    if augmentation is None:
        return batch.u_in, batch.u_out
    return augmentation(batch.u_in, batch.u_out, batch.times, step_generator(seed, step, "augmentation"))


_PURPOSES = ("windows", "augmentation", "model", "penalty", "motion")


def step_generator(seed: int, step: int, purpose: str) -> torch.Generator:
    """A generator on the CPU that depends on its arguments alone; streams of different arguments are unrelated."""
    return torch.Generator().manual_seed(step_seed(seed, step, purpose))


def step_seed(seed: int, step: int, purpose: str, rank: int = 0) -> int:
    """A seed for one purpose in one step, by NumPy's hash of the four numbers."""
    words = np.random.SeedSequence([seed, step, _PURPOSES.index(purpose), rank]).generate_state(1, np.uint64)
    return int(words[0]) >> 1  # torch takes seeds below 2⁶³
