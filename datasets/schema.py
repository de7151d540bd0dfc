"""What a stored dataset looks like: its variables, their units and layout, and where it came from.

A dataset is a folder:

    recipe.yaml     of generated data: the recipe, every default written out; written first, never changed
    source.yaml     of data from elsewhere, in its place: what they are and where they come from
    data.zarr/      a zarr (version 3) store with a group for each split: train, valid, test
    manifest.json   written when all is there: the SHA-256 of every file of metadata

and, while it is being filled, `pieces/` (finished batches of unfinished shards), `failures/` (why samples failed) and
`locks/` (who works on which shard).

A group opens with plain xarray. Its dimensions are `sample`, `time` and the axes of the grid; it has one variable for
each field of the equation, one for whatever every sample draws, the solver's account for each sample, the invariants of
the equation at every frame, and for each sample a checksum and a status.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import pdesym
from pdesym.datasets import problem, recipe_file
from pdesym.datasets.errors import RecipeError
from pdesym.datasets.recipe import Recipe
from pdesym.solvers import Equation
from pdesym.solvers.grid import AXES
from pdesym.solvers.steppers import DEFAULT, stepper_named

VERSION = 2
"""Of this layout; a dataset of another one is not read."""

RECIPE_FILE = "recipe.yaml"
SOURCE_FILE = "source.yaml"
STORE = "data.zarr"
MANIFEST = "manifest.json"
LOCK = ".lock"
CARD_FILES = ("README.md", "figures/trajectories.png", "figures/numbers.png")
"""The card that may lie beside the data: text about them, which nothing reads."""
PIECES, FAILURES, LOCKS = "pieces", "failures", "locks"

TODO, COMPLETE, FAILED = 0, 1, 2
"""The values of `status`: nothing there yet, all data there, and no solution (the values are nan)."""

INVARIANT = "invariant_"
"""What the name of the variable of an invariant begins with."""

CHECKSUM, STATUS = "checksum", "status"
"""The variables that `store.write` adds to those it is given; they are the last two of every group."""

MOST_METADATA_BYTES = 2**26
"""Of a document of metadata, which is some kilobytes; what is larger is not read."""

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


Coordinate = tuple[Variable, np.ndarray | range]
"""A coordinate with its values; numbers that count up are a `range`."""


@dataclass(frozen=True)
class Group:
    """One split as it is stored.

    Attributes:
        attributes: of the group: text and numbers only.
        coordinates: the coordinates with their values, numbers that count up as a `range`; they are written when the
            store is made.
        variables: the arrays that are filled shard by shard, in the order of the checksum; `checksum` and `status`
            are the last two.
    """

    attributes: dict[str, Any]
    coordinates: tuple[Coordinate, ...]
    variables: tuple[Variable, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the variables before compression."""
        return sum(variable.nbytes for variable in self.variables)

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one sample in all variables before compression."""
        return sum(variable.bytes_per_sample for variable in self.variables)

    @property
    def begun_bytes(self) -> int:
        """An upper bound of what the group occupies on a disk before its first shard: metadata and coordinates."""
        return 2**17 + sum(variable.nbytes for variable, _ in self.coordinates)


@dataclass(frozen=True)
class Layout:
    """Everything that the store of a dataset is, but for the values of its variables.

    Attributes:
        sizes: the number of samples of each split.
        shard: samples that are stored in one piece.
        groups: what is stored of each split.
    """

    sizes: dict[str, int]
    shard: int
    groups: dict[str, Group]

    @property
    def shard_counts(self) -> dict[str, int]:
        """The number of shards of each split."""
        return {split: -(-size // self.shard) for split, size in self.sizes.items()}

    @property
    def shards(self) -> tuple[tuple[str, int], ...]:
        """Every unit of writing, (split, number of the shard), in order."""
        return tuple((split, k) for split, count in self.shard_counts.items() for k in range(count))

    def samples(self, split: str, shard: int) -> range:
        """The indices of the samples of a shard."""
        return range(shard * self.shard, min((shard + 1) * self.shard, self.sizes[split]))

    @property
    def nbytes(self) -> int:
        """Bytes of all variables before compression."""
        return sum(group.nbytes for group in self.groups.values())


def layout(recipe: Recipe, device: str = "cpu") -> Layout:
    """What is stored of the dataset of a recipe.

    Raises:
        ValueError: when the recipe does not describe a problem.
        RecipeError: when a parameter has the name of a field or of another array.
    """
    equation, grid, times = problem.first_equation(recipe), problem.grid_of(recipe), problem.times_of(recipe).numpy()
    drawn = problem.sample_variables(recipe)
    groups = {}
    for split, samples in recipe.splits.sizes.items():
        variables = (
            *(
                field_variable(
                    name,
                    (samples, recipe.times.count, *grid.points),
                    recipe.dtype,
                    recipe.shard,
                    **vector_attributes(name, equation.card.vectors if equation.card else {}, grid.axes),
                )
                for name in equation.fields
            ),
            *(sample_variable(name, samples, recipe.shard, **about) for name, about in drawn.items()),
            *account_variables(samples, recipe.shard),
            *invariant_variables(equation, samples, recipe.times.count, recipe.shard),
            *closing_variables(samples, recipe.shard),
        )
        coordinates: tuple[Coordinate, ...] = (
            *frame_coordinates(split, samples, times),
            *(
                axis_coordinate(axis, points.numpy(), length)
                for axis, points, length in zip(grid.axes, grid.coordinates(), grid.length, strict=True)
            ),
        )
        refuse_names_taken_twice(variables, coordinates)
        groups[split] = Group(
            _provenance(recipe, split, equation, device, tuple(variable.name for variable in variables)),
            coordinates,
            variables,
        )
    return Layout(recipe.splits.sizes, recipe.shard, groups)


def field_variable(name: str, shape: tuple[int, ...], dtype: str, shard: int, **attributes: Any) -> Variable:
    """The array of one field, of shape (sample, time, x[, y[, z]]), in chunks of at most about a megabyte."""
    dims = ("sample", "time", *AXES[: len(shape) - 2])
    sample_bytes = math.prod(shape[1:]) * np.dtype(dtype).itemsize
    chunk = max((d for d in range(1, shard + 1) if shard % d == 0 and d * sample_bytes <= _CHUNK_BYTES), default=1)
    attributes = {"units": "1", "long_name": f"dependent variable {name}", **attributes}
    return Variable(name, dims, shape, dtype, attributes, chunk, shard)


def vector_attributes(field: str, vectors: Mapping[str, Sequence[str]], axes: Sequence[str]) -> dict[str, str]:
    """What an array says of a field that is a component of a vector: `pdesym_vector` is "velocity:x", say."""
    for vector, components in vectors.items():
        if field in components and len(components) == len(axes):
            return {"pdesym_kind": "vector", "pdesym_vector": f"{vector}:{axes[list(components).index(field)]}"}
    return {}


def sample_variable(
    name: str, samples: int, shard: int, long_name: str, dtype: str = "float64", **attributes: Any
) -> Variable:
    """An array with one number for each sample."""
    attributes = {"units": "1", "long_name": long_name, **attributes}
    return Variable(name, ("sample",), (samples,), dtype, attributes, chunk=shard, shard=shard)


def account_variables(samples: int, shard: int) -> tuple[Variable, ...]:
    """What the solver says about each sample."""
    return (
        sample_variable(
            "error", samples, shard, "estimated relative L2 error of the solution, largest over the frames"
        ),
        sample_variable("horizon", samples, shard, "time up to which that error stays within the tolerance"),
        sample_variable("steps", samples, shard, "time steps of the solver, without the burn-in", "int64"),
        sample_variable(
            "points_used",
            samples,
            shard,
            "grid points along the first axis that the solver used at most, without the burn-in",
            "int64",
        ),
    )


def invariant_variables(equation: Equation, samples: int, frames: int, shard: int) -> tuple[Variable, ...]:
    """The invariants on the card of the equation, at every frame of every sample."""
    densities = equation.card.invariants if equation.card else {}
    return tuple(
        Variable(
            f"{INVARIANT}{name}",
            ("sample", "time"),
            (samples, frames),
            "float64",
            {"units": "1", "long_name": f"integral of {density} over the box, taken over the stored points"},
            chunk=shard,
            shard=shard,
        )
        for name, density in densities.items()
    )


def closing_variables(samples: int, shard: int) -> tuple[Variable, ...]:
    """The last two arrays of every group, which `store.write` fills."""
    return (
        sample_variable(
            CHECKSUM,
            samples,
            shard,
            "first 8 bytes, little-endian, of the BLAKE2b of the bytes of the sample in all variables before this one",
            "uint64",
        ),
        sample_variable(
            STATUS,
            samples,
            shard,
            "1 when the sample is complete, 2 when it failed and its values are nan, 0 before",
            "int8",
            flag_values=[TODO, COMPLETE, FAILED],
            flag_meanings="todo complete failed",
        ),
    )


def frame_coordinates(split: str, samples: int, times: np.ndarray) -> tuple[Coordinate, Coordinate]:
    """The coordinates `sample` and `time` with their values."""
    about = {"units": "1", "long_name": f"index of the sample in the split {split}"}
    return (
        (Variable("sample", ("sample",), (samples,), "int64", about, samples, samples), range(samples)),
        _coordinate("time", times, axis="T", long_name="time since the initial field"),
    )


def axis_coordinate(axis: str, points: np.ndarray, length: float, periodic: int = 1) -> Coordinate:
    """The coordinate of an axis of space with its values."""
    return _coordinate(
        axis, points, axis=axis.upper(), long_name=f"position {axis}", periodic=periodic, length=float(length)
    )


def _coordinate(name: str, array: np.ndarray, **about: Any) -> Coordinate:
    attributes = {"units": "1", **about}
    return Variable(name, (name,), array.shape, str(array.dtype), attributes, len(array), len(array)), array


def refuse_names_taken_twice(variables: tuple[Variable, ...], coordinates: tuple[Coordinate, ...]) -> None:
    """Keeps two arrays of a group from having one name.

    Raises:
        RecipeError: that says the name.
    """
    taken = {variable.name for variable, _ in coordinates}
    for variable in variables:
        if variable.name in taken:
            raise RecipeError(
                f"The name {variable.name} is taken twice in the dataset: rename the parameter or field "
                f"{variable.name}."
            )
        taken.add(variable.name)


def _provenance(
    recipe: Recipe, split: str, equation: Equation, device: str, variables: tuple[str, ...]
) -> dict[str, Any]:
    """The attributes of a group: text and numbers only, enough to make the data again."""
    accuracy = {"rtol": recipe.rtol} if recipe.dt is None else {"dt": recipe.dt}
    fixed = {name: value for name, value in equation.parameters.items() if isinstance(value, float)}
    return {
        "Conventions": "CF-1.11",
        "title": f"{recipe.name}: {split}",
        "pdesym_schema": VERSION,
        "name": recipe.name,
        "split": split,
        "fields": json.dumps(equation.fields),
        "variables": json.dumps(variables),
        "equation": equation.statement,
        "equation_text": json.dumps(equation.text),
        "where": json.dumps(equation.where),
        "parameters": json.dumps(fixed),
        "solver": stepper_named(recipe.method or DEFAULT).name,
        **accuracy,
        "seed": recipe.seed,
        "shard": recipe.shard,
        "batch": batch_of(recipe),
        "recipe": recipe_file.dump(recipe),
        **versions(device),
        "complete": 0,
    }


def batch_of(recipe: Recipe) -> int:
    """The number of samples that are solved together: the whole shard where the recipe does not say."""
    return recipe.batch or recipe.shard


def versions(device: str) -> dict[str, str]:
    """What the bits of the numbers depend on besides the recipe."""
    return {
        "pdesym_version": pdesym.__version__,
        "torch_version": str(torch.__version__),
        "numpy_version": np.__version__,
        "device": torch.device(device).type,
    }
