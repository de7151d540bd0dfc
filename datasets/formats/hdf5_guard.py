"""What an HDF5 file of somebody else may hold, looked at before a number of it is read.

A file can name other files that are then read in its place (external links, external storage, virtual datasets), claim
terabytes in a few bytes, or run in circles. None of that is needed to store trajectories, so all of it is refused.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

MEMORY = 4 * 2**30
"""Bytes that one sample, or one compressed piece of a file, may take in memory unless the caller allows more."""

_MAX_OBJECTS = 2_000_000
_MAX_DEPTH = 16
_MAX_RATIO = 1100
"""No filter that is allowed here makes more bytes out of one: deflate reaches 1032."""

_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 32000: "lzf"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@contextmanager
def opened(path: Path, root: Path | None = None, memory: int = MEMORY) -> Iterator[h5py.File]:
    """The file, open for reading, when nothing in it reaches out of it or beyond the memory.

    Args:
        path: of the file.
        root: the folder that it has to lie in, links resolved; None for a file that the user named.
        memory: bytes that a piece which is decompressed at once may take.

    Raises:
        ValueError: for a file that is no HDF5 or is cut off, lies elsewhere, or holds a link, an array stored in
            another file, an unknown filter, or more numbers than its bytes can hold; file and object are named.
    """
    refuse_outside(path, root)
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise ValueError(f"{path} cannot be read as HDF5: {_reason(path, error)}.") from None
    with file:
        try:
            _check(file, path, memory)
        except (OSError, RuntimeError, KeyError, UnicodeError) as error:
            raise ValueError(f"{path} is damaged: {_one_line(error)}.") from None
        yield file


def refuse_outside(path: Path, root: Path | None) -> None:
    """Keeps a link in a folder from leading to files of another place.

    Raises:
        ValueError: when the path, links resolved, is no plain file or not below the root.
    """
    if not path.is_file():
        raise ValueError(f"{path} is no file: expected an HDF5 or netCDF file.")
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{path} is a link that leads out of {root}: put the file itself there.")


def refuse_folder_outside(folder: Path, root: Path) -> None:
    """Keeps a link in a folder from leading to a folder of another place.

    Raises:
        ValueError: when the folder, links resolved, is not below the root.
    """
    if not folder.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{folder} is a link that leads out of {root}: put the folder itself there.")


def is_safe_name(name: str) -> bool:
    """Whether a variable may have the name: letters, digits and underscores after a letter, 64 at most."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def safe_name(name: str, path: Path) -> str:
    """The name, when a variable may have it.

    Raises:
        ValueError: for any other name.
    """
    if not is_safe_name(name):
        raise ValueError(
            f"{path} holds an array named {name[:80]!r}: a variable is named by letters, digits and underscores after "
            "a letter; rename it in the file."
        )
    return name


def numbers(
    parent: h5py.Group, name: str, path: Path, shape: tuple[int | None, ...] | None = None, kinds: str = "f"
) -> h5py.Dataset:
    """The array of that name in a group, when it holds numbers and has the shape asked for.

    Args:
        parent: the group.
        name: of the array.
        path: of the file, for the error.
        shape: sizes, None for any; its length is the rank. None asks nothing.
        kinds: numpy's letters of the kinds of number that may be: "f" floats, "i" and "u" integers, "b" truth values.

    Raises:
        ValueError: when it is missing, is no array, or has another type or shape.
    """
    where = f"{parent.name.rstrip('/')}/{name}"
    found = parent.get(name)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{path} has no array {where}: expected one{_shape_text(shape)}.")
    dtype = found.dtype
    if found.shape is None:
        raise ValueError(f"The array {where} in {path} has no shape and no values: expected one{_shape_text(shape)}.")
    if is_bare_dimension(found):
        raise ValueError(f"The array {where} in {path} has no values, at most it names a dimension.")
    if dtype.kind not in kinds or dtype.itemsize > 8 or dtype.subdtype is not None or dtype.names:
        raise ValueError(f"The array {where} in {path} holds {dtype}: expected {_kinds_text(kinds)}.")
    if shape is not None and not _fits(found.shape, shape):
        raise ValueError(f"The array {where} in {path} has the shape {found.shape}: expected one{_shape_text(shape)}.")
    if 0 in (found.shape or ()):
        raise ValueError(f"The array {where} in {path} is empty, it has the shape {found.shape}.")
    return found


def coordinate(parent: h5py.Group, name: str, path: Path, points: int | None = None) -> np.ndarray:
    """The values of a coordinate, in the precision that they are stored in.

    Raises:
        ValueError: when it is missing, has another size, or holds a value that is not finite.
    """
    found = values(numbers(parent, name, path, (points,), "fiu"), (), path)
    if not np.isfinite(found).all():
        raise ValueError(f"The coordinate {parent.name.rstrip('/')}/{name} in {path} holds values that are not finite.")
    return found


