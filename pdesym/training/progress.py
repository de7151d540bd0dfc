"""The progress of a training, where it is wanted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pdesym.datasets.progress import shown_progress


@contextmanager
def steps_shown(shown: bool, label: str, done: int, steps: int) -> Iterator[Callable[[int], None]]:
    """Shows `done` of `steps` steps, or nothing, and hands out the function to call with the number of new ones."""
    if not shown:
        yield lambda new: None
        return
    with shown_progress(label, done, steps, "steps") as advance:
        yield advance
