"""Kernels between two slices: translation and the Galilean pair leave the heat kernel, wrong pairs nothing."""

import math

import pytest
import torch

from pdesym.symmetry.enforce import SliceOperator, affine_action, equivariant_kernels, slice_pair_kernels, translations
from pdesym.symmetry.functions import Functions

NU, T = 0.1, 2.0
WIDTH = 4 * NU * T


def gaussian(power, width):
    return lambda p: (p[:, 0] - p[:, 1]) ** power * torch.exp(-((p[:, 0] - p[:, 1]) ** 2) / width)


LIBRARY = Functions(
    (
        *(gaussian(power, width) for power in range(4) for width in (WIDTH / 2, WIDTH, 2 * WIDTH)),
        lambda p: (p[:, 0] + p[:, 1]) * gaussian(0, WIDTH)(p),
        lambda p: (p[:, 0] + p[:, 1]) ** 2 * gaussian(0, WIDTH)(p),
        lambda p: 1 / (1 + (p[:, 0] - p[:, 1]) ** 2),
    ),
    2,
)
POINTS = 4 * torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 2


def slice_operator(matrix, field):
    return SliceOperator(lambda x: matrix(x)[:, :, None], field)


SHIFT = slice_operator(torch.zeros_like, torch.ones_like)
GALILEAN_START = slice_operator(lambda y: -y, torch.zeros_like)


def galilean_end(horizon):
    return slice_operator(lambda x: -x, lambda x: torch.full_like(x, 2 * NU * horizon))


def test_translation_and_the_galilean_pair_leave_the_heat_kernel_alone():
    found = slice_pair_kernels(LIBRARY, [(SHIFT, SHIFT), (GALILEAN_START, galilean_end(T))], 1, POINTS)
    assert found.dimension == 1
    assert found.null_space.gap > 1e10
    heat = torch.exp(-((POINTS[:, 0] - POINTS[:, 1]) ** 2) / WIDTH) / math.sqrt(math.pi * WIDTH)
    kernel = found.evaluate(POINTS)[0, :, 0, 0]
    assert torch.allclose(kernel * (heat @ heat) / (kernel @ heat), heat, atol=1e-12)


def test_translation_alone_leaves_every_function_of_the_difference():
    found = slice_pair_kernels(LIBRARY, [(SHIFT, SHIFT)], 1, POINTS)
    assert found.dimension == 13
    group = translations(1)
    action = affine_action(group)
    same = equivariant_kernels(LIBRARY, action, [action], group.scalar, [group.scalar], POINTS)
    assert torch.allclose(same.basis, found.basis, atol=1e-9)


def test_the_pair_of_another_horizon_leaves_nothing_of_this_width():
    pairs = [(SHIFT, SHIFT), (GALILEAN_START, galilean_end(1.37 * T))]
    assert slice_pair_kernels(LIBRARY, pairs, 1, POINTS).dimension == 0


def test_a_pair_without_change_in_time_would_be_a_multiplication():
    # At the input slice on both sides, (x − y) K = 0: no smooth kernel.
    assert slice_pair_kernels(LIBRARY, [(GALILEAN_START, GALILEAN_START)], 1, POINTS).dimension == 0


def test_the_adjoint_holds_for_matrices_and_fields_with_divergence():
    # Q[u] = a u − ξ u′ on decaying vector fields: ∫ K Q[u] dy = ∫ (Q† K) u dy, by quadrature.
    turn = torch.tensor([[0.0, -1.0], [2.0, 0.5]], dtype=torch.float64)
    start = SliceOperator(lambda y: torch.sin(y)[:, :, None] * turn, lambda y: y + 0.3 * y**2)
    y = torch.linspace(-9, 9, 4001, dtype=torch.float64)[:, None]

    def u(y):
        return torch.exp(-(y**2)) * torch.cat([torch.ones_like(y), y], 1)

    def kernel(y):
        return torch.exp(-((y - 0.4) ** 2) / 2)[:, :, None] * torch.tensor([[1.0, 0.2], [-0.5, 1.0]]).to(y)

    du, dk = (torch.func.jvp(f, (y,), (torch.ones_like(y),))[1] for f in (u, kernel))
    left = kernel(y) @ (start.matrix(y) @ u(y)[:, :, None] - (start.field(y) * du)[:, :, None])
    adjoint = kernel(y) @ start.matrix(y) + start.divergence(y)[:, None, None] * kernel(y)
    right = (adjoint + start.field(y)[:, :, None] * dk) @ u(y)[:, :, None]
    assert torch.allclose(left.sum(0), right.sum(0), atol=1e-9)


def test_vector_valued_kernels_of_two_slices():
    # Rotation of the values at the input, back-rotation at the output: K = reflections times a function of x − y.
    j = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    start = SliceOperator(lambda y: j.expand(len(y), 2, 2), torch.zeros_like)
    end = SliceOperator(lambda x: -j.expand(len(x), 2, 2), torch.zeros_like)
    found = slice_pair_kernels(Functions((gaussian(0, 1.0),), 2), [(start, end)], 1, POINTS)
    assert found.dimension == 2
    assert (found.basis[:, 0, 0] + found.basis[:, 1, 1]).abs().amax() < 1e-12
    assert (found.basis[:, 0, 1] - found.basis[:, 1, 0]).abs().amax() < 1e-12


ERRORS = {
    "no pair": ([], "Expected at least one pair"),
    "matrix": ([(SliceOperator(torch.zeros_like, torch.zeros_like), SHIFT)], r"Expected a\(x\) of shape \(300, d, d\)"),
    "field": ([(slice_operator(torch.zeros_like, lambda x: x[:, 0]), SHIFT)], r"Expected ξ\(x\) of shape \(300, 1\)"),
}


@pytest.mark.parametrize(("pairs", "message"), ERRORS.values(), ids=ERRORS)
def test_coefficients_of_other_shapes_are_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        slice_pair_kernels(LIBRARY, pairs, 1, POINTS)
