"""Writing the HDF5 files of PDEBench, in whichever of its layouts holds the dataset.

    A   one field on an axis:             `tensor` (b, t, x), `t-coordinate`, `x-coordinate`
    B   in two and three dimensions:      a group for every sample, "0000" on, with `data` (t, x, y[, z], c) and
                                          `grid/t`, `grid/x`, …; also on an axis when every sample has its own
    C   several fields on an axis:        an array (b, t, x) named as each field, and the coordinates as in A

The files are <out>/<name>_<split>.hdf5, of layout B .h5, the endings that PDEBench's readers ask for. Samples that
failed are left out; which, and why, is in the group `pdesym`, in layout B that of the first sample.
"""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import yaml

from pdesym.datasets.formats import metadata
from pdesym.datasets.formats.source import Slab, Source

SUFFIXES = (".hdf5", ".h5")


def layout_of(source: Source) -> str:
    """The letter of the layout that holds a split."""
    own_grids = any(name in ("time_stretch", "length") for name in source.variables)
    if len(source.axes) > 1 or own_grids:
        return "B"
    return "A" if len(source.fields) == 1 else "C"


def write(source: Source, out: Path, name: str, slab: int, advance: Callable[[int], None]) -> None:
    """Writes one split into a folder, so many samples at a time; `advance` is told how many are done.

    Raises:
        ValueError: when no sample of the split is complete, or a field has the name of something else in the file.
    """
    split, kept, letter = str(source.attributes["split"]), source.complete, layout_of(source)
    if not len(kept):
        raise ValueError(f"No sample of the split {split} is complete: there is nothing for PDEBench's format to hold.")
    path = out / f"{name}_{split}{'.h5' if letter == 'B' else '.hdf5'}"
    with h5py.File(path, "x") as file:
        for key, value in json.loads(source.attributes["parameters"]).items():
            file.attrs[key] = float(value)
        if letter == "B":
            _write_samples(file, source, kept, slab, advance)
        else:
            _write_arrays(file, source, kept, letter, slab, advance)


def _write_arrays(
    file: h5py.File, source: Source, kept: np.ndarray, letter: str, slab: int, advance: Callable[[int], None]
) -> None:
    shape = source.variables[source.fields[0]].shape
    names = {"tensor": source.fields[0]} if letter == "A" else {field: field for field in source.fields}
    if letter == "C" and set(names) & {"tensor", metadata.GROUP}:
        raise ValueError("A field of a PDEBench file cannot be named tensor or pdesym: rename it.")
    for axis in source.axes:
        file.create_dataset(f"{axis}-coordinate", data=source.coordinates[axis][1])
    file.create_dataset("t-coordinate", data=source.coordinates["time"][1])
    for array, field in names.items():
        file.create_dataset(array, (len(kept), *shape[1:]), source.variables[field].dtype)
    extra = file.create_group(metadata.GROUP)
    for written, rows, values in metadata.kept_slabs(extra, source, kept, slab, advance):
        for array, field in names.items():
            file[array][written] = values[field][rows]


def _write_samples(
    file: h5py.File, source: Source, kept: np.ndarray, slab: int, advance: Callable[[int], None]
) -> None:
    # A group of its own beside them would be taken for a sample by PDEBench's readers.
    extra = file.create_group(f"{sample_name(0, len(kept))}/{metadata.GROUP}")
    for written, rows, values in metadata.kept_slabs(extra, source, kept, slab, advance):
        for number, row in enumerate(np.flatnonzero(rows).tolist(), start=written.start):
            group = file.require_group(sample_name(number, len(kept)))
            group.create_dataset("data", data=np.stack([values[field][row] for field in source.fields], axis=-1))
            _write_grid(group.create_group("grid"), source, values, row)
            group.attrs["config"] = _config(source, values, row)


def sample_name(number: int, samples: int) -> str:
    """The name of the group of a sample of so many: the order of the alphabet is that of the numbers."""
    return f"{number:0{max(4, len(str(samples - 1)))}d}"


def _write_grid(group: h5py.Group, source: Source, values: Slab, row: int) -> None:
    """The points and times of this sample; where samples draw their boxes and clocks, its own."""
    stretch = values["time_stretch"][row] if "time_stretch" in values else None
    times = source.coordinates["time"][1]
    group.create_dataset("t", data=times if stretch is None else stretch * times)
    for axis in source.axes:
        about, points = source.coordinates[axis]
        drawn = values.get("length" if len(source.axes) == 1 else f"length_{axis}")
        group.create_dataset(axis, data=points if drawn is None else points * (drawn[row] / about["length"]))


def _config(source: Source, values: Slab, row: int) -> str:
    """What PDEBench's readers ask of a sample: a name, and the numbers it was made with."""
    drawn = {name: float(values[name][row]) for name in source.drawn}
    numbers = {**json.loads(source.attributes["parameters"]), **drawn}
    return yaml.safe_dump({"name": source.attributes["name"], "sim": numbers}, allow_unicode=True)
