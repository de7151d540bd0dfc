"""Files of the Well: ours come back byte for byte and its own reader opens them; those of others come in exactly."""

import json

import h5py
import numpy as np
import pytest
import yaml

from pdesym.datasets import export_dataset, generate, import_dataset, open_dataset, save_dataset
from tests.datasets.made_arrays import (
    POINTS,
    assert_folders_identical,
    foreign_well,
    random_dataset,
    save_random,
    there_and_back,
)

VELOCITY = {"fields": ("u", "h", "v"), "vectors": {"velocity": ("u", "v")}}

KINDS = [
    {"dims": 1},
    {"dims": 1, "dtype": "float64", "fields": ("u", "v"), "vectors": {"speed": ("v",)}},
    {"dims": 2},
    {"dims": 2, "dtype": "float64", **VELOCITY},
    {"dims": 2, "dtype": "float32", **VELOCITY, "periodic": [True, False]},
    {"dims": 3, "fields": ("a", "b", "c"), "vectors": {"w": ("c", "a", "b")}, "parameters": {}},
]


@pytest.mark.parametrize("about", KINDS)
def test_there_and_back_every_byte_is_the_same(tmp_path, about):
    dataset = save_random(tmp_path / "made", **about)
    out, back = there_and_back(dataset, tmp_path, "well")
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        "data/test/noise_of_mine_test.hdf5",
        "data/train/noise_of_mine_train.hdf5",
        "stats.yaml",
    ]
    assert_folders_identical(dataset, back)
    assert open_dataset(back, "train").attrs["source"] == "well: noise_of_mine_train.hdf5"


def test_generated_data_come_back_with_all_that_the_solver_said(tmp_path, small_dataset):
    _, back = there_and_back(small_dataset, tmp_path, "well")
    assert_folders_identical(small_dataset, back, ("train", "valid", "test"))
    data = open_dataset(back, "train")
    assert {"error", "horizon", "steps", "points_used", "checksum", "recipe"} <= {*data.data_vars, *data.attrs}


def test_drawn_boxes_and_clocks_are_coordinates_of_each_sample(tmp_path, changed):
    recipe = changed(
        grid={"points": 16, "length": {"uniform": [16.0, 20.0]}},
        times={"last": 1.0, "count": 4, "stretch": {"uniform": [0.5, 2.0]}},
        splits={"train": 3},
    )
    dataset = generate(recipe, tmp_path / "made", progress=False)
    out, back = there_and_back(dataset, tmp_path, "well")
    assert_folders_identical(dataset, back, ("train",))
    data = open_dataset(dataset, "train")
    with h5py.File(out / "data/train/small-kdv_train.hdf5") as file:
        assert file["dimensions/time"].attrs["sample_varying"]
        np.testing.assert_allclose(file["dimensions/time"][:], data.time_stretch.values[:, None] * data.time.values)
        spacing = np.diff(file["dimensions/x"][:], axis=1)
        np.testing.assert_allclose(spacing, np.broadcast_to(data.length.values[:, None] / 16, spacing.shape))


