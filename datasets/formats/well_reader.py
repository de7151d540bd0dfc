"""Reading the HDF5 files of the Well, those of this package exactly and those of others with what they say."""

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdesym.datasets.formats import hdf5_guard, metadata, well
from pdesym.datasets.formats.declaration import file_name
from pdesym.datasets.formats.foreign import Declared, Found, field_described, foreign_source
from pdesym.datasets.formats.own import own_source
from pdesym.datasets.formats.source import Described, Source
from pdesym.solvers.grid import AXES

Files = Sequence[tuple[Path, h5py.File]]


def is_well(file: h5py.File) -> bool:
    """Whether a file has the groups of the Well."""
    return all(isinstance(file.get(name), h5py.Group) for name in ("dimensions", "t0_fields"))


def read(files: Files, split: str, declared: Declared) -> Source:
    """The split that one file or several hold, one after another.

    Periodicity is what `boundary_conditions` say, unless it is declared. The components of a vector become the fields
    <name>_x, <name>_y, …; a field that does not depend on the time or an axis is repeated along it.

    Raises:
        ValueError: when a file is not as the format says, or the files do not fit together.
    """
    path, file = files[0]
    if len(files) == 1 and metadata.GROUP in file:
        group = file[metadata.GROUP]
        if not isinstance(group, h5py.Group):
            raise ValueError(f"{path} is damaged: /{metadata.GROUP} is no group.")
        return own_source(group, path, f"well: {file_name(path)}", lambda said: _own_fields(file, path, said))
    parts = [_File(one, each) for one, each in files]
    return foreign_source(_together(parts), split, declared)


def _own_fields(file: h5py.File, path: Path, said: metadata.Recorded) -> dict[str, Callable[[slice], np.ndarray]]:
    fields = json.loads(said.attributes["fields"])
    shape = said.variables[fields[0]].shape
    stand_in = Source(said.attributes, {}, said.variables, np.zeros(0, "int8"), {}, lambda name, rows: np.zeros(0))
    readers: dict[str, Callable[[slice], np.ndarray]] = {}
    for vector, components in well.vectors_of(stand_in).items():
        array = hdf5_guard.numbers(_group(file, "t1_fields", path), vector, path, (*shape, len(components)))
        for number, field in enumerate(components):
            metadata.of_dtype(array, said.variables[field].dtype, path)
            readers[field] = _component(array, path, number)
    for field in fields:
        if field not in readers:
            array = hdf5_guard.numbers(_group(file, "t0_fields", path), field, path, shape)
            readers[field] = _whole(metadata.of_dtype(array, said.variables[field].dtype, path), path)
    return readers


def _component(array: h5py.Dataset, path: Path, number: int) -> Callable[[slice], np.ndarray]:
    return lambda rows: np.ascontiguousarray(hdf5_guard.values(array, rows, path)[..., number])


def _whole(array: h5py.Dataset, path: Path) -> Callable[[slice], np.ndarray]:
    return lambda rows: hdf5_guard.values(array, rows, path)


