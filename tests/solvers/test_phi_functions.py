"""φ₀ … φ₃ against exact arithmetic."""

import math

import mpmath
import pytest
import torch

from pdesym.solvers.steppers.phi import phi_functions, phi_matrices

mpmath.mp.dps = 60
DIRECTIONS = [-1, 1j, -1j, (-1 + 1j) / math.sqrt(2), (-1 - 1j) / math.sqrt(2), (1 + 1j) / math.sqrt(2), 1]


def exact_phis(z: complex) -> list[mpmath.mpc]:
    z = mpmath.mpc(z)
    exponential = mpmath.exp(z)
    if z == 0:
        return [mpmath.mpf(1) / mpmath.factorial(j) for j in range(4)]
    return [
        exponential,
        (exponential - 1) / z,
        (exponential - 1 - z) / z**2,
        (exponential - 1 - z - z**2 / 2) / z**3,
    ]


def relative_difference(got: complex, exact: mpmath.mpc) -> float:
    return float(abs(mpmath.mpc(got) - exact) / abs(exact))


def points(largest: float, growing: float) -> list[complex]:
    """|z| from 1e-12 to `largest` in every direction, to `growing` only where eᶻ grows."""
    sizes = [10 ** (e / 4) for e in range(-48, 17)]
    return [s * d for d in DIRECTIONS for s in sizes if s <= (growing if complex(d).real > 0 else largest)]


def test_phi_functions_are_exact_over_sixteen_decades():
    z = [0j, *points(1e4, 1.0)]
    computed = phi_functions(torch.tensor(z, dtype=torch.complex128))
    for i, value in enumerate(z):
        for j, exact in enumerate(exact_phis(value)):
            if abs(exact) > 1e-300:  # below, eᶻ itself is no float64
                assert relative_difference(computed[j][i].item(), exact) < 1e-14, (value, j)


def test_phi_of_a_diagonal_matrix_are_the_scalar_ones():
    z = torch.tensor([[-30.0, 2j, 0.0], [1e-6, -1 + 1j, -1e-9j]], dtype=torch.complex128)
    for scalar, matrix in zip(phi_functions(z), phi_matrices(torch.diag_embed(z)), strict=True):
        torch.testing.assert_close(matrix, torch.diag_embed(scalar), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("size", [1e-12, 1e-6, 1e-2, 1.0, 30.0, 1e3])
@pytest.mark.parametrize(
    "matrix",
    [
        [[0, 1], [-1, 0]],  # a wave: imaginary eigenvalues
        [[-1, 0.3], [0.1, -0.5]],  # coupled diffusion
        [[-1, 1], [0, -1]],  # defective
        [[0, 1], [0, 0]],  # nilpotent: φ₀ = 1 + A
        [[-1 + 1j, 2], [0.5, -2 - 1j]],
    ],
)
def test_phi_of_matrices_against_exact_arithmetic(matrix: list[list[complex]], size: float):
    a = torch.tensor(matrix, dtype=torch.complex128) * size
    computed = phi_matrices(a)
    (p, q), (r, t) = a.tolist()
    with mpmath.workdps(400):
        # Newton's interpolation on the eigenvalues, apart by 1e-60 where they are equal.
        p, q, r, t = map(mpmath.mpc, (p, q, r, t))
        root = mpmath.sqrt((p - t) ** 2 / 4 + q * r)
        root = root if abs(root) > mpmath.mpf(10) ** -60 else mpmath.mpf(10) ** -60
        one, two = (p + t) / 2 + root, (p + t) / 2 - root
        for j, (at_one, at_two) in enumerate(zip(exact_phis(one), exact_phis(two), strict=True)):
            ratio = (at_one - at_two) / (one - two)
            entries = [[at_one + ratio * (p - one), ratio * q], [ratio * r, at_one + ratio * (t - one)]]
            exact = torch.tensor([[complex(e) for e in row] for row in entries], dtype=torch.complex128)
            # At an imaginary argument exp is conditioned like |A|.
            assert (computed[j] - exact).abs().max() <= 2e-14 * max(1.0, size) * exact.abs().max(), j
