"""Trajectories of x' = F(x) at tight tolerance."""

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import solve_ivp
from torch import Tensor

from pdesym.symmetry.dynamics.bracket import VectorField


def trajectories(
    field: VectorField,
    initial: Float[Tensor, "trajectories n"],
    times: Float[Tensor, " times"],
    tolerance: float = 1e-11,
) -> Float[Tensor, "trajectories times n"]:
    """Solutions of x' = F(x) by the Runge-Kutta pair of order 8 of Dormand and Prince, float64, on the CPU.

    All trajectories are one system with one step: the error is controlled in their root mean square.

    Args:
        field: F.
        initial: x at the first time.
        times: increasing, the first of them that of `initial`.
        tolerance: relative, and absolute in the unit of x.

    Raises:
        ValueError: for fewer than two times, or times that do not increase.
        FloatingPointError: where the solution does not reach the last time.
    """
    if len(times) < 2 or not bool((times.diff() > 0).all()):
        raise ValueError(f"Expected at least two increasing times, got {times.tolist()}: begin with that of the start.")
    shape = initial.shape

    def velocity(_: float, flat: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            value: np.ndarray = field(torch.from_numpy(flat).reshape(shape)).reshape(-1).numpy()
        return value

    start, places = initial.double().reshape(-1).numpy(), times.double().numpy()
    solution = solve_ivp(
        velocity, (places[0], places[-1]), start, method="DOP853", t_eval=places, rtol=tolerance, atol=tolerance
    )
    if not solution.success or not np.isfinite(solution.y).all():
        raise FloatingPointError(
            f"Expected a solution up to time {places[-1]:g}, got one up to {solution.t[-1]:g} ({solution.message}): "
            "shorten the times or move the start away from a singularity."
        )
    return torch.from_numpy(solution.y).reshape(*shape, len(times)).permute(0, 2, 1).contiguous()
