"""A step against the raw time of its transforms."""

from collections.abc import Callable
from dataclasses import replace

import torch

from pdesym.solvers import solve
from speed.backends import EVALUATIONS, kernel_transforms, plane_transforms
from speed.bench import Bar, Bench, Line, Row
from speed.clock import alternate, cpu, spread
from speed.problems import BURGERS, KDV, KS, NAVIER_STOKES_64, Problem
from speed.rows.step import BATCH, FRAMES, POINTS, STEPS, our_steps, step_problem, without_kernel

PLANE_STEPS = {64: 100, 128: 40}


def transforms_row(bench: Bench) -> Row:
    """Both in the same loop, on arrays of the same shape: eight transforms a step in 1D, sixteen in 2D."""
    row = Row("A step against the raw time of its transforms, same arrays, float64")
    for whole in (KDV, KS, BURGERS):
        problem = step_problem(whole)
        steps, number = our_steps(problem), FRAMES * STEPS
        compiled, raw = kernel_transforms(POINTS, BATCH, number), _repeated(line_transforms(POINTS, BATCH), number)
        _add(row, bench, f"{problem.name}, row kernel", steps, compiled, number, 1.5)
        _add(row, bench, f"{problem.name}, torch alone", without_kernel(steps), raw, number, 1.5)
    for points in (64, 128):
        problem = replace(NAVIER_STOKES_64, horizon=0.2, frames=1)
        problem = replace(problem, grid=problem.grid.refined((points, points)))
        number = PLANE_STEPS[points]
        steps = _plane(problem, number)
        compiled = plane_transforms(problem.equation(), problem.grid, problem.samples, number)
        raw = _repeated(plane_transforms_by_torch(points, problem.samples), number)
        _add(row, bench, f"navier-stokes {points}², plane kernel", steps, compiled, number, 1.6)
        _add(row, bench, f"navier-stokes {points}², torch alone", without_kernel(steps), raw, number, 1.6)
    return row


def _add(
    row: Row, bench: Bench, name: str, steps: Callable[[], object], raw: Callable[[], object], number: int, bar: float
) -> None:
    calls = {"pdesym": steps, "transforms": raw}
    first = {key: cpu(call)[0] for key, call in calls.items()}
    seconds = alternate(calls, bench.many)
    for key in calls:
        row.lines.append(Line(key, f"{name}, one step", [s / number for s in spread(seconds[key])], 1, first[key]))
    ratio = spread(seconds["pdesym"])[0] / spread(seconds["transforms"])[0]
    bench.say(f"transforms {name}: a step takes {ratio:.2f} times the time of its transforms")
    row.bars.append(Bar(f"step over transforms, {name}", ratio, bar, least=False))


def _repeated(raw: Callable[[], object], number: int) -> Callable[[], object]:
    return lambda: [raw() for _ in range(number)]


def _plane(problem: Problem, number: int) -> Callable[[], object]:
    u0, equation, times = problem.initial(), problem.equation(), problem.times
    return lambda: solve(equation, u0, problem.grid, times, dt=problem.horizon / number)


def line_transforms(points: int, batch: int, device: str = "cpu") -> Callable[[], None]:
    """Those of one step of KdV and its like, one inverse and one forward an evaluation."""
    u = torch.randn(batch, 1, points, dtype=torch.float64, device=device)
    v = torch.fft.rfft(u)

    def raw() -> None:
        for _ in range(EVALUATIONS):
            torch.fft.irfft(v, n=points)
            torch.fft.rfft(u)

    return raw


def plane_transforms_by_torch(points: int, batch: int, device: str = "cpu") -> Callable[[], None]:
    """Those of one step of the vorticity equation.

    Two inverse and two forward transforms an evaluation, between the modes of the grid and the points of products.

    These spectra reach the end of both grids, so that pdesym takes products on 3/2 of the points along each axis; the
    columns beyond the grid's own are left out.
    """
    n, kept = 3 * points // 2, points // 2
    u = torch.randn(batch, 1, n, n, dtype=torch.float64, device=device)
    v = torch.fft.rfft2(u)[..., :kept].contiguous()

    def raw() -> None:
        for _ in range(2 * EVALUATIONS):
            torch.fft.irfft(torch.fft.ifft(v, dim=-2), n=n, dim=-1)
            torch.fft.fft(torch.fft.rfft(u, dim=-1)[..., :kept], dim=-2)

    return raw
