"""Opening: what is there opens by its own attributes; what is wrong is said in a sentence that names it."""

import json
import re
import shutil

import numpy as np
import pytest
import torch

from pdesym.datasets import open_dataset
from pdesym.datasets.stored import (
    drawn_parameters,
    equation_of_data,
    fields_of_data,
    grid_of_data,
    lengths_of_data,
    stretch_of_data,
)
from pdesym.solvers import Grid, kdv
from tests.datasets.made_dataset import numbered, written

TIMES = np.linspace(0, 1, 6)


@pytest.fixture
def made(tmp_path):
    """Two splits of two fields on a line, without a recipe."""
    return written(
        tmp_path / "made",
        {split: {"u": numbered(5, 6, 8), "v": numbered(5, 6, 8, seed=1)} for split in ("train", "test")},
        times=TIMES,
    )


def damaged(folder, change, path="data.zarr/train/zarr.json"):
    """The folder, with the JSON of one file changed."""
    file = folder / path
    metadata = json.loads(file.read_text())
    change(metadata)
    file.write_text(json.dumps(metadata))
    return folder


def test_a_dataset_without_a_recipe_opens_by_its_attributes(made):
    data = open_dataset(made, "train")
    assert not (made / "recipe.yaml").exists()
    assert fields_of_data(data) == ("u", "v")
    assert grid_of_data(data) == Grid(8, length=8.0)
    assert equation_of_data(data) is None
    assert (lengths_of_data(data), stretch_of_data(data)) == (None, None)
    np.testing.assert_array_equal(data.v.values, numbered(5, 6, 8, seed=1))


def test_a_generated_dataset_knows_its_equation(small_dataset):
    data = open_dataset(small_dataset, "train")
    equation = equation_of_data(data)
    assert equation is not None
    assert (equation.text, equation.parameters) == (kdv().text, kdv().parameters)
    assert grid_of_data(data) == Grid(32, length=32.0)


def test_drawn_parameters_are_those_of_the_text(tmp_path):
    nu, other = np.array([0.1, 0.2, 0.3]), np.array([7.0, 8.0, 9.0])
    folder = written(
        tmp_path,
        {"train": {"u": numbered(3, 6, 8)}},
        times=TIMES,
        own={"train": {"nu": nu, "error": other}},
        equation="u_t = -c*u*u_x + nu*u_xx",
        equation_text='["u_t = -c*u*u_x + nu*u_xx"]',
        parameters='{"c": 2.0}',
    )
    data = open_dataset(folder, "train")
    assert drawn_parameters(data) == ("nu",)
    equation = equation_of_data(data)
    assert equation is not None
    assert equation.parameters["c"] == 2.0
    assert torch.equal(equation.parameters["nu"], torch.tensor(nu))


def test_boxes_and_times_of_samples(tmp_path):
    own = {"length_x": np.array([1.0, 2.0, 3.0]), "time_stretch": np.array([1.0, 0.5, 2.0])}
    folder = written(
        tmp_path, {"train": {"u": numbered(3, 6, 8, 4)}}, times=TIMES, lengths=(8.0, 4.0), own={"train": own}
    )
    data = open_dataset(folder, "train")
    assert torch.equal(lengths_of_data(data), torch.tensor([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]], dtype=torch.float64))
    assert torch.equal(stretch_of_data(data), torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64))


def test_an_axis_that_is_not_periodic_makes_no_grid(tmp_path):
    folder = written(tmp_path, {"train": {"u": numbered(3, 6, 8)}}, times=TIMES, periodic=0)
    data = open_dataset(folder, "train")
    with pytest.raises(ValueError, match="The axis x of made: train is not periodic, and a Grid is a torus"):
        grid_of_data(data)


