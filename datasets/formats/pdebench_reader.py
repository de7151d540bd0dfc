"""Reading the HDF5 files of PDEBench in its three layouts; see `pdebench` for what they are."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from pdesym.datasets.formats import hdf5_guard, metadata
from pdesym.datasets.formats.declaration import file_name
from pdesym.datasets.formats.foreign import Declared, Found, channel_names, field_described, foreign_source
from pdesym.datasets.formats.own import own_source, reader
from pdesym.datasets.formats.source import Source
from pdesym.solvers.grid import AXES

PERIODIC = True
"""Whether the axes of a file are taken for periodic when nobody says: the files do not say it."""

_SEED = re.compile(r"[0-9]{1,12}")


def is_pdebench(file: h5py.File) -> bool:
    """Whether a file has one of the layouts."""
    return "x-coordinate" in file or _is_by_sample(file)


def read(path: Path, file: h5py.File, split: str, declared: Declared) -> Source:
    """The split that a file holds.

    Times may be one more than there are frames, as in the published files: the last is then left out.

    Raises:
        ValueError: when the file is not as one of the layouts says.
    """
    source = f"pdebench: {file_name(path)}"
    if _is_by_sample(file):
        names = _samples(file, path)
        first = file[names[0]]
        if isinstance(first.get(metadata.GROUP), h5py.Group):
            return own_source(first[metadata.GROUP], path, source, lambda said: _own_by_sample(file, path, names, said))
        return foreign_source(_by_sample(file, path, names, declared, source), split, declared)
    if isinstance(file.get(metadata.GROUP), h5py.Group):
        return own_source(file[metadata.GROUP], path, source, lambda said: _own_arrays(file, path, said))
    return foreign_source(_arrays(file, path, declared, source), split, declared)


def _is_by_sample(file: h5py.File) -> bool:
    return len(file) > 0 and all(_SEED.fullmatch(name) for name in file)


def _samples(file: h5py.File, path: Path) -> list[str]:
    names = sorted(file)
    for name in names:
        if not isinstance(file[name], h5py.Group) or not isinstance(file[name].get("grid"), h5py.Group):
            raise ValueError(f"{path} has no group {name}/grid: expected one in every sample.")
    return names


def _own_arrays(file: h5py.File, path: Path, said: metadata.Recorded) -> dict[str, Callable[[slice], np.ndarray]]:
    fields = json.loads(said.attributes["fields"])
    readers = {}
    for field in fields:
        one = said.variables[field]
        array = hdf5_guard.numbers(file, "tensor" if len(fields) == 1 else field, path, one.shape)
        readers[field] = reader(metadata.of_dtype(array, one.dtype, path), path)
    return readers


def _own_by_sample(
    file: h5py.File, path: Path, names: list[str], said: metadata.Recorded
) -> dict[str, Callable[[slice], np.ndarray]]:
    fields = json.loads(said.attributes["fields"])
    if said.samples != len(names):
        raise ValueError(f"{path} has {len(names)} samples and says that it has {said.samples}: copy the file again.")
    one = said.variables[fields[0]]
    for name in names:
        array = hdf5_guard.numbers(file[name], "data", path, (*one.shape[1:], len(fields)))
        metadata.of_dtype(array, one.dtype, path)
    return {field: _channel(file, path, names, number) for number, field in enumerate(fields)}


def _channel(file: h5py.File, path: Path, names: list[str], number: int) -> Callable[[slice], np.ndarray]:
    def read_channel(rows: slice) -> np.ndarray:
        return np.stack([hdf5_guard.values(file[f"{name}/data"], (), path)[..., number] for name in names[rows]])

    return read_channel


def _by_sample(file: h5py.File, path: Path, names: list[str], declared: Declared, source: str) -> Found:
    first = file[names[0]]
    array = hdf5_guard.numbers(first, "data", path)
    if not 3 <= array.ndim <= 5:
        raise ValueError(f"{array.name} in {path} has the shape {array.shape}: expected (t, x[, y[, z]], c).")
    axes = AXES[: array.ndim - 2]
    grids = [_grid(file[name], path, array.shape, axes) for name in names]
    for name, grid in zip(names, grids, strict=True):
        other = hdf5_guard.numbers(file[name], "data", path, array.shape)
        if other.dtype != array.dtype:
            raise ValueError(f"{other.name} in {path} holds {other.dtype} and {array.name} {array.dtype}.")
        if any(not np.array_equal(grid[key], grids[0][key]) for key in grid):
            raise ValueError(f"The samples {names[0]} and {name} of {path} have different grids: expected one for all.")
    fields = channel_names(declared, array.shape[-1], str(path))
    shape = (len(names), *array.shape[:-1])
    described = {field: field_described(field, shape, array.dtype) for field in fields}
    readers = {field: _channel(file, path, names, number) for number, field in enumerate(fields)}
    return Found(
        place=str(path),
        name=path.stem,
        source=source,
        fields=described,
        times=grids[0]["t"][: array.shape[0]],
        points={axis: grids[0][axis] for axis in axes},
        periodic=dict.fromkeys(axes, PERIODIC),
        fixed=_numbers(file),
        drawn={},
        one=lambda name, rows: readers[name](rows).astype(described[name].dtype, copy=False),
    )


def _grid(sample: h5py.Group, path: Path, shape: tuple[int, ...], axes: tuple[str, ...]) -> dict[str, np.ndarray]:
    grid = {
        axis: hdf5_guard.coordinate(sample["grid"], axis, path, size)
        for axis, size in zip(axes, shape[1:], strict=False)
    }
    return grid | {"t": _times(sample["grid"], "t", path, shape[0])}


def _arrays(file: h5py.File, path: Path, declared: Declared, source: str) -> Found:
    if "t-coordinate" not in file:
        raise ValueError(f"{path} has no t-coordinate: a steady problem has no trajectories to import.")
    names = ["tensor"] if "tensor" in file else sorted(name for name in file if not name.endswith("-coordinate"))
    if declared.fields and names != ["tensor"]:
        if missing := [name for name in declared.fields if name not in names]:
            raise ValueError(f"{path} has no field {missing[0]}: it has {', '.join(names)}.")
        names = list(declared.fields)
    if not names:
        raise ValueError(f"{path} holds coordinates and no field.")
    arrays = {name: hdf5_guard.numbers(file, name, path) for name in names}
    shape = arrays[names[0]].shape
    if not 3 <= len(shape) <= 5:
        raise ValueError(f"{arrays[names[0]].name} in {path} has the shape {shape}: expected (b, t, x[, y[, z]]).")
    for array in arrays.values():
        if array.shape != shape or array.dtype != arrays[names[0]].dtype:
            raise ValueError(
                f"{arrays[names[0]].name} and {array.name} in {path} have the shapes {shape} and {array.shape} and "
                f"hold {arrays[names[0]].dtype} and {array.dtype}: expected the same; say which "
                "fields to import (fields)."
            )
    fields = channel_names(declared, 1, str(path)) if names == ["tensor"] else tuple(names)
    by_field = dict(zip(fields, arrays.values(), strict=True))
    described = {field: field_described(field, shape, array.dtype) for field, array in by_field.items()}
    axes = AXES[: len(shape) - 2]
    points = {
        axis: hdf5_guard.coordinate(file, f"{axis}-coordinate", path, size)
        for axis, size in zip(axes, shape[2:], strict=True)
    }
    return Found(
        place=str(path),
        name=path.stem,
        source=source,
        fields=described,
        times=_times(file, "t-coordinate", path, shape[1]),
        points=points,
        periodic=dict.fromkeys(axes, PERIODIC),
        fixed=_numbers(file),
        drawn={},
        one=lambda name, rows: hdf5_guard.values(by_field[name], rows, path).astype(described[name].dtype, copy=False),
    )


def _times(group: h5py.Group, name: str, path: Path, frames: int) -> np.ndarray:
    times = hdf5_guard.coordinate(group, name, path)
    if len(times) not in (frames, frames + 1):
        raise ValueError(f"{group.name.rstrip('/')}/{name} in {path} has {len(times)} times for {frames} frames.")
    return times[:frames]


def _numbers(file: h5py.File) -> dict[str, float]:
    """Attributes of the file that are single numbers: PDEBench keeps the parameters of the equation there."""
    found = {}
    for name, value in file.attrs.items():
        number = np.asarray(value)
        if (
            hdf5_guard.is_safe_name(name)
            and number.dtype.kind in "fiu"
            and number.size == 1
            and np.isfinite(number).all()
        ):
            found[name] = float(number.reshape(()))
    return found
