"""The studies of noise equilibrium, asymmetric networks and densities over transformations, at toy size."""

import json
import math

import pytest
import torch
from scipy.stats import binom

from experiments.related import (
    asymmetric,
    asymmetric_table,
    noise_equilibrium,
    noise_equilibrium_table,
    transformation_model,
    transformation_model_table,
)
from experiments.related.asymmetric_matching import channel_axes, matched, permuted, random_orders
from experiments.related.asymmetric_network import (
    between,
    channel_mixers,
    effective_weights,
    fix_entries,
    squared_error,
)
from experiments.related.noise_equilibrium_operator import (
    NO_SYMMETRY,
    SYMMETRY,
    FactorisedOperator,
    charge,
    mean_force,
    noise_force,
    scaled,
)
from experiments.related.noise_equilibrium_run import Preset as Descent
from experiments.related.noise_equilibrium_run import followed, pairs_of, started, step
from experiments.related.transformation_model_data import (
    CIRCLE,
    drawn_boosts,
    drawn_scales,
    drawn_shifts,
    initial,
    moved_at_random,
    shifts_of,
    walled,
)
from experiments.related.transformation_model_density import (
    ConditionalMixture,
    divergence_from_uniform,
    features,
    fitted,
    symmetry_level,
)
from pdesym.solvers import Grid
from pdesym.symmetry.relax import TorusTranslations

DESCENT = Descent(
    points=16,
    samples=8,
    modes=2,
    width=4,
    size=0.2,
    warm_steps=3,
    starts=(-0.3, 0.3),
    seeds=(0,),
    steps=10,
    full_steps=10,
    every=5,
)
OPERATOR = DESCENT.operator


@pytest.fixture(scope="module")
def descent():
    pairs = pairs_of(DESCENT)
    return pairs, started(DESCENT, pairs)


def _scaled_by(weights, scaling, logarithm):
    return {name: value * math.exp(logarithm * scaling.get(name, 0.0)) for name, value in weights.items()}


def test_the_operator_stays_along_its_orbit_and_no_other(descent):
    pairs, weights = descent
    u = pairs.u.expand(2, -1, -1)
    there = OPERATOR(weights, u)
    assert (OPERATOR(scaled(weights, 0.7), u) - there).abs().max() < 1e-12
    assert (OPERATOR(_scaled_by(weights, NO_SYMMETRY, 0.7), u) - there).abs().max() > 1e-2
    first, second = (OPERATOR({name: value[[run]] for name, value in weights.items()}, u[:1]) for run in (0, 1))
    assert (first - second).abs().max() < 1e-12


def test_the_orbit_is_across_the_gradient_of_every_sample(descent):
    pairs, weights = descent
    gradients = OPERATOR.sample_gradients(weights, pairs.u, pairs.y)
    for scaling, least, most in ((SYMMETRY, 0.0, 1e-12), (NO_SYMMETRY, 1e-3, math.inf)):
        across = sum(sign * (gradients[name] * weights[name]).flatten(2).sum(2) for name, sign in scaling.items())
        assert least <= across.abs().max() < most
    whole = OPERATOR.gradients(weights, *(each.expand(2, -1, -1) for each in (pairs.u, pairs.y)))
    for name, value in whole.items():
        assert (gradients[name].mean(0) - value).abs().max() < 1e-12


def test_a_step_moves_c_by_its_own_gradient_alone(descent):
    pairs, weights = descent
    rate, decay = 0.1, 0.05
    after = step(DESCENT, pairs, weights, torch.Generator(), 0, rate, decay)
    gradients = OPERATOR.sample_gradients(weights, pairs.u, pairs.y)
    expected = (1 - 2 * rate * decay) ** 2 * charge(weights, SYMMETRY) + rate**2 * mean_force(gradients, SYMMETRY)
    assert (charge(after, SYMMETRY) - expected).abs().max() < 1e-13


def test_the_noise_is_what_batches_add_in_the_mean():
    """E gᵀAg over batches of one is Tr[AΣ] + ḡᵀAḡ."""
    operator = FactorisedOperator(2, 3, 1)
    generator = torch.Generator().manual_seed(0)
    weights = operator.weights(0, 0.3)
    u, y = (torch.randn(5, 16, generator=generator, dtype=torch.float64) for _ in range(2))
    gradients = operator.sample_gradients(weights, u, y)
    alone = [operator.gradients(weights, u[None, [i]], y[None, [i]]) for i in range(5)]
    mean = sum(mean_force({name: value.unsqueeze(0) for name, value in each.items()}, SYMMETRY) for each in alone) / 5
    assert mean == pytest.approx(noise_force(gradients, SYMMETRY) + mean_force(gradients, SYMMETRY), rel=1e-10)


