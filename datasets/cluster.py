"""Many machines that share the shards, through the scheduler of a dask cluster.

Only the address of the scheduler is needed, so any way of starting one will do: `dask scheduler` and `dask worker` by
hand, dask-jobqueue under a batch system, dask-kubernetes. The workers need this package in the same versions, and the
folder under the same path. Those with one thread each (`dask worker ADDRESS --nthreads 1`) serve best: the solver fills
a core.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from pdesym.datasets.block import BlockReport, run_block
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.recipe import Recipe

# Number of threads and filters of warnings belong to a process: its blocks run one after another.
_one_block = threading.Lock()


def cluster_reports(
    recipe: Recipe, directory: Path, todo: Sequence[tuple[str, int]], device: str, address: str
) -> Iterator[BlockReport]:
    """Runs the blocks on the workers of a scheduler and gives their reports as they come.

    The blocks of a worker that is lost are run by others.

    Raises:
        GenerationError: when dask is not installed, no scheduler answers, it is lost, or a block ends in one.
    """
    distributed = _distributed()
    client = _connected(distributed, address)
    where = directory.resolve()
    try:
        futures = [client.submit(_run_there, recipe, where, *shard, device, pure=False) for shard in todo]
        for future in distributed.as_completed(futures):
            yield future.result()
    except distributed.KilledWorker as killed:
        raise GenerationError(
            f"A shard took {killed.allowed_failures + 1} workers of the scheduler {address} with it, most likely for "
            "want of memory: lower shard or batch and repeat the command; what is written stays valid."
        ) from None
    except (CancelledError, OSError, distributed.comm.CommClosedError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of a block: a disk, a file
        raise GenerationError(
            f"The scheduler {address} was lost: start it again and repeat the command; what is written stays valid."
        ) from None
    finally:
        client.close(timeout=2)


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


def _connected(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=10, set_as_default=False, name="pdesym")
    except (OSError, ValueError, TimeoutError) as error:
        raise GenerationError(
            f"No dask scheduler answers at {address} ({error or type(error).__name__}): start one with `dask scheduler`"
            " and give the address tcp://host:port that it says."
        ) from None
