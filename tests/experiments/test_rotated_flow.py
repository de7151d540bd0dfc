"""The experiment on turned flows at toy size: its flows, its arms, and what it says of them."""

import json

import pytest
import torch

from experiments.unified import rotated_flow
from experiments.unified.rotated_flow import gathered, report
from experiments.unified.rotated_flow_arm import (
    Arm,
    chosen_rates,
    forecast_errors,
    independent_parameters,
    one_step_error,
    result_of,
)
from experiments.unified.rotated_flow_data import shear_layers, turned, turning_defect, windows
from experiments.unified.rotated_flow_preset import PRESETS, Preset
from pdesym.operators import SpectralConvolution
from pdesym.solvers import Grid
from pdesym.training import unroll

TINY = Preset(
    points=16,
    dt=0.1,
    frames=5,
    train=3,
    validation=1,
    test=2,
    first=1,
    blocks=2,
    modes=3,
    widths=(("fno", 4), ("p4", 2)),
    layers=2,
    steps=6,
    batch=2,
    rates=(5e-3,),
    seeds=(0, 1),
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return runs, list(gathered(TINY, runs, progress=False))[-1]


def test_turning_changes_the_error_of_the_plain_operator_alone(written):
    runs = written[1]["runs"]
    assert [(run["operator"], run["seed"]) for run in runs] == [
        (name, seed) for name in ("fno", "averaged", "p4") for seed in (0, 1)
    ]
    for run in runs:
        for score in ("one_step", "forecast"):
            straight, across = (run["test"][name][score] for name in ("as_trained", "turned"))
            if run["operator"] != "fno":
                assert across == pytest.approx(straight, rel=1e-6)
            else:
                assert across != pytest.approx(straight, rel=1e-5)


def test_what_is_there_is_taken_over(written, monkeypatch):
    runs, record = written
    monkeypatch.setattr("experiments.unified.rotated_flow_arm.train", None)
    assert list(gathered(TINY, runs, progress=False))[-1]["runs"] == record["runs"]


def test_another_size_is_another_run(written, monkeypatch):
    monkeypatch.setattr("experiments.unified.rotated_flow_arm.trained", lambda *arguments: {"trained": "anew"})
    other = Preset(**{**vars(TINY), "layers": 1})
    assert result_of(other, Arm("p4", TINY.rates[0], 0), written[0]) == {"trained": "anew"}
    more = Preset(**{**vars(TINY), "seeds": (0, 1, 2)})
    assert result_of(more, Arm("p4", TINY.rates[0], 0), written[0])["operator"] == "p4"


def test_the_errors_are_those_of_predictions(written):
    """Written out for the forecast of one trajectory by the operator before training, which does not know the flow."""
    model, u = TINY.operator("p4", 0, 0.1).build(), windows(TINY, "validation").u
    with torch.no_grad():
        forecast = unroll(model, u[:, 1:2], 2)
        steps = [(model(u[:, [t]])[:, 0] - u[:, t + 1]).norm() / u[:, t + 1].norm() for t in range(4)]
    expected = [float((forecast[0, t] - u[0, 2 + t]).norm() / u[0, 2 + t].norm()) for t in range(2)]
    assert forecast_errors(TINY, model, u) == pytest.approx(expected, rel=1e-4)
    assert one_step_error(model, u) == pytest.approx(float(sum(steps)) / 4, rel=1e-4)


def test_the_report_says_what_came(written):
    record = json.loads(json.dumps(written[1]))
    text = report(record)
    assert "| FNO | " in text
    assert "Turning changes the error of p4" in text
    assert text.count("met.") + text.count("**missed**.") == 3
    for run in record["runs"]:
        run["test"]["turned"]["one_step"] = 3 * run["test"]["as_trained"]["one_step"]
    assert "multiplies the error of the FNO by 3.00 or more, expected at least 2: met." in report(record)
    assert "of it, expected at most 1e-3: **missed**." in report(record)


def test_the_results_are_written(tmp_path, monkeypatch, written):
    monkeypatch.setattr(rotated_flow, "HERE", tmp_path)
    monkeypatch.setattr(rotated_flow, "gathered", lambda *arguments: [written[1]])
    monkeypatch.setattr("sys.argv", ["rotated_flow", "--runs", str(tmp_path)])
    rotated_flow.main()
    record = json.loads((tmp_path / "results" / "rotated_flow.json").read_text())
    assert record["settings"]["steps"] == 6
    assert (tmp_path / "results" / "rotated_flow.md").read_text() == report(record)


def test_each_operator_takes_its_own_best_rate_by_validation_alone():
    runs = [
        {"operator": name, "rate": rate, "validation": error, "test": -error}
        for name, rate, error in [("fno", 1.0, 0.3), ("fno", 2.0, 0.2), ("p4", 1.0, 0.1), ("p4", 2.0, 0.4)]
    ]
    assert chosen_rates(runs) == {"fno": 2.0, "p4": 1.0}


def test_the_layers_lie_along_x_and_turned_along_y():
    w = shear_layers(Grid(16, 16, length=6.0), 3, "train")
    assert w.mean((2, 3)).abs().max() < 1e-12
    for field, along, across in ((w, -2, -1), (turned(w), -1, -2)):
        assert field.diff(dim=along).square().mean() < 0.1 * field.diff(dim=across).square().mean()
    assert not torch.equal(w, shear_layers(Grid(16, 16, length=6.0), 3, "test"))


def test_solutions_of_turned_fields_are_turned_solutions():
    assert turning_defect(TINY) < 1e-13


@pytest.mark.parametrize("name", PRESETS)
def test_operators_have_equally_many_parameters(name):
    preset = PRESETS[name]
    small = Preset(**{**vars(preset), "modes": 4})
    counts = {
        operator: independent_parameters(small.operator(operator, 0, 1.0).build()) for operator, _ in preset.widths
    }
    assert max(counts.values()) < 1.05 * min(counts.values())


def test_the_numbers_that_count_are_those_that_the_map_depends_on():
    convolution = SpectralConvolution(1, 1, (4, 4), bias=False).double()
    u = torch.randn(1, 1, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jacobian = torch.func.jacrev(
        lambda weight: torch.func.functional_call(convolution, {"weight": weight}, (u,)).flatten()
    )(convolution.weight.detach())
    assert torch.linalg.matrix_rank(jacobian.flatten(1)) == independent_parameters(convolution) == 25
