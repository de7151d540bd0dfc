"""Generation: a function of the recipe alone, continued where it ended, refused in a sentence where it cannot be."""

import json
import os
import re
import shutil
from collections import Counter

import numpy as np
import pytest
import torch

from pdesym.datasets import GenerationError, RecipeError, generate, open_dataset, problem, save_dataset, schema
from pdesym.datasets.block import run_block
from pdesym.datasets.problem import drawn_parameters, initial_fields
from pdesym.datasets.store import held, is_marked, missing, prepare, write
from pdesym.datasets.summary import summarise
from pdesym.datasets.verification import verify
from pdesym.solvers import Equation, Grid, solve


def test_the_same_recipe_gives_the_same_bytes_and_another_seed_gives_others(
    changed, small_kdv, small_dataset, hashes, tmp_path
):
    again = generate(small_kdv, tmp_path / "again", progress=False)
    assert hashes(again) == hashes(small_dataset)
    other = generate(changed(seed=4, splits={"train": 5}), tmp_path / "other", progress=False)
    same, different = open_dataset(small_dataset, "train").u.values, open_dataset(other, "train").u.values
    assert (abs(same - different).max((1, 2)) > 0.01).all()


def test_the_number_of_workers_does_not_change_a_byte(small_kdv, small_dataset, hashes, tmp_path):
    assert hashes(generate(small_kdv, tmp_path / "two", progress=False, workers=2)) == hashes(small_dataset)


def test_the_stored_values_are_those_of_the_solver(small_kdv, small_dataset):
    grid, times = Grid(32, length=32.0), torch.linspace(0.5, 2.0, 7, dtype=torch.float64)
    u0 = initial_fields(small_kdv, "test", range(2))
    expected = solve(Equation("u_t = -u*u_x - u_xxx"), u0, grid, times, rtol=1e-8).u[:, :, 0].numpy()
    stored = open_dataset(small_dataset, "test").u.values
    norm = np.linalg.norm(expected, axis=(1, 2))
    assert (np.linalg.norm(stored - expected, axis=(1, 2)) < 1e-5 * norm).all()
    assert (np.linalg.norm(stored - expected[[1, 0]], axis=(1, 2)) > 0.1 * norm).all()


@pytest.mark.parametrize("entries", [{"shard": 1}, {"shard": 3}, {"shard": 50}, {"splits": {"train": 3}}])
def test_a_sample_does_not_depend_on_its_neighbours(changed, small_dataset, tmp_path, entries):
    other = open_dataset(
        generate(changed(**{"splits": {"train": 5}, **entries}), tmp_path / "other", progress=False), "train"
    )
    here = open_dataset(small_dataset, "train").isel(sample=slice(len(other.sample)))
    np.testing.assert_array_equal(other.u, here.u)
    np.testing.assert_array_equal(other.steps, here.steps)
    np.testing.assert_allclose(other.error, here.error, rtol=1e-6)  # the difference of two near solutions


def test_the_splits_are_different_samples(small_dataset):
    first = {split: open_dataset(small_dataset, split).u[0].values for split in ("train", "valid", "test")}
    assert (
        min(abs(first[a] - first[b]).max() for a, b in (("train", "valid"), ("train", "test"), ("valid", "test")))
        > 0.01
    )


def test_a_drawn_parameter_is_the_one_that_was_solved_with(changed, tmp_path):
    recipe = changed(
        equation="burgers", parameters={"nu": {"uniform": [0.1, 0.5]}}, splits={"train": 3}, dtype="float64", rtol=1e-8
    )
    data = open_dataset(generate(recipe, tmp_path / "burgers", progress=False), "train")
    drawn = drawn_parameters(recipe, "train", [2, 0, 1])["nu"]
    np.testing.assert_array_equal(data.nu.values[[2, 0, 1]], drawn.numpy())
    u0 = initial_fields(recipe, "train", [0])
    times = torch.linspace(0.5, 2.0, 7, dtype=torch.float64)

    def distance(nu: float) -> float:
        solution = solve(Equation("u_t = -u*u_x + nu*u_xx", nu=nu), u0, Grid(32, length=32.0), times, rtol=1e-9).u[
            0, :, 0
        ]
        return float(np.linalg.norm(data.u[0] - solution.numpy()) / np.linalg.norm(solution.numpy()))

    assert distance(data.nu.values[0]) < 1e-8
    assert distance(data.nu.values[1]) > 1e-4


