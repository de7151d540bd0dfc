"""Can training itself lower the rank of the channel mixing, and do without channels?

    .venv/bin/python -m experiments.mirror.channels                    # three CPU-minutes, one thread
    .venv/bin/python -m experiments.mirror.channels --preset paper     # hours

A Fourier neural operator learns u(0) → u(T) of Burgers' equation with products of matrices in the place of the
matrices W(k) that mix its channels in every Fourier mode, the factors decayed (κ Σ ‖W(k)‖_*, the sum of singular
values), or with a gate on each channel between its layers (κ Σ_c ‖(Sₗ[c], Wₗ[c])‖₂). What has vanished is made exactly
0. The plain operator, trained as long, is cut at the same share: by its smallest singular values, or channels of the
smallest weights.

Expected: at the κ that validation chooses, at least half of the singular values and a quarter of the channels removed
with the output unchanged and a test NMSE at most 5 % above that of the plain operator; the plain operator cut at the
same share is worse.

Trainings that were ended continue: runs/mirror/channels/. Writes results/channels-<preset>.json and the tables beside
it, again after each arm.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from experiments.forecasting.settings import fingerprint
from experiments.mirror.modes_preset import Preset as Operator
from experiments.mirror.modes_table import BAR, UNCHANGED, average, errors, rise
from experiments.mirror.pairs import nmse, pairs, predictions
from experiments.mirror.pruning import cut_smallest
from experiments.preset_command import preset_parser
from experiments.trial_store import run_trials
from experiments.verdict import met
from pdesym.operators.constrained import low_rank_mixing, pruned_channels
from pdesym.report.number_text import given_text, measured_text
from pdesym.symmetry.mirror import ConstraintPenalty, remove
from pdesym.training import train

HERE = Path(__file__).parent
RUNS = HERE.parent.parent / "runs" / "mirror" / "channels"
CONSTRAINTS: dict[str, Callable[..., nn.Module]] = {"ranks": low_rank_mixing, "channels": pruned_channels}
UNITS = {"ranks": "singular values", "channels": "channels"}
LEAST = {"ranks": 0.5, "channels": 0.25}
"""Least share of the units that is to be removed."""


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers.

    Attributes:
        operator: sizes of the operator, its data and its training, of which `steps` and `tuning` make one phase.
        ranks: ladder of κ for the sum of singular values.
        channels: ladder of κ for the gates of channels.
        size: of the factors of what is 0 (`pdesym.symmetry.mirror.constrain`).
        tolerance: units up to this, relative to the largest, are removed.
    """

    operator: Operator
    ranks: tuple[float, ...] = (1e-6, 1e-5, 1e-4)
    channels: tuple[float, ...] = (1e-5, 1e-4, 1e-3)
    size: float = 0.125
    tolerance: float = 1e-4

    def keys(self) -> list[dict[str, Any]]:
        """All arms: what is under the constraint, κ, and the seed."""
        found = []
        for seed in self.operator.seeds:
            found.append({"arm": "plain", "what": "", "strength": 0.0, "seed": seed})
            for what in CONSTRAINTS:
                for strength in getattr(self, what):
                    found += [
                        {"arm": arm, "what": what, "strength": strength, "seed": seed} for arm in ("constrained", "cut")
                    ]
        return found


PRESETS = {
    "laptop": Preset(Operator(points=64, modes=12, width=24, steps=800, tuning=200, seeds=(0, 1, 2))),
    "paper": Preset(Operator(train=4096, test=1024, steps=20_000, tuning=0, width=48, modes=32, batch=32, rate=2e-3)),
}


def result(preset: Preset, runs: Path, key: Mapping[str, Any]) -> dict[str, Any]:
    """What an arm gave; it is trained where that is not there."""
    if key["arm"] == "plain":
        return _scores(preset, _plain(preset, key["seed"], runs))
    if key["arm"] == "constrained":
        return _constrained(preset, key, runs)[1]
    found = _constrained(preset, key, runs)[1]
    model = _plain(preset, key["seed"], runs)
    cut_smallest(CONSTRAINTS[key["what"]](model), found["share"])
    return {**_scores(preset, model), "share": found["share"]}


def measured(preset: Preset, path: Path, runs: Path) -> list[dict[str, Any]]:
    """The rows of all arms, written to a file as they come."""
    return run_trials(path, {"settings": asdict(preset)}, preset.keys(), partial(result, preset, runs), report)


