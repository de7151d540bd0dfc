"""One unit of work: the samples of one shard, solved batch by batch and written whole.

Blocks know nothing of each other nor of what runs them. Running one again gives the same bytes.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pdesym.datasets import pieces, problem, schema, store
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.failure import explained
from pdesym.datasets.recipe import Recipe
from pdesym.solvers import AccuracyWarning, BlowUpError
from pdesym.solvers.threads import one_thread


@dataclass(frozen=True)
class BlockReport:
    """What was done: so many samples of a shard, and why some of them failed, by their index in the split."""

    split: str
    shard: int
    samples: int
    failures: Mapping[int, str] = field(default_factory=dict)


def run_block(recipe: Recipe, directory: Path, split: str, shard: int, device: str = "cpu") -> BlockReport:
    """Solves the samples of a shard and writes them into a folder that `store.prepare` has made ready.

    Samples are solved in batches (`recipe.batch`); each batch is kept at once where a shard has several, so that a
    worker that ends in between costs one batch. A shard that is there already, or gets there while this waits for
    another process that works on it, is left as it is. A sample that blows up fails alone.

    Raises:
        GenerationError: when the folder is not there, was begun with other versions, or the disk is full; what was
            written before stays valid.
    """
    samples = recipe.samples(split, shard)
    if not (directory / schema.STORE).is_dir():
        raise GenerationError(
            f"{directory} with its {schema.STORE} is not to be seen here: expected a folder on a disk that all workers "
            "share, under the same path."
        )
    if not store.is_marked(recipe, directory, split, shard):
        with explained(recipe, directory), store.held_shard(directory, split, shard):
            # Whoever held the shard until now may have finished it.
            if not store.is_marked(recipe, directory, split, shard):
                store.refuse_other_versions(directory, split, device)
                layout = schema.layout(recipe, device)
                arrays, failures = _solved_shard(recipe, layout, directory, split, shard, device)
                store.write(layout, directory, split, shard, arrays, failures)
                pieces.remove(directory, split, shard)
                return BlockReport(split, shard, len(samples), failures)
    failed = {i: reason for i, reason in store.failures_in(directory, split).items() if i in samples}
    return BlockReport(split, shard, len(samples), failed)


def solved_block(
    recipe: Recipe, split: str, samples: Sequence[int], device: str = "cpu"
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """The arrays of some samples by name, as they are stored, and why some of the samples have no solution.

    They are solved together; when one of them blows up, each for itself, so that the others are kept. No files are read
    or written. The values of a sample without a solution are nan, and 0 where they are integers.
    """
    try:
        return _solved_together(recipe, split, samples, device), {}
    except BlowUpError as failure:
        if len(samples) == 1:
            return {}, {samples[0]: _reason(recipe, split, samples[0], failure)}
    each = [solved_block(recipe, split, [sample], device) for sample in samples]
    failures = {sample: reason for _, failed in each for sample, reason in failed.items()}
    solved = [arrays for arrays, failed in each if not failed]
    if not solved:
        return {}, failures
    rows = [row for row, sample in enumerate(samples) if sample not in failures]
    together = {name: np.concatenate([arrays[name] for arrays in solved]) for name in solved[0]}
    arrays = {}
    for name, values in together.items():
        arrays[name] = _empty((len(samples), *values.shape[1:]), values.dtype)
        arrays[name][rows] = values
    return arrays, failures


def _solved_together(recipe: Recipe, split: str, samples: Sequence[int], device: str) -> dict[str, np.ndarray]:
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # the variable `error` says it, sample by sample
        solution, drawn = problem.solve_samples(recipe, split, samples, device)
        card = solution.equation.card
        invariants = {name: solution.invariant(name) for name in card.invariants} if card else {}
    u = solution.u.cpu().numpy()
    return {
        **{name: u[:, :, channel].astype(recipe.dtype) for channel, name in enumerate(solution.equation.fields)},
        **{name: values.cpu().numpy() for name, values in drawn.items()},
        "error": solution.error.cpu().numpy(),
        "horizon": solution.horizon.cpu().numpy(),
        "steps": solution.steps.cpu().numpy(),
        "points_used": solution.points_used.cpu().numpy(),
        **{f"{schema.INVARIANT}{name}": values.cpu().numpy() for name, values in invariants.items()},
    }


def _solved_shard(
    recipe: Recipe, layout: schema.Layout, directory: Path, split: str, shard: int, device: str
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """All arrays of a shard, from the batches that are kept and those that are solved now, and all failures."""
    samples = layout.samples(split, shard)
    *variables, _, _ = layout.groups[split].variables
    arrays = {v.name: _empty((len(samples), *v.shape[1:]), np.dtype(v.dtype)) for v in variables}
    failures: dict[int, str] = {}
    size = schema.batch_of(recipe)
    for first in range(0, len(samples), size):
        batch = samples[first : first + size]
        piece = pieces.kept(directory, split, shard, batch)
        if piece is None:
            piece = solved_block(recipe, split, batch, device)
            if len(batch) < len(samples):
                pieces.keep(directory, split, shard, batch, *piece)
        for name, values in piece[0].items():
            arrays[name][first : first + len(batch)] = values
        failures |= piece[1]
    return arrays, failures


def _empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.full(shape, np.nan if dtype.kind == "f" else 0, dtype=dtype)


def _reason(recipe: Recipe, split: str, sample: int, failure: BlowUpError) -> str:
    drawn = problem.drawn_parameters(recipe, split, [sample])
    values = ", ".join(f"{name} = {value.item():.6g}" for name, value in drawn.items())
    return f"blows up shortly after t = {failure.time:.6g}{f' with {values}' * bool(values)}: {failure.remedy}"
