"""What a stored dataset looks like: its variables, their units and layout, and where it came from.

A dataset is a folder:

    recipe.yaml   the recipe, every default written out; written first, never changed
    data.zarr/    a zarr (version 3) store with a group for each split: train, valid, test

A group opens with plain xarray. Its dimensions are `sample`, `time` and the axes of the grid; it has one variable for
each field of the equation, one for each parameter that the samples draw, and for each sample the solver's account.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import pdesym
from pdesym.datasets import recipe_file
from pdesym.datasets.errors import RecipeError
from pdesym.datasets.recipe import Recipe, Uniform
from pdesym.solvers import Equation, Grid

VERSION = 1
"""Of this layout; a dataset of another one is not read."""

RECIPE_FILE = "recipe.yaml"
STORE = "data.zarr"
LOCK = ".lock"

DONE = 1
"""The value of `status` of a sample whose data are all there; 0 before that."""

_CHUNK_BYTES = 2**20
_DISK_BLOCK = 4096


@dataclass(frozen=True)
class Variable:
    """One array of a group.

    Attributes:
        dims: names of its axes; the first is `sample` unless the array is a coordinate of another axis.
        dtype: numpy name.
        attributes: what xarray shows beside it.
        chunk: samples in a chunk, the piece that is compressed and read at once.
        shard: samples in a shard, the file that is written at once; a multiple of `chunk`.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    attributes: dict[str, Any] = field(default_factory=dict)
    chunk: int = 1
    shard: int = 1

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one entry along the first axis, before compression."""
        return math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array, before compression."""
        return self.shape[0] * self.bytes_per_sample

    def file_bytes(self, samples: int) -> int:
        """An upper bound of what one shard of so many samples occupies on a disk, compressed or not."""
        chunks = -(-samples // self.chunk)
        return _rounded_up(chunks * self.chunk * self.bytes_per_sample + 64 * chunks + 64)


def _rounded_up(size: int) -> int:
    return -(-size // _DISK_BLOCK) * _DISK_BLOCK


def variables(recipe: Recipe, split: str, grid: Grid, fields: tuple[str, ...]) -> tuple[Variable, ...]:
    """The arrays of a split that are filled shard by shard.

    Raises:
        RecipeError: when a parameter has the name of a field or of another array.
    """
    samples, shard = recipe.splits.sizes[split], recipe.shard
    shape = (samples, recipe.times.count, *grid.points)
    sample_bytes = math.prod(shape[1:]) * np.dtype(recipe.dtype).itemsize
    chunk = max((d for d in range(1, shard + 1) if shard % d == 0 and d * sample_bytes <= _CHUNK_BYTES), default=1)

    def of_sample(name: str, dtype: str, long_name: str, **attributes: Any) -> Variable:
        attributes = {"units": "1", "long_name": long_name, **attributes}
        return Variable(name, ("sample",), (samples,), dtype, attributes, chunk=shard, shard=shard)

    arrays = [
        Variable(
            name,
            ("sample", "time", *grid.axes),
            shape,
            recipe.dtype,
            {"units": "1", "long_name": f"dependent variable {name}"},
            chunk,
            shard,
        )
        for name in fields
    ]
    for name, law in recipe.parameters.items():
        if isinstance(law, Uniform):
            arrays.append(of_sample(name, "float64", f"parameter {name}", distribution=f"uniform {list(law.uniform)}"))
    arrays += [
        of_sample("error", "float64", "estimated relative L2 error of the solution, largest over the frames"),
        of_sample("horizon", "float64", "time up to which that error stays within the tolerance"),
        of_sample("steps", "int64", "time steps of the solver"),
        of_sample("points_used", "int64", "grid points along an axis that the solver used at most"),
        of_sample("status", "int8", "1 when the sample is complete, 0 before", flag_values=[0, DONE]),
    ]
    names = [array.name for array in arrays]
    taken = {"sample", "time", *grid.axes}
    for number, name in enumerate(names):
        if name in taken or name in names[:number]:
            raise RecipeError(f"The name {name} is taken twice in the dataset: rename the parameter or field {name}.")
    return tuple(arrays)


def coordinates(recipe: Recipe, split: str, grid: Grid, times: torch.Tensor) -> tuple[tuple[Variable, np.ndarray], ...]:
    """The coordinates of a split with their values; they are written when the store is made."""
    samples = recipe.splits.sizes[split]
    values: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("sample", np.arange(samples, dtype="int64"), {"long_name": f"index of the sample in the split {split}"}),
        ("time", times.numpy(), {"axis": "T", "long_name": "time since the initial field"}),
    ]
    for axis, points, length in zip(grid.axes, grid.coordinates(), grid.length, strict=True):
        about = {"axis": axis.upper(), "long_name": f"position {axis}", "periodic": 1, "length": length}
        values.append((axis, points.numpy(), about))
    return tuple(
        (Variable(name, (name,), array.shape, str(array.dtype), {"units": "1", **about}, len(array), len(array)), array)
        for name, array, about in values
    )


def group_bytes(recipe: Recipe, split: str, grid: Grid) -> int:
    """An upper bound of what a group occupies on a disk before its first shard: metadata and coordinates."""
    return 2**17 + 8 * (recipe.splits.sizes[split] + recipe.times.count + sum(grid.points))


def provenance(recipe: Recipe, split: str, equation: Equation, scheme: str, device: str) -> dict[str, Any]:
    """The attributes of a group: text and numbers only, enough to make the data again."""
    accuracy = {"rtol": recipe.rtol} if recipe.dt is None else {"dt": recipe.dt}
    fixed = {name: value for name, value in equation.parameters.items() if isinstance(value, float)}
    return {
        "Conventions": "CF-1.11",
        "title": f"{recipe.name}: {split}",
        "pdesym_schema": VERSION,
        "equation": equation.statement,
        "parameters": json.dumps(fixed),
        "solver": scheme,
        **accuracy,
        "seed": recipe.seed,
        "split": split,
        "shard": recipe.shard,
        "recipe": recipe_file.dump(recipe),
        **versions(device),
        "complete": 0,
    }


def versions(device: str) -> dict[str, str]:
    """What the bits of the numbers depend on besides the recipe."""
    return {
        "pdesym_version": pdesym.__version__,
        "torch_version": str(torch.__version__),
        "numpy_version": np.__version__,
        "device": torch.device(device).type,
    }
