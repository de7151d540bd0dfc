"""The tangent-linear flow: its time against that of one solution, its values against finite differences."""

import torch

from pdesym.solvers import FlowMap
from speed.bench import Bar, Bench, Line, Row
from speed.clock import alternate, cpu, spread
from speed.problems import KDV

BATCH, DIRECTIONS, HORIZON, STEP = 64, 8, 1.0, 0.02
# Central differences of fourth order with this step, as a share of the norm of u.
DIFFERENCE = 1e-3


def tangent_row(bench: Bench) -> Row:
    """KdV on 256 points, 64 trajectories with 8 directions each, 50 equal steps."""
    problem = KDV.fewer(BATCH)
    u = problem.initial()
    generator = torch.Generator().manual_seed(0)
    smooth = torch.fft.rfft(torch.randn(DIRECTIONS, *u.shape, generator=generator, dtype=torch.float64))
    smooth[..., 16:] = 0
    w = torch.fft.irfft(smooth, n=u.shape[-1])
    w *= u.norm() / w.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
    flow = FlowMap(problem.equation(), problem.grid, times=(0.0, HORIZON), dt=STEP)

    calls = {"one solution": lambda: flow(u), "with 8 tangents": lambda: flow.tangent(u, w)}
    first = {name: cpu(call)[0] for name, call in calls.items()}
    seconds = alternate(calls, bench.many)
    exact = flow.tangent(u, w)[1]
    e = DIFFERENCE
    differences = torch.stack(
        [(8 * (flow(u + e * d) - flow(u - e * d)) - flow(u + 2 * e * d) + flow(u - 2 * e * d)) / (12 * e) for d in w]
    )
    defect = float((exact - differences).norm() / differences.norm())
    ratio = spread(seconds["with 8 tangents"])[0] / spread(seconds["one solution"])[0]
    bench.say(f"tangent: {ratio:.2f} times one solution, differs from finite differences by {defect:.1e}")
    return Row(
        "Tangent-linear, KdV, 256 points, 64 trajectories, 8 directions each, 50 steps",
        [Line("pdesym FlowMap", name, spread(seconds[name]), BATCH, first[name]) for name in calls],
        [
            Bar("time over one solution's", ratio, 8.5, least=False),
            Bar("difference from finite differences", defect, 1e-7, least=False),
        ],
    )
