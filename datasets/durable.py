"""Files that survive a loss of power: what is on the disk, and not only with the system, when a function returns."""

import errno
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

# Some network file systems have no such operation for folders; they keep names at once.
_NOT_FOR_FOLDERS = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
_AT_ONCE = 16


def replace_file(path: Path, text: str, only_new: bool = False) -> None:
    """Writes a file that appears with all of the text or not at all; one that is there stays when `only_new`."""
    if not (only_new and path.exists()):
        replace_written(path, lambda stream: stream.write(text.encode("utf-8")))


def replace_written(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """The same for a file of bytes, which `write` puts into a stream."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with open(partial, "wb") as stream:
        write(stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    _flush_folder(path.parent)


def flush(files: Iterable[Path], top: Path) -> None:
    """Brings files to the disk, and the names of them and of the folders that lead to them from `top`."""
    files = list(files)
    folders = {folder for file in files for folder in file.parents if folder.is_relative_to(top)}
    # All at once: a disk then needs hardly more time than for one.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in (pool.map(flush_one, files), pool.map(_flush_folder, folders)):
            list(done)


def _flush_folder(folder: Path) -> None:
    try:
        flush_one(folder)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise


def flush_one(path: Path) -> None:
    """Brings one file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
