"""The arms of the comparison: each operator trained in a process of its own, on one thread."""

import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pdesym.datasets import Windows
from pdesym.datasets.progress import seconds_text
from pdesym.datasets.recipe_file import load
from pdesym.datasets.workers import begin_worker
from pdesym.lab.folder import Folder
from pdesym.lab.recipe import LabRecipe
from pdesym.operators import fno
from pdesym.symmetry import Generator, RandomFlow
from pdesym.training import read_metrics, train

PLAIN, BOOSTED = "plain", "boosted"
Arm = tuple[str, int]


def arms_of(recipe: LabRecipe) -> tuple[Arm, ...]:
    """Every arm as (operator, seed), pair by pair."""
    return tuple((operator, seed) for seed in recipe.seeds for operator in (PLAIN, BOOSTED))


def train_arm(root: Path, operator: str, seed: int) -> None:
    """Trains one arm of the run in this folder, from its last checkpoint where there is one."""
    folder = Folder(root)
    recipe = load(LabRecipe, folder.recipe)
    windows = Windows.open(folder.data, "train", recipe.frames.into, recipe.frames.out, device=recipe.device)
    model = fno(
        recipe.frames.into,
        recipe.frames.out,
        fields=len(windows.fields),
        dims=windows.grid.dims,
        seed=seed,
        **recipe.model.model_dump(),
    ).to(recipe.device)
    boost = None
    if operator == BOOSTED:
        generator = Generator(recipe.boost.generator, windows.fields, windows.grid.axes)
        boost = RandomFlow(generator, windows.grid, recipe.boost.width, recipe.boost.probability)
    settings = recipe.training.model_copy(update={"seed": seed})
    train(model, windows, settings, folder.arm(operator, seed), augmentation=boost, progress=False)


def train_arms(folder: Folder, recipe: LabRecipe) -> None:
    """Trains every arm, as many at a time as there are processors; shows how far each is.

    One thread an arm: small transforms on two threads are slower than on one when the machine is busy, and a result
    is reproducible bit for bit only for a given number of threads.
    """
    arms = arms_of(recipe)
    context = multiprocessing.get_context("spawn")  # a forked child inherits locks of threads it does not have
    workers = min(len(arms), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=begin_worker) as pool:
        futures = [pool.submit(train_arm, folder.root, *arm) for arm in arms]
        try:
            _watch(futures, arms, folder, recipe.training.steps)
            for future in futures:
                future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def steps_done(folder: Folder, arm: Arm) -> int:
    """Training steps that the log of an arm shows."""
    metrics = read_metrics(folder.arm(*arm))
    return int(metrics[-1]["step"]) if metrics else 0


def _watch(futures: Sequence[Future[None]], arms: Sequence[Arm], folder: Folder, steps: int) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        _print_lines(futures, arms, folder, steps)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        tasks = [bars.add_task(f"{name} FNO, seed {seed}", total=steps) for name, seed in arms]
        while _running(futures, 0.5):
            for task, arm in zip(tasks, arms, strict=True):
                bars.update(task, completed=steps_done(folder, arm))


def _print_lines(futures: Sequence[Future[None]], arms: Sequence[Arm], folder: Folder, steps: int) -> None:
    began = time.monotonic()
    first = sum(steps_done(folder, arm) for arm in arms)
    while _running(futures, 10.0):
        done = [steps_done(folder, arm) for arm in arms]
        rate = (sum(done) - first) / (time.monotonic() - began)
        left = f", {seconds_text((steps * len(arms) - sum(done)) / rate)} left" if rate else ""
        shown = ", ".join(f"{name}-{seed} {n}" for (name, seed), n in zip(arms, done, strict=True))
        print(f"training: {shown} of {steps} steps{left}", file=sys.stderr, flush=True)


def _running(futures: Sequence[Future[None]], seconds: float) -> bool:
    """Wait a while; whether there is something left to wait for."""
    done, pending = wait(futures, timeout=seconds, return_when=FIRST_EXCEPTION)
    return bool(pending) and not any(future.exception() for future in done)
