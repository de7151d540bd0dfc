"""Finished batches of a shard that is not finished: kept so that whoever goes on with the shard need not solve them.

One file a batch, raw, in the folder `pieces/`; it appears by renaming a finished file, and goes when its shard is
written. Only who holds the shard touches them.
"""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pdesym.datasets import schema

Piece = tuple[dict[str, np.ndarray], dict[int, str]]
"""The arrays of a batch by name, and why samples of it failed, by their index in the split."""

_FAILURES = "failures of the batch"  # no name of an array


def keep(
    directory: Path,
    split: str,
    shard: int,
    batch: range,
    arrays: Mapping[str, np.ndarray],
    failures: Mapping[int, str],
) -> None:
    """Keeps a finished batch."""
    file = _file(directory, split, shard, batch)
    file.parent.mkdir(exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    with open(partial, "wb") as stream:
        entries: dict[str, Any] = {**arrays, _FAILURES: np.array(json.dumps(dict(failures)))}
        np.savez(stream, **entries)
    partial.replace(file)


def kept(directory: Path, split: str, shard: int, batch: range) -> Piece | None:
    """A batch that was finished before; None when there is none, or its file is damaged."""
    try:
        with np.load(_file(directory, split, shard, batch), allow_pickle=False) as stream:
            arrays = {name: stream[name] for name in stream.files}  # zip files have a sum over every entry
        failures = {int(sample): reason for sample, reason in json.loads(str(arrays.pop(_FAILURES))).items()}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if any(len(values) != len(batch) for values in arrays.values()):
        return None
    return arrays, failures


def remove(directory: Path, split: str, shard: int) -> None:
    """Removes the batches of a shard that is written."""
    for file in (directory / schema.PIECES).glob(f"{split}-{shard}-*"):
        file.unlink(missing_ok=True)


def _file(directory: Path, split: str, shard: int, batch: range) -> Path:
    return directory / schema.PIECES / f"{split}-{shard}-{batch.start}-{batch.stop}.npz"
