"""The error that `solve` delivers against the error that was asked for, over 64 random samples of every 1D equation.

    .venv/bin/python experiments/benchmarks/tolerance.py [kdv ks burgers …]

Expected: for rtol 1e-3 to 1e-7 the true error is at most the asked one in 99 % of the samples and never above ten times
it, and the estimate that travels with each sample is at least half its true error. The truth is a closed form where one
covers random initial conditions (advection, heat, wave), else a solution on twice the points or more to 1e-10, whose
own estimate is written down. Under half an hour on one CPU core, most of it for the truth. Writes
results/tolerance.json and the table results/tolerance.md beside itself after every equation; equations that are there
already are left out unless they are named.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pdesym.solvers import (
    EachField,
    Equation,
    Grid,
    InitialLaw,
    RandomSinusoids,
    Specks,
    Uniform,
    advection,
    allen_cahn,
    burgers,
    cahn_hilliard,
    ckdv,
    fisher_kpp,
    fitzhugh_nagumo,
    gray_scott,
    heat,
    kdv,
    ks,
    mkdv,
    nkdv,
    nls,
    sine_gordon,
    solve,
    swift_hohenberg,
    wave,
)
from pdesym.solvers.catalogue.advection import advected
from pdesym.solvers.catalogue.gray_scott import PATTERNS
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.catalogue.wave import vibrated

SAMPLES, SEED = 64, 0
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
TRUTH_RTOL = 1e-10
CIRCLE = 2 * math.pi

Exact = Callable[[torch.Tensor, Grid, float], torch.Tensor]


@dataclass(frozen=True)
class Case:
    """An equation, the grid asked for, the law of its initial fields, `count` output times up to `last`.

    `exact` gives the truth from initial fields on `fine` times the points.
    """

    equation: Equation
    grid: Grid
    law: InitialLaw
    last: float
    count: int
    exact: Exact | None = None
    fine: int = 2


CASES = {
    "advection": Case(
        advection(1.0),
        Grid(64, length=CIRCLE),
        RandomSinusoids(waves=(1, 2, 5, 10)),
        4.0,
        20,
        lambda u0, grid, t: advected(u0, grid, t, 1.0),
    ),
    "heat": Case(
        heat(0.1),
        Grid(64, length=CIRCLE),
        RandomSinusoids(waves=(1, 2, 5, 10)),
        4.0,
        20,
        lambda u0, grid, t: diffused(u0, grid, t, 0.1),
    ),
    "wave": Case(
        wave(1.0),
        Grid(64, length=CIRCLE),
        EachField(RandomSinusoids(waves=(1, 2, 5, 10)), RandomSinusoids()),
        4.0,
        20,
        lambda u0, grid, t: vibrated(u0, grid, t, 1.0),
    ),
    "burgers": Case(
        burgers(nu=0.05),
        Grid(128, length=CIRCLE),
        RandomSinusoids(waves=(1, 2, 3, 4)),
        4.0,
        40,
        fine=8,  # no closed form: Cole and Hopf's ψ spans more than the digits of float64 at this viscosity
    ),
    "fisher_kpp": Case(
        fisher_kpp(), Grid(128, length=50.0), RandomSinusoids(4, 0.12, (1, 2, 3, 4, 5), mean=0.5), 5.0, 20
    ),
    "allen_cahn": Case(allen_cahn(0.1), Grid(256, length=CIRCLE), RandomSinusoids(4, 0.2, (1, 2, 3, 4)), 4.0, 20),
    "cahn_hilliard": Case(cahn_hilliard(0.1), Grid(128, length=CIRCLE), RandomSinusoids(4, 0.1, (3, 5, 7)), 0.3, 20),
    "swift_hohenberg": Case(
        swift_hohenberg(0.2, 0.5),
        Grid(128, length=16 * CIRCLE),
        RandomSinusoids(8, 0.2, tuple(range(10, 22))),
        15.0,
        20,
    ),
    "fitzhugh_nagumo": Case(
        fitzhugh_nagumo(),
        Grid(128, length=100.0),
        EachField(RandomSinusoids(4, 0.2, (1, 2, 3, 4), mean=0.3), Uniform(0.0)),
        20.0,
        20,
    ),
    "gray_scott": Case(gray_scott(*PATTERNS["spots"]), Grid(128, length=1.0), Specks(3, 0.05), 100.0, 20),
    "sine_gordon": Case(
        sine_gordon(), Grid(128, length=40.0), EachField(RandomSinusoids(4, 0.8), RandomSinusoids(4, 0.4)), 10.0, 20
    ),
    "nls": Case(nls(), Grid(128, length=40.0), EachField(RandomSinusoids(4, 0.3), RandomSinusoids(4, 0.3)), 3.0, 20),
    "ks": Case(ks(), Grid(128, length=64.0), RandomSinusoids(waves=(1, 2)), 30.0, 75),
    "mkdv": Case(mkdv(), Grid(256, length=64.0), RandomSinusoids(4, 0.3, (1, 2)), 5.0, 20),
    "ckdv": Case(ckdv(), Grid(256, length=128.0), RandomSinusoids(waves=(1, 2)), 40.0, 100),
    "nkdv": Case(nkdv(), Grid(256, length=128.0), RandomSinusoids(waves=(1,)), 40.0, 100),
    "kdv": Case(kdv(), Grid(256, length=128.0), RandomSinusoids(waves=(1, 2)), 100.0, 250),
}


def relative(u: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """‖u − truth‖ / ‖truth‖ of each sample over all outputs."""
    return (u - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)


def truth(case: Case, times: torch.Tensor) -> tuple[torch.Tensor, float]:
    """The solution on the points of the case's grid, and the largest of its own error estimates."""
    fine = case.grid.refined([case.fine * case.grid.points[0]])
    u0 = case.law.sample(fine, range(SAMPLES), seed=SEED)
    if case.exact is not None:
        return torch.stack([case.exact(u0, fine, float(t)) for t in times], dim=1)[..., :: case.fine], 0.0
    solution = solve(case.equation, u0, fine, times, rtol=TRUTH_RTOL)
    return solution.u[..., :: case.fine], float(solution.error.max())


