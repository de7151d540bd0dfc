"""What is in a dataset, in numbers: ranges, spectra, how well invariants are kept, errors, failures, sizes."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from pdesym.datasets import schema
from pdesym.datasets.decoded import kept_samples, kept_values, shards_of, stored_values
from pdesym.datasets.moments import Moments
from pdesym.datasets.open import open_dataset
from pdesym.datasets.resolution import Resolution
from pdesym.datasets.spectra import PowerSpectra
from pdesym.datasets.store import LEFT_OUT
from pdesym.datasets.stored import (
    OWN_SCALES,
    axes_of_data,
    drawn_parameters,
    fields_of_data,
    statement_of_data,
)
from pdesym.datasets.stored_metadata import decoded_attributes, splits_in

_FRAMES = 5
"""At which spectra are taken."""

_ROUNDING = 8.0
"""An integral of less than so many roundings of the fields is 0, and has no relative drift."""


@dataclass(frozen=True)
class AxisSummary:
    """An axis of the grid; the length is that of the coordinate, also where samples draw their own."""

    name: str
    points: int
    length: float
    periodic: bool


@dataclass(frozen=True)
class FieldSummary:
    """A field over all samples, frames and points of a split.

    Attributes:
        name: of the field.
        dtype: of the stored numbers.
        least: value.
        most: value.
        mean: value.
        std: standard deviation.
        frames: positions of the frames of `power`.
        power: for each periodic axis the mean power spectrum `(frame, wavenumber)`, see `PowerSpectra`.
        tail: the largest share of the norm in the last third of the wavenumbers, over axes and frames; nan without
            a periodic axis.
        roughest: the largest such share of one sample in its norm, the mean included.
    """

    name: str
    dtype: str
    least: float
    most: float
    mean: float
    std: float
    frames: tuple[int, ...]
    power: Mapping[str, np.ndarray]
    tail: float
    roughest: float


@dataclass(frozen=True)
class InvariantSummary:
    """How well the samples of a split keep an integral I(t), taken over the stored points.

    Attributes:
        name: of the invariant.
        about: what is integrated.
        size: the root of the mean of I² over samples and frames.
        absolute: largest |I(t) − I(first frame)| of all samples.
        relative: that over `size`; None where I is 0 to within the rounding of the fields.
        drift: largest over the samples, at every frame; relative where `relative` is, absolute otherwise.
        sampled: the stored points are too few for the fields, and the drift is larger than the errors of the solutions:
            it is one of sampling, and says nothing of how well they keep the integral.
    """

    name: str
    about: str
    size: float
    absolute: float
    relative: float | None
    drift: np.ndarray
    sampled: bool = False


@dataclass(frozen=True)
class SplitSummary:
    """One split.

    Attributes:
        name: of the split.
        samples: that are stored, those that failed among them.
        failures: why samples failed, by their index; "" where the reason is not kept.
        stored_bytes: on the disk.
        bytes: of all numbers, decoded.
        fields: one for each.
        invariants: one for each that is stored.
        error: estimated relative error of each sample that has one.
        beyond: samples whose error stays within the tolerance only up to some time before the last frame.
        drawn: the smallest and the largest value of what every sample draws, by name.
        resolution: how well the stored points carry the fields.
    """

    name: str
    samples: int
    failures: Mapping[int, str]
    stored_bytes: int
    bytes: int
    fields: tuple[FieldSummary, ...]
    invariants: tuple[InvariantSummary, ...]
    error: np.ndarray
    beyond: int
    drawn: Mapping[str, tuple[float, float]]
    resolution: Resolution


@dataclass(frozen=True)
class Summary:
    """A dataset.

    Attributes:
        directory: its folder.
        attributes: those of its first split, with `fields`, `equation_text`, `where` and `parameters` decoded.
        statement: the equations in one text, "" where unknown.
        axes: of the grid.
        times: of the frames, before they are stretched.
        distributions: of what every sample draws, in words, by name.
        splits: one for each.
    """

    directory: Path
    attributes: Mapping[str, Any]
    statement: str
    axes: tuple[AxisSummary, ...]
    times: np.ndarray
    distributions: Mapping[str, str]
    splits: tuple[SplitSummary, ...]

    def split(self, name: str) -> SplitSummary:
        """One split.

        Raises:
            KeyError: when the dataset does not have it.
        """
        for split in self.splits:
            if split.name == name:
                return split
        raise KeyError(f"There is no split {name}: there are {', '.join(split.name for split in self.splits)}.")


def summarise(directory: str | Path) -> Summary:
    """What is in a dataset, generated or imported; one shard is in memory at a time.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: when a split is not complete or damaged.
    """
    directory = Path(directory)
    splits = []
    for split in splits_in(directory):
        with open_dataset(directory, split) as data:
            splits.append(_split(directory, split, data))
    if not splits:
        raise ValueError(f"The dataset in {directory} has no splits: expected train, valid or test.")
    with open_dataset(directory, splits[0].name) as data:
        return Summary(
            directory,
            decoded_attributes(dict(data.attrs), directory),
            statement_of_data(data),
            tuple(_axis(data, axis) for axis in axes_of_data(data)),
            data["time"].values,
            {name: str(data[name].attrs.get("distribution", "")) for name in _drawn(data)},
            tuple(splits),
        )


def _failures(data: xarray.Dataset) -> dict[int, str]:
    reasons = {int(sample): str(why) for sample, why in json.loads(str(data.attrs.get("failures", "{}"))).items()}
    if LEFT_OUT not in data.attrs:
        return reasons
    return {sample: reasons.get(sample, "") for sample in np.flatnonzero(data[schema.STATUS] == schema.FAILED).tolist()}


def _split(directory: Path, split: str, data: xarray.Dataset) -> SplitSummary:
    kept = kept_samples(data)
    fields = tuple(_field(data, field, kept) for field in fields_of_data(data))
    scale = max(max(abs(field.least), abs(field.most)) for field in fields)
    eps = max(float(np.finfo(field.dtype).eps) for field in fields)
    rounding = _ROUNDING * eps * scale * math.prod(_axis(data, axis).length for axis in axes_of_data(data))
    resolution = _resolution(data, fields, kept)
    names = [str(name) for name in data.data_vars if str(name).startswith(schema.INVARIANT)]
    error = data["error"].values[kept] if "error" in data.data_vars else np.empty(0)
    error = error[np.isfinite(error)]
    horizon = data["horizon"].values[kept] if "horizon" in data.data_vars else np.empty(0)
    last = float(data["time"].values[-1])
    store = directory / schema.STORE / split
    return SplitSummary(
        split,
        data.sizes["sample"],
        _failures(data),
        sum(path.stat().st_size for path in store.rglob("*") if path.is_file()),
        sum(variable.nbytes for variable in data.data_vars.values()),
        fields,
        tuple(
            _told_apart(_invariant(data, name, kept, rounding), float(error.max(initial=0.0)), resolution)
            for name in names
        ),
        error,
        int((horizon < last * (1 - 1e-12)).sum()),
        {name: (float(data[name].values[kept].min()), float(data[name].values[kept].max())) for name in _drawn(data)},
        resolution,
    )


def _resolution(data: xarray.Dataset, fields: tuple[FieldSummary, ...], kept: np.ndarray) -> Resolution:
    axis, known = axes_of_data(data)[0], [field for field in fields if field.power]
    roughest = max(known, key=lambda field: field.roughest, default=None)
    used = int(data["points_used"].values[kept].max()) if "points_used" in data.data_vars else None
    return Resolution(
        axis,
        data.sizes[axis],
        used,
        "" if roughest is None else roughest.name,
        math.nan if roughest is None else roughest.roughest,
    )


def _told_apart(invariant: InvariantSummary, error: float, resolution: Resolution) -> InvariantSummary:
    """Whether a drift is one of sampling; errors that were not estimated count as 0."""
    beyond = invariant.relative is not None and invariant.relative > error
    return replace(invariant, sampled=beyond and resolution.is_enough is False)


def _field(data: xarray.Dataset, field: str, kept: np.ndarray) -> FieldSummary:
    moments = Moments()
    frames = np.unique(np.linspace(0, data.sizes["time"] - 1, _FRAMES).round().astype(int))
    spectra = {
        axis: PowerSpectra(number, frames)
        for number, axis in enumerate(axes_of_data(data))
        if data[axis].attrs.get("periodic")
    }
    for part in shards_of(data):
        values = kept_values(data, field, part, kept)
        moments.add(values)
        for spectrum in spectra.values():
            spectrum.add(values)
    return FieldSummary(
        field,
        str(data[field].dtype),
        moments.least,
        moments.most,
        moments.mean,
        moments.std,
        tuple(int(frame) for frame in frames),
        {axis: spectrum.power for axis, spectrum in spectra.items()},
        max((spectrum.tail for spectrum in spectra.values()), default=math.nan),
        max((spectrum.roughest for spectrum in spectra.values()), default=math.nan),
    )


def _invariant(data: xarray.Dataset, name: str, kept: np.ndarray, rounding: float) -> InvariantSummary:
    squares, count = 0.0, 0
    drift = np.zeros(data.sizes["time"])
    for part in shards_of(data):
        values = stored_values(data, name, part)[kept[(kept >= part.start) & (kept < part.stop)] - part.start]
        squares += float(np.square(values).sum())
        count += values.size
        drift = np.maximum(drift, np.abs(values - values[:, :1]).max(axis=0, initial=0.0))
    size = math.sqrt(squares / count)
    absolute = float(drift.max())
    relative = absolute / size if size > rounding else None
    return InvariantSummary(
        name.removeprefix(schema.INVARIANT),
        str(data[name].attrs.get("long_name", "")),
        size,
        absolute,
        relative,
        drift if relative is None else drift / size,
    )


def _axis(data: xarray.Dataset, axis: str) -> AxisSummary:
    values, about = data[axis].values.astype(float), data[axis].attrs
    length = float(about.get("length", 0.0)) or float(values[-1] - values[0])
    return AxisSummary(axis, len(values), length, bool(about.get("periodic")))


def _drawn(data: xarray.Dataset) -> tuple[str, ...]:
    return (*drawn_parameters(data), *(name for name in OWN_SCALES if name in data.data_vars))
