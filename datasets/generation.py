"""Generating a dataset: every shard that is not there yet, one after another or in several processes."""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch

from pdesym.datasets import problem, store
from pdesym.datasets.block import BlockReport, run_block
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.failure import explained, refuse_without_space
from pdesym.datasets.plan import describe, size_text
from pdesym.datasets.progress import seconds_text, shown_progress
from pdesym.datasets.recipe import Recipe
from pdesym.datasets.workers import begin_worker


def generate(
    recipe: Recipe, directory: str | Path, progress: bool = True, workers: int = 1, device: str = "cpu"
) -> Path:
    """Fills a folder with the dataset of a recipe.

    A run that was ended, by whatever, is continued by the same call: shards that are complete are kept, the others
    are solved. The bytes depend neither on interruptions nor on the number of workers.

    Args:
        recipe: what to compute.
        directory: the folder; new, empty, or with an unfinished dataset of the same recipe.
        progress: whether to say on standard error how far it is.
        workers: processes that share the shards; each computes in one thread.
        device: where torch computes, "cpu" or "cuda".

    Returns:
        The folder.

    Raises:
        ValueError: before anything is written, when the recipe describes no problem or the folder holds another thing.
        GenerationError: when a solution blows up, the disk is full, a worker is killed, another process fills the
            folder, or it was begun with other versions of the software; what is written stays valid.
    """
    if workers < 1:
        raise ValueError(f"Expected at least 1 worker, got {workers}.")
    _refuse_missing_device(device)
    problem.check(recipe)
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    store.refuse_other_content(recipe, directory)
    with store.held(directory):
        store.refuse_other_content(recipe, directory)  # another process may have begun between these lines
        refuse_without_space(recipe, directory)
        with explained(recipe, directory):
            store.prepare(recipe, directory, device)
        todo = store.missing(recipe, directory)
        if todo:
            store.refuse_other_versions(directory, todo[0][0], device)
        _run(recipe, directory, todo, progress, workers, device)
        with explained(recipe, directory):
            store.mark_complete(recipe, directory)
    return directory


def _refuse_missing_device(device: str) -> None:
    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = device
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"Expected the device cpu or cuda, got {device}: the solver needs float64.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"The device {device} was asked for and torch finds no GPU: use cpu.")


def _run(
    recipe: Recipe, directory: Path, todo: Sequence[store.Shard], progress: bool, workers: int, device: str
) -> None:
    work = partial(run_block, recipe, directory, device=device)
    total = sum(recipe.splits.sizes.values())
    done = total - sum(len(recipe.samples(*shard)) for shard in todo)
    began = time.monotonic()
    if progress:
        print(f"{describe(recipe)}, into {directory}", file=sys.stderr)
    with shown_progress(recipe.name, done, total) if progress else nullcontext(lambda new: None) as advance:
        for report in _reports(work, todo, workers):
            advance(report.samples)
    if progress:
        new = f"{total - done} samples in {seconds_text(time.monotonic() - began)}" if todo else "nothing was missing"
        kept = f", {done} were there" if done and todo else ""
        size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
        print(f"{recipe.name}: {new}{kept}; {size_text(size)}; {_accuracy(recipe, directory)}", file=sys.stderr)


def _accuracy(recipe: Recipe, directory: Path) -> str:
    if recipe.rtol is None:
        return f"fixed step {recipe.dt:g}, errors not estimated"
    errors = store.errors(recipe, directory)
    above = int((errors > recipe.rtol).sum())
    missed = f", {above} samples above rtol = {recipe.rtol:g}" if above else ""
    return f"largest estimated error {errors.max():.1e}{missed}"


def _reports(work: Callable[..., BlockReport], todo: Sequence[store.Shard], workers: int) -> Iterator[BlockReport]:
    if workers == 1 or len(todo) < 2:
        yield from (work(*shard) for shard in todo)
        return
    context = multiprocessing.get_context("spawn")  # a forked child inherits locks of threads it does not have
    with ProcessPoolExecutor(min(workers, len(todo)), mp_context=context, initializer=begin_worker) as pool:
        try:
            for future in as_completed([pool.submit(work, *shard) for shard in todo]):
                yield future.result()
        except BrokenProcessPool:
            raise GenerationError(
                "A worker process was killed, most likely for want of memory: lower shard or the number of workers and "
                "repeat the command; the shards that are written stay valid."
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
