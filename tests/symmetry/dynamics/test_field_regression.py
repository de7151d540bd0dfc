"""Fields from data: exact where the data determine them, sparse, with symmetries, and refusals."""

import pytest
import torch

from pdesym.symmetry.dynamics import (
    AffineAction,
    affine_action,
    bracket,
    enforced_field,
    l1_field,
    least_squares_field,
    linear_action,
    measured_velocities,
    particles_together,
    restricted_field,
    symmetric_fields,
    thresholded_field,
    trajectories,
)
from pdesym.symmetry.dynamics.spring_masses import random_spring_masses, random_states
from pdesym.symmetry.enforce import point_action
from pdesym.symmetry.enforce.group import MatrixGroup
from pdesym.symmetry.enforce.groups import orthogonal, special_euclidean, special_orthogonal
from pdesym.symmetry.functions import Functions, Polynomials
from tests.symmetry.dynamics.mechanics import normal

SO2 = linear_action(special_orthogonal(2))


def turning(z):
    """A limit cycle, equivariant under SO(2): of degree 3, with 4 coefficients in a radius and an angle."""
    swirl = torch.stack([-z[:, 1], z[:, 0]], 1)
    return (1 - z.square().sum(1, keepdim=True)) * z + 0.5 * swirl


def sheared(z):
    return torch.stack([z[:, 1], -z[:, 0] - 0.3 * z[:, 1] ** 3], 1)


@pytest.mark.parametrize("field", [turning, sheared])
def test_least_squares_finds_a_field_of_the_library(field):
    x, unseen = normal(30, 2), 2 * normal(10, 2, seed=1)
    found = least_squares_field(Polynomials(2, 3), x, field(x))
    assert torch.allclose(found(unseen), field(unseen), atol=1e-10)


def test_thresholds_leave_the_terms_of_the_law():
    x = normal(200, 2)
    v = sheared(x) + 1e-2 * normal(200, 2, seed=1)
    dense, sparse = (
        each.coefficients
        for each in (least_squares_field(Polynomials(2, 4), x, v), thresholded_field(Polynomials(2, 4), x, v, 0.1))
    )
    truth = least_squares_field(Polynomials(2, 4), x, sheared(x)).coefficients
    assert int((dense != 0).sum()) == 30
    assert torch.equal(sparse != 0, truth.abs() > 1e-6)
    assert (sparse - truth).norm() < (dense - truth).norm()


def test_the_1_norm_leaves_few_terms_and_is_at_its_minimum():
    x, weight = normal(200, 2), 0.05
    library = Polynomials(2, 4)
    found = l1_field(library, x, sheared(x), weight).coefficients
    truth = least_squares_field(library, x, sheared(x)).coefficients
    assert 3 <= int((found != 0).sum()) < 10
    assert (found - truth).norm() < 0.2 * truth.norm()
    values = library.evaluate(x)
    slope = 2 * ((values @ found.mT - sheared(x)).mT @ values) / 200
    assert (slope + weight * found.sign())[found != 0].abs().max() < 1e-6
    assert slope[found == 0].abs().max() <= weight


@pytest.mark.parametrize(
    ("weight", "rounds", "converged", "zero"),
    [(0.05, 20_000, True, False), (0.05, 20, False, False), (50.0, 20_000, True, True)],
)
def test_the_1_norm_says_whether_it_is_at_its_minimum(weight, rounds, converged, zero):
    x = normal(200, 2)
    found = l1_field(Polynomials(2, 4), x, sheared(x), weight, rounds)
    assert found.converged == converged
    assert bool((found.coefficients == 0).all()) == zero
    assert (found.rounds == rounds) != converged
    if zero:
        assert found.rounds == 1


