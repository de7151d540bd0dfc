"""Opening a dataset on disk."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import xarray

from pdesym.datasets import schema
from pdesym.datasets.lost_files import lost_files
from pdesym.datasets.schema import COMPLETE, FAILED, TODO
from pdesym.datasets.stored_metadata import attributes_of, require_arrays


def open_dataset(directory: str | Path, split: str, unfinished: bool = False) -> xarray.Dataset:
    """A split of a dataset, generated or imported, read lazily: values come from the disk when they are asked for.

    Dimensions are `sample`, `time` and the axes of the grid. A sample that failed (`status` 2) is there, its fields
    nan; which ones and why is in the attribute `failures`.

    Args:
        directory: the folder of the dataset.
        split: `train`, `valid` or `test`, as far as it has them.
        unfinished: give the samples that are complete so far, and only those, in place of refusing what is not.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: when it has no such split, is of another version of the layout, is damaged, or is not complete.
    """
    directory = Path(directory)
    attributes = attributes_of(directory, split)
    require_arrays(directory, split, attributes["fields"])
    path = directory / schema.STORE
    try:
        data = xarray.open_dataset(
            path, engine="zarr", group=split, consolidated=False, zarr_format=3, chunks=None, decode_times=False
        )
        status = data[schema.STATUS].values
    except Exception as error:  # whatever zarr, its codecs and xarray say of files that are not theirs
        raise ValueError(
            f"The split {split} in {directory} is damaged and cannot be read: {_sentence(error)}"
        ) from None
    data = data[_in_order(data, attributes["variables"])]
    _require_coordinates(data, path / split)
    if strange := sorted(set(status.tolist()) - {TODO, COMPLETE, FAILED}):
        raise ValueError(f"{path / split / 'status'} is damaged: expected marks 0, 1 and 2, got {strange[0]}.")
    if unfinished:
        return data.isel(sample=np.flatnonzero(status == COMPLETE))
    if todo := int((status == TODO).sum()):
        raise ValueError(
            f"The split {split} in {directory} is not complete, {todo} of its {len(status)} samples are missing: "
            "repeat the command that generates it, or open it with unfinished=True."
        )
    for lost in lost_files(directory, split):
        raise ValueError(
            f"{lost.path} is gone: repeat the command that generates the dataset, which solves the samples again, or "
            "restore the file."
        )
    return data


def _in_order(data: xarray.Dataset, stored: Sequence[str]) -> list[Hashable]:
    """The variables as they were stored: a folder lists them in any order."""
    return [
        *(name for name in stored if name in data.data_vars),
        *(name for name in data.data_vars if name not in stored),
    ]


def _require_coordinates(data: xarray.Dataset, group: Path) -> None:
    """A file that is lost reads as nan or 0: coordinates that do not grow are lost."""
    for name in data.dims:
        values = data[name].values
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all() or not (np.diff(values) > 0).all():
            raise ValueError(
                f"{group / str(name)} is damaged: the coordinate {name} does not grow from value to value."
            )


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return f"{text.rstrip('.').replace('. ', ', ')}."