def is_bare_dimension(array: h5py.Dataset) -> bool:
    """Whether an array only says how long a dimension of netCDF is: its values were never written."""
    name = array.attrs.get("NAME", b"")
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return text.startswith("This is a netCDF dimension but not a netCDF variable")


def values(array: h5py.Dataset, part: slice | tuple[()], path: Path) -> np.ndarray:
    """The numbers of a part of an array, in the byte order of this machine.

    Raises:
        ValueError: when the file is damaged there.
    """
    try:
        found = np.asarray(array[part])
    except (OSError, RuntimeError) as error:
        raise ValueError(f"The array {array.name} in {path} is damaged: {_one_line(error)}.") from None
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def _check(file: h5py.File, path: Path, memory: int) -> None:
    size = os.path.getsize(path)
    seen: set[tuple[int, int]] = set()
    todo: list[tuple[h5py.Group, int]] = [(file, 0)]
    while todo:
        group, depth = todo.pop()
        _check_attributes(group, path)
        for name in group:
            if not isinstance(name, str):  # bytes that are no UTF-8
                raise ValueError(f"{path} holds an object with the name {name!r}: expected a plain name.")
            where = f"{group.name.rstrip('/')}/{name}"
            if name in (".", "..") or "\\" in name or any(ord(letter) < 32 for letter in name):
                raise ValueError(f"{path} holds an object with the name {where!r}: expected a plain name.")
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise ValueError(f"{where} in {path} is a link into the file {link.filename!r}: expected the data.")
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{where} in {path} is a link: expected the data themselves.")
            found = group[name]
            if not isinstance(found, h5py.Group | h5py.Dataset):
                continue  # a named type: nothing here reads it
            about = h5py.h5o.get_info(found.id)
            if (about.fileno, about.addr) in seen:
                raise ValueError(f"{where} in {path} is another name of an object that was there already.")
            seen.add((about.fileno, about.addr))
            if len(seen) > _MAX_OBJECTS or depth >= _MAX_DEPTH:
                raise ValueError(f"{path} holds too many objects, or groups that lie too deep, at {where}.")
            if isinstance(found, h5py.Group):
                todo.append((found, depth + 1))
            else:
                _check_attributes(found, path)
                _check_storage(found, where, path, size, memory)


def _check_attributes(thing: h5py.Group | h5py.Dataset, path: Path) -> None:
    for name in thing.attrs:
        shape = thing.attrs.get_id(name).shape
        if shape is not None and int(np.prod(shape, dtype=object)) > 2**20:
            raise ValueError(f"The attribute {name} of {thing.name} in {path} has the shape {shape}: that is no label.")


def _check_storage(array: h5py.Dataset, where: str, path: Path, size: int, memory: int) -> None:
    if array.is_virtual:
        raise ValueError(f"{where} in {path} is put together from other files: expected the data themselves.")
    if array.external:
        raise ValueError(f"{where} in {path} is stored in the file {array.external[0][0]!r}: expected the data here.")
    if array.shape is None:
        return
    properties = array.id.get_create_plist()
    filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    for code in filters:
        if code not in _FILTERS:
            known = ", ".join(_FILTERS.values())
            raise ValueError(f"{where} in {path} is packed by the filter {code}, known are {known}: pack it anew.")
    if len(filters) != len(set(filters)):
        raise ValueError(f"{where} in {path} is packed by the same filter twice: pack it anew.")
    declared = int(np.prod(array.shape, dtype=object)) * array.dtype.itemsize
    stored = array.id.get_storage_size()
    piece = int(np.prod(array.chunks, dtype=object)) * array.dtype.itemsize if array.chunks else 0
    if is_bare_dimension(array):
        return
    if stored > size or declared > stored * (_MAX_RATIO if filters else 1):
        raise ValueError(
            f"{where} in {path} claims {declared} bytes and {min(stored, size)} are stored: the file is cut off, was "
            "never filled, or is made to exhaust the memory."
        )
    if piece > memory:
        raise ValueError(f"{where} in {path} is packed in pieces of {piece} bytes and {memory} are allowed.")


def _fits(shape: tuple[int, ...] | None, expected: tuple[int | None, ...]) -> bool:
    return (
        shape is not None
        and len(shape) == len(expected)
        and all(want is None or want == size for size, want in zip(shape, expected, strict=True))
    )


def _shape_text(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return ""
    return f" of shape ({', '.join('any' if size is None else str(size) for size in shape)})"


def _kinds_text(kinds: str) -> str:
    names = {"f": "floating-point numbers", "i": "integers", "u": "integers without sign", "b": "truth values"}
    return " or ".join(names[kind] for kind in kinds)


def _reason(path: Path, error: OSError) -> str:
    text = str(error)
    if "truncated" in text:
        return "the file is cut off, copy it again"
    if "signature" in text:
        return "it is another kind of file"
    return _one_line(error)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).strip("'\"").rstrip(".")
