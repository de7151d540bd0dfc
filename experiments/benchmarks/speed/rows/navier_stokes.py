"""Two-dimensional flow in vorticity form: equal error, against exponax and the scheme of the FNO benchmark."""

from dataclasses import replace

import torch

from speed.bench import Bar, Bench, Line, Row, exponax_tool
from speed.clock import cpu, spread
from speed.peers import crank_nicolson
from speed.peers.exponax import Configuration
from speed.problems import NAVIER_STOKES_64, NAVIER_STOKES_128, Problem, errors
from speed.rows.dissipative import cheapest_fixed
from speed.truth import CACHE, Truth, identity

# The scheme of first order is timed over this share of the horizon; its steps all cost the same.
SHARE = 0.05


def small_row(bench: Bench) -> Row:
    """64² points."""
    return _row(bench, NAVIER_STOKES_64, 64)


def large_row(bench: Bench) -> Row:
    """128² points."""
    return _row(bench, NAVIER_STOKES_128, 128)


def _row(bench: Bench, whole: Problem, points: int) -> Row:
    problem = bench.sized(whole)
    exact = bench.truth(problem)
    # Both compute on the same points; errors are measured on the 64² of the truth.
    problem = replace(problem, grid=problem.grid.refined((points, points)))
    shares = (2 / 3, None)
    best = bench.best_exponax(problem, exact.u, [Configuration(points, 5, dealiasing=s, chunk=16) for s in shares], 60)
    halves = [Configuration(points, 5, dealiasing=s, chunk=16, single=True) for s in shares]
    single = bench.best_exponax(problem, exact.u, halves, 60, "exponax float32")
    lines = bench.compare(
        problem,
        exact.u,
        [
            cheapest_fixed(problem, exact.u, [points], shares),
            exponax_tool(problem, best, "exponax"),
            cheapest_fixed(problem, exact.u, [points], shares, precision="mixed"),
            exponax_tool(problem, single, "exponax"),
        ],
        bench.rounds,
    )
    double, theirs, mixed, theirs_single = lines
    first = _first_order(bench, problem, exact)
    # With an error no larger than that of the first-order scheme, which is what its steps allow.
    asked = replace(problem, bar=first.error_worst or problem.bar)
    (equal,) = bench.compare(asked, exact.u, [cheapest_fixed(asked, exact.u, [points], shares)], bench.rounds)
    lines += [first, equal]
    bars = [
        Bar("times faster than exponax, float64", theirs.each / double.each, 1.1),
        Bar("times faster than exponax, float32 (ours mixed)", theirs_single.each / mixed.each, 1.3),
        Bar("times faster than Crank-Nicolson with steps of 1e-4, at its error", first.each / equal.each, 100.0),
        Bar("worst error, float64", double.error_worst or 0.0, problem.bar, least=False),
        Bar("worst error, mixed", mixed.error_worst or 0.0, problem.bar, least=False),
        Bar("worst error beside Crank-Nicolson's", equal.error_worst or 0.0, asked.bar, least=False),
    ]
    title = f"Navier-Stokes, vorticity, {points}², batch 16, T = 2, 20 frames, worst error at most {problem.bar:g}"
    return Row(title, lines, bars, {"truth_uncertainty": exact.uncertainty})


def _first_order(bench: Bench, problem: Problem, exact: Truth) -> Line:
    """Timed over a share of the horizon; its errors, which take all of it, are measured once and kept."""
    w0 = problem.initial()
    path = CACHE / f"crank-nicolson-{identity(problem)}.pt"
    if not path.exists():
        bench.say(f"{problem.name}: Crank-Nicolson over the whole horizon, once, for its error")
        torch.save({"error": errors(crank_nicolson.integrate(problem, w0), exact.u)}, path)
    error = torch.load(path)["error"]
    rounds = [
        cpu(lambda: crank_nicolson.integrate(problem, w0, horizon=SHARE * problem.horizon))[0] / SHARE
        for _ in range(bench.rounds)
    ]
    seconds = spread(rounds)
    bench.say(f"{problem.name}: Crank-Nicolson {seconds[0]:.1f} CPU-s, worst error {float(error.max()):.2e}")
    return Line(
        "Crank-Nicolson and forward Euler, torch",
        f"{w0.shape[-1]}² points, steps of {crank_nicolson.STEP:g}, timed over {SHARE:.0%} of the horizon",
        seconds,
        len(w0),
        0.0,
        float(error.median()),
        float(error.max()),
    )
