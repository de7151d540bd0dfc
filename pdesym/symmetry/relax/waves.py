"""The waves of a periodic grid of which one of each pair ±k stands for both."""

import math
from functools import lru_cache

import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import integer_wavenumbers, transform
from pdesym.symmetry.relax.lattice import Lattice, dual


@lru_cache(maxsize=32)
def waves(grid: Grid) -> tuple[Int[Tensor, "wave dims"], Int[Tensor, " wave"]]:
    """The wavenumbers k ≠ 0 without those at N/2 of an even axis, the longest waves first, and their places.

    One of k and −k is there. The places are those in the half spectrum, flattened. Waves of one |k| are in the order
    of their wavenumbers.
    """
    modes = torch.stack(torch.broadcast_tensors(*integer_wavenumbers(grid)), -1).long().reshape(-1, grid.dims)
    points = torch.tensor(grid.points)
    keep = (2 * modes.abs() < points).all(1)
    # The last axis holds k ≥ 0 alone; where it is 0, the sign of the first other that is not 0 decides.
    sign = torch.zeros(len(modes), dtype=torch.int64)
    for axis in (grid.dims - 1, *range(grid.dims - 1)):
        sign = torch.where(sign == 0, modes[:, axis].sign(), sign)
    (places,) = (keep & (sign > 0)).nonzero(as_tuple=True)
    order = sorted(
        places.tolist(), key=lambda place: (sum(k * k for k in modes[place].tolist()), modes[place].tolist())
    )
    chosen = torch.tensor(order, dtype=torch.int64)
    return modes[chosen], chosen


def coefficients(x: Float[Tensor, "batch *rest"], grid: Grid) -> Complex[Tensor, "batch lead wave"]:
    """û_k of all leading axes as one, in double precision, so that u = Σ_k û_k e^{2πi k·x/L} + … ."""
    flat = x.double().reshape(len(x), math.prod(x.shape[1 : x.ndim - grid.dims]), *x.shape[x.ndim - grid.dims :])
    spectrum = transform(flat, grid).flatten(2) / grid_size(grid)
    return spectrum[..., waves(grid)[1].to(x.device)]


def grid_size(grid: Grid) -> int:
    """The number of points."""
    return math.prod(grid.points)


@lru_cache(maxsize=512)
def contained(lattice: Lattice, grid: Grid) -> Bool[Tensor, " wave"]:
    """Which of the waves of the grid are of the lattice."""
    return in_lattice(lattice, waves(grid)[0])


def in_lattice(lattice: Lattice, k: Int[Tensor, "wave dims"]) -> Bool[Tensor, " wave"]:
    """Which wavenumbers are of the lattice: those that are 1 on all translations of its dual."""
    inverse, divisors = dual(lattice, k.shape[-1])
    images = k @ torch.tensor(inverse, dtype=torch.int64, device=k.device)
    d = torch.tensor(divisors, dtype=torch.int64, device=k.device)
    return torch.where(d == 0, images == 0, images % d.clamp_min(1) == 0).all(-1)
