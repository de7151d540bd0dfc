"""What holds while hostile input is read: nothing runs, nothing is written elsewhere, time and memory stay bounded."""

import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MOST_MEMORY = 2**30
"""Bytes that one case may take beyond what the process has."""

MOST_SECONDS = 15.0
"""Of one case; nearly all take milliseconds, and a loaded machine should not fail them."""

_RUNS_SOMETHING = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen", "pty.spawn")
_TALKS = ("socket.connect", "socket.getaddrinfo", "socket.bind", "urllib.Request")

_seen: list[str] | None = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is not None and (event.startswith(_RUNS_SOMETHING) or event in _TALKS):
        _seen.append(f"{event} {arguments!r}"[:200])


sys.addaudithook(_listen)  # it stays, and does nothing outside `guarded`


class TooSlow(BaseException):
    """No error of the library may look like this one."""


def _say_too_slow(*_: object) -> None:
    raise TooSlow(f"more than {MOST_SECONDS} s")


@contextmanager
def guarded(outside: Path, inside: Path) -> Iterator[None]:
    """Fails when what runs within starts a process, connects, is slow, takes much memory, or changes a file.

    Args:
        outside: a folder of which no file may change or appear,
        inside: except below this one.
    """
    global _seen
    before = contents(outside, inside)
    _seen = []
    began = time.monotonic()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MOST_MEMORY, limits[1]))
    handler = signal.signal(signal.SIGALRM, _say_too_slow)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        seen, _seen = _seen, None
    assert time.monotonic() - began < MOST_SECONDS
    assert seen == []
    assert contents(outside, inside) == before


def refusal(call: Callable[[], object], errors: tuple[type[Exception], ...], outside: Path, inside: Path) -> str:
    """The sentence with which a guarded call is refused; anything but one of the errors fails."""
    error: Exception | None = None
    with guarded(outside, inside):
        try:
            call()
        except errors as refused:
            error = refused
    assert error is not None, "it was accepted"
    # A subclass such as UnicodeDecodeError is an accident that happens to be a ValueError.
    assert type(error).__module__ == "builtins" or type(error).__module__.startswith("pdesym"), repr(error)
    assert not isinstance(error, UnicodeError), repr(error)
    assert_one_sentence(str(error))
    return str(error)


def assert_one_sentence(message: str) -> None:
    """A sentence for people: it ends, does not start another one, has no line ends and is not endless."""
    assert 20 <= len(message) <= 700, message[:1000]
    assert message.isprintable(), repr(message)
    assert message.endswith((".", "?")), message
    assert not re.search(r"(?<!\bcf)\. [A-Z][a-z]+ [a-z]", message), message
    for word in ("Traceback", "<class", "object at 0x", "NoneType", "pydantic", "codec can't"):
        assert word not in message, message


def contents(folder: Path, without: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder, by relative path, except below one of its folders."""
    files = (path for path in folder.rglob("*") if not path.is_relative_to(without))
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns if path.is_file() else 0)
        for path in files
    }


def _address_space() -> int:
    pages = Path("/proc/self/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()
