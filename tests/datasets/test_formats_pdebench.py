"""Files of PDEBench in its three layouts: ours come back byte for byte, and published ones come in exactly."""

import json

import h5py
import numpy as np
import pytest

from pdesym.datasets import export_dataset, generate, import_dataset, open_dataset, save_dataset
from pdesym.datasets.formats.pdebench import sample_name
from pdesym.datasets.stored import equation_of_data, grid_of_data
from pdesym.solvers import Grid
from tests.datasets.made_arrays import (
    assert_folders_identical,
    foreign_flow,
    foreign_samples,
    foreign_tensor,
    random_dataset,
    save_random,
    there_and_back,
)


@pytest.mark.parametrize(
    ("about", "ending"),
    [
        ({"dims": 1}, ".hdf5"),
        ({"dims": 1, "dtype": "float64", "periodic": False}, ".hdf5"),
        ({"dims": 1, "fields": ("u", "v", "w")}, ".hdf5"),
        ({"dims": 2}, ".h5"),
        ({"dims": 2, "dtype": "float64", "fields": ("u", "h", "v"), "vectors": {"velocity": ("u", "v")}}, ".h5"),
        ({"dims": 3, "fields": ("u", "v"), "parameters": {}}, ".h5"),
    ],
)
def test_there_and_back_every_byte_is_the_same(tmp_path, about, ending):
    dataset = save_random(tmp_path / "made", **about)
    out, back = there_and_back(dataset, tmp_path, "pdebench")
    names = ["noise_of_mine_test" + ending, "noise_of_mine_train" + ending]
    assert sorted(path.name for path in out.iterdir()) == names
    assert_folders_identical(dataset, back)
    assert open_dataset(back, "test").attrs["source"] == f"pdebench: {names[0]}"


def test_generated_data_come_back_with_all_that_the_solver_said(tmp_path, small_dataset):
    _, back = there_and_back(small_dataset, tmp_path, "pdebench")
    assert_folders_identical(small_dataset, back, ("train", "valid", "test"))


def test_drawn_boxes_and_clocks_are_the_grid_of_each_sample(tmp_path, changed):
    recipe = changed(
        grid={"points": 16, "length": {"uniform": [16.0, 20.0]}},
        times={"last": 1.0, "count": 4, "stretch": {"uniform": [0.5, 2.0]}},
        splits={"train": 3},
    )
    dataset = generate(recipe, tmp_path / "made", progress=False)
    out, back = there_and_back(dataset, tmp_path, "pdebench")
    assert_folders_identical(dataset, back, ("train",))
    data = open_dataset(dataset, "train")
    with h5py.File(out / "small-kdv_train.h5") as file:
        for sample in range(3):
            grid = file[f"{sample:04d}/grid"]
            np.testing.assert_array_equal(grid["t"], data.time_stretch.values[sample] * data.time.values)
            np.testing.assert_allclose(grid["x"][1], data.length.values[sample] / 16, rtol=1e-14)


def test_the_files_are_what_the_layouts_say(tmp_path):
    for name, about in (("A", {}), ("B", {"dims": 2, "fields": ("u", "v")}), ("C", {"fields": ("u", "v")})):
        dataset = save_random(tmp_path / name, ("train",), **about)
        out = export_dataset(dataset, tmp_path / f"{name}-out", "pdebench", progress=False)
        data = open_dataset(dataset, "train").load()
        with h5py.File(next(out.iterdir())) as file:
            assert file.attrs["a"] == 0.3
            if name == "B":
                assert list(file) == ["0000", "0001", "0002", "0003", "0004"]
                np.testing.assert_array_equal(file["0003/data"], np.stack([data.u[3], data.v[3]], axis=-1))
                for axis, values in (("x", data.x), ("y", data.y), ("t", data.time)):
                    np.testing.assert_array_equal(file[f"0003/grid/{axis}"], values)
                assert "name: noise of mine" in file["0003"].attrs["config"]
                continue
            arrays = {"tensor": data.u} if name == "A" else {"u": data.u, "v": data.v}
            assert set(file) == {*arrays, "x-coordinate", "t-coordinate", "pdesym"}
            for array, values in {**arrays, "x-coordinate": data.x, "t-coordinate": data.time}.items():
                np.testing.assert_array_equal(file[array], values, strict=True)


def test_failed_samples_are_left_out_and_named(tmp_path):
    for number, about in enumerate(({}, {"dims": 2}, {"fields": ("u", "v")})):
        made = random_dataset(**about)
        made["status"][[0, 3]] = 2
        made.attrs["failures"] = json.dumps({"0": "first", "3": "second"})
        dataset = save_dataset({"valid": made}, tmp_path / f"made{number}", shard=2, progress=False)
        _, back = there_and_back(dataset, tmp_path / str(number), "pdebench")
        data, whole = open_dataset(back, "valid").load(), open_dataset(dataset, "valid").load()
        assert json.loads(data.attrs["left_out"]) == {"0": "first", "3": "second"}
        np.testing.assert_array_equal(data.sample, [1, 2, 4])
        for name in ("u", "nu", "checksum", "error"):
            np.testing.assert_array_equal(data[name], whole[name][[1, 2, 4]])


