"""The loop: discover the symmetries of trained operators, enforce and promote what was found, train again, test beyond.

    .venv/bin/python -m experiments.unified.loop        # half an hour on two cores

Three plain networks learn u(0) → u(T) of an equation from pairs whose fields have means. The vector fields
(a + b t) ∂_x + (c + d t + e u) ∂_u that they have as symmetries are discovered from the networks alone, their
disagreement being the measure of their error. The generators that move u in the first of them that is free of doubt are
then enforced, with the coefficients that were found, and in other networks promoted. These learn from the same pairs,
and all are tested on boosts that no pair shows. Expected: t ∂_x + ∂_u up to a few hundredths, nothing else beside ∂_x,
and an error beyond the data that is several times lower. Beside each equation stands the same with a drag −γ u, of
which the boost is no symmetry, but exp(−γ t) ∂_u + (1 − exp(−γ t))/γ ∂_x is: the library holds it to first order.
Generators that cannot be enforced together end in a note of that.

Repeating the command continues. Writes results/loop-<preset>.json and the table beside it.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import sympy
import torch
from torch import Tensor, nn

from experiments.unified.operators import RUNS
from experiments.unified.operators_arm import (
    PRESETS,
    SEEN,
    Arm,
    Preset,
    folder_of,
    operator_of,
    pairs_of,
    promotion_of,
    result_of,
    train_and_score,
    training_of,
)
from experiments.unified.operators_problem import PROBLEMS
from experiments.unified.operators_table import loop_report
from pdesym.operators import enforce, load_operator
from pdesym.report.rendered import write_rendered
from pdesym.symmetry import Generator, Library
from pdesym.symmetry.discover import Discovery, discover_alike
from pdesym.training import Training, train_in_parallel

HERE = Path(__file__).parent
FIELDS = 32
WAYS = ("enforced as found", "promoted as found")


def library() -> Library:
    """(a + b t) ∂_x + (c + d t + e u) ∂_u: what moves frames as a whole, and can be enforced."""
    t, u = (sympy.Symbol(name, real=True) for name in "tu")
    one = sympy.Integer(1)
    return Library(("x",), ("u",), ((0, one), (0, t), (2, one), (2, t), (2, u)))


def plain_arms(preset: Preset, problem: str, breaking: float) -> list[Arm]:
    """The networks that are asked."""
    return [Arm(problem, breaking, True, "plain", preset.samples[-1], seed) for seed in preset.seeds]


def discovered(runs: Path, preset: Preset, problem: str, breaking: float) -> tuple[Discovery, ...]:
    """The symmetries of each of the trained networks, the others beside it."""
    operators: dict[str, Callable[[Tensor], Tensor]] = {}
    for arm in plain_arms(preset, problem, breaking):
        model = load_operator(folder_of(runs, preset, arm)).double()
        operators[arm.name] = partial(_on_fields, model)
    what = PROBLEMS[problem]
    u, _ = what.pairs(breaking, FIELDS, test=True, least=0.0, most=SEEN)
    return discover_alike(operators, u, what.grid, library(), step=what.duration, horizons=(1,))


def _on_fields(model: nn.Module, u: Tensor) -> Tensor:
    value: Tensor = model(u.unsqueeze(1)).squeeze(1)
    return value


def moving(found: Discovery) -> tuple[Generator, ...]:
    """The generators found that move u; a network without coordinates has ∂_x already."""
    return tuple(generator for generator in found.generators if any(phi != 0 for phi in generator.phi))


def again_folder(runs: Path, preset: Preset, arm: Arm) -> Path:
    """Of a network that has, or is asked to have, what was found in one like it."""
    return folder_of(runs, preset, replace(arm, way=arm.way.replace(" ", "-")))


def train_again(runs: Path, preset: Preset, arm: Arm, texts: tuple[str, ...]) -> None:
    """One network with the generators found, and what it is worth."""
    torch.set_num_threads(1)
    problem, generators = PROBLEMS[arm.problem], tuple(map(Generator, texts))
    pairs = pairs_of(problem, arm, "cpu")
    model: nn.Module = operator_of(problem, preset, replace(arm, way="plain"))
    penalty = None
    if arm.way == WAYS[0]:
        model = enforce(model, generators, problem.grid, [0.0], [problem.duration])
    else:
        penalty = promotion_of(problem, preset, arm, pairs, generators)
    train_and_score(again_folder(runs, preset, arm), preset, arm, model, pairs, penalty=penalty)


def refused(preset: Preset, problem: str, texts: Sequence[str]) -> str | None:
    """Why the generators cannot be enforced together, None where they can."""
    what = PROBLEMS[problem]
    network = operator_of(what, preset, Arm(problem, 0.0, True, "plain", 1, 0))
    try:
        enforce(network, [Generator(text) for text in texts], what.grid, [0.0], [what.duration])
    except ValueError as error:
        return str(error)
    return None


def row_of(runs: Path, preset: Preset, problem: str, breaking: float) -> dict[str, Any]:
    """One turn of the loop."""
    todo = [arm for arm in plain_arms(preset, problem, breaking) if result_of(runs, preset, arm) is None]
    train_in_parallel([training_of(runs, preset, arm, "cpu") for arm in todo])
    found = discovered(runs, preset, problem, breaking)
    agreed = [each for each in found if not each.flags]
    generators = [moving(each) for each in agreed]
    row: dict[str, Any] = {
        "problem": problem,
        "breaking": breaking,
        "found": [[generator.text for generator in each.generators] for each in found],
        "flags": [list(each.flags) for each in found],
        "singular_values": [each.spectrum.singular_values.tolist() for each in found],
        "taken": [generator.text for generator in generators[0]] if generators else [],
        "plain": [result_of(runs, preset, arm) for arm in plain_arms(preset, problem, breaking)],
    }
    if row["taken"] and (refusal := refused(preset, problem, row["taken"])):
        row |= {"refused": refusal, "taken": []}
    if row["taken"]:
        arms = [replace(arm, way=way) for way in WAYS for arm in plain_arms(preset, problem, breaking)]
        work = [
            Training(
                arm.name,
                again_folder(runs, preset, arm),
                preset.steps,
                partial(train_again, runs, preset, arm, tuple(row["taken"])),
            )
            for arm in arms
            if not (again_folder(runs, preset, arm) / "scores.json").exists()
        ]
        train_in_parallel(work)
        for way in WAYS:
            files = [again_folder(runs, preset, arm) / "scores.json" for arm in arms if arm.way == way]
            row[way] = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return row


def main() -> None:
    """Every equation, as it is and with the drag."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop", choices=tuple(PRESETS))
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder for checkpoints and scores")
    arguments = parser.parse_args()
    preset = PRESETS[arguments.preset]
    cases = [(problem, breaking) for problem in PROBLEMS for breaking in (0.0, preset.broken)]
    record = {"preset": arguments.preset, "rows": [row_of(arguments.runs, preset, *case) for case in cases]}
    write_rendered(HERE / "results" / f"loop-{arguments.preset}.json", record, loop_report(record))
    print(loop_report(record))


if __name__ == "__main__":
    main()
