"""Several trainings at a time, each in a process of its own on one thread, while this one shows how far they are."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pdesym.datasets.progress import seconds_text
from pdesym.datasets.workers import begin_worker
from pdesym.training.metrics import read_metrics

_SECONDS_BETWEEN_BARS, _SECONDS_BETWEEN_LINES = 0.5, 10.0
# More bars than this do not stay readable: then only those that move are shown, below one for all.
_BARS = 8


@dataclass(frozen=True)
class Training:
    """A training to run.

    Args:
        name: for people.
        directory: its folder, whose log says how far it is.
        steps: that it makes.
        work: what to call, a function of a module or a `functools.partial` of one, as another process must find it; it
            continues from the last checkpoint in the folder, as `train` does.
    """

    name: str
    directory: Path
    steps: int
    work: Callable[[], object]

    @property
    def steps_done(self) -> int:
        """Steps that its log shows."""
        metrics = read_metrics(self.directory)
        return int(metrics[-1]["step"]) if metrics else 0


def train_in_parallel(trainings: Sequence[Training], workers: int | None = None) -> None:
    """Runs all trainings, in their order, so many at a time; shows how far each is.

    One thread a training: small transforms on two threads are slower than on one when the machine is busy, and a result
    is reproducible bit for bit only for a given number of threads. The first that fails ends the others; what they have
    saved stays, and the same call continues from there.

    Args:
        trainings: what to run.
        workers: how many at a time; None for one a processor.

    Raises:
        ValueError: for less than one worker.
        Exception: what a training raised.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"Expected at least 1 worker, got {workers}.")
    if not trainings:
        return
    context = multiprocessing.get_context("spawn")  # a forked child inherits locks of threads it does not have
    number = min(len(trainings), workers or os.cpu_count() or 1)
    with ProcessPoolExecutor(number, mp_context=context, initializer=begin_worker) as pool:
        futures = [pool.submit(training.work) for training in trainings]
        try:
            _watch(futures, trainings)
            for future in futures:
                future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _watch(futures: Sequence[Future[object]], trainings: Sequence[Training]) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        _print_lines(futures, trainings)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        whole = bars.add_task(f"all {len(trainings)}", total=sum(each.steps for each in trainings))
        tasks = [bars.add_task(each.name, total=each.steps) for each in trainings]
        while _running(futures, _SECONDS_BETWEEN_BARS):
            done = [each.steps_done for each in trainings]
            bars.update(whole, completed=sum(done))
            for task, each, steps in zip(tasks, trainings, done, strict=True):
                bars.update(task, completed=steps, visible=len(trainings) <= _BARS or 0 < steps < each.steps)


def _print_lines(futures: Sequence[Future[object]], trainings: Sequence[Training]) -> None:
    began = time.monotonic()
    first, total = sum(each.steps_done for each in trainings), sum(each.steps for each in trainings)
    while _running(futures, _SECONDS_BETWEEN_LINES):
        done = [each.steps_done for each in trainings]
        ended = sum(steps >= each.steps for each, steps in zip(trainings, done, strict=True))
        rate = (sum(done) - first) / (time.monotonic() - began)
        left = f", {seconds_text((total - sum(done)) / rate)} left" if rate else ""
        shown = ", ".join(
            f"{each.name}: {steps} of {each.steps} steps"
            for each, steps in zip(trainings, done, strict=True)
            if 0 < steps < each.steps
        )
        print(f"trained: {ended} of {len(trainings)}{left}{'; ' if shown else ''}{shown}", file=sys.stderr, flush=True)


def _running(futures: Sequence[Future[object]], seconds: float) -> bool:
    """Wait a while; whether there is something left to wait for."""
    done, pending = wait(futures, timeout=seconds, return_when=FIRST_EXCEPTION)
    return bool(pending) and not any(future.exception() for future in done)
