"""Fourier multipliers that commute with a finite group: counts by hand, the definition, and controls."""

import math

import pytest
import torch

from pdesym.symmetry.enforce import (
    MatrixGroup,
    SpectralWeights,
    cyclic,
    direct_product,
    hyperoctahedral,
    null_space,
    quarter_turns,
    special_orthogonal,
    spectral_multipliers,
    symmetric,
)
from pdesym.symmetry.promote.layer_symmetry import spectral_symmetry

REFLECTION, P4, P4M, CUBE = hyperoctahedral(1), quarter_turns(), hyperoctahedral(2), hyperoctahedral(3)
NOTHING = MatrixGroup(torch.zeros(0, 1, 1), torch.zeros(0, 1, 1), "nothing")
TURNED = direct_product(special_orthogonal(2), REFLECTION)  # channels turn, space is reflected
CHANNELS = TURNED.representation(TURNED.lie_algebra[:, :2, :2], torch.eye(2)[None])
LINE = TURNED.representation(torch.zeros(1, 1, 1), -torch.ones(1, 1, 1))
TWICE = symmetric(2)  # the two channels are exchanged, space stays
STILL = TWICE.representation(torch.zeros(0, 1, 1), torch.ones(2, 1, 1))
ROTATION = TURNED.vector  # diag(R(θ), ±1): a vector whose turning moves points
K = 4

