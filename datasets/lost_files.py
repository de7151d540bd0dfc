"""Files of a stored split that are gone: zarr reads their values as nan or 0 without a word."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zarr

from pdesym.datasets import schema, store
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.recipe import Recipe


@dataclass(frozen=True)
class LostFile:
    """A file that is gone.

    Attributes:
        path: where it should be.
        shard: the number of the shard that can be solved again to bring it back; None for a coordinate.
    """

    path: Path
    shard: int | None


def lost_files(directory: Path, split: str) -> Iterator[LostFile]:
    """The files of shards that are marked, and of coordinates, that are gone; marks themselves are not looked for."""
    marked = store.marked(directory, split)
    for name in sorted(file.parent.name for file in (directory / schema.STORE / split).glob("*/zarr.json")):
        array = zarr.open_array(directory / schema.STORE, path=f"{split}/{name}", mode="r")
        dims = getattr(array.metadata, "dimension_names", ()) or ()
        of_samples = name not in dims
        if name == schema.STATUS or (not of_samples and array.shape == (1,)):  # of a coordinate 0 there is no file
            continue
        for shard in sorted(marked) if of_samples else (0,):  # a coordinate is one file
            path = directory / store.shard_file(split, name, shard, array.ndim)
            if not path.is_file():
                yield LostFile(path, shard if of_samples else None)


def take_back(recipe: Recipe, directory: Path) -> None:
    """Takes the marks from shards of which files are gone, so that they are solved again.

    Raises:
        GenerationError: when metadata or coordinates are gone, which no shard brings back.
    """
    if not (directory / schema.STORE).is_dir():
        return
    lost = []
    for split, group in schema.layout(recipe).groups.items():
        names = [variable.name for variable in group.variables] + [found.name for found, _ in group.coordinates]
        needed = [directory / schema.STORE / split / name / "zarr.json" for name in ("", *names)]
        gone = next((file for file in needed if not file.is_file()), None)
        files = [] if gone else list(lost_files(directory, split))
        gone = gone or next((file.path for file in files if file.shard is None), None)
        if gone:
            raise GenerationError(
                f"{gone} is gone, which solving again does not bring back: restore it, or generate into another folder."
            )
        lost += [(split, shard) for shard in sorted({file.shard for file in files if file.shard is not None})]
    if lost or store.missing(recipe, directory):
        # The manifest first: without it the folder counts as unfinished, whatever happens next.
        (directory / schema.MANIFEST).unlink(missing_ok=True)
    for split, shard in lost:
        (directory / store.shard_file(split, schema.STATUS, shard, 1)).unlink(missing_ok=True)
