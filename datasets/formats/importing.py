"""Reading the formats of others into a folder of this package's layout."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py

from pdesym.datasets.formats import hdf5_guard, netcdf, pdebench, pdebench_reader, well, well_reader
from pdesym.datasets.formats.exporting import FORMATS
from pdesym.datasets.formats.foreign import Declared
from pdesym.datasets.formats.saving import refuse_occupied, save_sources
from pdesym.datasets.formats.source import Source
from pdesym.datasets.recipe import SPLITS
from pdesym.datasets.recipe_problem import did_you_mean

_SUFFIXES = (*dict.fromkeys((well.SUFFIX, *pdebench.SUFFIXES)), netcdf.SUFFIX, ".nc4")
_OF_FORMAT = {
    "well": (well.SUFFIX, ".h5"),
    "pdebench": pdebench.SUFFIXES,
    "netcdf": (netcdf.SUFFIX, ".nc4", ".hdf5", ".h5"),
}

Opened = list[tuple[Path, h5py.File]]


def import_dataset(
    source: str | Path,
    directory: str | Path,
    format: str | None = None,
    *,
    split: str | None = None,
    splits: Mapping[str, int] | None = None,
    name: str | None = None,
    fields: Sequence[str] | None = None,
    periodic: bool | Sequence[bool] | Mapping[str, bool] | None = None,
    length: float | Sequence[float] | Mapping[str, float] | None = None,
    equation: str | Sequence[str] | None = None,
    where: str | Sequence[str] = (),
    parameters: Mapping[str, float] | None = None,
    allow_nan: bool = False,
    shard: int | None = None,
    memory: int = hdf5_guard.MEMORY,
    progress: bool = True,
) -> Path:
    """Stores the trajectories of files of the Well, of PDEBench or of netCDF as a dataset, one shard after another.

    What `export_dataset` wrote comes back exactly, every byte and attribute, and is held against its checksums. Files
    of others are taken as their format says, and what it does not say is declared here. Everything in a file is looked
    at before it is read: see `hdf5_guard`.

    Args:
        source: a file; or a folder of one format: data/<split>/*.hdf5 (the Well), <name>_<split>.hdf5 or .h5
            (PDEBench), <split>.nc (netCDF).
        directory: a new or empty folder.
        format: `well`, `pdebench` or `netcdf`; found out from the files when not given.
        split: of a single file; what the file or its name says, else `train`, when not given.
        splits: cuts a single file: {"train": 900, "test": 100}, its samples in that order.
        name: of the dataset; what the file says, else the name of the file, when not given.
        fields: names for the channels of a `tensor` or `data` of PDEBench, else which fields to take.
        periodic: for all axes or for each; not given it is what the file says, and for PDEBench, which does not say it,
            and netCDF without the attribute `periodic`, that all are.
        length: of the axes, where their points show it to a few digits only.
        equation: that the fields solve, a name of the catalogue or text.
        where: relations that define the auxiliary fields of such a text.
        parameters: of the equation; they take the place of those in the file.
        allow_nan: marks samples with values that are not finite as failed in place of refusing them.
        shard: samples that are stored in one piece, and held in memory at once; about 64 MB when it is not given.
        memory: bytes that one sample may take.
        progress: whether to say on standard error how far it is.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: when there is nothing at `source`.
        ValueError: when a file cannot be trusted or is not as its format says, when what is declared does not fit, or
            when the folder is not empty; the file and what is in it are named.
        GenerationError: when the disk is full.
    """
    source, directory = Path(source), Path(directory)
    if format is not None and format not in FORMATS:
        guess = did_you_mean(format, FORMATS)
        raise ValueError(f"There is no format {format}{guess}: expected {', '.join(FORMATS)}.")
    if splits is not None and (split is not None or not source.is_file()):
        raise ValueError("Splits can be cut out of a single file only, and then split is not given too.")
    refuse_occupied(directory)
    declared = Declared(
        name=name,
        fields=tuple(fields) if fields else None,
        periodic=periodic,
        length=length,
        equation=equation,
        where=where,
        parameters=dict(parameters or {}),
        memory=memory,
    )
    with ExitStack() as stack:
        found = _files(source, format, split)
        root = source if source.is_dir() else None
        opened = {
            part: [(path, stack.enter_context(hdf5_guard.opened(path, root, memory))) for path in paths]
            for part, paths in found.items()
        }
        format = format or _format_of(*next(iter(opened.values()))[0])
        sources: dict[str, Source] = {}
        for part, files in opened.items():
            one = _read(files, format, part, declared)
            said = str(one.attributes.get("split", ""))
            where_to = said if source.is_file() and split is None and said in SPLITS else part
            sources[where_to] = one
        if splits is not None:
            sources = _cut(next(iter(sources.values())), splits, source)
        for one in sources.values():
            _refuse_too_large(one, source, memory)
        kept = shard or _own_shard(sources, memory)
        return save_sources(sources, directory, kept, progress, allow_nan, {"format": format})


def _files(source: Path, format: str | None, split: str | None) -> dict[str, list[Path]]:
    """The files of each split."""
    if source.is_file():
        if split is not None and split not in SPLITS:
            raise ValueError(f"There is no split {split}: expected {', '.join(SPLITS)}.")
        return {split or _split_in(source.stem) or SPLITS[0]: [source]}
    if not source.is_dir():
        raise FileNotFoundError(f"There is no file or folder {source}.")
    suffixes = _OF_FORMAT[format] if format else _SUFFIXES
    found: dict[str, list[Path]] = {}
    for part in SPLITS:
        if split is not None and part != split:
            continue
        below = source / "data" / part
        if below.is_dir() and format in (None, "well"):
            hdf5_guard.refuse_folder_outside(below, source)
            paths = sorted(path for path in below.iterdir() if path.suffix in suffixes)
        else:
            paths = sorted(
                path for path in source.iterdir() if path.suffix in suffixes and _split_in(path.stem) == part
            )
            if len(paths) > 1:
                raise ValueError(
                    f"{source} holds several files for {part}, {paths[0].name} and {paths[1].name}: "
                    "import them one by one."
                )
        if paths:
            found[part] = paths
    if not found:
        raise ValueError(
            f"{source} holds no dataset of a format that is read here: expected data/<split>/*.hdf5, "
            "<name>_<split>.hdf5, or <split>.nc, with the splits train, valid and test; a file with another name is "
            "imported by its own path."
        )
    return found


def _split_in(stem: str) -> str | None:
    last = stem.replace("-", "_").rpartition("_")[2].lower()
    return last if last in SPLITS else None


def _format_of(path: Path, file: h5py.File) -> str:
    if well_reader.is_well(file):
        return "well"
    if pdebench_reader.is_pdebench(file):
        return "pdebench"
    if netcdf.is_netcdf(file):
        return "netcdf"
    raise ValueError(
        f"{path} is HDF5 of no format that is read here ({', '.join(FORMATS)}): it holds "
        f"{', '.join(sorted(file)[:8]) or 'nothing'}."
    )


def _read(files: Opened, format: str, split: str, declared: Declared) -> Source:
    if format == "well":
        return well_reader.read(files, split, declared)
    if len(files) > 1:
        raise ValueError(f"{files[1][0]} is one file too many: expected one for each split of {format}.")
    read = pdebench_reader.read if format == "pdebench" else netcdf.read
    return read(*files[0], split, declared)


def _cut(one: Source, sizes: Mapping[str, Any], path: Path) -> dict[str, Source]:
    for part, size in sizes.items():
        if part not in SPLITS or not isinstance(size, int) or size < 1:
            raise ValueError(f"Expected train, valid and test with at least 1 sample each, got {part}: {size!r}.")
    if sum(sizes.values()) > one.samples:
        raise ValueError(f"{path} has {one.samples} samples and {sum(sizes.values())} are asked for.")
    found, first = {}, 0
    for part, size in sizes.items():
        found[part] = one.part(first, first + size)
        first += size
    return found


def _refuse_too_large(one: Source, path: Path, memory: int) -> None:
    if one.bytes_per_sample > memory:
        raise ValueError(
            f"A sample of {path} takes {one.bytes_per_sample} bytes and {memory} are allowed: raise memory if there "
            "are as many."
        )


def _own_shard(sources: Mapping[str, Source], memory: int) -> int | None:
    """The shard that the files themselves say they had, as far as the memory allows."""
    said = {one.attributes.get("shard") for one in sources.values()}
    shard = next(iter(said))
    most = max(one.bytes_per_sample for one in sources.values())
    if len(said) == 1 and isinstance(shard, int) and 1 <= shard and shard * most <= memory:
        return shard
    return None
