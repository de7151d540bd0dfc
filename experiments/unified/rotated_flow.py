"""Does an operator that commutes with quarter turns predict flows that are turned as well as those it learned?

    .venv/bin/python -m experiments.unified.rotated_flow                               # 25 CPU-minutes, one thread
    .venv/bin/python -m experiments.unified.rotated_flow --preset paper --device cuda  # hours

After Helwig et al., Group Equivariant Fourier Neural Operators for Partial Differential Equations (ICML 2023). Fourier
neural operators and group-equivariant ones of equally many parameters learn one unit of time of the unforced
Navier-Stokes equations from shear layers along x that roll up. They are tested on other such flows, and on the same
flows turned by 90 degrees, whose solutions are the turned solutions.

Expected: turning changes the error of the equivariant operators by round-off, and at least doubles that of the plain
one; on flows as in training they are no worse than it.

The plain operator is also averaged over the quarter turns after its training, which makes it commute with them too.

Each operator takes the learning rate, of the same few, that is best on validation trajectories for the first seed. A
training that was ended continues, one that is there is not repeated: runs/unified/rotated_flow/<preset>/. Writes
results/rotated_flow.json and the table results/rotated_flow.md, again after each operator.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from experiments.benchmarks.speed.machine import facts
from experiments.unified.rotated_flow_arm import Arm, averaged_result_of, chosen_rates, result_of, step_seconds
from experiments.unified.rotated_flow_data import NOISE, VISCOSITY, turning_defect
from experiments.unified.rotated_flow_preset import PRESETS, Preset
from experiments.verdict import met
from pdesym.operators.group_fourier import PlaneGroup
from pdesym.report.atomic import write_atomically
from pdesym.report.number_text import measured_text

GROUPS = tuple(PlaneGroup.ORDERS)
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NAMES = {
    "fno": "FNO",
    "averaged": "the same FNO, averaged over quarter turns",
    "p4": "equivariant, quarter turns (p4)",
    "p4m": "equivariant, mirrors too (p4m)",
}


def gathered(preset: Preset, runs: Path, device: str = "cpu", progress: bool = True) -> Iterator[dict[str, Any]]:
    """All runs of a preset so far, again after each operator; those that are missing are trained."""
    written: dict[str, Any] = {
        "settings": {**asdict(preset), "viscosity": VISCOSITY, "noise": NOISE},
        "rates": {},
        "step_seconds": {},
        "turning_defect_of_the_solver": turning_defect(preset),
        "device": device,
        "machine": facts(),
        "runs": [],
    }
    for operator, _ in preset.widths:
        tried = [
            _told(result_of(preset, Arm(operator, rate, preset.seeds[0]), runs, device, progress))
            for rate in preset.rates
        ]
        rate = chosen_rates(tried)[operator]
        others = [
            _told(result_of(preset, Arm(operator, rate, seed), runs, device, progress)) for seed in preset.seeds[1:]
        ]
        written["rates"][operator] = rate
        written["step_seconds"][operator] = step_seconds(preset, operator, device)
        written["runs"] += tried + others
        if operator == "fno":
            written["rates"]["averaged"] = rate
            written["runs"] += [
                _told(averaged_result_of(preset, Arm(operator, rate, seed), runs, device)) for seed in preset.seeds
            ]
        yield written


def _told(result: dict[str, Any]) -> dict[str, Any]:
    error = {name: scores["one_step"] for name, scores in result["test"].items()}
    print(
        f"{result['operator']}, learning rate {result['rate']:g}, seed {result['seed']}: validation "
        f"{result['validation']:.4f}, test {error['as_trained']:.4f}, turned {error['turned']:.4f}, "
        f"{result['train_seconds']:.0f} s",
        flush=True,
    )
    return result


def report(written: Mapping[str, Any]) -> str:
    """The table of errors, and whether what was expected came."""
    rows = {name: _chosen(written, name) for name in written["rates"]}
    lines = [
        "| operator | parameters | CPU-s a step | one step | one step, turned | forecast | forecast, turned |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, runs in rows.items():
        errors = [
            " ".join(measured_text(run["test"][test][score]) for run in runs)
            for score in ("one_step", "forecast")
            for test in ("as_trained", "turned")
        ]
        seconds = f"{written['step_seconds'][name]:.3f}" if name in written["step_seconds"] else ""
        lines.append(f"| {NAMES[name]} | {runs[0]['parameters']:,} | {seconds} | {' | '.join(errors)} |")
    settings = written["settings"]
    lines += [
        "",
        "Relative L2 errors on the test trajectories, one number for each seed: of one unit of time, and of forecasts "
        f"of {settings['blocks']} units, the mean over the frames. Turned solutions and solutions of turned fields "
        f"differ by {measured_text(written['turning_defect_of_the_solver'])}.",
        "",
        *_bars(rows),
    ]
    return "\n".join(lines) + "\n"


def _chosen(written: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The runs of an operator at its learning rate, by seed."""
    return [run for run in written["runs"] if (run["operator"], run["rate"]) == (name, written["rates"][name])]


def _bars(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    plain = [run["test"] for run in rows["fno"]]
    worse = min(test["turned"]["one_step"] / test["as_trained"]["one_step"] for test in plain)
    bars = [
        f"* Turning multiplies the error of the FNO by {worse:.2f} or more, expected at least 2: {met(worse >= 2)}."
    ]
    for name, runs in rows.items():
        if name not in GROUPS:
            continue
        tests = [run["test"] for run in runs]
        change = max(abs(test["turned"]["one_step"] / test["as_trained"]["one_step"] - 1) for test in tests)
        ratios = [
            test["as_trained"]["one_step"] / other["as_trained"]["one_step"]
            for test, other in zip(tests, plain, strict=True)
        ]
        bars += [
            f"* Turning changes the error of {name} by {measured_text(change)} of it, expected at most 1e-3: "
            f"{met(change <= 1e-3)}.",
            f"* Without turning, the error of {name} is {', '.join(f'{ratio:.2f}' for ratio in ratios)} of that of the "
            f"FNO, expected at most 1 in the mean: {met(mean(ratios) <= 1)}.",
        ]
    return bars


def main() -> None:
    """All runs of a preset, those that are there taken over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="laptop")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "unified" / "rotated_flow")
    options = parser.parse_args()
    torch.set_num_threads(1)
    name = "rotated_flow" if options.preset == "laptop" else f"rotated_flow-{options.preset}"
    for written in gathered(PRESETS[options.preset], options.runs / options.preset, options.device):
        write_atomically(HERE / "results" / f"{name}.json", (json.dumps(written, indent=1) + "\n").encode())
        write_atomically(HERE / "results" / f"{name}.md", report(written).encode())
    print(report(written))


if __name__ == "__main__":
    main()
