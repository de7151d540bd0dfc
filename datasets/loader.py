"""Batches of windows, epoch by epoch, in an order that the seed and the epoch decide alone."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from pdesym.datasets.windows import Window, Windows


class WindowLoader:
    """All windows in batches, each once an epoch, shuffled anew in each.

        loader = WindowLoader(windows, batch=16, seed=0)
        while loader.epoch < 10:
            for window in loader:
                ...                                   # a step
                state = loader.state_dict()           # the batches up to this one are done

    The order of an epoch depends on the seed and its number alone, so a run that was ended at any batch and loads the
    state sees exactly the batches that were left. One loader has one position: iterating goes on from there to the end
    of the epoch, and `len` is the number of batches of a whole one.

    Args:
        windows: what to cut; anything with `samples`, `starts`, `gather` and `digest`.
        batch: windows in a batch.
        seed: of the order.
        shuffle: draw the order; otherwise trajectory after trajectory, first frame after first frame.
        drop_last: leave out the last batch of an epoch where it is smaller than the others.

    Raises:
        ValueError: for a batch below 1, a negative seed, or one that leaves no batch.
    """

    def __init__(self, windows: Windows, batch: int, seed: int, shuffle: bool = True, drop_last: bool = False):
        if batch < 1 or seed < 0:
            raise ValueError(f"Expected a batch of at least 1 and a seed of at least 0, got {batch} and {seed}.")
        self.windows, self.batch, self.seed = windows, batch, seed
        self.shuffle, self.drop_last = shuffle, drop_last
        self.epoch, self.position = 0, 0
        if len(self) == 0:
            raise ValueError(f"There are {self.count} windows, fewer than a batch of {batch}: use drop_last=False.")

    @property
    def count(self) -> int:
        """Number of windows."""
        return self.windows.samples * self.windows.starts

    def __len__(self) -> int:
        return self.count // self.batch if self.drop_last else -(-self.count // self.batch)

    def __iter__(self) -> Iterator[Window]:
        epoch = self.epoch
        order = self.order(epoch)
        while self.epoch == epoch:
            first = self.position * self.batch
            chosen = order[first : first + self.batch]
            # Before the batch is given: who saves the state after using it has it among those that are done.
            self.position += 1
            if self.position == len(self):
                self.epoch, self.position = epoch + 1, 0
            yield self.windows.gather(chosen // self.windows.starts, chosen % self.windows.starts)

    def order(self, epoch: int) -> Int[Tensor, " windows"]:
        """The windows of an epoch in their order; window number n is n % starts of trajectory n // starts."""
        if not self.shuffle:
            return torch.arange(self.count)
        words = np.random.SeedSequence([self.seed, epoch]).generate_state(1, np.uint64)
        return torch.randperm(self.count, generator=torch.Generator().manual_seed(int(words[0]) >> 1))

    def seek(self, epoch: int, position: int = 0) -> None:
        """Goes to a batch of an epoch; the next one that is given is that.

        Raises:
            ValueError: for an epoch or a batch that is not there.
        """
        if epoch < 0 or not 0 <= position < len(self):
            raise ValueError(
                f"Expected an epoch from 0 on and a batch in 0 .. {len(self) - 1}, got {epoch} and {position}."
            )
        self.epoch, self.position = epoch, position

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands, what decides its order, and a digest of its windows: for JSON and checkpoints."""
        return {"epoch": self.epoch, "position": self.position, **self._identity()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a saved state.

        Raises:
            ValueError: when the state is that of other windows, another batch, seed or order, or no state.
        """
        for key, value in self._identity().items():
            if key == "data" and state.get(key) != value:
                raise ValueError(
                    "The state is that of a loader of other windows, whose fields, grid, times, values or normaliser "
                    "are not those of these: give the same dataset to go on from it."
                )
            if state.get(key) != value:
                raise ValueError(
                    f"The state is that of a loader with {key} = {state.get(key)}, this one has {value}: give the "
                    "same to go on from it."
                )
        epoch, position = state.get("epoch"), state.get("position")
        if not isinstance(epoch, int) or not isinstance(position, int):
            raise ValueError(f"Expected the numbers epoch and position in the state, got {epoch!r} and {position!r}.")
        self.seek(epoch, position)

    def _identity(self) -> dict[str, Any]:
        return {
            "windows": self.count,
            "starts": self.windows.starts,
            "batch": self.batch,
            "seed": self.seed,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "data": self._digest,
        }

    @cached_property
    def _digest(self) -> str:
        return self.windows.digest()
