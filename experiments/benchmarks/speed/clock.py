"""CPU-seconds of one thread, or seconds of a GPU, tools in turn."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

Result = TypeVar("Result")
Name = TypeVar("Name")


def cpu(call: Callable[[], Result]) -> tuple[float, Result]:
    """CPU-seconds of a call, and what it returned."""
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def gpu(call: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds until a call has returned and the GPU is done with it, and what it returned."""
    torch.cuda.synchronize()
    begin = time.perf_counter()
    result = call()
    torch.cuda.synchronize()
    return time.perf_counter() - begin, result


def alternate(
    calls: Mapping[Name, Callable[[], object]],
    rounds: int,
    warm: bool = True,
    clock: Callable[[Callable[[], object]], tuple[float, object]] = cpu,
) -> dict[Name, list[float]]:
    """Seconds of each call by the clock, `rounds` times in turn, after one call of each when `warm`."""
    if warm:
        for call in calls.values():
            call()
    seconds: dict[Name, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(clock(call)[0])
    return seconds


def spread(seconds: list[float]) -> list[float]:
    """[median, smallest, largest]."""
    return [statistics.median(seconds), min(seconds), max(seconds)]
