"""One generation, killed at twenty random moments: its process, its workers, those of a cluster, its scheduler."""

import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from pdesym.datasets import Recipe, generate, open_dataset
from pdesym.datasets.store import missing
from tests.datasets import dask_processes
from tests.datasets.counted_solving import counts
from tests.datasets.test_kill import begin, end, generating, refuse_other_bytes

pytestmark = pytest.mark.slow

KILLS = 20
SAMPLES = 600
# Of the samples that are solved between two kills on average, so that twenty find the work unfinished.
SHARE = 0.6


@pytest.fixture(scope="module")
def recipe(changed) -> Recipe:
    """Seventy-five shards of four batches, a tenth of a second each."""
    return changed(splits={"train": 480, "test": 120}, shard=8, batch=2, times={"last": 150.0, "count": 31}, rtol=1e-8)


@pytest.fixture(scope="module")
def reference(recipe, tmp_path_factory) -> Path:
    """Its dataset, made in one go by one process."""
    return generate(recipe, tmp_path_factory.mktemp("reference") / "data", progress=False)


def whole_samples(folder: Path, reference: Path) -> int:
    """Fails unless all that can be read now are whole samples; gives their number."""
    if not (folder / "data.zarr").exists():
        return 0
    whole = 0
    for split in ("train", "test"):
        readable = open_dataset(folder, split, unfinished=True)
        refuse_other_bytes(readable, reference, split)
        whole += readable.sizes["sample"]
    return whole


def moments() -> list[tuple[int, float]]:
    """When to kill: after so many samples of a run, in some before the first, and then so many seconds."""
    choice = random.Random(7)
    most = int(2 * SHARE * SAMPLES / KILLS)
    return [(max(0, choice.randint(-most // 4, most)), choice.uniform(0, 0.4)) for _ in range(KILLS)]


def report(engine: str, whole: list[int], log: Path) -> None:
    solved = counts(log)
    most = {event: max(numbers.values()) for event, numbers in solved.items()}
    again = sum(number > 1 for number in solved["finished"].values())
    print(
        f"\n{engine}: {len(whole)} kills of one generation; readable samples at the kills {whole} of {SAMPLES}; solved "
        f"to the end at most {most['finished']} times ({again} samples more than once), begun at most {most['begun']}"
    )
    assert len(whole) == KILLS
    assert len(solved["finished"]) == SAMPLES
    assert most["finished"] <= 2
    assert len(set(whole)) > 3  # the kills came while it grew


@pytest.mark.parametrize("workers", [1, 2])
def test_the_process_is_killed(recipe, reference, hashes, tmp_path, workers):
    folder, log, whole = tmp_path / "data", tmp_path / "data.log", []
    with generating(recipe, tmp_path / "recipe.yaml", workers) as process:
        for moment in moments():
            before = len(log_after(log, 0))
            child = begin(process, folder)
            wait_for_moment(log, before, moment)
            os.kill(child, signal.SIGKILL)
            assert end(process) != 0
            whole.append(whole_samples(folder, reference))
        begin(process, folder)
        assert end(process) == 0
    assert hashes(folder) == hashes(reference)
    report(f"{workers} process{'es' * (workers > 1)}", whole, log)


def test_workers_of_a_cluster_are_killed(recipe, reference, hashes, tmp_path):
    folder, log, whole = tmp_path / "data", tmp_path / "solving.log", []
    choice = random.Random(8)
    with ExitStack() as stack:
        _, address = stack.enter_context(dask_processes.scheduler(tmp_path))
        workers = [stack.enter_context(dask_processes.worker(address, tmp_path)) for _ in range(2)]
        process = stack.enter_context(generating(recipe, tmp_path / "recipe.yaml", address))
        child = begin(process, folder)
        for moment in moments():
            before = len(log_after(log, 0))
            wait_for_moment(log, before, moment)
            one = choice.randrange(2)
            workers[one].kill()
            workers[one] = stack.enter_context(dask_processes.worker(address, tmp_path))
            whole.append(whole_samples(folder, reference))
            if Path("/proc", str(child), "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                assert missing(recipe, folder)
                assert end(process) != 0  # dask gave up on a shard that took too many workers with it
                child = begin(process, folder)
        code = end(process)
        while code != 0:
            begin(process, folder)
            code = end(process)
    assert hashes(folder) == hashes(reference)
    report("workers of a cluster", whole, log)


def test_the_scheduler_is_killed(recipe, reference, hashes, tmp_path):
    folder, log, whole = tmp_path / "data", tmp_path / "solving.log", []
    with ExitStack() as stack:
        for number, moment in enumerate([*moments(), None]):
            scheduler, address = stack.enter_context(dask_processes.scheduler(tmp_path))
            # Those of the schedulers before may still be at work.
            for _ in range(2):
                stack.enter_context(dask_processes.worker(address, tmp_path))
            process = stack.enter_context(generating(recipe, tmp_path / f"recipe-{number}.yaml", address))
            before = len(log_after(log, 0))
            begin(process, folder)
            if moment is None:
                assert end(process) == 0
                break
            wait_for_moment(log, before, moment)
            scheduler.kill()
            assert end(process) != 0
            whole.append(whole_samples(folder, reference))
    assert hashes(folder) == hashes(reference)
    report("scheduler", whole, log)


def wait_for_moment(log: Path, before: int, moment: tuple[int, float]) -> None:
    """Waits until so many samples are finished since the log had so many bytes, and a little longer."""
    deadline = time.monotonic() + 120
    while log_after(log, before).count(b"finished") < moment[0] and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(moment[1])


def log_after(log: Path, before: int) -> bytes:
    return log.read_bytes()[before:] if log.exists() else b""


def test_the_check_of_whole_samples_sees_a_changed_one(recipe, reference, tmp_path):
    generate(recipe, tmp_path / "data", progress=False)
    import zarr

    array = zarr.open_array(tmp_path / "data" / "data.zarr", path="train/u", mode="r+")
    array[3, 2, 5] = np.float32(array[3, 2, 5]) + 1
    with pytest.raises(AssertionError, match="u"):
        whole_samples(tmp_path / "data", reference)
