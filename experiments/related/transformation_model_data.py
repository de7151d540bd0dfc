"""Datasets whose law is moved by translations, boosts or scalings or is not, with what is known of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers import Equation, Grid, RandomSinusoids, solve
from pdesym.symmetry.relax import TorusTranslations

POINTS = 64
CIRCLE = Grid(POINTS, length=2 * math.pi)
SEGMENT = Grid(POINTS, length=math.pi)
LAW = RandomSinusoids(terms=10, amplitude=0.5, waves=(1, 2, 3, 4))
BURGERS = "u_t = -u*u_x + 0.1*u_xx"
CONCENTRATION = 2.0
"""κ of the drawn shifts: density exp(κ cos(η − μ)) / 2π I₀(κ)."""
CENTRES, WIDTH = (-1.0, 1.0), 0.3
"""Of the drawn boosts and logarithms of scales: a mixture of two normal laws where free, one where tied."""


@dataclass(frozen=True)
class Moved:
    """Fields as prototypes and what moved them, x = T_η x̂.

    Attributes:
        fields: x.
        prototypes: x̂, the same for all fields of an orbit.
        elements: η, an angle of the circle for shifts, a real number for boosts (in units of the field) and for scales
            (the logarithm of the factor).
        truth: log p(η|x̂) where it is known.
    """

    fields: Float[Tensor, "samples 1 points"]
    prototypes: Float[Tensor, "samples 1 points"]
    elements: Float[Tensor, " samples"]
    truth: Float[Tensor, " samples"] | None = None


def shifts_of(fields: Float[Tensor, "samples 1 points"], grid: Grid) -> Moved:
    """Fields by their translations."""
    translations = TorusTranslations(grid)
    element = translations.canonical(fields)
    prototypes = translations.act(translations.inverse(element), fields)
    return Moved(fields, prototypes, element[:, 0] * (2 * math.pi / grid.length[0]))


def boosts_of(fields: Float[Tensor, "samples 1 points"]) -> Moved:
    """Fields by their means; of what is left, the prototype is independent of the place too."""
    mean = fields.mean((1, 2))
    return Moved(fields, shifts_of(fields - mean[:, None, None], CIRCLE).prototypes, mean)


def scales_of(fields: Float[Tensor, "samples 1 points"]) -> Moved:
    """Fields of zero mean by the logarithm of their root mean square."""
    size = fields.square().mean((1, 2)).sqrt()
    return Moved(fields, shifts_of(fields / size[:, None, None], CIRCLE).prototypes, size.log())


def initial(samples: int, seed: int) -> Float[Tensor, "samples 1 points"]:
    """u(0): sinusoids of random phases, a law that translations leave alone."""
    return LAW.sample(CIRCLE, range(samples), seed=(seed, 0))


def forced(samples: int, seed: int, force: float) -> Float[Tensor, "samples 1 points"]:
    """u(1) of Burgers' equation with the force f sin x, whose phase is the same for all."""
    times = [0.0, 1.0]
    return solve(Equation(f"{BURGERS} + f*sin(x)", f=force), initial(samples, seed), CIRCLE, times, rtol=1e-5).u[:, -1]


def walled(samples: int, seed: int) -> Float[Tensor, "samples 1 points"]:
    """u(1) of Burgers' equation between walls at 0 and π where u = 0: half of an odd solution on the circle."""
    grid = Grid(2 * POINTS, length=2 * math.pi)
    u = LAW.sample(grid, range(samples), seed=(seed, 0))
    odd = (u - u.flip(-1).roll(1, -1)) / 2
    return solve(Equation(BURGERS), odd, grid, [0.0, 1.0], rtol=1e-5).u[:, -1, :, :POINTS]


def moved_at_random(
    fields: Float[Tensor, "samples 1 points"], grid: Grid, seed: int
) -> Float[Tensor, "samples 1 points"]:
    """Every field translated by its own random distance: what the walls or the phase did is gone."""
    translations = TorusTranslations(grid)
    return translations.act(translations.random(len(fields), torch.Generator().manual_seed(seed)), fields)


def drawn_shifts(samples: int, seed: int) -> Moved:
    """Shifts about the phase of the second mode of the prototype: known, and nearly uniform over all of them."""
    prototypes = shifts_of(initial(samples, seed), CIRCLE).prototypes
    centre = second_phase(prototypes)
    torch_law = torch.distributions.VonMises(centre, torch.full_like(centre, CONCENTRATION))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        angles = torch_law.sample()
    translations = TorusTranslations(CIRCLE)
    found = shifts_of(translations.act(angles.unsqueeze(1), prototypes), CIRCLE)
    return Moved(found.fields, found.prototypes, found.elements, torch_law.log_prob(angles))