@pytest.mark.parametrize("samples", [1, 5, 10_000, 10_001, 123_456])
def test_the_order_of_the_alphabet_is_that_of_the_samples(samples):
    names = [sample_name(number, samples) for number in range(samples)]
    assert names == sorted(names)
    assert names[0] == ("0000" if samples <= 10_000 else "0" * len(str(samples - 1)))


def test_a_published_tensor_comes_in_exactly(tmp_path):
    """Single precision, centres of cells, and one time more than there are frames."""
    tensor = foreign_tensor(tmp_path / "1D_Burgers_Sols_Nu0.01.hdf5")
    back = import_dataset(
        tmp_path / "1D_Burgers_Sols_Nu0.01.hdf5",
        tmp_path / "back",
        equation="u_t = -u*u_x + nu*u_xx",
        parameters={"nu": 0.01 / np.pi},
        name="burgers",
        progress=False,
    )
    data = open_dataset(back, "train").load()
    np.testing.assert_array_equal(data.u, tensor, strict=False)
    assert data.u.dtype == np.float32
    np.testing.assert_array_equal(data.x, ((np.arange(16) + 0.5) / 16).astype("float32"))
    np.testing.assert_array_equal(data.time, (np.arange(6, dtype="float32") * np.float32(0.01)).astype(float))
    assert (data.x.attrs["length"], data.x.attrs["origin"], data.x.attrs["periodic"]) == (1.0, 0.03125, 1)
    assert grid_of_data(data) == Grid(16, length=1.0)
    assert equation_of_data(data).parameters["nu"] == 0.01 / np.pi
    assert json.loads(data.attrs["other_parameters"]) == {"Nu": 0.01}
    assert data.attrs["source"] == "pdebench: 1D_Burgers_Sols_Nu0.01.hdf5"
    assert str(tmp_path) not in (back / "source.yaml").read_text()


def test_published_samples_come_in_exactly(tmp_path):
    data_in = foreign_samples(tmp_path / "2D_diff-react_NA_NA.h5")
    back = import_dataset(
        tmp_path / "2D_diff-react_NA_NA.h5", tmp_path / "back", periodic=False, shard=2, progress=False
    )
    data = open_dataset(back, "train").load()
    assert json.loads(data.attrs["fields"]) == ["u", "v"]
    np.testing.assert_array_equal(data.u, data_in[..., 0])
    np.testing.assert_array_equal(data.v, data_in[..., 1])
    assert [data[axis].attrs["periodic"] for axis in "xy"] == [0, 0]
    assert [data[axis].attrs["length"] for axis in "xy"] == pytest.approx([1.75, 5 / 3], rel=1e-6)
    named = import_dataset(
        tmp_path / "2D_diff-react_NA_NA.h5", tmp_path / "named", fields=["act", "inh"], progress=False
    )
    np.testing.assert_array_equal(open_dataset(named, "train").inh, data_in[..., 1])


def test_published_flows_come_in_exactly(tmp_path):
    arrays = foreign_flow(tmp_path / "1D_CFD.hdf5")
    back = import_dataset(tmp_path / "1D_CFD.hdf5", tmp_path / "back", progress=False)
    data = open_dataset(back, "train").load()
    assert json.loads(data.attrs["fields"]) == ["Vx", "density", "pressure"]
    assert json.loads(data.attrs["parameters"]) == {"eta": 0.01, "zeta": 0.02}
    for name, array in arrays.items():
        np.testing.assert_array_equal(data[name], array)
    chosen = import_dataset(
        tmp_path / "1D_CFD.hdf5", tmp_path / "chosen", fields=["pressure", "density"], progress=False
    )
    assert json.loads(open_dataset(chosen, "train").attrs["fields"]) == ["pressure", "density"]


def test_a_file_is_cut_into_splits(tmp_path):
    tensor = foreign_tensor(tmp_path / "file.hdf5", samples=4)
    back = import_dataset(
        tmp_path / "file.hdf5", tmp_path / "back", splits={"test": 1, "train": 2}, shard=1, progress=False
    )
    np.testing.assert_array_equal(open_dataset(back, "test").u, tensor[:1])
    np.testing.assert_array_equal(open_dataset(back, "train").u, tensor[1:3])
    np.testing.assert_array_equal(open_dataset(back, "train").sample, [0, 1])
    for splits, sentence in (
        ({"train": 5}, "has 4 samples and 5 are asked for"),
        ({"dev": 1}, "got dev: 1"),
        ({"train": 0}, "got train: 0"),
    ):
        with pytest.raises(ValueError, match=sentence):
            import_dataset(tmp_path / "file.hdf5", tmp_path / "no", splits=splits, progress=False)


