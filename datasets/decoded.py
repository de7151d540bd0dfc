"""Trajectories decoded once, shard by shard: into memory, or into a cache file that processes map.

A cache file is a block that says what it holds, then the numbers (sample, time, channel, *space) as they lie in memory.
It is named by a digest of the metadata, the marks and the checksums of the split, so that other data never have its
name; it appears by renaming a finished file. Cache files may be deleted at any time.
"""

import errno
import hashlib
import json
import math
import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray
from torch import Tensor

from pdesym.datasets import schema
from pdesym.datasets.locks import take_lock
from pdesym.datasets.schema import CHECKSUM, COMPLETE, STATUS
from pdesym.datasets.stored import axes_of_data, fields_of_data, title_of_data
from pdesym.datasets.stored_metadata import METADATA

_HEAD = 4096
_DTYPES = {torch.float16: "float16", torch.float32: "float32", torch.float64: "float64"}


def kept_samples(data: xarray.Dataset) -> np.ndarray:
    """The positions of the samples whose data are all there: those that failed are left out.

    Raises:
        ValueError: when there is none.
    """
    kept = np.flatnonzero(data[STATUS].values == COMPLETE)
    if not len(kept):
        raise ValueError(f"All samples of {title_of_data(data)} failed: there is nothing to read.")
    return kept


def decoded_shape(data: xarray.Dataset) -> tuple[int, ...]:
    """(sample, time, channel, *space) of the samples that are kept."""
    sizes = data.sizes
    space = tuple(sizes[axis] for axis in axes_of_data(data))
    return (len(kept_samples(data)), sizes["time"], len(fields_of_data(data)), *space)


def shards_of(data: xarray.Dataset) -> Iterator[slice]:
    """The pieces in which the samples are stored: what is read in such pieces is decoded once."""
    samples, shard = data.sizes["sample"], int(data.attrs["shard"])
    return (slice(first, min(first + shard, samples)) for first in range(0, samples, shard))


def decode_into(out: np.ndarray | Tensor, data: xarray.Dataset) -> None:
    """Fills `out`, of the shape of `decoded_shape`, with the samples that are kept, one shard at a time.

    Raises:
        ValueError: when a file of the dataset is damaged, naming split, field and samples, or holds a finite number
            that is beyond the range of those of `out`.
    """
    kept, at = kept_samples(data), 0
    for part in shards_of(data):
        count = 0
        for channel, field in enumerate(fields_of_data(data)):
            values = kept_values(data, field, part, kept)
            count = len(values)
            target = out[at : at + count, :, channel]
            with np.errstate(over="ignore"):  # said below
                if isinstance(target, Tensor):
                    target.copy_(torch.from_numpy(np.ascontiguousarray(values)))
                else:
                    target[...] = values
            _require_range(np.asarray(target), values, field, data)
        at += count


def _require_range(found: np.ndarray, values: np.ndarray, field: str, data: xarray.Dataset) -> None:
    """Refuses numbers that became infinite because those of the type asked for do not reach as far.

    Raises:
        ValueError: saying the field, the largest value and the range.
    """
    if np.can_cast(values.dtype, found.dtype):
        return
    finite = np.isfinite(values)
    if not np.isfinite(found[finite]).all():
        raise ValueError(
            f"The field {field} of {title_of_data(data)} has values up to {np.abs(values[finite]).max():.3g}, and "
            f"those of {found.dtype} reach to {np.finfo(found.dtype).max:.3g}: ask for numbers of {values.dtype}."
        )


def stored_values(data: xarray.Dataset, name: str, part: slice) -> np.ndarray:
    """Some samples of a variable, from the disk.

    Raises:
        ValueError: when a file of them is damaged, naming the variable and the samples.
    """
    try:
        return np.asarray(data[name][part].values)
    except Exception as error:  # whatever zarr and its codecs say
        raise ValueError(
            f"The samples {part.start} to {part.stop - 1} of {name} in {title_of_data(data)} cannot be decoded "
            f"({' '.join(str(error).split())}): the file is damaged, generate it again or take another copy."
        ) from error


def kept_values(data: xarray.Dataset, field: str, part: slice, kept: np.ndarray) -> np.ndarray:
    """The values of a field of those samples of a shard that are kept.

    Raises:
        ValueError: when they cannot be decoded, or are lost: what a file that is gone reads as.
    """
    rows = kept[(kept >= part.start) & (kept < part.stop)] - part.start
    values = stored_values(data, field, part)
    if len(rows) < len(values):
        values = values[rows]
    for row, sample in zip(rows.tolist(), values, strict=True):
        if np.isnan(sample.flat[0]) and np.isnan(sample).all():
            raise ValueError(
                f"The values of sample {part.start + row} of {field} in {title_of_data(data)} are lost: its file is "
                "gone, generate it again or take another copy."
            )
    return values


