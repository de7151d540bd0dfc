"""Kuramoto-Sivashinsky and Burgers to a worst error, against exponax at its best fixed step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pdesym.solvers import BlowUpError, solve
from speed.bench import Bar, Bench, Row, Tool, exponax_tool, ours
from speed.peers.exponax import Configuration
from speed.problems import BURGERS, KS, Problem, errors

ATLEAST = 1.4
STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24, 28, 32, 40, 48, 64)


def ks_row(bench: Bench) -> Row:
    """Real spectrum, chaos."""
    return _row(
        bench, KS, (128, 96, 112, 144, 160), "Kuramoto-Sivashinsky, L = 64, T = 100, 500 frames, 64 random samples"
    )


def burgers_row(bench: Bench) -> Row:
    """Real spectrum, fronts."""
    return _row(
        bench, BURGERS, (256, 192, 216, 240, 320), "Burgers, ν = 0.05, L = 2π, T = 4, 40 frames, 64 random samples"
    )


def _row(bench: Bench, whole: Problem, points: Sequence[int], title: str) -> Row:
    problem = bench.sized(whole)
    exact = bench.truth(problem)
    candidates = [Configuration(n, 12, dealiasing=share) for share in (None, 2 / 3) for n in points]
    best = bench.best_exponax(problem, exact.u, candidates, 400)
    fixed = cheapest_fixed(problem, exact.u, points)
    lines = bench.compare(
        problem,
        exact.u,
        [ours(problem, rtol=problem.bar), fixed, exponax_tool(problem, best, "exponax")],
        bench.rounds,
    )
    asked, equal, theirs = lines
    bars = [
        Bar("times faster than exponax, steps by tolerance", theirs.each / asked.each, ATLEAST),
        Bar("times faster than exponax, both with the best fixed step", theirs.each / equal.each, ATLEAST),
        Bar("worst true error by tolerance", asked.error_worst or 0.0, problem.bar, least=False),
    ]
    return Row(f"{title}, worst error at most {problem.bar:g}", lines, bars, {"truth_uncertainty": exact.uncertainty})


def cheapest_fixed(
    problem: Problem, exact: Tensor, points: Sequence[int], shares: Sequence[float | None] = (None,), **options: Any
) -> Tool:
    """pdesym with the grid, the share of its modes and the equal steps that reach the bar in every sample with the
    least work.

    Raises:
        RuntimeError: when none does.
    """
    best: tuple[float, int, Problem, int | None] | None = None
    for n, share in ((n, share) for n in points for share in shares):
        there = replace(problem, grid=problem.grid.refined((n,) * problem.grid.dims))
        modes = None if share is None else int((n - 1) * share / 2)
        u0, equation, interval = there.initial(), there.equation(), there.horizon / there.frames
        # Products are taken on 3/2 of what is kept.
        size = (n if modes is None else 2 * modes) ** problem.grid.dims
        for steps in STEPS:
            if best is not None and steps * size >= best[0]:
                break
            try:
                u = solve(equation, u0, there.grid, there.times, dt=interval / steps, modes=modes, **options).u
            except BlowUpError:
                continue
            if torch.all(errors(u, exact) <= problem.bar):
                best = steps * size, steps, there, modes
                break
    if best is None:
        raise RuntimeError(f"No fixed step of pdesym reaches {problem.bar:g} for {problem.name} on {points} points.")
    _, steps, there, modes = best
    tool = ours(there, dt=there.horizon / there.frames / steps, modes=modes, **options)
    size_told = f"{there.grid.points[0]}{'²' if there.grid.dims == 2 else ''}"
    told = ", ".join(f"{key}={value}" for key, value in options.items())
    kept = "all modes" if modes is None else f"modes up to {modes}"
    return replace(tool, configuration=f"{size_told} points, {steps} steps a frame, {kept}{told and ', ' + told}")
