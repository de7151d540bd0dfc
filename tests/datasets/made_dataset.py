"""Datasets on disk from arrays of a test: no solver, any values, failed samples, boxes and times of their own."""

import json
from pathlib import Path

import numpy as np

from pdesym.datasets import schema, store


def written(
    directory: Path,
    splits: dict[str, dict[str, np.ndarray]],
    *,
    times: np.ndarray,
    lengths: tuple[float, ...] = (8.0,),
    shard: int = 2,
    own: dict[str, dict[str, np.ndarray]] | None = None,
    failed: dict[str, dict[int, str]] | None = None,
    periodic: int = 1,
    unfinished: tuple[str, ...] = (),
    **attributes,
) -> Path:
    """A dataset whose fields are those of `splits`; `own` are numbers of samples, `unfinished` splits lose a shard."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / schema.SOURCE_FILE).write_text("title: made by a test\n", encoding="utf-8")
    groups, arrays = {}, {}
    for split, fields in splits.items():
        samples, _, *points = next(iter(fields.values())).shape
        drawn = (own or {}).get(split, {})
        values = {**fields, **drawn}
        variables = [
            schema.field_variable(name, array.shape, str(array.dtype), shard) for name, array in fields.items()
        ]
        for name, array in drawn.items():
            if array.ndim == 1:
                variables.append(schema.sample_variable(name, samples, shard, f"parameter {name}", str(array.dtype)))
            else:
                about = {"units": "1", "long_name": name}
                variables.append(schema.Variable(name, ("sample", "time"), array.shape, "float64", about, shard, shard))
        variables += schema.closing_variables(samples, shard)
        coordinates = [*schema.frame_coordinates(split, samples, times)]
        for axis, count, length in zip("xyz", points, lengths, strict=False):
            coordinates.append(schema.axis_coordinate(axis, np.arange(count) * (length / count), length, periodic))
        about = {
            "Conventions": "CF-1.11",
            "title": f"made: {split}",
            "pdesym_schema": schema.VERSION,
            "name": "made",
            "split": split,
            "fields": json.dumps(list(fields)),
            "variables": json.dumps([variable.name for variable in variables]),
            "equation": "",
            "equation_text": "[]",
            "where": "[]",
            "parameters": "{}",
            "source": "made by a test",
            "shard": shard,
            "complete": 0,
            **attributes,
        }
        groups[split] = schema.Group(about, tuple(coordinates), tuple(variables))
        arrays[split] = values
    layout = schema.Layout({split: len(next(iter(f.values()))) for split, f in splits.items()}, shard, groups)
    store.create(layout, directory)
    for split, number in layout.shards:
        rows = layout.samples(split, number)
        if split in unfinished and number == 0:
            continue
        span = slice(rows.start, rows.stop)
        lost = {sample: why for sample, why in (failed or {}).get(split, {}).items() if sample in rows}
        part = {name: array[span].copy() for name, array in arrays[split].items()}
        for sample in lost:
            for array in part.values():
                array[sample - rows.start] = np.nan
        store.write(layout, directory, split, number, part, lost)
    if not unfinished:
        store.mark_complete(layout, directory)
    return directory


def numbered(samples: int, frames: int, *points: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    """Fields of random numbers, all different."""
    return np.random.default_rng(seed).normal(0.3, 2.0, (samples, frames, *points)).astype(dtype)
