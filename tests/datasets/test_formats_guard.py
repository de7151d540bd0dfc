"""What an HDF5 file may hold: sound files come in, links and claims are refused before anything is read or written."""

import json

import h5py
import numpy as np
import pytest

from pdesym.datasets import export_dataset, import_dataset, open_dataset
from pdesym.datasets.formats import hdf5_guard
from pdesym.datasets.verification import verify
from tests.datasets.made_arrays import foreign_samples, foreign_tensor, foreign_well, save_random


def test_packed_numbers_of_every_kind_that_is_known_come_in(tmp_path):
    """The negative control of all refusals: chunks, filters, compact arrays, the order of bytes, half precision."""
    for number, options in enumerate(
        (
            {"chunks": (1, 6, 16), "compression": "gzip", "compression_opts": 9, "shuffle": True},
            {"chunks": (3, 4, 5), "compression": "lzf", "fletcher32": True},
            {"chunks": (1, 1, 1)},
            {"dtype": ">f8"},
            {"dtype": "f2"},
        )
    ):
        path = tmp_path / f"{number}.hdf5"
        tensor = foreign_tensor(path)
        with h5py.File(path, "r+") as file:
            del file["tensor"]
            tensor = tensor.astype(options.get("dtype", "f4"))
            file.create_dataset("tensor", data=tensor, **options)
        data = open_dataset(import_dataset(path, tmp_path / f"back{number}", progress=False), "train")
        np.testing.assert_array_equal(data.u, tensor)
        assert data.u.dtype == (np.float64 if options.get("dtype") == ">f8" else np.float32)


def test_zeros_that_are_packed_as_tightly_as_deflate_can_come_in(tmp_path):
    path = tmp_path / "zeros.hdf5"
    zeros = np.zeros((4, 512, 2048), "float32")
    foreign_tensor(path, tensor=zeros, x=np.arange(2048.0), t=np.arange(512.0))
    with h5py.File(path, "r+") as file:
        del file["tensor"]
        file.create_dataset("tensor", data=zeros, chunks=(4, 512, 2048), compression="gzip", compression_opts=9)
        assert zeros.nbytes > 900 * file["tensor"].id.get_storage_size()
    assert import_dataset(path, tmp_path / "back", progress=False).is_dir()


def test_a_link_in_a_folder_does_not_lead_to_other_files(tmp_path):
    outside = tmp_path / "outside"
    foreign_well(outside / "data/train/file.hdf5")
    (tmp_path / "in/data/train").mkdir(parents=True)
    (tmp_path / "in/data/train/file.hdf5").symlink_to(outside / "data/train/file.hdf5")
    with pytest.raises(ValueError, match=r"file\.hdf5 is a link that leads out of"):
        import_dataset(tmp_path / "in", tmp_path / "back", progress=False)
    (tmp_path / "in2").mkdir()
    (tmp_path / "in2/data").symlink_to(outside / "data")
    with pytest.raises(ValueError, match="train is a link that leads out of"):
        import_dataset(tmp_path / "in2", tmp_path / "back", progress=False)
    within = tmp_path / "in3/data/train"
    foreign_well(within / "file.hdf5")
    (tmp_path / "in3/data/test").mkdir()
    (tmp_path / "in3/data/test/other.hdf5").symlink_to(within / "file.hdf5")
    assert open_dataset(import_dataset(tmp_path / "in3", tmp_path / "back", progress=False), "test")


def test_a_folder_in_the_place_of_a_file_is_no_file(tmp_path):
    (tmp_path / "a_train.hdf5").mkdir()
    with pytest.raises(ValueError, match="is no file: expected an HDF5 or netCDF file"):
        import_dataset(tmp_path, tmp_path / "back", progress=False)


def _replaced(file, name, text):
    del file[name]
    file[name] = np.frombuffer(text, "uint8") if isinstance(text, bytes) else text


def _said(file):
    return json.loads(file["pdesym/metadata"][()].tobytes())


