"""Datasets of random numbers, files of others written with plain h5py, and when two datasets are equal."""

from pathlib import Path

import h5py
import numpy as np
import xarray

from pdesym.datasets import dataset_from_arrays, export_dataset, import_dataset, open_dataset, save_dataset

POINTS = (8, 6, 5)


def random_dataset(dims=1, fields=("u",), dtype="float32", samples=5, seed=0, **declared) -> xarray.Dataset:
    """Fields of noise on a box that is no round number, one parameter for all and one that differs."""
    rng = np.random.default_rng(seed)
    shape = (samples, 7, *POINTS[:dims])
    arrays = {name: rng.standard_normal(shape).astype(dtype) for name in fields}
    declared = {
        "length": [1.3, 2.0, 3.7][:dims],
        "parameters": {"a": 0.3, "nu": rng.random(samples)},
        "name": "noise of mine",
        **declared,
    }
    return dataset_from_arrays(arrays, np.linspace(0.1, 2.0, 7), **declared)


def save_random(folder: Path, splits=("train", "test"), shard=2, **about) -> Path:
    """A stored dataset with as many samples as make the last shard half full."""
    data = {split: random_dataset(samples=5 - 2 * number, seed=number, **about) for number, split in enumerate(splits)}
    return save_dataset(data, folder, shard=shard, progress=False)


def there_and_back(dataset: Path, folder: Path, format: str) -> tuple[Path, Path]:
    """The folder of the export of a dataset, and that of its import."""
    out = export_dataset(dataset, folder / "out", format, progress=False)
    return out, import_dataset(out, folder / "back", progress=False)


def assert_identical(one: xarray.Dataset, other: xarray.Dataset, but_for=("source",)) -> None:
    """Every byte, name and attribute of two datasets is the same, but for some attributes of the whole.

    The order in which xarray lists the arrays is that of a folder; the one that counts is the attribute `variables`.
    """
    assert set(one.data_vars) == set(other.data_vars)
    assert set(one.coords) == set(other.coords)
    for name in one.variables:
        a, b = one[name], other[name]
        assert (a.dims, a.dtype, a.shape) == (b.dims, b.dtype, b.shape), name
        assert a.values.tobytes() == b.values.tobytes(), name
        assert a.attrs == b.attrs, name
        assert {key: type(value) for key, value in a.attrs.items()} == {
            key: type(value) for key, value in b.attrs.items()
        }, name
    kept = [{key: value for key, value in data.attrs.items() if key not in but_for} for data in (one, other)]
    assert kept[0] == kept[1]
    assert list(map(type, kept[0].values())) == list(map(type, kept[1].values()))


def assert_folders_identical(one: Path, other: Path, splits=("train", "test")) -> None:
    """The same for the splits of two stored datasets."""
    for split in splits:
        assert_identical(open_dataset(one, split).load(), open_dataset(other, split).load())
    assert not (other / "data.zarr" / "valid").exists() or "valid" in splits


