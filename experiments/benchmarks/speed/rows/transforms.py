"""A step against the raw time of its transforms."""

from collections.abc import Callable
from dataclasses import replace

import torch

from pdesym.solvers import solve
from speed.bench import Bar, Bench, Line, Row
from speed.clock import alternate, cpu, spread
from speed.problems import BURGERS, KDV, KS, NAVIER_STOKES_64, Problem
from speed.rows.step import BATCH, FRAMES, STEPS, our_steps, step_problem

EVALUATIONS = 4
PLANE_STEPS = 20


def transforms_row(bench: Bench) -> Row:
    """Both in the same loop, on arrays of the same shape: torch's transforms, eight a step in 1D, sixteen in 2D."""
    row = Row("A step against the raw time of its transforms, same arrays, float64")
    for whole in (KDV, KS, BURGERS):
        problem = step_problem(whole)
        _add(row, bench, problem.name, our_steps(problem), _line_transforms(256), FRAMES * STEPS, 1.5)
    for points in (64, 128):
        problem = replace(NAVIER_STOKES_64, horizon=0.02, frames=1)
        problem = replace(problem, grid=problem.grid.refined((points, points)))
        _add(row, bench, f"navier-stokes {points}²", _plane(problem), _plane_transforms(points), PLANE_STEPS, 1.6)
    return row


def _add(
    row: Row, bench: Bench, name: str, steps: Callable[[], object], raw: Callable[[], object], number: int, bar: float
) -> None:
    calls = {"pdesym": steps, "transforms": lambda: [raw() for _ in range(number)]}
    first = {key: cpu(call)[0] for key, call in calls.items()}
    seconds = alternate(calls, bench.many)
    for key in calls:
        row.lines.append(Line(key, f"{name}, one step", [s / number for s in spread(seconds[key])], 1, first[key]))
    ratio = spread(seconds["pdesym"])[0] / spread(seconds["transforms"])[0]
    bench.say(f"transforms {name}: a step takes {ratio:.2f} times the time of its transforms")
    row.bars.append(Bar(f"step over transforms, {name}", ratio, bar, least=False))


def _plane(problem: Problem) -> Callable[[], object]:
    u0, equation, times = problem.initial(), problem.equation(), problem.times
    return lambda: solve(equation, u0, problem.grid, times, dt=problem.horizon / PLANE_STEPS)


def _line_transforms(points: int) -> Callable[[], object]:
    u = torch.randn(BATCH, 1, points, dtype=torch.float64)
    v = torch.fft.rfft(u)

    def raw() -> None:
        for _ in range(EVALUATIONS):
            torch.fft.irfft(v, n=points)
            torch.fft.rfft(u)

    return raw


def _plane_transforms(points: int) -> Callable[[], object]:
    """Two inverse and two forward transforms an evaluation, columns beyond 2/3 of the modes left out."""
    u = torch.randn(NAVIER_STOKES_64.samples, 1, points, points, dtype=torch.float64)
    kept = points // 3 + 1
    v = torch.fft.rfft2(u)[..., :kept].contiguous()

    def raw() -> None:
        for _ in range(2 * EVALUATIONS):
            torch.fft.irfft(torch.fft.ifft(v, dim=-2), n=points, dim=-1)
            torch.fft.fft(torch.fft.rfft(u, dim=-1)[..., :kept], dim=-2)

    return raw
