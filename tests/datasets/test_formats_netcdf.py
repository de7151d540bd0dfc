"""netCDF holds everything: all variables, coordinates and attributes, and samples that failed."""

import json

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray

from pdesym.datasets import export_dataset, import_dataset, open_dataset, save_dataset
from pdesym.datasets.formats import exporting, netcdf
from tests.datasets.made_arrays import (
    assert_folders_identical,
    assert_identical,
    random_dataset,
    save_random,
    there_and_back,
)


@pytest.mark.parametrize(
    "about",
    [
        {"dims": 1},
        {"dims": 1, "dtype": "float64", "fields": ("u", "v"), "periodic": False, "units": {"time": "s", "u": "m/s"}},
        {"dims": 2, "dtype": "float64", "fields": ("u", "h", "v"), "vectors": {"velocity": ("u", "v")}},
        {"dims": 3, "fields": ("u", "v"), "parameters": {}},
    ],
)
def test_there_and_back_every_byte_is_the_same(tmp_path, about):
    dataset = save_random(tmp_path / "made", **about)
    out, back = there_and_back(dataset, tmp_path, "netcdf")
    assert sorted(path.name for path in out.iterdir()) == ["test.nc", "train.nc"]
    assert_folders_identical(dataset, back)
    assert open_dataset(back, "test").attrs["source"] == "netcdf: test.nc"


def test_plain_xarray_opens_what_the_solver_said(tmp_path, small_dataset):
    out, back = there_and_back(small_dataset, tmp_path, "netcdf")
    assert_folders_identical(small_dataset, back, ("train", "valid", "test"))
    for split in ("train", "valid", "test"):
        data = xarray.open_dataset(out / f"{split}.nc", engine="h5netcdf").load()  # warnings are errors here
        stored = open_dataset(small_dataset, split).load()
        xarray.testing.assert_equal(data, stored)
        assert {"error", "horizon", "checksum", "status", "sample"} <= set(data.variables)
        assert data.attrs.keys() == stored.attrs.keys()
        assert all(data.attrs[key] == stored.attrs[key] for key in stored.attrs)


def test_failed_samples_stay_with_their_status_and_their_values(tmp_path):
    made = random_dataset()
    made.u[[1, 4], 2:] = np.nan
    made["status"][[1, 4]] = 2
    made.attrs["failures"] = json.dumps({"1": "it blew up", "4": "it did too"})
    dataset = save_dataset({"train": made}, tmp_path / "made", shard=2, progress=False)
    _, back = there_and_back(dataset, tmp_path, "netcdf")
    assert_folders_identical(dataset, back, ("train",))
    data = open_dataset(back, "train")
    assert data.status.values.tolist() == [1, 2, 1, 1, 2]
    assert json.loads(data.attrs["failures"]) == {"1": "it blew up", "4": "it did too"}


def test_a_list_of_failures_may_be_long(tmp_path):
    made = random_dataset(samples=1500)
    made["status"][:1400] = 2
    made.attrs["failures"] = json.dumps({str(sample): f"reason {sample} " + "x" * 50 for sample in range(1400)})
    assert len(made.attrs["failures"]) > 2**16
    dataset = save_dataset({"train": made}, tmp_path / "made", shard=500, progress=False)
    out, back = there_and_back(dataset, tmp_path, "netcdf")
    assert_folders_identical(dataset, back, ("train",))
    exported = xarray.open_dataset(out / "train.nc", engine="h5netcdf").attrs
    assert len(exported["failures"]) > 2**16
    assert json.loads(exported["failures"]) == dict(list(json.loads(made.attrs["failures"]).items())[:1000])
    assert exported["failures_left_out"] == 400
    _, well = there_and_back(dataset, tmp_path / "other", "well")
    assert len(json.loads(open_dataset(well, "train").attrs["left_out"])) == 1400


def test_a_changed_number_is_found(tmp_path):
    dataset = save_random(tmp_path / "made", ("train",))
    out = export_dataset(dataset, tmp_path / "out", "netcdf", progress=False)
    with h5py.File(out / "train.nc", "r+") as file:
        file["nu"][2] += 1e-12
    with pytest.raises(ValueError, match="Sample 2 of noise of mine: train is not what was written"):
        import_dataset(out, tmp_path / "back", progress=False)


def test_a_damaged_dataset_is_not_exported(tmp_path):
    dataset = save_random(tmp_path / "made", ("train",))
    import zarr

    zarr.open_array(dataset / "data.zarr", path="train/u", mode="r+")[3, 0, 0] = 5.0
    for format in ("well", "pdebench", "netcdf"):
        with pytest.raises(ValueError, match="Sample 3 of noise of mine: train is not what was written"):
            export_dataset(dataset, tmp_path / "out", format, progress=False)
        assert not (tmp_path / "out").exists()


