"""What a stored split is about, from its own attributes and coordinates: grid, fields, equation, boxes and clocks."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray
from jaxtyping import Float
from torch import Tensor

from pdesym.datasets.stored_metadata import decoded_attributes
from pdesym.datasets.stretched import STRETCH
from pdesym.solvers import Equation, Grid

_EQUIDISTANT = 1e-6
"""Relative to the spacing; coordinates of imported data may be those of float32."""

OWN_SCALES = (STRETCH, "length", "length_x", "length_y", "length_z")
"""The variables of samples that have times or boxes of their own."""


def fields_of_data(data: xarray.Dataset) -> tuple[str, ...]:
    """The names of the fields, in the order of the channels.

    Raises:
        ValueError: when the attributes do not say.
    """
    return tuple(_attributes(data)["fields"])


def axes_of_data(data: xarray.Dataset) -> tuple[str, ...]:
    """The names of the axes of the grid, ("x", "y") say."""
    return tuple(str(name) for name in data[fields_of_data(data)[0]].dims[2:])


def grid_of_data(data: xarray.Dataset) -> Grid:
    """The periodic grid of a split; where the samples draw their boxes, the one that the coordinates show.

    Where its first point lies is not kept: on a torus all points are alike.

    Raises:
        ValueError: for an axis that is not periodic, points that are not equidistant, or fewer than 4.
    """
    points, lengths = [], []
    for axis in axes_of_data(data):
        values, about = data[axis].values.astype(float), data[axis].attrs
        if not about.get("periodic"):
            raise ValueError(
                f"The axis {axis} of {title_of_data(data)} is not periodic, and a Grid is a torus: use the arrays of "
                "`open_dataset` as they are, or data on a periodic box."
            )
        length = float(about.get("length", 0.0)) or len(values) * float(values[1] - values[0])
        spacing = length / len(values)
        if np.abs(np.diff(values) - spacing).max() > _EQUIDISTANT * max(length, float(np.abs(values).max())):
            raise ValueError(
                f"The points along {axis} of {title_of_data(data)} are not L/N = {spacing:g} apart, as those of a Grid "
                "are: interpolate them to such points first."
            )
        points.append(len(values))
        lengths.append(length)
    return Grid(*points, length=lengths)


def equation_of_data(data: xarray.Dataset) -> Equation | None:
    """The equation that the samples solve, with one value a sample for the parameters they drew; None where unknown.

    Samples that failed may have drawn parameters that are no numbers: leave them out first.

    Raises:
        ValueError: when the attributes hold no equation that can be read.
    """
    attributes = _attributes(data)
    texts, relations = attributes["equation_text"], attributes["where"]
    if not texts:
        return None
    values: dict[str, Any] = dict(attributes["parameters"])
    values |= {name: torch.tensor(data[name].values, dtype=torch.float64) for name in drawn_parameters(data)}
    try:
        return Equation(*texts, where=relations, **values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"The attribute equation_text of {title_of_data(data)} cannot be read: {error}") from None


def statement_of_data(data: xarray.Dataset) -> str:
    """The equations and the relations of their auxiliary fields, one text; "" where unknown."""
    attributes = _attributes(data)
    relations = [f"where {relation}" for relation in attributes["where"]]
    return "; ".join([*attributes["equation_text"], *relations]) or str(attributes.get("equation", ""))


def drawn_parameters(data: xarray.Dataset) -> tuple[str, ...]:
    """The names of the parameters of the equation that every sample draws for itself."""
    attributes = _attributes(data)
    words = set(re.findall(r"[A-Za-z_]\w*", " ".join([*attributes["equation_text"], *attributes["where"]])))
    return tuple(
        str(name)
        for name, variable in data.data_vars.items()
        if variable.dims == ("sample",) and name in words and name not in attributes["parameters"]
    )


def lengths_of_data(data: xarray.Dataset) -> Float[Tensor, "sample dims"] | None:
    """The box of each sample along each axis, float64; None where all have that of the grid."""
    axes = axes_of_data(data)
    names = ["length"] if len(axes) == 1 else [f"length_{axis}" for axis in axes]
    if not any(name in data.data_vars for name in names):
        return None
    samples, grid = data.sizes["sample"], grid_of_data(data)
    columns = [
        np.asarray(data[name].values, dtype=float) if name in data.data_vars else np.full(samples, size)
        for name, size in zip(names, grid.length, strict=True)
    ]
    return torch.from_numpy(np.stack(columns, axis=1))


def stretch_of_data(data: xarray.Dataset) -> Float[Tensor, " sample"] | None:
    """The factor between the times of each sample and those of the coordinate, float64; None where all are 1."""
    if STRETCH not in data.data_vars:
        return None
    return torch.tensor(data[STRETCH].values, dtype=torch.float64)


def title_of_data(data: xarray.Dataset) -> str:
    """The dataset and the split in words, for sentences."""
    return str(data.attrs.get("title", "this dataset"))


def _attributes(data: xarray.Dataset) -> Mapping[str, Any]:
    return decoded_attributes(dict(data.attrs), "the attributes of the dataset")