def measure(name: str) -> dict[str, object]:
    """One row for each tolerance."""
    case = CASES[name]
    times = torch.linspace(0, case.last, case.count + 1, dtype=torch.float64)[1:]
    start = time.process_time()
    exact, uncertainty = truth(case, times)
    print(
        f"{name}: the truth, uncertain by {uncertainty:.1e}, took {time.process_time() - start:.0f} CPU-s", flush=True
    )
    u0 = case.law.sample(case.grid, range(SAMPLES), seed=SEED)
    rows = []
    for rtol in TOLERANCES:
        start = time.process_time()
        solution = solve(case.equation, u0, case.grid, times, rtol=rtol)
        seconds = time.process_time() - start
        true = relative(solution.u, exact)
        row = {
            "rtol": rtol,
            "true_over_asked_median": float((true / rtol).median()),
            "true_over_asked_largest": float((true / rtol).max()),
            "within": float((true <= rtol).double().mean()),
            "estimate_over_true_smallest": float((solution.error / true.clamp_min(1e-12)).min()),
            "estimate_over_true_median": float((solution.error / true).median()),
            "steps_median": float(solution.steps.double().median()),
            "steps_largest": int(solution.steps.max()),
            "points_largest": int(solution.points_used.max()),
            "cpu_seconds": seconds,
        }
        rows.append(row)
        print(
            f"{name:<16} asked {rtol:.0e}: true/asked median {row['true_over_asked_median']:.3f} largest "
            f"{row['true_over_asked_largest']:.3f}, within {100 * row['within']:.1f} %, {seconds:.1f} CPU-s",
            flush=True,
        )
    return {"samples": SAMPLES, "truth_uncertainty": uncertainty, "rows": rows}


def table(record: dict[str, dict]) -> str:
    """The largest true error over the asked one, and the share of samples within it, as Markdown."""
    head = "| equation | " + " | ".join(f"{rtol:.0e}" for rtol in TOLERANCES) + " | samples within |"
    lines = [head, "| --- |" + " ---: |" * (len(TOLERANCES) + 1)]
    for name, measured in sorted(record.items()):
        rows = measured["rows"]
        cells = [f"{row['true_over_asked_largest']:.2g}" for row in rows]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {100 * min(row['within'] for row in rows):.1f} % |")
    return "\n".join(["Largest true error over the asked one, by the asked one.", "", *lines, ""])


def main(names: list[str]) -> None:
    """Measures the named cases, or all that are missing, and keeps those of earlier runs."""
    torch.set_num_threads(1)
    path = Path(__file__).parent / "results" / "tolerance.json"
    path.parent.mkdir(exist_ok=True)
    record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    record = {name: kept for name, kept in record.items() if len(kept["rows"]) == len(TOLERANCES)}
    for name in names or [name for name in CASES if name not in record]:
        record[name] = measure(name)
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(table(record), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