class _File:
    """One file of others: its dimensions, scalars and fields, and how they are read."""

    def __init__(self, path: Path, file: h5py.File):
        self.path, self.file = path, file
        self.samples = self._count("n_trajectories")
        dimensions = _group(file, "dimensions", path)
        self.names = _names(dimensions, "spatial_dims", path)
        if not 1 <= len(self.names) <= 3:
            raise ValueError(f"{path} has the axes {', '.join(self.names)}: expected one to three.")
        self.axes = dict(zip(self.names, AXES, strict=False))
        self.times = self._dimension(dimensions, "time")
        self.points = {self.axes[name]: self._dimension(dimensions, name) for name in self.names}
        self.fields: dict[str, Described] = {}
        self.readers: dict[str, Callable[[slice], np.ndarray]] = {}
        self._find_fields()
        self.fixed: dict[str, float] = {}
        self.drawn: dict[str, np.ndarray] = {}
        self.series: dict[str, np.ndarray] = {}
        self._find_scalars()

    def _count(self, name: str) -> int:
        value = self.file.attrs.get(name)
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"The attribute {name} of {self.path} is {value!r}: expected a number of samples.")
        return int(value)

    def _dimension(self, group: h5py.Group, name: str) -> np.ndarray:
        array = hdf5_guard.numbers(group, name, self.path, None, "fiu")
        if _flag(array, "sample_varying", self.path, False) or _flag(array, "time_varying", self.path, False):
            raise ValueError(f"{array.name} in {self.path} differs between samples or frames: expected one for all.")
        return hdf5_guard.coordinate(group, name, self.path)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a field that depends on everything."""
        return (self.samples, len(self.times), *(len(points) for points in self.points.values()))

    def _find_fields(self) -> None:
        for order in range(3):
            if f"t{order}_fields" not in self.file:
                continue
            group = _group(self.file, f"t{order}_fields", self.path)
            for name in _names(group, "field_names", self.path):
                hdf5_guard.safe_name(name, self.path)
                self._find_field(group, name, order)
        if not self.fields:
            raise ValueError(f"{self.path} names no field in t0_fields, t1_fields or t2_fields.")

    def _find_field(self, group: h5py.Group, name: str, order: int) -> None:
        dims = len(self.names)
        array = hdf5_guard.numbers(group, name, self.path)
        varying = [_flag(array, "sample_varying", self.path, True), _flag(array, "time_varying", self.path, True)]
        varying += _flags(array, "dim_varying", self.path, dims)
        sizes = [size for size, depends in zip(self.shape, varying, strict=True) if depends]
        hdf5_guard.numbers(group, name, self.path, (*sizes, *(dims,) * order))
        for component in product(range(dims), repeat=order):
            letters = "".join(AXES[number] for number in component)
            field = f"{name}_{letters}" if letters else name
            about: dict[str, Any] = {}
            if order:
                about = {
                    "pdesym_kind": ("scalar", "vector", "tensor")[order],
                    ("", "pdesym_vector", "pdesym_tensor")[order]: f"{name}:{letters}",
                }
            if missing := [
                what for what, depends in zip(("sample", "time", *self.points), varying, strict=True) if not depends
            ]:
                about["constant_along"] = " ".join(missing)
            self.fields[field] = field_described(field, self.shape, array.dtype, **about)
            self.readers[field] = self._reader(array, varying, component, self.fields[field].dtype)

    def _reader(
        self, array: h5py.Dataset, varying: list[bool], component: tuple[int, ...], dtype: str
    ) -> Callable[[slice], np.ndarray]:
        last: tuple[Any, ...] = (..., *component)

        def read(rows: slice) -> np.ndarray:
            values = hdf5_guard.values(array, rows if varying[0] else (), self.path)[last]
            index = tuple(slice(None) if depends else np.newaxis for depends in varying)
            shape = (rows.stop - rows.start, *self.shape[1:])
            return np.ascontiguousarray(np.broadcast_to(values[index], shape), dtype=dtype)

        return read

    def _find_scalars(self) -> None:
        if "scalars" not in self.file:
            return
        group = _group(self.file, "scalars", self.path)
        for name in _names(group, "field_names", self.path):
            array = hdf5_guard.numbers(group, hdf5_guard.safe_name(name, self.path), self.path, None, "fiu")
            sample = _flag(array, "sample_varying", self.path, False)
            time = _flag(array, "time_varying", self.path, False)
            expected = (self.samples,) * sample + (len(self.times),) * time
            values = hdf5_guard.values(array, (), self.path).astype("float64")
            if not sample and not time and values.size == 1:
                values = values.reshape(())
            if values.shape != expected:
                raise ValueError(
                    f"The array {array.name} in {self.path} has the shape {array.shape}: expected {expected}."
                )
            if time:
                self.series[name] = np.broadcast_to(values, (self.samples, len(self.times)))
            elif sample:
                self.drawn[name] = values
            else:
                self.fixed[name] = float(values)

    def periodic(self) -> dict[str, bool]:
        """Whether each axis is periodic, as the boundary conditions say; one of which they say nothing is not."""
        return {axis: "PERIODIC" in self.boundaries(axis) for axis in self.points}

    def boundaries(self, axis: str) -> set[str]:
        """The types of the conditions at the ends of an axis, in capitals."""
        if "boundary_conditions" not in self.file:
            return set()
        found = set()
        for condition in _group(self.file, "boundary_conditions", self.path).values():
            if not isinstance(condition, h5py.Group):
                continue
            dims = _names(condition, "associated_dims", self.path)
            if any(self.axes.get(name) == axis for name in dims):
                found.add(str(condition.attrs.get("bc_type", "")).upper())
        return found


def _together(parts: Sequence[_File]) -> Found:
    first = parts[0]
    for other in parts[1:]:
        if {name: one.dtype for name, one in other.fields.items()} != {
            name: one.dtype for name, one in first.fields.items()
        }:
            raise ValueError(f"{first.path} and {other.path} hold different fields: expected the same in all files.")
        same = np.array_equal(first.times, other.times) and all(
            np.array_equal(first.points[axis], other.points.get(axis, np.zeros(0))) for axis in first.points
        )
        if not same or len(first.points) != len(other.points) or first.periodic() != other.periodic():
            raise ValueError(f"{first.path} and {other.path} have different times, points or boundaries.")
    starts = np.cumsum([0, *(part.samples for part in parts)])
    fixed, drawn = _parameters(parts)
    series = set.intersection(*(set(part.series) for part in parts))
    total = int(starts[-1])

    def one(name: str, rows: slice) -> np.ndarray:
        pieces = []
        for part, start in zip(parts, starts, strict=False):
            low, high = max(rows.start - start, 0), min(rows.stop - start, part.samples)
            if low < high:
                here = slice(int(low), int(high))
                pieces.append(part.series[name][here] if name in series else part.readers[name](here))
        return np.concatenate(pieces)

    return Found(
        place=str(first.path),
        name=_text(first.file.attrs.get("dataset_name"), first.path.stem),
        source="well: " + ", ".join(file_name(part.path) for part in parts),
        fields={
            name: field_described(name, (total, *one.shape[1:]), one.dtype, **_about(one))
            for name, one in first.fields.items()
        },
        times=first.times,
        points=first.points,
        periodic=first.periodic(),
        about={axis: {"boundary": "wall" if first.boundaries(axis) == {"WALL"} else "open"} for axis in first.points},
        fixed=fixed,
        drawn=drawn,
        others={
            name: Described(
                ("sample", "time"),
                (total, len(first.times)),
                "float64",
                {"units": "1", "long_name": f"scalar {name}"},
            )
            for name in sorted(series)
        },
        one=one,
    )


def _about(one: Described) -> dict[str, Any]:
    return {key: value for key, value in one.attributes.items() if key not in ("units", "long_name")}


def _parameters(parts: Sequence[_File]) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Scalars that are the same in all files, and those that are not: one value a sample."""
    fixed, drawn = {}, {}
    for name in dict.fromkeys(name for part in parts for name in (*part.fixed, *part.drawn)):
        if any(name not in part.fixed and name not in part.drawn for part in parts):
            raise ValueError(f"The scalar {name} of {parts[0].path} or another file is missing in others of the split.")
        values = {part.fixed.get(name) for part in parts}
        if len(values) == 1 and None not in values:
            fixed[name] = parts[0].fixed[name]
        else:
            drawn[name] = np.concatenate(
                [part.drawn[name] if name in part.drawn else np.full(part.samples, part.fixed[name]) for part in parts]
            )
    return fixed, drawn