@dataclass(frozen=True)
class DecodedFile:
    """A cache file.

    Args:
        path: where it lies.
        shape: (sample, time, channel, *space).
        dtype: of the numbers.
        digest: of the data that it was decoded from.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: torch.dtype
    digest: str

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize

    def is_whole(self) -> bool:
        """Whether the file is there, says that it holds these numbers, and has the size of all of them."""
        try:
            with open(self.path, "rb") as file:
                return os.fstat(file.fileno()).st_size == _HEAD + self.nbytes and file.read(_HEAD) == self._head
        except OSError:
            return False

    def mapped(self) -> Tensor:
        """The numbers, read from the file when they are asked for; what is written into them stays in this process.

        Raises:
            FileNotFoundError: when the file is gone.
            ValueError: when it is not whole.
        """
        if not self.path.exists():
            raise FileNotFoundError(f"The cache file {self.path} is gone: open the dataset again.")
        if not self.is_whole():
            raise ValueError(f"The cache file {self.path} is truncated or holds other data: open the dataset again.")
        with open(self.path, "rb") as file:
            # Private pages, and none reserved: a file may be larger than the memory.
            flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_NORESERVE", 0)
            pages = mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        return torch.frombuffer(pages, dtype=self.dtype, offset=_HEAD).reshape(self.shape)

    def fill(self, decode: Callable[[np.ndarray], None]) -> None:
        """Writes the file, unless it is whole: under another name first, forced to disk, then renamed.

        Raises:
            OSError: when it cannot be written, on a full disk say; nothing of it stays.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "ab") as lock:
            take_lock(lock)
            if self.is_whole():  # by another process, meanwhile
                return
            partial = self.path.with_suffix(".partial")
            try:
                with open(partial, "wb") as file:
                    file.write(self._head)
                    _reserve(file.fileno(), _HEAD + self.nbytes)
                numbers = np.memmap(partial, _DTYPES[self.dtype], "r+", offset=_HEAD, shape=self.shape)
                decode(numbers)
                numbers.flush()
                del numbers
                os.replace(partial, self.path)
            except OSError as error:
                raise OSError(
                    f"The cache file {self.path} of {self.nbytes / 2**20:.0f} MiB could not be written "
                    f"({error.strerror or error}): make room, set XDG_CACHE_HOME to another disk, or open the dataset "
                    "with place='memory'."
                ) from error
            finally:
                partial.unlink(missing_ok=True)

    @property
    def _head(self) -> bytes:
        about = {"pdesym_decoded": 1, "digest": self.digest, "shape": self.shape, "dtype": _DTYPES[self.dtype]}
        return json.dumps(about).encode().ljust(_HEAD)


def decoded_file(directory: Path, split: str, data: xarray.Dataset, dtype: torch.dtype) -> DecodedFile:
    """The cache file of a split: decoded now where it is not there, or is stale, or was cut short.

    Raises:
        ValueError: for another precision than float16, float32 and float64, or damaged data.
        OSError: when the file cannot be written.
    """
    if dtype not in _DTYPES:
        raise ValueError(f"Expected float16, float32 or float64 numbers, got {dtype}.")
    digest = digest_of(directory, split, data, dtype)
    name = "".join(c if c.isalnum() else "-" for c in str(data.attrs.get("name", "dataset")))[:40]
    file = DecodedFile(cache_folder() / f"{name}-{split}-{digest}.frames", decoded_shape(data), dtype, digest)
    if not file.is_whole():
        file.fill(lambda numbers: decode_into(numbers, data))
    return file


def cache_folder() -> Path:
    """Where cache files lie: `pdesym` in XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pdesym"


def cache_room() -> int:
    """Bytes that are free where cache files lie."""
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def digest_of(directory: Path, split: str, data: xarray.Dataset, dtype: torch.dtype) -> str:
    """A short hash of all that decides the numbers: the metadata of the split, its marks and checksums, the precision.

    A dataset without checksums adds the sizes and the times of change of its files.
    """
    hashed = hashlib.blake2b(f"{split} {_DTYPES[dtype]}".encode(), digest_size=10)
    group = directory / schema.STORE / split
    for path in sorted([group / METADATA, *group.glob(f"*/{METADATA}")]):
        hashed.update(f"{path.relative_to(group)}\n".encode() + path.read_bytes())
    hashed.update(np.ascontiguousarray(data[STATUS].values).tobytes())
    if CHECKSUM in data.data_vars:
        hashed.update(np.ascontiguousarray(data[CHECKSUM].values).tobytes())
    else:
        for path in sorted(path for path in group.rglob("*") if path.is_file()):
            found = path.stat()
            hashed.update(f"{path.relative_to(group)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return hashed.hexdigest()


def _reserve(descriptor: int, size: int) -> None:
    """Takes the room on the disk now: a map of a file that finds the disk full ends its process."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
        os.truncate(descriptor, size)
