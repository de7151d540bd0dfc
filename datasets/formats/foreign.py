"""A split of a file that this package did not write, in its schema."""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pdesym.datasets import schema
from pdesym.datasets.formats import axes as coordinates_of
from pdesym.datasets.formats import declaration
from pdesym.datasets.formats.hdf5_guard import MEMORY, is_safe_name
from pdesym.datasets.formats.source import Described, Source
from pdesym.solvers import CATALOGUE
from pdesym.solvers.grid import AXES

RESERVED = ("sample", "time", *AXES, schema.CHECKSUM, schema.STATUS, "error", "horizon", "steps", "points_used")
"""Names that stand for something else in a stored split."""


@dataclass(frozen=True)
class Declared:
    """What the caller of an import says, where a file does not.

    Attributes:
        name: of the dataset.
        fields: names of the fields in the order of the file.
        periodic: for all axes, or for each; None takes the file's word, or the format's default.
        length: of the axes.
        equation: that the fields solve.
        where: relations of auxiliary fields.
        parameters: of the equation.
        memory: bytes that one sample may take.
    """

    name: str | None = None
    fields: tuple[str, ...] | None = None
    periodic: Any = None
    length: Any = None
    equation: str | Sequence[str] | None = None
    where: str | Sequence[str] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    memory: int = MEMORY


@dataclass(frozen=True)
class Found:
    """What a file holds.

    Attributes:
        place: the file, for sentences.
        name: of the dataset as the file has it.
        source: the format and the names of the files.
        fields: by name, what each is like.
        times: of the frames.
        points: the coordinates of the axes, in the precision of the file.
        periodic: of each axis, as far as the file says.
        about: further attributes of the axes.
        fixed: numbers that all samples share.
        drawn: numbers of each sample.
        others: further variables.
        one: gives the values of a field or another variable for some samples.
    """

    place: str
    name: str
    source: str
    fields: Mapping[str, Described]
    times: np.ndarray
    points: Mapping[str, np.ndarray]
    periodic: Mapping[str, bool]
    fixed: Mapping[str, float]
    drawn: Mapping[str, np.ndarray]
    one: Callable[[str, slice], np.ndarray]
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    others: Mapping[str, Described] = field(default_factory=dict)


def foreign_source(found: Found, split: str, declared: Declared) -> Source:
    """The split that a file holds, with what the caller declares about it.

    Raises:
        ValueError: when the names, coordinates, parameters or the equation do not fit.
    """
    first = next(iter(found.fields.values()))
    samples = first.shape[0]
    _refuse_names(found)
    flags = coordinates_of.for_each_axis(declared.periodic, list(found.points), "periodic")
    lengths = coordinates_of.for_each_axis(declared.length, list(found.points), "length")
    coordinates = coordinates_of.frames(split, np.arange(samples), found.times, found.place)
    for name, points in found.points.items():
        periodic = bool(found.periodic[name] if flags[name] is None else flags[name])
        about, values = coordinates_of.axis(name, points, periodic, lengths[name], found.place)
        coordinates[name] = (about | (dict(found.about.get(name, {})) if not periodic else {}), values)
    fixed, drawn = declaration.split_parameters({**found.fixed, **found.drawn, **declared.parameters}, samples)
    words = _words(declared.equation, declared.where)
    used: dict[str, Any] = {
        name: value for name, value in {**fixed, **drawn}.items() if name in words or name in declared.parameters
    }
    equation = declaration.declared_equation(
        declared.equation, declared.where, used, list(found.fields), len(found.points)
    )
    fields = {name: found.fields[name] for name in (equation.fields if equation else found.fields)}
    said = {name: value for name, value in fixed.items() if not equation or name in used}
    others = {name: value for name, value in fixed.items() if name not in said}
    name = declared.name or found.name
    shard = declaration.default_shard(sum(one.bytes_per_sample for one in fields.values()), samples)
    attributes = declaration.attributes_of(name, split, list(fields), said, equation, shard, found.source)
    if others:
        attributes["other_parameters"] = json.dumps(others)
    account = declaration.unknown_account(samples)

    def one(variable: str, rows: slice) -> np.ndarray:
        if variable in drawn:
            return drawn[variable][rows]
        return account[variable][rows] if variable in account else found.one(variable, rows)

    return Source(
        attributes=attributes,
        coordinates=coordinates,
        variables={
            **fields,
            **{parameter: declaration.described_parameter(parameter, samples) for parameter in drawn},
            **declaration.described_account(samples),
            **found.others,
        },
        status=np.full(samples, schema.COMPLETE, "int8"),
        failures={},
        one=one,
    )


def field_described(name: str, shape: tuple[int, ...], dtype: Any, **attributes: Any) -> Described:
    """A field `(sample, time, *space)`; numbers of half precision become float32, which holds them exactly."""
    kind = "float64" if np.dtype(dtype).itemsize == 8 else "float32"
    variable = schema.field_variable(name, shape, kind, 1, **attributes)
    return Described(variable.dims, shape, kind, dict(variable.attributes))


def channel_names(declared: Declared, channels: int, place: str) -> tuple[str, ...]:
    """The names of channels that a file only numbers: the declared ones, else u, or u and v, or u0, u1, ….

    Raises:
        ValueError: when another number of names is declared.
    """
    if declared.fields is None:
        return ("u", "v")[:channels] if channels <= 2 else tuple(f"u{number}" for number in range(channels))
    if len(declared.fields) != channels:
        raise ValueError(
            f"{place} has {channels} field{'s' * (channels > 1)} and {len(declared.fields)} names are declared: "
            f"{', '.join(declared.fields)}."
        )
    return tuple(declared.fields)


def _refuse_names(found: Found) -> None:
    names = [*found.fields, *found.drawn, *found.others]
    for number, name in enumerate(names):
        if not is_safe_name(name) or name in RESERVED or name in names[:number]:
            raise ValueError(
                f"{found.place} holds {name!r}, which cannot be the name of a variable here: expected letters, digits "
                f"and underscores after a letter, no name twice, and none of {', '.join(RESERVED)}."
            )


def _words(equation: str | Sequence[str] | None, where: str | Sequence[str]) -> set[str]:
    """The names that may be parameters of the equation."""
    texts = [equation] if isinstance(equation, str) else list(equation or [])
    if len(texts) == 1 and texts[0] in CATALOGUE:
        return set(inspect.signature(CATALOGUE[texts[0]]).parameters)
    relations = [where] if isinstance(where, str) else list(where)
    return set(re.findall(r"[A-Za-z_]\w*", " ".join([*texts, *relations])))
