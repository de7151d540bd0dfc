"""The experiments on constraints by symmetry: what they count, what they cut, and what they say of it, at toy size."""

from dataclasses import replace

import pytest
import torch

from experiments.mirror import gates, linear, modes_table
from experiments.mirror.gates_problems import PROBLEMS, candidates, fields, polynomials, step
from experiments.mirror.linear_models import collapse_exponents, factorisations, regressions
from experiments.mirror.linear_preset import Preset as LinearPreset
from experiments.mirror.modes_arms import constrained, plain, pruned
from experiments.mirror.modes_preset import Preset
from experiments.mirror.pairs import pairs, predictions
from experiments.mirror.pruning import (
    cut_highest,
    cut_smallest,
    keep_zeros,
    modes_left,
    share_of_zeros,
    spectral_weights,
)
from pdesym.operators import FNOConfig
from pdesym.operators.constrained import low_rank_mixing, sparse_modes

TINY = Preset(
    viscosity=0.5,
    points=16,
    waves=2,
    train=8,
    validation=4,
    test=4,
    modes=3,
    width=4,
    layers=2,
    steps=30,
    tuning=3,
    batch=4,
    per_mode=(0.3,),
    seeds=(0,),
)
LINEAR = LinearPreset(features=6, size=3, steps=1500, noises=(0.1, 2.0), decays=(0.3,), samples=500, seeds=2)


def operator():
    return FNOConfig(1, 1, 1, 3, 4, 2).build()


@pytest.mark.parametrize("per", ["mode", "part"])
def test_cutting_takes_the_smallest_units_of_all_layers_and_no_others(per):
    model = operator()
    before = {name: weight.detach().clone() for name, weight in spectral_weights(model).items()}
    units = cut_smallest(sparse_modes(model, per), 0.5)
    after = {name: weight.detach() for name, weight in spectral_weights(model).items()}
    sizes = {name: w.abs() if per == "part" else w.flatten(1).norm(dim=1) for name, w in before.items()}
    gone = {name: (w == 0) if per == "part" else ~w.flatten(1).any(1) for name, w in after.items()}
    assert units == sum(int(each.sum()) for each in gone.values())
    assert share_of_zeros(model) == pytest.approx(0.5)
    largest_gone = max(float(sizes[name][gone[name]].max()) for name in sizes if gone[name].any())
    smallest_kept = min(float(sizes[name][~gone[name]].min()) for name in sizes)
    assert largest_gone <= smallest_kept
    for name, weight in after.items():
        assert torch.equal(weight[weight != 0], before[name][weight != 0])
    assert share_of_zeros(operator()) == 0
    if per == "mode":
        assert sum(len(left) for left in modes_left(model)) == 4
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.5"):
        cut_smallest(sparse_modes(operator(), per), 1.5)


