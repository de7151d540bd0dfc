"""What operators make of test solutions that are seen from a moving frame: is what they were shown right?

    .venv/bin/python -m experiments.lpsda.moved_test        # a minute, after combining.py

All solutions here have mean zero, those to train on and those to test on, and the mean is conserved. A vector field
that moves solutions of another mean wrongly is therefore never caught by the test of the other scripts. Here the test
solutions are boosted, exactly, each by its own ε uniform in ±0.4, and the operators of combining.py predict them.
Expected: the boost alone teaches this; the shift of u and the boost of the wrong sign are several times worse. This was
added when the first arm with the shift of u was seen to do no harm at rest.

Writes results/moved_test-<preset>.json and the table beside it.
"""

import argparse
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from experiments.forecasting.arms import Arm, arms_of, folder_of, forecast_errors, result_of
from experiments.forecasting.run import RUNS
from experiments.forecasting.settings import Preset, load_preset, load_treatments
from experiments.forecasting.table import spread_text
from pdesym.operators import load_operator
from pdesym.report.number_text import measured_text
from pdesym.report.rendered import write_rendered
from pdesym.solvers import Grid
from pdesym.symmetry import Generator
from pdesym.symmetry.augment import random_parameters

RESULTS = Path(__file__).parent / "results"
SEED = 2022


def boosted(generator: Generator, grid: Grid, width: float) -> Any:
    """The motion that gives each solution its own boost."""

    def motion(u: Tensor, times: Tensor, samples: Tensor) -> Tensor:
        epsilon = random_parameters(samples.tolist(), [width], SEED)[:, 0].to(u.device)
        return generator.act(u, grid, times, epsilon)

    return motion


def measured(runs: Path, preset: Preset, arm: Arm) -> float:
    """The unrolled NMSE of an arm on the boosted test solutions."""
    move = load_treatments()["exact"].moves[0]
    recipe = preset.recipe(arm.equation)
    grid = Grid(int(recipe.grid.points) // preset.stride.space, length=float(recipe.grid.length))
    motion = boosted(Generator(move.generator), grid, move.width)
    model = load_operator(folder_of(runs, preset, arm))
    return float(forecast_errors(runs, preset, arm, model, "cpu", motion).sum(1).mean())


def report(record: dict[str, Any]) -> str:
    """The table as Markdown."""
    lines = ["Rendered from the JSON of the same name; not written by hand.", "", *table(record["rows"]), ""]
    return "\n".join(lines)


def table(rows: list[dict[str, Any]]) -> list[str]:
    """One line a treatment: the error at rest, from the moving frame, and the second over that with the boost."""
    lines = [
        "| shown | test as it is | test boosted | each seed | / with the boost |",
        "| --- | ---: | ---: | --- | ---: |",
    ]
    exact = next((row["boosted"] for row in rows if row["treatment"] == "exact"), None)
    for row in rows:
        share = mean(row["boosted"]) / mean(exact) if exact else None
        seeds = ", ".join(map(measured_text, row["boosted"]))
        cells = [row["meaning"], spread_text(row["nmse"]), spread_text(row["boosted"]), seeds, measured_text(share)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Measures the arms that are trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop", help="laptop, paper, or the path of a file like those")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder for solutions, checkpoints and arms")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    preset = load_preset(arguments.preset)
    rows: dict[tuple[str, int, str], dict[str, Any]] = {}
    for arm in arms_of(preset, "combining"):
        result = result_of(arguments.runs, preset, arm)
        if result is None:
            continue
        meaning = load_treatments()[arm.treatment].meaning
        what = {"equation": arm.equation, "samples": arm.samples, "treatment": arm.treatment, "meaning": meaning}
        empty: dict[str, Any] = {**what, "seeds": [], "nmse": [], "boosted": []}
        row = rows.setdefault((arm.equation, arm.samples, arm.treatment), empty)
        row["seeds"].append(arm.seed)
        row["nmse"].append(result["nmse_unrolled"])
        row["boosted"].append(measured(arguments.runs, preset, arm))
    record = {"rows": list(rows.values())}
    write_rendered(RESULTS / f"moved_test-{preset.name}.json", record, report(record))
    print(report(record))


if __name__ == "__main__":
    main()