def test_the_name_of_a_file_says_its_split(tmp_path):
    foreign_tensor(tmp_path / "a_test.hdf5")
    assert open_dataset(import_dataset(tmp_path / "a_test.hdf5", tmp_path / "1", progress=False), "test")
    assert open_dataset(import_dataset(tmp_path, tmp_path / "2", progress=False), "test")
    assert open_dataset(
        import_dataset(tmp_path / "a_test.hdf5", tmp_path / "3", split="valid", progress=False), "valid"
    )


def _gone(name):
    return lambda file: file.__delitem__(name)


def _other(name, value):
    def change(file):
        if name in file:
            del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    ("make", "change", "sentence"),
    [
        (foreign_tensor, _gone("t-coordinate"), "has no t-coordinate: a steady problem"),
        (foreign_tensor, _gone("x-coordinate"), "of no format that is read here"),
        (foreign_tensor, _other("t-coordinate", np.arange(9.0)), "/t-coordinate in .* has 9 times for 6 frames"),
        (foreign_tensor, _other("x-coordinate", np.arange(9.0)), r"/x-coordinate in .* has the shape \(9,\)"),
        (foreign_tensor, _other("x-coordinate", np.arange(16.0) ** 3), "points of x of .* are not equidistant"),
        (foreign_tensor, _other("tensor", np.zeros((4, 16))), r"/tensor in .* has the shape \(4, 16\)"),
        (foreign_tensor, _other("tensor", np.zeros((4, 6, 16), int)), "/tensor in .* holds int64"),
        (foreign_tensor, _other("tensor", np.zeros((4, 6, 16), complex)), "/tensor in .* holds complex128"),
        (foreign_tensor, _other("tensor", np.full((4, 6, 16), np.nan)), "field u of train from pdebench"),
        (foreign_samples, _gone("0001/grid"), "has no group 0001/grid"),
        (foreign_samples, _gone("0001/data"), "has no array /0001/data"),
        (foreign_samples, _other("0001/data", np.zeros((5, 8, 7, 2), "float32")), "/0001/data in .* has the shape"),
        (foreign_samples, _other("0001/data", np.zeros((5, 8, 6, 2))), "/0001/data in .* holds float64"),
        (foreign_samples, _other("0001/grid/t", np.arange(5.0)), "samples 0000 and 0001 of .* have different grids"),
        (foreign_flow, _other("density", np.zeros((3, 5, 17))), "/Vx and /density in .* have the shapes"),
        (foreign_flow, _other("a b", np.zeros((3, 5, 16), "float32")), "holds 'a b', which cannot be the name"),
        (foreign_flow, _other("sample", np.zeros((3, 5, 16), "float32")), "holds 'sample', which cannot be the name"),
    ],
)
def test_a_file_that_is_not_as_the_layout_says_is_refused(tmp_path, make, change, sentence):
    make(tmp_path / "file.h5")
    with h5py.File(tmp_path / "file.h5", "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=sentence) as error:
        import_dataset(tmp_path / "file.h5", tmp_path / "back", progress=False)
    assert "file.h5" in str(error.value)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"fields": ["a", "b"]}, "has 1 field and 2 names are declared"),
        ({"length": 2.0}, "a periodic axis of length 1, and 2 is declared"),
        ({"equation": "v_t = v_x"}, "the fields are u"),
        ({"equation": "u_t = u_x", "parameters": {"b": 1.0}}, "b"),
        ({"format": "hdf5"}, "no format hdf5"),
        ({"format": "well"}, "attribute n_trajectories"),
        ({"split": "dev"}, "no split dev"),
        ({"memory": 100}, "takes .* bytes and 100 are allowed"),
        ({"splits": {"train": 1}, "split": "test"}, "single file only"),
    ],
)
def test_what_is_declared_has_to_fit(tmp_path, declared, sentence):
    foreign_tensor(tmp_path / "file.hdf5")
    with pytest.raises(ValueError, match=sentence):
        import_dataset(tmp_path / "file.hdf5", tmp_path / "back", progress=False, **declared)
    assert not (tmp_path / "back").exists()


def test_what_is_not_there_or_already_there_is_said(tmp_path, small_dataset, hashes):
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        import_dataset(tmp_path / "nothing", tmp_path / "back", progress=False)
    with pytest.raises(ValueError, match="holds no dataset of a format"):
        import_dataset(small_dataset, tmp_path / "back", progress=False)
    with pytest.raises(FileNotFoundError, match="holds no dataset"):
        export_dataset(tmp_path, tmp_path / "out", progress=False)
    with pytest.raises(ValueError, match=r"no format wel \(did you mean well\?\)"):
        export_dataset(small_dataset, tmp_path / "out", "wel", progress=False)
    with pytest.raises(ValueError, match="no split dev"):
        export_dataset(small_dataset, tmp_path / "out", splits=["dev"], progress=False)
    before = hashes(small_dataset)
    for out in (small_dataset, small_dataset / "out"):
        with pytest.raises(ValueError, match=r"is not empty|lies in the dataset"):
            export_dataset(small_dataset, out, progress=False)
    assert hashes(small_dataset) == before
