"""Killed at any moment and started again, a dataset ends with the same bytes; no finished shard is touched again."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest
import xarray

from pdesym.datasets import GenerationError, Recipe, generate, open_dataset, pieces, problem, recipe_file, schema
from pdesym.datasets.store import missing, prepare, status_in
from tests.datasets.counted_solving import counts

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@contextmanager
def generating(recipe: Recipe, file: Path, engine: int | str = 1) -> Iterator[subprocess.Popen[str]]:
    """A process that generates the dataset of a recipe whenever it is told to: alone, with workers, or on a cluster."""
    file.write_text(recipe_file.dump(recipe))
    script = Path(__file__).with_name("generating_process.py")
    command = [sys.executable, str(script), str(file), str(engine)]
    with subprocess.Popen(command, env=ENVIRONMENT, text=True, stdin=PIPE, stdout=PIPE) as process:
        assert answer(process) == "ready"
        yield process
        process.stdin.close()


def answer(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip()


def begin(process: subprocess.Popen[str], folder: Path) -> int:
    print(folder, file=process.stdin, flush=True)
    return int(answer(process))


def end(process: subprocess.Popen[str]) -> int:
    print("end", file=process.stdin, flush=True)
    return int(answer(process))


def written_files(recipe: Recipe, folder: Path) -> dict[Path, tuple[int, int]]:
    """Identity and time of the files of all shards that are marked complete."""
    todo = set(missing(recipe, folder))
    pieces = [
        folder / "data.zarr" / split / array / "c" / str(number)
        for split, number in recipe.shards
        if (split, number) not in todo
        for array in ("u", "error", "horizon", "steps", "points_used", "status")
    ]
    files = [file for piece in pieces for file in ([piece] if piece.is_file() else piece.rglob("0"))]
    return {file: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files if file.is_file()}


@pytest.fixture(scope="module")
def recipe(changed) -> Recipe:
    """Fifty shards of a few hundredths of a second each: enough of them for kills that come late."""
    return changed(splits={"train": 34, "valid": 4, "test": 12}, shard=1, times={"last": 8.0, "count": 9})


@pytest.fixture(scope="module")
def undisturbed(recipe, tmp_path_factory) -> tuple[Path, float]:
    """The dataset made in one go by a process like those that are killed, and the seconds that a shard took."""
    folder = tmp_path_factory.mktemp("undisturbed") / "data"
    with generating(recipe, folder.parent / "recipe.yaml") as process:
        began = time.monotonic()
        begin(process, folder)
        assert end(process) == 0
    return folder, (time.monotonic() - began) / len(recipe.shards)


def test_twenty_kills_do_not_change_a_byte(recipe, undisturbed, hashes, tmp_path):
    reference, seconds = undisturbed
    folder = tmp_path / "data"
    choice = random.Random(0)
    done = killed_half_way = 0
    kept: dict[Path, tuple[int, int]] = {}
    with generating(recipe, tmp_path / "recipe.yaml") as process:
        for _ in range(20):
            child = begin(process, folder)
            wanted = done + choice.choice([0, 1])
            while len(recipe.shards) - len(missing(recipe, folder)) < wanted:
                time.sleep(0.005)
            time.sleep(choice.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
            if end(process) == 0:
                break
            now = written_files(recipe, folder)
            assert kept.items() <= now.items()  # a finished shard is not written again
            kept, done = now, len(recipe.shards) - len(missing(recipe, folder))
            killed_half_way += 0 < done < len(recipe.shards)
        begin(process, folder)
        assert end(process) == 0
    assert killed_half_way >= 5
    assert kept.items() <= written_files(recipe, folder).items()
    assert hashes(folder) == hashes(reference)


def children(process: int) -> set[int]:
    """The processes that a process has started and that still run."""
    states = (Path(entry, "stat") for entry in Path("/proc").glob("[0-9]*"))
    fields = []
    for state in states:
        with suppress(OSError):  # ended meanwhile
            fields.append(state.read_text().rpartition(")")[2].split())
            fields[-1].append(state.parent.name)
    return {int(name) for status, parent, *_, name in fields if int(parent) == process and status != "Z"}


@pytest.mark.slow
def test_workers_end_with_their_parent_and_the_bytes_stay_the_same(recipe, undisturbed, hashes, tmp_path):
    reference, _ = undisturbed
    folder = tmp_path / "data"
    with generating(recipe, tmp_path / "recipe.yaml", engine=2) as process:
        parent = begin(process, folder)
        while not (folder / "data.zarr").exists() or len(missing(recipe, folder)) > 27:
            time.sleep(0.01)
        workers = children(parent)
        assert len(workers) >= 2
        os.kill(parent, signal.SIGKILL)
        assert end(process) == signal.SIGKILL
        deadline = time.monotonic() + 10
        while any(Path("/proc", str(worker)).exists() for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [worker for worker in workers if Path("/proc", str(worker)).exists()]
        assert missing(recipe, folder)
        begin(process, folder)
        assert end(process) == 0
    assert hashes(folder) == hashes(reference)


@pytest.mark.slow
def test_a_killed_worker_ends_in_a_sentence_and_the_rest_is_kept(recipe, undisturbed, hashes, tmp_path):
    reference, _ = undisturbed
    folder = tmp_path / "data"

    def kill_one() -> None:
        while len(missing(recipe, folder)) > 27:
            time.sleep(0.01)
        multiprocessing.active_children()[0].kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    with pytest.raises(GenerationError, match="worker process was killed, most likely for want of memory: lower shard"):
        generate(recipe, folder, progress=False, workers=2)
    killer.join()
    assert 0 < len(missing(recipe, folder)) < 28
    generate(recipe, folder, progress=False)
    assert hashes(folder) == hashes(reference)


@pytest.fixture(scope="module")
def batched(changed) -> Recipe:
    """Five shards of up to eight samples that are solved two by two."""
    return changed(splits={"train": 24, "test": 12}, shard=8, batch=2, times={"last": 20.0, "count": 9})


@pytest.fixture(scope="module")
def reference(batched, tmp_path_factory) -> Path:
    """Its dataset, made in one go by one process."""
    return generate(batched, tmp_path_factory.mktemp("batched") / "data", progress=False)


def refuse_other_bytes(readable: xarray.Dataset, reference: Path, split: str) -> None:
    """Fails unless all values of the samples that can be read are those of the reference, byte for byte."""
    expected = open_dataset(reference, split).sel(sample=readable.sample.values)
    for name, values in expected.variables.items():
        assert readable[name].values.tobytes() == values.values.tobytes(), name


def refuse_partial_samples(folder: Path, reference: Path) -> int:
    """Fails unless all that can be read of an unfinished dataset is a whole sample; gives the number of those."""
    if not (folder / "data.zarr").exists():
        return 0
    whole = 0
    for split in ("train", "test"):
        readable, status = open_dataset(folder, split, unfinished=True), status_in(folder, split)
        complete = np.flatnonzero(status == schema.COMPLETE)
        np.testing.assert_array_equal(readable.sample, complete)
        refuse_other_bytes(readable, reference, split)
        whole += len(complete)
        if len(complete) < len(status):
            with pytest.raises(ValueError, match="is not complete"):
                open_dataset(folder, split)
    return whole


def wait_for_work(child: int, folder: Path) -> None:
    """Waits until a run begins a sample, or ends because nothing is missing."""
    log = folder.with_name(f"{folder.name}.log")
    before = log.stat().st_size if log.exists() else 0
    while Path("/proc", str(child), "stat").read_text().rpartition(")")[2].split()[0] != "Z":
        if log.exists() and log.stat().st_size > before:
            return
        time.sleep(0.005)


def killed_at_random(recipe, reference, hashes, folder: Path, engine: int | str, kills: int) -> None:
    """Kills so many runs at random moments, then lets one end.

    Most moments are counted from the first sample that a run begins, so that they do not all fall into its start. A
    dataset that is complete before the next kill is compared, and another one is begun.
    """
    choice = random.Random(1)
    begun, whole = [], []
    number = landed = 0

    def compare(folder: Path) -> None:
        assert hashes(folder) == hashes(reference)
        solved = counts(folder.with_name(f"{folder.name}.log"))
        assert len(solved["finished"]) == sum(recipe.splits.sizes.values())
        assert max(solved["finished"].values()) <= 2  # a batch that is solved and not yet kept is solved once more
        begun.append(max(solved["begun"].values()))

    with generating(recipe, folder.with_suffix(".yaml"), engine) as process:
        child = begin(process, folder)
        wait_for_work(child, folder)
        began = time.monotonic()
        assert end(process) == 0
        seconds = time.monotonic() - began
        while landed < kills:
            current = folder.with_name(f"{folder.name}{number}")
            child = begin(process, current)
            if landed % 5:
                wait_for_work(child, current)
            time.sleep(choice.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
            if end(process) == 0:
                compare(current)
                number += 1
                continue
            landed += 1
            whole.append(refuse_partial_samples(current, reference))
        begin(process, current)
        assert end(process) == 0
        compare(current)
    print(f"{landed} kills, {len(begun)} datasets; whole samples at the kills {whole}; most often begun {begun}")
    assert any(0 < samples < sum(recipe.splits.sizes.values()) for samples in whole)


def test_kills_between_batches_leave_whole_samples_only(batched, reference, hashes, tmp_path):
    killed_at_random(batched, reference, hashes, tmp_path / "data", engine=1, kills=4)


@pytest.mark.slow
@pytest.mark.parametrize("engine", [1, 2])
def test_twenty_kills_at_random_moments(batched, reference, hashes, tmp_path, engine):
    killed_at_random(batched, reference, hashes, tmp_path / "data", engine, kills=20)


def test_a_batch_that_is_kept_is_not_solved_again(batched, reference, hashes, tmp_path, monkeypatch):
    folder, solve_samples, solved = tmp_path / "data", problem.solve_samples, []

    def three_only(*arguments):
        if len(solved) % 4 == 3:
            solved.append(None)
            raise KeyboardInterrupt
        solved.append((arguments[1], min(arguments[2])))
        return solve_samples(*arguments)

    monkeypatch.setattr(problem, "solve_samples", three_only)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            generate(batched, folder, progress=False)
    assert len([batch for batch in solved if batch]) == 9
    assert len(list((folder / "pieces").glob("*.npz"))) == 9  # each run was ended in another shard
    while missing(batched, folder):
        with suppress(KeyboardInterrupt):
            generate(batched, folder, progress=False)
    generate(batched, folder, progress=False)
    done = [batch for batch in solved if batch]
    assert len(done) == len(set(done)) == 18
    assert hashes(folder) == hashes(reference)


def zeros(layout, batch: range) -> dict[str, np.ndarray]:
    *variables, _, _ = layout.groups["train"].variables
    return {one.name: np.zeros((len(batch), *one.shape[1:]), one.dtype) for one in variables}


def test_a_damaged_or_foreign_piece_is_solved_again(batched, changed, reference, hashes, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    prepare(batched, folder, "cpu")
    layout = schema.layout(batched)
    here = pieces.Pieces(batched, layout, folder, "train", 0)
    for number, damage in enumerate([b"", b"no zip", None]):
        batch = range(2 * number, 2 * number + 2)
        here.keep(batch, (zeros(layout, batch), {}))
        assert here.kept(batch)[0].keys() == zeros(layout, batch).keys()  # whole, it would be taken
        file = folder / "pieces" / f"train-0-{batch.start}-{batch.stop}.npz"
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(bytes(content) if damage is None else damage)
    whole = zeros(layout, range(2))
    wrong = [
        {**whole, "u": np.zeros((2, 9, 31), "float32")},
        {**whole, "u": whole["u"].astype("float64")},
        {**whole, "v": whole["u"]},
        {name: values for name, values in whole.items() if name != "steps"},
        {name: values[:1] for name, values in whole.items()},
        {},
    ]
    second = pieces.Pieces(batched, layout, folder, "train", 1)
    for arrays in wrong:
        second.keep(range(8, 10), (arrays, {}))
        assert second.kept(range(8, 10)) is None
    second.keep(range(8, 10), (whole, {3: "because"}))
    assert second.kept(range(8, 10)) is None
    other = pieces.Pieces(batched.model_copy(update={"seed": 4}), layout, folder, "train", 1)
    other.keep(range(10, 12), (whole, {}))
    other.set_apart(range(12, 14))
    assert second.kept(range(10, 12)) is None
    assert not second.is_apart(range(12, 14))
    generate(batched, folder, progress=False)
    assert hashes(folder) == hashes(reference)


def test_a_kill_while_the_samples_of_a_failing_batch_are_solved_one_by_one_costs_one_sample(
    blowing_up, hashes, tmp_path, monkeypatch
):
    recipe = blowing_up.model_copy(update={"shard": 8})
    expected = generate(recipe, tmp_path / "expected", progress=False)
    solve_samples, begun, finished = problem.solve_samples, Counter(), Counter()

    def killed_after_two(recipe, split, samples, device="cpu"):
        if sum(begun.values()) >= most:
            raise KeyboardInterrupt
        begun[tuple(samples)] += 1
        result = solve_samples(recipe, split, samples, device)
        finished.update(samples)
        return result

    monkeypatch.setattr(problem, "solve_samples", killed_after_two)
    for run in range(4):
        most = 2 * (run + 1)
        with pytest.raises(KeyboardInterrupt):
            generate(recipe, tmp_path / "data", progress=False)
    most = 100
    generate(recipe, tmp_path / "data", progress=False)
    assert set(begun.values()) == {1}  # the batch once, and each of its samples once
    assert len(begun) == 9
    assert set(finished.values()) == {1}
    assert hashes(tmp_path / "data") == hashes(expected)


def test_what_was_begun_and_not_finished_comes_last(batched, reference, hashes, tmp_path, monkeypatch):
    folder, solve_samples, solved = tmp_path / "data", problem.solve_samples, []

    def stopped(recipe, split, samples, *others):
        solved.append((split, min(samples)))
        if len(solved) == number:
            raise KeyboardInterrupt
        return solve_samples(recipe, split, samples, *others)

    monkeypatch.setattr(problem, "solve_samples", stopped)
    for number in (2, 1, 3):  # noqa: B007 read by `stopped`
        solved.clear()
        with pytest.raises(KeyboardInterrupt):
            generate(batched, folder, progress=False)
    assert solved == [("train", 16), ("train", 18), ("train", 20)]  # the first two shards have each ended a run
    number = 0
    solved.clear()
    generate(batched, folder, progress=False)
    assert solved[:2] == [("test", 0), ("test", 2)]
    assert solved[-1] == ("train", 20)
    assert hashes(folder) == hashes(reference)
