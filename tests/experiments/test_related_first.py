"""Learned widths, shared parameters and the evidence: the parts that can be wrong."""

from dataclasses import replace

import pytest
import torch

from experiments.related import augerino_table, layerwise_evidence, parameter_sharing
from experiments.related.augerino import CANDIDATES, DURATION, GRID
from experiments.related.augerino_average import OrbitAverage, PlacedOperator
from experiments.related.evidence import LinearModel, Precisions, ascended, effective_parameters, log_evidence
from experiments.related.partitions import (
    adjusted_rand_index,
    circulant_partition,
    classes,
    variation_of_information,
)
from experiments.related.sharing_schemes import Sums, by_turns, clustered, fitted, merged, one_hot, shared_matrix
from pdesym.operators import fno
from pdesym.solvers.spectral import translate
from pdesym.symmetry.enforce.groups import cyclic


class CarriedByTheMean(torch.nn.Module):
    """u ↦ u(x − T ⟨u⟩), which has the boost and the translation, and neither the wrong boost nor the amplitude."""

    def forward(self, u):
        return translate(u, GRID, DURATION * u.mean(-1))


def fields(samples=3, seed=0):
    rng = torch.Generator().manual_seed(seed)
    spectrum = torch.zeros(samples, 1, 33, dtype=torch.complex128)
    spectrum[..., :5] = torch.randn(samples, 1, 5, dtype=torch.complex128, generator=rng)
    return torch.fft.irfft(spectrum, n=64, norm="forward")


@pytest.mark.parametrize(("candidate", "symmetric"), list(zip(CANDIDATES, (True, True, False, False), strict=True)))
def test_an_average_over_symmetries_changes_nothing_and_over_others_does(candidate, symmetric):
    u, operator = fields(), CarriedByTheMean()
    average = OrbitAverage(operator, [candidate], GRID, DURATION, 1.0)
    away = (average(u, torch.Generator().manual_seed(1), 4) - operator(u)).abs().max() / u.abs().max()
    assert away < 1e-12 if symmetric else away > 1e-2


def test_motions_in_a_row_are_undone_in_the_other_order():
    # At equal times g⁻¹ g is the identity; the amplitude and the boost do not commute.
    average = OrbitAverage(torch.nn.Identity(), CANDIDATES, GRID, 0.0, 0.7)
    u = fields()
    torch.testing.assert_close(average(u, torch.Generator().manual_seed(1), 2), u, rtol=0, atol=1e-12)


def test_widths_have_the_gradient_of_the_loss_and_stay_in_their_interval():
    u = fields()
    average = OrbitAverage(CarriedByTheMean(), CANDIDATES, GRID, DURATION, 0.5)

    def loss(widths):
        swapped = {"widths": widths}
        out = torch.func.functional_call(average, swapped, (u, torch.Generator().manual_seed(2), 2))
        return (out - u).square().mean()

    assert torch.autograd.gradcheck(loss, (average.widths.detach().clone().requires_grad_(),))
    with torch.no_grad():
        average.widths.copy_(torch.tensor([-1.0, 0.25, 3.0, 1.0]))
    average.project()
    assert average.widths.tolist() == [0.0, 0.25, 1.0, 1.0]


def test_the_placed_operator_has_no_translation_of_its_own():
    operator, u = fno(3, 1, modes=4, width=4, layers=1), fields().float()
    placed = PlacedOperator(operator, GRID)
    moved = placed(u.roll(7, -1)).roll(-7, -1)
    assert (moved - placed(u)).abs().max() > 1e-3 * placed(u).abs().max()


def test_only_widths_with_a_truth_are_judged():
    rows = [{"way": "learned", "setting": "a", "widths": [[0.3] * 3, [0.9, 0.8, 0.1]]}]
    assert augerino_table.verdicts(rows, {"a": {"truth": [1, None, 1]}}) == (1, 2)


def test_distances_of_partitions():
    a, b = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 0, 1, 1])
    # By hand: pairs together 1, expected 1·2/6, most 3/2.
    assert adjusted_rand_index(a, b) == pytest.approx((1 - 1 / 3) / (1.5 - 1 / 3))
    assert variation_of_information(a, b) == pytest.approx(0.5)
    assert adjusted_rand_index(a, 5 - 2 * a) == 1.0
    assert variation_of_information(a, 5 - 2 * a) == pytest.approx(0.0, abs=1e-12)
    assert variation_of_information(torch.arange(8), torch.zeros(8, dtype=torch.int64)) == pytest.approx(3.0)
    rng = torch.Generator().manual_seed(0)
    drawn = torch.randint(5, (2, 2000), generator=rng)
    assert abs(adjusted_rand_index(*drawn)) < 0.01


@pytest.mark.parametrize("n", [7, 8])
def test_the_true_partitions_have_as_many_classes_as_they_should(n):
    assert classes(circulant_partition(n, reflection=False)) == n
    assert classes(circulant_partition(n, reflection=True)) == n // 2 + 1


