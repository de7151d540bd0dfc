"""Writing the HDF5 files of the Well: scalars, vectors and tensors apart, with boundary conditions and dimensions.

    <out>/data/<split>/<name>_<split>.hdf5
    <out>/stats.yaml                        mean, deviation and root mean square of the fields and of their increments

Fields whose attributes `pdesym_vector` name all components of one vector are a single array of `t1_fields`, all others
are scalars of `t0_fields`. Samples that failed are left out; which, and why, is in the group `pdesym`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

from pdesym.datasets.formats import metadata
from pdesym.datasets.formats.source import Source
from pdesym.datasets.formats.statistics import FieldStatistics

SUFFIX = ".hdf5"


def write(
    source: Source, out: Path, name: str, slab: int, advance: Callable[[int], None]
) -> dict[str, FieldStatistics]:
    """Writes one split below a folder, so many samples at a time.

    Args:
        source: the split.
        out: the folder.
        name: of the dataset; the file is named by it.
        slab: samples that are held in memory at once.
        advance: is told how many samples are done.

    Returns:
        What every array of fields is like, for `stats.yaml`.

    Raises:
        ValueError: when no sample of the split is complete.
    """
    split, kept = str(source.attributes["split"]), source.complete
    if not len(kept):
        raise ValueError(f"No sample of the split {split} is complete: there is nothing for the Well's format to hold.")
    path = out / "data" / split / f"{name}_{split}{SUFFIX}"
    path.parent.mkdir(parents=True)
    statistics: dict[str, FieldStatistics] = {}
    with h5py.File(path, "x") as file:
        grouped = _grouped(source)
        _write_root(file, source, kept, name)
        _write_dimensions(file, source, kept)
        _write_boundaries(file, source)
        _write_scalars(file, source, kept)
        arrays = _make_fields(file, source, grouped, len(kept))
        extra = file.create_group(metadata.GROUP)
        for written, rows, values in metadata.kept_slabs(extra, source, kept, slab, advance):
            for array, components in grouped.items():
                vector = array not in source.fields
                block = np.stack([values[field][rows] for field in components], axis=-1)
                block = block if vector else block[..., 0]
                arrays[array][written] = block
                of_array = statistics.setdefault(array, FieldStatistics(len(components) if vector else None))
                of_array.add(block)
            for scalar in source.drawn:
                file[f"scalars/{scalar}"][written] = values[scalar][rows]
    return statistics


def write_statistics(statistics: Mapping[str, FieldStatistics], out: Path) -> None:
    """Writes stats.yaml: what the samples of one split are like, the training ones where there are any."""
    stats: dict[str, dict[str, Any]] = {}
    for name, found in statistics.items():
        for kind, value in found.statistics().items():
            stats.setdefault(kind, {})[name] = value
    (out / "stats.yaml").write_text(yaml.safe_dump(stats), encoding="utf-8")


def vectors_of(source: Source) -> dict[str, tuple[str, ...]]:
    """The vectors of which every component is a field, by name, with their fields along the axes in order."""
    found: dict[str, dict[str, str]] = {}
    for field in source.fields:
        vector, _, axis = str(source.variables[field].attributes.get("pdesym_vector", "")).partition(":")
        if vector and axis:
            found.setdefault(vector, {})[axis] = field
    return {
        vector: tuple(components[axis] for axis in source.axes)
        for vector, components in found.items()
        if set(components) == set(source.axes) and vector not in source.variables
    }


def _grouped(source: Source) -> dict[str, tuple[str, ...]]:
    """The arrays of the file with the fields that each holds."""
    vectors = vectors_of(source)
    inside = {field for components in vectors.values() for field in components}
    return {**{field: (field,) for field in source.fields if field not in inside}, **vectors}


def _fixed(source: Source) -> dict[str, float]:
    return {name: float(value) for name, value in json.loads(source.attributes["parameters"]).items()}


def _write_root(file: h5py.File, source: Source, kept: np.ndarray, name: str) -> None:
    fixed = _fixed(source)
    taken = ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories", "simulation_parameters")
    file.attrs["dataset_name"] = name
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = len(source.axes)
    file.attrs["n_trajectories"] = len(kept)
    file.attrs["simulation_parameters"] = _texts([key for key in fixed if key not in taken])
    for key, value in fixed.items():
        if key not in taken:
            file.attrs[key] = value


def _write_dimensions(file: h5py.File, source: Source, kept: np.ndarray) -> None:
    group = file.create_group("dimensions")
    group.attrs["spatial_dims"] = _texts(source.axes)
    nominal = source.coordinates["time"][1]
    _dimension(group, "time", nominal, _drawn_values(source, "time_stretch", kept))
    for axis in source.axes:
        about, points = source.coordinates[axis]
        lengths = _drawn_values(source, "length" if len(source.axes) == 1 else f"length_{axis}", kept)
        _dimension(group, axis, points, None if lengths is None else lengths / about["length"])


def _dimension(group: h5py.Group, name: str, values: np.ndarray, scale: np.ndarray | None) -> None:
    made = group.create_dataset(name, data=values if scale is None else scale[:, None] * values)
    made.attrs["sample_varying"] = scale is not None
    made.attrs["time_varying"] = False


def _drawn_values(source: Source, name: str, kept: np.ndarray) -> np.ndarray | None:
    if name not in source.variables:
        return None
    parts = [values[name] for _, values in source.only(name).slabs(65536)]
    return np.concatenate(parts)[kept]


def _write_boundaries(file: h5py.File, source: Source) -> None:
    group = file.create_group("boundary_conditions")
    for axis in source.axes:
        about, points = source.coordinates[axis]
        kind = "periodic" if about["periodic"] else str(about.get("boundary", "open"))
        made = group.create_group(f"{axis}_{kind}")
        made.attrs["associated_dims"] = _texts([axis])
        made.attrs["associated_fields"] = _texts([])
        made.attrs["bc_type"] = kind.upper()
        made.attrs["sample_varying"] = False
        made.attrs["time_varying"] = False
        mask = np.zeros(len(points), dtype=bool)
        mask[[0, -1]] = True
        made.create_dataset("mask", data=mask)


def _write_scalars(file: h5py.File, source: Source, kept: np.ndarray) -> None:
    group = file.create_group("scalars")
    fixed, drawn = _fixed(source), source.drawn
    group.attrs["field_names"] = _texts([*fixed, *drawn])
    for name, value in fixed.items():
        _flag(group.create_dataset(name, data=value), sample=False, time=False)
    for name in drawn:
        _flag(group.create_dataset(name, (len(kept),), source.variables[name].dtype), sample=True, time=False)


def _make_fields(
    file: h5py.File, source: Source, grouped: Mapping[str, tuple[str, ...]], samples: int
) -> dict[str, h5py.Dataset]:
    arrays = {}
    for order in range(3):
        group = file.create_group(f"t{order}_fields")
        names = [name for name, components in grouped.items() if order == (1 if name not in source.fields else 0)]
        group.attrs["field_names"] = _texts(names)
        for name in names:
            one = source.variables[grouped[name][0]]
            rest = (*one.shape[1:], len(source.axes)) if order else one.shape[1:]
            made = group.create_dataset(name, (samples, *rest), one.dtype)
            made.attrs["dim_varying"] = np.ones(len(source.axes), dtype=bool)
            _flag(made, sample=True, time=True)
            if order:
                made.attrs["symmetric"] = made.attrs["antisymmetric"] = False
            arrays[name] = made
    return arrays


def _flag(array: h5py.Dataset, sample: bool, time: bool) -> None:
    array.attrs["sample_varying"] = sample
    array.attrs["time_varying"] = time


def _texts(texts: Any) -> np.ndarray:
    return np.array(list(texts), dtype=h5py.string_dtype())
