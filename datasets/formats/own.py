"""A split of a file that this package wrote: exactly what was in the dataset."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdesym.datasets import schema
from pdesym.datasets.formats import hdf5_guard, metadata
from pdesym.datasets.formats.source import Source


def own_source(
    group: h5py.Group, path: Path, source: str, fields: Callable[[metadata.Recorded], dict[str, Any]]
) -> Source:
    """The split that the group `pdesym` of a file and the fields beside it make.

    Args:
        group: with `metadata`, `variables` and `coordinates`.
        path: of the file.
        source: the format and the name of the file.
        fields: gives for each field by name a function from a slice of the samples to its values, once it is known what
            they should be like.

    Raises:
        ValueError: when something is missing or is not as `metadata` says.
    """
    said = metadata.recorded(group, path)
    arrays = metadata.variable_arrays(group, said, path, json.loads(said.attributes["fields"]))
    checksums = arrays.pop(schema.CHECKSUM, None)
    return assembled(
        said,
        metadata.read_coordinates(group, said, path),
        {**{name: reader(array, path) for name, array in arrays.items()}, **fields(said)},
        None if checksums is None else hdf5_guard.values(checksums, (), path),
        source,
    )


def assembled(
    said: metadata.Recorded,
    coordinates: dict[str, tuple[dict[str, Any], np.ndarray]],
    readers: dict[str, Callable[[slice], np.ndarray]],
    checksums: np.ndarray | None,
    source: str,
) -> Source:
    """The split whose values the readers give."""
    return Source(
        attributes=metadata.without_left_out(said.attributes, said.left_out) | {"source": source},
        coordinates=coordinates,
        variables=said.variables,
        status=np.full(said.samples, schema.COMPLETE, "int8"),
        failures={},
        one=lambda name, rows: readers[name](rows),
        checksums=checksums,
    )


def reader(array: h5py.Dataset, path: Path) -> Callable[[slice], np.ndarray]:
    """A function from a slice of the samples to their values."""
    return lambda rows: hdf5_guard.values(array, rows, path)
