"""The nuclear norm as a penalty: its value, its gradient where singular values vanish or meet, and its convexity."""

import pytest
import torch

from pdesym.symmetry.promote import smooth_nuclear_norm


def matrix(rows, columns, rank, seed=0):
    rng = torch.Generator().manual_seed(seed)
    left, right = (torch.randn(n, rank, generator=rng, dtype=torch.float64) for n in (rows, columns))
    return left @ right.mT


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_it_is_the_nuclear_norm_up_to_the_floor(rank):
    r = matrix(40, 5, rank)
    exact = torch.linalg.matrix_norm(r, "nuc")
    for floor in (1e-2, 1e-4, 1e-6):
        value = smooth_nuclear_norm(r, floor)
        assert exact - 5 * floor <= value <= exact + 1e-7
    assert smooth_nuclear_norm(r, 1.0) < 0.95 * exact


def test_its_gradient_is_right_and_finite_where_singular_values_vanish_and_coincide():
    r = matrix(12, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: smooth_nuclear_norm(m, 0.1), (r,))
    twice = torch.cat([torch.eye(4, dtype=torch.float64), torch.zeros(3, 4, dtype=torch.float64)])
    for singular in (torch.zeros(7, 4, dtype=torch.float64), twice, matrix(7, 4, 1)):
        point = singular.clone().requires_grad_()
        smooth_nuclear_norm(point, 1e-4).backward()
        assert point.grad.isfinite().all()
        assert torch.linalg.matrix_norm(point.grad, 2) <= 1 + 1e-9  # a subgradient of the norm has norm 1 at most
    assert torch.allclose(point.grad, torch.linalg.pinv(singular).mT * torch.linalg.matrix_norm(singular, 2), atol=1e-6)


def test_it_is_convex_and_prefers_few_singular_values():
    first, second = matrix(9, 3, 3, seed=1), matrix(9, 3, 3, seed=2)
    middle = smooth_nuclear_norm((first + second) / 2, 1e-3)
    assert middle < (smooth_nuclear_norm(first, 1e-3) + smooth_nuclear_norm(second, 1e-3)) / 2
    low, full = torch.diag(torch.tensor([1.0, 0, 0])), torch.eye(3) / 3**0.5
    assert low.norm() == pytest.approx(full.norm())
    assert smooth_nuclear_norm(low, 1e-3) < 0.7 * smooth_nuclear_norm(full, 1e-3)


@pytest.mark.parametrize("floor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_floor_that_cannot_be_is_refused(floor):
    with pytest.raises(ValueError, match="Expected the floor of a nuclear norm to be positive and finite"):
        smooth_nuclear_norm(torch.eye(2), floor)
