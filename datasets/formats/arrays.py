"""A dataset from arrays of one's own, in the schema of this package."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray

from pdesym.datasets import schema
from pdesym.datasets.formats import axes as coordinates_of
from pdesym.datasets.formats import declaration
from pdesym.datasets.formats.foreign import RESERVED
from pdesym.datasets.formats.hdf5_guard import is_safe_name
from pdesym.solvers import Grid
from pdesym.solvers.grid import AXES


def dataset_from_arrays(
    fields: Mapping[str, Any],
    times: Any,
    coordinates: Mapping[str, Any] | None = None,
    *,
    grid: Grid | None = None,
    length: float | Sequence[float] | Mapping[str, float] | None = None,
    periodic: bool | Sequence[bool] | Mapping[str, bool] = True,
    equation: str | Sequence[str] | None = None,
    where: str | Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    vectors: Mapping[str, Sequence[str]] | None = None,
    name: str = "own arrays",
    units: Mapping[str, str] | None = None,
    long_names: Mapping[str, str] | None = None,
    allow_nan: bool = False,
) -> xarray.Dataset:
    """A dataset from arrays: what `open_dataset` gives, in memory.

    Args:
        fields: an array `(sample, time, x[, y[, z]])` for each field, float32 or float64, all of one shape: of numpy,
            torch (on the CPU) or dask, which stays lazy. With an equation their order becomes that of the equation.
        times: of the frames; they grow.
        coordinates: the equidistant points of every axis, by the names x, y, z; kept exactly as they are. Or
        grid: a `pdesym.solvers.Grid` of the points; or
        length: of every axis: its points are then j L/N from 0 on where it is periodic, j L/(N - 1) where it is not.
            With coordinates it only declares how long an axis is whose points show that to fewer digits.
        periodic: for all axes, or for each.
        equation: that the fields solve, a name of the catalogue or text; None when it is not known.
        where: relations that define the auxiliary fields of such a text.
        parameters: by name, a number or an array `(sample,)`.
        vectors: fields that are the components of one vector, along the axes in order: {"velocity": ("u", "v")}.
        name: a word for people and titles.
        units: of fields, parameters and coordinates by name; "1" where none is given.
        long_names: in words, likewise.
        allow_nan: marks samples with values that are not finite as failed (`status` 2) in place of refusing them.

    Raises:
        ValueError: naming the field, coordinate or parameter that does not fit, and what would.
    """
    arrays = {key: _array(key, value) for key, value in fields.items()}
    shape = _common_shape(arrays)
    names, samples = AXES[: len(shape) - 2], shape[0]
    fixed, drawn = declaration.split_parameters(parameters or {}, samples)
    found = declaration.declared_equation(equation, where, {**fixed, **drawn}, list(arrays), len(names))
    if found:
        arrays = {key: arrays[key] for key in found.fields}
    _refuse_names([*arrays, *drawn, *fixed])
    spans = _axes(names, shape[2:], coordinates, grid, length, periodic)
    at = {**coordinates_of.frames("", np.arange(samples), np.asarray(times)), **spans}
    if len(at["time"][1]) != shape[1]:
        raise ValueError(f"There are {len(at['time'][1])} times and {shape[1]} frames in the fields.")
    _name(at, units, long_names, [*arrays, *drawn])
    _refuse_repeated_ends(arrays, spans)
    status, failures = _finite(arrays, allow_nan)
    dims = ("sample", "time", *names)
    variables: dict[str, Any] = {}
    for key, array in arrays.items():
        about = schema.field_variable(key, shape, str(array.dtype), 1).attributes | _words(key, units, long_names)
        variables[key] = (dims, array, about | schema.vector_attributes(key, vectors or {}, names))
    for key, values in drawn.items():
        about = declaration.described_parameter(key, samples).attributes | _words(key, units, long_names)
        variables[key] = (("sample",), values, about)
    for key, one in declaration.described_account(samples).items():
        variables[key] = (one.dims, declaration.unknown_account(samples)[key], one.attributes)
    marks = schema.closing_variables(samples, 1)[1]
    variables[schema.STATUS] = (marks.dims, status, marks.attributes)
    _check_vectors(vectors, arrays, names)
    shard = declaration.default_shard(sum(array.nbytes for array in arrays.values()) // samples, samples)
    attributes = declaration.attributes_of(name, "", list(arrays), fixed, found, shard, "arrays")
    attributes |= {
        "variables": json.dumps([*(key for key in variables if key != schema.STATUS), schema.CHECKSUM, schema.STATUS]),
        "failures": json.dumps(failures),
        "complete": 1,
    }
    data = xarray.Dataset(variables, {key: ((key,), values, about) for key, (about, values) in at.items()})
    return data.assign_attrs(attributes)


def _array(name: str, value: Any) -> Any:
    try:
        array = value if hasattr(value, "__dask_graph__") else np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"The field {name} cannot be read as an array: {said}.") from None
    if array.dtype.name not in ("float32", "float64"):
        raise ValueError(f"The field {name} holds {array.dtype}: expected float32 or float64.")
    if not 3 <= array.ndim <= 5 or 0 in array.shape:
        raise ValueError(
            f"The field {name} has the shape {array.shape}: expected (sample, time, x[, y[, z]]), none of them 0."
        )
    return array if array.dtype.isnative or not isinstance(array, np.ndarray) else array.astype(array.dtype.name)


def _common_shape(arrays: Mapping[str, Any]) -> tuple[int, ...]:
    if not arrays:
        raise ValueError("Expected at least one field, got none.")
    first, *others = arrays
    for other in others:
        if arrays[other].shape != arrays[first].shape or arrays[other].dtype != arrays[first].dtype:
            raise ValueError(
                f"The field {other} has the shape {arrays[other].shape} and holds {arrays[other].dtype}, the field "
                f"{first} {arrays[first].shape} and {arrays[first].dtype}: expected the same."
            )
    return tuple(int(size) for size in arrays[first].shape)


def _refuse_names(names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        if not is_safe_name(name) or name in RESERVED or name in names[:number]:
            raise ValueError(
                f"The name {name!r} of a field or parameter cannot be used: expected letters, digits and underscores "
                f"after a letter, no name twice, and none of {', '.join(RESERVED)}."
            )


def _axes(
    names: Sequence[str],
    points: Sequence[int],
    coordinates: Mapping[str, Any] | None,
    grid: Grid | None,
    length: Any,
    periodic: Any,
) -> dict[str, coordinates_of.Coordinate]:
    if grid is not None:
        if coordinates is not None or length is not None:
            raise ValueError("Expected a grid, or coordinates and a length, not both.")
        if tuple(grid.points) != tuple(points):
            raise ValueError(f"The grid has {grid.points} points and the fields {tuple(points)}.")
        length = list(grid.length)
    lengths = coordinates_of.for_each_axis(length, names, "length")
    flags = coordinates_of.for_each_axis(periodic, names, "periodic")
    if coordinates is None:
        if missing := [name for name in names if lengths[name] is None]:
            raise ValueError(
                f"Nothing says where the points along {missing[0]} lie: give coordinates, a grid or length."
            )
        return {
            name: coordinates_of.axis_of_length(name, size, float(lengths[name]), bool(flags[name]))
            for name, size in zip(names, points, strict=True)
        }
    if set(coordinates) != set(names):
        raise ValueError(f"Expected coordinates {', '.join(names)}, got {', '.join(coordinates)}.")
    values = {name: np.asarray(coordinates[name]) for name in names}
    for name, size in zip(names, points, strict=True):
        if values[name].shape != (size,):
            raise ValueError(
                f"The coordinate {name} has the shape {values[name].shape} and the fields {size} points along it."
            )
    return {name: coordinates_of.axis(name, values[name], bool(flags[name]), lengths[name]) for name in names}


def _refuse_repeated_ends(arrays: Mapping[str, Any], spans: Mapping[str, coordinates_of.Coordinate]) -> None:
    """ValueError for a periodic axis on which the last point is the first one again, as `linspace(0, L, N)` has it."""
    first = {name: np.asarray(array[0], dtype=float) for name, array in arrays.items()}
    for number, (name, (about, _)) in enumerate(spans.items(), start=1):
        if not about.get("periodic"):
            continue
        along = [np.moveaxis(field, number, 0) for field in first.values()]
        varies = any(np.ptp(field, axis=0).max() > 0 for field in along)
        if varies and all(np.abs(field[-1] - field[0]).max() <= 1e-6 * np.abs(field).max() for field in along):
            raise ValueError(
                f"The last point along {name} repeats the first in all fields: a periodic axis is given without its "
                "right end, so leave that point out, or say periodic=False."
            )


def _finite(arrays: Mapping[str, Any], allow_nan: bool) -> tuple[np.ndarray, dict[str, str]]:
    samples = len(next(iter(arrays.values())))
    status, failures = np.full(samples, schema.COMPLETE, "int8"), {}
    for name, array in arrays.items():
        for sample in range(samples):  # one at a time: the arrays may be larger than the memory
            if np.isfinite(np.asarray(array[sample])).all():
                continue
            if not allow_nan:
                raise ValueError(
                    f"The field {name} has values that are not finite in sample {sample}: leave it out, or allow_nan."
                )
            status[sample] = schema.FAILED
            failures[str(sample)] = f"{name} is not finite"
    return status, failures


def _words(name: str, units: Mapping[str, str] | None, long_names: Mapping[str, str] | None) -> dict[str, str]:
    unit, words = (units or {}).get(name), (long_names or {}).get(name)
    return ({"units": str(unit)} if unit else {}) | ({"long_name": str(words)} if words else {})


def _name(
    at: Mapping[str, coordinates_of.Coordinate],
    units: Mapping[str, str] | None,
    long_names: Mapping[str, str] | None,
    others: Sequence[str],
) -> None:
    for what, given in (("units", units or {}), ("long_names", long_names or {})):
        if unknown := sorted(set(given) - {*at, *others}):
            raise ValueError(f"There is nothing named {unknown[0]} for {what}: there are {', '.join([*others, *at])}.")
    for name, (about, _) in at.items():
        about.update(_words(name, units, long_names))


def _check_vectors(
    vectors: Mapping[str, Sequence[str]] | None, arrays: Mapping[str, Any], names: Sequence[str]
) -> None:
    for vector, components in (vectors or {}).items():
        if len(components) != len(names) or not set(components) <= set(arrays) or not is_safe_name(vector):
            raise ValueError(
                f"The vector {vector} has the components {', '.join(components)}: expected {len(names)} of the fields "
                f"{', '.join(arrays)}, one an axis."
            )
