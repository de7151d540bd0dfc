"""Training as processes of their own: killed, or several together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pdesym.operators import load_operator, load_weights
from pdesym.operators.storage import last_checkpoint
from pdesym.training import local_device, read_metrics
from pdesym.training.devices import Processes

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("example_run.py")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def bits(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_a_killed_run_ends_with_the_same_bits(example, tmp_path):
    """SIGKILL in the middle; the next process carries on from the last checkpoint."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, PROGRAM, killed, "200", "fno", "float32"]
    process = subprocess.Popen(command, env=ENVIRONMENT)
    deadline = time.monotonic() + 120
    while not (done := read_metrics(killed)) or done[-1]["step"] < 70:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert "step-00000050" <= last_checkpoint(killed).name < "step-00000200"

    subprocess.run(command, env=ENVIRONMENT, check=True, timeout=120)
    expected = example.run(whole, 200, "fno", torch.float32)
    assert torch.equal(bits(load_operator(killed)), bits(expected))
    metrics = [[(line["step"], line["loss"]) for line in read_metrics(run)] for run in (killed, whole)]
    assert metrics[0] == metrics[1]
    assert [step for step, _ in metrics[0]] == list(range(1, 201))


def test_two_processes_train_like_one(example, tmp_path):
    """torchrun with gloo on the CPU, in float64, where an order of summation is all that may differ."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = [PROGRAM, tmp_path / "two", "60", "convolution", "float64"]
    subprocess.run([*torchrun, *arguments], env=ENVIRONMENT, check=True, timeout=120)
    one = example.run(tmp_path / "one", 60, "convolution", torch.float64)
    two = example.Convolution().double()
    start = bits(two).clone()
    load_weights(two, last_checkpoint(tmp_path / "two") / "model.safetensors")
    assert (bits(two) - bits(one)).norm() < 1e-10 * bits(one).norm()
    assert (bits(two) - start).norm() > 1e-2 * bits(one).norm()
    a, b = ([line["loss"] for line in read_metrics(tmp_path / name)] for name in ("one", "two"))
    assert a == pytest.approx(b, rel=1e-9)
    assert len(a) == 60


def test_a_batch_that_does_not_divide_is_refused():
    assert [Processes(rank, 3).share(12) for rank in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]
    with pytest.raises(
        ValueError, match="A batch of 16 windows does not divide among 3 processes: take a multiple of 3"
    ):
        Processes(0, 3).share(16)


def test_devices_by_name(monkeypatch):
    assert local_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="Expected a device like auto, cpu, cuda or cuda:1, got 'gpu'"):
        local_device("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert local_device() == torch.device("cpu")
    with pytest.raises(ValueError, match="'cuda' was asked for, and torch sees no CUDA here: use cpu"):
        local_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert local_device() == torch.device("cuda:3")
    assert local_device("cuda:1") == torch.device("cuda:1")
