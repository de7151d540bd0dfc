"""What reading windows from a dataset on disk costs, beside the training step that they are for.

    .venv/bin/python experiments/benchmarks/reading.py

KdV on 256 points, 140 frames, 256 trajectories, generated once into a folder for temporary files (4 trajectories in a
chunk, 32 in a shard); windows of 20 + 20 frames, batches of 16 in float32, one process with one thread, the files in
the page cache. Beside each other, in turns: the loader from memory and from a mapped cache file; the loop that most
people write first, which takes each window out of an xarray dataset by its index; the same straight from zarr; torch's
DataLoader on the mapped file in this process and with two workers, which are given the numbers of one window or of a
batch at a time; and the step of the lab's FNO (width 48, 24 modes, 4 layers): forward, backward, optimiser. Windows a
second, and the ratios to the step and to the loop, are those of CPU time, all threads of the process together, and by
the clock; medians over the rounds. There is no CPU time where workers share the work, as that of this process leaves
out theirs. What decoding costs once stands apart. Expected: the loader at least 20 times as fast as the step consumes
windows, and at least 50 times as fast as the loop over xarray. The bars are judged by CPU time: nothing
waits for a disk, as the files are in the page cache, so that on an idle machine both clocks should agree; on a busy one
that of the wall also counts what others do, and not the same for two readers. Both are in the table, so that a verdict
which depends on the clock is seen. A minute on one CPU core. Writes results/reading.json and the table
results/reading.md.
"""

import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import zarr
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from pdesym.datasets import Recipe, Windows, generate, open_dataset
from pdesym.datasets.loader import WindowLoader
from pdesym.datasets.window_dataset import WindowDataset
from pdesym.operators import fno
from pdesym.report.rendered import write_rendered
from pdesym.training import mean_squared_error

SAMPLES, TIMES, BATCH, FRAMES, ROUNDS = 256, 140, 16, 20, 7
LEAST_OVER_STEP, LEAST_OVER_NAIVE = 20, 50
NAIVE, MEMORY, MEMMAP = "xarray, window by window", "loader, memory", "loader, mapped file"
STEP = "training step"
CPU, WALL = "cpu", "wall"
JUDGED_BY = CPU

RECIPE = {
    "name": "reading",
    "equation": "kdv",
    "grid": {"points": 256, "length": 128.0},
    "initial": {"law": "sinusoids", "terms": 10, "amplitude": 0.5, "waves": [1, 2]},
    "times": {"first": 0.0, "last": 55.6, "count": TIMES},
    "splits": {"train": SAMPLES},
    "rtol": 1e-5,
    "seed": 0,
    "shard": 32,
}


