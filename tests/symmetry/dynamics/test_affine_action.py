"""Affine actions on states: they move what they should, close under brackets, and say what does not fit."""

import pytest
import torch

from pdesym.symmetry.dynamics import (
    AffineAction,
    affine_action,
    independent,
    linear_action,
    particles_apart,
    particles_together,
    side_by_side,
)
from pdesym.symmetry.enforce.groups import general_linear, special_euclidean, special_orthogonal, translations

SO3 = linear_action(special_orthogonal(3))
SE3 = affine_action(special_euclidean(3))


def homogeneous(action):
    matrices = torch.zeros(action.generators, action.dimension + 1, action.dimension + 1, dtype=torch.float64)
    matrices[:, :-1, :-1], matrices[:, :-1, -1] = action.linear, action.shift
    return matrices


@pytest.mark.parametrize(
    ("action", "generators", "dimension"),
    [
        (SO3, 3, 3),
        (SE3, 6, 3),
        (linear_action(general_linear(12)), 144, 12),
        (affine_action(translations(2)), 2, 2),
        (particles_together(SE3, 2), 6, 12),
        (particles_apart(SE3, 2), 12, 12),
        (side_by_side([SO3, SE3.of_vectors().combined(torch.eye(6)[:3])]), 3, 6),
    ],
)
def test_brackets_of_generators_are_generators(action, generators, dimension):
    assert (action.generators, action.dimension) == (generators, dimension)
    chosen = homogeneous(action)
    flat = chosen.flatten(1)
    for a in chosen[:6]:
        bracket = (a @ chosen - chosen @ a).flatten(1)
        assert torch.allclose(bracket @ torch.linalg.pinv(flat) @ flat, bracket, atol=1e-12)


def test_the_exponential_of_a_rigid_motion_keeps_distances_and_moves_momenta_as_vectors():
    action = particles_together(SE3, 2)
    x = torch.randn(1, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    motion = torch.linalg.matrix_exp(torch.einsum("q,qij->ij", torch.linspace(0.3, 1, 6).double(), homogeneous(action)))
    moved = (motion @ torch.cat([x[0], torch.ones(1).double()]))[:12].reshape(4, 3)
    q1, q2, p1, _ = x.reshape(4, 3)
    assert torch.allclose((moved[0] - moved[1]).norm(), (q1 - q2).norm())
    assert torch.allclose(moved[2].norm(), p1.norm())
    assert not torch.allclose(moved[0].norm(), q1.norm())


def test_particles_apart_move_one_by_one():
    velocity = particles_apart(SE3, 2).velocity(torch.ones(1, 12, dtype=torch.float64)).reshape(12, 4, 3)
    assert velocity[:6, [1, 3]].abs().max() == 0
    assert velocity[6:, [0, 2]].abs().max() == 0
    assert velocity[:6, 0].abs().max() == 1


def test_normalised_generators_have_norm_one():
    action = particles_together(SE3, 2).normalised()
    assert torch.allclose(homogeneous(action).norm(dim=(1, 2)), torch.ones(6, dtype=torch.float64))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: AffineAction(torch.zeros(2, 3, 3), torch.zeros(1, 3)), r"Expected matrices \(generators, n, n\)"),
        (lambda: SO3.on([0, 1, 1], 6), "Expected 3 different coordinates in 0 … 5"),
        (lambda: SO3.on([0, 1, 6], 6), "Expected 3 different coordinates in 0 … 5"),
        (lambda: side_by_side([SO3, SE3]), "Expected actions of one algebra"),
        (lambda: independent([SO3, SO3.on([0, 1, 2], 6)]), "Expected actions on one state"),
        (lambda: affine_action(special_orthogonal(3)), "Expected generators .* of affine maps"),
        (lambda: SE3.of_vectors().normalised(), "Expected generators that move something"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
