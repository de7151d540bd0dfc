"""A scheduler and workers of dask as processes of their own, as they run on the machines of a cluster."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.datasets.counted_solving import LOG

ROOT = Path(__file__).resolve().parents[2]
PRELOAD = Path(__file__).with_name("counted_solving.py")


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def scheduler(folder: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen, str]]:
    """A scheduler and its address."""
    file = folder / f"scheduler-{time.monotonic_ns()}.json"
    command = ["dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    with ended(started([*command, "--scheduler-file", str(file)], folder)) as process:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield process, json.loads(file.read_text())["address"]


@contextmanager
def worker(address: str, folder: Path, threads: int = 1) -> Iterator[subprocess.Popen]:
    """A worker that notes what it solves in `solving.log`."""
    options = ["--nthreads", str(threads), "--no-nanny", "--no-dashboard", "--preload", str(PRELOAD)]
    with ended(started(["dask_worker", address, *options], folder)) as process:
        yield process


def started(command: list[str], folder: Path) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", LOG: str(folder / "solving.log")}
    program = [sys.executable, "-m", f"distributed.cli.{command[0]}", *command[1:]]
    with open(folder / "dask.log", "ab") as log:
        return subprocess.Popen(program, env=environment, cwd=folder, stdout=log, stderr=log)
