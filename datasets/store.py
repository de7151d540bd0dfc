"""The folder of a dataset on disk: made once, filled shard by shard, each shard marked when it is all there.

A process may be killed between any two lines here. Files and the store itself appear by renaming something finished,
the data of a shard are on the disk before its mark is written, and one writer holds a folder at a time.
"""

import hashlib
import json
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from pdesym.datasets import recipe_file, schema
from pdesym.datasets.durable import flush, replace_file
from pdesym.datasets.errors import GenerationError, RecipeError
from pdesym.datasets.locks import take_lock
from pdesym.datasets.recipe import Recipe
from pdesym.datasets.recipe_problem import shown

Shard = tuple[str, int]

Shards = Recipe | schema.Layout
"""What knows how the samples are cut into shards."""

MOST_REASONS = 1000
"""Of failed samples in the attributes of a group: readers take no metadata of any size. The status names all."""

LEFT_OUT = "failures_left_out"
"""The attribute that says how many failed samples have no reason there, where there are such."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keeps every other process from writing into the folder; the system lets go of it when this process ends.

    Raises:
        GenerationError: when another process holds it.
    """
    with open(directory / schema.LOCK, "ab") as lock:
        try:
            take_lock(lock, wait=False)
        except BlockingIOError:
            raise GenerationError(f"Another process is generating into {directory}: wait for it or end it.") from None
        yield


@contextmanager
def held_shard(directory: Path, split: str, shard: int) -> Iterator[BinaryIO]:
    """Waits until no other process works on a shard, keeps every other one from it, and hands out the lock.

    The process that holds the folder is not always alone: workers on other machines outlive the one that sent them.
    """
    file = directory / schema.LOCKS / f"{split}-{shard}"
    file.parent.mkdir(exist_ok=True)
    with open(file, "ab") as lock:
        take_lock(lock)
        yield lock


def refuse_replaced(recipe: Recipe, directory: Path, split: str, lock: BinaryIO) -> None:
    """Keeps a worker from writing into a dataset that came in the place of the one it works for.

    A worker that outlives the process that sent it knows nothing of what happens to the folder. Its lock is then not
    the one that others find there.

    Args:
        recipe: of the worker.
        directory: the folder.
        split: the split it writes into.
        lock: what `held_shard` handed out.

    Raises:
        GenerationError: when the folder was removed or completed, or holds the dataset of another recipe.
    """
    try:
        own = os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name))
        here = own and group_in(directory, split).attrs.get("recipe") == recipe_file.dump(recipe)
    except OSError:  # nothing is there
        here = False
    if not here or (directory / schema.MANIFEST).exists():
        raise GenerationError(
            f"{directory} was removed, replaced or completed by others while this worker was on its split {split}: "
            "nothing was written there; end workers that are left over from an earlier run."
        )


def refuse_other_content(recipe: Recipe, directory: Path) -> None:
    """Keeps a folder that holds anything but the (unfinished) dataset of this recipe as it is.

    Raises:
        RecipeError: that names the first key in which the recipes differ, or a file that does not belong there.
    """
    saved = directory / schema.RECIPE_FILE
    if not saved.exists():
        foreign = sorted(
            path.name for path in directory.iterdir() if path.suffix != ".partial" and path.name != schema.LOCK
        )
        if foreign:
            raise RecipeError(
                f"{directory} holds {foreign[0]} and no {schema.RECIPE_FILE}: expected a new or empty folder, or one "
                "with a dataset to finish."
            )
        return
    difference = recipe_file.first_difference(recipe_in(directory), recipe)
    if difference is not None:
        key, there, here = difference
        raise RecipeError(
            f"{directory} holds the dataset of another recipe, {key} is {shown(there)} there and {shown(here)} here: "
            f"use {saved}, or generate into another folder."
        )


def prepare(recipe: Recipe, directory: Path, device: str) -> None:
    """Makes the folder ready to be filled with the dataset of a recipe: the recipe first, then the store."""
    replace_file(directory / schema.RECIPE_FILE, recipe_file.dump(recipe), only_new=True)
    create(schema.layout(recipe, device), directory)


