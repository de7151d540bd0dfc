"""Learning vector fields with checkpoints: resumed after a kill, kept on disk, refused where it does not belong."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pdesym.symmetry import Generator
from pdesym.symmetry.learn import learn
from pdesym.training import learn_generators, load_generators, read_metrics

PROGRAM = Path(__file__).with_name("learning_run.py")


@pytest.fixture(scope="module")
def example():
    specification = importlib.util.spec_from_file_location("learning_run", PROGRAM)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def problem(example):
    return example.problem()


@pytest.fixture(scope="module")
def whole(example, problem, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, learn_generators(problem, example.SETTINGS, folder, progress=False)


def same_weights(one, two):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_gives_what_learning_in_memory_gives(example, problem, whole):
    _, learned = whole
    assert same_weights(learn(problem, example.SETTINGS).network, learned.network)


def test_a_killed_run_continues_to_the_same_weights(example, problem, whole, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(tmp_path)], env=environment)
    try:
        until = time.monotonic() + 120
        while not (tmp_path / "last").exists() or not any(line["step"] >= 3 for line in read_metrics(tmp_path)):
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "generators").exists()
    resumed = learn_generators(problem, example.SETTINGS, tmp_path, progress=False)
    assert same_weights(resumed.network, whole[1].network)
    assert [line["step"] for line in read_metrics(tmp_path)] == list(range(1, example.SETTINGS.steps + 1))


def test_a_finished_run_opens(whole):
    folder, learned = whole
    family = load_generators(folder)
    assert len(family) == learned.dimension == 3
    point = tuple(torch.rand(3, 10, dtype=torch.float64))
    assert torch.allclose(family.velocities(point), learned.generators.velocities(point), rtol=1e-14)
    exact = [Generator(text) for text in ("d_x", "d_t", "t*d_x + d_u")]
    assert learned.problem.measure.angles(family, exact)[0] < 1


def test_other_settings_are_refused(example, problem, whole):
    with pytest.raises(ValueError, match="started with seed = 3, got 4"):
        learn_generators(problem, example.SETTINGS.model_copy(update={"seed": 4}), whole[0], progress=False)


def test_another_equation_on_the_same_data_is_refused(example, problem, whole):
    changed = replace(problem, score=problem.held_out)
    with pytest.raises(ValueError, match="started with data"):
        learn_generators(changed, example.SETTINGS, whole[0], progress=False)


def test_an_unfinished_run_does_not_open(tmp_path):
    with pytest.raises(FileNotFoundError, match="no learned generators"):
        load_generators(tmp_path)
