"""Writing splits from elsewhere into a folder of this package's layout, shard by shard.

Of a folder whose writing was cut off `open_dataset` says that it is not complete. Writing that fails with an error
leaves nothing behind.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import xarray
import yaml

from pdesym.datasets import schema, store
from pdesym.datasets.durable import replace_file
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.failure import NO_SPACE
from pdesym.datasets.formats import declaration
from pdesym.datasets.formats.source import Described, Slab, Source, refuse_changed, source_of_dataset
from pdesym.datasets.progress import shown_progress, size_text
from pdesym.datasets.recipe import SPLITS


def save_dataset(
    splits: Mapping[str, xarray.Dataset], directory: str | Path, shard: int | None = None, progress: bool = True
) -> Path:
    """Stores datasets as the splits of one folder, from where `open_dataset` reads them.

    Args:
        splits: `train`, `valid` and `test`, any of them, as `dataset_from_arrays` and `open_dataset` give them; arrays
            of dask and of the disk are read one shard at a time.
        directory: a new or empty folder.
        shard: samples that are stored in one piece, and held in memory at once; about 64 MB when it is not given.
        progress: whether to say on standard error how far it is.

    Returns:
        The folder.

    Raises:
        ValueError: when a dataset is not in the schema, the splits do not fit together, a complete sample has values
            that are not finite, or the folder is not empty.
        GenerationError: when the disk is full.
    """
    if not splits:
        raise ValueError("Expected at least one split, got none.")
    sources = {split: source_of_dataset(data) for split, data in splits.items()}
    return save_sources(sources, directory, shard, progress)


def save_sources(
    sources: Mapping[str, Source],
    directory: str | Path,
    shard: int | None = None,
    progress: bool = True,
    allow_nan: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> Path:
    """Stores splits that can be read slab by slab; see `save_dataset`.

    Args:
        sources: the splits by name.
        directory: a new or empty folder.
        shard: samples in a shard.
        progress: whether to say how far it is.
        allow_nan: marks samples with values that are not finite as failed, all their values nan, in place of refusing.
        origin: what else `source.yaml` says about where the data come from.
    """
    if unknown := [split for split in sources if split not in SPLITS]:
        raise ValueError(f"There is no split {unknown[0]}: expected {', '.join(SPLITS)}.")
    sources = {split: _named(sources[split], split) for split in SPLITS if split in sources}
    _refuse_different(sources)
    first = next(iter(sources.values()))
    if shard is None:
        shard = declaration.default_shard(first.bytes_per_sample, max(source.samples for source in sources.values()))
    if shard < 1:
        raise ValueError(f"Expected at least 1 sample in a shard, got {shard}.")
    layout = _layout(sources, shard)
    directory = Path(directory)
    with _filled(directory), store.held(directory):
        _refuse_without_space(layout, directory)
        replace_file(directory / schema.SOURCE_FILE, _declaration(sources, shard, origin or {}))
        store.create(layout, directory)
        total = sum(layout.sizes.values())
        label = str(first.attributes["name"])
        with shown_progress(label, 0, total) if progress else nullcontext(lambda new: None) as advance:
            for split, source in sources.items():
                for number, (part, slab) in enumerate(source.slabs(shard)):
                    failures = _checked(source, split, part, slab, allow_nan)
                    store.write(layout, directory, split, number, slab, failures)
                    advance(part.stop - part.start)
        store.mark_complete(layout, directory)
    return directory


def refuse_occupied(directory: Path) -> None:
    """Keeps what is in a folder as it is.

    Raises:
        ValueError: when there is a file in its place, or anything in it.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(f"{directory} is not empty: expected a new or empty folder.")


def full_disk(error: OSError, directory: Path) -> GenerationError | None:
    """The sentence about a full disk, when the error means one."""
    if error.errno not in NO_SPACE:
        return None
    return GenerationError(f"The disk is full at {directory}: make room and repeat the command; nothing was kept.")


