"""A step on a GPU against the raw time of its transforms, which cuFFT makes."""

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import torch

from pdesym.solvers import GaussianField, solve
from pdesym.solvers.step_graph import cuda_graph
from speed.bench import Bar, Bench, Line, Row
from speed.clock import alternate, gpu, spread
from speed.problems import KDV, NAVIER_STOKES_64, Problem
from speed.rows.step import FRAMES, POINTS, STEPS, step_problem
from speed.rows.transforms import line_transforms, plane_transforms_by_torch

PLANE_POINTS, PLANE_STEPS = 256, 400


def gpu_row(bench: Bench) -> Row:
    """KdV on 256 points, 4096 samples; Navier-Stokes on 256² points, 64 samples; both float64."""
    row = Row(
        f"On {torch.cuda.get_device_name()}: a step against the raw time of its transforms, which are launched "
        "together; seconds by the clock, not of the CPU"
    )
    line = replace(step_problem(KDV), samples=64 if bench.quick else 4096)
    _add(row, bench, line, FRAMES * STEPS, "etdrk4-cox-matthews", line_transforms(POINTS, line.samples, "cuda"))
    plane = replace(
        NAVIER_STOKES_64,
        grid=NAVIER_STOKES_64.grid.refined((PLANE_POINTS, PLANE_POINTS)),
        # Up to the end of the grid, so that products are padded.
        law=GaussianField(sigma=300.0, modes=PLANE_POINTS // 2 - 1),
        samples=4 if bench.quick else 64,
        horizon=0.2,
        frames=1,
    )
    raw = plane_transforms_by_torch(PLANE_POINTS, plane.samples, "cuda")
    _add(row, bench, plane, PLANE_STEPS, "etdrk4", raw)
    return row


def _add(row: Row, bench: Bench, problem: Problem, number: int, method: str, raw: Callable[[], None]) -> None:
    u0, equation, times = problem.initial().cuda(), problem.equation(), problem.times
    transforms = cuda_graph(raw, u0.device)

    def steps() -> object:
        return solve(equation, u0, problem.grid, times, dt=problem.horizon / number, method=method)

    def launched() -> object:
        with patch.dict("pdesym.solvers.step_graph.RECORDERS", clear=True):
            return steps()

    calls: dict[str, Callable[[], object]] = {
        "pdesym": steps,
        "pdesym, kernel by kernel": launched,
        "transforms": lambda: [transforms() for _ in range(number)],
    }
    first = {name: gpu(call)[0] for name, call in calls.items()}
    seconds = {name: spread(each) for name, each in alternate(calls, bench.many, clock=gpu).items()}
    what = f"{problem.name}, {problem.samples} samples"
    for name in calls:
        row.lines.append(Line(name, f"{what}, one step", [s / number for s in seconds[name]], 1, first[name]))
    ratio = seconds["pdesym"][0] / seconds["transforms"][0]
    gain = seconds["pdesym, kernel by kernel"][0] / seconds["pdesym"][0]
    bench.say(
        f"gpu {what}: a step takes {ratio:.2f} times the time of its transforms; recorded {gain:.2f} times faster"
    )
    row.bars.append(Bar(f"step over transforms, {what}", ratio, 2.0, least=False))
