"""The study of plain, augmented, promoted and enforced operators, at a tiny size."""

import json
from dataclasses import replace

import pytest
import torch

from experiments.unified import loop
from experiments.unified.operators_arm import PRESETS, Arm, arms_of, operator_of, result_of, run, training_of
from experiments.unified.operators_problem import BOOST, CANDIDATES, PROBLEMS, SIZE, WAYS
from experiments.unified.operators_table import record_of, report
from pdesym.symmetry import lie_derivative
from pdesym.symmetry.promote import SymmetryPenalty

TINY = replace(
    PRESETS["laptop"],
    samples=(8,),
    middle=8,
    test=4,
    steps=3,
    batch=4,
    modes=4,
    width=4,
    layers=1,
    seeds=(0,),
    ladder=(0.4,),
)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_drag_breaks_the_boost_alone(name):
    problem = PROBLEMS[name]
    u, _ = problem.pairs(0.0, 2, test=True, least=0.0, most=1.0)
    spectra = []
    for breaking in (0.0, 0.2, 0.4):
        flow = problem.flow(breaking)
        times = (u, problem.grid, 0.0, problem.duration)
        defects = SymmetryPenalty((*CANDIDATES, SIZE), rhs=flow.rhs).defects(flow, *times)
        spectra.append(SymmetryPenalty(CANDIDATES, rhs=flow.rhs).spectrum(flow, *times))
        assert max(defects[0], defects[2]) < 1e-3
        assert defects[3] > 0.1
        assert (defects[1] > 0.04) if breaking else (defects[1] < 1e-4)
    assert float(spectra[2][-1]) == pytest.approx(2 * float(spectra[1][-1]), rel=0.2)


@pytest.mark.parametrize("name", PROBLEMS)
def test_pairs_are_new_for_the_test_and_means_have_the_size_asked_for(name):
    problem = PROBLEMS[name]
    zero, _ = problem.pairs(0.0, 6, test=False, least=0.0, most=0.0)
    boosted, _ = problem.pairs(0.0, 6, test=True, least=1.5, most=2.0)
    other, _ = problem.pairs(0.0, 6, test=True, least=0.0, most=0.0)
    assert zero.mean(-1).abs().max() < 1e-12
    sizes = boosted.mean(-1).abs() / problem.fluctuation
    assert 1.5 <= sizes.min()
    assert sizes.max() <= 2.0
    assert (zero - other).abs().max() > 0.1
    many, _ = problem.pairs(0.0, 200, test=False, least=0.0, most=0.0)
    assert float(many.square().mean().sqrt()) == pytest.approx(problem.fluctuation, rel=0.05)


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_enforced_holds_and_is_not_there_otherwise(name):
    problem = PROBLEMS[name]
    u, _ = problem.pairs(0.0, 4, test=True, least=0.0, most=1.0)
    times = torch.zeros(1), torch.full((1,), problem.duration)
    for way in ("plain", "enforced"):
        operator = operator_of(problem, TINY, Arm(name, 0.0, False, way, 8, 0)).double()
        defect = float(lie_derivative(operator, BOOST, u.unsqueeze(1), problem.grid, *times))
        assert (defect < 1e-10) if way == "enforced" else (defect > 0.05)


@pytest.mark.slow
def test_every_way_is_trained_scored_and_told(tmp_path):
    arms = [arm for arm in arms_of(TINY) if arm.problem == "kdv"]
    assert {arm.way for arm in arms} == set(WAYS)
    for arm in arms:
        assert result_of(tmp_path, TINY, arm) is None
        run(tmp_path, TINY, arm, "cpu")
        assert training_of(tmp_path, TINY, arm, "cpu").steps_done == TINY.steps
    results = [result_of(tmp_path, TINY, arm) for arm in arms]
    record = json.loads(json.dumps(record_of(TINY, results)))
    text = report(record)
    assert text.count("| Korteweg-de Vries | 8 |") == 2 * len(WAYS)
    assert all(f"| Korteweg-de Vries | {breaking:g} |" in text for breaking in (0.2, 0.4))
    assert "unseen boosts" in text
    run(tmp_path, TINY, arms[0], "cpu")  # a finished arm trains nothing and is scored alike
    again = result_of(tmp_path, TINY, arms[0])
    assert again["error"] == results[0]["error"]


def test_the_loop_looks_for_what_can_be_enforced(tmp_path, monkeypatch):
    generator = loop.library().generator([0, 1, 1, 0, 0])
    assert generator == BOOST
    monkeypatch.setattr(loop, "discovered", lambda *_: (FOUND, FLAGGED))
    for arm in loop.plain_arms(TINY, "kdv", 0.0):
        run(tmp_path, TINY, arm, "cpu")
    monkeypatch.setattr(loop, "train_in_parallel", lambda trainings: [training.work() for training in trainings])
    row = loop.row_of(tmp_path, TINY, "kdv", 0.0)
    assert row["taken"] == [BOOST.text]
    assert row["enforced as found"][0]["at_data"]["defects"][BOOST.text] < 1e-10
    assert row["promoted as found"][0]["at_data"]["defects"][BOOST.text] > 1e-3
    monkeypatch.setattr(loop, "discovered", lambda *_: (FLAGGED,))
    assert loop.row_of(tmp_path, TINY, "kdv", 0.0)["taken"] == []


class _Found:
    def __init__(self, *flags):
        self.flags = flags
        self.generators = (CANDIDATES[0], BOOST)
        self.spectrum = type("Spectrum", (), {"singular_values": torch.zeros(5).numpy()})


FOUND, FLAGGED = _Found(), _Found("unclear")
