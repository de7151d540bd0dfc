"""The layerwise penalty: symmetries that layers share, of matrices, kernels and Fourier multipliers."""

import pytest
import torch

from pdesym.symmetry.enforce import (
    SpectralWeights,
    affine_action,
    directions,
    equivariant_kernels,
    equivariant_maps,
    euclidean,
    hyperoctahedral,
    linear_action,
    quarter_turns,
    special_euclidean,
    special_orthogonal,
    spectral_multipliers,
    symmetric,
)
from pdesym.symmetry.functions import Functions, Polynomials
from pdesym.symmetry.promote import smooth_nuclear_norm
from pdesym.symmetry.promote.layer_symmetry import kernel_symmetry, linear_symmetry, spectral_symmetry
from pdesym.symmetry.promote.layerwise import LayerwisePenalty

FLOOR = 1e-6
SO3 = special_orthogonal(3)
V, S = SO3.vector, SO3.scalar


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def functional(axis):
    row = torch.zeros(1, 3, dtype=torch.float64)
    row[0, axis] = 1.0
    return row


def test_shared_symmetries_are_counted_and_not_those_of_each_layer():
    shared = LayerwisePenalty((linear_symmetry(V, S), linear_symmetry(V, S)), FLOOR)
    # x ↦ x₃ keeps the rotation about the third axis; x ↦ x₁ that about the first.
    together, apart = [functional(2), functional(2)], [functional(2), functional(0)]
    assert shared.spectrum(together).tolist() == pytest.approx([0, 1, 1], abs=1e-12)
    assert shared.spectrum(apart).tolist() == pytest.approx([0.5**0.5, 0.5**0.5, 1], abs=1e-12)
    assert float(shared(together)) == pytest.approx(2, abs=1e-5)
    assert float(shared(apart)) == pytest.approx(1 + 2**0.5, abs=1e-5)
    # The sum over layers sees no difference: each has its own axis.
    single = LayerwisePenalty((linear_symmetry(V, S),), FLOOR)
    assert sum(float(single([w])) for w in together) == pytest.approx(sum(float(single([w])) for w in apart))


def test_it_is_one_nuclear_norm_of_the_stacked_lie_derivatives():
    layers = (linear_symmetry(2 * V + S, V * V), linear_symmetry(V * V, V), linear_symmetry(S, 2 * V + S))
    weights = [normal(9, 7), normal(3, 9, seed=1), normal(7, 1, seed=2)]
    blocks = []
    for weight, (before, after) in zip(weights, [(2 * V + S, V * V), (V * V, V), (S, 2 * V + S)], strict=True):
        unit = weight / weight.norm()
        pairs = zip(before.generators(), after.generators(), strict=True)
        blocks.append(torch.stack([(psi @ unit - unit @ phi).flatten() for phi, psi in pairs], 1))
    stacked = torch.cat(blocks) / 3**0.5
    penalty = LayerwisePenalty(layers, FLOOR)
    assert float(penalty(weights)) == pytest.approx(float(smooth_nuclear_norm(stacked, FLOOR)), rel=1e-12)
    assert torch.allclose(penalty.spectrum(weights), torch.linalg.svdvals(stacked).flip(0))


@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_smaller_weights_gain_nothing(scale):
    penalty = LayerwisePenalty((linear_symmetry(V, V), linear_symmetry(V, S)))
    weights = [normal(3, 3), normal(1, 3, seed=1)]
    assert float(penalty([scale * weights[0], weights[1]])) == pytest.approx(float(penalty(weights)), rel=1e-9)
    variable = [w.clone().requires_grad_() for w in weights]
    penalty(variable).backward()
    for w in variable:
        assert w.grad.norm() > 0.05
        assert abs(float((w.grad * w.detach()).sum())) < 1e-12  # no descent by shrinking