def test_without_noise_c_decays_alone_and_the_fixed_point_is_where_c_rests(descent):
    pairs, weights = descent
    row = {"told": followed(DESCENT, pairs, weights, 8, 0.2, 0, 0.0)}
    kept = noise_equilibrium_table.drift(row, "symmetry", "theory")
    assert noise_equilibrium_table.drift(row, "symmetry", "stepped") < 0.1 * kept
    assert noise_equilibrium_table.drift(row, "no symmetry", "theory") > 5 * kept
    decayed = followed(DESCENT, pairs, weights, 8, 0.01, 0, 0.1)["symmetry"]["C"]
    assert decayed[8] == pytest.approx([math.exp(-4 * 0.1 * 0.08) * value for value in decayed[0]], rel=1e-3)
    noisy = followed(DESCENT, pairs, weights, 0, 0.1, 2, 0.02)
    # At the fixed point of the orbit decay and noise cancel.
    for run in range(2):
        one = {name: value[[run]] for name, value in weights.items()}
        logarithms = torch.linspace(-3, 3, 6001, dtype=torch.float64)
        sizes = [float(charge(one, {name: 1.0})) for name in ("left", "right")]
        traces = [float(noise_force(OPERATOR.sample_gradients(one, pairs.u, pairs.y), {n: 1.0})) for n in SYMMETRY]
        grown, shrunk = (2 * logarithms).exp(), (-2 * logarithms).exp()
        c = grown * sizes[1] - shrunk * sizes[0]
        rate = -4 * 0.02 * c + 0.05 * (shrunk * traces[1] - grown * traces[0])
        assert noisy["fixed"][0][run] == pytest.approx(float(c[rate.abs().argmin()]), abs=2e-2)


def test_the_starts_are_told_apart_and_the_report_says_what_came(descent, tmp_path, monkeypatch):
    monkeypatch.setattr(noise_equilibrium, "HERE", tmp_path)
    monkeypatch.setitem(noise_equilibrium.PRESETS, "laptop", DESCENT)
    monkeypatch.setattr("sys.argv", ["noise_equilibrium"])
    noise_equilibrium.main()
    record = json.loads((tmp_path / "results" / "noise_equilibrium-laptop.json").read_text())
    assert len(record["rows"]) == 5
    text = (tmp_path / "results" / "noise_equilibrium-laptop.md").read_text()
    assert text == noise_equilibrium_table.report(record)
    assert "Halving the step divides the drift" in text
    assert (tmp_path / "noise_equilibrium.png").stat().st_size > 0
    assert noise_equilibrium_table.spread([0.0, 2.0, 1.0, 2.0], 2) == 1.5


SMALL = asymmetric.Preset(
    points=16, samples=8, test=4, modes=3, width=6, layers=2, steps=3, batch=4, strengths=(2.0,), pairs=1, mixtures=2
)


@pytest.fixture(scope="module")
def data():
    return asymmetric.pairs_of(SMALL)


def test_a_permuted_network_is_the_same_and_is_found_again(data):
    u, y = data["test"]
    axes = channel_axes(SMALL.layers)
    weights = effective_weights(SMALL.network(0))
    assert set(axes) == {name for name in weights if name != "fno.projection.fcs.1.bias"}
    copy = permuted(weights, axes, random_orders(weights, axes, seed=1))
    assert squared_error(SMALL.network(1), copy, u, y) == pytest.approx(squared_error(SMALL.network(0), weights, u, y))
    again = matched(weights, copy, axes, seed=0)
    for name, value in weights.items():
        assert torch.equal(again[name], value)
        assert not torch.equal(copy[name], value) or not value.any() or name not in axes


def test_fixed_entries_stay_and_no_permutation_keeps_their_places(data):
    first, second = SMALL.network(0), SMALL.network(1)
    for network in (first, second):
        fix_entries(network, SMALL.network(9), share=0.5, strength=2.0, seed=3)
    u, y = data["train"]
    with torch.no_grad():
        expected = squared_error(SMALL.network(2), effective_weights(first), u, y)
        assert float(((first(u) - y).square().sum((1, 2, 3)) / y.square().sum((1, 2, 3))).mean()) == expected
    like = effective_weights(SMALL.network(9))
    one, two = (asymmetric.trained(SMALL, network, u, y, seed=0) for network in (first, second))
    middle = between(one, two, 0.5)
    axes = channel_axes(SMALL.layers)
    moved = permuted(one, axes, random_orders(one, axes, seed=1))
    for name, module in channel_mixers(first):
        fixed = module.parametrizations.weight[0].fixed
        weight = f"{name}.weight"
        assert fixed.float().mean() == 0.5
        assert torch.equal(middle[weight][fixed], 2 * like[weight][fixed])
        assert not torch.equal(moved[weight][fixed], 2 * like[weight][fixed])
        assert not torch.equal(one[weight][~fixed], two[weight][~fixed])
    assert len(channel_mixers(first)) == 2 * SMALL.layers + 1


