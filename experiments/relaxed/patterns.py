"""Two bifurcations in which noise chooses one of the patterns that the symmetry of the input leaves equal."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.relaxed.pairs import CIRCLE, Pairs, uniform, waves
from pdesym.solvers import Equation, Grid, solve

NOISE = 1e-3
"""Size of the waves that choose, in the unit of u; no network sees them."""

_RING, _THREE_ROLLS = Grid(96, length=2 * torch.pi), Grid(96, length=6 * torch.pi)


@dataclass(frozen=True)
class TwistedAllenCahn:
    """uₜ = ε² uₓₓ + a(x) u − u³ on a twisted ring: from u = 0 in a landscape a to the one wall that the twist asks for.

    A ring along which u and −u are one state, and which turns one into the other once around, is the circle of twice
    its length with u(x + L/2) = −u(x); the equation keeps that. Such a u has a wall, in one of the valleys of a. Where
    a has the period L/p, p even, p translations leave the input (u(0), a) = (0, a) where it is, and of the p places
    (valley and sign) noise chooses one: the outcomes are the s y with s ∈ C_p.

    A generic input has u(0) ≠ 0, of the twist and of no other symmetry.

    Attributes:
        grid: of the circle.
        duration: T, at which the wall has come to rest.
        orders: p.
    """

    name: str = "allen_cahn"
    grid: Grid = _RING
    duration: float = 60.0
    orders: tuple[int, ...] = (2, 4, 6)
    epsilon: float = 0.3

    @property
    def equation(self) -> Equation:
        """The landscape is a second field, at rest."""
        return Equation("u_t = epsilon**2*lap(u) + a*u - u**3", "a_t = 0*a", epsilon=self.epsilon)

    def inputs(self, order: int, count: int, rng: torch.Generator) -> Float[Tensor, "count 2 points"]:
        """(u(0), a) that so many translations leave where they are; 1 for generic ones."""
        if order == 1:
            u = 0.5 * (uniform(rng, 0.3, 1.0, count, 3, 1) * waves(self.grid, (1, 3, 5), rng, count)).sum(1)
            lowest = 2
        else:
            u, lowest = torch.zeros(count, self.grid.points[0], dtype=torch.float64), order
        size = uniform(rng, 0.25, 0.5, count, 2, 1) * torch.tensor([[1.0], [0.2]], dtype=torch.float64)
        a = 1 + (size * waves(self.grid, (lowest, 2 * lowest), rng, count)).sum(1)
        return torch.stack((u, a), 1)

    def noise(self, count: int, rng: torch.Generator) -> Float[Tensor, "count points"]:
        """Of the twist."""
        return NOISE * (uniform(rng, 0.3, 1.0, count, 4, 1) * waves(self.grid, (1, 3, 5, 7), rng, count)).sum(1)


@dataclass(frozen=True)
class SwiftHohenberg:
    """uₜ = r(x) u − (1 + ∂ₓ²)² u + g u² − u³: from a state without rolls to three rolls on a circle of three.

    Only the wave m = 3 grows. Where r has the period L/p, p = 2 or 6, its sixth harmonic holds the rolls at one of two
    phases, and shifts by L/p carry one into the other; where r is constant every phase is as good. Noise chooses: the
    outcomes are the s y with s ∈ G_x. The term g u² breaks u → −u, so that the mean of a pattern over G_x is not zero.

    A generic input has waves in u(0), and in r, that no translation leaves where they are.

    Attributes:
        grid: of the circle.
        duration: T, at which the rolls stand.
        orders: p; 0 stands for all translations.
    """

    name: str = "swift_hohenberg"
    grid: Grid = _THREE_ROLLS
    duration: float = 150.0
    orders: tuple[int, ...] = (2, 6, CIRCLE)
    g: float = 0.5

    @property
    def equation(self) -> Equation:
        """r is a second field, at rest."""
        return Equation("u_t = (r - 1)*u - 2*lap(u) - lap(lap(u)) + g*u**2 - u**3", "r_t = 0*r", g=self.g)

    def inputs(self, order: int, count: int, rng: torch.Generator) -> Float[Tensor, "count 2 points"]:
        """(u(0), r) that so many translations leave where they are; 1 for generic ones."""
        r = uniform(rng, 0.2, 0.25, count, 1).expand(count, self.grid.points[0])
        u = torch.zeros_like(r)
        if order == CIRCLE:
            return torch.stack((u, r), 1)
        r = r + (uniform(rng, 0.1, 0.2, count, 1, 1) * waves(self.grid, (6,), rng, count)).sum(1)
        if order < 6:
            broad = {1: (1, 2), 2: (2, 4)}[order]
            r = r + (uniform(rng, 0.0, 0.2, count, 2, 1) * waves(self.grid, broad, rng, count)).sum(1)
        numbers = {1: (1, 2, 3, 4), 2: (2, 4), 6: (6,)}[order]
        u = (uniform(rng, 0.1, 0.3, count, len(numbers), 1) * waves(self.grid, numbers, rng, count)).sum(1)
        return torch.stack((u, r), 1)

    def noise(self, count: int, rng: torch.Generator) -> Float[Tensor, "count points"]:
        """Of the waves that hardly decay."""
        return NOISE * (uniform(rng, 0.3, 1.0, count, 4, 1) * waves(self.grid, (1, 2, 3, 4), rng, count)).sum(1)


def solved(
    problem: TwistedAllenCahn | SwiftHohenberg, x: Float[Tensor, "samples 2 points"], rng: torch.Generator
) -> Float[Tensor, "samples 1 points"]:
    """What comes of inputs and of noise."""
    moved = x.clone()
    moved[:, 0] += problem.noise(len(x), rng)
    return solve(problem.equation, moved, problem.grid, [problem.duration], rtol=1e-5).u[:, -1, :1]


def pairs(
    problem: TwistedAllenCahn | SwiftHohenberg, orders: tuple[int, ...], count: int, rng: torch.Generator
) -> Pairs:
    """So many inputs of each order in turn, each with one outcome."""
    counts = [len(range(place, count, len(orders))) for place in range(len(orders))]
    x = torch.cat([problem.inputs(order, share, rng) for order, share in zip(orders, counts, strict=True)])
    order = torch.cat([torch.full((share,), order) for order, share in zip(orders, counts, strict=True)])
    return Pairs(x, solved(problem, x, rng), order)