def test_a_symmetry_replaces_data():
    """Six data for the 20 coefficients of degree 3, of which the rotations leave 4: exact with them, wrong without."""
    x, unseen = normal(3, 2), normal(20, 2, seed=1)
    library = Polynomials(2, 3)
    assert symmetric_fields(library, SO2).dimension == 4
    enforced = enforced_field(library, x, turning(x), SO2)
    assert torch.allclose(enforced(unseen), turning(unseen), atol=1e-9)
    assert bracket(enforced, SO2, unseen).abs().max() < 1e-11
    assert (least_squares_field(library, x, turning(x))(unseen) - turning(unseen)).norm() > 1


def test_a_wrong_symmetry_does_not_fit():
    x = normal(50, 2)
    left = enforced_field(Polynomials(2, 3), x, sheared(x), SO2)(x) - sheared(x)
    assert left.norm() > 0.1 * sheared(x).norm()
    assert (enforced_field(Polynomials(2, 3), x, turning(x), SO2)(x) - turning(x)).norm() < 1e-10


def test_the_condition_at_points_for_functions_of_the_user_is_the_exact_one():
    powers = Polynomials(2, 3)
    library = Functions(tuple(lambda z, i=i: powers.evaluate(z)[:, i] for i in range(powers.size)), 2)
    exact, sampled = symmetric_fields(powers, SO2).basis, symmetric_fields(library, SO2).basis
    assert exact.shape == sampled.shape
    assert torch.allclose(exact @ exact.mT, sampled @ sampled.mT, atol=1e-9)


@pytest.mark.parametrize("length", [1e-9, 1.0, 1e9])
def test_fields_with_symmetries_do_not_depend_on_the_lengths_of_generators(length):
    plane = affine_action(special_euclidean(2))
    lengths = torch.tensor([1.0, length, length], dtype=torch.float64)
    scaled = plane.combined(torch.diag(lengths))
    library = Polynomials(2, 3)
    # No field on the plane keeps all of SE(2); translations leave the constant ones, and the rotation four.
    assert symmetric_fields(library, scaled).dimension == 0
    translations = AffineAction(scaled.linear[1:], scaled.shift[1:])
    assert symmetric_fields(library, translations).dimension == 2
    assert symmetric_fields(library, plane.combined(torch.tensor([[length, 0.0, 0.0]]))).dimension == 4


def test_functions_that_depend_on_each_other_are_refused():
    def angle(z):
        return z.square().sum(1)

    functions = (
        lambda z: z[:, 0],
        lambda z: z[:, 1],
        lambda z: z[:, 0] * torch.sin(angle(z)) ** 2,
        lambda z: z[:, 1] * torch.sin(angle(z)) ** 2,
        lambda z: z[:, 0] * torch.cos(angle(z)) ** 2,
    )
    assert symmetric_fields(Functions(functions[:-1], 2), SO2).dimension == 4
    with pytest.raises(ValueError, match="functions that are independent on the points"):
        symmetric_fields(Functions(functions, 2), SO2)


