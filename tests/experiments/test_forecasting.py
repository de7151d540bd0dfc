"""The forecasting experiments: treatments are what they are called, arms are paired, and what is killed continues."""

import json
import multiprocessing
import time
from pathlib import Path

import pytest
import torch

from experiments.forecasting.arms import Arm, RunArm, arms_of, folder_of, identity, result_of
from experiments.forecasting.bars import fewer_bar, ratio_bars
from experiments.forecasting.data import Solutions, solve_all
from experiments.forecasting.run import gathered, run_arms
from experiments.forecasting.settings import load_preset, load_treatments
from experiments.forecasting.table import ratios, report
from experiments.forecasting.treatment import AlignedWindows, shown
from pdesym.solvers import FlowMap, kdv
from pdesym.training import draw_batch

PRESET = """
name: tiny
trajectories: {block: 2, blocks: 1, test: 2}
stride: {time: 2, space: 2}
frames: {into: 10, out: 10}
model: {modes: 4, width: 8, layers: 2}
training: {steps: 100, batch: 4, learning_rate: 2e-3, log_every: 10, checkpoint_every: 20}
forecast: {start: 10, blocks: 2}
seeds: [0]
plans:
  sample_efficiency: [{equation: kdv, samples: [2], treatments: [none, exact]}]
"""
ARM = Arm(0, "kdv", 2, "exact")


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / "tiny.yaml"
    path.write_text(PRESET)
    return load_preset(path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, preset):
    folder = tmp_path_factory.mktemp("runs")
    solve_all(folder, preset, ["kdv"], workers=1)
    return folder


@pytest.fixture(scope="module")
def windows(runs, preset):
    return Solutions(runs, preset.recipe("kdv"), "train", slice(0, 2)).windows(preset.stride, 10, 10, "cpu")


@pytest.mark.parametrize("name", ["laptop", "paper"])
def test_every_arm_of_a_shipped_preset_can_be_described(name):
    preset, treatments = load_preset(name), load_treatments()
    for script in preset.plans:
        for arm in arms_of(preset, script):
            assert arm.treatment in treatments
            frames = preset.recipe(arm.equation).times.count // preset.stride.time
            forecast = preset.forecast.start + preset.frames.into + preset.forecast.blocks * preset.frames.out
            assert forecast <= frames


def test_the_protocol_of_the_laptop_is_the_one_that_was_agreed(preset):
    laptop = load_preset("laptop")
    arm = Arm(1, "kdv", 32, "exact")
    training = identity(laptop, arm)["training"]
    assert (training["steps"], training["batch"], training["learning_rate"]) == (3000, 16, 2e-3)
    times = laptop.recipe("kdv").times
    assert 2 * (times.last - times.first) / (times.count - 1) == pytest.approx(0.803, abs=1e-3)
    times = laptop.recipe("ks").times
    assert 2 * (times.last - times.first) / (times.count - 1) == pytest.approx(0.401, abs=1e-3)


def test_passes_make_steps_in_proportion_to_the_trajectories():
    training = load_preset("paper").training
    assert [training.settings(samples, 0).steps for samples in (32, 128, 512)] == [22_400, 89_600, 358_400]


def test_the_operators_see_every_second_frame_and_point(runs, preset, windows):
    solutions = Solutions(runs, preset.recipe("kdv"), "train", slice(0, 2))
    assert solutions.u.shape == (2, 140, 1, 256)
    assert solutions.u.dtype == torch.float64
    assert windows.u.shape == (2, 70, 1, 128)
    assert torch.equal(windows.u, solutions.u[:, ::2, :, ::2].float())
    assert windows.grid.length == (128.0,)


def test_aligned_windows_begin_at_multiples(windows):
    aligned = AlignedWindows(windows)
    assert aligned.starts == 6
    got = aligned.gather(torch.tensor([1]), torch.tensor([5]))
    assert torch.equal(got.u_in, windows.u[1:2, 50:60])
    assert torch.equal(got.u_out, windows.u[1:2, 60:70])


def moved(windows, name, step=3):
    drawn, augmentation = shown(load_treatments()[name], windows)
    return torch.cat(draw_batch(drawn, 64, 0, step, augmentation), 1)


def test_all_treatments_of_a_seed_move_the_same_windows_alike(windows):
    plain, boosted, both, lifted = (moved(windows, name) for name in ("none", "exact", "shift-exact", "lift"))
    means = [u.mean(-1) for u in (plain, boosted, both, lifted)]
    assert means[0].abs().max() < 1e-6, "the mean of KdV from sine waves stays zero"
    assert means[1].abs().max() > 0.3
    for mean in means[2:]:
        torch.testing.assert_close(mean, means[1], atol=1e-5, rtol=0)
    sizes = [torch.fft.rfft(u).abs()[..., :-1] for u in (boosted, both)]
    torch.testing.assert_close(*sizes, atol=1e-3, rtol=0)
    assert (boosted - both).abs().max() > 0.1
    still = means[1][:, 0, 0] == means[0][:, 0, 0]
    assert 0.3 < still.float().mean() < 0.7, "half of the windows stay"
    assert torch.equal(boosted[still], plain[still])


