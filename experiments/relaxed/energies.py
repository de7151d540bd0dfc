"""Super-resolution: a field from the mean of its square in a few cells, which has periods that the field has not."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.relaxed.pairs import Pairs, uniform, waves
from pdesym.solvers import Grid, solve
from pdesym.solvers.catalogue import allen_cahn

_GRID = Grid(96, length=2 * torch.pi)


@dataclass(frozen=True)
class CoarseEnergy:
    """From the mean of u² in each of n cells to u, for solutions of the Allen-Cahn equation.

    Where u(x + L/2m) = −u(x) the energy has the period L/2m, and {u, −u} = {s u : s ∈ C_2m}. So p = 2m. A generic u has
    a positive mean, which tells its sign; where cells lie does not matter beyond that, so the group is that of
    translations by whole cells, and the energies are given to a network as their trigonometric interpolant on the
    points of u.

    Attributes:
        grid: of u.
        cells: n.
        duration: time since random waves.
        epsilon: ε of the equation.
        orders: p.
    """

    name: str = "coarse_energy"
    grid: Grid = _GRID
    cells: int = 24
    duration: float = 1.0
    epsilon: float = 0.25
    orders: tuple[int, ...] = (2, 4, 6)

    def initial(self, order: int, count: int, rng: torch.Generator) -> Float[Tensor, "count 1 points"]:
        """Waves of which some are as the order asks; 1 for generic ones."""
        numbers = (1, 2, 3, 4) if order == 1 else (order // 2, 3 * order // 2)
        size = uniform(rng, 0.3, 0.8, count, len(numbers), 1)
        if order == 1:
            size = 0.5 * size
        u = (size * waves(self.grid, numbers, rng, count)).sum(1, keepdim=True)
        return u + 0.5 if order == 1 else u

    def coarse(self, u: Float[Tensor, "samples 1 points"]) -> Float[Tensor, "samples 1 points"]:
        """The mean of u² in each cell, interpolated without the wave that the cells cannot tell from its mirror."""
        energy = u.square().unflatten(-1, (self.cells, -1)).mean(-1)
        spectrum = torch.fft.rfft(energy, norm="forward")[..., : (self.cells + 1) // 2]
        return torch.fft.irfft(spectrum, n=u.shape[-1], norm="forward")


def pairs(problem: CoarseEnergy, orders: tuple[int, ...], count: int, rng: torch.Generator) -> Pairs:
    """So many fields of each order in turn."""
    counts = [len(range(place, count, len(orders))) for place in range(len(orders))]
    u = torch.cat([problem.initial(order, share, rng) for order, share in zip(orders, counts, strict=True)])
    order = torch.cat([torch.full((share,), order) for order, share in zip(orders, counts, strict=True)])
    y = solve(allen_cahn(problem.epsilon), u, problem.grid, [problem.duration], rtol=1e-6).u[:, -1]
    return Pairs(problem.coarse(y), y, order)
