"""The store that a recipe stands for, made anew beside a stored one and compared with it, key by key.

The new store has all metadata and all coordinates. Where it should have the values of the variables it has links to
those that are stored, so that they are decoded by what the recipe says and never by metadata that somebody gave.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import zarr

from pdesym.datasets import schema, store
from pdesym.datasets.recipe import Recipe
from pdesym.datasets.recipe_problem import shown
from pdesym.datasets.verified_files import Files, differences
from pdesym.solvers.grid import AXES

_MOST_FINDINGS = 12
"""Of one file; a document that is another altogether differs in hundreds of entries."""


@dataclass(frozen=True)
class Rederived:
    """What the store of a recipe has to be.

    Attributes:
        folder: where it was made.
        layout: of the recipe.
        versions: of the software and the device, as the stored dataset says.
    """

    folder: Path
    layout: schema.Layout
    versions: dict[str, Any]

    def array(self, split: str, name: str) -> zarr.Array[Any]:
        """A variable with the stored values and the metadata that it should have."""
        return zarr.open_array(self.folder / schema.STORE, path=f"{split}/{name}", mode="r")

    @property
    def data_files(self) -> set[str]:
        """The files that hold the values of the variables."""
        return set(shard_files(self.layout))


def shard_files(layout: schema.Layout) -> Iterator[str]:
    """The file of every shard of every variable."""
    for split, shard in layout.shards:
        for variable in layout.groups[split].variables:
            yield store.shard_file(split, variable.name, shard, len(variable.shape))


def size_findings(recipe: Recipe, files: Files) -> list[str]:
    """Where the recipe and the stored coordinates have other numbers of samples, frames or points.

    It is asked first: a recipe that was changed may stand for arrays of any size.
    """
    axes = dict(zip(AXES, recipe.grid.shape, strict=False))
    findings = []
    for split, samples in recipe.splits.sizes.items():
        for name, size in {"sample": samples, "time": recipe.times.count, **axes}.items():
            file = f"{schema.STORE}/{split}/{name}/zarr.json"
            try:
                metadata = files.json(file)
            except ValueError as damage:
                findings.append(str(damage))
                continue
            shape = metadata.get("shape") if isinstance(metadata, dict) else None
            if shape != [size]:
                findings.append(f"{file}: shape is {shown(shape)} and by {schema.RECIPE_FILE} it is [{size}].")
    return findings


@contextmanager
def rederived(recipe: Recipe, files: Files) -> Iterator[Rederived]:
    """Makes the store of a recipe in a temporary folder, with links to the values of a stored one.

    Raises:
        ValueError: when the recipe describes no problem.
    """
    stored = _stored_attributes(files, next(iter(recipe.splits.sizes)))
    versions = {key: value for key in schema.versions("cpu") if isinstance(value := stored.get(key), str)}
    layout = schema.layout(recipe, "cpu")
    with TemporaryDirectory(prefix="pdesym-verify-") as temporary:
        folder = Path(temporary)
        store.prepare(recipe, folder, "cpu")
        for split in layout.sizes:
            group = zarr.open_group(folder / schema.STORE, path=split, mode="r+", use_consolidated=False)
            about = _stored_attributes(files, split)
            failures, left_out = about.get("failures"), about.get(store.LEFT_OUT)
            group.update_attributes({**versions, "failures": failures if isinstance(failures, str) else "{}"})
            if _is_count(left_out):
                group.update_attributes({store.LEFT_OUT: left_out})
            # One after another, so that the keys stand in the order in which `store.mark_complete` adds them.
            group.update_attributes({"complete": 1})
        store.mark_complete(layout, folder)
        for split in layout.sizes:
            for variable in layout.groups[split].variables:
                values = folder / schema.STORE / split / variable.name / "c"
                values.symlink_to((files.folder / schema.STORE / split / variable.name / "c").absolute())
        yield Rederived(folder, layout, versions)


def metadata_findings(made: Rederived, files: Files) -> list[str]:
    """Where the stored metadata and coordinates differ from those that the recipe stands for, in sentences."""
    expected = Files.below(made.folder)
    findings = []
    for name in sorted(expected.sizes):
        if name not in files.sizes:
            findings.append(f"{name} is {files.strange.get(name, 'missing')}: expected a file of the dataset.")
        elif name.endswith(".json"):
            findings += _entry_findings(name, files, expected)
        elif files.sha256(name) != expected.sha256(name):
            findings.append(f"{name} is not what {schema.RECIPE_FILE} stands for{_where(name, files, made)}.")
    data = made.data_files
    findings += [f"{name} is {files.strange.get(name, 'missing')}." for name in sorted(data - set(files.sizes))]
    belonging = set(expected.sizes) | data | {schema.LOCK, *schema.CARD_FILES}
    extra = sorted(set(files.sizes) - belonging)
    return findings + [f"{name} does not belong to the dataset." for name in extra]


def version_notes(made: Rederived) -> list[str]:
    """Versions of the software other than those at work now, in sentences; they are no fault."""
    now = schema.versions("cpu")
    return [
        f"{key} is {value} in the dataset and {now[key]} here."
        for key, value in made.versions.items()
        if value != now[key]
    ]


def _entry_findings(name: str, files: Files, expected: Files) -> list[str]:
    try:
        found = files.json(name)
    except ValueError as damage:
        return [str(damage)]
    wanted = expected.json(name)
    if name == schema.MANIFEST:  # its sums are compared with the files that are there
        found, wanted = (_without_sums(it) for it in (found, wanted))
    entries = [
        f"{name}: {path or 'the document'} is {shown(one)} and by {schema.RECIPE_FILE} it is {shown(other)}."
        for path, one, other in differences(found, wanted)
    ]
    more = len(entries) - _MOST_FINDINGS
    if more > 0:
        entries[_MOST_FINDINGS:] = [f"{name}: {more} more entries are not what {schema.RECIPE_FILE} stands for."]
    return entries


def _without_sums(manifest: Any) -> Any:
    sums = manifest.get("sha256") if isinstance(manifest, dict) else None
    return {**manifest, "sha256": sorted(sums)} if isinstance(sums, dict) else manifest


def _where(name: str, files: Files, made: Rederived) -> str:
    """The first value of a coordinate that differs, in words."""
    parts = name.split("/")
    if len(parts) < 4 or parts[3] != "c":
        return ""
    split, coordinate = parts[1:3]
    expected = np.asarray(made.array(split, coordinate)[:])
    with TemporaryDirectory(prefix="pdesym-verify-") as temporary:
        array = Path(temporary, "array")
        array.mkdir()
        (array / "zarr.json").write_bytes((made.folder / schema.STORE / split / coordinate / "zarr.json").read_bytes())
        (array / "c").symlink_to((files.folder / schema.STORE / split / coordinate / "c").absolute())
        try:
            found = np.asarray(zarr.open_array(array, mode="r")[:])
        except Exception:  # whatever a codec says of damaged bytes
            return ", it cannot be decoded"
    different = np.flatnonzero(~((found == expected) | (np.isnan(found) & np.isnan(expected))))
    if not len(different):
        return ", its bytes differ and its values do not"
    first = different[0]
    return f", value {first} of {coordinate} is {found[first]} and should be {expected[first]}"


def _stored_attributes(files: Files, split: str) -> dict[str, Any]:
    try:
        metadata = files.json(f"{schema.STORE}/{split}/zarr.json")
    except ValueError:
        return {}
    attributes = metadata.get("attributes") if isinstance(metadata, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def failures_of(files: Files, split: str) -> dict[int, str]:
    """Why samples failed, by their index, as the attributes of a split say.

    Raises:
        ValueError: when the attribute is not what it should be.
    """
    text = _stored_attributes(files, split).get("failures")
    try:
        return {int(sample): str(reason) for sample, reason in json.loads(text).items()}  # type: ignore[arg-type]
    except (TypeError, AttributeError, ValueError, RecursionError):
        raise ValueError(
            f"{schema.STORE}/{split}/zarr.json: attributes.failures is {shown(text)}, expected JSON that gives a "
            "reason for every sample that failed."
        ) from None


def left_out_of(files: Files, split: str) -> int:
    """How many samples failed for which the attributes of a split have no room.

    Raises:
        ValueError: when the attribute is not what it should be.
    """
    attributes = _stored_attributes(files, split)
    if store.LEFT_OUT not in attributes:
        return 0
    number = attributes[store.LEFT_OUT]
    if not _is_count(number) or len(failures_of(files, split)) != store.MOST_REASONS:
        raise ValueError(
            f"{schema.STORE}/{split}/zarr.json: attributes.{store.LEFT_OUT} is {shown(number)}, expected a number "
            f"above 0 beside {store.MOST_REASONS} reasons."
        )
    return int(number)
