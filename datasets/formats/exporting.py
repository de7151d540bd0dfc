"""Writing a stored dataset in the formats of others."""

import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from pdesym.datasets.formats import netcdf, pdebench, well
from pdesym.datasets.formats.saving import full_disk, refuse_occupied
from pdesym.datasets.formats.source import Source, source_of_dataset
from pdesym.datasets.open import open_dataset
from pdesym.datasets.progress import shown_progress
from pdesym.datasets.recipe_problem import did_you_mean
from pdesym.datasets.stored_metadata import splits_in

FORMATS = ("well", "pdebench", "netcdf")

_UNFINISHED = ".unfinished"


def export_dataset(
    directory: str | Path,
    out: str | Path,
    format: str = "well",
    splits: Sequence[str] | None = None,
    progress: bool = True,
) -> Path:
    """Writes a dataset in another format, one shard after another; `import_dataset` brings it back exactly.

    * `well`: <out>/data/<split>/<name>_<split>.hdf5 and <out>/stats.yaml, for the readers of the Well.
    * `pdebench`: <out>/<name>_<split>.hdf5, or .h5, in the layout of PDEBench that holds it: `tensor` for one field in
      1D, a group for every sample in 2D and 3D, an array for every field in 1D.
    * `netcdf`: <out>/<split>.nc with all variables, coordinates and attributes.

    Samples that failed stay in netCDF with their status; from the others they are left out, with a note of which.
    Every sample is held against its checksum on the way. The files appear together when all are written.

    Args:
        directory: the folder of a complete dataset.
        out: a new or empty folder.
        format: `well`, `pdebench` or `netcdf`.
        splits: those to write; all when not given.
        progress: whether to say on standard error how far it is.

    Returns:
        The folder `out`.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: for an unknown format or split, a dataset that is not complete or is damaged, or a folder with
            something in it.
        GenerationError: when the disk is full.
    """
    if format not in FORMATS:
        guess = did_you_mean(format, FORMATS)
        raise ValueError(f"There is no format {format}{guess}: expected {', '.join(FORMATS)}.")
    directory, out = Path(directory), Path(out)
    there = splits_in(directory)
    sources = {split: source_of_dataset(open_dataset(directory, split), checked=True) for split in splits or there}
    refuse_occupied(out)
    if out.resolve().is_relative_to(directory.resolve()):
        raise ValueError(f"{out} lies in the dataset {directory}: choose a folder outside of it.")
    made = not out.exists()
    begun = out / _UNFINISHED
    begun.mkdir(parents=True)
    try:
        _write(sources, begun, format, progress)
        for path in sorted(begun.iterdir()):
            os.replace(path, out / path.name)
        begun.rmdir()
    except BaseException as error:
        shutil.rmtree(out if made else begun, ignore_errors=True)
        if isinstance(error, OSError) and (sentence := full_disk(error, out)):
            raise sentence from error
        raise
    return out


def _write(sources: dict[str, Source], out: Path, format: str, progress: bool) -> None:
    first = next(iter(sources.values()))
    name = file_stem(str(first.attributes["name"]))
    total = sum(source.samples for source in sources.values())
    with shown_progress(f"{name}: {format}", 0, total) if progress else nullcontext(lambda new: None) as advance:
        for number, source in enumerate(sources.values()):
            slab = int(source.attributes["shard"])
            if format == "netcdf":
                netcdf.write(source.verified(), out, slab, advance)
            elif format == "pdebench":
                pdebench.write(source.verified(), out, name, slab, advance)
            else:
                moments = well.write(source.verified(), out, name, slab, advance)
                if number == 0:  # the training samples, where there are any
                    well.write_statistics(moments, out)


def file_stem(name: str) -> str:
    """A name as the beginning of a file's name: what is no letter, digit, dot or dash becomes an underscore."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
    return kept.lstrip(".")[:100] or "dataset"
