"""What promoting symmetries costs: a training step with and without the penalty, one after the other.

    .venv/bin/python experiments/benchmarks/promotion.py [--device cuda]

The FNO of the forecasting experiments: 20 frames of 256 points in and out, 16 windows in a step, AdamW, float32; the
candidates are ∂_x, t ∂_x + ∂_u, u ∂_u and ∂_u, judged at an eighth of the windows. Expected: at most 2.5 plain steps.
Medians of steps that take turns, in CPU-seconds of one thread, or seconds of a GPU. A minute. Writes
results/promotion-<device>.json and the table results/promotion-<device>.md beside itself.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from speed.clock import alternate, cpu, gpu, spread
from speed.machine import facts, one_thread

from pdesym.operators import fno
from pdesym.report.rendered import write_rendered
from pdesym.solvers import Grid
from pdesym.symmetry import Generator
from pdesym.symmetry.promote import SymmetryPenalty
from pdesym.training import SymmetryPromotion, mean_squared_error

FRAMES, WINDOWS, ROUNDS = 20, 16, 15
GRID = Grid(256, length=128.0)
CANDIDATES = [Generator(text) for text in ("d_x", "t*d_x + d_u", "u*d_u", "d_u")]


def step(
    inputs: int | None, kind: str, count: int, device: str, precision: torch.dtype | None
) -> Callable[[], torch.Tensor]:
    """One step of a new network, with the penalty at so many inputs where there are any."""
    rng = torch.Generator().manual_seed(0)
    u, target = torch.randn(2, WINDOWS, FRAMES, 1, 256, generator=rng).to(device)
    model = fno(FRAMES, FRAMES).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    times = tuple(0.4 * i for i in range(2 * FRAMES))
    promotion = None
    if inputs is not None:
        penalty = SymmetryPenalty(CANDIDATES[:count], kind)
        widths = tuple(0.4 * (generator.text == "t*d_x + d_u") for generator in CANDIDATES[:count])
        promotion = SymmetryPromotion(penalty, u, GRID, times[:FRAMES], times[FRAMES:], 0.01, inputs, widths)

    def run() -> torch.Tensor:
        optimiser.zero_grad()
        with torch.autocast(device, dtype=precision, enabled=precision is not None):
            value = mean_squared_error(model(u).float(), target)
            if promotion is not None:
                value = value + promotion(model, rng)
        value.backward()
        optimiser.step()
        return value.detach()

    return run


def main(device: str) -> None:
    """Measures, and writes both files."""
    torch.set_num_threads(1)
    rows: dict[str, tuple[int | None, str, int, torch.dtype | None]] = {
        "plain": (None, "nuclear", 0, None),
        "4 generators, nuclear, 2 of 16 windows": (2, "nuclear", 4, None),
        "4 generators, group, 2 of 16 windows": (2, "group", 4, None),
        "4 generators, squared, 2 of 16 windows": (2, "squared", 4, None),
        "2 generators, nuclear, 2 of 16 windows": (2, "nuclear", 2, None),
        "4 generators, nuclear, 4 of 16 windows": (4, "nuclear", 4, None),
        "4 generators, nuclear, 16 of 16 windows": (16, "nuclear", 4, None),
    }
    if device == "cuda":
        rows["plain, bfloat16"] = (None, "nuclear", 0, torch.bfloat16)
        rows["4 generators, nuclear, 2 of 16 windows, bfloat16"] = (2, "nuclear", 4, torch.bfloat16)
    steps = {
        name: step(inputs, kind, count, device, precision) for name, (inputs, kind, count, precision) in rows.items()
    }
    seconds = alternate(steps, ROUNDS, clock=gpu if device == "cuda" else cpu)
    medians = {name: spread(each) for name, each in seconds.items()}
    record = {"facts": facts(), "device": _device(device), "rounds": ROUNDS, "seconds": medians}
    write_rendered(Path(__file__).parent / "results" / f"promotion-{device}.json", record, table(medians))
    print(table(medians))


def _device(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread"


def table(medians: dict[str, list[float]]) -> str:
    """Steps in milliseconds, and in plain ones of the same precision, as Markdown."""
    lines = ["| step | ms, median (smallest to largest) | in plain steps |", "| --- | ---: | ---: |"]
    for name, (median, least, most) in medians.items():
        plain = medians["plain, bfloat16" if "bfloat16" in name else "plain"][0]
        lines.append(f"| {name} | {1e3 * median:.1f} ({1e3 * least:.1f} to {1e3 * most:.1f}) | {median / plain:.2f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    device = parser.parse_args().device
    if device == "cpu":
        one_thread()
    main(device)