def test_the_barriers_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(asymmetric, "HERE", tmp_path)
    monkeypatch.setitem(asymmetric.PRESETS, "laptop", SMALL)
    monkeypatch.setattr("sys.argv", ["asymmetric"])
    asymmetric.main()
    record = json.loads((tmp_path / "results" / "asymmetric-laptop.json").read_text())
    plain = record["rows"][0]
    apart, together = (plain[name]["errors"] for name in ("permuted", "permuted, aligned"))
    assert together == pytest.approx([together[0]] * 3, rel=1e-5)
    assert apart[2] == pytest.approx(apart[0], rel=1e-5)
    assert apart[1] != pytest.approx(apart[0], rel=1e-3)
    text = (tmp_path / "results" / "asymmetric-laptop.md").read_text()
    assert text == asymmetric_table.report(record)
    assert "| asymmetric, each with fixed entries of its own (control) |" in text
    assert (tmp_path / "asymmetric.png").stat().st_size > 0


def test_prototypes_are_those_of_the_orbit_and_elements_those_that_moved_them():
    fields = initial(6, seed=0)
    found = shifts_of(fields, CIRCLE)
    distance = torch.linspace(0, 6, 6, dtype=torch.float64)
    again = shifts_of(TorusTranslations(CIRCLE).act(distance.unsqueeze(1), fields), CIRCLE)
    assert (again.prototypes - found.prototypes).norm() < 1e-10 * found.prototypes.norm()
    assert ((again.elements - found.elements - distance + 1) % (2 * math.pi) - 1).abs().max() < 1e-9
    for drawn in (drawn_boosts(6, 0, tied=False), drawn_scales(6, 0, tied=False)):
        assert (drawn.elements.abs() - 1).abs().max() < 5 * 0.3
        assert (drawn.prototypes.mean((1, 2))).abs().max() < 1e-12


def test_fields_between_walls_are_zero_there():
    fields = walled(3, seed=0)
    assert fields[..., 0].abs().max() < 1e-12 < 0.1 < fields.abs().max()
    moved = moved_at_random(fields, Grid(64, length=math.pi), seed=0)
    assert moved[..., 0].abs().max() > 1e-2


@pytest.mark.parametrize("circle", [True, False])
def test_the_density_is_one(circle):
    model = ConditionalMixture(4, circle, components=3, hidden=5, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    points = torch.linspace(0, 2 * math.pi, 2001).double() if circle else torch.linspace(-40, 40, 40001).double()
    given = torch.randn(2, 4, generator=torch.Generator().manual_seed(2)).double()
    density = model(given, points.unsqueeze(1).expand(-1, 2)).exp()
    assert torch.trapezoid(density, points, dim=0).tolist() == pytest.approx([1.0, 1.0], rel=1e-3)


def test_what_is_tied_is_flagged_and_what_is_uniform_is_not_more_often_than_said():
    found = drawn_shifts(400, seed=0)
    given = features(found.prototypes)
    model = ConditionalMixture(given.shape[1], True, components=2, hidden=16, seed=0)
    fitted(model, given, found.elements, training=200, steps=100, rate=2e-2)
    generator = torch.Generator().manual_seed(0)
    assert symmetry_level(model, given[300:], found.elements[300:], 99, generator) == 0.01
    assert divergence_from_uniform(model, given) > 0.1
    uniform = 2 * math.pi * torch.rand(100, 100, generator=generator, dtype=torch.float64)
    levels = [symmetry_level(model, given[300:], each, 39, generator) for each in uniform]
    assert sum(level <= 0.05 for level in levels) <= binom.ppf(0.999, 100, 0.05)


def test_the_number_of_false_alarms_that_is_allowed():
    for tests in (1, 18, 30):
        assert transformation_model_table.most_false_alarms(tests, 0.05) == binom.ppf(0.99, tests, 0.05)


def test_the_densities_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(transformation_model, "HERE", tmp_path)
    names = ("initial fields", "tied boosts")
    chosen = {name: transformation_model.DATASETS[name] for name in names}
    monkeypatch.setattr(transformation_model, "DATASETS", chosen)
    preset = transformation_model.Preset(training=24, validation=8, test=16, steps=3, draws=19, seeds=1)
    monkeypatch.setitem(transformation_model.PRESETS, "laptop", preset)
    monkeypatch.setattr("sys.argv", ["transformation_model"])
    transformation_model.main()
    record = json.loads((tmp_path / "results" / "transformation_model-laptop.json").read_text())
    text = (tmp_path / "results" / "transformation_model-laptop.md").read_text()
    assert [row["data"] for row in record["rows"]] == list(names)
    assert text == transformation_model_table.report(record)
    assert "| initial fields | yes | 0 |" in text
    assert (tmp_path / "transformation_model.png").stat().st_size > 0
