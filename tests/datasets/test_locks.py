"""A lock keeps others out until its file is closed; where there are no locks, nobody is kept out."""

import errno
import fcntl

import pytest

from pdesym.datasets.locks import take_lock


def test_a_lock_is_held_until_its_file_is_closed(tmp_path):
    with open(tmp_path / "lock", "ab") as other:
        with open(tmp_path / "lock", "ab") as one:
            take_lock(one)
            with pytest.raises(BlockingIOError):
                take_lock(other, wait=False)
        take_lock(other, wait=False)


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(("number", "raised"), [(errno.ENOLCK, False), (errno.EOPNOTSUPP, False), (errno.EIO, True)])
def test_a_file_system_without_locks_is_put_up_with_and_no_other_fault(monkeypatch, tmp_path, number, raised, wait):
    def fail(file, operation):
        raise OSError(number, "said by the system")

    monkeypatch.setattr(fcntl, "flock", fail)
    with open(tmp_path / "lock", "ab") as file:
        if raised:
            with pytest.raises(OSError, match="said by the system"):
                take_lock(file, wait)
        else:
            take_lock(file, wait)