def test_cutting_singular_values_is_the_truncated_decomposition():
    model = operator()
    before = singular_values(model)
    cut_smallest(low_rank_mixing(model), 0.75)
    after, rest = singular_values(model).split([len(before) // 4, len(before) - len(before) // 4])
    assert torch.allclose(after, before[: len(after)], rtol=1e-5)
    assert float(rest.max()) < 1e-6 < float(after.min())


def singular_values(model):
    """Of all matrices together, the largest first."""
    matrices = torch.cat([torch.view_as_complex(weight.detach()) for weight in spectral_weights(model).values()])
    return torch.linalg.svdvals(matrices).flatten().sort(descending=True).values


def test_cutting_the_highest_modes_keeps_the_lowest_of_every_layer():
    model = operator()
    cut_highest(model, 0.5)
    assert modes_left(model) == [[0, 1], [0, 1]]
    with pytest.raises(ValueError, match="between 0 and 1, got 2"):
        cut_highest(model, 2)


def test_zeros_are_kept_while_the_others_are_trained():
    def trained(kept):
        model = operator()
        cut_smallest(sparse_modes(model, "part"), 0.5)
        if kept:
            keep_zeros(model)
        optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
        u = torch.randn(2, 1, 1, 16, generator=torch.Generator().manual_seed(0))
        for _ in range(3):
            optimiser.zero_grad()
            model(u).square().mean().backward()
            optimiser.step()
        return share_of_zeros(model)

    assert trained(kept=True) == pytest.approx(0.5)
    assert trained(kept=False) < 0.1


def test_what_a_constraint_removes_leaves_the_output_and_pruning_takes_as_much(tmp_path):
    key = {"arm": "constrained", "per": "mode", "strength": 0.3, "seed": 0}
    preset = replace(TINY, tolerance_mode=0.7)  # so few steps bring no mode close to 0
    ours = constrained(preset, key, tmp_path)
    assert 0 < ours["share"] < 1
    assert ours["largest_gone"] <= 0.7 < ours["smallest_kept"]
    others = pruned(preset, {**key, "arm": "pruned"}, tmp_path)
    assert others["share"] == ours["share"]
    whole = plain(preset, {"strength": 0.0, "seed": 0}, tmp_path)
    assert whole["share"] == 0
    assert others["test"] != whole["test"]
    # A run that is there is taken over.
    assert constrained(preset, key, tmp_path) == ours


def test_the_pairs_are_of_variance_one_and_of_other_samples_in_every_split():
    problem = replace(TINY, train=60)
    u = pairs(problem, "train").u[:, 0]
    assert float(u.square().mean()) == pytest.approx(1, abs=0.25)
    assert not torch.equal(pairs(problem, "train").u[:4], pairs(problem, "test").u)
    assert predictions(operator(), pairs(problem, "test")).shape == (4, 1, 1, 16)


def row(arm, per, strength, seed, test, **more):
    return {"arm": arm, "per": per, "strength": strength, "seed": seed, "test": test, "train": test, **more}


@pytest.mark.parametrize(("share", "error", "change", "met"), [(0.7, 1.02, 1e-7, True), (0.5, 1.02, 1e-7, False)])
def test_the_bar_is_judged_by_share_error_and_output(share, error, change, met):
    rows = [row(arm, "", 0.0, seed, 1e-3, validation=1e-3) for arm in ("plain", "one cycle") for seed in (0, 1)]
    found = {"share": share, "change": change}
    rows += [row("constrained", "mode", 1e-5, seed, error * 1e-3, validation=1e-3, **found) for seed in (0, 1)]
    # Sparser, but bad on the validation pairs: not chosen, however good it is on those of the test.
    worse = {"share": 0.9, "change": change}
    rows += [row("constrained", "mode", 1e-3, seed, 5e-4, validation=2e-3, **worse) for seed in (0, 1)]
    record = {"rows": rows, "settings": {"per_mode": [1e-5, 1e-3], "per_part": []}}
    (line,) = [line for line in modes_table.bars(record) if line.startswith("* Constrained")]
    assert f"{share:.1%} of the spectral weights" in line
    assert line.endswith("met." if met else "**missed**.")
    assert modes_table.report(record).count("\n") > 10


def test_the_steps_have_the_symmetries_that_are_claimed_of_them_and_no_others():
    u = fields(4, 12, 3, seed=1)
    moves = (lambda v: v.roll(1, -1), lambda v: v[:, (-torch.arange(12)) % 12], lambda v: -v)
    for problem in PROBLEMS:
        after = step(problem, u, 0.2)
        for move, holds in zip(moves, problem.holds, strict=True):
            defect = float((step(problem, move(u), 0.2) - move(after)).norm() / after.norm())
            assert defect < 1e-13 if holds else defect > 1e-2, (problem.name, holds)


def test_candidates_are_what_the_polynomials_of_a_moved_field_ask():
    u, rng = fields(5, 6, 2, seed=2), torch.Generator().manual_seed(3)
    moves = (lambda v: v.roll(1, -1), lambda v: v[:, (-torch.arange(6)) % 6], lambda v: -v)
    weight = torch.randn(6, 19, generator=rng, dtype=torch.float64)
    for candidate, move in zip(candidates(6), moves, strict=True):
        for matrix, is_kept in ((candidate.kept(weight), True), (weight, False)):
            defect = float((polynomials(move(u)) @ matrix.T - move(polynomials(u) @ matrix.T)).norm())
            assert defect < 1e-12 if is_kept else defect > 0.1


def test_gates_close_where_a_symmetry_holds_alone():
    preset = gates.Preset(points=6, waves=1, samples=200, test=50, steps=160, tuning=10, strength=0.5)
    found = gates.result(preset, {"problem": "with advection", "strength": 0.5, "seed": 0})
    assert found["closed"] == [True, False, True]
    assert found["violations"][1] > 0.1 > 1e-12 > max(found["violations"][::2])
    free = gates.result(replace(preset, steps=5), {"problem": "with advection", "strength": 0.0, "seed": 0})
    assert free["closed"] == [False, False, False]
    rows = [{"problem": "with advection", "strength": 0.5, "seed": 0, **found}]
    rows.append({"problem": "with advection", "strength": 0.0, "seed": 0, **free})
    text = gates.report({"rows": rows, "settings": {"strength": 0.5, "strengths": [0.0, 0.5]}})
    assert "3 of 3 gates are right, expected all: met." in text
    assert "Without decay 0 gates close, expected none: met." in text


def test_decay_empties_products_and_not_what_has_no_symmetry():
    product, itself = regressions(LINEAR, symmetric=True), regressions(LINEAR, symmetric=False)
    decayed = LINEAR.settings().index((0.1, 0.3))
    gone = product[decayed].abs() < LINEAR.zero
    assert bool(gone[:, :2].all())
    assert not bool((itself.abs() < LINEAR.zero).any())
    predicted = collapse_exponents(LINEAR, product) < 0
    assert bool((predicted[decayed] == gone).all())
    assert not bool(predicted[0, :, -1].any())


def test_decay_lowers_the_rank_of_a_product_and_not_with_residual_connections():
    preset = replace(LINEAR, steps=1500, matrix_rate=0.05, smallest_value=0.1)
    decayed = preset.settings().index((0.1, 0.3))
    product, residual = (factorisations(preset, shift)[decayed] > preset.zero for shift in (0.0, 1.0))
    assert int(product.sum(-1).max()) < 3
    assert bool(residual.all())


def test_sgd_that_diverges_is_said():
    with pytest.raises(FloatingPointError, match="2 of 6 runs of SGD diverged: give less noise"):
        regressions(replace(LINEAR, noises=(0.1, 1e3)), symmetric=True)


def test_the_report_of_the_linear_models_says_what_was_missed():
    settings = {"noises": [0.1, 1.0], "decays": [0.3], "size": 3}
    shares = {"gone": [[0.0], [0.5], [0.5]], "gone_of_zero": [0.0] * 3, "gone_of_others": [0.0] * 3}
    rows = [
        {**linear.KEYS[0], **shares, "agreement": [1.0, 1.0, 1.0]},
        {**linear.KEYS[1], **shares},
        {**linear.KEYS[2], "ranks": [[3], [2], [1]]},
        {**linear.KEYS[3], "ranks": [[3], [2], [3]]},
    ]
    first, second, third, fourth = linear.bars({"rows": rows, "settings": settings})
    assert first.endswith("None of w itself: **missed**.")
    assert second.endswith("met.")
    assert "falls from 3.0 to 2.0 with noise and to 1.0 with weight decay: met." in third
    assert "3.0 of 3 under the strongest decay" in fourth
