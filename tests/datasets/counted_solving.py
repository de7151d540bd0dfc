"""Imported by processes that generate: notes when solving a sample is begun and when it is finished.

The notes are lines "begun train 3" and "finished train 3" at the end of the file that SOLVING_LOG names; without it
nothing happens. It also serves as `dask worker --preload`.
"""

import os
from collections import Counter
from pathlib import Path

from pdesym.datasets import problem

LOG = "SOLVING_LOG"

# A worker of dask imports a preloaded module again when it has been imported before.
_solve_samples = getattr(problem.solve_samples, "plain", problem.solve_samples)


def _noted(recipe, split, samples, device="cpu"):
    _note("begun", split, samples)
    result = _solve_samples(recipe, split, samples, device)
    _note("finished", split, samples)
    return result


def _note(event: str, split: str, samples: list[int] | range) -> None:
    if LOG not in os.environ:
        return
    # One write: lines of several processes do not mix, and a kill leaves whole lines.
    text = "".join(f"{event} {split} {sample}\n" for sample in samples)
    with open(os.environ[LOG], "ab", buffering=0) as log:
        log.write(text.encode())


def counts(log: Path) -> dict[str, Counter]:
    """How often each sample, "train 3", was begun and finished."""
    lines = [line.split(maxsplit=1) for line in log.read_text().splitlines()] if log.exists() else []
    return {event: Counter(sample for kind, sample in lines if kind == event) for event in ("begun", "finished")}


_noted.plain = _solve_samples
problem.solve_samples = _noted
