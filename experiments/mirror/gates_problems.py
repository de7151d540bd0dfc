"""Steps of reaction-diffusion equations of which it is known which of three symmetries hold."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.group import MatrixGroup
from pdesym.symmetry.enforce.maps import invariance
from pdesym.symmetry.mirror.candidate import CandidateSymmetry, constrained_by

SYMMETRIES = ("translation", "reflection", "sign")
"""x ↦ x + cell, x ↦ −x, u ↦ −u."""


@dataclass(frozen=True)
class Problem:
    """u_t = ν u_xx + a u_x + (1 + c cos x) u + h u² − u³ on the circle of length 2π, dimensionless.

    Translation holds where c = 0, reflection where a = 0, the sign where h = 0; otherwise they are broken.

    Args:
        name: of the problem.
        advection: a.
        variation: c.
        square: h.
    """

    name: str
    advection: float = 0.0
    variation: float = 0.0
    square: float = 0.0

    @property
    def holds(self) -> tuple[bool, ...]:
        """Of each symmetry whether it holds."""
        return (self.variation == 0, self.advection == 0, self.square == 0)


PROBLEMS = (
    Problem("Allen-Cahn"),
    Problem("with advection", advection=0.5),
    Problem("with a coefficient in x", variation=0.5),
    Problem("with a square", square=0.5),
    Problem("with all three", advection=0.5, variation=0.5, square=0.5),
)
DIFFUSION = 0.05
VARIANCE = 0.25
"""Of the fields at a point."""
FINER = 4
"""Times as many points on which the equation is solved."""
STEPS = 20
"""Runge-Kutta steps of fourth order in one step of the operator."""


def step(problem: Problem, u: Float[Tensor, "sample points"], duration: float) -> Float[Tensor, "sample points"]:
    """u after a time, from its trigonometric interpolant on a finer grid; float64."""
    points = u.shape[-1]
    fine = torch.fft.irfft(torch.fft.rfft(u), FINER * points) * FINER
    cosine = torch.cos(torch.arange(FINER * points, dtype=u.dtype) * 2 * torch.pi / (FINER * points))
    wave = 1j * torch.arange(FINER * points // 2 + 1)

    def rate(v: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(v)
        linear = torch.fft.irfft((DIFFUSION * wave**2 + problem.advection * wave) * spectrum, FINER * points)
        return linear + (1 + problem.variation * cosine) * v + problem.square * v**2 - v**3

    h = duration / STEPS
    for _ in range(STEPS):
        a = rate(fine)
        b = rate(fine + h / 2 * a)
        c = rate(fine + h / 2 * b)
        d = rate(fine + h * c)
        fine = fine + h / 6 * (a + 2 * b + 2 * c + d)
    return fine[..., ::FINER]


def fields(samples: int, points: int, waves: int, seed: int) -> Float[Tensor, "sample points"]:
    """Gaussian trigonometric polynomials, the same variance at every wavenumber and `VARIANCE` at every point."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.arange(points, dtype=torch.float64) * 2 * torch.pi / points
    angles = torch.arange(waves + 1, dtype=torch.float64)[:, None] * x
    basis = torch.cat((torch.cos(angles), torch.sin(angles[1:])))
    basis[0] *= 0.5**0.5
    coefficients = torch.randn(samples, len(basis), generator=rng, dtype=torch.float64)
    return coefficients @ basis * (VARIANCE / (waves + 0.5)) ** 0.5


def polynomials(u: Float[Tensor, "sample points"]) -> Float[Tensor, "sample inputs"]:
    """Hermite polynomials of u of degree 1, 2 and 3 at every point, uncorrelated there and of variance 1, and the 1."""
    z = u / VARIANCE**0.5
    return torch.cat((z, (z**2 - 1) / 2**0.5, (z**3 - 3 * z) / 6**0.5, torch.ones_like(z[..., :1])), -1)


def candidates(points: int) -> list[CandidateSymmetry]:
    """The symmetries that a matrix W (points, 3 points + 1) from these polynomials to the change of u may have.

    Each is the null space of ρ_out(g) W − W ρ_in(g), where g moves the change of u by ρ_out and the polynomials by
    ρ_in: a roll by a cell, x ↦ −x, or minus 1, which leaves polynomials of even degree as they are.
    """
    identity, one = torch.eye(points, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    shift, mirror = identity.roll(1, 0), identity[(-torch.arange(points)) % points]
    return [
        _candidate(SYMMETRIES[0], shift, torch.block_diag(shift, shift, shift, one)),
        _candidate(SYMMETRIES[1], mirror, torch.block_diag(mirror, mirror, mirror, one)),
        _candidate(SYMMETRIES[2], -identity, torch.block_diag(-identity, identity, -identity, one)),
    ]


def _candidate(
    name: str, rho_out: Float[Tensor, "outputs outputs"], rho_in: Float[Tensor, "inputs inputs"]
) -> CandidateSymmetry:
    group = MatrixGroup(rho_out.new_zeros(0, *rho_out.shape), rho_out[None], name)
    inputs = group.representation(rho_in.new_zeros(0, *rho_in.shape), rho_in[None], "polynomials")
    return constrained_by(name, invariance(group.vector * inputs.dual))
