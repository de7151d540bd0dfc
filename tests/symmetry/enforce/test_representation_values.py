"""Representations are values: their operators, their derivative, and what is refused."""

import pytest
import torch

from pdesym.symmetry.enforce import (
    MatrixGroup,
    direct_product,
    equivariant_maps,
    hyperoctahedral,
    orthogonal,
    quarter_turns,
    regular,
    special_euclidean,
    special_orthogonal,
    symmetric,
)

GROUP = orthogonal(3)
V, S = GROUP.vector, GROUP.scalar
EXPRESSIONS = {
    "vector": V,
    "dual": special_euclidean(2).vector.dual,
    "sum": 2 * V + S,
    "product": V * V,
    "nested": (V + S) * (V * V).dual,
    "permutations": symmetric(4).vector * symmetric(4).vector,
}


@pytest.fixture(params=EXPRESSIONS.values(), ids=EXPRESSIONS)
def representation(request):
    return request.param


def test_it_is_a_homomorphism_with_the_right_derivative(representation):
    group, rng = representation.group, torch.Generator().manual_seed(0)
    one, other = group.random_element(rng), group.random_element(rng)
    product = representation.matrix(one) @ representation.matrix(other)
    assert torch.allclose(representation.matrix(one + other), product, atol=1e-8 * float(product.abs().amax()))
    for i, derivative in enumerate(representation.generators()):
        step = torch.zeros(len(group.lie_algebra), dtype=torch.float64)
        step[i] = 1e-5
        difference = (representation.matrix((step,)) - representation.matrix((-step,))) / 2e-5
        assert torch.allclose(difference, derivative, atol=1e-8)
        assert torch.linalg.matrix_norm(derivative, 2) <= representation.size(i) + 1e-12
    for j, image in enumerate(representation.discrete()):
        assert torch.allclose(representation.matrix((j,)), image)


def test_transposes_and_duals(representation):
    eye = torch.eye(representation.dimension, dtype=torch.float64)
    group = representation.group
    for i, derivative in enumerate(representation.generators()):
        assert torch.allclose(representation.drho(i, eye, transpose=True), derivative.T)
    for j, image in enumerate(representation.discrete()):
        assert torch.allclose(representation.rho(j, eye, transpose=True), image.T)
    word = group.random_element(torch.Generator().manual_seed(1), size=0.3)
    assert torch.allclose(representation.dual.matrix(word).T @ representation.matrix(word), eye, atol=1e-9)


def test_equal_expressions_are_equal_values():
    assert 3 * V + S == V + V + V + S
    assert V * (V + S) == orthogonal(3).vector * (V + S)
    assert (V + S) * V == V * V + S * V
    assert V.dual.dual == V
    assert hash(V * V) == hash(orthogonal(3).vector * V)
    for other in (S, V.dual + S, 2 * V, V * S, special_orthogonal(3).vector):
        assert other != V


def test_a_direct_product_acts_by_both():
    group = direct_product(special_orthogonal(2), hyperoctahedral(2))
    assert (len(group.lie_algebra), len(group.discrete), group.dimension) == (1, 3, 4)
    assert torch.equal(group.lie_algebra[0, 2:], torch.zeros(2, 4, dtype=torch.float64))


@pytest.mark.parametrize(("group", "order"), [(quarter_turns(), 4), (hyperoctahedral(2), 8), (symmetric(4), 24)])
def test_the_regular_representation_permutes_the_elements(group, order):
    representation, rng = regular(group), torch.Generator().manual_seed(0)
    assert representation.dimension == order
    one, other = group.random_element(rng), group.random_element(rng)
    matrix = representation.matrix(one)
    assert torch.equal(matrix.sum(0), torch.ones(order, dtype=torch.float64))
    assert torch.equal(matrix @ representation.matrix(other), representation.matrix(one + other))
    moves = bool((group.vector.matrix(one) - torch.eye(group.dimension)).abs().amax() > 1e-9)
    assert float(matrix.trace()) == (0 if moves else order)
    assert len(equivariant_maps(representation, representation)) == order
    assert len(equivariant_maps(representation, group.vector)) == group.dimension


def zeros(*shape):
    return torch.zeros(*shape, dtype=torch.float64)


ERRORS = {
    "different sizes": (lambda: MatrixGroup(zeros(1, 2, 2), zeros(0, 3, 3)), "generators and discrete elements of one"),
    "singular": (lambda: MatrixGroup(zeros(0, 2, 2), zeros(1, 2, 2)), "Expected invertible discrete elements"),
    "number": (lambda: GROUP.representation(zeros(2, 3, 3), zeros(1, 3, 3)), "images of 3 generators and 1 discrete"),
    "size": (lambda: GROUP.representation(zeros(3, 2, 2), zeros(1, 3, 3)), "Expected images of one size, got 2"),
    "brackets": (
        lambda: GROUP.representation(torch.ones(3, 1, 1) * torch.eye(3)[None], torch.eye(3)[None]),
        r"Expected images with the brackets of O\(3\)",
    ),
    "multiple": (lambda: 0 * V, "Expected a positive multiple of a representation, got 0"),
    "regular": (lambda: regular(GROUP), "Expected a finite group, got O.3. with 3 generators"),
    "groups": (lambda: V + special_orthogonal(3).vector, "Expected representations of one group"),
}


@pytest.mark.parametrize(("make", "message"), ERRORS.values(), ids=ERRORS)
def test_what_is_no_group_or_representation_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