def test_the_file_is_what_the_format_says(tmp_path):
    dataset = save_random(tmp_path / "made", ("train",), dims=2, **VELOCITY, periodic={"x": True, "y": False})
    out = export_dataset(dataset, tmp_path / "out", progress=False)
    data = open_dataset(dataset, "train").load()
    with h5py.File(out / "data/train/noise_of_mine_train.hdf5") as file:
        assert (file.attrs["n_trajectories"], file.attrs["n_spatial_dims"]) == (5, 2)
        assert file.attrs["dataset_name"] == "noise_of_mine"
        assert (list(file.attrs["simulation_parameters"]), file.attrs["a"]) == (["a"], 0.3)
        assert list(file["dimensions"].attrs["spatial_dims"]) == ["x", "y"]
        assert list(file["t0_fields"].attrs["field_names"]) == ["h"]
        assert list(file["t1_fields"].attrs["field_names"]) == ["velocity"]
        assert list(file["t2_fields"].attrs["field_names"]) == []
        np.testing.assert_array_equal(file["t0_fields/h"], data.h)
        np.testing.assert_array_equal(file["t1_fields/velocity"], np.stack([data.u, data.v], axis=-1))
        assert file["t1_fields/velocity"].attrs["dim_varying"].tolist() == [True, True]
        assert list(file["scalars"].attrs["field_names"]) == ["a", "nu"]
        assert (file["scalars/a"][()], file["scalars/a"].attrs["sample_varying"]) == (0.3, False)
        np.testing.assert_array_equal(file["scalars/nu"], data.nu)
        kinds = {name: group.attrs["bc_type"] for name, group in file["boundary_conditions"].items()}
        assert kinds == {"x_periodic": "PERIODIC", "y_open": "OPEN"}
        assert file["boundary_conditions/x_periodic/mask"][:].tolist() == [True, *[False] * 6, True]


def test_the_statistics_are_those_of_the_training_samples(tmp_path):
    dataset = save_random(tmp_path / "made", dims=2, dtype="float64", **VELOCITY)
    stats = yaml.safe_load((export_dataset(dataset, tmp_path / "out", progress=False) / "stats.yaml").read_text())
    data = open_dataset(dataset, "train").load()
    h, velocity = data.h.values, np.stack([data.u.values, data.v.values], axis=-1)
    every = (0, 1, 2, 3)
    for suffix, one, two in (("", h, velocity), ("_delta", np.diff(h, axis=1), np.diff(velocity, axis=1))):
        assert stats["mean" + suffix]["h"] == pytest.approx(one.mean(), abs=1e-14)
        assert stats["std" + suffix]["h"] == pytest.approx(one.std(), rel=1e-12)
        assert stats["rms" + suffix]["h"] == pytest.approx((one**2).mean() ** 0.5, rel=1e-12)
        assert stats["mean" + suffix]["velocity"] == pytest.approx(two.mean(every), abs=1e-14)
        assert stats["std" + suffix]["velocity"] == pytest.approx(two.std(every), rel=1e-12)


def test_the_statistics_stand_a_large_mean(tmp_path):
    noise = np.random.default_rng(0).standard_normal((6, 5, 8))
    data = random_dataset(samples=6, dtype="float64")
    data.u[:] = 1e8 + np.resize(noise, data.u.shape)
    dataset = save_dataset({"test": data}, tmp_path / "made", shard=1, progress=False)
    stats = yaml.safe_load((export_dataset(dataset, tmp_path / "out", progress=False) / "stats.yaml").read_text())
    assert stats["std"]["u"] == pytest.approx(data.u.values.std(), rel=1e-6)


