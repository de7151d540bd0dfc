"""The files of a dataset as they lie there: what is a plain file, what it holds, and where two documents differ."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdesym.datasets import schema
from pdesym.datasets.recipe_problem import shown


@dataclass(frozen=True)
class Files:
    """The files below a folder; links and anything else that is no plain file are not followed and not read.

    Attributes:
        folder: where they are.
        sizes: bytes of every plain file, by path relative to the folder.
        strange: what lies there besides plain files and folders, with a word for what it is.
    """

    folder: Path
    sizes: dict[str, int]
    strange: dict[str, str]

    @classmethod
    def below(cls, folder: Path) -> "Files":
        """What lies in a folder now."""
        sizes, strange = {}, {}
        for parent, folders, names in os.walk(folder):
            for name in (*folders, *names):
                path = Path(parent, name)
                relative, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
                if stat.S_ISREG(mode):
                    sizes[relative] = path.lstat().st_size
                elif not stat.S_ISDIR(mode):
                    strange[relative] = "a link" if stat.S_ISLNK(mode) else "no plain file"
        return cls(folder, sizes, strange)

    def sha256(self, name: str) -> str:
        """The SHA-256 of a file, read in pieces."""
        with open(self.folder / name, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def json(self, name: str) -> Any:
        """What a JSON file holds.

        Raises:
            ValueError: naming the file, when it is missing, too large, or not JSON.
        """
        if name not in self.sizes:
            raise ValueError(f"{name} is {self.strange.get(name, 'missing')}: expected a file of metadata.")
        if self.sizes[name] > schema.MOST_METADATA_BYTES:
            raise ValueError(f"{name} has {self.sizes[name]} bytes: metadata have some thousand.")
        try:
            return json.loads((self.folder / name).read_bytes())
        except (ValueError, RecursionError):
            raise ValueError(f"{name} is damaged: it is not JSON.") from None


def manifest_findings(files: Files) -> list[str]:
    """Where the files of metadata are not what the manifest says, in sentences."""
    if schema.MANIFEST not in files.sizes:
        return [f"{schema.MANIFEST} is {files.strange.get(schema.MANIFEST, 'missing')}: nothing vouches for the rest."]
    try:
        sums = files.json(schema.MANIFEST)["sha256"]
        if not isinstance(sums, dict):
            raise TypeError
    except ValueError as damage:
        return [str(damage)]
    except (KeyError, TypeError):
        return [f"{schema.MANIFEST} is damaged: the key sha256 should hold one sum for each file of metadata."]
    findings = []
    for name, expected in sums.items():
        if name not in files.sizes:
            state = files.strange.get(name, "missing")
            findings.append(f"{shown(name)} is {state}, and {schema.MANIFEST} says that it is part of the dataset.")
        elif (found := files.sha256(name)) != expected:
            findings.append(f"{name} was changed: its SHA-256 is {found}, {schema.MANIFEST} says {shown(expected)}.")
    listed = {name for name in files.sizes if Path(name).name == "zarr.json"}
    listed |= {schema.RECIPE_FILE, schema.SOURCE_FILE} & set(files.sizes)
    findings += [f"{name} is not in {schema.MANIFEST}." for name in sorted(listed - set(sums))]
    return findings


def differences(found: Any, expected: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, Any]]:
    """Every entry in which two JSON values differ: its dotted path and both values; nothing stands for a lacking one.

    Numbers differ from texts and true from 1, as they do in the file.
    """
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            if key in found and key in expected:
                yield from differences(found[key], expected[key], (*path, key))
            else:
                yield ".".join((*path, key)), found.get(key), expected.get(key)
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from differences(one, other, (*path, str(number)))
    elif type(found) is not type(expected) or found != expected:
        yield ".".join(path), found, expected
