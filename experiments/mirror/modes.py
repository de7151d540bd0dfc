"""How many spectral weights does a Fourier neural operator need, and can training itself take the others away?

    .venv/bin/python -m experiments.mirror.modes                    # 20 CPU-minutes, one thread
    .venv/bin/python -m experiments.mirror.modes --preset paper     # many hours

A Fourier neural operator learns u(0) → u(T) of Burgers' equation. Its spectral weights are products of factors that are
decayed (differentiable constraint by symmetry; Ziyin, ICML 2024), with a unit per Fourier mode or per real number;
what has vanished is made exactly 0, and a second, shorter phase trains the others without the decay. The plain
operator has the same two phases, steps and batches, and is compared as it is, with its smallest weights pruned at the
same share of zeros, and with the second phase after the pruning; and with the second phase after as many of its highest
modes are cut, which asks for knowing that these are the ones to go. The constraint and pruning again with plain weight
decay in all arms, of a strength that is chosen on validation pairs, as κ is.

Expected: at least 60 % of the spectral weights removed, with the output unchanged, and the NMSE on test pairs at most
5 % above that of the plain operator in the mean over three seeds.

Trainings that were ended continue, and those that are there are not repeated: runs/mirror/modes/. Writes
results/modes-<preset>.json and the tables beside it, again after each arm.
"""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from experiments.mirror.modes_arms import ARMS, chosen_decay, constrained, plain, tuned
from experiments.mirror.modes_preset import PRESETS, Preset
from experiments.mirror.modes_table import report
from experiments.preset_command import preset_parser
from experiments.trial_store import run_trials

HERE = Path(__file__).parent
RUNS = HERE.parent.parent / "runs" / "mirror" / "modes"
MATCHED = ("constrained", "pruned", "pruned and tuned", "highest modes cut and tuned")
DECAYED = ("decayed, constrained", "decayed, pruned and tuned")


def keys(preset: Preset) -> list[dict[str, Any]]:
    """All arms: first those without weight decay, seed by seed."""
    found = []
    ladders = {per: preset.strengths(per) for per in ("mode", "part")}
    for alone, arms, rungs in (
        (("plain", "one cycle"), MATCHED, ladders),
        (("decayed",), DECAYED, {"mode": preset.decayed_per_mode}),
    ):
        for seed in preset.seeds:
            found += [{"arm": arm, "per": "", "strength": 0.0, "seed": seed} for arm in alone]
            found += [
                {"arm": arm, "per": per, "strength": strength, "seed": seed}
                for per, strengths in rungs.items()
                for strength in strengths
                for arm in arms
            ]
    return found


def result(preset: Preset, runs: Path, key: dict[str, Any]) -> dict[str, Any]:
    """What an arm gave; it is trained where that is not there."""
    if not key["arm"].startswith("decayed"):
        return ARMS[key["arm"]](preset, key, runs)
    decay = chosen_decay(preset, runs)
    if key["arm"] == "decayed":
        return {**plain(preset, {**key, "strength": decay}, runs), "decay": decay}
    arm = constrained if key["arm"] == "decayed, constrained" else tuned
    return {**arm(preset, key, runs, decay), "decay": decay}


def measured(preset: Preset, path: Path, runs: Path) -> list[dict[str, Any]]:
    """The rows of all arms, written to a file as they come."""
    return run_trials(path, {"settings": asdict(preset)}, keys(preset), partial(result, preset, runs), report)


def main() -> None:
    """All arms of a preset, those that are there taken over."""
    parser = preset_parser(__doc__, PRESETS)
    parser.add_argument("--runs", type=Path, default=RUNS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = HERE / "results" / f"modes-{options.preset}.json"
    measured(PRESETS[options.preset], path, options.runs)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
