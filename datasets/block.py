"""One unit of work: the samples of one shard, solved together and written whole.

Blocks know nothing of each other nor of what runs them. Running one again gives the same bytes.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdesym.datasets import problem, schema, store
from pdesym.datasets.failure import explained
from pdesym.datasets.recipe import Recipe
from pdesym.solvers import AccuracyWarning
from pdesym.solvers.threads import one_thread


@dataclass(frozen=True)
class BlockReport:
    """What was done: so many samples of a shard."""

    split: str
    shard: int
    samples: int


def run_block(recipe: Recipe, directory: Path, split: str, shard: int, device: str = "cpu") -> BlockReport:
    """Solves the samples of a shard and writes them into a folder that `store.prepare` has made ready.

    Raises:
        GenerationError: when a solution blows up or the disk is full; what was written before stays valid.
    """
    with explained(recipe, directory, split, shard):
        arrays = solved_block(recipe, split, shard, device)
        store.write(schema.layout(recipe, device), directory, split, shard, arrays)
    return BlockReport(split, shard, len(recipe.samples(split, shard)))


def solved_block(recipe: Recipe, split: str, shard: int, device: str = "cpu") -> dict[str, np.ndarray]:
    """The arrays of a shard by name, as they are stored; no files are read or written.

    Raises:
        BlowUpError: when a solution leaves every bound; its `sample` is the position in the shard.
    """
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # the variable `error` says it, sample by sample
        solution, drawn = problem.solve_samples(recipe, split, recipe.samples(split, shard), device)
    u = solution.u.cpu().numpy()
    invariants = solution.equation.card.invariants if solution.equation.card else {}
    return {
        **{name: u[:, :, channel].astype(recipe.dtype) for channel, name in enumerate(solution.equation.fields)},
        **{name: values.numpy() for name, values in drawn.items()},
        "error": solution.error.cpu().numpy(),
        "horizon": solution.horizon.cpu().numpy(),
        "steps": solution.steps.cpu().numpy(),
        "points_used": solution.points_used.cpu().numpy(),
        **{f"{schema.INVARIANT}{name}": solution.invariant(name).cpu().numpy() for name in invariants},
    }
