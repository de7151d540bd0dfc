"""One unit of work: the samples of one shard, solved batch by batch and written whole.

Blocks know nothing of each other nor of what runs them. Running one again gives the same bytes.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pdesym.datasets import problem, schema, store
from pdesym.datasets.errors import GenerationError
from pdesym.datasets.failure import explained
from pdesym.datasets.pieces import Piece, Pieces
from pdesym.datasets.recipe import Recipe
from pdesym.datasets.stretched import STRETCH
from pdesym.solvers import AccuracyWarning, BlowUpError
from pdesym.solvers.threads import one_thread

# What one sample can be the cause of, by what it drew; a disk, a memory or a person that says stop is none of its.
_OF_A_SAMPLE = (ArithmeticError, ValueError, torch.linalg.LinAlgError)
_LONGEST_REASON = 300


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
    another process that works on it, is left as it is. A sample without a solution fails alone.

    Raises:
        GenerationError: when the folder is not there, holds another dataset than when this was sent, was begun with
            other versions, or the disk is full; what was written before stays valid.
    """
    samples = recipe.samples(split, shard)
    if not (directory / schema.STORE).is_dir():
        raise GenerationError(
            f"{directory} with its {schema.STORE} is not to be seen here: expected a folder on a disk that all workers "
            "share, under the same path."
        )
    if not store.is_marked(directory, split, shard):
        with explained(recipe, directory), store.held_shard(directory, split, shard) as lock:
            refuse_replaced = partial(store.refuse_replaced, recipe, directory, split, lock)
            # Whoever held the shard until now may have finished it.
            if not store.is_marked(directory, split, shard):
                refuse_replaced()
                store.refuse_other_versions(directory, split, device)
                layout = schema.layout(recipe, device)
                kept = Pieces(recipe, layout, directory, split, shard)
                arrays, failures = _solved_shard(recipe, layout, kept, device, refuse_replaced)
                refuse_replaced()
                store.write(layout, directory, split, shard, arrays, failures)
                kept.remove()
                return BlockReport(split, shard, len(samples), failures)
    failed = {i: reason for i, reason in store.failures_in(directory, split).items() if i in samples}
    return BlockReport(split, shard, len(samples), failed)


def solved_block(recipe: Recipe, split: str, samples: Sequence[int], device: str = "cpu") -> Piece:
    """The arrays of some samples by name, as they are stored, and why some of the samples have no solution.

    They are solved together; when that cannot be for the sake of some, each for itself, so that the others are kept. No
    files are read or written. The values of a sample without a solution are nan, and 0 where they are integers.
    """
    together = _attempt(recipe, split, samples, device)
    if together is not None:
        return together
    return _joined(samples, [solved_block(recipe, split, [sample], device) for sample in samples])


def _solved_shard(
    recipe: Recipe, layout: schema.Layout, kept: Pieces, device: str, refuse_replaced: Callable[[], None]
) -> Piece:
    """All arrays of a shard, from the batches that are kept and those that are solved now, and all failures."""
    samples = layout.samples(kept.split, kept.shard)
    *variables, _, _ = layout.groups[kept.split].variables
    arrays = {v.name: _empty((len(samples), *v.shape[1:]), np.dtype(v.dtype)) for v in variables}
    failures: dict[int, str] = {}
    size = schema.batch_of(recipe)

    def solved(batch: range) -> Piece | None:
        """A batch that is kept, or what comes of solving it together, kept from now on."""
        piece = kept.kept(batch)
        if piece is None and not kept.is_apart(batch):
            refuse_replaced()
            kept.begin(batch)
            piece = _attempt(recipe, kept.split, batch, device)
            if piece is None:
                refuse_replaced()
                kept.set_apart(batch)
            elif len(batch) < len(samples):
                refuse_replaced()
                kept.keep(batch, piece)
        return piece

    batches = [samples[first : first + size] for first in range(0, len(samples), size)]
    for batch in sorted(batches, key=kept.was_begun):
        first = batch.start - samples.start
        piece = solved(batch)
        if piece is None:
            alone = [solved(range(sample, sample + 1)) for sample in batch]
            piece = _joined(batch, [one for one in alone if one is not None])
        for name, values in piece[0].items():
            arrays[name][first : first + len(batch)] = values
        failures |= piece[1]
    return arrays, dict(sorted(failures.items()))


