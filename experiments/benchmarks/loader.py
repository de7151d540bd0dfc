"""What moving the windows costs, against the training step that they are for.

    .venv/bin/python experiments/benchmarks/loader.py

KdV on 256 points, windows of 10 + 10 frames, batches of 16 in float32; the step is that of the lab's FNO (width 48, 24
modes, 4 layers): forward, backward, optimiser, with the plain windows drawn. For each way of moving, the median extra
CPU time of `draw_batch` over the median CPU time of that step, one thread, measured in turns; every window moved
(probability 1) and half of them, as is usual. Expected: below 10 % for the boost alone and for all generators of KdV
that do not depend on x. Two minutes on one CPU core. Writes results/loader.json and the table results/loader.md.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from pdesym.datasets import Windows
from pdesym.operators import fno
from pdesym.report.rendered import write_rendered
from pdesym.solvers import Grid, RandomSinusoids, kdv, solve
from pdesym.symmetry import Generator, RandomFlow
from pdesym.symmetry.augment import augment
from pdesym.training import MovedPool, MovingWindows, draw_batch, mean_squared_error

SAMPLES, BATCH, FRAMES, ROUNDS = 32, 16, 10, 40
GRID = Grid(256, length=128.0)
TIMES = torch.linspace(0, 56, 141, dtype=torch.float64)
TRANSLATION, TIME, BOOST = Generator("d_x"), Generator("d_t"), Generator("t*d_x + d_u")
ALL, SCALES = (TRANSLATION, TIME, BOOST), (64.0, 2.0, 0.4)
COPIES = 4


def seconds(work: Callable[[int], object], number: int) -> float:
    """CPU time of one call."""
    start = time.process_time()
    work(number)
    return time.process_time() - start


def drawers(windows: Windows, copies: list, probability: float) -> dict[str, Callable[[int], object]]:
    """The ways of moving: each draws the batch of a step."""
    flow = RandomFlow(BOOST, GRID, 0.4, probability)
    boost = MovingWindows(windows, [BOOST], [0.4], equation=kdv(), probability=probability)
    every = MovingWindows(windows, ALL, SCALES, equation=kdv(), probability=probability)
    pool = MovedPool(windows, copies, probability)
    return {
        "boost, of the window (`RandomFlow`)": lambda step: draw_batch(windows, BATCH, 0, step, flow),
        "boost (`MovingWindows`)": lambda step: draw_batch(boost, BATCH, 0, step),
        "d_x, d_t and boost (`MovingWindows`)": lambda step: draw_batch(every, BATCH, 0, step),
        f"{COPIES} copies (`MovedPool`)": lambda step: draw_batch(pool, BATCH, 0, step),
    }


def training_step(windows: Windows) -> Callable[[int], object]:
    """One step of training on plain windows, as `train` does it."""
    model = fno(FRAMES, FRAMES, modes=24, width=48, layers=4)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step(number: int) -> None:
        u_in, u_out = draw_batch(windows, BATCH, 0, number)
        optimiser.zero_grad()
        mean_squared_error(model(u_in), u_out).backward()
        optimiser.step()

    return step


def measure() -> dict:
    """Medians in milliseconds, and the shares."""
    data = solve(kdv(), RandomSinusoids(waves=(1, 2)).sample(GRID, range(SAMPLES), seed=0), GRID, TIMES, rtol=1e-5)
    windows = Windows(data.u.float(), data.times, GRID, FRAMES, FRAMES)
    copies = [augment(data, ALL, SCALES, seed) for seed in range(COPIES)]
    works = {"step": training_step(windows), "plain": lambda number: draw_batch(windows, BATCH, 0, number)}
    for probability in (1.0, 0.5):
        works |= {(name, probability): work for name, work in drawers(windows, copies, probability).items()}
    times: dict = {name: [] for name in works}
    for number in range(ROUNDS + 3):
        for name, work in works.items():
            spent = seconds(work, number)
            if number >= 3:
                times[name].append(spent)
    medians = {name: 1e3 * statistics.median(spent) for name, spent in times.items()}
    step, plain = medians.pop("step"), medians.pop("plain")
    rows = [
        {"moves": name, "probability": p, "draw_ms": ms, "share": (ms - plain) / step}
        for (name, p), ms in medians.items()
    ]
    return {"step_ms": step, "plain_draw_ms": plain, "rows": rows, "torch": torch.__version__}


def table(record: dict) -> str:
    """The measured shares as Markdown."""
    lines = [
        f"One training step takes {record['step_ms']:.1f} ms, drawing its plain windows "
        f"{record['plain_draw_ms']:.2f} ms (CPU time, one thread, medians).",
        "",
        "| windows moved by | probability | draw | extra, of the step |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['moves']} | {row['probability']:g} | {row['draw_ms']:.2f} ms | {100 * row['share']:.1f} % |"
        for row in record["rows"]
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measures and writes."""
    torch.set_num_threads(1)
    record = measure()
    write_rendered(Path(__file__).parent / "results" / "loader.json", record, table(record))
    print(table(record))


if __name__ == "__main__":
    main()
