"""Trainings side by side: all run, a failure is heard, and how far they are is said."""

from functools import partial

import pytest

from pdesym.training import Training, train_in_parallel
from pdesym.training.metrics import MetricsLog


def log_in(folder):
    folder.mkdir()
    return MetricsLog(folder, 0)


def test_all_trainings_run(tmp_path):
    trainings = [
        Training(f"number {i}", tmp_path / str(i), 3, partial(MetricsLog.write, log_in(tmp_path / str(i)), {"step": 3}))
        for i in range(3)
    ]
    assert [each.steps_done for each in trainings] == [0, 0, 0]
    train_in_parallel(trainings, workers=1)
    assert [each.steps_done for each in trainings] == [3, 3, 3]


def test_a_failure_is_raised_here(tmp_path):
    work = partial(int, "no number")
    with pytest.raises(ValueError, match="invalid literal"):
        train_in_parallel([Training("failing", tmp_path, 1, work)])


def test_nothing_to_do_starts_nothing():
    train_in_parallel([])


def test_less_than_one_worker_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 1 worker, got 0"):
        train_in_parallel([Training("any", tmp_path, 1, partial(int, "1"))], workers=0)