@contextmanager
def _filled(directory: Path) -> Iterator[None]:
    """A folder to be filled, made where it is missing; what was begun is removed when it cannot be finished."""
    refuse_occupied(directory)
    made = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException as error:
        for path in list(directory.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if made:
            directory.rmdir()
        if isinstance(error, OSError) and (sentence := full_disk(error, directory)):
            raise sentence from error
        raise


def _named(source: Source, split: str) -> Source:
    """The source as the split of that name."""
    attributes, coordinates = dict(source.attributes), dict(source.coordinates)
    if attributes.get("split") != split:
        attributes |= {"split": split, "title": f"{attributes['name']}: {split}"}
        about, numbers = coordinates["sample"]
        coordinates["sample"] = (about | {"long_name": f"index of the sample in the split {split}"}, numbers)
    attributes.setdefault("source", "a dataset in memory")
    return Source(
        attributes,
        coordinates,
        source.variables,
        source.status,
        source.failures,
        source.one,
        source.checksums,
    )


def _refuse_different(sources: Mapping[str, Source]) -> None:
    (first, one), *others = sources.items()
    for split, other in others:
        for what, here, there in (
            ("fields", one.fields, other.fields),
            ("points", one.variables[one.fields[0]].shape[2:], other.variables[other.fields[0]].shape[2:]),
        ):
            if here != there:
                raise ValueError(
                    f"The splits {first} and {split} have the {what} {here} and {there}: expected the same."
                )


def _layout(sources: Mapping[str, Source], shard: int) -> schema.Layout:
    groups = {}
    for split, source in sources.items():
        variables = (
            *(_variable(name, one, shard) for name, one in source.variables.items()),
            *schema.closing_variables(source.samples, shard),
        )
        coordinates = tuple(
            (
                schema.Variable(name, (name,), values.shape, str(values.dtype), about, len(values), len(values)),
                values,
            )
            for name, (about, values) in source.coordinates.items()
        )
        schema.refuse_names_taken_twice(variables, coordinates)
        _refuse_other_sizes(source)
        attributes = {key: value for key, value in source.attributes.items() if key not in ("failures", store.LEFT_OUT)}
        attributes |= {"shard": shard, "variables": json.dumps([one.name for one in variables]), "complete": 0}
        groups[split] = schema.Group(attributes, coordinates, variables)
    return schema.Layout({split: source.samples for split, source in sources.items()}, shard, groups)


def _refuse_other_sizes(source: Source) -> None:
    for name, one in source.variables.items():
        for dim, size in zip(one.dims, one.shape, strict=True):
            known = len(source.coordinates[dim][1]) if dim in source.coordinates else None
            if size != known:
                raise ValueError(f"The variable {name} has {size} entries along {dim}: the coordinate has {known}.")


def _variable(name: str, described: Described, shard: int) -> schema.Variable:
    chunk = shard
    if len(described.dims) > 2:
        chunk = schema.field_variable(name, described.shape, described.dtype, shard).chunk
    return schema.Variable(
        name, described.dims, described.shape, described.dtype, described.attributes, chunk=chunk, shard=shard
    )


def _checked(source: Source, split: str, part: slice, slab: Slab, allow_nan: bool) -> dict[int, str]:
    """Why samples of a slab failed; those that turn out to have no finite values are marked, or refused."""
    failures = {sample: why for sample, why in source.failures.items() if part.start <= sample < part.stop}
    refuse_changed(source, part, slab)
    for name in source.fields:
        finite = np.isfinite(slab[name]).all(axis=tuple(range(1, slab[name].ndim)))
        for row in np.flatnonzero(~finite).tolist():
            sample = part.start + row
            if sample in failures:
                continue
            if not allow_nan:
                raise ValueError(
                    f"The field {name} of {split} from {source.attributes['source']} has values that are not finite in "
                    f"sample {sample}: leave it out, or allow them (allow_nan), which marks it as failed."
                )
            failures[sample] = f"{name} is not finite"
            for other in slab:
                if slab[other].dtype.kind == "f":
                    slab[other] = np.array(slab[other])
                    slab[other][row] = np.nan
    return failures


def _declaration(sources: Mapping[str, Source], shard: int, origin: Mapping[str, Any]) -> str:
    """The text of source.yaml."""
    first = next(iter(sources.values()))
    attributes = first.attributes
    return yaml.safe_dump(
        {
            "name": attributes["name"],
            "source": attributes["source"],
            **origin,
            "fields": list(first.fields),
            "dtype": first.variables[first.fields[0]].dtype,
            "equation": json.loads(attributes["equation_text"]),
            "where": json.loads(attributes["where"]),
            "parameters": json.loads(attributes["parameters"]),
            "axes": {
                name: {
                    "points": len(first.coordinates[name][1]),
                    "length": first.coordinates[name][0].get("length"),
                    "periodic": first.coordinates[name][0].get("periodic"),
                    "first": float(first.coordinates[name][1][0]),
                }
                for name in first.axes
            },
            "times": {
                "first": float(first.coordinates["time"][1][0]),
                "last": float(first.coordinates["time"][1][-1]),
                "count": len(first.coordinates["time"][1]),
            },
            "splits": {split: source.samples for split, source in sources.items()},
            "shard": shard,
        },
        sort_keys=False,
        allow_unicode=True,
    )


def _refuse_without_space(layout: schema.Layout, directory: Path) -> None:
    needed, free = store.disk_bytes(layout, directory), shutil.disk_usage(directory).free
    if needed > free:
        raise GenerationError(
            f"The dataset needs up to {size_text(needed)} in {directory} and {size_text(free)} are free: make room, or "
            "choose another folder."
        )
