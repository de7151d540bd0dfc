"""Arrays of one's own become a dataset like any other, or a sentence says which of them does not fit."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import dask.array
import numpy as np
import pytest
import torch
import xarray
import yaml

from pdesym.datasets import GenerationError, dataset_from_arrays, open_dataset, save_dataset
from pdesym.datasets.formats import saving
from pdesym.datasets.stored import equation_of_data, grid_of_data
from pdesym.solvers import Grid
from tests.datasets.made_arrays import assert_identical, random_dataset, save_random

TIMES = np.linspace(0, 1, 4)
U = np.random.default_rng(0).standard_normal((3, 4, 8))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("dims", "fields"), [(1, ("u",)), (1, ("u", "v")), (2, ("u", "v", "w")), (3, ("u",))])
def test_what_is_saved_is_what_is_opened(tmp_path, dims, fields, dtype):
    data = {
        "train": random_dataset(dims, fields, dtype),
        "test": random_dataset(dims, fields, dtype, samples=2, seed=1),
    }
    folder = save_dataset(data, tmp_path / "saved", shard=2, progress=False)
    for split, made in data.items():
        opened = open_dataset(folder, split).load()
        assert dict(opened.sizes) == dict(made.sizes)
        for name in made.variables:
            assert opened[name].values.tobytes() == made[name].values.tobytes()
            assert opened[name].dtype == made[name].dtype
        assert json.loads(opened.attrs["fields"]) == list(fields)
        assert opened.attrs["title"] == f"noise of mine: {split}"
        assert (opened.attrs["split"], opened.attrs["complete"], opened.attrs["shard"]) == (split, 1, 2)
        assert (opened.status == 1).all()
        assert opened.checksum.dtype == np.uint64
    assert (folder / "manifest.json").is_file()
    assert not (folder / "recipe.yaml").exists()
    said = yaml.safe_load((folder / "source.yaml").read_text())
    assert (said["source"], said["splits"], said["shard"]) == ("arrays", {"train": 5, "test": 2}, 2)
    assert said["axes"]["x"] == {"points": 8, "length": 1.3, "periodic": 1, "first": 0.0}


def test_plain_xarray_opens_it(tmp_path):
    folder = save_random(tmp_path / "saved")
    data = xarray.open_zarr(folder / "data.zarr", group="train")  # warnings are errors here
    assert list(data.coords) == ["sample", "time", "x"]
    assert all("units" in variable.attrs for variable in data.variables.values())


def test_the_bytes_do_not_depend_on_how_the_arrays_come(tmp_path, hashes):
    arrays = {
        "numpy": U,
        "torch": torch.from_numpy(U),
        "dask": dask.array.from_array(U, chunks=(1, 4, 8)),
        "big-endian": U.astype(">f8"),
        "strided": np.repeat(U, 2, axis=2)[:, :, ::2],
    }
    saved = [
        hashes(
            save_dataset({"train": dataset_from_arrays({"u": u}, TIMES, length=2.0)}, tmp_path / name, progress=False)
        )
        for name, u in arrays.items()
    ]
    assert all(other == saved[0] for other in saved[1:])


def test_an_array_on_the_disk_is_read_shard_by_shard(tmp_path, monkeypatch):
    np.save(tmp_path / "u.npy", np.random.default_rng(0).standard_normal((50, 4, 64)))
    data = dataset_from_arrays({"u": np.load(tmp_path / "u.npy", mmap_mode="r")}, TIMES, length=1.0)
    sizes, write = [], saving.store.write

    def watched(layout, folder, split, shard, arrays, failures):
        sizes.append(len(arrays["u"]))
        write(layout, folder, split, shard, arrays, failures)

    monkeypatch.setattr(saving.store, "write", watched)
    folder = save_dataset({"train": data}, tmp_path / "saved", shard=16, progress=False)
    assert sizes == [16, 16, 16, 2]
    np.testing.assert_array_equal(open_dataset(folder, "train").u, np.load(tmp_path / "u.npy"))


def test_a_dataset_that_was_opened_is_saved_again(tmp_path):
    folder = save_random(tmp_path / "saved")
    again = save_dataset({s: open_dataset(folder, s) for s in ("train", "test")}, tmp_path / "again", 2, progress=False)
    for split in ("train", "test"):
        assert_identical(open_dataset(folder, split).load(), open_dataset(again, split).load(), but_for=())


def test_some_samples_of_a_generated_dataset_are_saved_as_another_split(tmp_path, small_dataset):
    data = open_dataset(small_dataset, "train").isel(sample=[0, 3])
    folder = save_dataset({"valid": data}, tmp_path / "some", progress=False)
    opened = open_dataset(folder, "valid").load()
    np.testing.assert_array_equal(opened.u, data.u)
    np.testing.assert_array_equal(opened.sample, [0, 3])
    np.testing.assert_array_equal(opened.checksum, data.checksum)
    assert opened.attrs["title"] == "small-kdv: valid"


def test_coordinates_are_kept_exactly_and_say_how_long_the_axis_is():
    x = (np.arange(8, dtype="float32") + np.float32(0.5)) / np.float32(8) - 1
    data = dataset_from_arrays({"u": U}, TIMES, {"x": x})
    np.testing.assert_array_equal(data.x, x.astype(float))
    assert (data.x.attrs["length"], data.x.attrs["periodic"], data.x.attrs["origin"]) == (1.0, 1, -0.9375)
    assert grid_of_data(data) == Grid(8, length=1.0)
    wall = dataset_from_arrays({"u": U}, TIMES, {"x": np.linspace(0, 2, 8)}, periodic=False)
    assert (wall.x.attrs["length"], wall.x.attrs["periodic"]) == (2.0, 0)


@pytest.mark.parametrize("length", [1.3, 2 * np.pi, 1e-3, 128.0, 0.1 + 0.2])
def test_the_points_of_a_length_are_those_of_a_grid(length):
    data = dataset_from_arrays({"u": U}, TIMES, length=length)
    np.testing.assert_array_equal(data.x, Grid(8, length=length).coordinates()[0])
    again = dataset_from_arrays({"u": U}, TIMES, {"x": data.x.values})
    assert again.x.attrs["length"] == pytest.approx(length, rel=1e-15)
    gridded = dataset_from_arrays({"u": U}, TIMES, grid=Grid(8, length=length))
    assert_identical(data, gridded, but_for=())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", [1.0, 0.125, 32 / 31, 2 * np.pi, 16.0, 1e-3])
def test_a_length_that_only_the_points_show_is_as_exact_as_they_are(length, dtype):
    data = dataset_from_arrays({"u": U}, TIMES, {"x": (np.arange(8) * (length / 8)).astype(dtype)})
    digits = {"float32": 1e-7, "float64": 1e-15}[dtype]
    assert data.x.attrs["length"] == pytest.approx(length, rel=digits)
    if length in (1.0, 0.125, 16.0, 1e-3):
        assert data.x.attrs["length"] == length


def test_an_equation_is_declared_by_text_or_by_name():
    data = dataset_from_arrays(
        {"v": U, "u": 2 * U}, TIMES, length=1.0, equation=["u_t = a*v_x", "v_t = u_x"], parameters={"a": [1.0, 2, 3]}
    )
    assert json.loads(data.attrs["fields"]) == ["u", "v"]
    assert list(data.data_vars)[:2] == ["u", "v"]
    np.testing.assert_array_equal(data.v, U)
    equation = equation_of_data(data)
    assert equation.statement == "u_t = a*v_x; v_t = u_x"
    np.testing.assert_array_equal(equation.parameters["a"], [1.0, 2, 3])
    named = dataset_from_arrays({"u": U}, TIMES, length=1.0, equation="burgers", parameters={"nu": 0.1})
    assert equation_of_data(named).statement.startswith("u_t = ")
    assert equation_of_data(dataset_from_arrays({"u": U}, TIMES, length=1.0)) is None


def test_units_and_names_stand_beside_the_numbers(tmp_path):
    data = dataset_from_arrays(
        {"u": U},
        TIMES,
        length=1.0,
        parameters={"nu": np.ones(3)},
        units={"u": "m/s", "time": "s", "x": "m", "nu": "m2/s"},
        long_names={"u": "velocity"},
    )
    opened = open_dataset(save_dataset({"test": data}, tmp_path / "units", progress=False), "test")
    assert [opened[name].attrs["units"] for name in ("u", "time", "x", "nu")] == ["m/s", "s", "m", "m2/s"]
    assert opened.u.attrs["long_name"] == "velocity"
    assert opened.time.dtype == np.float64  # seconds do not become dates


def test_samples_that_are_not_finite_are_refused_or_marked(tmp_path):
    u = U.copy()
    u[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="field u has values that are not finite in sample 1"):
        dataset_from_arrays({"u": u}, TIMES, length=1.0)
    data = dataset_from_arrays({"u": u}, TIMES, length=1.0, allow_nan=True)
    opened = open_dataset(save_dataset({"train": data}, tmp_path / "nan", progress=False), "train")
    assert opened.status.values.tolist() == [1, 2, 1]
    assert json.loads(opened.attrs["failures"]) == {"1": "u is not finite"}


def _bad(**changes):
    return {"fields": {"u": U}, "times": TIMES, "length": 1.0, **changes}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (_bad(fields={}), "at least one field"),
        (_bad(fields={"u": U.astype(int)}), "field u holds int64"),
        (_bad(fields={"u": U.astype("float16")}), "field u holds float16"),
        (_bad(fields={"u": U + 0j}), "field u holds complex128"),
        (_bad(fields={"u": np.array([["a"]], dtype=object)}), "field u holds object"),
        (_bad(fields={"u": [[1.0], [2.0, 3.0]]}), "field u cannot be read as an array"),
        (_bad(fields={"u": U[0]}), "field u has the shape"),
        (_bad(fields={"u": U[:0]}), "field u has the shape"),
        (_bad(fields={"u": U, "v": U[:2]}), "field v has the shape"),
        (_bad(fields={"u": U, "v": U.astype("float32")}), "field v has the shape"),
        (_bad(fields={"../u": U}), r"name '\.\./u'"),
        (_bad(fields={"status": U}), "name 'status'"),
        (_bad(fields={"x": U}), "name 'x'"),
        (_bad(parameters={"u": 1.0}), "name 'u'"),
        (_bad(times=TIMES[:3]), "3 times and 4 frames"),
        (_bad(times=TIMES[::-1]), "do not grow"),
        (_bad(times=[0.0, 0.1, np.nan, 1.0]), "do not grow"),
        (_bad(times=["a", "b", "c", "d"]), "expected numbers"),
        (_bad(length=None), "where the points along x lie"),
        (_bad(length=-1.0), "positive length along x"),
        (_bad(length=[1.0, 2.0]), "Expected 1 values of length"),
        (_bad(periodic={"y": True}), "no axis y for periodic"),
        (_bad(length=None, coordinates={"x": np.arange(7.0)}), r"coordinate x has the shape \(7,\)"),
        (_bad(length=None, coordinates={"y": np.arange(8.0)}), "Expected coordinates x, got y"),
        (_bad(length=None, coordinates={"x": np.arange(8.0) ** 2}), "not equidistant"),
        (_bad(length=None, coordinates={"x": -np.arange(8.0)}), "does not grow"),
        (_bad(length=7.0, coordinates={"x": np.arange(8.0)}), "a periodic axis of length 8, and 7 is declared"),
        (_bad(grid=Grid(8, length=1.0)), "not both"),
        (_bad(length=None, grid=Grid(16, length=1.0)), r"grid has \(16,\) points"),
        (_bad(equation="nosuch"), "No equation is named nosuch"),
        (_bad(equation="u_t = -u*u_x +"), "u_t"),
        (_bad(equation="w_t = w_x"), "fields are u: name them alike"),
        (_bad(equation="u_t = u_yy"), "needs 2 dimensions"),
        (_bad(equation="u_t = a*u_x"), "a"),
        (_bad(equation="kdv", parameters={"zeta": 1.0}), "does not take the parameters zeta"),
        (_bad(where="lap(psi) = u"), "without an equation"),
        (_bad(equation="kdv", where="lap(psi) = u"), "has its own relations"),
        (_bad(parameters={"a": np.ones(2)}), r"parameter a has the shape \(2,\)"),
        (_bad(parameters={"a": np.nan}), "parameter a"),
        (_bad(parameters={"a": "b"}), "parameter a"),
        (_bad(units={"w": "m"}), "nothing named w for units"),
        (_bad(vectors={"velocity": ("u", "w")}), "vector velocity has the components u, w"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        dataset_from_arrays(**arguments)
    assert len(str(error.value).splitlines()) <= 3


def test_an_occupied_folder_stays_as_it_is(tmp_path, hashes):
    folder = save_random(tmp_path / "saved")
    before = hashes(folder)
    with pytest.raises(ValueError, match="is not empty: expected a new or empty folder"):
        save_dataset({"train": random_dataset()}, folder, progress=False)
    assert hashes(folder) == before
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is not empty"):
        save_dataset({"train": random_dataset()}, tmp_path / "file", progress=False)


def test_splits_that_do_not_fit_together_are_refused(tmp_path):
    for other, sentence in (
        (random_dataset(fields=("v",)), "have the fields"),
        (random_dataset(dims=2), "have the points"),
    ):
        with pytest.raises(ValueError, match=sentence):
            save_dataset({"train": random_dataset(), "test": other}, tmp_path / "no", progress=False)
    with pytest.raises(ValueError, match="no split dev"):
        save_dataset({"dev": random_dataset()}, tmp_path / "no", progress=False)
    with pytest.raises(ValueError, match="no attribute fields"):
        save_dataset({"train": xarray.Dataset({"u": (("sample", "time", "x"), U)})}, tmp_path / "no", progress=False)
    with pytest.raises(ValueError, match="attribute odd"):
        save_dataset({"train": random_dataset().assign_attrs(odd={"a": 1})}, tmp_path / "no", progress=False)
    with pytest.raises(ValueError, match="at least 1 sample in a shard"):
        save_dataset({"train": random_dataset()}, tmp_path / "no", shard=0, progress=False)
    assert not (tmp_path / "no").exists()


def test_a_save_that_fails_leaves_nothing_behind(tmp_path):
    data = random_dataset()
    data.u[4, 0, 0] = np.inf  # after it was looked at, and in the last shard
    with pytest.raises(ValueError, match="field u of train from arrays has values that are not finite in sample 4"):
        save_dataset({"train": data}, tmp_path / "new", shard=2, progress=False)
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="not finite"):
        save_dataset({"train": data}, tmp_path / "empty", shard=2, progress=False)
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_disk_without_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(saving.shutil, "disk_usage", lambda path: os.statvfs_result and type("U", (), {"free": 100}))
    with pytest.raises(GenerationError, match=r"needs up to .* and 100 B are free"):
        save_dataset({"train": random_dataset()}, tmp_path / "new", progress=False)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_save_that_is_killed_does_not_look_complete(tmp_path):
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pdesym.datasets import store
        from tests.datasets.made_arrays import save_random
        from pathlib import Path
        written, after = store.write, int(sys.argv[2])

        def write(layout, folder, split, shard, arrays, failures):
            if (split, shard) == ("train", after):
                os.kill(os.getpid(), signal.SIGKILL)
            written(layout, folder, split, shard, arrays, failures)

        store.write = write
        save_random(Path(sys.argv[1]))
        """
    )
    for after in (0, 2):
        folder = tmp_path / str(after)
        done = subprocess.run([sys.executable, "-c", script, str(folder), str(after)], check=False, cwd=os.getcwd())
        assert done.returncode == -signal.SIGKILL
        with pytest.raises(ValueError, match="not complete"):
            open_dataset(folder, "train")
        with pytest.raises(ValueError, match="is not empty"):
            save_random(folder)


def test_a_repeated_end_of_a_periodic_axis_is_refused():
    x, times = np.linspace(0, 2 * np.pi, 33), np.linspace(0, 1, 4)
    u = np.sin(x - times[:, None])[None] * np.ones((2, 1, 1))
    with pytest.raises(ValueError, match=r"The last point along x repeats the first in all fields: .* leave that"):
        dataset_from_arrays({"u": u}, times, {"x": x})
    assert dataset_from_arrays({"u": u[..., :-1]}, times, {"x": x[:-1]}).sizes["x"] == 32
    assert dataset_from_arrays({"u": u}, times, {"x": x}, periodic=False).sizes["x"] == 33
