"""Do data say which symmetries hold, when a gate for each candidate may close?

    .venv/bin/python -m experiments.mirror.gates                    # three CPU-minutes, one thread
    .venv/bin/python -m experiments.mirror.gates --preset paper     # an hour

A step of a reaction-diffusion equation is learned as a matrix on polynomials of the field at every point. Three
symmetries are candidates, translation by a cell, x ↦ −x and u ↦ −u, each the constraint that `pdesym.symmetry.enforce`
states for the matrix; a gate times what violates it is decayed with the rest, κ Σ_j ‖O_jᵀ W‖ in all. In five problems
it is known which of the three hold. What has closed is made exact, and a second phase trains the matrix within the
symmetries that were found, without the decay.

Expected: at κ = 0.4, chosen on other seeds, every gate closes where its symmetry holds and stays open where it is
broken, for every seed; without decay none closes; and the second phase has a smaller error on new fields than least
squares without symmetries wherever one holds.

Writes results/gates-<preset>.json and the tables beside it, again after each run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.mirror.gates_problems import PROBLEMS, SYMMETRIES, Problem, candidates, fields, polynomials, step
from experiments.preset_command import chosen_preset
from experiments.trial_store import run_trials
from experiments.verdict import met
from pdesym.report.number_text import given_text, measured_text
from pdesym.symmetry.mirror import CandidateSymmetry, gate_symmetries, optimiser_groups, removable, remove

HERE = Path(__file__).parent
NEW = 1000
"""Added to a seed for the fields of the test."""


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers, apart from problem, strength and seed.

    Attributes:
        points: of the grid.
        waves: highest wavenumber of the fields.
        samples: fields to train on.
        test: fields that are scored.
        noise: standard deviation added to the change of u, relative to its own.
        duration: of a step.
        steps: of gradient descent with gates.
        tuning: of gradient descent within the symmetries that were found.
        rate: learning rate.
        strength: κ that is expected to be right.
        strengths: ladder of κ.
        seeds: of fields and noise.
    """

    points: int = 12
    waves: int = 3
    samples: int = 600
    test: int = 500
    noise: float = 0.1
    duration: float = 0.2
    steps: int = 500
    tuning: int = 150
    rate: float = 0.15
    strength: float = 0.4
    strengths: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6)
    seeds: tuple[int, ...] = (10, 11, 12)


PRESETS = {"laptop": Preset(), "paper": Preset(points=24, waves=6, samples=2400, steps=2000, tuning=1000)}


@dataclass(frozen=True, eq=False)
class Pairs:
    """Polynomials of fields, and the changes of the fields divided by their root mean square."""

    inputs: Float[Tensor, "sample inputs"]
    changes: Float[Tensor, "sample points"]

    def error(self, weight: Float[Tensor, "points inputs"]) -> float:
        """‖X Wᵀ − Y‖/‖Y‖, dimensionless."""
        return float((self.inputs @ weight.T - self.changes).norm() / self.changes.norm())


class Step(nn.Module):
    """polynomials ↦ change of u, a matrix.

    Args:
        weight: its initial value.
    """

    def __init__(self, weight: Float[Tensor, "points inputs"]):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, inputs: Float[Tensor, "sample inputs"]) -> Float[Tensor, "sample points"]:
        """The changes."""
        return inputs @ self.weight.T


@cache
def known_candidates(points: int) -> list[CandidateSymmetry]:
    """The candidates on a grid, made once."""
    return candidates(points)


def result(preset: Preset, key: Mapping[str, Any]) -> dict[str, Any]:
    """Which gates closed, and errors on new fields."""
    problem = next(problem for problem in PROBLEMS if problem.name == key["problem"])
    shown, new = data(preset, problem, key["seed"])
    listed = known_candidates(preset.points)
    model = gate_symmetries(Step(shown.inputs.new_zeros(preset.points, shown.inputs.shape[1])), "weight", listed)
    _descend(preset, model, shown, optimiser_groups(model, key["strength"]), preset.steps)
    closed = removable(model)["weight"].gone.tolist()
    remove(model)
    gated = model.weight.detach().clone()

    def within(gradient: Tensor) -> Tensor:
        for candidate, is_closed in zip(listed, closed, strict=True):
            gradient = candidate.kept(gradient) if is_closed else gradient
        return gradient

    model.weight.register_hook(within)
    _descend(preset, model, shown, list(model.parameters()), preset.tuning)
    weight = model.weight.detach()
    free = torch.linalg.lstsq(shown.inputs, shown.changes, rcond=1e-10, driver="gelsd").solution.T
    return {
        "closed": closed,
        "holds": list(problem.holds),
        "right": [is_closed == holds for is_closed, holds in zip(closed, problem.holds, strict=True)],
        "violations": [candidate.violation(weight) for candidate in listed],
        "violations_of_least_squares": [candidate.violation(free) for candidate in listed],
        "test": {"gated": new.error(gated), "second phase": new.error(weight), "least squares": new.error(free)},
    }


