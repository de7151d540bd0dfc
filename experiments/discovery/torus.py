"""Symmetries of solution maps that close on a periodic box: no window, no cut-off, and errors in the map.

    .venv/bin/python experiments/discovery/torus.py

Scalings act on the fields, the time, the length of the box and parameters at once. Expected: the right number of them
for each of three draws of the fields at every time, with the exact fractions for weights.

Pairs are vector fields without t that the map takes into each other. Expected: the right ones of an exact map. With an
error of 1e-3 or 1e-2 in every derivative, in units of u for directions of order 1, the true pair (N, N) of heat, whose
N[u] is small, can come out above the false one (u², u²), which has to be flagged; with one replicate, a map with errors
of its own, it has to come out right at 1e-3. What happens at 1e-2 with a replicate is measured, not promised: there
false pairs that are smaller than the errors count as zero, and nothing says so.

Two minutes on one CPU core. Writes results/torus.json and the tables results/torus.md beside itself.
"""

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pdesym.report.rendered import write_rendered
from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, allen_cahn, burgers, heat, kdv, ks
from pdesym.symmetry import Generator
from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.discover import discover_pairs
from pdesym.symmetry.discover.scalings import discover_scalings

SEED = 2026
# The equation, parameters that are scaled too, and weights of u, t, x and the parameters; by hand.
SCALINGS: dict[str, tuple[Equation, tuple[str, ...], list[tuple[int, ...]]]] = {
    "heat": (heat(0.1), ("nu",), [(1, 0, 0, 0), (0, 2, 1, 0), (0, 1, 0, -1)]),
    "burgers": (burgers(0.1), ("nu",), [(-1, 2, 1, 0), (1, -1, 0, 1)]),
    "burgers, nu kept": (burgers(0.1), (), [(-1, 2, 1)]),
    "kdv": (kdv(), ("b",), [(-2, 3, 1, 0), (1, -1, 0, 1)]),
    "kdv, b kept": (kdv(), (), [(-2, 3, 1)]),
    "ks": (ks(), (), []),
    "ks, p*u_xxxx": (Equation("u_t = -u*u_x - u_xx - p*u_xxxx", p=1.0), ("p",), [(-1, 2, 1, 2)]),
    "allen-cahn": (allen_cahn(0.3), (), []),
}
SCALING_GRID, SCALING_TIMES, DRAWS = Grid(128, length=20.0), (0.05, 0.5, 2.0), 3

PAIR_GRID, HORIZON, NOISE_SEEDS, LEVELS = Grid(128, length=8 * math.pi), 0.5, 8, (1e-3, 1e-2)
# A span of inputs within so many degrees of the true one counts as right: what pairs take for the same answer.
RIGHT = 5.0
BASIS = ("d_x", "u*d_u", "d_u", "d_t", "u**2*d_u")
BOOSTED = {"d_x", "d_t", "d_u"}
PAIRS: dict[str, tuple[Equation, set[str]]] = {
    "heat": (heat(0.1), {"d_x", "d_t", "d_u", "u*d_u"}),
    "burgers": (burgers(0.1), BOOSTED),
    "kdv": (kdv(), BOOSTED),
    "ks": (ks(), BOOSTED),
}


