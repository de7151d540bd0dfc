"""Are the outcomes of one input an orbit, and are all members of the orbit outcomes of it?

    .venv/bin/python -m experiments.relaxed.outcomes --preset laptop    # a CPU-minute, one thread

Of the bifurcations: every symmetric test input is solved again with other noise, and the new outcome compared with
all s y, s ∈ G_x; and how often it is y itself, rather than another member, is counted. Of the inverse problem and of
super-resolution: s y is observed again, and the observation compared with x. Expected: differences that are far below
what an equivariant map cannot go below.

Writes results/outcomes.json and the table beside it.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.benchmarks.speed.machine import facts
from experiments.relaxed import folded, patterns
from experiments.relaxed.energies import CoarseEnergy
from experiments.relaxed.folded import FoldedBurgers
from experiments.relaxed.pairs import Pairs
from experiments.relaxed.problems import PROBLEMS, TITLES, Problem, data
from experiments.relaxed.scores import rounded
from experiments.relaxed.study import PRESETS
from pdesym.report.number_text import measured_text
from pdesym.report.rendered import write_rendered
from pdesym.symmetry.relax import TorusTranslations, orbit_distance

HERE = Path(__file__).parent
SEED, SAME = 100, 1e-2


def measured(problem: Problem, pairs: Pairs) -> dict[str, Any]:
    """Relative squared differences: of other outcomes from the orbit, or of other observations from x."""
    shifts, rng = TorusTranslations(problem.grid), torch.Generator().manual_seed(SEED)
    stabiliser = shifts.stabiliser(pairs.x)
    if isinstance(problem, FoldedBurgers | CoarseEnergy):
        moved = shifts.act(stabiliser.random(rng), pairs.y)
        if isinstance(problem, CoarseEnergy):
            again = problem.coarse(moved)
        else:
            again = folded.observed(problem, moved, pairs.order)
        return _told(_relative(again, pairs.x))
    other = patterns.solved(problem, pairs.x, rng)
    size = pairs.y.square().flatten(1).sum(1)
    same = (_relative(other, pairs.y) < SAME).double().mean()
    return {**_told(orbit_distance(other, pairs.y, shifts, stabiliser) / size), "same": rounded(same)}


def _relative(u: Float[Tensor, "batch ..."], v: Float[Tensor, "batch ..."]) -> Float[Tensor, " batch"]:
    return (u - v).square().flatten(1).sum(1) / v.square().flatten(1).sum(1)


def _told(differences: Float[Tensor, " batch"]) -> dict[str, Any]:
    return {
        "samples": len(differences),
        "median": rounded(differences.median()),
        "largest": rounded(differences.amax()),
        "far": int((differences > SAME).sum()),
    }


def report(record: Mapping[str, Any]) -> str:
    """A line for each problem."""
    lines = [
        "| problem | compared | inputs | median | largest | above " + f"{SAME:g} | the same outcome again |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in record["rows"].items():
        what = "observations of y and s y" if "same" not in row else "outcomes of other noise and s y"
        same = f"{row['same']:.0%}" if "same" in row else ""
        cells = [measured_text(row["median"]), measured_text(row["largest"]), str(row["far"]), same]
        lines.append(f"| {TITLES[name]} | {what} | {row['samples']} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """All problems."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop", choices=tuple(PRESETS))
    preset = PRESETS[parser.parse_args().preset]
    rows = {
        name: measured(problem, data(problem, "test", preset.test, preset.test).symmetric)
        for name, problem in PROBLEMS.items()
    }
    record = {"rows": rows, "machine": facts()}
    write_rendered(HERE / "results" / "outcomes.json", record, report(record))
    print(report(record))


if __name__ == "__main__":
    main()
