"""What a worker process does first."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

import torch


def begin_worker() -> None:
    """Computes on one thread, and ends this process at once on Ctrl-C and when its parent dies by whatever means."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