def _group(parent: h5py.Group, name: str, path: Path) -> h5py.Group:
    found = parent.get(name)
    if not isinstance(found, h5py.Group):
        raise ValueError(f"{path} has no group {name}: expected a file of the Well's format.")
    return found


def _names(group: h5py.Group, key: str, path: Path) -> list[str]:
    value = group.attrs.get(key)
    entries = [value] if isinstance(value, str | bytes) else value
    if entries is None or isinstance(entries, h5py.Empty):
        entries = []
    if not isinstance(entries, list | tuple | np.ndarray):
        raise ValueError(f"The attribute {key} of {group.name} in {path} is {value!r}: expected names.")
    return [_text(entry, "") for entry in entries]


def _text(value: Any, otherwise: str) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else otherwise


def _flag(array: h5py.Dataset, key: str, path: Path, otherwise: bool) -> bool:
    value = array.attrs.get(key, otherwise)
    if np.ndim(value) != 0 or not isinstance(value, bool | int | np.bool_ | np.integer):
        raise ValueError(f"The attribute {key} of {array.name} in {path} is {value!r}: expected true or false.")
    return bool(value)


def _flags(array: h5py.Dataset, key: str, path: Path, count: int) -> list[bool]:
    value = np.asarray(array.attrs.get(key, np.ones(count, bool)))
    if value.shape != (count,) or value.dtype.kind not in "biu":
        raise ValueError(f"The attribute {key} of {array.name} in {path} is {value!r}: expected {count} flags.")
    return [bool(flag) for flag in value]