def test_weight_and_bias_are_one_matrix():
    penalty = LayerwisePenalty((linear_symmetry(V + S, V),), FLOOR)

    def value(bias):
        return float(penalty([torch.cat([torch.eye(3, dtype=torch.float64), bias[:, None]], 1)]))

    directions_of_bias = torch.eye(3, dtype=torch.float64)
    assert value(0 * directions_of_bias[0]) == pytest.approx(0, abs=1e-6)
    assert value(1e-3 * directions_of_bias[0]) == pytest.approx(2e-3 / 3**0.5, rel=1e-2)  # two broken rotations
    assert value(directions_of_bias[0]) == pytest.approx(2 / 4**0.5, rel=1e-4)


def test_gradients_are_right_and_finite_where_the_rank_is_deficient():
    penalty = LayerwisePenalty((linear_symmetry(V, V), linear_symmetry(V, S)), 1e-2)
    weights = tuple(w.requires_grad_() for w in (normal(3, 3), normal(1, 3, seed=1)))
    assert torch.autograd.gradcheck(lambda *w: penalty(w), weights)
    symmetric_weights = [torch.eye(3, dtype=torch.float64), torch.zeros(1, 3, dtype=torch.float64)]
    for start in ([functional(2).expand(3, 3).clone(), functional(2)], symmetric_weights):
        point = [w.clone().requires_grad_() for w in start]
        penalty(point).backward()
        assert all(bool(w.grad.isfinite().all()) for w in point)
    assert float(penalty(symmetric_weights)) == pytest.approx(0, abs=1e-12)


def test_descent_finds_a_shared_axis():
    penalty = LayerwisePenalty((linear_symmetry(V, S), linear_symmetry(V, V)))
    weights = [(functional(2) + 0.3 * normal(1, 3)).requires_grad_(), (torch.diag(torch.tensor([1.0, 1, 3])).double()
               + 0.2 * normal(3, 3, seed=1)).requires_grad_()]  # fmt: skip
    before = penalty.spectrum([w.detach() for w in weights])
    optimiser = torch.optim.Adam(weights, lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        penalty(weights).backward()
        optimiser.step()
    after = penalty.spectrum([w.detach() for w in weights])
    assert before[0] > 0.1
    assert after[0] < 0.01
    assert after[1] > 0.3  # the functional cannot lose the others without vanishing


def members(case):
    """The symmetry of a layer, equivariant weights for it, and others."""
    if case == "matrix":
        basis = equivariant_maps(V * V, V * V)
        return linear_symmetry(V * V, V * V), torch.einsum("r,rab->ab", normal(len(basis)), basis), normal(9, 9)
    if case == "polynomial kernel":
        group = special_euclidean(2)
        arguments = (Polynomials(4, 2), *[f(affine_action(group)) for f in (lambda a: a, lambda a: [a])],
                     directions(group), [directions(group)])  # fmt: skip
        basis = equivariant_kernels(*arguments).basis
    elif case == "sampled kernel":
        group = special_orthogonal(2)
        action, points = linear_action(group.vector), normal(100, 4, seed=4)
        library = Functions(
            (lambda z: (z[:, :2] * z[:, 2:]).sum(1).cos(), lambda z: z[:, 0], lambda z: z[:, 3] ** 2), 4
        )
        arguments = (library, action, [action], group.scalar, [group.scalar], points)
        basis = equivariant_kernels(*arguments).basis
    else:
        group = {"p4 multipliers": quarter_turns(), "p4m multipliers": hyperoctahedral(2)}[case]
        arguments = ((2, 2), group.vector, group.vector + group.scalar, 2 * group.vector)
        weights = SpectralWeights(spectral_multipliers(*arguments)).double()
        member = weights(weights.drawn(1.0, torch.Generator().manual_seed(0)).double())
        return spectral_symmetry(*arguments), member, normal(*member.shape)
    member = torch.einsum("r,r...->...", normal(len(basis)), basis)
    return kernel_symmetry(*arguments), member, normal(*member.shape)


CASES = ["matrix", "polynomial kernel", "sampled kernel", "p4 multipliers", "p4m multipliers"]


@pytest.mark.parametrize("case", CASES)
def test_equivariant_weights_cost_nothing_and_others_do(case):
    symmetry, member, other = members(case)
    penalty = LayerwisePenalty((symmetry,), FLOOR)
    assert float(penalty([member])) < 1e-6
    assert float(penalty([other])) > 0.1
    assert float(penalty([1e-3 * other])) == pytest.approx(float(penalty([other])), rel=1e-9)
    point = other.clone().requires_grad_()
    penalty([point]).backward()
    assert bool(point.grad.isfinite().all())
    assert point.grad.norm() > 0


def test_discrete_elements_are_a_group_lasso_over_all_layers():
    group = symmetric(3)
    vector = group.vector
    penalty = LayerwisePenalty((linear_symmetry(vector, vector), linear_symmetry(vector, group.scalar)), FLOOR)
    weights = [normal(3, 3), normal(1, 3, seed=1)]
    total = []
    for image in group.discrete:
        first, second = (w / w.norm() for w in weights)
        moved = (image @ first @ image.T - first).square().sum() + (second @ image.T - second).square().sum()
        total.append(float((moved / 2).sqrt()))
    assert penalty.discrete(weights).tolist() == pytest.approx(total)
    assert float(penalty(weights)) == pytest.approx(sum(total), abs=1e-5)
    # Equal first two entries: the swap costs nothing, the cycle does.
    swap, cycle = penalty.discrete([torch.eye(3, dtype=torch.float64), torch.tensor([[1.0, 1.0, 5.0]]).double()])
    assert swap < 1e-12
    assert cycle > 0.3


def test_both_kinds_add():
    group = euclidean(2)
    penalty = LayerwisePenalty((linear_symmetry(group.vector, group.scalar),), FLOOR)
    weight = [torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)]
    # −x₁: turned by the rotation, shifted by one of two translations, mirrored with |K W − W| = 2.
    assert penalty.discrete(weight).tolist() == pytest.approx([2.0])
    assert float(penalty(weight)) == pytest.approx(float(penalty.spectrum(weight).sum()) + 2, abs=1e-5)
    assert penalty.spectrum(weight)[0] < 1e-12 < 0.5 < penalty.spectrum(weight)[1]


