"""A split of trajectories as every format gives and takes it: what there is, and how a slab of samples is read."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as fields_of
from typing import Any

import numpy as np
import xarray

from pdesym.datasets import schema, store
from pdesym.solvers.grid import AXES

Slab = dict[str, np.ndarray]


@dataclass(frozen=True)
class Described:
    """An array without its values.

    Attributes:
        dims: names of its axes, the first is `sample`.
        shape: its sizes.
        dtype: numpy name.
        attributes: text, numbers and flat lists of them.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of the values of one sample."""
        return int(np.prod(self.shape[1:], dtype=object)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Source:
    """A split that can be read slab by slab, wherever it lies.

    Attributes:
        attributes: of the split, as `pdesym.datasets.schema` has them.
        coordinates: attributes and values of the coordinates by name.
        variables: every array but `checksum` and `status`, in the order of the checksum.
        status: of every sample, int8.
        failures: why samples failed, by their position.
        one: gives the values of a variable for a slice of the samples.
        checksums: what the values should sum to, where that is known.
    """

    attributes: dict[str, Any]
    coordinates: dict[str, tuple[dict[str, Any], np.ndarray]]
    variables: dict[str, Described]
    status: np.ndarray
    failures: dict[int, str]
    one: Callable[[str, slice], np.ndarray]
    checksums: np.ndarray | None = None

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.status)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields in the order of the channels."""
        return tuple(json.loads(self.attributes["fields"]))

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of space."""
        return self.variables[self.fields[0]].dims[2:]

    @property
    def drawn(self) -> tuple[str, ...]:
        """Names of what every sample draws for itself: parameters, lengths of its box, the pace of its clock."""
        account = [one.name for one in schema.account_variables(1, 1)]
        return tuple(
            name
            for name, one in self.variables.items()
            if one.dims == ("sample",) and one.dtype.startswith("float") and name not in account
        )

    @property
    def complete(self) -> np.ndarray:
        """Positions of the samples that have a solution."""
        return np.flatnonzero(self.status == schema.COMPLETE)

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of the values of one sample in all variables."""
        return sum(described.bytes_per_sample for described in self.variables.values())

    def slabs(self, samples: int) -> Iterator[tuple[slice, Slab]]:
        """The values of so many samples at a time, with where they stand."""
        for first in range(0, self.samples, samples):
            part = slice(first, min(first + samples, self.samples))
            yield part, self.read(part)

    def verified(self) -> "Source":
        """The same source, which holds every sample that it reads whole against its checksum."""
        return _Verified(**{one.name: getattr(self, one.name) for one in fields_of(self)})

    def only(self, name: str) -> "Source":
        """The source of a single variable: no more than that is read, so that no checksum can be formed."""
        return replace(self, variables={name: self.variables[name]}, checksums=None)

    def read(self, rows: slice) -> Slab:
        """The values of all variables for some samples."""
        return {name: self.one(name, rows) for name in self.variables}

    def part(self, first: int, stop: int) -> "Source":
        """The samples from `first` up to `stop`, numbered anew from 0."""
        about, _ = self.coordinates["sample"]
        return replace(
            self,
            coordinates={**self.coordinates, "sample": (about, np.arange(stop - first))},
            variables={
                name: replace(one, shape=(stop - first, *one.shape[1:])) for name, one in self.variables.items()
            },
            status=self.status[first:stop],
            failures={sample - first: why for sample, why in self.failures.items() if first <= sample < stop},
            one=lambda name, rows: self.one(name, slice(rows.start + first, rows.stop + first)),
            checksums=None if self.checksums is None else self.checksums[first:stop],
        )


class _Verified(Source):
    def slabs(self, samples: int) -> Iterator[tuple[slice, Slab]]:
        """The values of so many samples at a time, with where they stand.

        Raises:
            ValueError: when a sample is not what was written.
        """
        for part, slab in super().slabs(samples):
            refuse_changed(self, part, slab)
            yield part, slab


def refuse_changed(source: Source, part: slice, slab: Slab) -> None:
    """Holds samples against their checksums, where those are known.

    Raises:
        ValueError: naming the first sample that is not what was written.
    """
    if source.checksums is None:
        return
    sums = store.checksums([slab[name] for name in source.variables])
    if wrong := np.flatnonzero(sums != source.checksums[part]).tolist():
        raise ValueError(
            f"Sample {part.start + wrong[0]} of {source.attributes['title']} is not what was written: its checksum "
            "does not fit; copy the data again."
        )


