"""Inputs, outcomes and what three arms give, for the picture of the page.

    .venv/bin/python -m experiments.relaxed.examples --preset laptop    # 2 CPU-minutes, one thread

Trains the strict, the noise and the relaxed arm of each problem once more, with the first seed of the studies and the
level of the noise that these chose, and keeps one test input of each. What is there is not repeated. Writes
results/examples.json.
"""

import argparse
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from experiments.relaxed.problems import PROBLEMS, TITLES
from experiments.relaxed.scores import rounded, with_noise
from experiments.relaxed.study import PRESETS, Preset, datasets, trained
from experiments.relaxed.study_table import chosen, of
from experiments.trial_store import Key, run_trials

HERE = Path(__file__).parent
STUDIES = ("bifurcation", "inverse", "super_resolution")
SHOWN = ("strict", "noise", "relaxed")
PLACE = {"allen_cahn": 40, "swift_hohenberg": 40, "folded_burgers": 40, "coarse_energy": 40}
"""Which of the test inputs."""


def trial(preset: Preset, levels: Mapping[str, float], key: Key) -> dict[str, Any]:
    """The outputs of the arms on one input."""
    name = key["problem"]
    training, _, test = datasets(preset, name)
    index = torch.tensor([PLACE[name]])
    pairs = test.symmetric.gather(index, index)
    outputs = {}
    for arm in SHOWN:
        level = levels[name] if arm == "noise" else 0.0
        model = trained(preset, {"problem": name, "arm": arm, "seed": preset.seeds[0], "level": level}, training)
        u = pairs.single().u_in
        rng = torch.Generator().manual_seed(preset.seeds[0])
        with torch.no_grad():
            outputs[arm] = model.eval()(with_noise(u, rng) if arm == "noise" else u)[0, 0, 0]
    x = PROBLEMS[name].grid.coordinates()[0]
    fields = {"x": x, "input": pairs.x[0, -1], "outcome": pairs.y[0, 0], "orbit": pairs.u_out[0, :, 0].mean(0)}
    return {
        "order": int(pairs.order[0]),
        **{field: [rounded(value) for value in values] for field, values in fields.items()},
        "outputs": {arm: [rounded(value) for value in values] for arm, values in outputs.items()},
    }


def chosen_levels(preset: str) -> dict[str, float]:
    """Of the noise, by problem."""
    levels = {}
    for study in STUDIES:
        path = HERE / "results" / f"{study}-{preset}.json"
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        for name in {row["problem"] for row in rows}:
            levels[name] = of(chosen([row for row in rows if row["problem"] == name]), "noise")[0]["level"]
    return levels


def report(record: Mapping[str, Any]) -> str:
    """What was kept."""
    lines = [
        f"* {TITLES[row['problem']]}: an input with a stabiliser of order {row['order']}" for row in record["rows"]
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Those that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop", choices=tuple(PRESETS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    levels, keys = chosen_levels(arguments.preset), [{"problem": name} for name in PROBLEMS]
    path = HERE / "results" / "examples.json"
    run_trials(path, {"preset": arguments.preset}, keys, partial(trial, PRESETS[arguments.preset], levels), report)


if __name__ == "__main__":
    main()
