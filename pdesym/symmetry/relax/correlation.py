"""The translation of a closed group that brings one field nearest to another."""

import math

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.relax.lattice import Lattice, dual
from pdesym.symmetry.relax.waves import coefficients, waves

_OVERSAMPLED = 4
_STARTS = 8
_NEWTON_STEPS = 8


def nearest_translation(
    y_hat: Float[Tensor, "*rest"], y: Float[Tensor, "*rest"], grid: Grid, lattice: Lattice
) -> Float[Tensor, " dims"]:
    """α, in turns of each axis, of the T_{αL} ŷ nearest to y, among those on which the lattice's waves are 1; float64.

    ‖T ŷ − y‖² is least where the correlation C(γ) = Re Σ_k p_k e^{−2πi k·Q⁻¹γ} is the greatest, p_k the sum of
    conj(ŷ_k) y_k, conjugated, over the leading axes. Along finite axes all γ are tried, by one transform; along
    continuous ones a grid of 4 points for the shortest wave, and from the 8 best points Newton's method.
    """
    inverse, divisors = dual(lattice, grid.dims)
    if math.prod(divisors) == 1:
        return torch.zeros(grid.dims, dtype=torch.float64, device=y.device)
    a, b = coefficients(y_hat.unsqueeze(0), grid)[0], coefficients(y.unsqueeze(0), grid)[0]
    p = (a * b.conj()).sum(0).detach()
    q_inverse = torch.tensor(inverse, dtype=torch.int64, device=p.device)
    frequencies = waves(grid)[0].to(p.device) @ q_inverse
    used = p.abs() > 0
    p, frequencies = p[used], frequencies[used]
    if not len(p):
        return torch.zeros(grid.dims, dtype=torch.float64, device=p.device)
    sizes = [d or 2 * _OVERSAMPLED * int(frequencies[:, axis].abs().max()) or 1 for axis, d in enumerate(divisors)]
    starts = _best_points(p, frequencies, sizes)
    gamma = _newton(p, frequencies, starts, torch.tensor([d == 0 for d in divisors], device=p.device))
    best = gamma[_value(p, frequencies, gamma).argmax()]
    return q_inverse.double() @ best


def _best_points(
    p: Complex[Tensor, " wave"], frequencies: Int[Tensor, "wave dims"], sizes: list[int]
) -> Float[Tensor, "start dims"]:
    """The points γ of the grid of these sizes with the greatest C."""
    table = torch.zeros(math.prod(sizes), dtype=p.dtype, device=p.device)
    place = torch.zeros(len(p), dtype=torch.int64, device=p.device)
    for axis, size in enumerate(sizes):
        place = place * size + frequencies[:, axis] % size
    table.index_add_(0, place, p)
    values = torch.fft.fftn(table.reshape(sizes)).real.flatten()
    chosen = values.topk(min(_STARTS, len(values))).indices
    gamma = torch.empty(len(chosen), len(sizes), dtype=torch.float64, device=p.device)
    for axis in reversed(range(len(sizes))):
        gamma[:, axis] = (chosen % sizes[axis]).double() / sizes[axis]
        chosen = chosen // sizes[axis]
    return gamma


def _newton(
    p: Complex[Tensor, " wave"],
    frequencies: Int[Tensor, "wave dims"],
    gamma: Float[Tensor, "start dims"],
    free: Tensor,
) -> Float[Tensor, "start dims"]:
    """The maxima near the starting points along the free axes; a start keeps its place where a step would lower C."""
    if not bool(free.any()):
        return gamma
    q = 2 * math.pi * frequencies[:, free].double()
    for _ in range(_NEWTON_STEPS):
        w = p * torch.exp(-2j * math.pi * (gamma @ frequencies.double().T))
        slope = w.imag @ q
        curvature = -torch.einsum("sw,wi,wj->sij", w.real, q, q)
        # A wave that is missing from both fields leaves directions along which nothing changes.
        step = -(torch.linalg.pinv(curvature, hermitian=True, rtol=1e-12) @ slope.unsqueeze(-1)).squeeze(-1)
        moved = gamma.clone()
        moved[:, free] += step
        rises = _value(p, frequencies, moved) >= _value(p, frequencies, gamma) - 1e-15 * p.abs().sum()
        gamma = torch.where(rises.unsqueeze(-1), moved, gamma)
    return gamma


def _value(
    p: Complex[Tensor, " wave"], frequencies: Int[Tensor, "wave dims"], gamma: Float[Tensor, "start dims"]
) -> Float[Tensor, " start"]:
    """C."""
    return (p * torch.exp(-2j * math.pi * (gamma @ frequencies.double().T))).real.sum(-1)
