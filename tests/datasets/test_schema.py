"""What is on the disk: plain xarray opens it, with coordinates, units, per-sample variables and provenance."""

import json
import os

import numpy as np
import pytest
import xarray

import pdesym
from pdesym.datasets import Recipe, generate, open_dataset, plan, recipe_file, schema
from pdesym.datasets.store import disk_bytes


def test_plain_xarray_opens_a_split(small_dataset, small_kdv):
    data = xarray.open_zarr(small_dataset / "data.zarr", group="train")  # warnings are errors here
    assert dict(data.sizes) == {"sample": 5, "time": 7, "x": 32}
    assert list(data.coords) == ["sample", "time", "x"]
    assert set(data.data_vars) == {"u", "error", "horizon", "steps", "points_used", "checksum", "status"} | {
        "invariant_mass",
        "invariant_momentum",
        "invariant_energy",
    }
    assert data.u.dims == ("sample", "time", "x")
    assert data.u.dtype == np.float32
    assert np.isfinite(data.u).all()
    assert (data.status == 1).all()
    assert (data.steps > 0).all()
    assert (data.points_used >= 32).all()
    np.testing.assert_array_equal(data.sample, np.arange(5))
    np.testing.assert_allclose(data.time, np.linspace(0.5, 2, 7), rtol=1e-15)
    np.testing.assert_allclose(data.x, np.arange(32.0), rtol=1e-15)
    assert all(variable.attrs["units"] == "1" for variable in data.variables.values())
    assert data.x.attrs["length"] == 32.0


def test_the_tree_of_all_splits_opens_too(small_dataset):
    assert xarray.open_datatree(small_dataset / "data.zarr", engine="zarr").groups == ("/", "/test", "/train", "/valid")


def test_the_attributes_say_where_the_data_came_from(small_dataset, small_kdv):
    attributes = open_dataset(small_dataset, "valid").attrs
    assert attributes["equation"].startswith("u_t = ")
    assert attributes["solver"].startswith("ETDRK4 (Krogstad")
    assert (attributes["split"], attributes["seed"], attributes["rtol"], attributes["shard"]) == ("valid", 3, 1e-5, 2)
    assert (attributes["complete"], attributes["pdesym_schema"]) == (1, 2)
    assert attributes["pdesym_version"] == pdesym.__version__
    assert Recipe.model_validate(recipe_file.parse(attributes["recipe"], "attrs")) == small_kdv
    assert recipe_file.load(Recipe, small_dataset / "recipe.yaml") == small_kdv
    assert {type(value) for value in attributes.values()} <= {str, int, float, np.int64, np.float64}


def test_no_machine_fact_is_stored(small_dataset):
    text = "".join(path.read_text() for path in small_dataset.rglob("*") if path.suffix in (".json", ".yaml"))
    assert os.uname().nodename not in text
    assert str(small_dataset) not in text


def test_the_error_of_every_sample_is_within_the_tolerance(small_dataset, small_kdv):
    for split in small_kdv.splits.sizes:
        error = open_dataset(small_dataset, split).error.values
        assert ((error > 0) & (error <= small_kdv.rtol)).all()


def test_a_fixed_step_stores_no_error_and_says_its_step(changed, tmp_path):
    recipe = changed(rtol=None, dt=0.01, splits={"test": 2}, dtype="float64")
    data = open_dataset(generate(recipe, tmp_path / "fixed", progress=False), "test")
    assert np.isnan(data.error).all()
    assert data.attrs["dt"] == 0.01
    assert "rtol" not in data.attrs
    assert data.u.dtype == np.float64


def test_fixed_parameters_are_attributes_and_drawn_ones_are_variables(changed, tmp_path):
    recipe = changed(
        equation="u_t = -a*u*u_x + nu*u_xx", parameters={"a": 2, "nu": {"uniform": [0.1, 0.3]}}, splits={"valid": 4}
    )
    data = open_dataset(generate(recipe, tmp_path / "drawn", progress=False), "valid")
    assert json.loads(data.attrs["parameters"]) == {"a": 2.0}
    assert data.nu.dims == ("sample",)
    assert data.nu.attrs["distribution"] == "uniform [0.1, 0.3]"
    assert len(np.unique(data.nu)) == 4
    assert ((data.nu > 0.1) & (data.nu < 0.3)).all()


def test_two_fields_are_two_variables_drawn_for_themselves(changed, tmp_path):
    recipe = changed(equation=["u_t = v_x", "v_t = u_x"], splits={"train": 2}, times={"last": 1.0, "count": 2})
    data = open_dataset(generate(recipe, tmp_path / "waves", progress=False), "train")
    assert data.attrs["equation"] == "u_t = v_x; v_t = u_x"
    assert float(abs(data.u.isel(time=0) - data.v.isel(time=0)).min("sample").max()) > 0.01


@pytest.mark.parametrize("name", ["x", "time", "error", "status"])
def test_a_parameter_with_the_name_of_another_array_is_refused(changed, tmp_path, name):
    recipe = changed(equation=f"u_t = {name}*u_xx", parameters={name: {"uniform": [0.1, 0.2]}})
    with pytest.raises(ValueError, match=name):
        generate(recipe, tmp_path / "taken")
    assert not (tmp_path / "taken" / "data.zarr").exists()


def test_the_size_is_known_before_and_bounds_what_is_written(small_dataset, small_kdv, tmp_path):
    size = plan(small_kdv)
    assert (size.samples, size.frames, size.points, size.fields, size.shards) == (
        {"train": 5, "valid": 1, "test": 2},
        7,
        (32,),
        ("u",),
        5,
    )
    assert size.bytes == 8 * (7 * 32 * 4 + 4 * 8 + 3 * 7 * 8 + 8 + 1)
    assert str(size) == (
        "small-kdv: 8 samples (train 5, valid 1, test 2) of 7 frames x 32 points, u; 8.8 kB in 5 shards"
    )
    used = sum(path.stat().st_blocks * 512 for path in small_dataset.rglob("*") if path.is_file())
    assert used <= disk_bytes(schema.layout(small_kdv), tmp_path) <= 4 * used


def test_a_large_dataset_is_estimated_closely(changed, tmp_path):
    recipe = changed(splits={"train": 10**6}, grid={"points": 256, "length": 32.0}, shard=64)
    assert plan(recipe).bytes < disk_bytes(schema.layout(recipe), tmp_path) < 1.1 * plan(recipe).bytes


def test_velocities_are_stored_as_a_vector_and_heights_are_not(changed):
    recipe = changed(equation="shallow_water", grid={"points": [16, 16], "length": 6.0})
    kinds = {v.name: v.attributes.get("pdesym_vector") for v in schema.layout(recipe).groups["train"].variables[:3]}
    assert kinds == {"h": None, "u": "velocity:x", "v": "velocity:y"}
