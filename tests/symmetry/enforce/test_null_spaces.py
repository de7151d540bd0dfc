"""Null spaces: which singular values count as zero, and what is done where that is not clear."""

import pytest
import torch

from pdesym.symmetry.enforce import LinearConstraint, null_space

METHODS = ("dense", "krylov")


def constraint(matrix, scale=None):
    scale = float(torch.linalg.matrix_norm(matrix, 2)) if scale is None else scale
    return LinearConstraint(matrix.shape[1], lambda x: matrix @ x, lambda y: matrix.T @ y, scale)


def with_singular_values(*values, rows=12, seed=0):
    rng = torch.Generator().manual_seed(seed)
    n = len(values)
    left = torch.linalg.qr(torch.randn(rows, n, generator=rng, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(n, n, generator=rng, dtype=torch.float64)).Q
    return left @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ right.T, right


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [8, 12])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_it_is_found_whatever_the_unit_and_the_shape(method, rows, size):
    matrix, right = with_singular_values(3.0, 1.0, 0.2, 1e-3, 0.0, 0.0, 0.0, 0.0, rows=rows)
    found = null_space(constraint(size * matrix), method)
    assert found.dimension == 4
    assert torch.allclose(found.basis @ found.basis.T, right[:, 4:] @ right[:, 4:].T, atol=1e-9)
    assert found.smallest_kept == pytest.approx(1e-3 / 3, rel=1e-2)
    assert found.gap > 1e6


@pytest.mark.parametrize("method", METHODS)
def test_rounding_alone_is_measured_against_the_scale(method):
    matrix = 1e-16 * with_singular_values(3.0, 1.0, 1.0)[0]
    assert null_space(constraint(matrix, scale=1.0), method).dimension == 3
    assert null_space(constraint(matrix), method).dimension == 0  # told that these numbers are all there is


@pytest.mark.parametrize("method", METHODS)
def test_no_constraint_and_no_solution(method):
    nothing = null_space(constraint(torch.zeros(2, 5, dtype=torch.float64)), method)
    assert torch.equal(nothing.basis, torch.eye(5, dtype=torch.float64))
    none = null_space(constraint(with_singular_values(2.0, 1.0)[0]), method)
    assert (none.dimension, none.largest_null) == (0, 0.0)


def test_a_dimension_that_is_not_clear_is_refused():
    matrix, _ = with_singular_values(1.0, 0.5, 3e-8, 5e-9)
    with pytest.raises(
        ValueError, match=r"Expected a clear null space, got relative singular values 5.0e-09 .* 3.0e-08"
    ):
        null_space(constraint(matrix), "dense")
    assert null_space(constraint(matrix), "dense", tolerance=1e-6).dimension == 2
    with pytest.raises(ValueError, match=r"Expected conjugate gradients to converge|Expected a clear null space"):
        null_space(constraint(matrix), "krylov")


@pytest.mark.parametrize("method", METHODS)
def test_blocks_of_any_length_count_alike(method):
    # Two conditions, one in a unit a hundred million times smaller: with one scale for both it would be overlooked.
    first, second = torch.eye(4, dtype=torch.float64)[:2], 1e-9 * torch.eye(4, dtype=torch.float64)[1:3]
    both = torch.cat([first, second])
    blocks = LinearConstraint(4, lambda x: both @ x, lambda y: both.T @ y, 1.0, (1.0, 1e-9))
    assert null_space(blocks, method).dimension == 1
    if method == "dense":
        assert null_space(constraint(both), method).dimension == 2


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="Expected the method dense, krylov or None, got 'svd'"):
        null_space(constraint(torch.eye(2, dtype=torch.float64)), "svd")
