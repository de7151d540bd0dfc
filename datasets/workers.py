"""Several processes of this machine that share the shards."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import torch

from pdesym.datasets.block import BlockReport, run_block
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.recipe import Recipe

# What this process computes on; a worker gets its own when it begins.
_device = "cpu"


def pool_reports(
    recipe: Recipe, directory: Path, todo: Sequence[tuple[str, int]], workers: int, device: str
) -> Iterator[BlockReport]:
    """Runs the blocks in so many processes and gives their reports as they come.

    Raises:
        GenerationError: when a block ends in one, or a worker is killed.
    """
    context = multiprocessing.get_context("spawn")  # a forked child inherits locks of threads it does not have
    number = context.Value("i", 0)
    devices = worker_devices(device, workers, torch.cuda.device_count())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_on, initargs=(number, devices))
    with pool:
        try:
            for future in as_completed([pool.submit(_run_here, recipe, directory, *shard) for shard in todo]):
                yield future.result()
        except BrokenProcessPool:
            raise GenerationError(
                "A worker process was killed, most likely for want of memory: lower shard, batch or the number of "
                "workers and repeat the command; what is written stays valid."
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def worker_devices(device: str, workers: int, gpus: int) -> list[str]:
    """What each worker computes on: the GPUs in turn where the device is "cuda", and the device itself elsewhere.

    Args:
        device: "cpu", "cuda", or a GPU by its number, "cuda:1".
        workers: number of workers.
        gpus: number of GPUs that torch finds.
    """
    if device == "cuda" and gpus > 0:
        return [f"cuda:{worker % gpus}" for worker in range(workers)]
    return [device] * workers


def refuse_missing_device(device: str, elsewhere: bool = False) -> None:
    """Keeps a run from a device on which it cannot compute; one of other machines (`elsewhere`) is not looked for.

    Raises:
        ValueError: for another kind of device than a CPU or a GPU of CUDA, and for a GPU that is not there.
    """
    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = device
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"Expected the device cpu or cuda, got {device}: the solver needs float64.")
    if kind == "cuda" and not elsewhere and not torch.cuda.is_available():
        raise ValueError(f"The device {device} was asked for and torch finds no GPU: use cpu.")


def begin_worker() -> None:
    """Computes on one thread, and ends this process at once on Ctrl-C and when its parent dies by whatever means."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _run_here(recipe: Recipe, directory: Path, split: str, shard: int) -> BlockReport:
    return run_block(recipe, directory, split, shard, _device)


def _begin_on(number: "Synchronized[int]", devices: Sequence[str]) -> None:
    """Begins a worker that takes the next device."""
    global _device
    with number.get_lock():
        _device = devices[number.value % len(devices)]
        number.value += 1
    begin_worker()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
