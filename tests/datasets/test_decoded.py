"""Trajectories decoded once: in memory and in a cache file they are those of the store, bit for bit."""

import multiprocessing
import os
import shutil

import numpy as np
import pytest
import torch
import zarr

from pdesym.datasets import Windows, decoded, open_dataset, windows
from pdesym.datasets.decoded import cache_folder, decoded_file
from tests.datasets.made_dataset import numbered, written

TIMES = np.linspace(0, 1, 6)
U, V = numbered(5, 6, 8), numbered(5, 6, 8, seed=1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pdesym"


@pytest.fixture
def made(tmp_path):
    return written(tmp_path / "made", {"train": {"u": U, "v": V}}, times=TIMES, failed={"train": {2: "it blew up"}})


def opened(folder, place="memmap", dtype=torch.float32):
    return Windows.open(folder, "train", 2, 1, dtype=dtype, place=place)


@pytest.mark.parametrize("place", ["memory", "memmap", "device", "auto"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_numbers_are_those_of_the_store(made, place, dtype):
    found = opened(made, place, dtype)
    kept = [0, 1, 3, 4]
    expected = torch.from_numpy(np.stack([U[kept], V[kept]], axis=2)).to(dtype)
    assert torch.equal(found.u, expected)
    assert found.index.tolist() == kept
    assert found.device is None


def test_auto_maps_what_does_not_fit(made, monkeypatch, cache):
    assert opened(made, "auto").u.is_contiguous()
    assert not cache.exists()
    monkeypatch.setattr(windows, "free_memory", lambda device="cpu": 3000)
    assert torch.equal(opened(made, "auto").u, opened(made, "memory").u)
    assert len(list(cache.glob("*.frames"))) == 1
    monkeypatch.setattr(windows, "cache_room", lambda: 100)
    with pytest.raises(ValueError, match="set XDG_CACHE_HOME to a larger disk"):
        opened(made, "auto")


def test_a_cache_file_is_decoded_once_and_shared(made, cache, monkeypatch):
    first = opened(made)
    (file,) = cache.glob("*.frames")
    monkeypatch.setattr(decoded, "decode_into", None)  # would fail if it were called
    assert torch.equal(opened(made).u, first.u)
    assert [path.suffix for path in sorted(cache.iterdir())] == [".frames", ".lock"]
    shutil.move(made, made.with_name("elsewhere"))  # the same data have the same file wherever they lie
    assert torch.equal(opened(made.with_name("elsewhere")).u, first.u)
    assert file.stat().st_size == decoded._HEAD + first.u.numel() * 4


def test_what_is_written_into_mapped_numbers_stays_in_this_process(made, cache):
    found = opened(made)
    before = found.u.clone()
    found.u.zero_()
    assert torch.equal(opened(made).u, before)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: os.truncate(file, file.stat().st_size - 1),
        lambda file: os.truncate(file, 0),
        lambda file: file.write_bytes(b" " * file.stat().st_size),
        lambda file: file.write_bytes(file.read_bytes() + b"more"),
    ],
)
def test_a_cache_file_that_is_not_whole_is_made_again(made, cache, spoil):
    first = opened(made, "memory")
    opened(made)
    (file,) = cache.glob("*.frames")
    spoil(file)
    assert torch.equal(opened(made).u, first.u)


def test_a_file_that_is_cut_short_later_is_said(made, cache):
    with open_dataset(made, "train") as data:
        file = decoded_file(made, "train", data, torch.float32)
    os.truncate(file.path, file.path.stat().st_size - 1)
    with pytest.raises(ValueError, match="is truncated or holds other data: open the dataset again"):
        file.mapped()
    file.path.unlink()
    with pytest.raises(FileNotFoundError, match="is gone: open the dataset again"):
        file.mapped()


def test_other_data_in_the_same_place_are_not_taken_for_the_old(made, cache):
    opened(made)
    shutil.rmtree(made)
    changed = U.copy()
    changed[4, 5, 7] = 9.0  # one number; every shape and attribute is as it was
    written(made, {"train": {"u": changed, "v": V}}, times=TIMES, failed={"train": {2: "it blew up"}})
    assert opened(made).u[-1, 5, 0, 7] == 9.0
    assert len(list(cache.glob("*.frames"))) == 2


def test_a_full_disk_leaves_nothing_and_says_what_to_do(made, cache, monkeypatch):
    def full(descriptor, offset, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"could not be written \(No space left on device\): make room.*place='memory'"):
        opened(made)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_a_damaged_shard_leaves_no_cache_file(made, cache):
    path = next(path for path in (made / "data.zarr/train/v/c/1").rglob("*") if path.is_file())
    content = bytearray(path.read_bytes())
    content[20] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match="The samples 2 to 3 of v in made: train cannot be decoded"):
        opened(made)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


@pytest.mark.parametrize("place", ["memory", "memmap"])
def test_a_shard_that_is_gone_is_no_data(made, place):
    shutil.rmtree(made / "data.zarr/train/v/c/1")
    with pytest.raises(ValueError, match=r"train/v/c/1/0/0 is gone: repeat the command"):
        opened(made, place)


def test_the_folder_is_that_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "pdesym"


def _digest(folder, queue):
    queue.put(float(opened(folder).u.double().sum()))


def test_processes_that_come_at_once_share_one_file(made, cache):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=_digest, args=(made, queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    sums = {queue.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(60)
    assert len(sums) == 1
    assert len(list(cache.glob("*.frames"))) == 1
    assert not list(cache.glob("*.partial"))


def test_other_words_for_a_place_and_other_numbers_are_refused(made):
    with pytest.raises((ValueError, TypeError), match="place"):
        opened(made, "ram")
    with pytest.raises(ValueError, match=r"Expected float16, float32 or float64 numbers, got torch\.int32"):
        opened(made, dtype=torch.int32)


def test_all_failed_is_said(tmp_path):
    folder = written(tmp_path / "f", {"train": {"u": U}}, times=TIMES, failed={"train": dict.fromkeys(range(5), "no")})
    with pytest.raises(ValueError, match="All samples of made: train failed"):
        opened(folder)


@pytest.mark.parametrize("place", ["memory", "memmap"])
@pytest.mark.parametrize(("stored", "asked", "least"), [("float32", "float16", 65600), ("float64", "float32", 5e38)])
def test_numbers_that_would_become_infinite_are_refused(tmp_path, cache, place, stored, asked, least):
    fine, large = U.astype(stored), U.astype(stored)
    fine[4, 5, 7] = least / 2.1
    large[4, 5, 7] = -least
    dtype = getattr(torch, asked)
    found = opened(written(tmp_path / "fine", {"train": {"v": V, "u": fine}}, times=TIMES), place, dtype)
    assert found.u.isfinite().all()
    folder = written(tmp_path / "large", {"train": {"v": V, "u": large}}, times=TIMES)
    with pytest.raises(
        ValueError, match=f"u of made: train has values up to .*, and those of {asked} reach to .*{stored}"
    ):
        opened(folder, place, dtype)
    assert not [path for path in cache.glob("*") if path.suffix == ".partial"]
    assert opened(folder, place, getattr(torch, stored)).u[4, 5, 1, 7] == large[4, 5, 7]


def test_what_is_infinite_already_stays_so(tmp_path):
    folder = written(tmp_path / "made", {"train": {"u": U}}, times=TIMES)
    zarr.open_array(folder / "data.zarr", path="train/u", mode="r+")[4, 5, 7] = np.inf  # writing a shard refuses it
    found = opened(folder, "memory", torch.float16)
    assert found.u[4, 5, 0, 7] == np.inf