def test_what_a_symmetry_moves_still_solves_the_equation_and_nothing_else_does(windows):
    window = windows.gather(torch.tensor([0]), torch.tensor([0]))
    flow = FlowMap(kdv(), windows.grid, window.times[0, 10:], rtol=1e-6)
    errors = {}
    for name in ("none", "exact", "shift-exact", "lift", "reversed"):
        u = moved(windows, name).double()[:6]
        # The equation does not see when a window begins.
        truth = flow(u[:, 10])
        errors[name] = float((truth - u[:, 11:]).norm() / u[:, 11:].norm())
    assert max(errors[name] for name in ("none", "exact", "shift-exact")) < 0.02
    assert min(errors[name] for name in ("lift", "reversed")) > 0.1


def killed_after(folder: Path, checkpoint: str, work: RunArm) -> bool:
    """Runs it in another process and kills that; whether it was still at work."""
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    while not (folder / checkpoint).exists() and process.is_alive():
        time.sleep(0.01)
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


def test_a_killed_arm_continues_to_the_same_result(runs, preset, tmp_path):
    (tmp_path / "data").symlink_to(runs / "data")
    assert killed_after(folder_of(tmp_path, preset, ARM), "step-00000060", RunArm(tmp_path, preset, ARM, "cpu"))
    assert result_of(tmp_path, preset, ARM) is None
    results = []
    for folder in (tmp_path, runs):
        RunArm(folder, preset, ARM, "cpu")()
        results.append(result_of(folder, preset, ARM))
        del results[-1]["train_seconds"]
    assert results[0] == results[1]
    assert len(results[0]["nmse_per_sample"]) == 2
    assert sum(results[0]["nmse_per_frame"]) == pytest.approx(results[0]["nmse_unrolled"])


@pytest.mark.slow
def test_an_arm_learns_its_generators_and_keeps_the_copies(runs, preset, monkeypatch):
    from experiments.forecasting import arms

    settings = load_treatments()["learned"].learned.model_copy(update={"copies": 2})
    learned = {"learned": load_treatments()["learned"].model_copy(update={"learned": settings})}
    monkeypatch.setattr(arms, "load_treatments", lambda: learned)
    arm = Arm(0, "kdv", 2, "learned")
    RunArm(runs, preset, arm, "cpu")()
    account = result_of(runs, preset, arm)["learned"]
    assert account["dimension"] == 3
    assert max(account["angles"]) < 0.1
    assert account["accepted"] == 1.0
    assert 0.5 < account["valid_windows"] <= 1.0
    kept = sorted(folder_of(runs, preset, arm).glob("copies/*"))
    assert [path.name for path in kept] == ["0.pt", "1.pt"]


def test_a_script_trains_what_is_missing_and_gathers_all(runs, preset, capsys):
    arms = arms_of(preset, "sample_efficiency")
    run_arms(runs, preset, arms, workers=1)
    assert "arms to train" in capsys.readouterr().err
    record = gathered(runs, preset, arms)
    assert [(row["samples"], row["treatment"]) for row in record["rows"]] == [(2, "none"), (2, "exact")]
    run_arms(runs, preset, arms)
    assert "tiny: 0 arms to train" in capsys.readouterr().err
    assert json.loads(json.dumps(record)) == record
    assert report(record).count("| kdv |") == 2


def test_another_setting_is_another_arm(runs, preset):
    other = preset.model_copy(update={"training": preset.training.model_copy(update={"learning_rate": 1e-3})})
    assert folder_of(runs, other, ARM) != folder_of(runs, preset, ARM)
    more = preset.model_copy(update={"plans": {}})
    assert folder_of(runs, more, ARM) == folder_of(runs, preset, ARM)


def row(samples, treatment, nmse):
    return {"equation": "kdv", "samples": samples, "treatment": treatment, "seeds": [0, 1], "nmse": nmse}


def test_ratios_are_those_of_pairs_and_bars_can_be_missed():
    rows = [row(32, "none", [2.0, 4.0]), row(32, "exact", [1.0, 1.0]), row(128, "none", [0.9, 2.0])]
    assert ratios(rows, rows[1]) == [0.5, 0.25]
    assert ratios(rows, rows[0]) == []
    assert ratio_bars(rows, ["kdv"], [32], "exact")[0].endswith("met.")
    assert fewer_bar(rows, "kdv", 32, 128, "exact").endswith("1 of 2): met.")
    rows[1]["nmse"] = [2.0, 3.0]
    assert ratio_bars(rows, ["kdv"], [32], "exact")[0].endswith("**missed**.")
    assert fewer_bar(rows, "kdv", 32, 128, "exact").endswith("0 of 2): **missed**.")


def test_seeds_without_trajectories_of_their_own_are_refused(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(PRESET.replace("seeds: [0]", "seeds: [0, 1]"))
    with pytest.raises(ValueError, match=r"seeds must be below trajectories\.blocks = 1"):
        load_preset(path)
    path.write_text(PRESET.replace("samples: [2]", "samples: [3]"))
    with pytest.raises(ValueError, match=r"at most trajectories\.block = 2"):
        load_preset(path)
