"""The experiments on springs and the pendulum in small: what is claimed of the arms, and that a run continues."""

import json

import pytest
import torch

from experiments.trial_store import run_trials
from experiments.unified import pendulum, spring_mass
from experiments.unified.pendulum_training import Perceptron, train
from pdesym.symmetry.dynamics import EPNN, rollout

SPRINGS = spring_mass.Preset(seeds=1, particles=2, times=20, halvings=5)
PENDULUM = pendulum.Preset((4,), ("mlp", "epnn", "so(2)"), 2, 6, steps=3, learning_rate=1e-2, blocks=(2,), width=8)


@pytest.fixture(scope="module")
def data():
    return pendulum.Pieces(PENDULUM).train(4)


def test_springs_are_found_in_space_by_promotion_and_by_the_true_algebra_alone(tmp_path):
    rows = {row["arm"]: row for row in spring_mass.run(SPRINGS, tmp_path / "springs.json")}
    assert set(rows) == set(spring_mass.ARMS)
    for arm in ("promoted", "exact", "enforced"):
        assert rows[arm]["training_error"] < 1e-4
        assert rows[arm]["velocity_error_space"] < 0.3
    for arm in ("exact", "enforced"):
        assert rows[arm]["coefficient_error"] < 1e-6
    assert rows["enforced"]["angle_to_true_degrees"] < 1e-3
    assert rows["promoted"]["angle_to_true_degrees"] < 10
    for arm in ("plain", "thresholds", "l1"):
        assert rows[arm]["training_error"] < 1e-4
        assert rows[arm]["velocity_error_space"] > 2 * rows["promoted"]["velocity_error_space"]
    assert rows["enforced_all"]["training_error"] > 0.1


def test_the_pendulum_is_run_for_every_arm(tmp_path):
    rows = pendulum.run(PENDULUM, tmp_path / "pendulum.json")
    assert [row["arm"] for row in rows] == ["mlp", "epnn", "so(2)"]
    for row in rows:
        assert len(row["test_mse"]) == 2
        assert all(0 < value < 10 for value in row["test_mse"])
    assert "so(2)" in pendulum.table(rows, PENDULUM, "test_mse")


def test_sizes_are_those_of_the_paper():
    count = [sum(p.numel() for p in n.parameters()) for n in (EPNN(12, (3, 3)), Perceptron((12, 42, 42, 42, 12), 0))]
    assert count == [4626, 4674]


@pytest.mark.parametrize("make", [lambda seed: EPNN(12, (2,), seed), lambda seed: Perceptron((12, 8, 12), seed)])
def test_networks_that_are_trained_together_are_trained_as_alone(make, data):
    together, alone = [make(0), make(1)], [make(1)]
    start = [p.detach().clone() for p in make(1).parameters()]
    action, weight = pendulum.CANDIDATES["so(2)"]
    train(together, data, action, weight, 0.2, 5, 1e-2)
    train(alone, data[1:], action, weight, 0.2, 5, 1e-2)
    for one, other in zip(together[1].parameters(), alone[0].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert any((p - before).abs().max() > 1e-3 for p, before in zip(alone[0].parameters(), start, strict=True))
    predicted = rollout(alone[0].double(), data[1, :, 0], 0.2, 4)
    assert predicted.shape == (4, 4, 12)


def test_a_penalty_lowers_the_defect_of_the_rotation(data):
    action = pendulum.SO2.normalised()
    defects = []
    for weight in (0.0, 1.0):
        network = EPNN(12, (2,), 0)
        train([network], data[:1], action, weight, 0.2, 60, 2e-2)
        defects.append(pendulum.errors(network.double(), data[1], data[0])["rotation_defect"])
    assert defects[1] < 0.2 * defects[0]


def test_a_killed_run_continues_and_another_header_starts_anew(tmp_path):
    path, done = tmp_path / "rows.json", []

    def trial(key):
        if key["n"] == 2 and not done.count(2):
            done.append(2)
            raise KeyboardInterrupt
        done.append(key["n"])
        return {"square": key["n"] ** 2}

    keys = [{"n": n} for n in range(4)]
    with pytest.raises(KeyboardInterrupt):
        run_trials(path, {"size": (1, 2)}, keys, trial, str)
    assert [row["n"] for row in json.loads(path.read_text())["rows"]] == [0, 1]
    rows = run_trials(path, {"size": (1, 2)}, keys, trial, str)
    assert [row["square"] for row in rows] == [0, 1, 4, 9]
    assert done == [0, 1, 2, 2, 3]
    run_trials(path, {"size": (1, 3)}, keys[:1], trial, str)
    assert len(json.loads(path.read_text())["rows"]) == 1
