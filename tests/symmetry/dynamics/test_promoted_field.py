"""Promotion: the symmetries that the data have are found, those that they lack are broken, and the field follows."""

import copy

import pytest
import torch

from pdesym.symmetry.dynamics import (
    LibraryField,
    affine_action,
    bracket,
    coefficient_brackets,
    field_symmetries,
    least_squares_field,
    linear_action,
    particles_together,
)
from pdesym.symmetry.dynamics.promoted_fields import field_lie_tensor, promoted_field
from pdesym.symmetry.dynamics.spring_masses import SpringMasses, random_spring_masses, random_states
from pdesym.symmetry.enforce.groups import special_euclidean, special_orthogonal
from pdesym.symmetry.functions import Functions, Polynomials
from pdesym.symmetry.promote.admm import Settings
from tests.symmetry.dynamics.mechanics import normal


def test_its_lie_derivatives_are_the_bracket():
    action = particles_together(affine_action(special_euclidean(2)), 1).normalised()
    library, x = Polynomials(4, 2), normal(40, 4)
    field = LibraryField(library, normal(4, library.size, seed=1))
    matrix = field_lie_tensor(library, action, x).matrix(field.coefficients.mT.reshape(-1))
    expected = bracket(field, action, x).flatten(1).mT / 40**0.5
    assert torch.allclose(torch.linalg.svdvals(matrix), torch.linalg.svdvals(expected), atol=1e-10)
    exact = coefficient_brackets(library, action) @ field.coefficients.reshape(-1)
    values = torch.einsum("qai,pi->qpa", exact.reshape(-1, 4, library.size), library.evaluate(x))
    assert torch.allclose(values.flatten(1).mT / 40**0.5, expected, atol=1e-12)
    assert torch.allclose(matrix.norm(), values.norm() / 40**0.5)
    assert matrix.norm() > 1


def test_functions_of_the_user_have_the_same_lie_derivatives():
    powers = Polynomials(2, 2)
    library = Functions(tuple(lambda z, i=i: powers.evaluate(z)[:, i] for i in range(powers.size)), 2)
    action, x, weights = linear_action(special_orthogonal(2)), normal(20, 2), normal(12)
    values = [torch.linalg.svdvals(field_lie_tensor(each, action, x).matrix(weights)) for each in (powers, library)]
    assert torch.allclose(*values, atol=1e-10)


@pytest.mark.parametrize(
    ("gravity", "tolerance", "accuracy"),
    [((0.0, 0.0, -1.0), 1e-6, 1e-6), ((0.6, 0.0, -0.8), 1e-6, 1e-6), ((0.0, 0.0, -1.0), 1e-4, 1e-3)],
)
def test_springs_seen_in_a_plane_are_found_in_space(gravity, tolerance, accuracy):
    gravity = torch.tensor(gravity, dtype=torch.float64)
    springs = SpringMasses(random_spring_masses(0, particles=2).stiffness, gravity)
    library = Polynomials(12, 1)
    action = particles_together(affine_action(special_euclidean(3)), 2)
    x, unseen = random_states(80, 2, 1, planar=True), random_states(20, 2, 2)
    tensor = field_lie_tensor(library, action, normal(60, 12))
    found = promoted_field(library, x, springs(x), tensor, 0.1, Settings(tolerance=tolerance))
    assert found.fit.converged
    algebra = found.fit.algebras[0]
    assert algebra.nullity == 4
    # Rotations in the order xy, xz, yz turn about z, −y, x; the one that stays turns about gravity.
    turns = algebra.symmetries[:, :3] * torch.tensor([1.0, -1.0, 1.0])
    axis = torch.linalg.svd(turns).Vh[0].flip(0)
    assert (axis @ gravity).abs() > 1 - accuracy
    error = (found.field(unseen) - springs(unseen)).norm() / springs(unseen).norm()
    plain = least_squares_field(library, x, springs(x))
    assert error < 0.03
    assert (plain(unseen) - springs(unseen)).norm() / springs(unseen).norm() > 0.3


@pytest.mark.parametrize("weight", [0.1, None])
def test_the_objective_is_that_of_the_problem(weight):
    library, x, action = Polynomials(2, 2), normal(4, 2), linear_action(special_orthogonal(2))
    tensor = field_lie_tensor(library, action, normal(20, 2, seed=1))
    velocity = torch.stack([x[:, 0] ** 2, x.prod(1)], 1)
    found = promoted_field(library, x, velocity, tensor, weight)
    norm = torch.linalg.svdvals(tensor.matrix(found.field.coefficients.mT.reshape(-1))).sum()
    misfit = (found.field(x) - velocity).square().sum(1).mean()
    expected = norm if weight is None else misfit + weight * norm
    assert found.fit.objective == pytest.approx(float(expected), rel=1e-9)


def test_fields_are_compared_as_the_objects_that_they_are():
    action = linear_action(special_orthogonal(2))
    field = LibraryField(Polynomials(2, 1), normal(2, 3))
    tensor = field_lie_tensor(field.library, action, normal(20, 2))
    found = promoted_field(field.library, normal(5, 2), normal(5, 2), tensor, 0.1)
    values = (
        action,
        field,
        tensor,
        found,
        found.fit,
        found.fit.algebras[0],
        found.fit.state,
        field_symmetries(field, action, normal(9, 2)),
    )
    for each in values:
        assert each == each
        assert each != copy.copy(each)
