"""Frames between the frames of trajectories, by solving the equation from each of them."""

import math
from dataclasses import replace

import torch

from pdesym.solvers.flow_map import FlowMap
from pdesym.solvers.grid import Grid
from pdesym.solvers.trajectories import Trajectories


def frames_between(trajectories: Trajectories, parts: int, rtol: int | float = 1e-6) -> Trajectories:
    """The same trajectories with `parts` − 1 new frames between any two, each solved for from the frame before it.

    Frames too far apart in time to be interpolated hold all there is to know all the same. The old frames stay bit for
    bit; the new ones are as exact as the old ones on their grid, which the solver begins from. Of all of them together
    the error is not known (nan).

    Args:
        trajectories: solutions on a periodic grid.
        parts: into how many the time between two frames is cut.
        rtol: tolerance of the solver from frame to frame.

    Raises:
        ValueError: for less than one part, boxes of finite differences, and as `FlowMap`.
    """
    grid, equation, u = trajectories.grid, trajectories.equation, trajectories.u
    if isinstance(parts, bool) or not isinstance(parts, int) or parts < 1:
        raise ValueError(f"Expected a whole number of parts between two frames, at least 1, got {parts}.")
    if not isinstance(grid, Grid):
        raise ValueError("Expected trajectories on a periodic Grid, got a box of finite differences.")
    if parts == 1:
        return trajectories
    times = trajectories.times.double()
    shares = torch.arange(1, parts, dtype=torch.float64, device=times.device) / parts
    frames, instants = [], []
    for j in range(len(times) - 1):
        later = times[j] + shares * (times[j + 1] - times[j])
        flow = FlowMap(equation, grid, [float(times[j]), *later.tolist()], rtol=rtol, length=trajectories.length)
        new = flow(u[:, j])
        frames += [u[:, j : j + 1], new if parts > 2 else new.unsqueeze(1)]
        instants += [times[j : j + 1], later]
    frames.append(u[:, -1:])
    instants.append(times[-1:])
    unknown = torch.full_like(trajectories.error, math.nan)
    fields, all_times = torch.cat(frames, 1), torch.cat(instants)
    return replace(trajectories, u=fields, times=all_times, error=unknown, horizon=unknown, verified={})