def drawn_boosts(samples: int, seed: int, tied: bool) -> Moved:
    """Means drawn freely, or about cos(phase of the second mode) of the prototype."""
    u = initial(samples, seed)
    element, truth = _real_elements(shifts_of(u, CIRCLE).prototypes, seed, tied)
    found = boosts_of(u + element[:, None, None])
    return Moved(found.fields, found.prototypes, found.elements, truth)


def drawn_scales(samples: int, seed: int, tied: bool) -> Moved:
    """Logarithms of the root mean square drawn the same ways."""
    u = initial(samples, seed)
    u = u / u.square().mean((1, 2), keepdim=True).sqrt()
    element, truth = _real_elements(shifts_of(u, CIRCLE).prototypes, seed, tied)
    found = scales_of(element.exp()[:, None, None] * u)
    return Moved(found.fields, found.prototypes, found.elements, truth)


def second_phase(prototypes: Float[Tensor, "samples 1 points"]) -> Float[Tensor, " samples"]:
    """The phase of the second Fourier mode."""
    return torch.fft.rfft(prototypes[:, 0])[:, 2].angle()


def _real_elements(prototypes: Tensor, seed: int, tied: bool) -> tuple[Tensor, Tensor]:
    """Elements and the logarithms of their density."""
    generator = torch.Generator().manual_seed(seed)
    sign = torch.rand(len(prototypes), generator=generator, dtype=torch.float64) < 0.5
    free = torch.where(sign, *(torch.tensor(each, dtype=torch.float64) for each in CENTRES))
    centre = second_phase(prototypes).cos() if tied else free
    element = centre + WIDTH * torch.randn(len(centre), generator=generator, dtype=torch.float64)
    if tied:
        return element, torch.distributions.Normal(centre, WIDTH).log_prob(element)
    each = torch.stack([torch.distributions.Normal(place, WIDTH).log_prob(element) for place in CENTRES])
    return element, each.logsumexp(0) - math.log(len(CENTRES))


@dataclass(frozen=True)
class Dataset:
    """A law of fields.

    Attributes:
        name: of it.
        motion: "shift", "boost" or "scale".
        symmetric: whether p(η|x̂) is the same for all prototypes, and uniform where η is a shift.
        draw: (samples, seed) → fields as prototypes and elements.
        divergence: of p(η|x̂) from the uniform law, mean over prototypes in nats, where it is known.
    """

    name: str
    motion: str
    symmetric: bool
    draw: Callable[[int, int], Moved]
    divergence: float | None = None


def _von_mises_divergence(concentration: float) -> float:
    kappa = torch.tensor(concentration, dtype=torch.float64)
    i0, i1 = torch.special.i0(kappa), torch.special.i1(kappa)
    return float(kappa * i1 / i0 - i0.log())


FORCES = (0.05, 0.2, 0.5)
DATASETS = {
    each.name: each
    for each in (
        Dataset("initial fields", "shift", True, lambda n, seed: shifts_of(initial(n, seed), CIRCLE), 0.0),
        *(
            Dataset(f"force {f:g}", "shift", False, lambda n, seed, f=f: shifts_of(forced(n, seed, f), CIRCLE))
            for f in FORCES
        ),
        Dataset(
            f"force {FORCES[-1]:g}, moved",
            "shift",
            True,
            lambda n, seed: shifts_of(moved_at_random(forced(n, seed, FORCES[-1]), CIRCLE, seed), CIRCLE),
            0.0,
        ),
        Dataset("walls", "shift", False, lambda n, seed: shifts_of(walled(n, seed), SEGMENT)),
        Dataset(
            "walls, moved",
            "shift",
            True,
            lambda n, seed: shifts_of(moved_at_random(walled(n, seed), SEGMENT, seed), SEGMENT),
            0.0,
        ),
        Dataset("tied shifts", "shift", False, drawn_shifts, _von_mises_divergence(CONCENTRATION)),
        Dataset("free boosts", "boost", True, lambda n, seed: drawn_boosts(n, seed, tied=False)),
        Dataset("tied boosts", "boost", False, lambda n, seed: drawn_boosts(n, seed, tied=True)),
        Dataset("free scales", "scale", True, lambda n, seed: drawn_scales(n, seed, tied=False)),
        Dataset("tied scales", "scale", False, lambda n, seed: drawn_scales(n, seed, tied=True)),
    )
}
