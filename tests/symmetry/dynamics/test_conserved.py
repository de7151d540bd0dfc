"""Conserved functions: those of mechanics are found, none is found with friction, and wrong candidates are rejected."""

import pytest
import torch

from pdesym.symmetry.dynamics import conservation_defect, conserved_functions, measured_velocities, trajectories
from pdesym.symmetry.dynamics.spring_pendulum import double_spring_pendulum, hanging_states, pendulum_energy
from pdesym.symmetry.functions import Functions, Polynomials
from tests.symmetry.dynamics.mechanics import central, chain, kepler_functions, normal


def pendulum_functions():
    """Polynomials of degree 2, and the lengths of the two springs."""
    powers = Polynomials(12, 2)

    def monomial(i):
        return lambda z: powers.evaluate(z)[:, i]

    lengths = (lambda z: z[:, :3].norm(dim=1), lambda z: (z[:, 3:6] - z[:, :3]).norm(dim=1))
    return Functions((*(monomial(i) for i in range(powers.size)), *lengths), 12)


def with_friction(field, n):
    return lambda z: field(z) - 0.1 * torch.cat([torch.zeros_like(z[:, : n // 2]), z[:, n // 2 :]], 1)


def energy(z):
    return z[:, 2:].square().sum(1) / 2 - 1 / z[:, :2].norm(dim=1)


def angular_momentum(z):
    return z[:, 0] * z[:, 3] - z[:, 1] * z[:, 2]


def in_span(found, function, x):
    """‖f − its best combination of the found functions and 1‖ / ‖f‖ at points."""
    basis = torch.cat([found(x), torch.ones(len(x), 1, dtype=torch.float64)], 1)
    f = function(x).unsqueeze(1)
    return float((f - basis @ torch.linalg.lstsq(basis, f, driver="gelsd").solution).norm() / f.norm())


@pytest.mark.parametrize(
    ("field", "library", "x", "functions", "independent"),
    [
        # Energy, angular momentum and both components of the Runge-Lenz vector, tied by one equation.
        (central(3), kepler_functions(), normal(300, 4), 4, 3),
        # The potential −2/√r is not in the library: angular momentum alone.
        (central(2.5), kepler_functions(), normal(300, 4), 1, 1),
        (central(3, friction=0.1), kepler_functions(), normal(300, 4), 0, 0),
        # P, P² and the energy of the inner motion; of degree 2 there are no others.
        (chain(), Polynomials(4, 2), normal(100, 4), 3, 2),
        (chain(), Polynomials(4, 1), normal(100, 4), 1, 1),
        # The two modes of a chain that is held have an energy each.
        (chain(tether=1.0), Polynomials(4, 2), normal(100, 4), 2, 2),
        (chain(friction=0.1, tether=1.0), Polynomials(4, 2), normal(100, 4), 0, 0),
        # P + friction · (q₁ + q₂) and its square: the one law that friction leaves where nothing holds the chain.
        (chain(friction=0.1), Polynomials(4, 2), normal(100, 4), 2, 1),
        (double_spring_pendulum, pendulum_functions(), hanging_states(300, 0), 2, 2),
        (with_friction(double_spring_pendulum, 12), pendulum_functions(), hanging_states(300, 0), 0, 0),
    ],
    ids=[
        "kepler",
        "central",
        "kepler-friction",
        "chain",
        "chain-linear",
        "held",
        "held-friction",
        "chain-friction",
        "pendulum",
        "pendulum-friction",
    ],
)
def test_conserved_functions_are_counted(field, library, x, functions, independent):
    found = conserved_functions(library, x, field(x))
    assert (len(found.coefficients), found.independent) == (functions, independent)
    assert found.left_out == (0,)  # the constant
    for k in range(functions):
        assert conservation_defect(lambda z, k=k: found(z)[:, k], x, field(x)) < 1e-10


def test_energy_and_angular_momentum_are_among_them_and_a_wrong_candidate_is_not():
    x = normal(300, 4)
    x = x[x[:, :2].norm(dim=1) > 0.5]  # the defect is a mean, which a point near the centre would make its own
    v = central(3)(x)
    found = conserved_functions(kepler_functions(), x, v)
    for right in (energy, angular_momentum):
        assert in_span(found, right, x) < 1e-9
        assert conservation_defect(right, x, v) < 1e-12
    for wrong in (lambda z: energy(z) + 0.1 / z[:, :2].norm(dim=1), lambda z: z[:, 2], lambda z: z[:, 0] * z[:, 3]):
        assert in_span(found, wrong, x) > 1e-2
        assert conservation_defect(wrong, x, v) > 1e-2
    assert conservation_defect(angular_momentum, x, central(3, friction=0.1)(x)) > 1e-2


def test_momentum_and_energy_are_among_those_of_a_chain_and_the_springs_energy_alone_is_not():
    x = normal(100, 4)
    found = conserved_functions(Polynomials(4, 2), x, chain()(x))
    assert in_span(found, lambda z: z[:, 2] + z[:, 3], x) < 1e-9
    assert in_span(found, lambda z: z[:, 2:].square().sum(1) / 2 + (z[:, 1] - z[:, 0]).square(), x) < 1e-9
    assert in_span(found, lambda z: (z[:, 1] - z[:, 0]).square(), x) > 1e-2


def test_energy_of_the_double_pendulum_is_among_them():
    x = hanging_states(300, 0)
    found = conserved_functions(pendulum_functions(), x, double_spring_pendulum(x))
    assert in_span(found, pendulum_energy, x) < 1e-9
    assert in_span(found, lambda z: z[:, 0] * z[:, 7] - z[:, 1] * z[:, 6], x) > 1e-2


@pytest.mark.parametrize(
    ("field", "functions", "independent"),
    [(chain(), 3, 2), (chain(tether=1.0), 2, 2), (chain(friction=0.05, tether=1.0), 0, 0)],
)
def test_from_trajectories_alone(field, functions, independent):
    times = torch.linspace(0, 2, 60, dtype=torch.float64)
    measured = measured_velocities(times, trajectories(field, normal(6, 4), times))
    found = conserved_functions(Polynomials(4, 2), measured.states, measured.velocities, measured.error)
    assert (len(found.coefficients), found.independent) == (functions, independent)


def test_noise_is_told_from_a_broken_law():
    x, noise = normal(400, 4), normal(400, 4, seed=1)
    found = conserved_functions(Polynomials(4, 2), x, chain(tether=1.0)(x) + 1e-4 * noise, error=1e-4)
    assert (len(found.coefficients), found.independent) == (2, 2)
    broken = chain(friction=0.05, tether=1.0)(x) + 1e-4 * noise
    assert len(conserved_functions(Polynomials(4, 2), x, broken, error=1e-4).coefficients) == 0


def test_constants_and_identities_are_left_out():
    circle = Functions(
        (
            lambda z: torch.ones_like(z[:, 0]),
            lambda z: z[:, 0].sin() ** 2,
            lambda z: z[:, 0].cos() ** 2,
            lambda z: z[:, 1] ** 2 / 2 - z[:, 0].cos(),
        ),
        2,
    )
    x = normal(50, 2)
    found = conserved_functions(circle, x, torch.stack([x[:, 1], -x[:, 0].sin()], 1))
    assert len(found.left_out) == 2
    assert 0 in found.left_out
    assert len(found.coefficients) == found.independent == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: conserved_functions(Polynomials(4, 2), x[:5], x[:5]), "Expected at least 14 points"),
        (lambda x: conserved_functions(Polynomials(3, 2), x, x), "Expected states and velocities"),
        (lambda x: conserved_functions(Polynomials(4, 1), x, x / 0), "Expected finite states and velocities"),
        (lambda x: conserved_functions(Polynomials(4, 1), x, x, error=1.5), "Expected a relative error"),
        (lambda x: conservation_defect(lambda z: 0 * z[:, 0], x, x), "Expected a function that varies"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(normal(40, 4))


def test_more_conserved_functions_than_motion_allows_are_flagged():
    """A rotation of the plane keeps x² + y² alone; an error so large that x counts, too, is not passed in silence."""
    x = normal(200, 2)
    velocity = torch.stack([-x[:, 1], x[:, 0]], 1)
    library = Polynomials(2, 2)
    clear = conserved_functions(library, x, velocity)
    assert clear.independent == 1
    assert clear.flags == ()
    noisy = velocity + 0.3 * torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    doubtful = conserved_functions(library, x, noisy, error=0.9)
    assert doubtful.independent == 2
    assert any("would let nothing move" in flag for flag in doubtful.flags)


def test_constants_alone_are_refused():
    x = normal(20, 2)
    with pytest.raises(ValueError, match="Expected functions that vary, got constants alone"):
        conserved_functions(Functions((lambda z: torch.ones_like(z[:, 0]),), 2), x, x)
