"""Small systems with known symmetries and conserved functions."""

import torch

from pdesym.symmetry.functions import Functions, Polynomials


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def central(power, friction=0.0):
    """q'' = −q/|q|^power − friction q' in the plane; power 3 is the Kepler problem."""

    def field(z):
        q, p = z[:, :2], z[:, 2:]
        return torch.cat([p, -q / q.norm(dim=1, keepdim=True) ** power - friction * p], 1)

    return field


def kepler_functions():
    """Polynomials of degree 3 in (q, p), and 1/r, x/r, y/r: energy, angular momentum and the Runge-Lenz vector."""
    powers = Polynomials(4, 3)

    def monomial(i):
        return lambda z: powers.evaluate(z)[:, i]

    def over_radius(numerator):
        return lambda z: numerator(z) / z[:, :2].norm(dim=1)

    ones = (lambda z: torch.ones_like(z[:, 0]), lambda z: z[:, 0], lambda z: z[:, 1])
    return Functions((*(monomial(i) for i in range(powers.size)), *(over_radius(each) for each in ones)), 4)


def chain(friction=0.0, tether=0.0):
    """Two unit masses on a line, a spring of stiffness 2 between them: state (q₁, q₂, p₁, p₂).

    Another spring, of stiffness `tether`, holds the first mass. Without it P + friction · (q₁ + q₂) is conserved.
    """

    def field(z):
        q, p = z[:, :2], z[:, 2:]
        stretch = 2 * (q[:, 1:] - q[:, :1])
        return torch.cat([p, torch.cat([stretch - tether * q[:, :1], -stretch], 1) - friction * p], 1)

    return field
