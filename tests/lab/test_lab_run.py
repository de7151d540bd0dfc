import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from pdesym.lab import run_lab
from pdesym.report import read_results

NETWORKS = ("plain FNO", "boosted FNO", "self-boosted FNO")


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny):
    out = tmp_path_factory.mktemp("lab") / "run"
    page = run_lab(out, "kdv", (*tiny, "pairs=1"))
    assert page == out / "index.html"
    return out


def test_the_solver_has_the_symmetries_and_not_the_wrong_ones(run):
    rows = {row["name"]: row["defects"] for row in read_results(run).defects["operators"]}
    assert set(rows) == {"exact solver", *NETWORKS}
    exact = rows["exact solver"]
    assert exact["d_x"]["mean"] < 1e-9
    assert exact["t*d_x + d_u"]["mean"] < 1e-7
    assert exact["t*d_x - d_u"]["mean"] > 0.1
    for defects in rows.values():
        assert all(0 <= each["mean"] <= math.sqrt(2) for each in defects.values())


def test_symmetries_are_found_where_they_are_and_none_are_claimed_of_the_untrained(run):
    (library,) = read_results(run).discovery["libraries"]
    found = {source["name"]: source for source in library["sources"]}
    assert list(found) == ["equation", "exact solver", *NETWORKS]
    assert library["columns"] == 9
    for name in ("equation", "exact solver"):
        assert found[name]["generators"] == ["d_x", "d_t", "t*d_x + d_u"]
        assert not found[name]["flags"]
    for name in NETWORKS:
        assert found[name]["error"] > 0.5
        assert any("means nothing" in flag for flag in found[name]["flags"])
    for source in found.values():
        count, spectrum = source["dimension"], source["spectrum"]
        assert len(spectrum) == 9
        assert source["last_zero"] == (spectrum[count - 1] if count else None)


def test_the_results_agree_with_one_another(run):
    results = read_results(run)
    arms = {arm["operator"]: arm for arm in results.forecast["arms"]}
    for arm in arms.values():
        assert sum(arm["nmse_per_frame"]) == pytest.approx(arm["nmse_unrolled"])
        assert sum(arm["nmse_per_sample"]) / 4 == pytest.approx(arm["nmse_unrolled"])
    assert [ratio["operator"] for ratio in results.forecast["ratios"]] == list(NETWORKS[1:])
    for ratio in results.forecast["ratios"]:
        expected = arms[ratio["operator"]]["nmse_unrolled"] / arms["plain FNO"]["nmse_unrolled"]
        assert ratio["mean"] == pytest.approx(expected)
    by_name = {row["name"]: row["nmse"] for row in results.defects["operators"]}
    assert by_name["plain FNO"] == pytest.approx(arms["plain FNO"]["nmse_unrolled"])
    assert by_name["exact solver"] < 1e-2 < by_name["plain FNO"], "eight steps of training predict nothing"
    assert results.data["largest_error"] <= results.data["rtol"]


def test_the_symmetries_are_learned_from_the_training_data(run):
    (learned,) = read_results(run).learning["runs"]
    assert "identified from the data" in learned["equation"]
    assert learned["dimension"] == 3
    assert set(learned["generators"]) == {"d_x", "d_t", "t*d_x + d_u"}
    assert learned["angle"] < 2
    assert learned["levels"][3] > 5 * learned["tolerance"]
    assert learned["accepted"] > 0.5


def test_the_arms_start_alike_and_end_apart(run):
    losses = [json.loads((run / "results" / "training.json").read_text())["arms"][i]["loss"] for i in range(3)]
    assert losses[0] != losses[1] != losses[2] != losses[0]


def test_a_repeated_call_computes_nothing_again(run, tiny, capsys):
    before = {path: path.stat().st_mtime_ns for path in run.glob("arms/*/step-*/*")}
    results = {
        name: (run / "results" / name).read_bytes() for name in ("forecast.json", "defects.json", "discovery.json")
    }
    run_lab(run, "kdv", (*tiny, "pairs=1"))
    assert {path: path.stat().st_mtime_ns for path in run.glob("arms/*/step-*/*")} == before
    assert {name: (run / "results" / name).read_bytes() for name in results} == results
    captured = capsys.readouterr()
    assert captured.err.count("there already") == 4
    assert "exact solver" in captured.out


def test_a_folder_with_another_run_is_refused(run, tiny):
    with pytest.raises(ValueError, match=r"holds a run with boost\.width = 0\.4, asked for is 0\.2"):
        run_lab(run, "kdv", (*tiny, "pairs=1", "boost.width=0.2"))


@pytest.mark.slow
def test_a_killed_lab_continues_to_the_same_numbers(tmp_path, tiny):
    settings = (*tiny, "pairs=1", "training.steps=400", "training.checkpoint_every=20")

    def command(out):
        options = [word for setting in settings for word in ("--set", setting)]
        return [sys.executable, "-m", "pdesym", "lab", "--out", str(out), *options]

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kills = 0
    for done in ("data/data.zarr", "arms/plain-0/step-00000020", "arms/boosted-0/step-00000200"):
        process = subprocess.Popen(command(killed), env=environment, start_new_session=True)
        while not (killed / done).exists() and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 2
    for out in (killed, whole):
        subprocess.run(command(out), env=environment, check=True)
    theirs, mine = (json.loads((out / "results" / "forecast.json").read_text()) for out in (whole, killed))
    for arm in (*theirs["arms"], *mine["arms"]):
        del arm["train_seconds"]
    assert mine == theirs
    assert (killed / "results/defects.json").read_bytes() == (whole / "results/defects.json").read_bytes()