def _say(change):
    def with_other_words(file):
        said = _said(file)
        change(said)
        _replaced(file, "pdesym/metadata", json.dumps(said).encode())

    return with_other_words


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda file: _replaced(file, "pdesym/metadata", b"{"), "metadata in .* is damaged: it is not JSON"),
        (lambda file: _replaced(file, "pdesym/metadata", b"[" * 100_000), "metadata in .* is damaged: it is not JSON"),
        (lambda file: _replaced(file, "pdesym/metadata", b"[]"), "metadata in .* is damaged: expected names"),
        (lambda file: _replaced(file, "pdesym/metadata", np.zeros(3)), "metadata in .* holds float64"),
        (lambda file: file.pop("pdesym/metadata"), "has no array /pdesym/metadata"),
        (lambda file: file.pop("pdesym/coordinates"), "has no group /pdesym/coordinates"),
        (lambda file: file.pop("pdesym/variables/nu"), "has no array /pdesym/variables/nu"),
        (lambda file: _replaced(file, "pdesym/variables/nu", np.zeros(4)), "/pdesym/variables/nu in .* has the shape"),
        (lambda file: _replaced(file, "pdesym/variables/nu", np.zeros(5, "f4")), "variables/nu in .* holds float32"),
        (lambda file: _replaced(file, "pdesym/coordinates/x", np.zeros(8)), "coordinate x in .* does not grow"),
        (lambda file: _replaced(file, "tensor", np.zeros((5, 7, 8))), "/tensor in .* holds float64: expected float32"),
        (_say(lambda said: said.update(format=2)), "has the format 2: this version reads 1"),
        (_say(lambda said: said.update(samples=-1)), "samples is -1"),
        (_say(lambda said: said["variables"].update({"../../nu": said["variables"]["nu"]})), r"named '\.\./\.\./nu'"),
        (_say(lambda said: said["variables"].update({"x": said["variables"]["nu"]})), "/pdesym/variables/x"),
        (_say(lambda said: said["variables"]["nu"].update(dtype="object")), "holds 'object'"),
        (_say(lambda said: said["variables"]["nu"].update(dims=["sample", "../x"])), "has the dimensions"),
        (_say(lambda said: said["variables"]["nu"].update(shape=[10**12])), "has the shape"),
        (_say(lambda said: said["attributes"].update(fields='["nu"]')), "field 'nu' is not among"),
        (_say(lambda said: said["attributes"].update(title=None)), "attribute 'title'"),
        (_say(lambda said: said["attributes"].pop("where")), "attribute where is missing"),
        (_say(lambda said: said["attributes"].update(split="../..")), None),
    ],
)
def test_what_a_file_says_of_itself_is_not_taken_on_trust(tmp_path, change, sentence):
    dataset = save_random(tmp_path / "made", ("train",))
    out = export_dataset(dataset, tmp_path / "out", "pdebench", progress=False)
    path = out / "noise_of_mine_train.hdf5"
    with h5py.File(path, "r+") as file:
        change(file)
    if sentence is None:  # harmless: the name of the file says which split it is
        assert [group.name for group in _groups(import_dataset(out, tmp_path / "back", progress=False))] == ["train"]
        return
    with pytest.raises(ValueError, match=sentence):
        import_dataset(out, tmp_path / "back", progress=False)
    assert not (tmp_path / "back").exists()


def _groups(folder):
    return [path for path in (folder / "data.zarr").iterdir() if path.is_dir()]


def test_a_shard_that_would_not_fit_into_the_memory_is_not_believed(tmp_path):
    dataset = save_random(tmp_path / "made", ("train",))
    out = export_dataset(dataset, tmp_path / "out", "well", progress=False)
    with h5py.File(out / "data/train/noise_of_mine_train.hdf5", "r+") as file:
        said = _said(file)
        said["attributes"]["shard"] = 10**15
        _replaced(file, "pdesym/metadata", json.dumps(said).encode())
    data = open_dataset(import_dataset(out, tmp_path / "back", progress=False), "train")
    assert data.attrs["shard"] == 5


def test_names_that_lead_elsewhere_are_no_names():
    for name in ("../u", "a/b", "/u", "", ".", "a b", "ü", "1u", "_u", "u\n", "a" * 65, "u\0"):
        assert not hdf5_guard.is_safe_name(name)
    for name in ("u", "U_1", "velocity_x", "a" * 64):
        assert hdf5_guard.is_safe_name(name)


@pytest.mark.parametrize("format", ["well", "pdebench", "netcdf"])
def test_what_was_imported_is_found_sound(tmp_path, format, small_dataset):
    out = export_dataset(small_dataset, tmp_path / "out", format, progress=False)
    found = verify(import_dataset(out, tmp_path / "back", progress=False), progress=False)
    assert found.ok, str(found)
    assert found.decoded == 8


def test_what_others_wrote_is_found_sound_too(tmp_path):
    foreign_well(tmp_path / "a.hdf5")
    foreign_samples(tmp_path / "b.h5")
    for number, path in enumerate((tmp_path / "a.hdf5", tmp_path / "b.h5")):
        found = verify(import_dataset(path, tmp_path / f"back{number}", progress=False), progress=False)
        assert found.ok, str(found)
