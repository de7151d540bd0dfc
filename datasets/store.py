"""The folder of a dataset on disk: made once, filled shard by shard, each shard marked when it is all there.

A process may be killed between any two lines here. Files and the store itself appear by renaming something finished,
the data of a shard are written before its mark, and one writer holds a folder at a time.
"""

import errno
import fcntl
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from pdesym.datasets import problem, recipe_file, schema
from pdesym.datasets.errors import GenerationError, RecipeError
from pdesym.datasets.recipe import Recipe
from pdesym.datasets.recipe_problem import shown
from pdesym.solvers.steppers import KROGSTAD

Shard = tuple[str, int]


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keeps every other process from writing into the folder; the system lets go of it when this process ends.

    Raises:
        GenerationError: when another process holds it.
    """
    with open(directory / schema.LOCK, "ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GenerationError(f"Another process is generating into {directory}: wait for it or end it.") from None
        except OSError as error:
            # Some network file systems know no locks. Two processes at once would then do the same work twice.
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        yield


def refuse_other_content(recipe: Recipe, directory: Path) -> None:
    """Keeps a folder that holds anything but the (unfinished) dataset of this recipe as it is.

    Raises:
        RecipeError: that names the first key in which the recipes differ, or a file that does not belong there.
    """
    saved = directory / schema.RECIPE_FILE
    if not saved.exists():
        foreign = sorted(
            path.name for path in directory.iterdir() if path.suffix != ".partial" and path.name != schema.LOCK
        )
        if foreign:
            raise RecipeError(
                f"{directory} holds {foreign[0]} and no {schema.RECIPE_FILE}: expected a new or empty folder, or one "
                "with a dataset to finish."
            )
        return
    difference = recipe_file.first_difference(recipe_in(directory), recipe)
    if difference is not None:
        key, there, here = difference
        raise RecipeError(
            f"{directory} holds the dataset of another recipe, {key} is {shown(there)} there and {shown(here)} here: "
            f"use {saved}, or generate into another folder."
        )


def prepare(recipe: Recipe, directory: Path, device: str) -> None:
    """Makes the folder ready to be filled: the recipe first, then the store with all metadata and coordinates."""
    saved, store = directory / schema.RECIPE_FILE, directory / schema.STORE
    if not saved.exists():
        partial = saved.with_suffix(".partial")
        partial.write_text(recipe_file.dump(recipe), encoding="utf-8")
        partial.replace(saved)
    if store.exists():
        for left_over in store.rglob("*.partial"):  # of a writer that was killed before it renamed its file
            left_over.unlink()
        return
    partial = store.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for split in recipe.splits.sizes:
        _make_group(recipe, split, partial, device)
    partial.rename(store)


def recipe_in(directory: Path) -> Recipe:
    """The recipe of a dataset on disk."""
    return recipe_file.load(Recipe, directory / schema.RECIPE_FILE)


def missing(recipe: Recipe, directory: Path) -> list[Shard]:
    """The shards that have no mark yet."""
    if not (directory / schema.STORE).exists():
        return list(recipe.shards)
    status = {split: np.asarray(_array(directory, split, "status")[:]) for split in recipe.splits.sizes}
    return [
        (split, shard)
        for split, shard in recipe.shards
        if not np.all(status[split][_span(recipe, split, shard)] == schema.DONE)
    ]


def write(recipe: Recipe, directory: Path, split: str, shard: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes all arrays of one shard, then its mark. Nothing smaller than a shard is ever written.

    Two processes that wrote parts of one shard would each rewrite the whole file and lose the other's samples.
    """
    span = _span(recipe, split, shard)
    for name, array in arrays.items():
        _array(directory, split, name)[span] = array
    _array(directory, split, "status")[span] = schema.DONE


def mark_complete(recipe: Recipe, directory: Path) -> None:
    """Says in the attributes of every group that its samples are all there, and gathers the metadata in one file."""
    store = directory / schema.STORE
    if zarr.open_group(store, mode="r").metadata.consolidated_metadata is not None:
        return
    for split in recipe.splits.sizes:
        zarr.open_group(store, path=split, mode="r+").attrs["complete"] = 1
    with warnings.catch_warnings():
        # Zarr warns that other readers may not know the gathered copy; the standard has them skip it, and without it
        # xarray warns whenever somebody opens the dataset.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(store)


def refuse_other_versions(recipe: Recipe, directory: Path, device: str) -> None:
    """Keeps a dataset that was begun elsewhere from getting samples of other bits than its attributes say.

    Raises:
        GenerationError: when a version or the kind of device differs.
    """
    begun = zarr.open_group(directory / schema.STORE, path=next(iter(recipe.splits.sizes)), mode="r").attrs
    for key, value in {"pdesym_schema": schema.VERSION, **schema.versions(device)}.items():
        if begun[key] != value:
            raise GenerationError(
                f"The dataset in {directory} was begun with {key} {begun[key]} and this is {value}: finish it there, "
                "or generate into another folder."
            )


def disk_bytes(recipe: Recipe, directory: Path) -> int:
    """An upper bound of what is still to be written into the folder, in bytes on disk."""
    grid, fields = problem.grid_of(recipe), problem.first_equation(recipe).fields
    begun = (directory / schema.STORE).exists()
    todo = Counter(split for split, _ in missing(recipe, directory)) if begun else recipe.shard_counts
    total = 0
    for split, shards in todo.items():
        arrays = schema.variables(recipe, split, grid, fields)
        total += shards * sum(array.file_bytes(min(recipe.shard, recipe.splits.sizes[split])) for array in arrays)
        if not begun:
            total += schema.group_bytes(recipe, split, grid)
    return total


def errors(recipe: Recipe, directory: Path) -> np.ndarray:
    """The error estimates of all samples, nan where there is none."""
    return np.concatenate([np.asarray(_array(directory, split, "error")[:]) for split in recipe.splits.sizes])


def _make_group(recipe: Recipe, split: str, store: Path, device: str) -> None:
    grid, equation = problem.grid_of(recipe), problem.first_equation(recipe)
    group = zarr.open_group(store, path=split, mode="w-", zarr_format=3)
    group.attrs.update(schema.provenance(recipe, split, equation, KROGSTAD.name, device))
    for variable, values in schema.coordinates(recipe, split, grid, problem.times_of(recipe)):
        _make_array(group, variable)[:] = values
    for variable in schema.variables(recipe, split, grid, equation.fields):
        _make_array(group, variable)


def _make_array(group: zarr.Group, variable: schema.Variable) -> zarr.Array[Any]:
    floating = variable.dtype.startswith("float")
    rest = variable.shape[1:]
    return group.create_array(
        variable.name,
        shape=variable.shape,
        dtype=variable.dtype,
        chunks=(variable.chunk, *rest),
        shards=(variable.shard, *rest) if variable.shard > variable.chunk else None,
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),
        fill_value=float("nan") if floating else 0,
        dimension_names=variable.dims,
        attributes=variable.attributes,
    )


def _array(directory: Path, split: str, name: str) -> zarr.Array[Any]:
    return zarr.open_array(directory / schema.STORE, path=f"{split}/{name}", mode="r+")


def _span(recipe: Recipe, split: str, shard: int) -> slice:
    samples = recipe.samples(split, shard)
    return slice(samples.start, samples.stop)