def drawn(seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Samples and first frames of batches without end."""
    rng = np.random.default_rng(seed)
    while True:
        yield rng.integers(SAMPLES, size=BATCH), rng.integers(TIMES - 2 * FRAMES + 1, size=BATCH)


def from_loader(windows: Windows) -> Iterator[torch.Tensor]:
    """Batches of our loader."""
    loader = WindowLoader(windows, BATCH, seed=0)
    while True:
        for window in loader:
            yield window.u_in


def from_xarray(folder: Path) -> Iterator[torch.Tensor]:
    """Batches of the loop that is written first."""
    data = open_dataset(folder, "train")
    for samples, starts in drawn(0):
        windows = [
            data.u.isel(sample=i, time=slice(start, start + 2 * FRAMES)).values
            for i, start in zip(samples.tolist(), starts.tolist(), strict=True)
        ]
        yield torch.from_numpy(np.stack(windows))[:, :FRAMES, None]


def from_zarr(folder: Path) -> Iterator[torch.Tensor]:
    """The same loop without xarray."""
    u = zarr.open_array(folder / "data.zarr", path="train/u", mode="r")
    for samples, starts in drawn(0):
        windows = [
            np.asarray(u[i, start : start + 2 * FRAMES])
            for i, start in zip(samples.tolist(), starts.tolist(), strict=True)
        ]
        yield torch.from_numpy(np.stack(windows))[:, :FRAMES, None]


def from_workers(data: WindowDataset, workers: int, whole: bool = False) -> Iterator[torch.Tensor]:
    """Batches of torch's DataLoader, its workers kept from epoch to epoch; `whole` ones are cut at once."""
    order = RandomSampler(data, generator=torch.Generator().manual_seed(0))
    loader: DataLoader = DataLoader(
        data,
        batch_size=None if whole else BATCH,
        sampler=BatchSampler(order, BATCH, drop_last=False) if whole else order,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context="fork" if workers else None,
    )
    while True:
        for u_in, _, _ in loader:
            yield u_in


def training(windows: Windows) -> Iterator[torch.Tensor]:
    """Steps of the FNO on one batch, again and again: what they consume, without any reading."""
    window = windows.gather(torch.arange(BATCH), torch.arange(BATCH))
    model = fno(FRAMES, FRAMES, modes=24, width=48, layers=4)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    while True:
        optimiser.zero_grad()
        mean_squared_error(model(window.u_in), window.u_out).backward()
        optimiser.step()
        yield window.u_in


def rate(batches: Iterator[torch.Tensor], count: int) -> tuple[float, float]:
    """Windows a second of CPU time and by the clock, over so many batches, of which every number is looked at once."""
    spent, clock = time.process_time(), time.perf_counter()
    for _ in range(count):
        next(batches).sum()
    windows = count * BATCH
    return windows / (time.process_time() - spent), windows / (time.perf_counter() - clock)


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes, by the clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(folder: Path) -> dict:
    """Medians of windows a second, and what decoding costs once."""

    def opened(place: str) -> Windows:
        return Windows.open(folder, "train", FRAMES, FRAMES, place=place)  # type: ignore[arg-type]

    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)
    opened("memory")  # brings the files into the page cache
    once = {
        "decoding into memory": seconds(lambda: opened("memory")),
        "decoding into the cache file": seconds(lambda: opened("memmap")),
        "opening the cache file again": seconds(lambda: opened("memmap")),
    }
    windows = opened("memory")
    data = WindowDataset(folder, "train", FRAMES, FRAMES)
    batches = {
        MEMORY: (from_loader(windows), 200),
        MEMMAP: (from_loader(opened("memmap")), 200),
        "DataLoader, mapped file, no workers": (from_workers(data, 0), 100),
        "DataLoader, mapped file, 2 workers": (from_workers(data, 2), 100),
        "DataLoader, mapped file, 2 workers, whole batches": (from_workers(data, 2, whole=True), 100),
        "zarr, window by window": (from_zarr(folder), 4),
        NAIVE: (from_xarray(folder), 4),
        STEP: (training(windows), 3),
    }
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in batches}
    for number in range(ROUNDS + 1):
        for name, (batch, count) in batches.items():
            found = rate(batch, count)
            if number:  # the first round warms up
                rates[name].append(found)
    medians = {name: tuple(map(statistics.median, zip(*found, strict=True))) for name, found in rates.items()}

    def row(name: str) -> dict:
        shared = "workers" in name and "no workers" not in name
        found = medians[name]
        clocks = [(1, WALL)] if shared else [(0, CPU), (1, WALL)]
        return {
            "reader": name,
            "windows_per_cpu_second": None if shared else found[0],
            "windows_per_second": found[1],
            "over_step": {clock: found[k] / medians[STEP][k] for k, clock in clocks},
            "over_naive": {clock: found[k] / medians[NAIVE][k] for k, clock in clocks},
            "clock_range": [min(clock for _, clock in rates[name]), max(clock for _, clock in rates[name])],
        }

    return {
        "samples": SAMPLES,
        "frames": TIMES,
        "window": [FRAMES, FRAMES],
        "batch": BATCH,
        "megabytes": windows.u.numel() * windows.u.element_size() / 1e6,
        "once_seconds": once,
        "rows": [row(name) for name in medians],
        "bars": {"over_step": LEAST_OVER_STEP, "over_naive": LEAST_OVER_NAIVE},
        "python": platform.python_version(),
        "torch": torch.__version__,
        "zarr": zarr.__version__,
    }


def table(record: dict) -> str:
    """What was measured, as Markdown."""
    once = ", ".join(f"{name} {spent:.2f} s" for name, spent in record["once_seconds"].items())
    lines = [
        f"{record['samples']} trajectories of {record['frames']} frames x 256 points, {record['megabytes']:.0f} MB in "
        f"float32; windows of {FRAMES} + {FRAMES} frames, batches of {record['batch']}, one thread. Once: {once}.",
        "",
        "| windows from | a second of CPU | over the training step | over xarray | a second by the clock | over the "
        "training step | over xarray |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in record["rows"]:
        cells = [
            cell
            for clock, rate_of in ((CPU, "windows_per_cpu_second"), (WALL, "windows_per_second"))
            for cell in (
                _shown(row[rate_of]),
                _shown(row["over_step"].get(clock), 1),
                _shown(row["over_naive"].get(clock), 1),
            )
        ]
        lines.append(f"| {' | '.join([row['reader'], *cells])} |")
    rows = {row["reader"]: row for row in record["rows"]}
    verdicts = [
        f"{name}: {_verdict(rows[name], JUDGED_BY)} (by the clock {_verdict(rows[name], WALL)})"
        for name in (MEMORY, MEMMAP)
    ]
    bars = (
        f"The bars, {LEAST_OVER_STEP} times the step and {LEAST_OVER_NAIVE} times xarray, judged by CPU time: "
        f"{'; '.join(verdicts)}."
    )
    return "\n".join([*lines, "", bars, ""])


def _shown(number: float | None, digits: int = 0) -> str:
    return "–" if number is None else f"{number:,.{digits}f}"


def _verdict(row: dict, clock: str) -> str:
    return "met" if met(row, clock) else "missed"


def met(row: dict, clock: str = JUDGED_BY) -> bool:
    """Whether a reader is as fast as expected."""
    return row["over_step"][clock] >= LEAST_OVER_STEP and row["over_naive"][clock] >= LEAST_OVER_NAIVE


def main() -> None:
    """Generates, measures and writes."""
    torch.set_num_threads(1)
    place = Path(tempfile.gettempdir()) / "pdesym-reading"
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    place.mkdir(exist_ok=True)
    folder = generate(Recipe.model_validate(RECIPE), place / "dataset")
    record = measure(folder)
    write_rendered(Path(__file__).parent / "results" / "reading.json", record, table(record))
    print(table(record))


if __name__ == "__main__":
    main()
