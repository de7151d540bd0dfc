"""Every value of a stored dataset, decoded shard by shard and held against its checksum, status and failures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr

from pdesym.datasets import schema, store
from pdesym.datasets.verified_files import Files

_SLACK = 2**16
"""Bytes that a file may have beyond the bound for its values, whatever the codec adds."""


@dataclass(frozen=True)
class Part:
    """What is needed to read one split.

    Attributes:
        split: its name.
        fields: names of the variables that hold fields.
        arrays: every variable by name in the order of the checksum; `checksum` and `status` are the last two.
        samples: how many.
        shard: samples in a file.
        failures: why samples failed, by index.
        unnamed: how many failed after those, without a reason that is kept.
        emptied: whether all fields of those are nan, as in generated data; imported ones may keep what they had.
    """

    split: str
    fields: tuple[str, ...]
    arrays: Mapping[str, zarr.Array[Any]]
    samples: int
    shard: int
    failures: Mapping[int, str]
    unnamed: int = 0
    emptied: bool = True


def value_findings(
    part: Part, files: Files, advance: Callable[[int], None] = lambda samples: None
) -> Iterator[tuple[str, range]]:
    """Decodes a split shard by shard; what is wrong in sentences, each with the samples that it is about.

    No more than one shard is in memory.
    """
    yield from ((said, range(0)) for said in _foreign_failures(part))
    failed = unread = 0
    for first in range(0, part.samples, part.shard):
        samples = range(first, min(first + part.shard, part.samples))
        values, damage = _decoded(part, samples, files)
        yield from ((said, samples) for said in damage)
        if damage:
            unread += len(samples)
        else:
            yield from _shard_findings(part, samples, values)
            failed += int((values[schema.STATUS] == schema.FAILED).sum())
        advance(len(samples))
    if part.unnamed and not failed <= len(part.failures) + part.unnamed <= failed + unread:
        yield (
            f"{schema.STORE}/{part.split}/status: {failed} samples failed, and by the attributes it is "
            f"{len(part.failures)} with a reason and {part.unnamed} more.",
            range(0),
        )


def _decoded(part: Part, samples: range, files: Files) -> tuple[dict[str, np.ndarray], list[str]]:
    """The values of a shard, and for every file that cannot be read a sentence."""
    values, damage = {}, []
    for name, array in part.arrays.items():
        file = store.shard_file(part.split, name, samples.start // part.shard, array.ndim)
        if file not in files.sizes:
            damage.append(f"{file} is {files.strange.get(file, 'missing')}: its samples are lost.")
            continue
        most = 2 * int(np.prod((part.shard, *array.shape[1:]), dtype=object)) * array.dtype.itemsize
        if files.sizes[file] > most + _SLACK:
            damage.append(f"{file} has {files.sizes[file]} bytes, more than its values can need: it was not read.")
            continue
        try:
            values[name] = np.asarray(array[samples.start : samples.stop])
        except Exception as error:  # whatever zarr and its codecs say of damaged bytes
            damage.append(f"{file} cannot be decoded, it is damaged: {_brief(error)}.")
    return values, damage


def _shard_findings(part: Part, samples: range, values: Mapping[str, np.ndarray]) -> Iterator[tuple[str, range]]:
    place = f"{schema.STORE}/{part.split}"
    *names, checksum, status = values
    unnamed = max(part.failures) if part.unnamed else part.samples  # the last sample that needs a reason
    computed = store.checksums([values[name] for name in names])
    finite = np.ones(len(samples), dtype=bool)
    empty = np.ones(len(samples), dtype=bool)
    for field in part.fields:
        numbers = np.isfinite(values[field]).reshape(len(samples), -1)
        finite &= numbers.all(1)
        empty &= ~numbers.any(1)
    for row, sample in enumerate(samples):
        this = range(sample, sample + 1)
        if computed[row] != values[checksum][row]:
            yield (
                f"{place}: the values of sample {sample} are not those that were written, their checksum is "
                f"{computed[row]:016x} and {checksum} says {int(values[checksum][row]):016x}.",
                this,
            )
        mark = int(values[status][row])
        if mark not in (schema.COMPLETE, schema.FAILED):
            yield f"{place}/status: sample {sample} has {mark}, expected {schema.COMPLETE} or {schema.FAILED}.", this
        elif (mark == schema.FAILED) != (sample in part.failures) and not (mark == schema.FAILED and sample > unnamed):
            said = "gives no reason" if mark == schema.FAILED else "gives a reason why it failed"
            yield f"{place}/status: sample {sample} has {mark}, and the attribute failures {said}.", this
        elif mark == schema.COMPLETE and not finite[row]:
            yield f"{place}: sample {sample} is complete by its status and has fields that are not finite.", this
        elif (
            mark == schema.FAILED
            and part.emptied
            and any(np.isfinite(values[field][row]).any() for field in part.fields)
        ):
            yield f"{place}: sample {sample} failed by its status and has fields that are not nan.", this


def _foreign_failures(part: Part) -> list[str]:
    return [
        f"{schema.STORE}/{part.split}/zarr.json: attributes.failures names sample {sample} of {part.samples}."
        for sample in part.failures
        if not 0 <= sample < part.samples
    ]


def _brief(error: Exception) -> str:
    text = " ".join((str(error) or type(error).__name__).split()).rstrip(".")
    return text if len(text) <= 200 else text[:197] + "..."