class WithErrors:
    """A map whose derivatives are wrong by white noise: of the same size along every direction, as a network's are."""

    def __init__(self, flow: FlowMap, size: float, seed: int):
        self.flow, self.size, self.draw = flow, size, torch.Generator().manual_seed(seed)

    def __call__(self, u: Tensor) -> Tensor:
        """S(u), exact."""
        return self.flow(u)

    def tangent(self, u: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """S(u), and derivatives along w with errors."""
        value, pushed = self.flow.tangent(u, w)
        return value, pushed + self.size * torch.randn(pushed.shape, generator=self.draw, dtype=pushed.dtype)

    def rhs(self, u: Tensor, t: float) -> Tensor:
        """N[u], exact."""
        return self.flow.rhs(u, t)


def scalings(name: str, end: float) -> dict[str, Any]:
    """The worst of three draws of the fields."""
    equation, parameters, rows = SCALINGS[name]
    flow, found, exact = FlowMap(equation, SCALING_GRID, (0.0, end), rtol=1e-10), [], 0
    start = time.process_time()
    for draw in range(DRAWS):
        u = RandomSinusoids(waves=(1, 4)).sample(SCALING_GRID, range(3 * draw, 3 * draw + 3), SEED)
        found.append(discover_scalings(flow, u, parameters))
        if found[-1].dimension == len(rows):
            weights, right = found[-1].weights, np.array(rows, dtype=np.float64)
            exact += not rows or (weights.rational and largest_angle(weights.matrix, right) < 1e-9)
    return {
        "true": len(rows),
        "dimensions": [one.dimension for one in found],
        "exact": exact,
        "margin": min(one.decision.margin for one in found),
        "written": [line.strip() for line in str(found[0]).splitlines()[1 : 1 + found[0].dimension]],
        "cpu_seconds": (time.process_time() - start) / DRAWS,
    }


def pairs(name: str, level: float, replicates: int) -> list[dict[str, Any]]:
    """What is found with several draws of the errors; an exact map has one."""
    equation, true = PAIRS[name]
    basis = [Generator(text) for text in BASIS]
    u = 0.3 + RandomSinusoids(waves=(1, 3)).sample(PAIR_GRID, range(6), SEED)
    flow, rows = FlowMap(equation, PAIR_GRID, (0.0, HORIZON), rtol=1e-10), []
    for seed in range(NOISE_SEEDS if level else 1):
        start = time.process_time()
        others = [WithErrors(flow, level, 1000 + seed + k) for k in range(replicates)]
        options: dict[str, Any] = {"replicates": others} if others else {"calibration": Generator("d_x")}
        operator = WithErrors(flow, level, seed) if level else flow
        found = discover_pairs(operator, basis, u, PAIR_GRID, 0.0, HORIZON, **options)
        span = found.null_space[:, : len(found.basis)]
        names = [str(generator) for generator in found.basis]
        exact = np.array([[float(text == each) for each in names] for text in sorted(true)])
        angle = largest_angle(np.linalg.qr(span.T)[0].T, exact) if found.dimension == len(true) else None
        rows.append(
            {
                "seed": seed,
                "right": angle is not None and angle <= RIGHT,
                "dimension": found.dimension,
                "true": len(true),
                "angle": angle,
                "pairs": [f"{v} → {w}" for v, w in zip(found.inputs, found.outputs, strict=True)],
                "spectrum": found.singular_values.tolist(),
                "flags": list(found.flags),
                "cpu_seconds": time.process_time() - start,
            }
        )
    return rows


def scaling_table(record: dict[str, Any]) -> list[str]:
    """The scalings of each equation at each time."""
    times = list(next(iter(record.values())))
    lines = ["| equation | scalings | " + " | ".join(f"T = {end}" for end in times) + " | CPU time |"]
    lines += ["| --- | --- |" + " ---: |" * (len(times) + 1)]
    for name, by_time in record.items():
        cells = []
        for each in by_time.values():
            found = "/".join(map(str, sorted(set(each["dimensions"]))))
            cells.append(f"{found} of {each['true']}, exact {each['exact']}/{DRAWS}, margin {each['margin']:.0e}")
        last = list(by_time.values())[-1]
        lines.append(
            f"| {name} | {'; '.join(last['written']) or 'none'} | {' | '.join(cells)} | {last['cpu_seconds']:.1f} s |"
        )
    return lines


def pair_table(record: dict[str, Any]) -> list[str]:
    """Right pairs by the size of the errors; and how many of those that are wrong are flagged."""
    columns = list(next(iter(record.values())))
    lines = ["| equation | " + " | ".join(columns) + " | CPU time |", "| --- |" + " ---: |" * (len(columns) + 1)]
    for name, by_column in record.items():
        cells = []
        for rows in by_column.values():
            right, wrong = [r for r in rows if r["right"]], [r for r in rows if not r["right"]]
            angle = f", {max(r['angle'] for r in right):.0e}°" if right else ""
            flags = f"; wrong {len(wrong)}, flagged {sum(bool(r['flags']) for r in wrong)}" if wrong else ""
            cells.append(f"{len(right)}/{len(rows)}{angle}{flags}")
        seconds = max(r["cpu_seconds"] for rows in by_column.values() for r in rows)
        lines.append(f"| {name} | {' | '.join(cells)} | {seconds:.1f} s |")
    return lines


def what_was_found(record: dict[str, Any]) -> list[str]:
    """The first wrong answer of every cell that has one."""
    lines = ["| equation | errors | pairs | flags |", "| --- | --- | --- | --- |"]
    for name, by_column in record.items():
        for column, rows in by_column.items():
            wrong = [r for r in rows if not r["right"]]
            if wrong:
                said = " ".join(wrong[0]["flags"]).replace("|", "/")
                lines.append(f"| {name} | {column} | {', '.join(wrong[0]['pairs'])} | {said} |")
    return lines


def report(record: dict[str, Any]) -> str:
    """All tables as Markdown."""
    lines = [f"Scalings, with the length of the box: the worst of {DRAWS} draws of the fields.", ""]
    lines += [*scaling_table(record["scalings"]), ""]
    lines += [
        f"Pairs among {', '.join(BASIS)} over T = {HORIZON:g}: right ones of {NOISE_SEEDS} draws of the errors.",
        "",
    ]
    lines += [*pair_table(record["pairs"]), "", "Wrong answers, the first of each kind:", ""]
    return "\n".join([*lines, *what_was_found(record["pairs"]), ""])


def main() -> None:
    """Measures everything and writes it."""
    torch.set_num_threads(1)
    columns = {"exact": (0.0, 0)}
    columns |= {f"{level:g}, alone": (level, 0) for level in LEVELS}
    columns |= {f"{level:g}, one replicate": (level, 1) for level in LEVELS}
    record = {
        "scalings": {name: {f"{end:g}": scalings(name, end) for end in SCALING_TIMES} for name in SCALINGS},
        "pairs": {name: {text: pairs(name, *column) for text, column in columns.items()} for name in PAIRS},
    }
    write_rendered(Path(__file__).parent / "results" / "torus.json", record, report(record))
    print(report(record))


if __name__ == "__main__":
    main()
