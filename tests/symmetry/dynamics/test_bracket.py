"""The Lie derivative of vector fields: its sign, what it vanishes for, and symmetries found from it."""

import pytest
import torch

from pdesym.symmetry.dynamics import (
    LibraryField,
    affine_action,
    bracket,
    coefficient_brackets,
    field_symmetries,
    linear_action,
    particles_apart,
    particles_together,
    sampled_brackets,
)
from pdesym.symmetry.dynamics.spring_masses import random_spring_masses, random_states
from pdesym.symmetry.dynamics.spring_pendulum import double_spring_pendulum, hanging_states
from pdesym.symmetry.enforce.groups import general_linear, special_euclidean, special_orthogonal
from pdesym.symmetry.functions import Functions, Polynomials

SO2 = linear_action(special_orthogonal(2))
SE3 = affine_action(special_euclidean(3))


def points(count, n, seed=0):
    return torch.randn(count, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_sign_is_carried_minus_pushed():
    """F = (x, 0), rotation x → −y: A F = (0, x), ∂F(A x) = (−y, 0)."""
    x = points(5, 2)
    result = bracket(lambda z: torch.stack([z[:, 0], 0 * z[:, 0]], 1), SO2, x)[0]
    assert torch.allclose(result, x.flip(1))


def test_it_vanishes_for_a_field_that_turns_with_the_plane_and_for_no_other():
    x = points(20, 2)
    assert bracket(lambda z: (1 - z.square().sum(1, keepdim=True)) * z, SO2, x).abs().max() < 1e-13
    assert bracket(lambda z: (1 - z.square()) * z, SO2, x).norm() > 1


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_three_forms_of_the_lie_derivative_agree(degree):
    action = affine_action(special_euclidean(2))
    library, x = Polynomials(2, degree), points(7, 2)
    field = LibraryField(library, points(2, library.size, 1))
    weights = field.coefficients.reshape(-1)
    expected = bracket(field, action, x)
    exact = (coefficient_brackets(library, action) @ weights).reshape(3, 2, library.size)
    assert torch.allclose(torch.einsum("qai,pi->qpa", exact, library.evaluate(x)), expected, atol=1e-12)
    sampled = sampled_brackets(library, action, x) @ weights
    assert torch.allclose(sampled.reshape(3, 7, 2) * 7**0.5, expected, atol=1e-12)


def test_functions_of_the_user_are_sampled():
    action = SO2
    library = Functions((lambda z: torch.sin(z[:, 0]), lambda z: z[:, 1] ** 2), 2)
    field, x = LibraryField(library, points(2, 2, 1)), points(7, 2)
    sampled = sampled_brackets(library, action, x) @ field.coefficients.reshape(-1)
    assert torch.allclose(sampled.reshape(1, 7, 2) * 7**0.5, bracket(field, action, x), atol=1e-12)


SPRINGS = random_spring_masses(0)
Z_ROTATIONS = {
    "together": torch.eye(6, dtype=torch.float64)[:1],
    "apart": torch.eye(12, dtype=torch.float64)[[0, 6]].sum(0, keepdim=True) / 2**0.5,
}


def within(rows, span):
    return float((rows - rows @ span.mT @ span).norm())


@pytest.mark.parametrize(
    ("field", "action", "x", "dimension"),
    [
        (SPRINGS, particles_together(SE3, 5), random_states(60, 5, 1), 4),
        (SPRINGS, particles_apart(SE3, 5), random_states(60, 5, 1), 4),
        (double_spring_pendulum, particles_together(SE3, 2), hanging_states(60, 0), 1),
        (double_spring_pendulum, particles_apart(SE3, 2), hanging_states(60, 0), 1),
        (double_spring_pendulum, linear_action(general_linear(12)), hanging_states(60, 0), 1),
        (lambda x: torch.stack([x[:, 1], -x[:, 0].sin()], 1), SO2, points(60, 2), 0),
    ],
    ids=["springs", "springs-apart", "pendulum", "pendulum-apart", "pendulum-gl", "one-pendulum"],
)
def test_symmetries_in_a_candidate_algebra_are_counted(field, action, x, dimension):
    found = field_symmetries(field, action, x)
    assert found.dimension == dimension
    if dimension:
        assert bracket(field, action.combined(found.combinations), x).abs().max() < 1e-10
        assert found.decision.margin > 1e6


def test_the_pendulum_turns_about_the_vertical_and_about_no_other_axis():
    found = field_symmetries(double_spring_pendulum, particles_together(SE3, 2), hanging_states(60, 0))
    assert within(Z_ROTATIONS["together"], found.combinations) < 1e-10
    assert within(torch.eye(6, dtype=torch.float64)[1:2], found.combinations) > 0.9
    apart = field_symmetries(double_spring_pendulum, particles_apart(SE3, 2), hanging_states(60, 0))
    assert within(Z_ROTATIONS["apart"], apart.combinations) < 1e-10


def test_springs_without_gravity_have_all_rigid_motions():
    weightless = type(SPRINGS)(SPRINGS.stiffness, torch.zeros(3, dtype=torch.float64))
    assert field_symmetries(weightless, particles_together(SE3, 5), random_states(60, 5, 1)).dimension == 6


def test_an_action_on_another_state_is_refused():
    with pytest.raises(ValueError, match="Expected states of 2 variables"):
        bracket(lambda x: x, SO2, points(3, 4))
    with pytest.raises(ValueError, match="Expected a library of 2 variables"):
        coefficient_brackets(Polynomials(3, 1), SO2)
