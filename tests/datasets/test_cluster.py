"""Generation by the workers of a dask scheduler, the devices of workers, and what is said when one is missing."""

import builtins
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from pdesym.datasets import GenerationError, cluster, generate
from pdesym.datasets.block import run_block
from pdesym.datasets.store import held_shard, missing, prepare
from pdesym.datasets.workers import worker_devices
from tests.datasets import dask_processes
from tests.datasets.counted_solving import counts


@pytest.mark.parametrize(
    ("device", "workers", "gpus", "expected"),
    [
        ("cuda", 5, 2, ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]),
        ("cuda", 1, 4, ["cuda:0"]),
        ("cuda:3", 2, 4, ["cuda:3", "cuda:3"]),
        ("cpu", 2, 4, ["cpu", "cpu"]),
        ("cuda", 2, 0, ["cuda", "cuda"]),
    ],
)
def test_workers_take_the_gpus_in_turn(device, workers, gpus, expected):
    assert worker_devices(device, workers, gpus) == expected


def test_without_dask_a_scheduler_is_refused_in_a_sentence(small_kdv, tmp_path, monkeypatch):
    plain = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.partition(".")[0] == "distributed":
            raise ImportError(name)
        return plain(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(GenerationError, match=r"needs dask\.distributed.*: pip install 'pdesym\[cluster\]'\.$"):
        generate(small_kdv, tmp_path, progress=False, scheduler="tcp://127.0.0.1:1")


def test_generating_without_a_scheduler_imports_no_dask(small_dataset):
    assert "pdesym.datasets.cluster" in sys.modules
    assert not hasattr(cluster, "distributed")


def test_a_scheduler_that_does_not_answer_is_said(small_kdv, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_SECONDS_TO_ANSWER", 0.5)
    for address in ("tcp://127.0.0.1:1", "nowhere"):
        with pytest.raises(GenerationError, match=f"No dask scheduler answers at {address} .*: start one with"):
            generate(small_kdv, tmp_path, progress=False, scheduler=address)


def test_workers_beside_a_scheduler_are_refused(small_kdv, tmp_path):
    with pytest.raises(ValueError, match="leave out workers = 2"):
        generate(small_kdv, tmp_path, workers=2, scheduler="tcp://127.0.0.1:1")


def test_a_worker_that_does_not_see_the_folder_says_so(small_kdv, tmp_path):
    with pytest.raises(GenerationError, match=r"nowhere with its data\.zarr is not to be seen here: expected a folder"):
        run_block(small_kdv, tmp_path / "nowhere", "train", 0)


def test_a_worker_of_other_versions_is_refused(small_kdv, tmp_path, monkeypatch):
    prepare(small_kdv, tmp_path, "cpu")
    monkeypatch.setattr("pdesym.datasets.schema.pdesym.__version__", "0.0.9")
    with pytest.raises(GenerationError, match=r"was begun with pdesym_version .* and this is 0\.0\.9: finish it there"):
        run_block(small_kdv, tmp_path, "train", 0)


def test_a_shard_that_another_works_on_is_waited_for_and_not_solved_again(small_kdv, tmp_path, monkeypatch):
    prepare(small_kdv, tmp_path, "cpu")
    reports = []
    with held_shard(tmp_path, "train", 0):
        thread = threading.Thread(target=lambda: reports.append(run_block(small_kdv, tmp_path, "train", 0)))
        thread.start()
        time.sleep(0.3)
        assert ("train", 0) in missing(small_kdv, tmp_path)
        assert not reports
        # The other one finishes it.
        monkeypatch.setattr("pdesym.datasets.block.store.is_marked", lambda *_: True)
    thread.join(10)
    assert reports[0].samples == 2
    assert ("train", 0) in missing(small_kdv, tmp_path)


@pytest.fixture(scope="module")
def recipe(changed):
    """Twenty shards of two batches."""
    return changed(splits={"train": 64, "test": 16}, shard=4, batch=2, times={"last": 20.0, "count": 9})


@pytest.fixture(scope="module")
def reference(recipe, tmp_path_factory):
    """Its dataset, made by one process."""
    return generate(recipe, tmp_path_factory.mktemp("reference") / "data", progress=False)


def solved(folder) -> dict:
    return counts(folder / "solving.log")


@pytest.mark.slow
def test_workers_of_a_scheduler_give_the_same_bytes(recipe, reference, hashes, tmp_path):
    with ExitStack() as stack:
        _, address = stack.enter_context(dask_processes.scheduler(tmp_path))
        for _ in range(2):
            stack.enter_context(dask_processes.worker(address, tmp_path, threads=2))
        generate(recipe, tmp_path / "data", progress=False, scheduler=address)
    assert hashes(tmp_path / "data") == hashes(reference)
    assert set(solved(tmp_path)["begun"].values()) == {1}


@pytest.mark.slow
def test_a_killed_worker_is_replaced_by_the_others(recipe, reference, hashes, tmp_path):
    folder = tmp_path / "data"
    with ExitStack() as stack:
        _, address = stack.enter_context(dask_processes.scheduler(tmp_path))
        first, _ = (stack.enter_context(dask_processes.worker(address, tmp_path)) for _ in range(2))

        def kill_one() -> None:
            while not (folder / "data.zarr").exists() or len(missing(recipe, folder)) > 16:
                time.sleep(0.01)
            first.kill()

        killer = threading.Thread(target=kill_one)
        killer.start()
        generate(recipe, folder, progress=False, scheduler=address)
        killer.join()
    assert hashes(folder) == hashes(reference)
    assert max(solved(tmp_path)["begun"].values()) <= 2


@pytest.mark.slow
def test_a_lost_scheduler_ends_in_a_sentence_and_the_same_call_goes_on(recipe, reference, hashes, tmp_path):
    folder = tmp_path / "data"
    with ExitStack() as stack:
        process, address = stack.enter_context(dask_processes.scheduler(tmp_path))
        for _ in range(2):
            stack.enter_context(dask_processes.worker(address, tmp_path))

        def kill_it() -> None:
            while not (folder / "data.zarr").exists() or len(missing(recipe, folder)) > 16:
                time.sleep(0.01)
            process.kill()

        killer = threading.Thread(target=kill_it)
        killer.start()
        with pytest.raises(GenerationError, match=f"The scheduler {address} was lost: start it again and repeat"):
            generate(recipe, folder, progress=False, scheduler=address)
        killer.join()
        assert 0 < len(missing(recipe, folder)) <= 16
        # A scheduler in its place; the workers of the first may still be at work.
        _, address = stack.enter_context(dask_processes.scheduler(tmp_path))
        stack.enter_context(dask_processes.worker(address, tmp_path))
        generate(recipe, folder, progress=False, scheduler=address)
    assert hashes(folder) == hashes(reference)
    assert max(solved(tmp_path)["finished"].values()) <= 2
