"""What ends a generation before it is complete, said in a sentence with what to do next."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pdesym.datasets import schema, store
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.progress import size_text
from pdesym.datasets.recipe import Recipe

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Numbers of the errors that mean a full disk, a quota that is used up, or a file as large as the system takes."""


def refuse_without_space(recipe: Recipe, directory: Path, workers: int = 1) -> None:
    """Says before the work that the disk cannot hold what is to be written.

    Raises:
        GenerationError: when less space is free than the missing shards, and the batches under way, can need.
    """
    layout = schema.layout(recipe)
    needed, free = store.disk_bytes(layout, directory), shutil.disk_usage(directory).free
    if needed and schema.batch_of(recipe) < recipe.shard:
        needed += (
            min(workers, sum(layout.shard_counts.values()))
            * recipe.shard
            * max(g.bytes_per_sample for g in layout.groups.values())
        )
    if needed > free:
        raise GenerationError(
            f"The dataset needs up to {size_text(needed)} more in {directory} and {size_text(free)} are free: make "
            "room, choose another folder, or ask for fewer samples, frames or points."
        )


def refuse_without_solutions(recipe: Recipe, directory: Path) -> None:
    """Says of a dataset of which no sample has a solution that it is none.

    Raises:
        GenerationError: that names the first sample and why it failed.
    """
    samples = sum(recipe.splits.sizes.values())
    if sum(store.failed_in(directory, split) for split in recipe.splits.sizes) < samples:
        return
    split = next(iter(recipe.splits.sizes))
    raise GenerationError(
        f"All {samples} samples of {recipe.name} failed; sample 0 of the split {split} "
        f"{store.failures_in(directory, split)[0]}; correct the recipe (times.last, initial.amplitude, equation) and "
        "generate into another folder."
    )


@contextmanager
def explained(recipe: Recipe, directory: Path) -> Iterator[None]:
    """Turns a full disk into a GenerationError that says what to do.

    Raises:
        GenerationError: from an OSError that means a full disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        todo = store.missing(recipe, directory)
        needed = store.disk_bytes(schema.layout(recipe), directory, todo)
        total = len(recipe.shards)
        kept = total - len(todo)
        raise GenerationError(
            f"The disk is full at {directory}: make room for up to {size_text(needed)} more and repeat the command; "
            f"{kept} of {total} shards are written and stay valid."
        ) from error