@pytest.mark.parametrize("degree", [1, 3])
def test_discrete_elements_count(degree):
    """Of the even powers of the radius times x or x turned, mirrors keep the first."""
    library, x, mirrored = Polynomials(2, degree), normal(20, 2), point_action.linear_action(orthogonal(2).vector)
    assert symmetric_fields(library, SO2).dimension == degree + 1
    assert symmetric_fields(library, mirrored).dimension == (degree + 1) // 2
    radial = (2 - x.square().sum(1, keepdim=True) ** (degree // 2)) * x
    swirl = torch.stack([-x[:, 1], x[:, 0]], 1)
    assert (enforced_field(library, x, radial, mirrored)(x) - radial).norm() < 1e-10
    assert (enforced_field(library, x, swirl, SO2)(x) - swirl).norm() < 1e-10
    assert (enforced_field(library, x, swirl, mirrored)(x) - swirl).norm() > 1


def test_a_mirror_with_a_shift_turns_fields_as_vectors():
    """x₁ ↦ 1 − x₁ keeps the field (2 x₁ − 1, x₂), and not (x₁, x₂)."""
    matrix = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).double()
    mirror = point_action.affine_action(MatrixGroup(torch.zeros(0, 3, 3).double(), matrix[None]))
    library, x = Polynomials(2, 1), normal(20, 2)
    assert symmetric_fields(library, mirror).dimension == 3
    kept = torch.stack([2 * x[:, 0] - 1, x[:, 1]], 1)
    assert (enforced_field(library, x, kept, mirror)(x) - kept).norm() < 1e-10
    assert (enforced_field(library, x, x, mirror)(x) - x).norm() > 1


def test_springs_in_a_plane_become_springs_in_space():
    springs = random_spring_masses(0, particles=3)
    x = random_states(40, 3, 1, planar=True)
    action = particles_together(affine_action(special_euclidean(3)), 3)
    vertical = action.combined(torch.eye(6)[[0, 3, 4, 5]])
    found = enforced_field(Polynomials(18, 1), x, springs(x), vertical)
    unseen = random_states(20, 3, 2)
    assert torch.allclose(found(unseen), springs(unseen), atol=1e-9)
    assert (least_squares_field(Polynomials(18, 1), x, springs(x))(unseen) - springs(unseen)).norm() > 1
    # All of SE(3) has no place for gravity.
    assert (enforced_field(Polynomials(18, 1), x, springs(x), action)(x) - springs(x)).norm() > 1


def test_velocities_of_trajectories():
    times = torch.linspace(0, 3, 61, dtype=torch.float64)
    paths = trajectories(turning, 0.5 * normal(4, 2), times)
    measured = measured_velocities(times, paths)
    error = float((measured.velocities - turning(measured.states)).norm() / measured.velocities.norm())
    assert error < measured.error < 1e-6
    found = least_squares_field(Polynomials(2, 3), measured.states, measured.velocities)
    assert torch.allclose(found(normal(9, 2)), turning(normal(9, 2)), atol=1e-5)


def test_longer_windows_average_noise():
    times = torch.linspace(0, 3, 301, dtype=torch.float64)
    paths = trajectories(turning, 0.5 * normal(4, 2), times)
    noisy = paths + 1e-3 * normal(*paths.shape, seed=1)
    errors = []
    for window in (5, 25):
        measured = measured_velocities(times, noisy, window, 4)
        inner = turning(paths[:, window // 2 : -(window // 2)].reshape(-1, 2))
        errors.append(float((measured.velocities.reshape(inner.shape) - inner).norm()) / len(inner) ** 0.5)
    assert errors[1] < 0.2 * errors[0]


def test_a_solution_that_ends_early_is_refused():
    with pytest.raises(FloatingPointError, match="Expected a solution up to time 2"):
        trajectories(lambda z: z**2, torch.ones(1, 1).double(), torch.tensor([0.0, 2.0]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: least_squares_field(Polynomials(3, 1), x, x), "Expected states and velocities"),
        (lambda x: least_squares_field(Polynomials(2, 1), x / 0, x), "Expected finite"),
        (lambda x: thresholded_field(Polynomials(2, 1), x, x, 0.0), "Expected a positive threshold"),
        (lambda x: l1_field(Polynomials(2, 1), x, x, 0.0), "Expected a positive weight"),
        (lambda x: l1_field(Polynomials(2, 1), x, x, 1.0, rounds=0), "Expected at least one step"),
        (lambda x: symmetric_fields(Polynomials(3, 1), SO2), "Expected a library of 2 variables"),
        (lambda x: restricted_field(Polynomials(2, 1), x, x, torch.zeros(6, 0).double()), "Expected a basis"),
        (lambda x: measured_velocities(torch.arange(5.0), x.reshape(1, 5, 2).float(), 4, 3), "Expected an odd window"),
        (lambda x: measured_velocities(torch.zeros(5), x.reshape(1, 5, 2).float(), 5, 4), "Expected increasing times"),
        (lambda x: trajectories(turning, x, torch.zeros(1)), "Expected at least two increasing times"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(normal(5, 2))