def test_failed_samples_are_left_out_and_named(tmp_path):
    made = random_dataset()
    made.u[[1, 4], 2] = np.nan
    made["status"][[1, 4]] = 2
    made.attrs["failures"] = json.dumps({"1": "it blew up", "4": "it did too"})
    dataset = save_dataset({"train": made}, tmp_path / "made", shard=2, progress=False)
    out, back = there_and_back(dataset, tmp_path, "well")
    with h5py.File(out / "data/train/noise_of_mine_train.hdf5") as file:
        assert file["t0_fields/u"].shape == (3, 7, 8)
        assert file.attrs["n_trajectories"] == 3
    data = open_dataset(back, "train").load()
    whole = open_dataset(dataset, "train").load()
    assert json.loads(data.attrs["left_out"]) == {"1": "it blew up", "4": "it did too"}
    np.testing.assert_array_equal(data.sample, [0, 2, 3])
    for name in ("u", "nu", "checksum", "status"):
        np.testing.assert_array_equal(data[name], whole[name][[0, 2, 3]])
    made["status"][:] = 2
    nothing = save_dataset({"train": made}, tmp_path / "nothing", progress=False)
    with pytest.raises(ValueError, match="No sample of the split train is complete"):
        export_dataset(nothing, tmp_path / "no", progress=False)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_a_file_of_others_comes_in_exactly(tmp_path, dims):
    arrays = foreign_well(tmp_path / "in/data/train/file.hdf5", dims, boundaries={"y": "WALL"})
    back = import_dataset(tmp_path / "in", tmp_path / "back", progress=False)
    data = open_dataset(back, "train").load()
    letters = "xyz"[:dims]
    pairs = [f"{a}{b}" for a in letters for b in letters]
    names = ["density", "speed", *(f"velocity_{a}" for a in letters), *(f"stress_{ab}" for ab in pairs)]
    assert json.loads(data.attrs["fields"]) == names
    np.testing.assert_array_equal(data.density, arrays["density"])
    np.testing.assert_array_equal(data.speed, np.broadcast_to(arrays["speed"][:, None], data.speed.shape))
    for number, letter in enumerate(letters):
        np.testing.assert_array_equal(data[f"velocity_{letter}"], arrays["velocity"][..., number])
        assert data[f"velocity_{letter}"].attrs["pdesym_vector"] == f"velocity:{letter}"
    for number, pair in enumerate(pairs):
        tensor = arrays["stress"].reshape(*arrays["stress"].shape[:-2], -1)
        np.testing.assert_array_equal(data[f"stress_{pair}"], tensor[..., number])
    assert data.density.dtype == np.float32
    assert data.speed.attrs["constant_along"] == "time"
    np.testing.assert_array_equal(data.mach, arrays["mach"].astype(float))
    np.testing.assert_array_equal(data.forcing, np.broadcast_to(arrays["forcing"], (3, 4)))
    assert json.loads(data.attrs["parameters"]) == {"gamma": 0.25}
    np.testing.assert_array_equal(data.time, (np.arange(4, dtype="float32") * np.float32(0.1)).astype(float))
    np.testing.assert_array_equal(data.x, np.linspace(0, 1, 8, endpoint=False, dtype="float32").astype(float))
    assert {axis: data[axis].attrs["periodic"] for axis in letters} == {axis: int(axis != "y") for axis in letters}
    if dims > 1:
        assert data.y.attrs["boundary"] == "wall"
    assert (data.x.attrs["length"], data.attrs["name"]) == (1.0, "foreign")
    assert np.isnan(data.error).all()


def test_several_files_of_a_split_are_one_after_another(tmp_path):
    folder = tmp_path / "in/data/test"
    first = foreign_well(folder / "a.hdf5", 2, samples=3, seed=0, scalar=0.25)
    second = foreign_well(folder / "b.hdf5", 2, samples=2, seed=1, scalar=0.5)
    back = import_dataset(tmp_path / "in", tmp_path / "back", "well", shard=2, progress=False)
    data = open_dataset(back, "test").load()
    for name in ("density", "mach"):
        np.testing.assert_array_equal(data[name], np.concatenate([first[name], second[name]]))
    np.testing.assert_array_equal(data.forcing[4], second["forcing"])
    np.testing.assert_array_equal(data.gamma, [0.25] * 3 + [0.5] * 2)  # not the same in all files
    assert json.loads(data.attrs["parameters"]) == {}
    assert data.attrs["source"] == "well: a.hdf5, b.hdf5"


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    folder = tmp_path / "in/data/test"
    foreign_well(folder / "a.hdf5", 2)
    foreign_well(folder / "b.hdf5", 2, boundaries={"x": "OPEN"})
    with pytest.raises(ValueError, match=r"a\.hdf5 and .*b\.hdf5 have different times, points or boundaries"):
        import_dataset(tmp_path / "in", tmp_path / "back", progress=False)
    foreign_well(folder / "b.hdf5", 1)
    with pytest.raises(ValueError, match=r"a\.hdf5 and .*b\.hdf5 hold different fields"):
        import_dataset(tmp_path / "in", tmp_path / "back", progress=False)