def test_points_that_are_not_equidistant_make_no_grid(made):
    data = open_dataset(made, "train").load()
    x = data.x.values.copy()
    x[3] += 0.1
    with pytest.raises(ValueError, match="along x of made: train are not L/N = 1 apart"):
        grid_of_data(data.assign_coords(x=("x", x, data.x.attrs)))
    shifted = data.assign_coords(x=("x", data.x.values + 0.5, data.x.attrs))  # cell centres
    assert grid_of_data(shifted) == Grid(8, length=8.0)


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        ("tests", "has no split tests (did you mean test?): it has train, test."),
        ("valid", "has no split valid: it has train, test."),
        ("../train", "has no split ../train"),
    ],
)
def test_a_split_that_is_not_there(made, split, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        open_dataset(made, split)


def test_a_folder_without_a_dataset(tmp_path, small_dataset):
    with pytest.raises(FileNotFoundError, match="holds no dataset: expected a folder that `generate` or an import"):
        open_dataset(tmp_path, "train")
    shutil.copy(small_dataset / "recipe.yaml", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"holds the beginning of a dataset, and no data\.zarr yet"):
        open_dataset(tmp_path, "train")


def test_what_is_unfinished_is_refused_and_opens_as_far_as_it_is(tmp_path):
    u = numbered(5, 6, 8)
    folder = written(
        tmp_path,
        {"train": {"u": u}},
        times=TIMES,
        unfinished=("train",),
        failed={"train": {4: "it blew up"}},
    )
    with pytest.raises(ValueError, match=r"not complete, 2 of its 5 samples are missing.*unfinished=True"):
        open_dataset(folder, "train")
    data = open_dataset(folder, "train", unfinished=True)
    assert data.sample.values.tolist() == [2, 3]
    np.testing.assert_array_equal(data.u.values, u[2:4])


def test_failed_samples_are_there_as_nan(tmp_path):
    folder = written(tmp_path, {"train": {"u": numbered(5, 6, 8)}}, times=TIMES, failed={"train": {1: "it blew up"}})
    data = open_dataset(folder, "train")
    assert np.isnan(data.u.values[1]).all()
    assert np.isfinite(data.u.values[[0, 2, 3, 4]]).all()
    assert json.loads(data.attrs["failures"]) == {"1": "it blew up"}


@pytest.mark.parametrize(
    ("path", "change", "sentence"),
    [
        ("", lambda m: m["attributes"].update(pdesym_schema=1, pdesym_version="0.6.0"), "layout 1 and this version"),
        ("", lambda m: m.pop("attributes"), "train/zarr.json is damaged: the key attributes is missing"),
        ("", lambda m: m["attributes"].pop("fields"), "train/zarr.json is damaged: the key fields is missing"),
        ("", lambda m: m["attributes"].update(fields="[1"), "the key fields is '[1', expected JSON"),
        ("", lambda m: m["attributes"].update(fields="[]"), "train/zarr.json is damaged: the key fields "),
        ("", lambda m: m["attributes"].update(fields='["w"]'), "train/w/zarr.json cannot be read (no such file"),
        ("", lambda m: m["attributes"].update(parameters="[]"), "the key parameters is [], expected numbers by name"),
        ("", lambda m: m["attributes"].update(shard=0), "the key shard is 0"),
        ("u/", lambda m: m.pop("shape"), "train/u/zarr.json is damaged: the key shape is missing"),
        ("u/", lambda m: m.update(shape=[5, 6, 9]), "train/v/zarr.json is damaged: the key shape says 8 along x"),
        ("u/", lambda m: m.update(shape=[5, -6, 8]), "the key shape is [5, -6, 8], expected numbers above 0"),
        ("u/", lambda m: m.update(dimension_names=["x", "time", "sample"]), "the key dimension_names is"),
        ("u/", lambda m: m.update(codecs="none"), "train/u/zarr.json is damaged: the key codecs is 'none'"),
        ("u/", lambda m: m.update(codecs=[{"name": "unheard-of"}]), "is damaged and cannot be read"),
        ("time/", lambda m: m.update(shape=[7]), "train/time/zarr.json is damaged"),
        ("status/", lambda m: m.update(shape=[3]), "train/status/zarr.json is damaged"),
    ],
)
def test_damaged_metadata_are_named(made, path, change, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        open_dataset(damaged(made, change, f"data.zarr/train/{path}zarr.json"), "train")
    assert "\n" not in str(refused.value)
    assert open_dataset(made, "test").sizes["sample"] == 5  # the other split is as it was


def test_metadata_that_are_no_json(made):
    (made / "data.zarr/train/u/zarr.json").write_text("{")
    with pytest.raises(ValueError, match=r"train/u/zarr\.json is damaged: it is not JSON"):
        open_dataset(made, "train")


def test_a_coordinate_that_is_lost_or_changed(made):
    shutil.rmtree(made / "data.zarr/train/x/c")
    with pytest.raises(ValueError, match="train/x is damaged: the coordinate x does not grow"):
        open_dataset(made, "train")
    (chunk,) = [path for path in (made / "data.zarr/test/time/c").rglob("*") if path.is_file()]
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(ValueError, match=r"The split test in .* is damaged and cannot be read"):
        open_dataset(made, "test")
