"""Linear maps and vectors that commute with a group: known dimensions, the definition, and controls."""

import pytest
import torch

from pdesym.symmetry.enforce import (
    MatrixGroup,
    cyclic,
    equivariant_maps,
    euclidean,
    general_linear,
    hyperoctahedral,
    invariant_vectors,
    orthogonal,
    quarter_turns,
    scalings,
    special_euclidean,
    special_orthogonal,
    symmetric,
    translations,
)


def rank(n):
    def power(group):
        total = group.vector
        for _ in range(n - 1):
            total = total * group.vector
        return total

    return power


def scalar(group):
    return group.scalar


CASES = [
    # group, ρ_in, ρ_out, the number of independent maps
    (symmetric(5), rank(1), rank(1), 2),
    (symmetric(5), rank(2), rank(2), 15),  # the partitions of four things
    (cyclic(5), rank(1), rank(1), 5),
    (special_orthogonal(2), rank(1), rank(1), 2),
    (special_orthogonal(3), rank(1), rank(1), 1),
    (special_orthogonal(3), rank(1), rank(2), 1),
    (special_orthogonal(3), rank(2), rank(2), 3),
    (orthogonal(2), rank(1), rank(1), 1),
    (orthogonal(3), rank(1), rank(2), 0),  # the cross product is lost
    (orthogonal(3), scalar, rank(2), 1),
    (general_linear(3), rank(1), rank(1), 1),
    (general_linear(3), scalar, rank(2), 0),
    (general_linear(2), rank(2), rank(2), 2),  # the identity and the exchange of both
    (quarter_turns(), rank(1), rank(1), 2),
    (hyperoctahedral(2), rank(1), rank(1), 1),
    (hyperoctahedral(3), scalar, rank(2), 1),
    (scalings(3), rank(1), rank(1), 9),
    (scalings(3), scalar, rank(1), 0),
    (translations(2), rank(1), scalar, 1),  # the homogeneous coordinate
    (special_euclidean(2), rank(1), rank(1), 1),
    (euclidean(2), scalar, rank(1), 0),
]


def name(case):
    group, rep_in, rep_out, _ = case
    return f"{group.name}-{rep_in(group).dimension}-{rep_out(group).dimension}"


@pytest.mark.parametrize("method", ["dense", "krylov"])
@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_dimension_is_the_known_one_and_the_maps_commute_with_random_elements(case, method):
    group, rep_in, rep_out, dimension = case
    rep_in, rep_out = rep_in(group), rep_out(group)
    basis = equivariant_maps(rep_in, rep_out, method)
    assert len(basis) == dimension
    flat = basis.flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(dimension, dtype=torch.float64), atol=1e-12)

    rng = torch.Generator().manual_seed(0)
    coefficients = torch.randn(dimension, generator=rng, dtype=torch.float64)
    member = torch.einsum("r,rab->ab", coefficients, basis)
    other = torch.randn(rep_out.dimension, rep_in.dimension, generator=rng, dtype=torch.float64)
    is_everything = dimension == other.numel()
    broken = []
    for _ in range(5):
        word = group.random_element(rng, size=0.5)
        before, after = rep_in.matrix(word), rep_out.matrix(word)
        size = before.norm() * after.norm()
        assert (after @ member - member @ before).norm() <= 1e-10 * size * member.norm()
        broken.append(float((after @ other - other @ before).norm() / (after @ other).norm()))
    assert max(broken) > 0.05 or is_everything


@pytest.mark.parametrize("case", CASES, ids=name)
def test_both_methods_find_the_same_basis_and_gap(case):
    group, rep_in, rep_out, dimension = case
    representation = rep_out(group) * rep_in(group).dual
    dense, krylov = (invariant_vectors(representation, method) for method in ("dense", "krylov"))
    assert torch.allclose(dense.basis, krylov.basis, atol=1e-10)
    assert dense.gap > 1e10
    assert krylov.gap > 1e10
    if dimension < representation.dimension:
        assert krylov.smallest_kept == pytest.approx(dense.smallest_kept, rel=1e-3)


def test_a_large_case_goes_without_a_matrix():
    # Invariants of the n-th power of the vector of SO(3): the Riordan numbers 1, 0, 1, 1, 3, 6, 15, 36.
    found = invariant_vectors(rank(7)(special_orthogonal(3)))
    assert found.basis.shape == (2187, 36)
    assert found.largest_null < 1e-12
    assert found.smallest_kept > 0.1
    assert torch.allclose(found.basis.T @ found.basis, torch.eye(36, dtype=torch.float64), atol=1e-10)


@pytest.mark.slow
def test_a_large_finite_group_goes_without_a_matrix():
    # Maps between functions of pairs of eight things, 4096 unknowns: as for five, the partitions of four.
    square = rank(2)(symmetric(8))
    basis = equivariant_maps(square, square)
    assert basis.shape == (15, 64, 64)
    word = symmetric(8).random_element(torch.Generator().manual_seed(0))
    matrix = square.matrix(word)
    assert (matrix @ basis - basis @ matrix).abs().amax() < 1e-10


def test_the_length_of_the_generators_does_not_matter():
    group = special_euclidean(2)
    lengths = torch.tensor([1.0, 1e-9, 1e5], dtype=torch.float64)[:, None, None]
    scaled = MatrixGroup(group.lie_algebra * lengths, group.discrete)
    for method in ("dense", "krylov"):
        other = equivariant_maps(scaled.vector, scaled.vector, method)
        assert torch.allclose(other, equivariant_maps(group.vector, group.vector), atol=1e-9)


def test_the_seed_of_the_random_start_does_not_show():
    representation = rank(4)(special_orthogonal(3))
    first, second = (invariant_vectors(representation, "krylov", seed).basis for seed in (0, 1))
    assert torch.allclose(first, second, atol=1e-10)


def test_representations_of_different_groups_are_refused():
    with pytest.raises(ValueError, match=r"Expected representations of one group, got SO\(2\) and C_2"):
        equivariant_maps(cyclic(2).vector, special_orthogonal(2).vector)