def create(layout: schema.Layout, directory: Path) -> None:
    """Makes the store with all metadata and coordinates, and the folders for what is under way; what is there stays.

    The store appears at once or not at all. Nothing of other writers is touched: some may still be at work.
    """
    store = directory / schema.STORE
    if not store.exists():
        partial = store.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        for split, group in layout.groups.items():
            _make_group(group, split, partial)
        flush((file for file in partial.rglob("*") if file.is_file()), partial)
        partial.rename(store)
    if not (directory / schema.MANIFEST).exists():
        for name in (schema.PIECES, schema.FAILURES, schema.LOCKS):
            (directory / name).mkdir(exist_ok=True)


def recipe_in(directory: Path) -> Recipe:
    """The recipe of a dataset on disk."""
    return recipe_file.load(Recipe, directory / schema.RECIPE_FILE)


def shard_file(split: str, name: str, shard: int, dims: int) -> str:
    """The file of a shard of a variable with so many axes, below the folder of the dataset."""
    return "/".join([schema.STORE, split, name, "c", str(shard), *["0"] * (dims - 1)])


def group_in(directory: Path, split: str) -> zarr.Group:
    """The zarr group of a split, to be read."""
    return zarr.open_group(directory / schema.STORE, path=split, mode="r", use_consolidated=False)


def status_in(directory: Path, split: str) -> np.ndarray:
    """The status of every sample of a split, int8: `schema.TODO`, `COMPLETE` or `FAILED`.

    Whatever the moment, and after a loss of power too, a sample with another status than `TODO` has all its data on the
    disk.
    """
    return np.asarray(_array(directory, split, schema.STATUS)[:])


def missing(shards: Shards, directory: Path) -> list[Shard]:
    """The shards of a recipe or a layout that have no mark yet, from one look at the names of the marks."""
    marks = {split: marked(directory, split) for split in dict(shards.shards)}
    return [(split, shard) for split, shard in shards.shards if shard not in marks[split]]


def is_marked(directory: Path, split: str, shard: int) -> bool:
    """Whether one shard is all there."""
    try:
        return (directory / shard_file(split, schema.STATUS, shard, 1)).stat().st_size > 0
    except FileNotFoundError:
        return False


def marked(directory: Path, split: str) -> set[int]:
    """The shards of a split that are all there: `status` has one file for each, made when it is.

    An empty one is what a loss of power may leave of a file, and no mark.
    """
    try:
        with os.scandir((directory / shard_file(split, schema.STATUS, 0, 1)).parent) as files:
            return {int(file.name) for file in files if file.name.isdecimal() and file.stat().st_size > 0}
    except FileNotFoundError:
        return set()


