"""Symmetry defects of the exact solver: how far each solution operator is from commuting with its group.

    .venv/bin/python experiments/benchmarks/solver_symmetries.py

Expected: translation at most 1e-12, Galilean boost at most 1e-9, time translation at most 1e-8; the two generators
that are no symmetries at least 0.1. About ten seconds on one CPU core. Writes results/solver_symmetries.json beside
itself.
"""

import json
import math
from pathlib import Path

import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, burgers, kdv, ks
from pdesym.symmetry import Generator, lie_derivatives

# Grids on which the solution is resolved to round-off at the final time: an unresolved field has no exact derivative.
CASES: dict[str, tuple[Equation, Grid, float]] = {
    "kdv": (kdv(), Grid(512, length=128.0), 4.0),
    "ks": (ks(), Grid(128, length=64.0), 3.0),
    "burgers": (burgers(nu=0.5), Grid(192, length=16.0), 1.5),
}
GENERATORS = {
    "d_x": ("at most", 1e-12),
    "t*d_x + d_u": ("at most", 1e-9),
    "d_t": ("at most", 1e-8),
    "t*d_x - d_u": ("at least", 0.1),
    "u*d_u": ("at least", 0.1),
}
SAMPLES, MEAN, RTOL = 8, 0.3, 1e-10


def measure() -> dict[str, dict[str, float]]:
    """The relative defect δ of every equation and generator over SAMPLES random fields with a mean flow."""
    generators = [Generator(text) for text in GENERATORS]
    result = {}
    for name, (equation, grid, horizon) in CASES.items():
        u0 = RandomSinusoids().sample(grid, range(SAMPLES), seed=0) + MEAN
        flow = FlowMap(equation, grid, times=(0.0, horizon), rtol=RTOL)
        defects = lie_derivatives(flow, generators, u0, grid, 0.0, horizon)
        result[name] = {text: float(defect) for text, defect in zip(GENERATORS, defects, strict=True)}
    return result


def main() -> None:
    """Prints the table and writes it as JSON."""
    torch.set_num_threads(1)
    defects = measure()
    print(f"{'':<10}" + "".join(f"{text:>15}" for text in GENERATORS))
    for name, row in defects.items():
        print(f"{name:<10}" + "".join(f"{value:>15.1e}" for value in row.values()))
    print(f"{'bar':<10}" + "".join(f"{f'{word} {value:g}':>15}" for word, value in GENERATORS.values()))
    missed = [
        (name, text)
        for name, row in defects.items()
        for text, value in row.items()
        if not (value <= GENERATORS[text][1] if GENERATORS[text][0] == "at most" else value >= GENERATORS[text][1])
    ]
    print("missed:", missed or "none")
    record = {
        "metric": "relative equivariance defect, dimensionless",
        "maximum": math.sqrt(2),
        "rtol": RTOL,
        "samples": SAMPLES,
        "cases": {
            n: {"equation": list(e.text), "points": list(g.points), "length": list(g.length), "horizon": t}
            for n, (e, g, t) in CASES.items()
        },
        "defects": defects,
    }
    path = Path(__file__).parent / "results" / "solver_symmetries.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