def test_an_export_that_is_cut_off_shows_no_files(tmp_path, monkeypatch):
    dataset = save_random(tmp_path / "made")
    write = netcdf.write

    def broken(source, out, slab, advance):
        if source.attributes["split"] == "test":
            raise KeyboardInterrupt
        write(source, out, slab, advance)

    monkeypatch.setattr(exporting.netcdf, "write", broken)
    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        export_dataset(dataset, tmp_path / "out", "netcdf", progress=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_some_splits_are_exported(tmp_path):
    out = export_dataset(save_random(tmp_path / "made"), tmp_path / "out", "netcdf", ["test"], progress=False)
    assert [path.name for path in out.iterdir()] == ["test.nc"]


def _foreign(path, times="time", **changes):
    rng = np.random.default_rng(0)
    dims = ("member", times, "lon", "lat")
    data = xarray.Dataset(
        {
            "u": (dims, rng.standard_normal((3, 4, 8, 6))),
            "v": (dims, rng.standard_normal((3, 4, 8, 6))),
            "nu": ("member", rng.random(3)),
            "count": ((), 3),
        },
        {times: np.arange(4.0), "lon": np.linspace(0, 2, 8), "lat": (np.arange(6) + 0.5) / 6},
    )
    data = data.assign(**changes)
    data.to_netcdf(path, engine="h5netcdf")
    return data


def test_a_file_of_others_comes_in_exactly(tmp_path):
    made = _foreign(tmp_path / "file.nc")
    made_back = import_dataset(tmp_path / "file.nc", tmp_path / "back", periodic=[False, True], progress=False)
    data = open_dataset(made_back, "train").load()
    assert data.u.dims == ("sample", "time", "x", "y")
    for name in ("u", "v", "nu"):
        np.testing.assert_array_equal(data[name], made[name], strict=True)
    np.testing.assert_array_equal(data.x, made.lon)
    np.testing.assert_array_equal(data.y, made.lat)
    assert [(data[axis].attrs["length"], data[axis].attrs["periodic"]) for axis in "xy"] == [(2.0, 0), (1.0, 1)]
    one = import_dataset(
        tmp_path / "file.nc", tmp_path / "one", fields=["v"], equation="v_t = nu*v_xx", name="heat", progress=False
    )
    assert json.loads(open_dataset(one, "train").attrs["fields"]) == ["v"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"u": (("member", "time", "lon"), np.zeros((3, 4, 8)))}, "/v in .* has the shape|have the dimensions"),
        ({"u": (("member", "time", "lon", "lat"), np.zeros((3, 4, 8, 6), "float32"))}, "variables u and v"),
        ({"lat": np.arange(6.0) ** 2}, "points of y of .* are not equidistant"),
        ({"time": np.array([0.0, 1, 1, 2])}, "times of .* do not grow"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, changes, sentence):
    _foreign(tmp_path / "file.nc", **changes)
    with pytest.raises(ValueError, match=sentence):
        import_dataset(tmp_path / "file.nc", tmp_path / "back", progress=False)
    assert not (tmp_path / "back").exists()


def test_a_dimension_without_values_is_no_coordinate(tmp_path):
    with h5netcdf.File(tmp_path / "file.nc", "w") as file:
        file.dimensions = {"sample": 3, "time": 4, "x": 8}
        file.create_variable("u", ("sample", "time", "x"), float)[...] = 1.0
    with pytest.raises(ValueError, match=r"/time in .* has no values, at most it names a dimension"):
        import_dataset(tmp_path / "file.nc", tmp_path / "back", progress=False)


@pytest.mark.parametrize(
    ("attribute", "value", "sentence"),
    [
        ("pdesym_schema", 1, "has the layout 1 and this version reads 2"),
        ("fields", "[", "attribute fields is missing or holds something else"),
        ("fields", "[]", "names no field"),
        ("fields", '["../u"]', "field '../u' is missing"),
        ("parameters", '{"a": "b"}', "attribute parameters"),
        ("equation_text", "[1]", "attribute equation_text"),
        ("name", 3.0, "attribute name is missing or no text"),
        ("failures", "[3]", "attribute failures"),
    ],
)
def test_our_file_with_other_attributes_is_refused(tmp_path, attribute, value, sentence):
    out = export_dataset(save_random(tmp_path / "made", ("train",)), tmp_path / "out", "netcdf", progress=False)
    with h5py.File(out / "train.nc", "r+") as file:
        file.attrs[attribute] = value
    with pytest.raises(ValueError, match=sentence):
        import_dataset(out, tmp_path / "back", progress=False)
    assert not (tmp_path / "back").exists()


def test_a_single_file_keeps_the_split_that_it_says(tmp_path):
    dataset = save_random(tmp_path / "made")
    out = export_dataset(dataset, tmp_path / "out", "netcdf", progress=False)
    (out / "test.nc").rename(tmp_path / "renamed.nc")
    back = import_dataset(tmp_path / "renamed.nc", tmp_path / "back", progress=False)
    assert_identical(open_dataset(dataset, "test").load(), open_dataset(back, "test").load())
