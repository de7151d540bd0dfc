"""The right-hand sides of published generators of KdV data, for scipy's integrators.

uₜ = −u uₓ − uₓₓₓ on N points, derivatives by the fast Fourier transform, the product not in conservative form and not
dealiased, one trajectory at a time, at a tolerance of 1e-9: as in the generators of Brandstetter et al. (Lie point
symmetry data augmentation, ICML 2022; Radau) and of Ko et al. (Dormand-Prince of order 5, `RK45` in scipy).
"""

import numpy as np
import torch
from scipy.fftpack import diff
from scipy.integrate import solve_ivp
from torch import Tensor

from speed.problems import Problem

TOLERANCE = 1e-9


def integrate(problem: Problem, u0: Tensor, method: str, tolerance: float = TOLERANCE) -> Tensor:
    """`(samples, frames, 1, points)` of KdV by `scipy.integrate.solve_ivp` with the named method.

    Raises:
        RuntimeError: when scipy gives up.
    """
    (length,) = problem.grid.length

    def rhs(_: float, u: np.ndarray) -> np.ndarray:
        return -u * diff(u, period=length) - diff(u, order=3, period=length)

    frames = []
    for u in u0[:, 0].numpy():
        solution = solve_ivp(
            rhs,
            (0.0, problem.horizon),
            u,
            method=method,
            t_eval=problem.times.numpy(),
            rtol=tolerance,
            atol=tolerance,
        )
        if not solution.success:
            raise RuntimeError(f"scipy's {method} gave up: {solution.message}")
        frames.append(torch.from_numpy(solution.y.T.copy()))
    return torch.stack(frames).unsqueeze(2)
