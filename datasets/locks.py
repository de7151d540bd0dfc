"""Locks on files, which the system takes back when their process ends, however it ends."""

import errno
import fcntl
from typing import BinaryIO

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


def take_lock(file: BinaryIO, wait: bool = True) -> None:
    """Keeps every other process from locking an open file until it is closed.

    Some network file systems know no locks: there nothing is locked, and two processes at once do the same work twice.

    Args:
        file: that is open for writing.
        wait: for another process that holds it.

    Raises:
        BlockingIOError: when another process holds it and is not waited for.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
