"""Opening a dataset on disk."""

from pathlib import Path

import xarray

from pdesym.datasets import schema, store
from pdesym.datasets.recipe_problem import did_you_mean


def open_dataset(directory: str | Path, split: str) -> xarray.Dataset:
    """A split of a dataset, read lazily: values come from the disk when they are asked for.

    Dimensions are `sample`, `time` and the axes of the grid; everything is dimensionless.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: when it has no such split, is of another version of the layout, or is not complete.
    """
    directory = Path(directory)
    if not (directory / schema.RECIPE_FILE).is_file():
        raise FileNotFoundError(f"{directory} holds no dataset: expected a folder that `generate` has filled.")
    recipe = store.recipe_in(directory)
    sizes = recipe.splits.sizes
    if split not in sizes:
        guess = did_you_mean(split, list(sizes))
        raise ValueError(f"The dataset in {directory} has no split {split}{guess}: it has {', '.join(sizes)}.")
    missing = [k for part, k in store.missing(recipe, directory) if part == split]
    if missing:
        raise ValueError(
            f"The split {split} in {directory} is not complete, {len(missing)} of its {recipe.shard_counts[split]} "
            "shards are missing: repeat the command that generates it."
        )
    path = directory / schema.STORE
    data = xarray.open_dataset(path, engine="zarr", group=split, consolidated=False, zarr_format=3, chunks=None)
    if data.attrs["pdesym_schema"] != schema.VERSION:
        raise ValueError(
            f"The dataset in {directory} has the layout {data.attrs['pdesym_schema']} and this version reads "
            f"{schema.VERSION}: generate it again, or read it with pdesym {data.attrs['pdesym_version']}."
        )
    return data
