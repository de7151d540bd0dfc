"""Keeping freed memory, where the C library gives it back to the system too eagerly."""

import ctypes
import os
import sys
from functools import cache

# Parameters of mallopt(3) and their values: blocks up to 32 MiB come from the heap, of which up to 512 MiB stay.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_SETTINGS = ((_MMAP_THRESHOLD, 32 << 20), (_TRIM_THRESHOLD, 512 << 20))


@cache
def keep_freed_memory() -> bool:
    """Let this process keep what it frees, so that temporary tensors do not cost page faults at every step.

    glibc maps blocks above a threshold anew at each allocation and hands back the end of its heap; every page of a
    new block is then cleared at its first use, which can take longer than the transform that fills it. Settings made
    by the environment (`MALLOC_…_`, `GLIBC_TUNABLES`) are left alone.

    Returns:
        whether it was done; False under another C library.
    """
    if not sys.platform.startswith("linux") or any(
        name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ
    ):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version") or not hasattr(library, "mallopt"):
        return False
    return all(library.mallopt(parameter, value) == 1 for parameter, value in _SETTINGS)
