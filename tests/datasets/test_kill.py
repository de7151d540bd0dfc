"""Killed at any moment and started again, a dataset ends with the same bytes; no finished shard is touched again."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pdesym.datasets import GenerationError, Recipe, generate, recipe_file
from pdesym.datasets.store import missing

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def generating(recipe: Recipe, folder: Path, workers: int) -> Iterator[subprocess.Popen[str]]:
    file = folder.parent / "recipe-to-kill.yaml"
    file.write_text(recipe_file.dump(recipe))
    script = Path(__file__).with_name("generating_process.py")
    command = [sys.executable, str(script), str(file), str(folder), str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert answer(process) == "ready"
        yield process
        process.stdin.close()


def answer(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip()


def begin(process: subprocess.Popen[str]) -> int:
    print("begin", file=process.stdin, flush=True)
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
    with generating(recipe, folder, workers=1) as process:
        began = time.monotonic()
        begin(process)
        assert end(process) == 0
    return folder, (time.monotonic() - began) / len(recipe.shards)


def test_twenty_kills_do_not_change_a_byte(recipe, undisturbed, hashes, tmp_path):
    reference, seconds = undisturbed
    folder = tmp_path / "data"
    choice = random.Random(0)
    done = killed_half_way = 0
    kept: dict[Path, tuple[int, int]] = {}
    with generating(recipe, folder, workers=1) as process:
        for _ in range(20):
            child = begin(process)
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
        begin(process)
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
    folder, _ = undisturbed
    with generating(recipe, tmp_path / "data", workers=2) as process:
        parent = begin(process)
        while not (tmp_path / "data" / "data.zarr").exists() or len(missing(recipe, tmp_path / "data")) > 27:
            time.sleep(0.01)
        workers = children(parent)
        assert len(workers) >= 2
        os.kill(parent, signal.SIGKILL)
        assert end(process) == signal.SIGKILL
        deadline = time.monotonic() + 10
        while any(Path("/proc", str(worker)).exists() for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [worker for worker in workers if Path("/proc", str(worker)).exists()]
        assert missing(recipe, tmp_path / "data")
        begin(process)
        assert end(process) == 0
    assert hashes(tmp_path / "data") == hashes(folder)


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
