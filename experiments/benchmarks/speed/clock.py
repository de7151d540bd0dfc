"""CPU-seconds of one thread, tools in turn."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")


def alternate(calls: Mapping[str, Callable[[], object]], rounds: int, warm: bool = True) -> dict[str, list[float]]:
    """CPU-seconds of this process for each call, `rounds` times in turn, after one call of each when `warm`."""
    if warm:
        for call in calls.values():
            call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(cpu(call)[0])
    return seconds


def cpu(call: Callable[[], Result]) -> tuple[float, Result]:
    """CPU-seconds of a call, and what it returned."""
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def spread(seconds: list[float]) -> list[float]:
    """[median, smallest, largest]."""
    return [statistics.median(seconds), min(seconds), max(seconds)]
