"""Generation by the workers of a dask scheduler, the devices of workers, and what is said when one is missing."""

import builtins
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from pdesym.datasets import GenerationError, cluster, generate, problem, recipe_file, schema
from pdesym.datasets.block import BlockReport, run_block
from pdesym.datasets.failure import refuse_without_space
from pdesym.datasets.store import disk_bytes, held_shard, missing, prepare
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


WITHOUT_A_SCHEDULER = """
import sys
from pdesym.datasets import generate, load_recipe

generate(load_recipe(sys.argv[1]), sys.argv[2], progress=False)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"dask", "distributed", sys.argv[3]}))
"""


def test_generating_without_a_scheduler_imports_no_dask(changed, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe_file.dump(changed(splits={"train": 1})))
    command = [sys.executable, "-c", WITHOUT_A_SCHEDULER, str(file), str(tmp_path / "data"), "zarr"]
    environment = {**os.environ, "PYTHONPATH": str(dask_processes.ROOT), "OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == "['zarr']\n"  # which is imported: the look would have seen dask too


def with_client(monkeypatch, workers: int, result) -> None:
    """Lets a scheduler answer that has so many workers, and whose blocks end in `result`."""
    import distributed

    future = SimpleNamespace(result=result)
    client = SimpleNamespace(
        ncores=lambda: dict.fromkeys(range(workers), 1),
        submit=lambda *_, **__: future,
        close=lambda **_: None,
        loop=None,
    )
    fake = SimpleNamespace(
        Client=lambda *_, **__: client, as_completed=lambda futures, **_: futures, KilledWorker=distributed.KilledWorker
    )
    monkeypatch.setattr(cluster, "_distributed", lambda: fake)


def test_a_shard_that_kills_its_workers_ends_in_a_sentence(small_kdv, tmp_path, monkeypatch):
    import distributed

    def killed():
        raise distributed.KilledWorker("shard", None, 3)

    with_client(monkeypatch, 2, killed)
    with pytest.raises(
        GenerationError, match=r"A shard took 4 workers of the scheduler tcp://here:1 with it, .*: lower shard or batch"
    ):
        generate(small_kdv, tmp_path, progress=False, scheduler="tcp://here:1")


def test_the_space_for_the_batches_of_all_workers_is_asked_for(changed, tmp_path, monkeypatch):
    recipe = changed(splits={"train": 64}, shard=4, batch=2)
    largest = 4 * schema.layout(recipe).groups["train"].bytes_per_sample
    free = disk_bytes(schema.layout(recipe), tmp_path) + 3 * largest
    monkeypatch.setattr("pdesym.datasets.failure.shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    with_client(monkeypatch, 3, lambda: BlockReport("train", 0, 4))
    refuse_without_space(recipe, tmp_path, workers=3)
    with pytest.raises(GenerationError, match="make room"):
        refuse_without_space(recipe, tmp_path, workers=4)
    assert len(list(cluster.cluster_reports(recipe, tmp_path, recipe.shards, "cpu", "tcp://here:1"))) == 16
    with_client(monkeypatch, 4, lambda: BlockReport("train", 0, 4))
    with pytest.raises(GenerationError, match="make room"):
        list(cluster.cluster_reports(recipe, tmp_path, recipe.shards, "cpu", "tcp://here:1"))


@pytest.mark.parametrize(("batch", "another"), [(None, 9), (1, 9), (None, 3)])
def test_a_worker_that_outlives_its_folder_leaves_the_next_dataset_alone(
    changed, hashes, tmp_path, monkeypatch, batch, another
):
    recipe, other = (changed(splits={"train": 2}, batch=batch, seed=seed) for seed in (3, another))
    folder = tmp_path / "data"
    folder.mkdir()
    prepare(recipe, folder, "cpu")
    solve_samples, begun, go_on, ends = problem.solve_samples, threading.Event(), threading.Event(), []

    def held_up(*arguments):
        begun.set()
        assert go_on.wait(60)
        return solve_samples(*arguments)

    def work() -> None:
        try:
            ends.append(run_block(recipe, folder, "train", 0))
        except GenerationError as error:
            ends.append(str(error))

    monkeypatch.setattr(problem, "solve_samples", held_up)
    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(60)
    monkeypatch.setattr(problem, "solve_samples", solve_samples)
    shutil.rmtree(folder)
    generate(other, folder, progress=False)
    before = hashes(folder)
    go_on.set()
    worker.join(60)
    assert "data was removed, replaced or completed by others while this worker was on its split train" in ends[0]
    assert hashes(folder) == before


@pytest.mark.parametrize("begin", [True, False])
def test_a_worker_whose_folder_is_another_or_gone_does_not_write(changed, hashes, tmp_path, monkeypatch, begin):
    recipe, other = (changed(splits={"train": 2}, seed=seed) for seed in (3, 9))
    folder = tmp_path / "data"
    folder.mkdir()
    prepare(other if begin else recipe, folder, "cpu")
    before = hashes(folder)

    def removed(*arguments):
        assert not begin  # another recipe is seen before anything is solved
        shutil.rmtree(folder)
        return solve_samples(*arguments)

    solve_samples = problem.solve_samples
    monkeypatch.setattr(problem, "solve_samples", removed)
    with pytest.raises(GenerationError, match="was removed, replaced or completed by others"):
        run_block(recipe, folder, "train", 0)
    assert not folder.exists() if not begin else before.items() <= hashes(folder).items()
    assert not begin or ("train", 0) in missing(other, folder)


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