COUNTS = {
    # space, ρ_in, ρ_out, highest modes, the number of real parameters
    "no group": (NOTHING.vector, NOTHING.scalar, NOTHING.scalar, (K,), 2 * K + 1),
    "reflection: real": (REFLECTION.vector, REFLECTION.scalar, REFLECTION.scalar, (K,), K + 1),
    "reflection, odd: imaginary": (REFLECTION.vector, REFLECTION.scalar, REFLECTION.vector, (K,), K),
    "reflection, copies": (REFLECTION.vector, 3 * REFLECTION.scalar, 2 * REFLECTION.scalar, (K,), 6 * (K + 1)),
    "p4": (P4.vector, P4.scalar, P4.scalar, (K, K), 1 + ((2 * K + 1) ** 2 - 1) // 4),
    "p4m": (P4M.vector, P4M.scalar, P4M.scalar, (K, K), math.comb(K + 2, 2)),
    "p4m, vector to scalar": (P4M.vector, P4M.vector, P4M.scalar, (2, 2), 6),  # the divergence and its kind
    "cube": (CUBE.vector, CUBE.scalar, CUBE.scalar, (2, 2, 2), math.comb(5, 3)),
    # R(k) = a + b J and even in k, hence real: a and b.
    "turned channels": (LINE, CHANNELS, CHANNELS, (K,), 2 * (K + 1)),
    "exchanged channels": (STILL, TWICE.vector, TWICE.vector, (K,), 2 * (2 * K + 1)),
}


@pytest.fixture(params=COUNTS.values(), ids=COUNTS)
def case(request):
    return request.param


def whole(weight, highest):
    """R(k) by mode from stored weights, and the mean with the conjugate of R(−k) where both are stored."""
    found = {}
    for axis_modes in (
        torch.cartesian_prod(*(torch.arange(-k, k + 1) for k in highest)).reshape(-1, len(highest)).tolist()
    ):
        if axis_modes[-1] >= 0:
            found[tuple(axis_modes)] = torch.view_as_complex(weight[tuple(axis_modes)].contiguous()).T
    for mode in list(found):
        opposite = tuple(-k for k in mode)
        if opposite not in found:
            found[opposite] = found[mode].conj()
    return found


def defect(weight, highest, space, rep_in, rep_out, word):
    modes = whole(weight, highest)
    g, before, after = (rep.matrix(word) for rep in (space, rep_in, rep_out))
    error = size = 0.0
    for mode, r in modes.items():
        moved = tuple((g @ torch.tensor(mode, dtype=torch.float64)).round().int().tolist())
        turned = after.to(r) @ r @ torch.linalg.inv(before).to(r)
        error += float((modes[moved] - turned).norm() ** 2)
        size += float(r.norm() ** 2)
    return (error / size) ** 0.5


def test_the_number_of_parameters_is_the_known_one(case):
    space, rep_in, rep_out, highest, dimension = case
    assert spectral_multipliers(highest, space, rep_in, rep_out).dimension == dimension


def test_random_members_commute_with_random_elements_and_others_do_not(case):
    space, rep_in, rep_out, highest, _ = case
    weights = SpectralWeights(spectral_multipliers(highest, space, rep_in, rep_out)).double()
    rng = torch.Generator().manual_seed(0)
    coefficients = weights.drawn(1.0, rng).double()
    weight = weights(coefficients)
    assert weight.shape == (*(2 * k + 1 for k in highest[:-1]), highest[-1] + 1, rep_in.dimension, rep_out.dimension, 2)
    assert torch.allclose(weights.right_inverse(weight), coefficients, atol=1e-12)
    other = torch.randn(weight.shape, generator=rng, dtype=torch.float64)
    broken = [0.0]
    for _ in range(4):
        word = space.group.random_element(rng, size=0.4)
        assert defect(weight, highest, space, rep_in, rep_out, word) <= 1e-10
        broken.append(defect(other, highest, space, rep_in, rep_out, word))
    assert max(broken) > 0.05 or space.group is NOTHING
    for mode, r in whole(weight, highest).items():
        assert torch.allclose(whole(weight, highest)[tuple(-k for k in mode)], r.conj(), atol=1e-12)


def test_the_null_space_on_all_modes_together_has_the_same_dimension(case):
    space, rep_in, rep_out, highest, dimension = case
    symmetry = spectral_symmetry(highest, space, rep_in, rep_out)
    invariant = null_space(symmetry.constraint).basis
    # Complex families on all modes, half of them with R(−k) = conj R(k).
    assert invariant.shape[1] == 2 * dimension


def test_the_basis_is_orthonormal_and_the_initial_weights_have_the_given_deviation():
    space, rep_in, rep_out = P4M.vector, 4 * P4M.scalar + 2 * P4M.vector, 3 * P4M.vector
    weights = SpectralWeights(spectral_multipliers((16, 16), space, rep_in, rep_out))
    weight = weights(weights.drawn(0.3, torch.Generator().manual_seed(0)))
    generic = weight[3:14, 15:17]  # on the axes and the diagonals symmetry lets fewer entries differ from 0
    assert float((generic**2).mean().sqrt()) == pytest.approx(0.3, rel=0.1)


FREE = MatrixGroup(torch.zeros(0, 2, 2), torch.tensor([[[1.0, 1.0], [0.0, 1.0]]]))  # a shear
FREE_LINE = FREE.representation(torch.zeros(0, 1, 1), torch.ones(1, 1, 1))
BIG = cyclic(2).vector  # swaps the axes
ERRORS = {
    "modes": (((3, 2), BIG, cyclic(2).scalar, cyclic(2).scalar), r"got \|k\| <= \(3, 2\): give equal n_modes"),
    "axes": (((3,), BIG, cyclic(2).scalar, cyclic(2).scalar), "Expected a representation on 1 axes"),
    "groups": (
        ((3, 3), BIG, cyclic(2).scalar, P4.scalar),
        "Expected representations of one group, got C_2, C_2 and p4",
    ),
    "moves points": (((3, 3, 3), ROTATION, TURNED.scalar, TURNED.scalar), "Expected generators that leave the points"),
    "no permutation": (
        ((3,), *(MatrixGroup(torch.zeros(0, 1, 1), torch.full((1, 1, 1), 2.0)).vector,) * 3),
        "Expected discrete elements that permute the axes with signs",
    ),
    "infinite": (
        ((3,), FREE_LINE, FREE.scalar, FREE.scalar),
        "Expected discrete elements that generate a finite group",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), ERRORS.values(), ids=ERRORS)
def test_what_does_not_map_modes_to_modes_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        spectral_multipliers(*arguments)
