"""The coordinates of data from elsewhere: equidistant points along an axis, frames one after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pdesym.datasets import schema

_EQUIDISTANT = 1e-6
"""Relative to the extent; coordinates of float32 are exact to 1e-7."""

Coordinate = tuple[dict[str, Any], np.ndarray]


def axis(
    name: str, points: np.ndarray, periodic: bool, length: float | None = None, where: str = "the data"
) -> Coordinate:
    """Attributes and values of an axis whose points are given, float64, exactly as they are.

    The length of a periodic axis is N times the spacing of its N points, that of another one the distance of its ends.
    Without a declared one it is read off the points, and rounded where a number of few digits agrees with them.

    Raises:
        ValueError: for points that do not grow, are not equidistant, or do not fit the length.
    """
    if points.ndim != 1 or len(points) < 2:
        raise ValueError(f"The coordinate {name} of {where} has the shape {points.shape}: expected at least 2 points.")
    epsilon = float(np.finfo(points.dtype).eps) if points.dtype.kind == "f" else 2.3e-16
    values = points.astype("float64")
    if not np.isfinite(values).all() or not (np.diff(values) > 0).all():
        raise ValueError(f"The coordinate {name} of {where} does not grow from point to point.")
    extent = float(values[-1] - values[0])
    spacing = extent / (len(values) - 1)
    if np.abs(np.diff(values) - spacing).max() > _EQUIDISTANT * max(extent, float(np.abs(values).max())):
        raise ValueError(
            f"The points of {name} of {where} are not equidistant, neighbours lie {np.diff(values).min():.6g} to "
            f"{np.diff(values).max():.6g} apart: interpolate them to equidistant points first."
        )
    found = spacing * len(values) if periodic else extent
    if length is None:
        length = _rounded(found, epsilon)
    elif not (np.isfinite(length) and abs(found - length) <= 1e-5 * found):
        kind = "a periodic" if periodic else "an"
        raise ValueError(
            f"The points of {name} of {where} are {spacing:.6g} apart, which makes {kind} axis of length {found:.6g}, "
            f"and {length:g} is declared: correct the length, or whether {name} is periodic."
        )
    about = dict(schema.axis_coordinate(name, values, float(length), int(periodic))[0].attributes)
    return about | ({"origin": float(values[0])} if values[0] != 0.0 else {}), values


def axis_of_length(name: str, points: int, length: float, periodic: bool) -> Coordinate:
    """Attributes and values of an axis from 0 on: j L/N on a periodic one, j L/(N - 1) on another.

    Raises:
        ValueError: for fewer than 2 points or a length that is not positive.
    """
    if points < 2 or not (np.isfinite(length) and length > 0):
        raise ValueError(f"Expected at least 2 points and a positive length along {name}, got {points} and {length}.")
    values = np.arange(points, dtype="float64") * (length / (points if periodic else points - 1))
    return dict(schema.axis_coordinate(name, values, float(length), int(periodic))[0].attributes), values


def frames(split: str, samples: np.ndarray, times: np.ndarray, where: str = "the data") -> dict[str, Coordinate]:
    """The coordinates `sample` and `time`.

    Raises:
        ValueError: for times that are not finite or do not grow.
    """
    times = np.asarray(times)
    if times.ndim != 1 or times.dtype.kind not in "fiu" or not len(times):
        raise ValueError(f"The times of {where} have the shape {times.shape} and hold {times.dtype}: expected numbers.")
    times = times.astype("float64")
    if not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        raise ValueError(f"The times of {where} do not grow from frame to frame.")
    sample, time = schema.frame_coordinates(split, len(samples), times)
    return {
        "sample": (dict(sample[0].attributes), samples.astype("int64")),
        "time": (dict(time[0].attributes) | {"long_name": "time"}, times),
    }


def for_each_axis(value: Any, axes: Sequence[str], what: str) -> dict[str, Any]:
    """One value an axis, from a single one, a list in the order of the axes, or a mapping by name.

    Raises:
        ValueError: for another number of them, or another name.
    """
    if isinstance(value, Mapping):
        if unknown := sorted(set(value) - set(axes)):
            raise ValueError(f"There is no axis {unknown[0]} for {what}: the axes are {', '.join(axes)}.")
        return {name: value.get(name) for name in axes}
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != len(axes):
            raise ValueError(f"Expected {len(axes)} values of {what}, one an axis, got {len(value)}.")
        return dict(zip(axes, value, strict=True))
    return dict.fromkeys(axes, value)


def _rounded(value: float, epsilon: float) -> float:
    """A number of two digits fewer than the points are exact to, when it agrees with them; else the value as it is."""
    most = int(-np.log10(epsilon)) - 1
    rounded = (float(f"{value:.{digits}g}") for digits in range(1, most + 1))
    return next((short for short in rounded if abs(short - value) <= 8 * epsilon * value), value)