def data(preset: Preset, problem: Problem, seed: int) -> tuple[Pairs, Pairs]:
    """The pairs to train on, with noise, and new ones without."""
    found = []
    for samples, number in ((preset.samples, seed), (preset.test, seed + NEW)):
        u = fields(samples, preset.points, preset.waves, number)
        found.append((polynomials(u), step(problem, u, preset.duration) - u))
    size = found[0][1].square().mean().sqrt()
    (inputs, changes), (new_inputs, new_changes) = found
    rng = torch.Generator().manual_seed(seed)
    noise = preset.noise * torch.randn(changes.shape, generator=rng, dtype=changes.dtype)
    return Pairs(inputs, changes / size + noise), Pairs(new_inputs, new_changes / size)


def _descend(preset: Preset, model: nn.Module, shown: Pairs, parameters: Any, steps: int) -> None:
    optimiser = torch.optim.SGD(parameters, lr=preset.rate)
    for _ in range(steps):
        optimiser.zero_grad()
        (0.5 * (model(shown.inputs) - shown.changes).square().sum(1).mean()).backward()
        optimiser.step()


def keys(preset: Preset) -> list[dict[str, Any]]:
    """All runs, those at the expected strength first."""
    strengths = sorted(preset.strengths, key=lambda strength: strength != preset.strength)
    return [
        {"problem": problem.name, "strength": strength, "seed": seed}
        for strength in strengths
        for seed in preset.seeds
        for problem in PROBLEMS
    ]


def measured(preset: Preset, path: Path) -> list[dict[str, Any]]:
    """The rows of all runs, written to a file as they come."""
    return run_trials(path, {"settings": asdict(preset)}, keys(preset), partial(result, preset), report)


def report(record: Mapping[str, Any]) -> str:
    """The tables, and whether what was expected came."""
    rows, settings = record["rows"], record["settings"]
    strength = settings["strength"]
    lines = [
        f"| step of, κ = {given_text(strength)} | {' | '.join(f'{name} closed' for name in SYMMETRIES)} | error with "
        "gates | second phase | least squares |",
        "| --- " + "| ---: " * 6 + "|",
    ]
    for name in dict.fromkeys(row["problem"] for row in rows):
        some = [row for row in rows if (row["problem"], row["strength"]) == (name, strength)]
        gates = [
            f"{sum(row['closed'][number] for row in some)} of {len(some)}, {'holds' if holds else 'broken'}"
            for number, holds in enumerate(some[0]["holds"])
        ]
        errors = [measured_text(mean(row["test"][which] for row in some)) for which in some[0]["test"]]
        lines.append(f"| {name} | {' | '.join(gates)} | {' | '.join(errors)} |")
    lines += ["", "| κ | gates that are right | closed where it holds | open where it is broken |", "| ---: " * 4 + "|"]
    for each in settings["strengths"]:
        some = [row for row in rows if row["strength"] == each]
        if some:
            lines.append(
                f"| {given_text(each)} | {' | '.join(_counted(some, which) for which in (None, True, False))} |"
            )
    return "\n".join([*lines, "", *bars(record)]) + "\n"


def bars(record: Mapping[str, Any]) -> list[str]:
    """What was expected, and what came."""
    rows, strength = record["rows"], record["settings"]["strength"]
    ours = [row for row in rows if row["strength"] == strength]
    plain = [row for row in rows if row["strength"] == 0]
    helped = [row for row in ours if any(row["holds"])]
    ratios = [row["test"]["second phase"] / row["test"]["least squares"] for row in helped]
    lines = [
        f"* At κ = {given_text(strength)} {_counted(ours, None)} gates are right, expected all: "
        f"{met(all(all(row['right']) for row in ours))}.",
        f"* Where a symmetry holds, the error of the second phase is {min(ratios):.2f} to {max(ratios):.2f} of that of "
        f"least squares without symmetries, expected below 1: {met(max(ratios) < 1)}.",
    ]
    if plain:
        closed = sum(sum(row["closed"]) for row in plain)
        lines.append(f"* Without decay {closed} gates close, expected none: {met(closed == 0)}.")
    return lines


def _counted(rows: Sequence[Mapping[str, Any]], holds: bool | None) -> str:
    right = [
        is_right
        for row in rows
        for is_right, really in zip(row["right"], row["holds"], strict=True)
        if holds is None or really == holds
    ]
    return f"{sum(right)} of {len(right)}"


def main() -> None:
    """All runs of a preset, those that are there taken over."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / f"gates-{name}.json"
    measured(preset, path)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