def test_a_parameter_keeps_its_draw_when_others_join(changed):
    one = changed(parameters={"b": {"uniform": [0, 1]}})
    two = changed(parameters={"a": {"uniform": [0, 1]}, "b": {"uniform": [0, 1]}})
    assert torch.equal(drawn_parameters(one, "train", range(9))["b"], drawn_parameters(two, "train", range(9))["b"])
    drawn = drawn_parameters(two, "train", range(9))
    assert not torch.equal(drawn["a"], drawn["b"])
    assert not torch.equal(drawn["a"], drawn_parameters(two, "valid", range(9))["a"])


def test_a_complete_dataset_is_left_alone(changed, tmp_path):
    recipe = changed(splits={"valid": 1})
    folder = generate(recipe, tmp_path / "data", progress=False)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    generate(recipe, folder, progress=False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_progress_is_said_on_standard_error_or_not_at_all(changed, tmp_path, capsys, monkeypatch):
    recipe = changed(splits={"train": 2})
    generate(recipe, tmp_path / "quiet", progress=False)
    assert capsys.readouterr() == ("", "")
    generate(recipe, tmp_path / "lines")
    out, err = capsys.readouterr()
    assert out == ""
    first, last = err.splitlines()
    assert first.startswith("small-kdv: 2 samples (train 2) of 7 frames x 32 points, u; 2.2 kB in 1 shard, into ")
    assert re.fullmatch(r"small-kdv: 2 samples in [\d.]+ s; [\d.]+ kB; largest estimated error \d\.\de-\d\d", last)
    generate(recipe, tmp_path / "lines")
    assert "nothing was missing" in capsys.readouterr().err
    monkeypatch.setenv("FORCE_COLOR", "1")
    generate(recipe, tmp_path / "bar")
    assert "2/2" in capsys.readouterr().err


REFUSED_RECIPES = [
    ({"equation": "kvd"}, r"No equation is named kvd \(did you mean kdv\?\): the catalogue has "),
    ({"equation": "u_t = -u*u_x - u_xxy"}, "y"),
    ({"equation": "u_t = -c*u_x"}, "'c' has no value"),
    ({"equation": "u_t = -u_x", "parameters": {"c": 1.0}}, "'c' does not occur"),
    ({"equation": "u_t = -u_xx"}, "ill-posed"),
    ({"equation": "u_t = a*u_xx", "parameters": {"a": {"uniform": [-1, 1]}}}, "ill-posed"),
    ({"grid": {"points": 4, "length": 1.0}}, "2 waves per domain need at least 5 points, the grid has 4"),
    ({"grid": {"points": 2, "length": 1.0}}, "at least 4 points"),
    ({"grid": {"points": 8, "length": -1.0}}, "greater than or equal to"),
    ({"rtol": 1e-15}, "rtol must lie between"),
    ({"splits": {"train": 10**9}}, "needs up to .* TB more in .* are free: make room"),
]


@pytest.mark.parametrize(("entries", "sentence"), REFUSED_RECIPES)
def test_a_recipe_that_cannot_work_is_refused_before_anything_is_written(changed, tmp_path, entries, sentence):
    with pytest.raises((ValueError, GenerationError), match=sentence):
        generate(changed(**entries), tmp_path / "new")
    assert {path.name for path in tmp_path.rglob("*")} <= {"new", ".lock"}


def test_a_folder_with_another_recipe_is_refused(small_kdv, small_dataset, hashes):
    before = hashes(small_dataset)
    with pytest.raises(
        RecipeError, match=r"another recipe, seed is 3 there and 9 here: use .*recipe.yaml, or generate"
    ):
        generate(small_kdv.model_copy(update={"seed": 9}), small_dataset)
    assert hashes(small_dataset) == before


def test_a_folder_with_other_files_is_refused(small_kdv, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RecipeError, match=r"holds thesis\.tex and no recipe\.yaml: expected a new or empty folder"):
        generate(small_kdv, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_another_process_fills_is_refused(changed, tmp_path):
    recipe = changed(splits={"valid": 1})
    with held(tmp_path), pytest.raises(GenerationError, match="Another process is generating into"):
        generate(recipe, tmp_path)
    generate(recipe, tmp_path, progress=False)


def test_an_unfinished_dataset_of_other_versions_is_not_continued(small_kdv, tmp_path):
    prepare(small_kdv, tmp_path, "cpu")
    file = tmp_path / "data.zarr" / "train" / "zarr.json"
    metadata = json.loads(file.read_text())
    metadata["attributes"]["torch_version"] = "1.0"
    file.write_text(json.dumps(metadata))
    with pytest.raises(GenerationError, match=r"was begun with torch_version 1\.0 and this is .*: finish it there"):
        generate(small_kdv, tmp_path)


def test_no_workers_and_no_device_are_refused(small_kdv, tmp_path):
    with pytest.raises(ValueError, match="at least 1 worker, got 0"):
        generate(small_kdv, tmp_path, workers=0)
    with pytest.raises(ValueError, match="Expected the device cpu or cuda, got gpu"):
        generate(small_kdv, tmp_path, device="gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(small_kdv, tmp_path):
    with pytest.raises(ValueError, match="cuda was asked for and torch finds no GPU: use cpu"):
        generate(small_kdv, tmp_path, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same_numbers(small_kdv, small_dataset, tmp_path):
    there = open_dataset(generate(small_kdv, tmp_path, progress=False, device="cuda"), "train")
    here = open_dataset(small_dataset, "train")
    assert there.attrs["device"] == "cuda"
    np.testing.assert_allclose(there.u, here.u, atol=1e-6)


def test_an_incomplete_dataset_is_not_opened(small_kdv, tmp_path):
    prepare(small_kdv, tmp_path, "cpu")
    with pytest.raises(
        ValueError, match=r"train in .* is not complete, 5 of its 5 samples are missing: repeat the command"
    ):
        open_dataset(tmp_path, "train")


def test_what_is_no_dataset_or_no_split_is_said(small_dataset, changed, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no dataset: expected a folder that `generate`"):
        open_dataset(tmp_path, "train")
    with pytest.raises(ValueError, match=r"no split trian \(did you mean train\?\): it has train, valid, test"):
        open_dataset(small_dataset, "trian")


@pytest.fixture(scope="module")
def with_failures(blowing_up, tmp_path_factory):
    """Its dataset in two shards."""
    return generate(blowing_up, tmp_path_factory.mktemp("failures") / "data", progress=False)


def test_a_blow_up_fails_alone_and_says_when_and_why(blowing_up, with_failures):
    largest = initial_fields(blowing_up, "train", range(8)).amax((1, 2)).numpy()
    doomed = largest > 0.5
    assert 0 < doomed.sum() < 8
    data = open_dataset(with_failures, "train")
    np.testing.assert_array_equal(data.status, np.where(doomed, schema.FAILED, schema.COMPLETE))
    np.testing.assert_array_equal(np.isnan(data.u).any(("time", "x")), doomed)
    np.testing.assert_array_equal(np.isnan(data.u).all(("time", "x")), doomed)
    np.testing.assert_array_equal(np.isnan(data.nu), doomed)
    failures = json.loads(data.attrs["failures"])
    assert list(failures) == [str(sample) for sample in np.flatnonzero(doomed)]
    assert data.attrs["complete"] == 1
    drawn = drawn_parameters(blowing_up, "train", range(8))["nu"]
    for sample, reason in failures.items():
        found = re.fullmatch(r"blows up shortly after t = ([\d.]+) with nu = ([\d.]+): .+", reason)
        assert found
        assert abs(float(found[1]) - 1 / largest[int(sample)]) < 0.3
        assert abs(float(found[2]) - drawn[int(sample)]) < 1e-6


def test_a_sample_does_not_depend_on_those_that_fail_beside_it(blowing_up, with_failures):
    data = open_dataset(with_failures, "train")
    alive = np.flatnonzero(data.status == schema.COMPLETE)
    alone, _ = problem.solve_samples(blowing_up, "train", alive.tolist())
    np.testing.assert_allclose(data.u[alive], alone.u[:, :, 0].numpy(), rtol=1e-6)
    np.testing.assert_array_equal(data.nu[alive], drawn_parameters(blowing_up, "train", alive.tolist())["nu"])


@pytest.mark.parametrize("entries", [{"workers": 2}, {"batch": 1}, {"batch": 3}])
def test_failures_are_the_same_for_every_batch_and_number_of_workers(
    blowing_up, with_failures, hashes, tmp_path, entries
):
    recipe = blowing_up.model_copy(update={"batch": entries.get("batch")})
    folder = generate(recipe, tmp_path / "again", progress=False, workers=entries.get("workers", 1))
    there, here = open_dataset(folder, "train"), open_dataset(with_failures, "train")
    if "workers" in entries:
        assert hashes(folder) == hashes(with_failures)
    assert there.attrs["failures"] == here.attrs["failures"]
    np.testing.assert_allclose(there.u, here.u, rtol=1e-6)
    assert not [path.name for path in folder.iterdir() if path.name in ("pieces", "failures", "locks")]


def test_a_failing_batch_solves_every_sample_twice_at_most(blowing_up, tmp_path, monkeypatch):
    begun = Counter()
    solve_samples = problem.solve_samples

    def counting(recipe, split, samples, device="cpu"):
        begun.update(samples)
        return solve_samples(recipe, split, samples, device)

    monkeypatch.setattr(problem, "solve_samples", counting)
    generate(blowing_up, tmp_path, progress=False)
    assert set(begun) == set(range(8))
    assert max(begun.values()) == 2


def test_the_last_line_says_how_many_failed_and_why(blowing_up, with_failures, capsys):
    generate(blowing_up, with_failures)
    last = capsys.readouterr().err.splitlines()[-1]
    number = len(json.loads(open_dataset(with_failures, "train").attrs["failures"]))
    assert re.search(
        rf"{number} samples failed, the first is sample \d of the split train, which blows up shortly after t = ", last
    )


def test_a_dataset_without_a_solution_ends_in_a_sentence(blowing_up, tmp_path):
    recipe = blowing_up.model_copy(update={"times": blowing_up.times.model_copy(update={"last": 1e3})})
    sentence = (
        r"All 8 samples of small-kdv failed; sample 0 of the split train blows up shortly after t = .+: .+; correct "
        r"the recipe \(times\.last, initial\.amplitude, equation\) and generate into another folder\."
    )
    for _ in range(2):  # also when there is nothing left to compute
        with pytest.raises(GenerationError, match=sentence):
            generate(recipe, tmp_path, progress=False)
    assert not (tmp_path / "manifest.json").exists()


def test_values_beyond_the_stored_numbers_are_a_failure_that_says_so(changed, tmp_path):
    entries = {"equation": "u_t = r*u", "parameters": {"r": {"choice": [0.0, 50.0]}}, "splits": {"train": 6}}
    recipe = changed(**entries, rtol=1e-6, shard=6)
    data = open_dataset(generate(recipe, tmp_path / "data", progress=False), "train")
    grew = drawn_parameters(recipe, "train", range(6))["r"].numpy() > 1
    assert 0 < grew.sum() < 6
    np.testing.assert_array_equal(data.status, np.where(grew, schema.FAILED, schema.COMPLETE))
    np.testing.assert_array_equal(np.isnan(data.u).all(("time", "x")), grew)
    np.testing.assert_array_equal(np.isfinite(data.u).all(("time", "x")), ~grew)
    for reason in json.loads(data.attrs["failures"]).values():
        assert re.fullmatch(r"leaves the range of float32, largest \|u\| = .*e\+4\d: store float64 \(dtype\)", reason)
    recipe = changed(**entries, rtol=1e-6, shard=6, dtype="float64")
    assert np.isfinite(open_dataset(generate(recipe, tmp_path / "double", progress=False), "train").u).all()


def test_values_that_are_not_finite_are_never_stored_as_complete(small_kdv, tmp_path):
    prepare(small_kdv, tmp_path, "cpu")
    layout = schema.layout(small_kdv)
    *variables, _, _ = layout.groups["train"].variables
    arrays = {one.name: np.ones((2, *one.shape[1:]), one.dtype) for one in variables}
    arrays["u"][1, 3, 4] = np.inf
    with pytest.raises(ValueError, match="The field u of shard 0 of train has values that are not finite in a sample"):
        write(layout, tmp_path, "train", 0, arrays)
    assert ("train", 0) in missing(small_kdv, tmp_path)
    write(layout, tmp_path, "train", 0, arrays, {1: "because"})
    assert ("train", 0) not in missing(small_kdv, tmp_path)


def test_a_sample_whose_parameters_make_no_problem_fails_alone(changed, tmp_path):
    recipe = changed(
        equation="u_t = a*(a-1)*u_xx", parameters={"a": {"uniform": [-1, 2]}}, splits={"train": 8}, shard=4
    )
    data = open_dataset(generate(recipe, tmp_path / "data", progress=False), "train")
    a = drawn_parameters(recipe, "train", range(8))["a"].numpy()
    doomed = (a > 0) & (a < 1)
    assert 0 < doomed.sum() < 8
    np.testing.assert_array_equal(data.status, np.where(doomed, schema.FAILED, schema.COMPLETE))
    for sample, reason in json.loads(data.attrs["failures"]).items():
        assert re.match(rf"cannot be solved with a = {a[int(sample)]:.6g}: .*ill-posed", reason)


@pytest.mark.parametrize("error", [OSError(5, "disk"), MemoryError(), KeyboardInterrupt(), RuntimeError("bug")])
def test_what_no_sample_is_the_cause_of_ends_the_run(changed, tmp_path, monkeypatch, error):
    def failing(*arguments):
        raise error

    monkeypatch.setattr(problem, "solve_samples", failing)
    with pytest.raises(type(error)):
        generate(changed(splits={"train": 2}), tmp_path, progress=False)
    assert {file.suffix for file in (tmp_path / "pieces").iterdir()} == {".begun"}


def test_a_reason_names_all_that_was_drawn_and_the_nominal_time(blowing_up, changed, tmp_path):
    recipe = changed(
        **{
            **blowing_up.model_dump(mode="json", exclude_none=True),
            "rtol": None,
            "grid": {"points": 32, "length": {"uniform": [30.0, 34.0]}},
            "times": {"first": 0.5, "last": 2.0, "count": 7, "stretch": {"uniform": [1.0, 1.5]}},
        }
    )
    data = open_dataset(generate(recipe, tmp_path, progress=False), "train")
    failures = json.loads(data.attrs["failures"])
    assert failures
    for reason in failures.values():
        numbers = re.match(
            r"blows up shortly after nominal t = [\d.]+ with nu = [\d.]+, length = ([\d.]+), time_stretch = ([\d.]+): ",
            reason,
        )
        assert 30 < float(numbers[1]) < 34
        assert 1 < float(numbers[2]) < 1.5


def test_the_attribute_keeps_some_reasons_and_says_how_many_more_there_are(
    blowing_up, with_failures, tmp_path, monkeypatch, capsys
):
    every = json.loads(open_dataset(with_failures, "train").attrs["failures"])
    monkeypatch.setattr("pdesym.datasets.store.MOST_REASONS", 1)
    folder = generate(blowing_up, tmp_path / "data", progress=False)
    attributes = open_dataset(folder, "train").attrs
    assert json.loads(attributes["failures"]) == dict(list(every.items())[:1])
    assert attributes["failures_left_out"] == len(every) - 1
    assert list(summarise(folder).splits[0].failures) == [int(sample) for sample in every]
    generate(blowing_up, folder)
    assert f"{len(every)} samples failed, the first is" in capsys.readouterr().err
    assert not verify(folder, samples=0, progress=False).findings
    file = folder / "data.zarr" / "train" / "zarr.json"
    metadata = json.loads(file.read_text())
    metadata["attributes"]["failures_left_out"] += 1
    file.write_text(json.dumps(metadata))
    said = [f for f in verify(folder, samples=0, progress=False).findings if f.startswith("data.zarr/train/status: ")]
    assert said == [
        f"data.zarr/train/status: {len(every)} samples failed, and by the attributes it is 1 with a reason and "
        f"{len(every)} more."
    ]
    save_dataset({"train": open_dataset(with_failures, "train")}, tmp_path / "copy", progress=False)
    copied = open_dataset(tmp_path / "copy", "train").attrs
    assert (len(json.loads(copied["failures"])), copied["failures_left_out"]) == (1, len(every) - 1)
    assert not verify(tmp_path / "copy", samples=0, progress=False).findings


def test_what_is_missing_is_known_from_one_look_at_a_folder(small_kdv, small_dataset, tmp_path, monkeypatch):
    folder = shutil.copytree(small_dataset, tmp_path / "data")
    monkeypatch.setattr("pdesym.datasets.store.zarr", None)  # no file is opened
    assert missing(small_kdv, folder) == []
    marks = folder / "data.zarr" / "train" / "status" / "c"
    (marks / "0").unlink()
    (marks / "2").write_bytes(b"")  # as a loss of power leaves it
    (marks / "0.12.partial").write_bytes(b"mark")
    assert missing(small_kdv, folder) == [("train", 0), ("train", 2)]
    assert [is_marked(folder, "train", shard) for shard in range(3)] == [False, True, False]


def test_the_data_of_a_shard_are_on_the_disk_before_its_mark(small_kdv, tmp_path, monkeypatch):
    flushed = []
    fsync = os.fsync

    def noted(descriptor):
        fsync(descriptor)
        flushed.append((os.readlink(f"/proc/self/fd/{descriptor}"), is_marked(tmp_path, "valid", 0)))

    prepare(small_kdv, tmp_path, "cpu")
    monkeypatch.setattr(os, "fsync", noted)
    run_block(small_kdv, tmp_path, "valid", 0)
    before = {path for path, marked in flushed if not marked}
    for name in ("u", "error", "checksum", "invariant_mass"):
        for part in ("c", "c/0", *(("c/0/0", "c/0/0/0") if name == "u" else ())):
            assert str(tmp_path / "data.zarr" / "valid" / name / part) in before
    assert str(tmp_path / "data.zarr" / "valid" / "status" / "c" / "0") in {path for path, marked in flushed if marked}


@pytest.mark.parametrize("lost", ["u/c/1/0/0", "error/c/0", "invariant_mass/c/2/0", "checksum/c/1", "status/c/0"])
def test_a_shard_with_a_lost_file_is_refused_and_solved_again(small_kdv, small_dataset, hashes, tmp_path, lost):
    folder = tmp_path / "copy"
    shutil.copytree(small_dataset, folder)
    (folder / "data.zarr" / "train" / lost).unlink()
    with pytest.raises(
        ValueError, match=r"is gone: repeat the command|is not complete, 2 of its 5 samples are missing"
    ):
        open_dataset(folder, "train")
    generate(small_kdv, folder, progress=False)
    assert hashes(folder) == hashes(small_dataset)


@pytest.mark.parametrize("lost", ["u/zarr.json", "zarr.json", "time/c/0", "sample/c/0"])
def test_lost_metadata_are_said(small_kdv, small_dataset, tmp_path, lost):
    folder = tmp_path / "copy"
    shutil.copytree(small_dataset, folder)
    (folder / "data.zarr" / "train" / lost).unlink()
    with pytest.raises(GenerationError, match=re.escape(f"{lost} is gone, which solving again does not bring back")):
        generate(small_kdv, folder, progress=False)
