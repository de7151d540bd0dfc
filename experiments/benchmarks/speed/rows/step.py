"""One step of the same scheme: ETDRK4 with four evaluations, all modes, float64, 64 trajectories on 256 points."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from torch import Tensor

from pdesym.solvers import solve
from speed.backends import torch_alone
from speed.bench import Bar, Bench, Line, Row
from speed.clock import alternate, cpu, spread
from speed.peers import exponax
from speed.problems import BURGERS, KDV, KS, Problem

FRAMES, STEPS, BATCH, POINTS = 5, 400, 64, 256
# That many steps make what a call costs before its first one not matter.
# So short that no spectrum comes near the end of the grid and no product has to be padded.
HORIZONS = {"kdv": 0.4, "ks": 0.4, "burgers": 0.02}


def step_problem(problem: Problem) -> Problem:
    """The problem over FRAMES · STEPS short steps."""
    grid = problem.grid.refined([POINTS])
    return replace(problem, grid=grid, samples=BATCH, horizon=HORIZONS[problem.name], frames=FRAMES)


def our_steps(problem: Problem) -> Callable[[], Tensor]:
    """STEPS equal steps between frames, nothing else."""
    u0, equation, times = problem.initial(), problem.equation(), problem.times
    dt = problem.horizon / problem.frames / STEPS
    return lambda: solve(equation, u0, problem.grid, times, dt=dt, method="etdrk4-cox-matthews").u


def without_kernel(call: Callable[[], object]) -> Callable[[], object]:
    """The same by torch alone."""

    def torch_call() -> object:
        with torch_alone():
            return call()

    return torch_call


def step_row(bench: Bench) -> Row:
    """CPU-seconds for one step of one trajectory."""
    row = Row("One step at equal scheme (Cox-Matthews ETDRK4), 64 trajectories on 256 points, float64")
    for whole in (KDV, KS, BURGERS):
        problem = step_problem(whole)
        steps = our_steps(problem)
        peer = exponax.prepare(problem, exponax.Configuration(problem.grid.points[0], STEPS))
        calls: dict[str, Callable[[], object]] = {
            "pdesym, row kernel": steps,
            "pdesym, torch alone": without_kernel(steps),
            "exponax": partial(peer, problem.initial()),
        }
        first = {name: cpu(call)[0] for name, call in calls.items()}
        seconds = alternate(calls, bench.many)
        for name in calls:
            each = [s / (BATCH * FRAMES * STEPS) for s in spread(seconds[name])]
            row.lines.append(Line(name, f"{problem.name}, one step of one trajectory", each, 1, first[name]))
        kernel, torch, theirs = (spread(seconds[name])[0] for name in calls)
        bench.say(f"step {problem.name}: {theirs / kernel:.2f} and {theirs / torch:.2f} times as fast as exponax")
        row.bars.append(Bar(f"times as fast as exponax, {problem.name}, row kernel", theirs / kernel, 1.3))
        row.bars.append(Bar(f"times as fast as exponax, {problem.name}, torch alone", theirs / torch, 0.85))
    return row
