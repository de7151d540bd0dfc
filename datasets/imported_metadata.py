"""The metadata of imported data: no recipe says what they should be, so they are held against each other."""

import math
from pathlib import Path
from typing import Any

import zarr

from pdesym.datasets import schema
from pdesym.datasets.checked_values import Part
from pdesym.datasets.recipe_problem import shown
from pdesym.datasets.rederived import failures_of, left_out_of
from pdesym.datasets.store import shard_file
from pdesym.datasets.stored_metadata import attributes_of, require_arrays
from pdesym.datasets.verified_files import Files, differences

_MOST_BYTES = 2**36
"""Of one shard of a variable; metadata that say more are not followed."""


def consolidated_findings(files: Files) -> list[str]:
    """Where the gathered copy of the metadata is not what stands in the files of the groups and arrays."""
    name = f"{schema.STORE}/zarr.json"
    try:
        root = files.json(name)
        gathered = root["consolidated_metadata"]["metadata"]
        pairs = [(path, copy, files.json(f"{schema.STORE}/{path}/zarr.json")) for path, copy in gathered.items()]
    except ValueError as damage:
        return [str(damage)]
    except (KeyError, TypeError, AttributeError):
        return [f"{name} is damaged: the key consolidated_metadata should hold a copy of all metadata."]
    findings = []
    for path, copy, own in pairs:
        copy = {key: value for key, value in copy.items() if key != "consolidated_metadata"}
        for key, one, other in differences(copy, own):
            findings.append(
                f"{name}: {key} of {path} is {shown(one)}, and {schema.STORE}/{path}/zarr.json says {shown(other)}."
            )
    return findings


def imported_part(directory: Path, split: str, files: Files) -> Part:
    """What is needed to read a split by its own metadata.

    Raises:
        ValueError: naming the file and the key, when the metadata are damaged or do not fit together.
    """
    file = f"{schema.STORE}/{split}/zarr.json"
    about = attributes_of(directory, split)
    require_arrays(directory, split, about["fields"])
    if about.get("complete") != 1:
        raise ValueError(f"{file}: attributes.complete is {shown(about.get('complete'))}, expected 1.")
    names = _variables(about, file)
    arrays = {name: _array(directory, split, name, files) for name in names}
    samples, shard = arrays[schema.STATUS].shape[0], about["shard"]
    for name, array in arrays.items():
        place = f"{schema.STORE}/{split}/{name}/zarr.json"
        if array.shape[:1] != (samples,):
            raise ValueError(f"{place}: shape is {list(array.shape)}, expected {samples} samples as in the status.")
        rows = (array.shards or array.chunks)[0]
        if rows != shard or (array.shards or array.chunks)[1:] != array.shape[1:]:
            raise ValueError(f"{place}: a file holds {rows} samples, and attributes.shard of {file} says {shard}.")
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{place}: data_type is {array.dtype}, expected numbers.")
        if array.dtype.itemsize * rows * math.prod(array.shape[1:]) > _MOST_BYTES:
            raise ValueError(f"{place}: shape is {list(array.shape)}, which is more than a file can hold.")
    failures, unnamed = failures_of(files, split), left_out_of(files, split)
    return Part(split, about["fields"], arrays, samples, shard, failures, unnamed, emptied=False)


def imported_files(part: Part, files: Files) -> set[str]:
    """The files that belong to a split: its metadata, its coordinates and the shards of its variables."""
    place = f"{schema.STORE}/{part.split}"
    coordinates = {"sample", "time", *_axes(part)}
    belonging = {f"{place}/zarr.json"} | {f"{place}/{name}/zarr.json" for name in (*part.arrays, *coordinates)}
    belonging |= {f"{place}/{name}/c/0" for name in coordinates}
    shards = range(-(-part.samples // part.shard))
    belonging |= {shard_file(part.split, name, k, array.ndim) for name, array in part.arrays.items() for k in shards}
    return belonging


def _axes(part: Part) -> tuple[str, ...]:
    names: Any = part.arrays[part.fields[0]].metadata.dimension_names  # type: ignore[union-attr]
    return tuple(names[2:])


def _variables(about: dict[str, Any], file: str) -> tuple[str, ...]:
    names = about["variables"]
    text = list(names)
    if not all(name.isidentifier() for name in names):
        raise ValueError(f"{file}: attributes.variables is {shown(text)}, expected JSON with the names of the arrays.")
    if names[-2:] != (schema.CHECKSUM, schema.STATUS) or len(set(names)) != len(names):
        raise ValueError(
            f"{file}: attributes.variables is {shown(text)}, expected different names that end with "
            f"{schema.CHECKSUM} and {schema.STATUS}."
        )
    if lacking := [field for field in about["fields"] if field not in names]:
        raise ValueError(f"{file}: attributes.variables lacks the field {shown(lacking[0])}.")
    return names


def _array(directory: Path, split: str, name: str, files: Files) -> zarr.Array[Any]:
    file = f"{schema.STORE}/{split}/{name}/zarr.json"
    files.json(file)  # a link or a pipe is refused here, before zarr follows it
    try:
        array = zarr.open_array(directory / schema.STORE, path=f"{split}/{name}", mode="r")
    except Exception as error:  # whatever zarr says of metadata that are not its own
        raise ValueError(
            f"{file} is damaged: {' '.join((str(error) or type(error).__name__).split())[:200]}."
        ) from None
    return array