def _joined(samples: Sequence[int], alone: Sequence[Piece]) -> Piece:
    """One batch from the pieces of each of its samples."""
    failures = {sample: reason for _, failed in alone for sample, reason in failed.items()}
    arrays: dict[str, np.ndarray] = {}
    for row, (values_of, _) in enumerate(alone):
        for name, values in values_of.items():
            if name not in arrays:
                arrays[name] = _empty((len(samples), *values.shape[1:]), values.dtype)
            arrays[name][row] = values[0]
    return arrays, failures


def _attempt(recipe: Recipe, split: str, samples: Sequence[int], device: str) -> Piece | None:
    """Samples solved together; None where that cannot be and there are several."""
    try:
        return _solved_together(recipe, split, samples, device)
    except _OF_A_SAMPLE as failure:
        if len(samples) > 1:
            return None
        return {}, {samples[0]: _reason(recipe, split, samples[0], failure)}


def _solved_together(recipe: Recipe, split: str, samples: Sequence[int], device: str) -> Piece:
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # the variable `error` says it, sample by sample
        solution, drawn = problem.solve_samples(recipe, split, samples, device)
        card = solution.equation.card
        invariants = {name: solution.invariant(name) for name in card.invariants} if card else {}
    u = solution.u.cpu().numpy()
    with np.errstate(over="ignore"):  # said in a sentence
        stored = u.astype(recipe.dtype)
    arrays = {
        **{name: stored[:, :, channel] for channel, name in enumerate(solution.equation.fields)},
        **{name: values.cpu().numpy() for name, values in drawn.items()},
        "error": solution.error.cpu().numpy(),
        "horizon": solution.horizon.cpu().numpy(),
        "steps": solution.steps.cpu().numpy(),
        "points_used": solution.points_used.cpu().numpy(),
        **{f"{schema.INVARIANT}{name}": values.cpu().numpy() for name, values in invariants.items()},
    }
    failures = {}
    for row in np.flatnonzero(~np.isfinite(stored).all(axis=tuple(range(1, stored.ndim)))).tolist():
        failures[samples[row]] = _out_of_range(recipe, solution.equation.fields, u[row], stored[row])
        for name, values in arrays.items():
            arrays[name] = values = np.array(values)
            values[row] = np.nan if values.dtype.kind == "f" else 0
    return arrays, failures


def _empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.full(shape, np.nan if dtype.kind == "f" else 0, dtype=dtype)


def _out_of_range(recipe: Recipe, fields: Sequence[str], u: np.ndarray, stored: np.ndarray) -> str:
    """Why a sample of values (time, field, …) has no finite ones as they would be stored."""
    channel = int(np.flatnonzero(~np.isfinite(stored).all(axis=(0, *range(2, stored.ndim))))[0])
    largest = np.abs(u[:, channel]).max()
    if not np.isfinite(largest):
        return f"has values of {fields[channel]} that are not finite"
    return f"leaves the range of {recipe.dtype}, largest |{fields[channel]}| = {largest:.3g}: store float64 (dtype)"


def _reason(recipe: Recipe, split: str, sample: int, failure: Exception) -> str:
    drawn = problem.drawn_parameters(recipe, split, [sample])
    lengths, factors = problem.drawn_lengths(recipe, split, [sample]), problem.time_stretch(recipe, split, [sample])
    if lengths is not None:
        drawn["length"] = lengths
    if factors is not None:
        drawn[STRETCH] = factors
    values = ", ".join(f"{name} = {value.item():.6g}" for name, value in drawn.items())
    given = f" with {values}" * bool(values)
    if isinstance(failure, BlowUpError):
        time = "nominal t" if factors is not None else "t"
        return f"blows up shortly after {time} = {failure.time:.6g}{given}: {failure.remedy}"
    text = " ".join((str(failure) or type(failure).__name__).split()).rstrip(".")
    return f"cannot be solved{given}: {text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + '...'}"