def write(
    layout: schema.Layout,
    directory: Path,
    split: str,
    shard: int,
    arrays: Mapping[str, np.ndarray],
    failures: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """Writes all arrays of one shard with their checksum, why samples failed, and then the mark.

    Nothing smaller than a shard is ever written: two processes that wrote parts of one would each rewrite the whole
    file and lose the other's samples.

    Args:
        layout: of the store.
        directory: the folder.
        split: which part.
        shard: which shard.
        arrays: one array for each variable but the last two, `checksum` and `status`; the first axis are the samples.
        failures: why samples have no values, by their index in the split; the caller made their values nan.

    Raises:
        ValueError: when an array is missing, is one too many, or has another shape than the layout says, or when a
            field of a sample that did not fail has values that are not finite.
    """
    *variables, _, _ = layout.groups[split].variables
    span = _span(layout, split, shard)
    if set(arrays) != {variable.name for variable in variables}:
        raise ValueError(
            f"Expected the arrays {', '.join(variable.name for variable in variables)} for a shard of {split}, got "
            f"{', '.join(arrays)}."
        )
    with np.errstate(over="ignore"):  # what overflows is refused below
        stored = {variable.name: np.asarray(arrays[variable.name], dtype=variable.dtype) for variable in variables}
    for variable in variables:
        expected = (span.stop - span.start, *variable.shape[1:])
        if stored[variable.name].shape != expected:
            raise ValueError(
                f"Expected {variable.name} of shape {expected} for shard {shard} of {split}, got "
                f"{stored[variable.name].shape}."
            )
    kept = [row for row in range(span.stop - span.start) if span.start + row not in failures]
    for variable in variables:
        if len(variable.dims) > 2 and not np.isfinite(stored[variable.name][kept]).all():
            raise ValueError(
                f"The field {variable.name} of shard {shard} of {split} has values that are not finite in a sample "
                "that did not fail: say why it failed, and make all its values nan."
            )
    stored[schema.CHECKSUM] = checksums([stored[variable.name] for variable in variables])
    group = zarr.open_group(directory / schema.STORE, path=split, mode="r+", use_consolidated=False)
    for name, array in stored.items():
        _writable(group, name)[span] = array
    top = directory / schema.STORE / split
    flush((directory / shard_file(split, name, shard, array.ndim) for name, array in stored.items()), top)
    if failures:
        text = json.dumps({str(sample): reason for sample, reason in failures.items()})
        (directory / schema.FAILURES).mkdir(exist_ok=True)
        replace_file(_failures_file(directory, split, shard), text)
    status = np.full(span.stop - span.start, schema.COMPLETE, dtype="int8")
    status[[sample - span.start for sample in failures]] = schema.FAILED
    _writable(group, schema.STATUS)[span] = status
    flush([directory / shard_file(split, schema.STATUS, shard, 1)], top)


def checksums(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """For each sample the first 8 bytes of the BLAKE2b of its bytes in all arrays, `(sample,)` uint64.

    Args:
        arrays: the stored values of all variables but `checksum` and `status`, in the order of the group's attribute
            `variables`; the first axis are the samples.
    """
    contiguous = [np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")) for array in arrays]
    sums = []
    for sample in range(len(contiguous[0])):
        sum_of = hashlib.blake2b(digest_size=8)
        for array in contiguous:
            sum_of.update(array[sample].tobytes())
        sums.append(int.from_bytes(sum_of.digest(), "little"))
    return np.array(sums, dtype="uint64")


def failures_in(directory: Path, split: str) -> dict[int, str]:
    """Why samples of a split failed, by their index; of a complete dataset at most `MOST_REASONS` of them."""
    gathered = group_in(directory, split).attrs.get("failures")
    if gathered is not None:
        return {int(sample): reason for sample, reason in json.loads(str(gathered)).items()}
    files = (directory / schema.FAILURES).glob(f"{split}-*.json")
    texts = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return {int(sample): reason for sample, reason in sorted((int(s), r) for text in texts for s, r in text.items())}


def failed_in(directory: Path, split: str) -> int:
    """How many samples of a split failed; of a dataset that is complete or not."""
    return len(failures_in(directory, split)) + int(str(group_in(directory, split).attrs.get(LEFT_OUT, 0)))


def mark_complete(layout: Shards, directory: Path) -> None:
    """Says in the attributes of every group that its samples are all there, and why some failed; gathers the metadata.

    What was under way only is removed, and `manifest.json` is the last to appear. May be killed and done again.
    """
    store = directory / schema.STORE
    if (directory / schema.MANIFEST).exists():
        return
    for split in dict(layout.shards):
        group = zarr.open_group(store, path=split, mode="r+", use_consolidated=False)
        if not group.attrs["complete"]:
            reasons = list(failures_in(directory, split).items())
            about: dict[str, Any] = {"failures": json.dumps(dict(reasons[:MOST_REASONS]))}
            if len(reasons) > MOST_REASONS:
                about[LEFT_OUT] = len(reasons) - MOST_REASONS
            # One write: after it the files with the failures are not needed any more.
            group.update_attributes({**about, "complete": 1})
    with warnings.catch_warnings():
        # Zarr warns that other readers may not know the gathered copy; the standard has them skip it, and without it
        # xarray warns whenever somebody opens the dataset.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(store)
    flush([store / "zarr.json", *store.glob("*/zarr.json")], store)
    for name in (schema.PIECES, schema.FAILURES, schema.LOCKS):
        shutil.rmtree(directory / name, ignore_errors=True)
    for left_over in directory.rglob("*.partial"):  # of writers that were killed before they renamed their files
        left_over.unlink(missing_ok=True)
    replace_file(directory / schema.MANIFEST, _manifest(directory))


def _manifest(directory: Path) -> str:
    """The SHA-256 of every file that is no data: the data have checksums of their own."""
    store = directory / schema.STORE
    groups = [path.parent for path in store.glob("*/zarr.json")]
    files = [directory / name for name in (schema.RECIPE_FILE, schema.SOURCE_FILE) if (directory / name).exists()]
    files += store.rglob("zarr.json")
    for group in groups:
        data = set(json.loads(str(zarr.open_group(group, mode="r").attrs["variables"])))
        coordinates = [array for array in group.iterdir() if array.is_dir() and array.name not in data]
        files += [file for array in coordinates for file in array.rglob("*") if file.is_file()]
    sums = {file.relative_to(directory).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return json.dumps({"pdesym_schema": schema.VERSION, "sha256": dict(sorted(sums.items()))}, indent=1) + "\n"


def refuse_other_versions(directory: Path, split: str, device: str) -> None:
    """Keeps a dataset that was begun elsewhere from getting samples of other bits than its attributes say.

    Raises:
        GenerationError: when a version or the kind of device differs.
    """
    begun = group_in(directory, split).attrs
    for key, value in {"pdesym_schema": schema.VERSION, **schema.versions(device)}.items():
        if begun[key] != value:
            raise GenerationError(
                f"The dataset in {directory} was begun with {key} {begun[key]} and this is {value}: finish it there, "
                "or generate into another folder."
            )


def disk_bytes(layout: schema.Layout, directory: Path, todo: Sequence[Shard] | None = None) -> int:
    """An upper bound of what is still to be written into the folder, in bytes on disk.

    Args:
        layout: of the store.
        directory: the folder.
        todo: the shards that are missing, where that is known already.
    """
    begun = (directory / schema.STORE).exists()
    counts: Mapping[str, int] = layout.shard_counts
    if begun:
        counts = Counter(split for split, _ in (missing(layout, directory) if todo is None else todo))
    total = 0
    for split, shards in counts.items():
        group, samples = layout.groups[split], min(layout.shard, layout.sizes[split])
        total += shards * sum(variable.file_bytes(samples) for variable in group.variables)
        if not begun:
            total += group.begun_bytes
    return total


def errors(recipe: Recipe, directory: Path) -> np.ndarray:
    """The error estimates of all samples, nan where there is none."""
    return np.concatenate([np.asarray(_array(directory, split, "error")[:]) for split in recipe.splits.sizes])


def _failures_file(directory: Path, split: str, shard: int) -> Path:
    return directory / schema.FAILURES / f"{split}-{shard}.json"


def _make_group(group: schema.Group, split: str, store: Path) -> None:
    made = zarr.open_group(store, path=split, mode="w-", zarr_format=3)
    made.attrs.update(group.attributes)
    for variable, values in group.coordinates:
        _make_array(made, variable)[:] = np.asarray(values, dtype=variable.dtype)
    for variable in group.variables:
        _make_array(made, variable)


def _make_array(group: zarr.Group, variable: schema.Variable) -> zarr.Array[Any]:
    floating = variable.dtype.startswith("float")
    rest = variable.shape[1:]
    return group.create_array(
        variable.name,
        shape=variable.shape,
        dtype=variable.dtype,
        chunks=(variable.chunk, *rest),
        shards=(variable.shard, *rest) if variable.shard > variable.chunk else None,
        # The sum over the compressed bytes lets no changed byte of a file pass for data.
        compressors=(BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"), Crc32cCodec()),
        fill_value=float("nan") if floating else 0,
        dimension_names=variable.dims,
        attributes=variable.attributes,
    )


def _writable(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    assert isinstance(array, zarr.Array)
    # A chunk of nothing but the fill value is written too: a file that is not there is always a loss.
    return array.with_config({"write_empty_chunks": True})


def _array(directory: Path, split: str, name: str) -> zarr.Array[Any]:
    return zarr.open_array(directory / schema.STORE, path=f"{split}/{name}", mode="r")


def _span(shards: Shards, split: str, shard: int) -> slice:
    samples = shards.samples(split, shard)
    return slice(samples.start, samples.stop)
