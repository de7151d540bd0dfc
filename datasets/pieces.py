"""Finished batches of a shard that is not finished: kept so that whoever goes on with the shard need not solve them.

One file a batch, raw, in the folder `pieces/`; it appears by renaming a finished file, and goes when its shard is
written. Only who holds the shard touches them.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pdesym.datasets import recipe_file, schema
from pdesym.datasets.durable import replace_file, replace_written
from pdesym.datasets.recipe import Recipe

Piece = tuple[dict[str, np.ndarray], dict[int, str]]
"""The arrays of a batch by name, none where all its samples failed, and why samples failed, by index in the split."""

_BEGUN = ".begun"

# No names of arrays.
_FAILURES, _RECIPE = "failures of the batch", "digest of the recipe"


@dataclass(frozen=True)
class Pieces:
    """What is kept of one shard.

    Attributes:
        recipe: of the dataset; what was kept for another one is not taken.
        layout: of the store; what has other arrays is not taken.
        directory: the folder of the dataset.
        split: the split of the shard.
        shard: its number.
    """

    recipe: Recipe
    layout: schema.Layout
    directory: Path
    split: str
    shard: int

    def keep(self, batch: range, piece: Piece) -> None:
        """Keeps a finished batch."""
        arrays, failures = piece
        entries: dict[str, Any] = {
            **arrays,
            _FAILURES: np.array(json.dumps(failures)),
            _RECIPE: np.array(self._digest),
        }
        file = self._file(batch)
        file.parent.mkdir(exist_ok=True)
        replace_written(file, lambda stream: np.savez(stream, **entries))
        self._begun(batch).unlink(missing_ok=True)

    def kept(self, batch: range) -> Piece | None:
        """A batch that was finished before; None when there is none, or its file is damaged or of another dataset."""
        try:
            with np.load(self._file(batch), allow_pickle=False) as stream:
                arrays = {name: stream[name] for name in stream.files}  # zip files have a sum over every entry
            digest, text = str(arrays.pop(_RECIPE)), str(arrays.pop(_FAILURES))
            failures = {int(sample): str(reason) for sample, reason in json.loads(text).items()}
        except (OSError, ValueError, KeyError, AttributeError, EOFError, zipfile.BadZipFile):
            return None
        expected = self._arrays(batch) if set(failures) != set(batch) or arrays else {}
        found = {name: (values.shape, str(values.dtype)) for name, values in arrays.items()}
        if digest != self._digest or not set(failures) <= set(batch) or found != expected:
            return None
        return arrays, failures

    def set_apart(self, batch: range) -> None:
        """Keeps that the samples of a batch cannot be solved together, before each is solved for itself."""
        self._mark(batch).parent.mkdir(exist_ok=True)
        replace_file(self._mark(batch), self._digest)

    def is_apart(self, batch: range) -> bool:
        """Whether it is known of a batch that its samples cannot be solved together."""
        try:
            return self._mark(batch).read_bytes() == self._digest.encode()
        except OSError:
            return False

    def begin(self, batch: range) -> None:
        """Keeps that solving a batch is begun. What ended it, a kill or its own memory, may come again."""
        self._begun(batch).parent.mkdir(exist_ok=True)
        self._begun(batch).touch()

    def was_begun(self, batch: range) -> bool:
        """Whether solving a batch was begun before, and not finished."""
        return self._begun(batch).exists()

    def remove(self) -> None:
        """Removes all of it, when the shard is written."""
        for file in (self.directory / schema.PIECES).glob(f"{self.split}-{self.shard}-*"):
            file.unlink(missing_ok=True)

    @property
    def _digest(self) -> str:
        return hashlib.sha256(recipe_file.dump(self.recipe).encode()).hexdigest()

    def _arrays(self, batch: range) -> dict[str, tuple[tuple[int, ...], str]]:
        *variables, _, _ = self.layout.groups[self.split].variables
        return {variable.name: ((len(batch), *variable.shape[1:]), variable.dtype) for variable in variables}

    def _file(self, batch: range) -> Path:
        return self.directory / schema.PIECES / f"{self.split}-{self.shard}-{batch.start}-{batch.stop}.npz"

    def _mark(self, batch: range) -> Path:
        return self._file(batch).with_suffix(".apart")

    def _begun(self, batch: range) -> Path:
        return self._file(batch).with_suffix(_BEGUN)


def last_if_begun(directory: Path, todo: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Shards in the order in which to solve them: at the end those in which something was begun and not finished.

    What ends a process each time it is tried, such as a batch that is too large for the memory, then holds up nothing
    else; and runs that are ended again and again begin no batch twice before all others.
    """
    folder = directory / schema.PIECES
    names = [file.name for file in folder.iterdir() if file.suffix == _BEGUN] if folder.is_dir() else []
    begun = {(split, int(shard)) for split, shard, *_ in (name.split("-") for name in names)}
    return sorted(todo, key=lambda shard: shard in begun)
