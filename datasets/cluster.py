"""Many machines that share the shards, through the scheduler of a dask cluster.

Only the address of the scheduler is needed, so any way of starting one will do: `dask scheduler` and `dask worker` by
hand, dask-jobqueue under a batch system, dask-kubernetes. The workers need this package in the same versions, and the
folder under the same path. Those with one thread each (`dask worker ADDRESS --nthreads 1`) serve best: the solver fills
a core.
"""

import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pdesym.datasets.block import BlockReport, run_block
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.failure import refuse_without_space
from pdesym.datasets.recipe import Recipe

# Number of threads and filters of warnings belong to a process: its blocks run one after another.
_one_block = threading.Lock()

_SECONDS_TO_ANSWER = 10


def cluster_reports(
    recipe: Recipe, directory: Path, todo: Sequence[tuple[str, int]], device: str, address: str
) -> Iterator[BlockReport]:
    """Runs the blocks on the workers of a scheduler and gives their reports as they come.

    The blocks of a worker that is lost are run by others.

    Raises:
        GenerationError: when dask is not installed, no scheduler answers, the disk cannot hold what its workers write
            at a time, the scheduler is lost, or a block ends in one.
    """
    distributed = _distributed()
    where = directory.resolve()
    with _connected(distributed, address) as client:
        workers = len(client.ncores())
        refuse_without_space(recipe, directory, max(workers, 1))
        if not workers:
            print(f"No worker is there yet: start some with `dask worker {address} --nthreads 1`.", file=sys.stderr)
        try:
            futures = [client.submit(_run_there, recipe, where, *shard, device, pure=False) for shard in todo]
            for future in distributed.as_completed(futures, loop=client.loop):
                yield future.result()
        except distributed.KilledWorker as killed:
            raise GenerationError(
                f"A shard took {killed.allowed_failures + 1} workers of the scheduler {address} with it, most likely "
                "for want of memory: lower shard or batch and repeat the command; what is written stays valid."
            ) from None
        except (CancelledError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of a block: a disk, a file
            raise GenerationError(
                f"The scheduler {address} was lost: start it again and repeat the command; what is written stays valid."
            ) from None


def _run_there(recipe: Recipe, directory: Path, split: str, shard: int, device: str) -> BlockReport:
    with _one_block:
        return run_block(recipe, directory, split, shard, device)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise GenerationError(
            "A scheduler needs dask.distributed, which is not installed: pip install 'pdesym[cluster]'."
        ) from None
    return distributed


@contextmanager
def _connected(distributed: Any, address: str) -> Iterator[Any]:
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL)  # a lost scheduler is said in a sentence, not in a traceback
    try:
        client = distributed.Client(address, timeout=_SECONDS_TO_ANSWER, set_as_default=False, name="pdesym")
    except (OSError, ValueError) as error:
        log.setLevel(level)
        raise GenerationError(
            f"No dask scheduler answers at {address} ({error or type(error).__name__}): start one with `dask "
            "scheduler` and give the address tcp://host:port that it says."
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=2)
        log.setLevel(level)