def source_of_dataset(data: xarray.Dataset, checked: bool = False) -> Source:
    """The split that an xarray.Dataset in the schema of this package holds, in memory or lazily on a disk.

    Args:
        data: as `open_dataset` and `dataset_from_arrays` give it.
        checked: whether the variable `checksum`, where there is one, has to fit the values.

    Raises:
        ValueError: when a field, a coordinate or an attribute of the schema is missing.
    """
    fields = _fields(data)
    samples = data.sizes["sample"]
    names = [
        str(name) for name in _order(data, fields) if name not in (schema.CHECKSUM, schema.STATUS) and name in data
    ]
    for name in names:
        if data[name].dims[0] != "sample":
            raise ValueError(
                f"The variable {name} has the dimensions {data[name].dims}: expected sample to be the first."
            )
    variables = {
        name: Described(
            tuple(str(dim) for dim in data[name].dims),
            tuple(data[name].shape),
            str(data[name].dtype),
            plain(data[name].attrs, name),
        )
        for name in names
    }
    status = data[schema.STATUS].values if schema.STATUS in data else np.ones(samples, "int8")
    failures = {int(sample): str(why) for sample, why in json.loads(data.attrs.get("failures", "{}")).items()}
    return Source(
        attributes=plain(data.attrs, "the dataset"),
        coordinates={str(dim): (plain(data[dim].attrs, str(dim)), data[dim].values) for dim in _dims(data, fields)},
        variables=variables,
        status=status,
        failures={
            sample: failures.get(sample, "failed before it was copied")
            for sample in np.flatnonzero(status == schema.FAILED).tolist()
        },
        one=lambda name, part: np.asarray(data[name].variable[part].values),
        checksums=data[schema.CHECKSUM].values if checked and schema.CHECKSUM in data else None,
    )


def plain(attributes: Mapping[Any, Any], owner: str) -> dict[str, Any]:
    """Attributes as plain text, whole numbers, floating-point numbers and flat lists of these.

    Raises:
        ValueError: for an attribute of another kind.
    """
    return {str(key): _plain(value, str(key), owner) for key, value in attributes.items()}


def _plain(value: Any, key: str, owner: str) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        flat = [_plain(entry, key, owner) for entry in value]
        if any(isinstance(entry, list) for entry in flat):
            raise ValueError(f"The attribute {key} of {owner} is a nested list: expected text, a number or a list.")
        return flat
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str | int | float):
        return value
    raise ValueError(
        f"The attribute {key} of {owner} is a {type(value).__name__}: expected text, a number or a list of them."
    )


def _fields(data: xarray.Dataset) -> tuple[str, ...]:
    try:
        fields = tuple(json.loads(data.attrs["fields"]))
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            "The dataset has no attribute fields with the names of its fields: make it with `dataset_from_arrays` or "
            "open it with `open_dataset`."
        ) from None
    for name in fields:
        if name not in data or data[name].dims[:2] != ("sample", "time") or data[name].ndim < 3:
            raise ValueError(f"The field {name} is missing or has other dimensions than sample, time and the axes.")
        if data[name].dims != data[fields[0]].dims:
            raise ValueError(
                f"The fields {fields[0]} and {name} have the dimensions {data[fields[0]].dims} and {data[name].dims}: "
                "expected the same."
            )
    if not fields:
        raise ValueError("The attribute fields of the dataset names no field.")
    return fields


def _order(data: xarray.Dataset, fields: tuple[str, ...]) -> list[str]:
    """The order of the checksum where the attributes say it, and what came to it later at the end."""
    try:
        known = [name for name in json.loads(data.attrs["variables"]) if name in data.data_vars]
    except (KeyError, TypeError, ValueError):
        known = list(fields)
    return known + [str(name) for name in data.data_vars if name not in known]


def _dims(data: xarray.Dataset, fields: tuple[str, ...]) -> tuple[str, ...]:
    dims = tuple(str(dim) for dim in data[fields[0]].dims)
    if dims[2:] != AXES[: len(dims) - 2]:
        raise ValueError(f"The field {fields[0]} has the dimensions {dims}: expected sample, time, x[, y[, z]].")
    for dim in dims:
        if dim not in data.coords:
            raise ValueError(f"The dataset has no coordinate {dim}: expected one for every dimension of its fields.")
    return dims
