"""How far a long job is: a bar on a terminal, a line now and then elsewhere. Everything goes to standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_SECONDS_BETWEEN_LINES = 5.0


@runtime_checkable
class Advance(Protocol):
    """What a long job calls with the number of things that are new, and of those among them that failed."""

    def __call__(self, new: int, failed: int = 0) -> None:
        """Counts them."""


@contextmanager
def shown_progress(label: str, done: int, total: int, unit: str = "samples") -> Iterator[Advance]:
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


def size_text(size: int) -> str:
    """A number of bytes for people, "7.0 MB"."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


@contextmanager
def _bar(console: Console, label: str, done: int, total: int, unit: str) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[failed]}"),
        _Rate(),
        TimeRemainingColumn(),
    )
    all_failed = 0
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total, completed=done, failed="")

        def advance(new: int, failed: int = 0) -> None:
            nonlocal all_failed
            all_failed += failed
            bar.update(task, advance=new, failed=_failed_text(all_failed))

        yield advance


class _Rate(ProgressColumn):
    """Things a second."""

    def render(self, task: Task) -> Text:
        """The rate as text, empty before the first is done."""
        return Text(f"{task.speed:.3g}/s" if task.speed else "")


@contextmanager
def _lines(label: str, done: int, total: int, unit: str) -> Iterator[Advance]:
    began = last = time.monotonic()
    new_ones = all_failed = 0

    def advance(new: int, failed: int = 0) -> None:
        nonlocal new_ones, all_failed, last
        new_ones += new
        all_failed += failed
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            rate = new_ones / (now - began)
            left = seconds_text((total - done - new_ones) / rate)
            parts = (f"{done + new_ones} of {total} {unit}", _failed_text(all_failed), f"{rate:.3g}/s", f"{left} left")
            print(f"{label}: {', '.join(filter(None, parts))}", file=sys.stderr, flush=True)

    yield advance


def _failed_text(failed: int) -> str:
    return f"{failed} failed" if failed else ""
