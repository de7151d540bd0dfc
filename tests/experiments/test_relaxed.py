"""The studies of symmetry breaking: their problems, their bound, their arms."""

import pytest
import torch

from experiments.relaxed import outcomes, study, study_table, tables
from experiments.relaxed.arms import ARMS, DRAWN, operator
from experiments.relaxed.pairs import CIRCLE, Pairs, waves
from experiments.relaxed.problems import GENERIC, PROBLEMS, drawn
from experiments.relaxed.scores import bounds, scores, with_noise
from pdesym.solvers import Grid
from pdesym.symmetry.relax import TorusTranslations, orbit_distance

GRID = Grid(48, length=2 * torch.pi)
TINY = study.Preset(
    symmetric=3, generic=3, validation=3, test=3, steps=2, batch=3, modes=4, width=4, layers=2, draws=2, seeds=(0,)
)
KEY = {"problem": "folded_burgers", "seed": 0, "level": 0.1}


@pytest.fixture(scope="module")
def folded():
    """Fields without a symmetry, their sums over p equal places, and p; also constants, which everything leaves."""
    rng = torch.Generator().manual_seed(0)
    y = waves(GRID, (1, 2, 3, 4, 5), rng, 8).sum(1, keepdim=True) + 0.3
    order = torch.tensor([2, 2, 3, 3, 4, 4, CIRCLE, CIRCLE])
    sums = [
        torch.stack([u.roll(j * 48 // p, -1) for j in range(p)]).mean(0) if p else u.mean().expand_as(u)
        for u, p in zip(y, order.tolist(), strict=True)
    ]
    return Pairs(torch.stack(sums), y, order)


@pytest.mark.parametrize("arm", ["strict", "enforced"])
def test_no_strict_network_goes_below_the_bound_on_any_sample(folded, arm):
    model = operator(arm, GRID, 1, 8, 8, 2, 0).double()
    errors = torch.tensor(scores(model, folded, GRID, 0, 0)["per_sample"])
    assert (errors >= bounds(folded, GRID).float() - 1e-5).all()


def test_the_bound_is_met_by_the_mean_and_passed_by_another_outcome(folded):
    shifts = TorusTranslations(GRID)
    stabiliser, size = shifts.stabiliser(folded.x), folded.y.square().flatten(1).sum(1)
    assert stabiliser.order.tolist() == folded.order.tolist()
    mean = folded.u_out.mean(1)
    assert torch.allclose(orbit_distance(mean, folded.y, shifts, stabiliser) / size, bounds(folded, GRID))
    # The negative control: what does not commute can be exact, and what is moved by no element of G_x is not forgiven.
    other = shifts.act(stabiliser.random(torch.Generator().manual_seed(1)), folded.y)
    assert (orbit_distance(other, folded.y, shifts, stabiliser) / size < 1e-12).all()
    moved = folded.y[:6].roll(1, -1)
    assert (orbit_distance(moved, folded.y[:6], shifts, shifts.stabiliser(folded.x[:6])) / size[:6] > 0.05).all()


def test_the_loss_is_the_score_and_the_squared_error_of_what_commutes(folded):
    shifts, finite = TorusTranslations(GRID), folded.gather(torch.arange(6), torch.zeros(6))
    prediction = torch.randn(6, 1, 1, 48, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    prediction = shifts.act(shifts.identity(6), prediction)  # the group knows no mode N/2
    score = orbit_distance(prediction[:, 0], finite.y, shifts, shifts.stabiliser(finite.x)) / 48
    assert torch.allclose(study.nearest_of_the_orbit(prediction, finite.u_out), score.mean())
    with torch.no_grad():
        strict = operator("strict", GRID, 1, 8, 8, 2, 0).double()(finite.u_in)
    plain = (strict[:, 0] - finite.y).square().mean()
    assert torch.allclose(study.nearest_of_the_orbit(strict, finite.u_out), plain)


@pytest.mark.parametrize("name", PROBLEMS)
def test_inputs_have_the_symmetries_that_are_said_and_outcomes_have_not(name):
    problem, shifts = PROBLEMS[name], TorusTranslations(PROBLEMS[name].grid)
    for orders in (problem.orders, GENERIC):
        pairs = drawn(problem, orders, 3, torch.Generator().manual_seed(7))
        assert shifts.stabiliser(pairs.x).order.tolist() == pairs.order.tolist()
        assert set(pairs.order.tolist()) == set(orders)
        assert torch.allclose(bounds(pairs, problem.grid), torch.zeros(3).double(), atol=1e-20) == (orders == GENERIC)
        if orders != GENERIC:
            assert (bounds(pairs, problem.grid) > 0.4).all()
            assert outcomes.measured(problem, pairs)["largest"] < 1e-3


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_trained_and_scored(arm):
    row = study.trial(TINY, {**KEY, "arm": arm})
    assert row["symmetric"]["error"] > 0
    assert len(row["generic"]["per_sample"]) == 3


def test_a_trial_has_one_result_and_another_seed_another():
    key = {**KEY, "arm": "noise"}
    row = study.trial(TINY, key)
    assert row == study.trial(TINY, key)
    assert row != study.trial(TINY, {**key, "seed": 1})


@pytest.mark.parametrize("arm", DRAWN)
def test_what_is_given_noise_differs_from_draw_to_draw(folded, arm):
    model = operator(arm, GRID, 1, 8, 8, 2, 0, level=0.3).double()
    with torch.no_grad():
        first, second = (model(with_noise(folded.u_in, torch.Generator().manual_seed(seed))) for seed in (0, 1))
    assert (first - second).abs().amax() > 1e-4


def test_the_table_of_shifts_is_as_expected():
    rows = tables.shift_rows()
    assert [row["strict"]["orders"] for row in rows] == [[1], [2], [3], [4], [6], [12]]
    assert not any("missed" in line for line in tables.verdicts(rows))
    rows[1]["relaxed"]["relaxed"] = 1e-3
    assert sum("missed" in line for line in tables.verdicts(rows)) == 1


@pytest.mark.slow
def test_the_table_of_translations_is_as_expected():
    rows = tables.translation_rows()
    assert [row["strict"]["orders"] for row in rows] == [[1], [2], [3], [4], [0]]
    assert not any("missed" in line for line in tables.verdicts(rows))


def test_verdicts_can_be_missed():
    limits = [0.5, 0.5]
    row = {"seed": 0, "level": 0.0, "generic": {"error": 0.1}, "symmetric": {"error": 0.2, "per_sample": [0.6, 0.4]}}
    rows = [{"arm": arm, **row} for arm in ARMS]
    rows[-1] = {**rows[-1], "generic": {"error": 0.3}}
    lines = study_table.verdicts(rows, limits)
    assert sum("missed" in line for line in lines) == 4
    good = [
        {**each, "generic": {"error": 0.1}, "symmetric": {"error": 0.05, "per_sample": [0.5, 0.5]}} for each in rows
    ]
    assert not any("missed" in line for line in study_table.verdicts(good, limits))


def test_validation_takes_one_level_of_the_noise():
    rows = [
        {"arm": "noise", "seed": seed, "level": level, "validation": value}
        for seed, level, value in ((0, 0.1, 2.0), (0, 0.3, 1.0), (1, 0.3, 5.0))
    ]
    assert study_table.chosen([*rows, {"arm": "strict"}]) == [*rows[1:], {"arm": "strict"}]