def sums(matrix, pairs, seed, noise=1e-3):
    rng = torch.Generator().manual_seed(seed)
    x, e = torch.randn(2, pairs, len(matrix), generator=rng, dtype=torch.float64)
    return Sums.of(x, x @ matrix.mT + noise * e)


def test_the_true_scheme_gives_the_matrix_that_the_group_gives():
    preset = replace(parameter_sharing.PRESETS["laptop"], points=7)
    data = sums(parameter_sharing.one_step(preset, "advection"), 20, 0)
    shared = fitted(circulant_partition(7, reflection=False), data)
    torch.testing.assert_close(shared, parameter_sharing.enforced(cyclic(7), data), rtol=0, atol=1e-6)


def test_the_loss_of_sums_is_that_of_pairs_and_its_gradient_goes_through_the_weights():
    preset = replace(parameter_sharing.PRESETS["laptop"], points=3)
    matrix = parameter_sharing.one_step(preset, "variable")
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 9, 3, generator=rng, dtype=torch.float64)
    assert float(Sums.of(x, y).loss(matrix)) == pytest.approx(float((x @ matrix.mT - y).square().mean()))
    train, validation = sums(matrix, 5, 1), sums(matrix, 5, 2)
    logits = torch.randn(9, 4, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: validation.loss(shared_matrix(z.softmax(1), train)), (logits,))


@pytest.mark.parametrize(("equation", "found"), [("heat", True), ("advection", True), ("variable", False)])
def test_the_partition_is_found_where_there_is_one(equation, found):
    preset = replace(parameter_sharing.PRESETS["laptop"], points=7)
    matrix = parameter_sharing.one_step(preset, equation)
    train, validation = sums(matrix, 200, 0), sums(matrix, 100, 1)
    start = clustered(train.dense().flatten(), 14)
    labels = by_turns(merged(start, train, validation, 12 / 700), train, validation)
    agreement = adjusted_rand_index(labels, parameter_sharing.truth(preset, equation))
    better = validation.loss(fitted(labels, train)) < 1.05 * validation.loss(train.dense())
    assert (agreement == 1.0) == found
    assert bool(better) == found
    assert one_hot(labels).sum(1).eq(1).all()


def small_model(seed=0, outputs=12):
    rng = torch.Generator().manual_seed(seed)
    design = torch.randn(outputs, 5, generator=rng, dtype=torch.float64)
    y = design.sum(1) + torch.randn(outputs, generator=rng, dtype=torch.float64)
    return design, y, LinearModel.of(design, y, [0, 0, 1, 1, 1])


def test_the_evidence_is_the_density_of_the_data():
    design, y, model = small_model()
    precisions = Precisions(torch.tensor([0.4, -0.7]).double(), torch.tensor(0.9).double())
    variances = (-precisions.log_alpha).exp()[model.group]
    covariance = design * variances @ design.mT + (-precisions.log_beta).exp() * torch.eye(len(y))
    truth = torch.distributions.MultivariateNormal(torch.zeros(len(y)).double(), covariance).log_prob(y)
    torch.testing.assert_close(log_evidence(model.settled(precisions), precisions), truth)


def test_the_ascent_ends_where_weights_are_set_as_much_as_their_size_says():
    # MacKay's condition for a maximum: γ = α ‖w‖² in each group, and outputs − Σγ = β ‖y − f‖².
    _, _, model = small_model(outputs=40)
    found = ascended(model, Precisions.first(2), 300, 0.05)
    settled = model.settled(found)
    gamma = effective_parameters(settled, found)
    size = torch.stack([settled.weights[settled.group == g].square().sum() for g in (0, 1)])
    torch.testing.assert_close(found.log_alpha.exp() * size, gamma, rtol=1e-2, atol=0)
    assert float(found.log_beta.exp() * settled.residual) == pytest.approx(40 - float(gamma.sum()), rel=1e-2)


def test_the_basis_of_a_block_is_orthonormal_and_its_first_part_commutes_with_shifts():
    basis, group = layerwise_evidence.block_basis(7, 2)
    flat = basis.flatten(1)
    torch.testing.assert_close(flat @ flat.mT, torch.eye(len(flat), dtype=torch.float64))
    assert [group.count(m) for m in range(3)] == [7, 14, 14]
    apart = (basis.roll((1, 1), (1, 2)) - basis).flatten(1).norm(dim=1)
    assert apart[:7].max() < 1e-12
    assert apart[7:].min() > 0.1


def test_the_evidence_keeps_what_depends_on_the_place_only_where_something_does():
    preset = replace(layerwise_evidence.PRESETS["laptop"], points=9, waves=1, steps=100)
    away = {e: layerwise_evidence.measured(preset, e, 64, 0)["evidence"] for e in ("advection", "variable, 0.5")}
    assert away["advection"]["effective"][1] < 0.5 * 18 < 0.9 * 18 < away["variable, 0.5"]["effective"][1]
