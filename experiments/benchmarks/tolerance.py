"""The error that `solve` delivers against the error that was asked for, over 64 random samples of each equation.

    .venv/bin/python experiments/benchmarks/tolerance.py [kdv ks burgers]

Expected: for rtol 1e-4, 1e-6 and 1e-8 the true error is at most the asked one in 99 % of the samples and never above
ten times it, and the estimate that travels with each sample is at least half its true error. The truth is a solution
with a fixed step on a finer grid, itself compared with one of half the step. About fifteen minutes on one CPU core,
most of it for the truth. Writes results/tolerance.json beside itself.
"""

import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from pdesym.solvers import Equation, Grid, RandomSinusoids, burgers, kdv, ks, solve

SAMPLES, SEED = 64, 0
TOLERANCES = (1e-4, 1e-6, 1e-8)


@dataclass(frozen=True)
class Case:
    """An equation, the grid asked for, the law of its initial fields, output times, and how the truth is made."""

    equation: Equation
    grid: Grid
    law: RandomSinusoids
    times: torch.Tensor
    fine_points: int
    fine_step: float


CASES = {
    "kdv": Case(
        kdv(),
        Grid(256, length=128.0),
        RandomSinusoids(waves=(1, 2)),
        torch.linspace(0, 100, 251, dtype=torch.float64)[1:],
        768,
        0.002,
    ),
    "ks": Case(
        ks(),
        Grid(128, length=64.0),
        RandomSinusoids(waves=(1, 2)),
        torch.linspace(0, 30, 76, dtype=torch.float64)[1:],
        384,
        0.0025,
    ),
    "burgers": Case(
        burgers(nu=0.05),
        Grid(128, length=2 * math.pi),
        RandomSinusoids(waves=(1, 2, 3, 4)),
        torch.linspace(0, 4, 41, dtype=torch.float64)[1:],
        1024,
        0.001,
    ),
}


def relative(u: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """‖u − truth‖ / ‖truth‖ of each sample over all outputs."""
    return (u - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)


def truth(case: Case) -> tuple[torch.Tensor, float]:
    """The solution on the points of the case's grid, and how far half the step of it moves the worst sample."""
    fine = case.grid.refined([case.fine_points])
    u0 = case.law.sample(fine, range(SAMPLES), seed=SEED)
    every = case.fine_points // case.grid.points[0]
    coarse, halved = (
        solve(case.equation, u0, fine, case.times, dt=step).u[..., ::every]
        for step in (case.fine_step, case.fine_step / 2)
    )
    return halved, float(relative(coarse, halved).max())


def measure(name: str) -> dict[str, object]:
    """One row for each tolerance."""
    case = CASES[name]
    exact, uncertainty = truth(case)
    u0 = case.law.sample(case.grid, range(SAMPLES), seed=SEED)
    rows = []
    for rtol in TOLERANCES:
        start = time.process_time()
        solution = solve(case.equation, u0, case.grid, case.times, rtol=rtol)
        seconds = time.process_time() - start
        true = relative(solution.u, exact)
        row = {
            "rtol": rtol,
            "true_over_asked_median": float((true / rtol).median()),
            "true_over_asked_largest": float((true / rtol).max()),
            "within": float((true <= rtol).double().mean()),
            "estimate_over_true_smallest": float((solution.error / true).min()),
            "estimate_over_true_median": float((solution.error / true).median()),
            "steps_median": float(solution.steps.double().median()),
            "steps_largest": int(solution.steps.max()),
            "points_largest": int(solution.points_used.max()),
            "cpu_seconds": seconds,
        }
        rows.append(row)
        print(
            f"{name:<8} asked {rtol:.0e}: true/asked median {row['true_over_asked_median']:.3f} largest "
            f"{row['true_over_asked_largest']:.3f}, within {100 * row['within']:.1f} %, estimate/true at least "
            f"{row['estimate_over_true_smallest']:.2f}, {seconds:.1f} CPU-s",
            flush=True,
        )
    return {"samples": SAMPLES, "truth_uncertainty": uncertainty, "rows": rows}


def main(names: list[str]) -> None:
    """Measures the named cases and keeps those of earlier runs."""
    torch.set_num_threads(1)
    path = Path(__file__).parent / "results" / "tolerance.json"
    path.parent.mkdir(exist_ok=True)
    record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in names:
        record[name] = measure(name)
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or list(CASES))
