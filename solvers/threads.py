"""Threads of torch on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """As long as this lasts torch computes on one thread.

    Many short operations on two threads take as long as on one where nothing else runs, and many times as long where
    something does, because the threads wait for each other. And sums that are split among threads round differently on
    another machine.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
