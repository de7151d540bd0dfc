"""Generating a dataset: every shard that is not there yet, here, in several processes, or on many machines."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from pdesym.datasets import problem, store
from pdesym.datasets.block import BlockReport, run_block
from pdesym.datasets.cluster import cluster_reports
from pdesym.datasets.failure import explained, refuse_without_solutions, refuse_without_space
from pdesym.datasets.lost_files import take_back
from pdesym.datasets.pieces import last_if_begun
from pdesym.datasets.planning import plan
from pdesym.datasets.progress import seconds_text, shown_progress, size_text
from pdesym.datasets.recipe import Recipe
from pdesym.datasets.workers import pool_reports, refuse_missing_device


def generate(
    recipe: Recipe,
    directory: str | Path,
    progress: bool = True,
    workers: int = 1,
    device: str = "cpu",
    scheduler: str | None = None,
) -> Path:
    """Fills a folder with the dataset of a recipe.

    A run that was ended, by whatever, is continued by the same call: shards and batches that are complete are kept, the
    others are solved, and so are shards of which a file was lost. The bytes depend neither on interruptions nor on the
    number of workers, wherever they are. A sample without a solution has the status 2 and nan for values, and the
    attribute `failures` says why, for the first thousand in a split.

    Args:
        recipe: what to compute.
        directory: the folder; new, empty, or with an unfinished dataset of the same recipe.
        progress: whether to say on standard error how far it is.
        workers: processes of this machine that share the shards; each computes in one thread.
        device: where torch computes, "cpu" or "cuda"; with several workers each takes the next GPU.
        scheduler: the address "tcp://host:port" of a dask scheduler, whose workers then share the shards; they need
            this package and the folder under the same path.

    Returns:
        The folder.

    Raises:
        ValueError: before anything is written, when the recipe describes no problem or the folder holds another thing.
        GenerationError: when no sample has a solution, the disk is full, a worker is killed, the scheduler is lost,
            another process fills the folder, or it was begun with other versions of the software; what is written
            stays valid.
    """
    if workers < 1:
        raise ValueError(f"Expected at least 1 worker, got {workers}.")
    if workers > 1 and scheduler is not None:
        raise ValueError(
            f"The workers of the scheduler {scheduler} do the work: leave out workers = {workers}, and start more "
            "workers there."
        )
    refuse_missing_device(device, elsewhere=scheduler is not None)
    problem.check(recipe)
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    store.refuse_other_content(recipe, directory)
    with store.held(directory):
        store.refuse_other_content(recipe, directory)  # another process may have begun between these lines
        take_back(recipe, directory)
        refuse_without_space(recipe, directory, workers)
        with explained(recipe, directory):
            store.prepare(recipe, directory, device)
        todo = last_if_begun(directory, store.missing(recipe, directory))
        if todo:
            store.refuse_other_versions(directory, todo[0][0], device)
        _run(recipe, directory, todo, progress, _reports(recipe, directory, todo, workers, device, scheduler))
        refuse_without_solutions(recipe, directory)
        with explained(recipe, directory):
            store.mark_complete(recipe, directory)
    return directory


def _reports(
    recipe: Recipe, directory: Path, todo: Sequence[store.Shard], workers: int, device: str, scheduler: str | None
) -> Iterator[BlockReport]:
    if scheduler is not None:
        return cluster_reports(recipe, directory, todo, device, scheduler) if todo else iter(())
    if workers > 1 and len(todo) > 1:
        return pool_reports(recipe, directory, todo, min(workers, len(todo)), device)
    return (run_block(recipe, directory, *shard, device) for shard in todo)


def _run(
    recipe: Recipe, directory: Path, todo: Sequence[store.Shard], progress: bool, reports: Iterator[BlockReport]
) -> None:
    total = sum(recipe.splits.sizes.values())
    done = total - sum(len(recipe.samples(*shard)) for shard in todo)
    began = time.monotonic()
    if progress:
        print(f"{plan(recipe)}, into {directory}", file=sys.stderr)
    with shown_progress(recipe.name, done, total) if progress else nullcontext(_nothing) as advance:
        for report in reports:
            advance(report.samples, len(report.failures))
    if progress:
        new = f"{total - done} samples in {seconds_text(time.monotonic() - began)}" if todo else "nothing was missing"
        kept = f", {done} were there" if done and todo else ""
        size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
        parts = (f"{recipe.name}: {new}{kept}", *_failed(recipe, directory), size_text(size))
        print("; ".join([*parts, _accuracy(recipe, directory)]), file=sys.stderr)


def _nothing(new: int, failed: int = 0) -> None:
    pass


def _failed(recipe: Recipe, directory: Path) -> Iterator[str]:
    number = sum(store.failed_in(directory, split) for split in recipe.splits.sizes)
    for split in recipe.splits.sizes:
        for sample, reason in store.failures_in(directory, split).items():
            are = "sample" if number == 1 else "samples"
            yield f"{number} {are} failed, the first is sample {sample} of the split {split}, which {reason}"
            return


def _accuracy(recipe: Recipe, directory: Path) -> str:
    if recipe.rtol is None:
        return f"fixed step {recipe.dt:g}, errors not estimated"
    errors = store.errors(recipe, directory)
    errors = errors[np.isfinite(errors)]
    if not len(errors):
        return "no error estimated"
    above = int((errors > recipe.rtol).sum())
    missed = f", {above} samples above rtol = {recipe.rtol:g}" if above else ""
    return f"largest estimated error {errors.max():.1e}{missed}"
