"""Do noise and weight decay make products sparse and of low rank, and sums not?

    .venv/bin/python -m experiments.mirror.linear                   # half a CPU-minute, one thread
    .venv/bin/python -m experiments.mirror.linear --preset paper    # half an hour

After Ziyin, Symmetry Induces Structure and Constraint of Learning (ICML 2024), figure 1. SGD with one fresh sample a
step fits a linear regression with coefficients w = u ⊙ v, whose mirrors (1, ±1)/√2 have u = v = 0 as fixed points, and
with w itself; and a matrix W = U V, whose mirrors are U n = 0, nᵀV = 0, and W = (I + U)(I + V), with residual
connections. The noise of the labels or the weight decay grows.

Expected: with either, more coefficients of the product vanish, none of w itself, and whether one does is what the sign
of its exponent E log|1 − λ(ξ + 2γ)| says, for at least 90 % of them; the rank of U V falls with either. Residual
connections keep the rank under weight decay. They cannot keep it under noise alone: without decay SGD on I + U is SGD
on U from another start, so that the symmetry is moved, not removed.

Writes results/linear-<preset>.json and the tables beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from experiments.mirror.linear_models import collapse_exponents, factorisations, regressions, true_coefficients
from experiments.mirror.linear_preset import PRESETS, Preset
from experiments.preset_command import chosen_preset
from experiments.trial_store import find, run_trials
from experiments.verdict import met
from pdesym.report.number_text import given_text

HERE = Path(__file__).parent
KEYS = (
    {"model": "regression", "form": "product"},
    {"model": "regression", "form": "plain"},
    {"model": "factorisation", "form": "product"},
    {"model": "factorisation", "form": "residual"},
)
AGREEMENT = 0.9


def result(preset: Preset, key: Mapping[str, Any]) -> dict[str, Any]:
    """What SGD ends with at each setting: shares of vanished coefficients, or ranks of each seed."""
    if key["model"] == "factorisation":
        values = factorisations(preset, float(key["form"] == "residual"))
        return {"ranks": (values > preset.zero).sum(-1).tolist(), "values": values.mean(1).tolist()}
    symmetric = key["form"] == "product"
    coefficients = regressions(preset, symmetric)
    gone, needed = coefficients.abs() < preset.zero, true_coefficients(preset) != 0
    found = {
        "gone": gone.double().mean(-1).tolist(),
        "gone_of_zero": gone[..., ~needed].double().mean((1, 2)).tolist(),
        "gone_of_others": gone[..., needed].double().mean((1, 2)).tolist(),
    }
    if not symmetric:
        return found
    predicted = collapse_exponents(preset, coefficients) < 0
    return {**found, "agreement": (predicted == gone).double().mean((1, 2)).tolist()}


def measured(preset: Preset, path: Path) -> list[dict[str, Any]]:
    """The four models, written to a file as they come."""
    return run_trials(path, {"settings": asdict(preset)}, KEYS, partial(result, preset), report)


def settings_of(record: Mapping[str, Any]) -> list[tuple[float, float]]:
    """All (σ, 2γ) of a record."""
    stored = record["settings"]
    return [(noise, 0.0) for noise in stored["noises"]] + [(stored["noises"][0], each) for each in stored["decays"]]


def report(record: Mapping[str, Any]) -> str:
    """The tables, and whether what was expected came."""
    rows = [find(record["rows"], key) for key in KEYS]
    if any(row is None for row in rows):
        return "Not all models are measured yet.\n"
    product, plain, matrix, residual = (row for row in rows if row is not None)
    lines = [
        "| noise σ | weight decay 2γ | vanished of w = u ⊙ v | of those that are 0 in truth | of the others | with the "
        "fate that the sign of the exponent says | vanished of w itself | rank of U V | of (I + U)(I + V) |",
        "| ---: " * 9 + "|",
    ]
    for index, (noise, decay) in enumerate(settings_of(record)):
        lines.append(
            f"| {given_text(noise)} | {given_text(decay)} | {_mean(product['gone'][index]):.0%} | "
            f"{product['gone_of_zero'][index]:.0%} | {product['gone_of_others'][index]:.0%} | "
            f"{product['agreement'][index]:.0%} | {_mean(plain['gone'][index]):.0%} | "
            f"{_mean(matrix['ranks'][index]):.1f} | {_mean(residual['ranks'][index]):.1f} |"
        )
    return "\n".join([*lines, "", *bars(record)]) + "\n"


def bars(record: Mapping[str, Any]) -> list[str]:
    """What was expected, and what came."""
    product, plain, matrix, residual = (row for key in KEYS if (row := find(record["rows"], key)) is not None)
    noises, size = len(record["settings"]["noises"]), record["settings"]["size"]
    ladders = (list(range(noises)), [0, *range(noises, len(product["gone"]))])
    shares, ranks, left = (
        [[_mean(row[name][index]) for index in ladder] for ladder in ladders]
        for row, name in ((product, "gone"), (matrix, "ranks"), (residual, "ranks"))
    )
    agreement = _mean(product["agreement"])
    return [
        f"* More coefficients vanish at every step up the ladder of noise: {met(_grows(shares[0]))}. Of weight decay: "
        f"{met(_grows(shares[1]))}. None of w itself: {met(not any(map(any, plain['gone'])))}.",
        f"* The signs of the exponents say it of {agreement:.1%} of the coefficients, expected at least "
        f"{AGREEMENT:.0%}: {met(agreement >= AGREEMENT)}.",
        f"* The rank of U V falls from {ranks[0][0]:.1f} to {ranks[0][-1]:.1f} with noise and to {ranks[1][-1]:.1f} "
        f"with weight decay: {met(ranks[0][-1] < ranks[0][0] and ranks[1][-1] < ranks[1][0])}.",
        f"* With residual connections it is {left[1][-1]:.1f} of {size} under the strongest decay, expected {size}: "
        f"{met(left[1][-1] == size)}. Under the strongest noise it is {left[0][-1]:.1f}, where that of U V is "
        f"{ranks[0][-1]:.1f}.",
    ]


def _grows(numbers: Sequence[float]) -> bool:
    return all(after >= before for before, after in pairwise(numbers)) and numbers[-1] > numbers[0]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def main() -> None:
    """All models of a preset, those that are there taken over."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / f"linear-{name}.json"
    measured(preset, path)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
