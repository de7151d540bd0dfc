"""netCDF, one file a split: all variables, coordinates and attributes as they are, samples that failed among them.

The files are written by h5netcdf and read as the HDF5 that they are, so that what is read has been looked at before.
A list of one number comes back as that number: netCDF does not tell them apart.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np

from pdesym.datasets import schema
from pdesym.datasets.formats import hdf5_guard, metadata
from pdesym.datasets.formats.declaration import file_name
from pdesym.datasets.formats.foreign import Declared, Found, field_described, foreign_source
from pdesym.datasets.formats.own import assembled, reader
from pdesym.datasets.formats.source import Described, Source
from pdesym.solvers.grid import AXES

SUFFIX = ".nc"

_OF_THE_FORMAT = (
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "DIMENSION_LABELS",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_NCProperties",
    "_nc3_strict",
    "_FillValue",
)


def write(source: Source, out: Path, slab: int, advance: Callable[[int], None]) -> None:
    """Writes one split into a folder, so many samples at a time; `advance` is told how many are done."""
    split, samples = str(source.attributes["split"]), source.samples
    # Attributes of more than 64 kB, a long list of failures say, need the newer form of the file.
    with h5netcdf.File(out / f"{split}{SUFFIX}", "w", libver=("v110", "latest")) as file:
        file.dimensions = {name: len(values) for name, (_, values) in source.coordinates.items()}
        for key, value in source.attributes.items():
            file.attrs[key] = value
        for name, (about, values) in source.coordinates.items():
            _variable(file, name, (name,), values.dtype, about)[...] = values
        for key, one in source.variables.items():
            _variable(file, key, one.dims, one.dtype, one.attributes)
        closing = {one.name: one for one in schema.closing_variables(samples, 1)}
        status = closing[schema.STATUS]
        _variable(file, schema.STATUS, ("sample",), "int8", status.attributes)[...] = source.status
        if source.checksums is not None:
            sums = closing[schema.CHECKSUM]
            _variable(file, schema.CHECKSUM, ("sample",), "uint64", sums.attributes)[...] = source.checksums
        for part, read in source.slabs(slab):
            for field, found in read.items():
                file.variables[field][part] = found
            advance(part.stop - part.start)


def _variable(file: Any, name: str, dims: tuple[str, ...], dtype: Any, attributes: dict[str, Any]) -> Any:
    made = file.create_variable(name, dims, np.dtype(dtype))
    for key, value in attributes.items():
        made.attrs[key] = value
    return made


def is_netcdf(file: h5py.File) -> bool:
    """Whether some array has named dimensions."""
    return any(isinstance(one, h5py.Dataset) and "DIMENSION_LIST" in one.attrs for one in file.values())


def read(path: Path, file: h5py.File, split: str, declared: Declared) -> Source:
    """The split that a file holds: of this package exactly, of others every variable (sample, time, x[, y[, z]]).

    The first dimension of the fields are the samples, the second is the time, whatever they are called; axes are
    periodic unless their coordinate has the attribute `periodic` = 0 or it is declared.

    Raises:
        ValueError: when there is no such variable, or a coordinate is missing or does not fit.
    """
    source = f"netcdf: {file_name(path)}"
    if "pdesym_schema" in file.attrs:
        return _own(path, file, source)
    return foreign_source(_foreign(path, file, declared, source), split, declared)


def _own(path: Path, file: h5py.File, source: str) -> Source:
    attributes = _attributes(file, path)
    metadata.require_attributes(attributes, str(path))
    arrays = {name: hdf5_guard.numbers(file, name, path, None, "fiu") for name in file}
    dims = {name: _dims(array, path) for name, array in arrays.items()}
    fields = json.loads(attributes["fields"])
    order = json.loads(str(attributes.get("variables", "[]")))
    named = [name for name in order if isinstance(name, str) and name in arrays]
    coordinates = {name for name in arrays if dims[name] == (name,)}
    variables = {
        hdf5_guard.safe_name(name, path): Described(
            dims[name], arrays[name].shape, arrays[name].dtype.name, _attributes(arrays[name], path)
        )
        for name in [*named, *(name for name in arrays if name not in named)]
        if name not in coordinates and name not in (schema.CHECKSUM, schema.STATUS)
    }
    for name, one in variables.items():
        if one.dims[:1] != ("sample",) or not set(one.dims) <= {"sample", "time", *AXES}:
            raise ValueError(f"The array {name} in {path} has the dimensions {one.dims}: expected sample first.")
    for name in fields:
        if name not in variables or variables[name].dims[:2] != ("sample", "time") or len(variables[name].dims) < 3:
            raise ValueError(f"{path} is damaged: the field {name!r} is missing or has other dimensions.")
    if missing := [dim for dim in variables[fields[0]].dims if dim not in coordinates]:
        raise ValueError(f"{path} is damaged: it has no coordinate {missing[0]}.")
    samples = variables[fields[0]].shape[0]
    said = metadata.Recorded(attributes, {}, variables, samples, {})
    stored = {
        dim: (_attributes(arrays[dim], path), _grown(hdf5_guard.coordinate(file, dim, path, size), dim, path))
        for dim, size in zip(variables[fields[0]].dims, variables[fields[0]].shape, strict=True)
    }
    sums = None
    if schema.CHECKSUM in arrays:
        array = hdf5_guard.numbers(file, schema.CHECKSUM, path, (samples,), "u")
        sums = hdf5_guard.values(metadata.of_dtype(array, "uint64", path), (), path)
    split = assembled(said, stored, {name: reader(arrays[name], path) for name in variables}, sums, source)
    status = hdf5_guard.values(hdf5_guard.numbers(file, schema.STATUS, path, (samples,), "i"), (), path)
    if not np.isin(status, (schema.COMPLETE, schema.FAILED)).all():
        raise ValueError(f"The array /{schema.STATUS} in {path} marks samples that are not there: expected 1 or 2.")
    return replace(split, status=status.astype("int8"), failures=_failures(attributes, status, path))


def _failures(attributes: dict[str, Any], status: np.ndarray, path: Path) -> dict[int, str]:
    try:
        said = json.loads(str(attributes.get("failures", "{}")))
        reasons = {int(sample): str(why) for sample, why in said.items()}
    except (ValueError, AttributeError, RecursionError):
        raise ValueError(f"{path} is damaged: the attribute failures holds something else.") from None
    failed = np.flatnonzero(status == schema.FAILED).tolist()
    return {sample: reasons.get(sample, "failed") for sample in failed}


def _foreign(path: Path, file: h5py.File, declared: Declared, source: str) -> Found:
    arrays = {name: one for name, one in file.items() if isinstance(one, h5py.Dataset)}
    dims = {name: _dims(one, path) for name, one in arrays.items() if not hdf5_guard.is_bare_dimension(one)}
    fields = [name for name, found in dims.items() if 3 <= len(found) <= 5 and arrays[name].dtype.kind == "f"]
    if declared.fields:
        if missing := [name for name in declared.fields if name not in fields]:
            raise ValueError(f"{path} has no field {missing[0]}: it has {', '.join(fields) or 'none'}.")
        fields = list(declared.fields)
    if not fields:
        raise ValueError(f"{path} has no variable of floating-point numbers over samples, time and one to three axes.")
    shape, own = arrays[fields[0]].shape, dims[fields[0]]
    for name in fields:
        hdf5_guard.numbers(file, name, path, shape)
        if dims[name] != own or arrays[name].dtype != arrays[fields[0]].dtype:
            raise ValueError(
                f"The variables {fields[0]} and {name} in {path} have the dimensions {own} and {dims[name]}, or "
                "another type: expected the same; name the fields to import (fields)."
            )
    described = {name: field_described(name, shape, arrays[name].dtype) for name in fields}
    axes = dict(zip(own[2:], AXES, strict=False))
    drawn = {
        name: hdf5_guard.values(hdf5_guard.numbers(file, name, path, shape[:1], "fiu"), (), path)
        for name, found in dims.items()
        if found == own[:1] and name != own[0]
    }
    return Found(
        place=str(path),
        name=path.stem,
        source=source,
        fields=described,
        times=hdf5_guard.coordinate(file, own[1], path, shape[1]),
        points={
            axis: hdf5_guard.coordinate(file, name, path, size)
            for (name, axis), size in zip(axes.items(), shape[2:], strict=True)
        },
        periodic={axis: bool(_attributes(arrays[name], path).get("periodic", 1)) for name, axis in axes.items()},
        fixed={},
        drawn=drawn,
        one=lambda name, rows: hdf5_guard.values(arrays[name], rows, path).astype(described[name].dtype, copy=False),
    )


def _dims(array: h5py.Dataset, path: Path) -> tuple[str, ...]:
    """The names of the dimensions of an array."""
    if array.attrs.get("CLASS") in (b"DIMENSION_SCALE", "DIMENSION_SCALE") and array.ndim == 1:
        return (array.name.lstrip("/"),)
    names = []
    for number in range(array.ndim):
        scales = array.dims[number]
        if len(scales) != 1:
            raise ValueError(f"The dimension {number} of {array.name} in {path} has no name: expected a netCDF file.")
        if scales[0].name is None:
            raise ValueError(f"The coordinate of dimension {number} of {array.name} in {path} is gone: expected one.")
        names.append(str(scales[0].name).lstrip("/"))
    return tuple(names)


def _attributes(thing: h5py.Group | h5py.Dataset, path: Path) -> dict[str, Any]:
    """Attributes as text, numbers and lists; those that the format itself needs are left out."""
    found: dict[str, Any] = {}
    for key in thing.attrs:
        if key in _OF_THE_FORMAT:
            continue
        value = thing.attrs[key]
        if isinstance(value, h5py.Empty):
            value = ""
        if isinstance(value, np.ndarray):
            value = value.tolist() if value.size != 1 else value.reshape(-1)[0]
        if isinstance(value, np.generic):
            value = value.item()
        entries = value if isinstance(value, list) else [value]
        texts = [entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry for entry in entries]
        if not all(isinstance(entry, str | int | float) for entry in texts):
            raise ValueError(f"The attribute {key} of {thing.name} in {path} is no text, number or list of them.")
        found[key] = texts if isinstance(value, list) else texts[0]
    return found


def _grown(values: np.ndarray, name: str, path: Path) -> np.ndarray:
    if not (np.diff(values) > 0).all():
        raise ValueError(f"The coordinate {name} in {path} does not grow from value to value.")
    return values