def test_what_the_file_says_of_its_boundaries_can_be_declared_otherwise(tmp_path):
    foreign_well(tmp_path / "file.hdf5", 2, boundaries={"x": "OPEN"})
    said = import_dataset(tmp_path / "file.hdf5", tmp_path / "said", progress=False)
    declared = import_dataset(tmp_path / "file.hdf5", tmp_path / "declared", periodic=True, progress=False)
    assert open_dataset(said, "train").x.attrs["periodic"] == 0
    assert open_dataset(said, "train").x.attrs["length"] == 0.875
    assert open_dataset(declared, "train").x.attrs["periodic"] == 1


def _change(path, name, value=None, **attributes):
    with h5py.File(path, "r+") as file:
        if value is not None:
            kept = dict(file[name].attrs) if name in file else {}
            del file[name]
            file[name] = value
            file[name].attrs.update(kept)
        file[name].attrs.update(attributes)


@pytest.mark.parametrize(
    ("name", "value", "attributes", "sentence"),
    [
        ("/", None, {"n_trajectories": 7}, r"t0_fields/density in .* has the shape \(3, 4, 8, 6\): expected one of"),
        ("/", None, {"n_trajectories": "3"}, "attribute n_trajectories of .* is '3'"),
        ("t0_fields/density", np.zeros((3, 4, 8, 5)), {}, "t0_fields/density in .* has the shape"),
        ("t0_fields/density", np.zeros((3, 4, 8, 6), int), {}, "t0_fields/density in .* holds int64"),
        ("t0_fields/density", None, {"dim_varying": [True]}, "attribute dim_varying of /t0_fields/density"),
        ("t0_fields/density", None, {"time_varying": "no"}, "attribute time_varying of /t0_fields/density"),
        ("t0_fields", None, {"field_names": ["density", "missing"]}, "has no array /t0_fields/missing"),
        ("t0_fields", None, {"field_names": ["../density"]}, r"array named '\.\./density'"),
        ("t0_fields", None, {"field_names": 3}, "attribute field_names of /t0_fields"),
        ("dimensions/x", np.arange(8.0) ** 2, {}, "points of x of .* are not equidistant"),
        ("dimensions/x", np.full(8, np.nan), {}, "coordinate /dimensions/x in .* not finite"),
        ("dimensions/time", np.zeros(4), {}, "times of .* do not grow"),
        ("dimensions/time", None, {"sample_varying": True}, "/dimensions/time in .* differs between samples"),
        ("dimensions", None, {"spatial_dims": ["x", "y", "z", "w"]}, "has the axes x, y, z, w"),
        ("dimensions", None, {"spatial_dims": ["x", "q"]}, "has no array /dimensions/q"),
        ("scalars/mach", np.zeros(7), {}, "/scalars/mach in .* has the shape"),
        ("scalars/mach", np.array([0, np.inf, 0]), {}, "parameter mach"),
        ("t0_fields/density", np.full((3, 4, 8, 6), np.nan), {}, "field density of train from well: file.hdf5 has"),
    ],
)
def test_a_file_that_is_not_as_the_format_says_is_refused(tmp_path, name, value, attributes, sentence):
    foreign_well(tmp_path / "file.hdf5", 2)
    _change(tmp_path / "file.hdf5", name, value, **attributes)
    with pytest.raises(ValueError, match=sentence):
        import_dataset(tmp_path / "file.hdf5", tmp_path / "back", "well", progress=False)
    assert not (tmp_path / "back").exists()


