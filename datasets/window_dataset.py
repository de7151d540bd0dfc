"""Windows one by one, for the DataLoader of torch and its worker processes."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from pdesym.datasets.decoded import DecodedFile, decoded_file
from pdesym.datasets.normaliser import Normaliser
from pdesym.datasets.open import open_dataset
from pdesym.datasets.windows import Windows

Item = tuple[Tensor, ...]


class WindowDataset(Dataset[Item]):
    """The windows of a split as a map-style dataset: number n is (u_in, u_out, times), without an axis for the batch.

    Where the samples draw their boxes it is (u_in, u_out, times, length), with the box of each axis.

    Making one decodes the split into its cache file, where that is not there yet. Each process then maps the file when
    it is first asked for a window: a worker never touches the store, whose threads do not survive a fork, and is handed
    a path and no numbers. Window number n is n % starts of trajectory n // starts.

    Args:
        directory: the folder of the dataset.
        split: `train`, `valid` or `test`.
        frames_in: frames that an operator is given.
        frames_out: frames that it should give.
        dtype: of the numbers.
        normaliser: applied to every window.

    Raises:
        as `Windows.open`.
    """

    def __init__(
        self,
        directory: str | Path,
        split: str,
        frames_in: int,
        frames_out: int,
        dtype: torch.dtype = torch.float32,
        normaliser: Normaliser | None = None,
    ):
        windows = Windows.open(directory, split, frames_in, frames_out, dtype=dtype, place="memmap")
        if normaliser is not None:
            windows = windows.normalised(normaliser)
        with open_dataset(directory, split) as data:
            self._file: DecodedFile = decoded_file(Path(directory), split, data, dtype)
        # Handed to workers: a view of the mapped numbers would take all of them along.
        self._rest = {each.name: getattr(windows, each.name) for each in fields(windows) if each.name != "u"}
        self.samples, self.starts = windows.samples, windows.starts
        self._windows: Windows | None = None

    def __len__(self) -> int:
        return self.samples * self.starts

    def __getitem__(self, number: int | Sequence[int]) -> Item:
        """One window, or the batch of some: those have an axis for the batch, and need no collating.

            DataLoader(data, batch_size=None, sampler=BatchSampler(RandomSampler(data), 16, drop_last=False))

        Raises:
            IndexError: for a window that is not there.
        """
        if isinstance(number, int):
            return tuple(part[0] for part in self._cut([number]))
        return self._cut(number)

    def __getitems__(self, numbers: Sequence[int]) -> list[Item]:
        """Some windows at once, cut together: what a DataLoader asks for before it collates them."""
        return list(zip(*self._cut(numbers), strict=True))

    def _cut(self, numbers: Sequence[int]) -> Item:
        count = len(self)
        for number in numbers:
            if not -count <= number < count:
                raise IndexError(f"Expected a window in 0 .. {count - 1}, got {number}.")
        chosen = torch.tensor(numbers) % count
        window = self._mapped().gather(chosen // self.starts, chosen % self.starts)
        parts = (window.u_in, window.u_out, window.times)
        return parts if window.length is None else (*parts, window.length)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_windows": None}

    def _mapped(self) -> Windows:
        if self._windows is None:
            self._windows = Windows(self._file.mapped(), **self._rest)
        return self._windows
