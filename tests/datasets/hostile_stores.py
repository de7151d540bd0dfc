"""Datasets that were damaged or made up: every case changes one thing in a complete one."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Change = Callable[[Path], object]


@dataclass(frozen=True)
class HostileStore:
    """What is done to a complete dataset with the splits train and valid.

    Attributes:
        name: of the case.
        change: does it, given the folder.
        mention: the file or the key that the refusal has to name, as a regular expression.
        opens: whether opening the split train, which reads no values, may succeed.
        seldom: whether the case is much like another.
    """

    name: str
    change: Change
    mention: str
    opens: bool = False
    seldom: bool = False


def _edit(file: str, *path: str | int, value: object) -> Change:
    """Sets one entry of a JSON file."""

    def change(folder: Path) -> None:
        data = json.loads((folder / file).read_text())
        section = data
        for key in path[:-1]:
            section = section[key]
        section[path[-1]] = value
        (folder / file).write_text(json.dumps(data))

    return change


def _drop(file: str, *path: str | int) -> Change:
    """Removes one entry of a JSON file."""

    def change(folder: Path) -> None:
        data = json.loads((folder / file).read_text())
        section = data
        for key in path[:-1]:
            section = section[key]
        del section[path[-1]]
        (folder / file).write_text(json.dumps(data))

    return change


def _everywhere(path: tuple[str | int, ...], value: object) -> Change:
    """Sets one entry of the metadata of the split train, and in the gathered copy, as somebody with a purpose would."""
    node, *inner = path

    def change(folder: Path) -> None:
        own = folder / "data.zarr" / str(node) / "zarr.json"
        _edit(str(own.relative_to(folder)), *inner, value=value)(folder)
        gathered = json.loads((folder / "data.zarr/zarr.json").read_text())
        if gathered.get("consolidated_metadata"):
            gathered["consolidated_metadata"]["metadata"][node] = json.loads(own.read_text())
            (folder / "data.zarr/zarr.json").write_text(json.dumps(gathered))

    return change


def _with_bytes(file: str, content: bytes) -> Change:
    return lambda folder: (folder / file).write_bytes(content)


def _truncated(file: str, keep: float) -> Change:
    def change(folder: Path) -> None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: int(len(content) * keep)])

    return change


def _without(path: str) -> Change:
    def change(folder: Path) -> None:
        target = folder / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()

    return change


def _link(path: str, target: str) -> Change:
    """Puts a symbolic link where something was."""

    def change(folder: Path) -> None:
        _without(path)(folder)
        os.symlink(target, folder / path)

    return change


def _moved_out(path: str) -> Change:
    """The same content, but outside of the folder, behind a link."""

    def change(folder: Path) -> None:
        outside = folder.parent / "elsewhere"
        shutil.move(folder / path, outside)
        os.symlink(outside, folder / path)

    return change


def _folder(path: str) -> Change:
    def change(folder: Path) -> None:
        _without(path)(folder)
        (folder / path).mkdir()

    return change


def _pipe(path: str) -> Change:
    def change(folder: Path) -> None:
        _without(path)(folder)
        os.mkfifo(folder / path)

    return change


def _values(array: str, where: Any, value: object) -> Change:
    """Rewrites values through zarr, so that every code of the file is right."""

    def change(folder: Path) -> None:
        import zarr

        zarr.open_array(folder / "data.zarr" / array, mode="r+")[where] = value

    return change


def _recipe(change_of: Callable[[dict[str, Any]], object]) -> Change:
    def change(folder: Path) -> None:
        data = yaml.safe_load((folder / "recipe.yaml").read_text())
        change_of(data)
        (folder / "recipe.yaml").write_text(yaml.safe_dump(data, sort_keys=False))

    return change


def _swapped(one: str, other: str) -> Change:
    def change(folder: Path) -> None:
        first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
        (folder / one).write_bytes(second)
        (folder / other).write_bytes(first)

    return change


ROOT, TRAIN = "data.zarr/zarr.json", "data.zarr/train/zarr.json"
U = "data.zarr/train/u/zarr.json"
SHARD = "data.zarr/train/u/c/0/0/0"

_FILES = [
    ("no store", _without("data.zarr"), r"data\.zarr|holds no dataset"),
    ("no metadata of the store", _without(ROOT), r"zarr\.json|data\.zarr"),
    ("no metadata of a split", _without(TRAIN), r"train"),
    ("no metadata of a field", _without(U), r"\bu\b"),
    ("no metadata of the status", _without("data.zarr/train/status/zarr.json"), r"status"),
    ("no split", _without("data.zarr/train"), r"train"),
    ("no field", _without("data.zarr/train/u"), r"\bu\b"),
    ("no checksum", _without("data.zarr/train/checksum"), r"checksum"),
    ("no status", _without("data.zarr/train/status"), r"status"),
    ("no times", _without("data.zarr/train/time"), r"time"),
    ("no recipe", _without("recipe.yaml"), r"recipe\.yaml|holds no dataset"),
    ("the store is a file", lambda folder: (_without("data.zarr")(folder), _with_bytes("data.zarr", b"x")(folder)),
     r"data\.zarr|holds no dataset"),
    ("the recipe is a folder", _folder("recipe.yaml"), r"recipe\.yaml|holds no dataset"),
    ("the recipe is a link to a file outside", _link("recipe.yaml", "/etc/passwd"), r"recipe\.yaml|link"),
    ("the recipe is a link to itself", _link("recipe.yaml", "recipe.yaml"), r"recipe\.yaml|holds no dataset"),
    ("the recipe is a link to nothing", _link("recipe.yaml", "nowhere"), r"recipe\.yaml|holds no dataset"),
    ("the recipe is a pipe", _pipe("recipe.yaml"), r"recipe\.yaml|holds no dataset"),
    ("the recipe is empty", _with_bytes("recipe.yaml", b""), r"recipe\.yaml"),
    ("the recipe is binary", _with_bytes("recipe.yaml", bytes(range(128, 256))), r"recipe\.yaml"),
    ("the recipe calls Python", _with_bytes("recipe.yaml", b"x: !!python/object/apply:os.system ['touch canary']"),
     r"recipe\.yaml"),
    ("the recipe lacks its grid", _recipe(lambda data: data.pop("grid")), r"recipe\.yaml.* grid"),
    ("the recipe has a key too many", _recipe(lambda data: data.update(extra=1)), r"extra in .*recipe\.yaml"),
    ("the store is a link to itself", _link("data.zarr", "data.zarr"), r"data\.zarr|holds no dataset"),
    ("the store is a link to a folder outside", _moved_out("data.zarr"), r"data\.zarr|link"),
    ("a split is a link to a folder outside", _moved_out("data.zarr/train"), r"train|link"),
    ("a field is a link to a folder outside", _moved_out("data.zarr/train/u"), r"\bu\b|link"),
    ("a split is a link to its parent", _link("data.zarr/train", "../data.zarr"), r"train|link"),
    ("the metadata of a split are a pipe", _pipe(TRAIN), r"train"),
]  # fmt: skip

_JSON = [
    (f"the metadata of the {what} are {state}", change, mention)
    for what, file, mention in [("store", ROOT, r"zarr"), ("split", TRAIN, r"train"), ("field", U, r"\bu\b")]
    for state, change in [
        ("empty", _with_bytes(file, b"")),
        ("truncated", _truncated(file, 0.6)),
        ("binary", _with_bytes(file, bytes(range(128, 256)))),
        ("a list", _with_bytes(file, b"[]")),
        ("nothing", _with_bytes(file, b"null")),
        ("nested too deep", _with_bytes(file, b"[" * 100_000 + b"]" * 100_000)),
        ("of another format", _edit(file, "zarr_format", value=2)),
        ("of another kind", _edit(file, "node_type", value="pancake")),
        ("without attributes", _drop(file, "attributes")) if file != ROOT else ("a number", _with_bytes(file, b"7")),
    ]
]

_HUGE = 2**50

_ARRAYS = [
    ("a huge shape", _everywhere(("train/u", "shape"), [_HUGE, 3, 16]), r"\bu\b"),
    ("a huge shape of every axis", _everywhere(("train/u", "shape"), [_HUGE, _HUGE, _HUGE]), r"\bu\b"),
    ("a negative shape", _everywhere(("train/u", "shape"), [-4, 3, 16]), r"\bu\b"),
    ("a shape of words", _everywhere(("train/u", "shape"), ["many", 3, 16]), r"\bu\b"),
    ("a shape of fewer axes", _everywhere(("train/u", "shape"), [4, 48]), r"\bu\b"),
    ("a shape of fewer samples", _everywhere(("train/u", "shape"), [2, 3, 16]), r"\bu\b|sample"),
    ("another kind of numbers", _everywhere(("train/u", "data_type"), "float64"), r"\bu\b"),
    ("a kind of numbers that is none", _everywhere(("train/u", "data_type"), "float3"), r"\bu\b"),
    ("objects for numbers", _everywhere(("train/u", "data_type"), "object"), r"\bu\b"),
    ("words for numbers", _everywhere(("train/u", "data_type"), "string"), r"\bu\b"),
    ("an unknown codec", _everywhere(("train/u", "codecs"), [{"name": "quantum"}]), r"\bu\b"),
    ("no codecs", _everywhere(("train/u", "codecs"), []), r"\bu\b"),
    ("a codec of the wrong kind", _everywhere(("train/u", "codecs"), 5), r"\bu\b"),
    ("an unknown grid of chunks", _everywhere(("train/u", "chunk_grid"), {"name": "hexagonal"}), r"\bu\b"),
    ("chunks of nothing", _everywhere(("train/u", "chunk_grid"),
                                      {"name": "regular", "configuration": {"chunk_shape": [0, 0, 0]}}), r"\bu\b"),
    ("chunks that are huge", _everywhere(("train/u", "chunk_grid"), {"name": "regular", "configuration":
                                         {"chunk_shape": [_HUGE, _HUGE, _HUGE]}}), r"\bu\b"),
    ("names of chunks that climb", _everywhere(("train/u", "chunk_key_encoding"),
                                               {"name": "../../..", "configuration": {}}), r"\bu\b"),
    ("no fill value", _everywhere(("train/u", "fill_value"), None), r"\bu\b"),
    ("a fill value of words", _everywhere(("train/u", "fill_value"), "water"), r"\bu\b"),
    ("other names of axes", _everywhere(("train/u", "dimension_names"), ["a", "b", "c"]), r"\bu\b"),
    ("one name of an axis", _everywhere(("train/u", "dimension_names"), ["sample"]), r"\bu\b"),
    ("axes all of one name", _everywhere(("train/u", "dimension_names"), ["x", "x", "x"]), r"\bu\b"),
    ("names of axes that are numbers", _everywhere(("train/u", "dimension_names"), [1, 2, 3]), r"\bu\b"),
    ("a status of another length", _everywhere(("train/status", "shape"), [9]), r"status|sample"),
    ("a status of floats", _everywhere(("train/status", "data_type"), "float32"), r"status"),
    ("a checksum of floats", _everywhere(("train/checksum", "data_type"), "float64"), r"checksum"),
]  # fmt: skip

_ATTRIBUTES = [
    ("the version of tomorrow", _everywhere(("train", "attributes", "pdesym_schema"), 99), r"99|pdesym_schema"),
    ("a version of words", _everywhere(("train", "attributes", "pdesym_schema"), "two"), r"two|pdesym_schema"),
    ("no version", lambda folder: _lacking("pdesym_schema", folder), r"pdesym_schema|layout"),
    ("a list of attributes", _everywhere(("train", "attributes"), [1, 2]), r"train"),
    ("attributes that are nothing", _everywhere(("train", "attributes"), {}), r"train"),
    ("fields that are no list", _everywhere(("train", "attributes", "fields"), "{"), r"fields"),
    ("fields that are elsewhere", _everywhere(("train", "attributes", "fields"), '["../../../etc/passwd"]'), r"fields"),
    ("fields that do not exist", _everywhere(("train", "attributes", "fields"), '["w"]'), r"fields|\bw\b"),
    ("fields that are a number", _everywhere(("train", "attributes", "fields"), 5), r"fields"),
    ("no fields", lambda folder: _lacking("fields", folder), r"fields"),
]


def _lacking(key: str, folder: Path) -> None:
    own = folder / TRAIN
    attributes = json.loads(own.read_text())["attributes"]
    del attributes[key]
    _everywhere(("train", "attributes"), attributes)(folder)


_EDITED = [
    (f"another {key}", _everywhere(("train", "attributes", key), value), key)
    for key, value in [
        ("equation", "u_t = u_xx"),
        ("seed", 99),
        ("rtol", 1e-9),
        ("parameters", '{"nu": 4.0}'),
        ("title", "<script>alert(1)</script>"),
        ("split", "valid"),
        ("recipe", "x: !!python/object/apply:os.system ['touch canary']"),
        ("complete", 0),
        ("failures", "{not json"),
        ("shard", -1),
    ]
]

_NAN = float("nan")

_VALUES = [
    ("a truncated shard", _truncated(SHARD, 0.5), r"train/u"),
    ("an empty shard", _with_bytes(SHARD, b""), r"train/u"),
    ("a shard of noise", _with_bytes(SHARD, bytes(range(256)) * 4), r"train/u"),
    ("a shard too many", _with_bytes("data.zarr/train/u/c/0/0/7", b"noise"), r"train/u"),
    ("no shard", _without(SHARD), r"train/u"),
    ("a shard that is a link", _link(SHARD, "/dev/zero"), r"train/u|link"),
    ("two shards swapped", _swapped("data.zarr/train/u/c/0/0/0", "data.zarr/train/u/c/1/0/0"), r"train"),
    ("a shard of the other split", lambda folder: shutil.copy(folder / "data.zarr/valid/u/c/0/0/0", folder / SHARD),
     r"train"),
    ("nothing where it is complete", _values("train/u", (1, 2, 3), _NAN), r"train.* 1\b"),
    ("infinity where it is complete", _values("train/u", (1, 2, 3), float("inf")), r"train.* 1\b"),
    ("one value that is another", _values("train/u", (0, 1, 5), 0.125), r"train.* 0\b"),
    ("a parameter that is another", _values("train/nu", 2, 0.5), r"train.* 2\b"),
    ("a checksum that is another", _values("train/checksum", 3, 1), r"train.* 3\b"),
    ("times that do not increase", _values("train/time", slice(None), 0.0), r"train/time"),
    ("times that are nothing", _values("train/time", slice(None), _NAN), r"train/time"),
    ("points that do not increase", _values("train/x", 3, -1.0), r"train/x"),
    ("a status that is todo", _values("train/status", 1, 0), r"status"),
    ("a status that is failed", _values("train/status", 1, 2), r"status"),
    ("a status that is none", _values("train/status", 1, 77), r"status"),
    ("a file too many", _with_bytes("data.zarr/train/notes.txt", b"hello"), r"notes\.txt"),
    ("a manifest of noise", _with_bytes("manifest.json", bytes(range(128, 256))), r"manifest\.json"),
    ("a manifest that is a list", _with_bytes("manifest.json", b"[]"), r"manifest\.json"),
    ("no manifest", _without("manifest.json"), r"manifest\.json|not complete"),
    ("a manifest nested too deep", _with_bytes("manifest.json", b"[" * 100_000), r"manifest\.json"),
]  # fmt: skip

_OPENING = {
    *(
        name
        for name, _, _ in [*_FILES, *_JSON]
        if "recipe" in name or "of the store" in name or "folder outside" in name
    ),
    "no checksum",
    "the metadata of the field are without attributes",
}
"""A split is read by its own metadata: neither the recipe nor what was gathered of all splits is asked."""

CASES = [
    *(HostileStore(*case, opens=case[0] in _OPENING, seldom="of the store are" in case[0])
      for case in [*_FILES, *_JSON, *_ATTRIBUTES]),
    *(HostileStore(f"a field with {name}" if r"\bu\b" in mention else name, change, mention, opens=True)
      for name, change, mention in _ARRAYS),
    *(HostileStore(*case, opens=True, seldom=True) for case in _EDITED),
    *(HostileStore(*case, opens=True) for case in _VALUES),
]  # fmt: skip
