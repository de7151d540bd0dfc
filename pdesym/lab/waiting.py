"""That something is being computed, where nobody knows for how long. Everything goes to standard error."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from pdesym.report.number_text import seconds_text

_FIRST, _LATER = 2.0, 10.0


@contextmanager
def shown_waiting(label: str) -> Iterator[None]:
    """A turning sign on a terminal; elsewhere a line after two seconds, and then every ten."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(label):
            yield
        return
    ended = threading.Event()
    lines = threading.Thread(target=_say_now_and_then, args=(label, ended), daemon=True)
    lines.start()
    try:
        yield
    finally:
        ended.set()
        lines.join()


def _say_now_and_then(label: str, ended: threading.Event) -> None:
    began = time.monotonic()
    pause = _FIRST
    while not ended.wait(pause):
        print(f"{label}, {seconds_text(time.monotonic() - began)} so far", file=sys.stderr, flush=True)
        pause = _LATER
