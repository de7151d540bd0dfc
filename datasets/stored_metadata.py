"""What the metadata of a stored dataset say, checked before anything is read by them."""

import json
from pathlib import Path
from typing import Any

from pdesym.datasets import schema
from pdesym.datasets.recipe import SPLITS
from pdesym.datasets.recipe_problem import did_you_mean, shown

METADATA = "zarr.json"

_ARRAY_KEYS = {"shape": list, "data_type": str, "dimension_names": list, "chunk_grid": dict, "codecs": list}
_LISTS = ("fields", "variables", "equation_text", "where")


def splits_in(directory: Path) -> tuple[str, ...]:
    """The splits that a dataset has, in the order train, valid, test.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
    """
    store = directory / schema.STORE
    if not store.is_dir():
        begun = (directory / schema.RECIPE_FILE).is_file()
        raise FileNotFoundError(
            f"{directory} holds the beginning of a dataset, and no {schema.STORE} yet: repeat the command that "
            "generates it."
            if begun
            else f"{directory} holds no dataset: expected a folder that `generate` or an import has filled, with "
            f"{schema.STORE} in it."
        )
    return tuple(split for split in SPLITS if (store / split).is_dir())


def require_split(directory: Path, split: str) -> None:
    """Refuses a split that a dataset does not have.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: when it has no such split.
    """
    splits = splits_in(directory)
    if split not in splits:
        guess = did_you_mean(split, list(splits))
        raise ValueError(
            f"The dataset in {directory} has no split {split}{guess}: it has {', '.join(splits) or 'none at all'}."
        )


def attributes_of(directory: Path, split: str) -> dict[str, Any]:
    """The attributes of a split; `fields`, `variables`, `equation_text`, `where` and `parameters` decoded from JSON.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: when it has no such split, is of another version of the layout, or its metadata are damaged: the
            sentence names the file and the key.
    """
    require_split(directory, split)
    path = directory / schema.STORE / split / METADATA
    attributes = _key(_loaded(path), "attributes", dict, path)
    version = _key(attributes, "pdesym_schema", int, path)
    if version != schema.VERSION:
        made = attributes.get("pdesym_version", "that wrote it")
        raise ValueError(
            f"The dataset in {directory} has the layout {version} and this version reads {schema.VERSION}: generate it "
            f"again, or read it with pdesym {made}."
        )
    return decoded_attributes(attributes, path)


def decoded_attributes(attributes: dict[str, Any], path: Path | str) -> dict[str, Any]:
    """Attributes of a split with the texts that hold JSON decoded; `path` is where they stand, for errors.

    Raises:
        ValueError: naming the key that is missing or damaged.
    """
    read = dict(attributes)
    for key in _LISTS:
        read[key] = _texts({"variables": "[]", **attributes}, key, path)
    if not read["fields"]:
        raise ValueError(f"{path} is damaged: the key fields names no field.")
    if not all(field.isidentifier() for field in read["fields"]):
        raise ValueError(f"{path} is damaged: the key fields is {shown(list(read['fields']))}, expected names.")
    read["parameters"] = _numbers(attributes, path)
    if _key(attributes, "shard", int, path) < 1:
        raise ValueError(f"{path} is damaged: the key shard is {attributes['shard']}, expected 1 or more samples.")
    return read


def require_arrays(directory: Path, split: str, fields: tuple[str, ...]) -> None:
    """Refuses a split whose fields, coordinates or marks are missing or do not fit together, by their metadata alone.

    Raises:
        ValueError: naming the file, and the key where it is one.
    """
    group = directory / schema.STORE / split
    sizes: dict[str, int] = {}
    for field in fields:
        names, shape = _array(group / field / METADATA)
        if names[:2] != ("sample", "time") or not 3 <= len(names) <= 5:
            raise ValueError(
                f"{group / field / METADATA} is damaged: the key dimension_names is {list(names)}, expected sample, "
                "time and then the axes of the grid."
            )
        for name, size in zip(names, shape, strict=True):
            if sizes.setdefault(name, size) != size:
                raise ValueError(
                    f"{group / field / METADATA} is damaged: the key shape says {size} along {name}, and another field "
                    f"has {sizes[name]}."
                )
    for axis, size in sizes.items():
        _require_shape(group / axis / METADATA, (axis,), (size,))
    _require_shape(group / schema.STATUS / METADATA, ("sample",), (sizes["sample"],))


def _require_shape(path: Path, names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    found = _array(path)
    if found != (names, shape):
        raise ValueError(
            f"{path} is damaged: the keys dimension_names and shape are {list(found[0])} and {list(found[1])}, the "
            f"fields have {list(names)} and {list(shape)}."
        )


def _array(path: Path) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names and sizes of the axes of an array."""
    metadata = _loaded(path)
    for key, expected in {"zarr_format": 3, "node_type": "array"}.items():
        if metadata.get(key) != expected:
            raise ValueError(f"{path} is damaged: the key {key} is {shown(metadata.get(key))}, expected {expected}.")
    for key, kind in _ARRAY_KEYS.items():
        _key(metadata, key, kind, path)
    names, shape = tuple(metadata["dimension_names"]), tuple(metadata["shape"])
    if not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in shape):
        raise ValueError(f"{path} is damaged: the key shape is {shown(list(shape))}, expected numbers above 0.")
    if len(names) != len(shape) or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"{path} is damaged: the key dimension_names is {shown(list(names))}, expected {len(shape)} names."
        )
    return names, shape


def _loaded(path: Path) -> dict[str, Any]:
    # A pipe would be waited for.
    if path.exists() and not (path.is_file() and path.stat().st_size <= schema.MOST_METADATA_BYTES):
        raise ValueError(f"{path} is damaged: expected a file of metadata, of some kilobytes.")
    try:
        loaded = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({(error.strerror or 'no such file').lower()}).") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is damaged: it is not JSON.") from None
    if not isinstance(loaded, dict):
        raise ValueError(f"{path} is damaged: expected keys and values, got {shown(loaded)}.")
    return loaded


def _key(mapping: dict[str, Any], key: str, kind: type, path: Path | str) -> Any:
    if key not in mapping:
        raise ValueError(f"{path} is damaged: the key {key} is missing.")
    if not isinstance(mapping[key], kind) or isinstance(mapping[key], bool):
        expected = {int: "a whole number", str: "text", list: "a list", dict: "keys and values"}[kind]
        raise ValueError(f"{path} is damaged: the key {key} is {shown(mapping[key])}, expected {expected}.")
    return mapping[key]


def _json(attributes: dict[str, Any], key: str, path: Path | str) -> Any:
    text = _key(attributes, key, str, path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is damaged: the key {key} is {shown(text)}, expected JSON.") from None


def _texts(attributes: dict[str, Any], key: str, path: Path | str) -> tuple[str, ...]:
    found = _json(attributes, key, path)
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise ValueError(f"{path} is damaged: the key {key} is {shown(found)}, expected a list of texts.")
    return tuple(found)


def _numbers(attributes: dict[str, Any], path: Path | str) -> dict[str, float]:
    found = _json(attributes, "parameters", path)
    if not isinstance(found, dict) or not all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in found.values()
    ):
        raise ValueError(f"{path} is damaged: the key parameters is {shown(found)}, expected numbers by name.")
    return {name: float(value) for name, value in found.items()}
