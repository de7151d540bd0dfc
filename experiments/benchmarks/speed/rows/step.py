"""One step of the same scheme: ETDRK4 with four evaluations, all modes, float64, 64 trajectories on 256 points."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from pdesym.solvers import solve
from speed.bench import Bar, Bench, Line, Row
from speed.clock import alternate, cpu, spread
from speed.peers import exponax
from speed.problems import BURGERS, KDV, KS, Problem

FRAMES, STEPS, BATCH = 5, 80, 64
# So short that no spectrum comes near the end of the grid and no product has to be padded.
HORIZONS = {"kdv": 0.4, "ks": 0.4, "burgers": 0.02}


def step_problem(problem: Problem) -> Problem:
    """The problem over FRAMES · STEPS short steps."""
    return replace(problem, samples=BATCH, horizon=HORIZONS[problem.name], frames=FRAMES)


def our_steps(problem: Problem) -> Callable[[], Tensor]:
    """STEPS equal steps between frames, nothing else."""
    u0, equation, times = problem.initial(), problem.equation(), problem.times
    dt = problem.horizon / problem.frames / STEPS
    return lambda: solve(equation, u0, problem.grid, times, dt=dt, method="etdrk4-cox-matthews").u


def step_row(bench: Bench) -> Row:
    """Microseconds for one step of one trajectory."""
    row = Row("One step at equal scheme (Cox-Matthews ETDRK4), 64 trajectories on 256 points, float64")
    for whole in (KDV, KS, BURGERS):
        problem = step_problem(whole)
        u0 = problem.initial()
        run = exponax.prepare(problem, exponax.Configuration(256, STEPS))
        calls: dict[str, Callable[[], object]] = {
            "pdesym": our_steps(problem),
            "exponax": lambda run=run, u0=u0: run(u0),
        }
        first = {name: cpu(call)[0] for name, call in calls.items()}
        seconds = alternate(calls, bench.many)
        for name in calls:
            each = [s / (BATCH * FRAMES * STEPS) for s in seconds[name]]
            row.lines.append(Line(name, f"{problem.name}, one step of one trajectory", spread(each), 1, first[name]))
        ratio = spread(seconds["exponax"])[0] / spread(seconds["pdesym"])[0]
        bench.say(f"step {problem.name}: {ratio:.2f} times as fast as exponax")
        row.bars.append(Bar(f"times as fast as exponax, {problem.name}", ratio, 1.3))
    return row
