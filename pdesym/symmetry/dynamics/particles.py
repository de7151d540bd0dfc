"""How motions of space move the state (q₁ … q_N, p₁ … p_N) of particles in it."""

from pdesym.symmetry.dynamics.action import AffineAction, independent, side_by_side


def particles_together(space: AffineAction, particles: int) -> AffineAction:
    """One motion of space moves all particles alike: positions q as points, momenta p as vectors.

    Args:
        space: on Rᵈ.
        particles: N; the state (q₁ … q_N, p₁ … p_N) has 2 N d variables.
    """
    return side_by_side([space] * particles + [space.of_vectors()] * particles)


def particles_apart(space: AffineAction, particles: int) -> AffineAction:
    """The product of N copies of the algebra, each of which moves one particle and leaves the others.

    Args:
        space: on Rᵈ.
        particles: N; the state (q₁ … q_N, p₁ … p_N) has 2 N d variables.
    """
    d = space.dimension
    single = particles_together(space, 1)
    places = [
        [*range(i * d, (i + 1) * d), *range((particles + i) * d, (particles + i + 1) * d)] for i in range(particles)
    ]
    return independent([single.on(place, 2 * particles * d) for place in places])
