"""How much memory solving a batch takes, against the bound that a plan states.

    .venv/bin/python experiments/benchmarks/memory.py

Each case runs in a process of its own: the peak of its resident memory after a batch, less that after a tiny problem
of the same kind, which loads and compiles the same things, beside `memory_bound` on the grid that the solver came to
use. On a CPU, one thread. Expected: no share above 1. Two minutes on one core. Writes results/memory.json and .md.
"""

import json
import math
import resource
import subprocess
import sys
import warnings
from pathlib import Path

CASES = [
    ("kdv", [], 64),
    ("kdv", [], 256),
    ("kdv", ["grid.points=256", "times.count=140"], 512),
    ("ks", ["times.last=80"], 64),
    ("burgers", ["parameters.nu=0.01", "grid.points=64"], 64),
    ("kdv", ["method=imex4", "rtol=1e-3"], 8),
    ("lpsda-kdv-easy", [], 64),
    ("ko-nkdv", ["times={last: 10, count: 40}"], 64),
    ("kdv", ["equation=nls", "initial.amplitude=0.3", "grid.length=40", "times={last: 2, count: 20}"], 64),
    ("kdv", ["equation=sine_gordon", "grid.length=40", "times={last: 5, count: 20}"], 64),
    ("broken-kdv", ["times={last: 10, count: 4}", "parameters.eps={uniform: [0, 0.1]}"], 256),
    ("fno-ns-1e-3", ["times={last: 5, count: 5}"], 16),
    ("fno-ns-1e-3", ["times={last: 2, count: 2}"], 64),
    ("fno-ns-1e-3", ["times={last: 1, count: 2}"], 256),
    ("fno-ns-1e-3", ["times={last: 1, count: 50}"], 32),
    ("fno-ns-1e-3", ["times={last: 0.2, count: 2}", "grid.points=[128, 128]"], 8),
    ("fno-ns-1e-3", ["times={last: 0.2, count: 2}", "grid.points=[128, 128]"], 64),
    ("fno-ns-1e-3", ["times={last: 1, count: 2}", "parameters.nu={log_uniform: [1e-3, 1e-2]}"], 16),
    ("fno-ns-1e-5", ["times={last: 4, count: 2}"], 8),
    ("fno-ns-1e-5", ["times={last: 6, count: 2}", "initial.modes=7", "grid.points=[16, 16]"], 4),
    ("shallow-water", ["times={last: 1, count: 5}"], 4),
    ("shallow-water", ["times={last: 1, count: 5}"], 16),
    ("shallow-water", ["times={last: 0.3, count: 5}", "grid.points=[128, 128]"], 2),
    ("shallow-water", ["times={last: 0.5, count: 5}", "parameters.f={uniform: [0, 1]}"], 8),
    ("shallow-water", ["times={last: 1, count: 5}", "initial.fields.h.amplitude=0.1", "grid.points=[16, 16]"], 4),
    ("gray-scott", ["times={last: 50, count: 5}"], 4),
    ("kdv", ["equation=heat", "parameters={nu: 0.1}", "grid={points: [16, 16, 16], length: 6.28}", "initial.waves=[1]",
             "times={last: 1, count: 5}"], 16),
]  # fmt: skip
TINY = {1: "broken-heat", 2: "shallow-water", 3: "shallow-water"}


def measured(name: str, overrides: list[str], batch: int) -> dict:
    """Peak and bound of one case; this process must have solved nothing before."""
    import torch

    from pdesym.datasets import load_recipe
    from pdesym.datasets.planning import memory_bound
    from pdesym.datasets.problem import solve_samples

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    recipe = load_recipe(name, [*overrides, f"shard={batch}", f"splits={{test: {batch}}}"])
    shape = recipe.grid.shape
    few = 16 if len(shape) == 1 else [16, 16]
    solve_samples(load_recipe(TINY[len(shape)], ["times={last: 0.01, count: 2}", f"grid.points={few}"]), "test", [0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    solution, _ = solve_samples(recipe, "test", range(batch))
    u = solution.u.numpy()
    stored = [u[:, :, channel].astype(recipe.dtype) for channel in range(u.shape[2])]
    peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    ratio = int(solution.points_used.max()) / shape[0]
    return {
        "recipe": name,
        "changes": overrides,
        "batch": batch,
        "fields": len(stored),
        "points": list(shape),
        "points_used": int(solution.points_used.max()),
        "result": u.nbytes,
        "before": 1024 * before,
        "peak": peak,
        "bound": memory_bound(recipe, tuple(math.ceil(n * ratio) for n in shape)),
    }


def table(rows: list[dict]) -> str:
    """The measured peaks as Markdown."""
    before = max(row["before"] for row in rows)
    lines = [
        f"The program itself takes up to {before / 1e6:.0f} MB. Beyond that:",
        "",
        "| recipe | changes | batch | points | used | result | peak | bound | share |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['recipe']} | {'; '.join(row['changes'])} | {row['batch']} | {' x '.join(map(str, row['points']))} | "
        f"{row['points_used']} | {row['result'] / 1e6:.1f} MB | {row['peak'] / 1e6:.1f} MB | "
        f"{row['bound'] / 1e6:.1f} MB | {row['peak'] / row['bound']:.2f} |"
        for row in rows
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measures and writes; with a number of a case, measures that one here and prints it."""
    if len(sys.argv) > 1:
        print(json.dumps(measured(*CASES[int(sys.argv[1])])))
        return
    from pdesym.report.rendered import write_rendered  # not in the processes that are measured

    rows = []
    for number in range(len(CASES)):
        run = subprocess.run([sys.executable, __file__, str(number)], capture_output=True, text=True, check=True)
        rows.append(json.loads(run.stdout))
    write_rendered(Path(__file__).parent / "results" / "memory.json", rows, table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
