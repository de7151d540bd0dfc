"""KdV trajectories to a worst error over many random samples."""

from dataclasses import replace

from speed.bench import Bar, Bench, Row, exponax_tool, ours
from speed.peers.exponax import Configuration
from speed.problems import KDV

FINER = (384, 320, 288, 336, 360, 432, 448, 480, 512, 576, 640, 768, 256)
MOST = 240
TITLE = "KdV, L = 128, T = 100, 250 frames, 256 random samples, worst error at most 1e-5"


def kdv_row(bench: Bench) -> Row:
    """pdesym to rtol 1e-5 against exponax at its best grid and fixed step."""
    problem = bench.sized(KDV)
    exact = bench.truth(problem)
    candidates = [Configuration(points, 43) for points in FINER]
    candidates += [Configuration(points, 43, dealiasing=2 / 3) for points in (768, 640)]
    best = bench.best_exponax(problem, exact.u, candidates, MOST)
    lines = bench.compare(
        problem,
        exact.u,
        [
            ours(problem, rtol=problem.bar),
            exponax_tool(problem, best, "exponax, complete coefficients"),
        ],
        bench.rounds,
    )
    stock = replace(best, complete=False)
    lines += bench.compare(problem, exact.u, [exponax_tool(problem, stock, "exponax, as shipped")], 1)
    mine, theirs = lines[0], lines[1]
    bars = [
        Bar("times faster than exponax with complete coefficients", theirs.cpu_seconds[0] / mine.cpu_seconds[0], 3.0),
        Bar("worst true error", mine.error_worst or 0.0, problem.bar, least=False),
    ]
    return Row(TITLE, lines, bars, {"truth_uncertainty": exact.uncertainty})