def foreign_well(path: Path, dims=2, samples=3, seed=0, scalar=0.25, **changes) -> dict[str, np.ndarray]:
    """A file as the Well has them, of single precision, with fields and scalars of every kind; gives its arrays."""
    rng = np.random.default_rng(seed)
    axes, frames, points = ("x", "y", "z")[:dims], 4, POINTS[:dims]
    noise = lambda *shape: rng.standard_normal(shape).astype("float32")  # noqa: E731
    arrays = {
        "density": noise(samples, frames, *points),
        "speed": noise(samples, *points),
        "velocity": noise(samples, frames, *points, dims),
        "stress": noise(samples, frames, *points, dims, dims),
        "mach": rng.random(samples).astype("float32"),
        "forcing": noise(frames),
    }
    arrays |= {key: value for key, value in changes.items() if key in arrays}
    texts = lambda *words: np.array(words, dtype=h5py.string_dtype())  # noqa: E731
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs.update(dataset_name="foreign", grid_type="cartesian", n_spatial_dims=dims, n_trajectories=samples)
        file.attrs["simulation_parameters"] = texts("gamma")
        file.attrs["gamma"] = scalar
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = texts(*axes)
        dimensions["time"] = np.arange(frames, dtype="float32") * np.float32(0.1)
        for axis, size in zip(axes, points, strict=True):
            dimensions[axis] = np.linspace(0, 1, size, endpoint=False, dtype="float32")
            dimensions[axis].attrs["time_varying"] = False
        for name in ("time", *axes):
            dimensions[name].attrs["sample_varying"] = False
        conditions = file.create_group("boundary_conditions")
        for axis, size in zip(axes, points, strict=True):
            kind = changes.get("boundaries", {}).get(axis, "PERIODIC")
            condition = conditions.create_group(f"{axis}_{kind.lower()}")
            condition.attrs["associated_dims"] = texts(axis)
            condition.attrs["bc_type"] = kind
            condition["mask"] = np.ones(size, bool)
        scalars = file.create_group("scalars")
        scalars.attrs["field_names"] = texts("gamma", "mach", "forcing")
        for name, value, sample, time in (
            ("gamma", np.float32(scalar), False, False),
            ("mach", arrays["mach"], True, False),
            ("forcing", arrays["forcing"], False, True),
        ):
            scalars[name] = value
            scalars[name].attrs.update(sample_varying=sample, time_varying=time)
        for order, names in enumerate((("density", "speed"), ("velocity",), ("stress",))):
            group = file.create_group(f"t{order}_fields")
            group.attrs["field_names"] = texts(*names)
            for name in names:
                group[name] = arrays[name]
                group[name].attrs.update(sample_varying=True, time_varying=name != "speed")
                group[name].attrs["dim_varying"] = np.ones(dims, bool)
    return arrays


def foreign_tensor(path: Path, samples=4, extra_time=True, **changes) -> np.ndarray:
    """A file of PDEBench's layout A as published: single precision, centres of cells, one time too many."""
    tensor = np.random.default_rng(0).standard_normal((samples, 6, 16)).astype("float32")
    tensor = changes.get("tensor", tensor)
    with h5py.File(path, "w") as file:
        file["tensor"] = tensor
        file["x-coordinate"] = changes.get("x", (np.arange(16, dtype="float32") + np.float32(0.5)) / np.float32(16))
        file["t-coordinate"] = changes.get("t", np.arange(6 + extra_time, dtype="float32") * np.float32(0.01))
        file.attrs["Nu"] = 0.01
    return tensor


def foreign_samples(path: Path, samples=3, channels=2) -> np.ndarray:
    """A file of PDEBench's layout B: a group for every sample."""
    data = np.random.default_rng(1).standard_normal((samples, 5, 8, 6, channels)).astype("float32")
    with h5py.File(path, "w") as file:
        for sample in range(samples):
            group = file.create_group(f"{sample:04d}")
            group["data"] = data[sample]
            group["grid/x"] = (np.arange(8, dtype="float32") + np.float32(0.5)) / np.float32(4) - 1
            group["grid/y"] = (np.arange(6, dtype="float32") + np.float32(0.5)) / np.float32(3) - 1
            group["grid/t"] = np.linspace(0, 5, 5, dtype="float32")
            group.attrs["config"] = "name: 2d_diff-react"
    return data


def foreign_flow(path: Path, samples=3) -> dict[str, np.ndarray]:
    """A file of PDEBench's layout C: an array for every field."""
    rng = np.random.default_rng(2)
    arrays = {name: rng.standard_normal((samples, 5, 16)).astype("float32") for name in ("Vx", "density", "pressure")}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
        file["x-coordinate"] = (np.arange(16) + 0.5) / 16
        file["t-coordinate"] = np.linspace(0, 1, 6)
        file.attrs.update(eta=0.01, zeta=0.02)
    return arrays