def test_float32_and_the_border_of_the_stored_modes():
    group = hyperoctahedral(2)
    symmetry = spectral_symmetry((3, 3), group.vector, group.scalar, group.scalar)
    penalty = LayerwisePenalty((symmetry,))
    weight = normal(7, 4, 1, 1, 2)
    assert penalty([weight.float()]).dtype == torch.float32
    assert float(penalty([weight.float()])) == pytest.approx(float(penalty([weight])), rel=1e-4)
    # On k_d = 0 only W(k) + conj W(−k) reaches the output: what cancels there costs nothing.
    without_effect = torch.zeros_like(weight)
    without_effect[1, 0, ..., 0], without_effect[-1, 0, ..., 0] = 1.0, -1.0
    without_effect[0, 0, ..., 1] = 1.0
    assert float(penalty([weight + without_effect])) == pytest.approx(float(penalty([weight])), rel=1e-12)


ERRORS = {
    "no layer": (lambda: LayerwisePenalty(()), "Expected at least one layer, got none"),
    "groups": (
        lambda: LayerwisePenalty((linear_symmetry(V, V), linear_symmetry(*(quarter_turns().vector,) * 2))),
        "Expected the layers to have representations of one group",
    ),
    "floor": (
        lambda: LayerwisePenalty((linear_symmetry(V, V),), 0.0),
        "Expected the floor of a penalty to be positive",
    ),
    "number": (lambda: LayerwisePenalty((linear_symmetry(V, V),))([]), "Expected 1 weights, one for each layer, got 0"),
    "size": (
        lambda: LayerwisePenalty((linear_symmetry(V, V),))([normal(2, 3)]),
        r"Expected 9 weights, got 6 from a tensor of shape \(2, 3\)",
    ),
}


@pytest.mark.parametrize(("make", "message"), ERRORS.values(), ids=ERRORS)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
