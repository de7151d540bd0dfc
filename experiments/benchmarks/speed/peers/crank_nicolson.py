"""The first-order scheme of the Navier-Stokes data of Li et al. (Fourier neural operators, ICLR 2021, appendix A.3.3).

    (1 + ½ Δt ν |k|²) ŵ_{n+1} = (1 − ½ Δt ν |k|²) ŵ_n − Δt F[u·∇w]_n

Crank-Nicolson for diffusion, forward Euler for advection, five transforms a step, products with the 2/3 rule, at
Δt = 1e-4. Written from that description, in torch, with half spectra.
"""

import math

import torch
from torch import Tensor

from speed.problems import Problem

STEP = 1e-4
VISCOSITY = 1e-3


def integrate(problem: Problem, w0: Tensor, dt: float = STEP, horizon: float | None = None) -> Tensor:
    """`(samples, frames, 1, n, n)`; with a shorter horizon only the frames before its end."""
    horizon = problem.horizon if horizon is None else horizon
    n, (length, *_) = w0.shape[-1], problem.grid.length
    between = round(problem.horizon / problem.frames / dt)
    k = 2 * math.pi / length * torch.fft.fftfreq(n, 1 / n, dtype=w0.dtype)[:, None]
    j = 2 * math.pi / length * torch.fft.rfftfreq(n, 1 / n, dtype=w0.dtype)
    square = k**2 + j**2
    inverse = torch.where(square == 0, 1.0, square).reciprocal()
    limit = 2 * math.pi / length * n / 3
    mask = (k.abs() <= limit) & (j <= limit)
    to_u, to_v = 1j * j * inverse, -1j * k * inverse
    to_x, to_y = 1j * k, 1j * j
    explicit = (1 - 0.5 * dt * VISCOSITY * square) / (1 + 0.5 * dt * VISCOSITY * square)
    advective = dt * mask / (1 + 0.5 * dt * VISCOSITY * square)

    def field(v: Tensor) -> Tensor:
        result: Tensor = torch.fft.irfft2(v, s=(n, n))
        return result

    w = torch.fft.rfft2(w0[:, 0])
    frames = []
    for step in range(1, round(horizon / dt) + 1):
        product = field(to_u * w) * field(to_x * w) + field(to_v * w) * field(to_y * w)
        w = explicit * w - advective * torch.fft.rfft2(product)
        if step % between == 0:
            frames.append(field(w))
    return torch.stack(frames, dim=1).unsqueeze(2) if frames else w0.new_zeros(len(w0), 0, 1, n, n)