def report(record: Mapping[str, Any]) -> str:
    """The tables, and whether what was expected came."""
    rows, settings = record["rows"], record["settings"]
    plain = found(rows, "plain", "", 0.0)
    sizes = settings["operator"]
    lines = [
        f"{sizes['layers']} layers of {sizes['width']} channels with {sizes['modes']} modes on {sizes['points']} "
        f"points, {sizes['steps']} steps.",
        "",
        f"The plain operator: NMSE ×10⁴ on test pairs, each seed: {errors(plain)}.",
    ]
    for what in CONSTRAINTS:
        lines += [
            "",
            f"| κ, {UNITS[what]} | removed | output changes by | constrained | against plain | plain, cut |",
            "| ---: " * 6 + "|",
        ]
        for strength in settings[what]:
            ours, cut = (found(rows, arm, what, strength) for arm in ("constrained", "cut"))
            if ours:
                change = measured_text(max(row["change"] for row in ours))
                lines.append(
                    f"| {given_text(strength)} | {average(ours, 'share'):.1%} | {change} | {errors(ours)} | "
                    f"{rise(ours, plain):+.1%} | {errors(cut) if cut else ''} |"
                )
    for what in CONSTRAINTS:
        lines += ["", *bars(rows, what, settings[what])]
    return "\n".join(lines) + "\n"


def bars(rows: list[dict[str, Any]], what: str, strengths: list[float]) -> list[str]:
    """What was expected at the κ that validation chooses, and what came."""
    plain = found(rows, "plain", "", 0.0)
    tried = [some for strength in strengths if (some := found(rows, "constrained", what, strength))]
    good = [some for some in tried if rise(some, plain, "validation") <= BAR / 2]
    if not tried:
        return []
    if not good:
        return [f"* No κ of the ladder of {UNITS[what]} is good enough on the validation pairs: **missed**."]
    ours = max(good, key=lambda some: average(some, "share"))
    share, loss, change = average(ours, "share"), rise(ours, plain), max(row["change"] for row in ours)
    reached = share >= LEAST[what] and loss < BAR and change <= UNCHANGED
    cut = found(rows, "cut", what, ours[0]["strength"])
    beside = f" The plain operator cut at the same share: {rise(cut, plain):+.1%}." if cut else ""
    return [
        f"* κ = {given_text(ours[0]['strength'])} by validation: {share:.1%} of the {UNITS[what]} removed, which "
        f"changes the output by {measured_text(change)}, and a test NMSE {loss:+.1%} from that of the plain operator; "
        f"expected at least {LEAST[what]:.0%}, at most {measured_text(UNCHANGED)} and less than {BAR:+.0%}: "
        f"{met(reached)}.{beside}"
    ]


def found(rows: list[dict[str, Any]], arm: str, what: str, strength: float) -> list[dict[str, Any]]:
    """The rows of an arm, one a seed."""
    return [row for row in rows if (row["arm"], row["what"], row["strength"]) == (arm, what, strength)]


def _plain(preset: Preset, seed: int, runs: Path) -> nn.Module:
    model = preset.operator.operator(seed).build()
    _train(preset, model, {"arm": "plain", "seed": seed}, runs, None)
    return model


def _constrained(preset: Preset, key: Mapping[str, Any], runs: Path) -> tuple[nn.Module, dict[str, Any]]:
    model = CONSTRAINTS[key["what"]](preset.operator.operator(key["seed"]).build(), size=preset.size)
    _train(preset, model, {**key, "arm": "constrained"}, runs, ConstraintPenalty(key["strength"]))
    validation = pairs(preset.operator, "validation")
    before = predictions(model, validation)
    tensors = _distinct(remove(model, preset.tolerance).tensors)
    change = float((predictions(model, validation) - before).norm() / before.norm())
    share = sum(each.removed for each in tensors) / sum(each.units for each in tensors)
    left = [each.units - each.removed for each in tensors]
    return model, {**_scores(preset, model), "share": share, "change": change, "left": left}


def _distinct(tensors: Mapping[str, Any]) -> list[Any]:
    """The removed units of each tensor; of tensors that share gates, of the first alone."""
    return [each for name, each in tensors.items() if "fno_skips" not in name]


def _train(
    preset: Preset, model: nn.Module, key: Mapping[str, Any], runs: Path, penalty: ConstraintPenalty | None
) -> None:
    operator = preset.operator
    name = "-".join(f"{value:g}" if isinstance(value, float) else str(value) for value in key.values())
    folder = runs / fingerprint({**asdict(operator), "seeds": None}) / name
    train(model, pairs(operator, "train"), operator.whole(key["seed"]), folder, penalty=penalty, progress=False)


def _scores(preset: Preset, model: nn.Module) -> dict[str, float]:
    return {split: nmse(model, pairs(preset.operator, split)) for split in ("train", "validation", "test")}


def main() -> None:
    """All arms of a preset, those that are there taken over."""
    parser = preset_parser(__doc__, PRESETS)
    parser.add_argument("--runs", type=Path, default=RUNS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = HERE / "results" / f"channels-{options.preset}.json"
    measured(PRESETS[options.preset], path, options.runs)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