def test_samples_that_are_not_finite_are_marked_where_they_are_allowed(tmp_path):
    density = np.ones((3, 4, 8, 6), "float32")
    density[1, 3, 0, 0] = np.inf
    foreign_well(tmp_path / "file.hdf5", 2, density=density)
    back = import_dataset(tmp_path / "file.hdf5", tmp_path / "back", allow_nan=True, progress=False)
    data = open_dataset(back, "train").load()
    assert data.status.values.tolist() == [1, 2, 1]
    assert np.isnan(data.density[1]).all()
    assert np.isnan(data.velocity_x[1]).all()
    assert np.isfinite(data.density[[0, 2]]).all()


def test_a_changed_number_in_our_file_is_found(tmp_path):
    dataset = save_random(tmp_path / "made", ("train",))
    out = export_dataset(dataset, tmp_path / "out", progress=False)
    with h5py.File(out / "data/train/noise_of_mine_train.hdf5", "r+") as file:
        file["t0_fields/u"][3, 2, 1] += 1
    with pytest.raises(ValueError, match="Sample 3 of noise of mine: train is not what was written"):
        import_dataset(out, tmp_path / "back", progress=False)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "about", [{"dims": 1}, {"dims": 1, "fields": ("u", "v")}, {"dims": 2}, {"dims": 2, "dtype": "float64", **VELOCITY}]
)
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of xarray, in their conversion to it
def test_the_reader_of_the_well_opens_our_files(tmp_path, about):
    the_well = pytest.importorskip("the_well.data")
    dataset = save_random(tmp_path / "made", **about)
    out = export_dataset(dataset, tmp_path / "out", progress=False)
    for split in ("train", "test"):
        data = open_dataset(dataset, split).load()
        theirs = the_well.WellDataset(
            path=str(out), well_split_name=split, n_steps_input=2, n_steps_output=1, normalize_time_grid=False
        )
        fields = [*theirs.metadata.field_names[0], *(("u", "v") if theirs.metadata.field_names[1] else ())]
        assert sorted(fields) == sorted(json.loads(data.attrs["fields"]))
        assert len(theirs) == data.sizes["sample"] * 5
        assert theirs.metadata.spatial_resolution == POINTS[: about["dims"]]
        axes = data.u.dims[2:]
        grid = np.stack(np.meshgrid(*(data[axis].values for axis in axes), indexing="ij"), axis=-1)
        for index in range(len(theirs)):
            window = {name: value.numpy() for name, value in theirs[index].items()}
            sample, start = divmod(index, 5)
            u = np.stack([data[field].values[sample] for field in fields], axis=-1)
            np.testing.assert_array_equal(window["input_fields"], u[start : start + 2], strict=True)
            np.testing.assert_array_equal(window["output_fields"], u[start + 2 : start + 3], strict=True)
            np.testing.assert_array_equal(window["constant_scalars"], [0.3, data.nu.values[sample]], strict=True)
            np.testing.assert_array_equal(window["input_time_grid"], data.time.values[start : start + 2], strict=True)
            np.testing.assert_array_equal(window["space_grid"], grid, strict=True)
            assert (window["boundary_conditions"] == 2).all()  # periodic
        assert theirs.to_xarray("numpy").sizes["sample"] == data.sizes["sample"]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_reader_of_the_well_normalises_by_our_statistics(tmp_path):
    pytest.importorskip("the_well.data")
    from the_well.data import WellDataset
    from the_well.data.normalization import ZScoreNormalization

    out = export_dataset(
        save_random(tmp_path / "made", dims=2, dtype="float64", **VELOCITY), tmp_path / "out", progress=False
    )
    theirs = WellDataset(
        path=str(out),
        well_split_name="train",
        n_steps_input=6,
        n_steps_output=1,
        use_normalization=True,
        normalization_type=ZScoreNormalization,
    )
    values = np.concatenate(
        [np.concatenate([one["input_fields"], one["output_fields"]]) for one in map(theirs.__getitem__, range(5))]
    )
    # Theirs are numbers of single precision.
    np.testing.assert_allclose(values.mean((0, 1, 2)), 0, atol=1e-7)
    np.testing.assert_allclose(values.std((0, 1, 2)), 1, rtol=1e-6)
