"""What ends a generation before it is complete, said in a sentence with what to do next."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pdesym.datasets import schema, store
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.plan import size_text
from pdesym.datasets.recipe import Recipe
from pdesym.solvers import BlowUpError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def refuse_without_space(recipe: Recipe, directory: Path) -> None:
    """Says before the work that the disk cannot hold what is to be written.

    Raises:
        GenerationError: when less space is free than the missing shards can need.
    """
    needed, free = store.disk_bytes(schema.layout(recipe), directory), shutil.disk_usage(directory).free
    if needed > free:
        raise GenerationError(
            f"The dataset needs up to {size_text(needed)} more in {directory} and {size_text(free)} are free: make "
            "room, choose another folder, or ask for fewer samples, frames or points."
        )


@contextmanager
def explained(recipe: Recipe, directory: Path, split: str = "", shard: int = 0) -> Iterator[None]:
    """Turns a blow-up in the given shard and a full disk into a GenerationError that says what to do.

    Raises:
        GenerationError: from a BlowUpError of the solver, or an OSError that means a full disk.
    """
    try:
        yield
    except BlowUpError as failure:
        raise GenerationError(
            f"Sample {recipe.samples(split, shard)[failure.sample]} of the split {split} blows up shortly after "
            f"t = {failure.time:.6g}: {failure.remedy}; correct the recipe (times.last, initial.amplitude, equation) "
            f"and generate into another folder; {_kept(recipe, directory)}."
        ) from failure
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        needed = store.disk_bytes(schema.layout(recipe), directory)
        raise GenerationError(
            f"The disk is full at {directory}: make room for up to {size_text(needed)} more and repeat the command; "
            f"{_kept(recipe, directory)}."
        ) from error


def _kept(recipe: Recipe, directory: Path) -> str:
    total = len(recipe.shards)
    return f"{total - len(store.missing(recipe, directory))} of {total} shards are written and stay valid"
