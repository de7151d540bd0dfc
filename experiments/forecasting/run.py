"""Runs the arms of a script and gathers what they gave; the same call continues what was ended."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.forecasting.arms import METRIC, Arm, arms_of, result_of, training_of
from experiments.forecasting.data import solve_all
from experiments.forecasting.settings import Preset, load_preset, load_treatments
from experiments.forecasting.table import report
from pdesym.report.rendered import write_rendered
from pdesym.training import train_in_parallel

RUNS = Path(__file__).parent.parent.parent / "runs" / "forecasting"


def main(script: str, results: Path, description: str | None) -> None:
    """The command of a script: runs its arms and writes <results>/<script>-<preset>.json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop", help="laptop, paper, or the path of a file like those")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--workers", type=int, help="arms at a time; by default one a processor, one on a GPU")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder for solutions, checkpoints and arms")
    arguments = parser.parse_args()
    preset = load_preset(arguments.preset)
    arms = arms_of(preset, script)
    run_arms(arguments.runs, preset, arms, arguments.device, arguments.workers)
    record = gathered(arguments.runs, preset, arms)
    path = results / f"{script}-{preset.name}.json"
    write_rendered(path, record, report(record))
    print(report(record))


def run_arms(runs: Path, preset: Preset, arms: Iterable[Arm], device: str = "cpu", workers: int | None = None) -> None:
    """Solves, trains and scores what is not there yet."""
    todo = [arm for arm in arms if result_of(runs, preset, arm) is None]
    print(f"{preset.name}: {len(todo)} arms to train, into {runs}", file=sys.stderr, flush=True)
    solve_all(runs, preset, dict.fromkeys(arm.equation for arm in todo), workers or os.cpu_count() or 1)
    at_a_time = workers or (1 if device == "cuda" else None)
    train_in_parallel([training_of(runs, preset, arm, device) for arm in todo], at_a_time)


def gathered(runs: Path, preset: Preset, arms: Iterable[Arm]) -> dict[str, Any]:
    """What the arms gave that are done: a row for each equation, number of trajectories and treatment."""
    rows: dict[tuple[str, int, str], dict[str, Any]] = {}
    meanings = {name: treatment.meaning for name, treatment in load_treatments().items()}
    for arm in arms:
        result = result_of(runs, preset, arm)
        if result is None:
            continue
        row = rows.setdefault(
            (arm.equation, arm.samples, arm.treatment),
            {
                "equation": arm.equation,
                "samples": arm.samples,
                "treatment": arm.treatment,
                "meaning": meanings[arm.treatment],
                "steps": result["steps"],
                "parameters": result["parameters"],
                "seeds": [],
                "nmse": [],
                "nmse_first_block": [],
                "train_seconds": [],
            },
        )
        row["seeds"].append(arm.seed)
        row["nmse"].append(result["nmse_unrolled"])
        row["nmse_first_block"].append(result["nmse_first_block"])
        row["train_seconds"].append(result["train_seconds"])
        if "learned" in result:
            row.setdefault("learned", []).append(result["learned"])
    settings = preset.model_dump(mode="json", exclude={"plans"})
    return {"metric": METRIC, "preset": settings, "rows": list(rows.values())}
