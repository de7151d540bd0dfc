"""What other formats have no place for: a group `pdesym` beside their data, which their readers pass over.

It holds the attributes of the split, of its variables and coordinates as JSON in an array of bytes, `metadata`, and the
values of every variable that is no field, and of the coordinates, below `variables` and `coordinates`. With it a split
comes back exactly as it was.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdesym.datasets import schema, store
from pdesym.datasets.formats import hdf5_guard
from pdesym.datasets.formats.source import Described, Slab, Source
from pdesym.solvers.grid import AXES

GROUP = "pdesym"
FORMAT_VERSION = 1

_DIMS = ("sample", "time", *AXES)
_DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True)
class Recorded:
    """What `metadata` says.

    Attributes:
        attributes: of the split.
        coordinates: attributes of each coordinate by name.
        variables: every array but `checksum` and `status`, for all samples that the file has.
        samples: number of samples that the file has.
        left_out: why samples were not written, by their number in the split.
    """

    attributes: dict[str, Any]
    coordinates: dict[str, dict[str, Any]]
    variables: dict[str, Described]
    samples: int
    left_out: dict[str, str]


def text(source: Source, kept: np.ndarray) -> str:
    """The JSON about a split of which the samples at the positions `kept` are written."""
    written = set(kept.tolist())
    numbers = source.coordinates["sample"][1]
    left_out = {
        str(int(numbers[row])): source.failures.get(row, "not complete")
        for row in range(source.samples)
        if row not in written
    }
    return json.dumps(
        {
            "format": FORMAT_VERSION,
            "attributes": source.attributes,
            "coordinates": {name: about for name, (about, _) in source.coordinates.items()},
            "variables": {
                name: {
                    "dims": one.dims,
                    "shape": [len(kept), *one.shape[1:]],
                    "dtype": one.dtype,
                    "attributes": one.attributes,
                }
                for name, one in source.variables.items()
            },
            "samples": len(kept),
            "left_out": left_out,
        }
    )


def write_text(group: h5py.Group, source: Source, kept: np.ndarray) -> None:
    """Puts the JSON into the group, as bytes: an attribute would hold 64 kB at most."""
    group.create_dataset("metadata", data=np.frombuffer(text(source, kept).encode(), dtype="uint8"))


def recorded(group: h5py.Group, path: Path) -> Recorded:
    """What the array `metadata` of a group says, checked.

    Raises:
        ValueError: when it does not say what `write_text` says.
    """
    raw = hdf5_guard.numbers(group, "metadata", path, (None,), "u")
    if raw.dtype != np.dtype("uint8") or raw.shape[0] > schema.MOST_METADATA_BYTES:
        raise ValueError(f"{raw.name} in {path} holds {raw.dtype} of shape {raw.shape}: expected a text as bytes.")
    try:
        said = json.loads(hdf5_guard.values(raw, (), path).tobytes())
    except (ValueError, RecursionError):
        raise ValueError(f"{raw.name} in {path} is damaged: it is not JSON.") from None
    return _recorded(said, f"{raw.name} in {path}", path)


def _recorded(said: Any, place: str, path: Path) -> Recorded:
    top = _mapping(said, place)
    if top.get("format") != FORMAT_VERSION:
        raise ValueError(f"{place} has the format {top.get('format')!r}: this version reads {FORMAT_VERSION}.")
    samples = top.get("samples")
    if not isinstance(samples, int) or samples < 1:
        raise ValueError(f"{place} is damaged: samples is {samples!r}, expected 1 or more.")
    attributes = _attributes(top.get("attributes"), f"attributes of {place}")
    require_attributes(attributes, place)
    coordinates = {
        name: _attributes(about, f"coordinate {name} of {place}")
        for name, about in _mapping(top.get("coordinates"), place).items()
        if name in _DIMS
    }
    variables = {
        hdf5_guard.safe_name(name, path): _described(one, samples, f"variable {name} of {place}")
        for name, one in _mapping(top.get("variables"), place).items()
    }
    fields = json.loads(attributes["fields"])
    for name in fields:
        if name not in variables or variables[name].dims[:2] != ("sample", "time") or len(variables[name].dims) < 3:
            raise ValueError(f"{place} is damaged: the field {name!r} is not among its variables.")
        if variables[name].dims != variables[fields[0]].dims or variables[name].shape != variables[fields[0]].shape:
            raise ValueError(f"{place} is damaged: the fields {fields[0]} and {name} have different shapes.")
    for dim in variables[fields[0]].dims:
        if dim not in coordinates:
            raise ValueError(f"{place} is damaged: nothing is said about the coordinate {dim}.")
    left_out = {str(key): str(why) for key, why in _mapping(top.get("left_out"), place).items()}
    return Recorded(attributes, coordinates, variables, samples, left_out)


def require_attributes(attributes: Mapping[str, Any], place: str) -> None:
    """Refuses attributes of a split without which it could not be opened.

    Raises:
        ValueError: naming the attribute.
    """
    if attributes.get("pdesym_schema") != schema.VERSION:
        raise ValueError(
            f"{place} has the layout {attributes.get('pdesym_schema')!r} and this version reads {schema.VERSION}."
        )
    for key in ("name", "split", "equation", "title"):
        if not isinstance(attributes.get(key), str):
            raise ValueError(f"{place} is damaged: the attribute {key} is missing or no text.")
    kinds: dict[str, type] = {"fields": list, "equation_text": list, "where": list, "parameters": dict}
    for key, kind in kinds.items():
        try:
            found = json.loads(attributes[key])
        except (KeyError, TypeError, ValueError, RecursionError):
            found = None
        entries = list(found.values()) if isinstance(found, dict) else found
        expected = (int, float) if kind is dict else str
        if not isinstance(found, kind) or not all(isinstance(entry, expected) for entry in entries or []):
            raise ValueError(f"{place} is damaged: the attribute {key} is missing or holds something else.")
    if not json.loads(attributes["fields"]):
        raise ValueError(f"{place} is damaged: it names no field.")


def without_left_out(attributes: dict[str, Any], left_out: Mapping[str, str]) -> dict[str, Any]:
    """The attributes of a split from which samples were left out: which, and why."""
    if not left_out:
        return attributes
    attributes = {key: value for key, value in attributes.items() if key != store.LEFT_OUT}
    return attributes | {"failures": "{}", "left_out": json.dumps(dict(left_out))}


def write_variables(group: h5py.Group, source: Source, kept: np.ndarray) -> None:
    """Makes the arrays for all that is no field, to be filled slab by slab, and writes the coordinates."""
    made = group.create_group("variables")
    for name, one in other_variables(source).items():
        made.create_dataset(name, (len(kept), *one.shape[1:]), one.dtype)
    write_coordinates(group, source, kept)


def kept_slabs(
    group: h5py.Group, source: Source, kept: np.ndarray, slab: int, advance: Callable[[int], None]
) -> Iterator[tuple[slice, np.ndarray, Slab]]:
    """Writes all that is no field into a group, and hands out the fields slab by slab.

    Args:
        group: of what the format has no place for.
        source: what is written.
        kept: the positions of the samples to write.
        slab: samples at a time.
        advance: is told the number of samples that are done.

    Yields:
        the positions in the file, which samples of the slab those are, and the values of the slab.
    """
    write_text(group, source, kept)
    write_variables(group, source, kept)
    done = 0
    for part, values in source.slabs(slab):
        rows = np.isin(np.arange(part.start, part.stop), kept)
        written = slice(done, done + int(rows.sum()))
        for name, found in other_values(source, values, part).items():
            group[f"variables/{name}"][written] = found[rows]
        yield written, rows, values
        done = written.stop
        advance(part.stop - part.start)


def write_coordinates(group: h5py.Group, source: Source, kept: np.ndarray) -> None:
    """Writes the values of the coordinates, of the samples only those at the positions `kept`."""
    coordinates = group.create_group("coordinates")
    for name, (_, values) in source.coordinates.items():
        coordinates.create_dataset(name, data=values[kept] if name == "sample" else values)


def other_variables(source: Source) -> dict[str, Described]:
    """All but the fields, and the checksum where the values have one."""
    others = {name: one for name, one in source.variables.items() if name not in source.fields}
    if source.checksums is not None:
        others[schema.CHECKSUM] = Described(("sample",), (source.samples,), "uint64")
    return others


def other_values(source: Source, values: Slab, part: slice) -> Slab:
    """The values of these variables for a slab of samples."""
    return {
        name: values[name] if name in values or source.checksums is None else source.checksums[part]
        for name in other_variables(source)
    }


def read_coordinates(group: h5py.Group, said: Recorded, path: Path) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """Attributes and values of the coordinates.

    Raises:
        ValueError: when one is missing or does not fit the fields.
    """
    field = said.variables[json.loads(said.attributes["fields"])[0]]
    stored = _group(group, "coordinates", path)
    found = {}
    for dim, size in zip(field.dims, field.shape, strict=True):
        values = hdf5_guard.coordinate(stored, dim, path, size)
        if not (np.diff(values) > 0).all():
            raise ValueError(f"The coordinate {dim} in {path} does not grow from value to value.")
        found[dim] = (said.coordinates[dim], values)
    return found


def variable_arrays(
    group: h5py.Group, said: Recorded, path: Path, except_for: Sequence[str]
) -> dict[str, h5py.Dataset]:
    """The arrays of all that is no field, and of the checksum where there is one.

    Raises:
        ValueError: when one is missing or is not as `metadata` says.
    """
    stored = _group(group, "variables", path)
    arrays = {}
    for name, one in said.variables.items():
        if name not in except_for:
            arrays[name] = of_dtype(hdf5_guard.numbers(stored, name, path, one.shape, "fiu"), one.dtype, path)
    if schema.CHECKSUM in stored:
        found = hdf5_guard.numbers(stored, schema.CHECKSUM, path, (said.samples,), "u")
        arrays[schema.CHECKSUM] = of_dtype(found, "uint64", path)
    return arrays


def of_dtype(array: h5py.Dataset, dtype: str, path: Path) -> h5py.Dataset:
    """The array, when it holds exactly that type.

    Raises:
        ValueError: for another type.
    """
    if array.dtype != np.dtype(dtype):
        raise ValueError(f"The array {array.name} in {path} holds {array.dtype}: expected {dtype}.")
    return array


def _group(parent: h5py.Group, name: str, path: Path) -> h5py.Group:
    found = parent.get(name)
    if not isinstance(found, h5py.Group):
        raise ValueError(f"{path} is damaged: it has no group {parent.name.rstrip('/')}/{name}.")
    return found


def _described(said: Any, samples: int, place: str) -> Described:
    one = _mapping(said, place)
    dims, shape, dtype = one.get("dims"), one.get("shape"), one.get("dtype")
    if not isinstance(dims, list) or not dims or dims[0] != "sample" or not set(map(str, dims)) <= set(_DIMS):
        raise ValueError(f"The {place} has the dimensions {dims!r}: expected sample, then time and the axes.")
    if (
        not isinstance(shape, list)
        or len(shape) != len(dims)
        or not all(isinstance(size, int) and size > 0 for size in shape)
        or shape[0] != samples
    ):
        raise ValueError(f"The {place} has the shape {shape!r}: expected {samples} samples and sizes above 0.")
    if dtype not in _DTYPES:
        raise ValueError(f"The {place} holds {dtype!r}: expected one of {', '.join(_DTYPES)}.")
    return Described(tuple(dims), tuple(shape), str(dtype), _attributes(one.get("attributes"), place))


def _attributes(said: Any, place: str) -> dict[str, Any]:
    found = _mapping(said, place)
    for key, value in found.items():
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, str | int | float) for entry in entries):
            raise ValueError(f"The attribute {key!r} in {place} is neither text nor a number nor a list of them.")
    return found


def _mapping(said: Any, place: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise ValueError(f"{place} is damaged: expected names and what they stand for, got a {type(said).__name__}.")
    return said
