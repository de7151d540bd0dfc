"""How far a long job is: a bar on a terminal, a line now and then elsewhere. Everything goes to standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_progress(label: str, done: int, total: int, unit: str = "samples") -> Iterator[Callable[[int], None]]:
    """Shows `done` of `total` things and hands out the function to call with the number of new ones."""
    console = Console(stderr=True)
    with (
        _bar(console, label, done, total, unit) if console.is_terminal else _lines(label, done, total, unit) as advance
    ):
        yield advance


def seconds_text(seconds: float) -> str:
    """A duration for people: "8.1 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


@contextmanager
def _bar(console: Console, label: str, done: int, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total, completed=done)
        yield lambda new: bar.advance(task, new)


class _Rate(ProgressColumn):
    """Things a second."""

    def render(self, task: Task) -> Text:
        """The rate as text, empty before the first is done."""
        return Text(f"{task.speed:.3g}/s" if task.speed else "")


@contextmanager
def _lines(label: str, done: int, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    began = last = time.monotonic()
    new_ones = 0

    def advance(new: int) -> None:
        nonlocal new_ones, last
        new_ones += new
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            rate = new_ones / (now - began)
            left = seconds_text((total - done - new_ones) / rate)
            print(
                f"{label}: {done + new_ones} of {total} {unit}, {rate:.3g}/s, {left} left", file=sys.stderr, flush=True
            )

    yield advance
