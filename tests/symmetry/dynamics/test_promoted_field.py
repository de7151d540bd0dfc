"""Promotion: the symmetries that the data have are found, those that they lack are broken, and the field follows."""

import pytest
import torch

from pdesym.symmetry.dynamics import (
    LibraryField,
    affine_action,
    bracket,
    coefficient_brackets,
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
    assert torch.allclose(exact.norm() == 0, matrix.norm() == 0)


def test_functions_of_the_user_have_the_same_lie_derivatives():
    powers = Polynomials(2, 2)
    library = Functions(tuple(lambda z, i=i: powers.evaluate(z)[:, i] for i in range(powers.size)), 2)
    action, x, weights = linear_action(special_orthogonal(2)), normal(20, 2), normal(12)
    values = [torch.linalg.svdvals(field_lie_tensor(each, action, x).matrix(weights)) for each in (powers, library)]
    assert torch.allclose(*values, atol=1e-10)


@pytest.mark.parametrize("gravity", [(0.0, 0.0, -1.0), (0.6, 0.0, -0.8)])
def test_springs_seen_in_a_plane_are_found_in_space(gravity):
    gravity = torch.tensor(gravity, dtype=torch.float64)
    springs = SpringMasses(random_spring_masses(0, particles=2).stiffness, gravity)
    library = Polynomials(12, 1)
    action = particles_together(affine_action(special_euclidean(3)), 2)
    x, unseen = random_states(80, 2, 1, planar=True), random_states(20, 2, 2)
    tensor = field_lie_tensor(library, action, normal(60, 12))
    found = promoted_field(library, x, springs(x), tensor, 0.1, Settings(tolerance=1e-6))
    assert found.fit.converged
    algebra = found.fit.algebras[0]
    assert int((algebra.singular_values < 1e-3 * algebra.singular_values[0]).sum()) == 4
    # Rotations in the order xy, xz, yz turn about z, −y, x; the one that stays turns about gravity.
    turns = algebra.directions[2:, :3] * torch.tensor([1.0, -1.0, 1.0])
    axis = torch.linalg.svd(turns).Vh[0].flip(0)
    assert (axis @ gravity).abs() > 1 - 1e-6
    error = (found.field(unseen) - springs(unseen)).norm() / springs(unseen).norm()
    plain = least_squares_field(library, x, springs(x))
    assert error < 0.03
    assert (plain(unseen) - springs(unseen)).norm() / springs(unseen).norm() > 0.3
