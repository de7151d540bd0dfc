"""Operators with enforced symmetries train like the network inside."""

import pytest
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from pdesym.datasets import Windows
from pdesym.operators import enforce, fno, load_operator, reflection
from pdesym.solvers import Grid
from pdesym.symmetry import Generator, finite_defect
from pdesym.training import TrainingSettings, train

GRID, BOOST = Grid(16, length=4.0), Generator("t*d_x + d_u")
TIMES = (torch.arange(6) * 0.25).double()


def model():
    network = fno(3, 2, modes=4, width=8, layers=2).double()
    return enforce(network, [BOOST, reflection()], GRID, TIMES[:3].tolist(), TIMES[3:5].tolist())


@pytest.fixture
def windows():
    """Waves on a mean flow."""
    x = GRID.coordinates()[0] * (torch.pi / 2)
    means = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(-1, 1, 1)
    t = TIMES.reshape(1, -1, 1)
    u = means + torch.cos(x - means * t) + 0.3 * torch.sin(2 * (x - means * t) + means)
    return Windows(u.unsqueeze(2), TIMES, GRID, 3, 2)


def bits(operator):
    return torch.cat([p.detach().flatten() for p in operator.parameters()])


def test_a_run_resumes_and_reopens_with_the_symmetry(windows, tmp_path):
    settings = TrainingSettings(steps=6, batch=4, log_every=2, checkpoint_every=3)
    whole, first = model(), model()
    run = train(whole, windows, settings, tmp_path / "whole", progress=False)
    assert run.metrics[-1]["loss"] < run.metrics[0]["loss"]

    def stopped(u_in, u_out, times, generator):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return u_in, u_out

    calls = []
    with pytest.raises(KeyboardInterrupt):
        train(first, windows, settings, tmp_path / "parts", stopped, progress=False)
    calls += [1] * 9
    resumed = model()
    train(resumed, windows, settings, tmp_path / "parts", stopped, progress=False)
    assert torch.equal(bits(resumed), bits(whole))
    assert not torch.equal(bits(model()), bits(whole))

    reopened = load_operator(tmp_path / "parts")
    u = windows.gather(torch.arange(8), torch.zeros(8, dtype=torch.int64)).u_in
    assert torch.equal(reopened(u), resumed(u))
    assert float(finite_defect(reopened, BOOST, u, GRID, TIMES[:3], TIMES[3:5], 0.4)) < 1e-12
    assert float(finite_defect(reopened.inner, BOOST, u, GRID, TIMES[:3], TIMES[3:5], 0.4)) > 0.05


def test_gradients_pass_through_distributed_data_parallel(windows):
    u = windows.gather(torch.arange(4), torch.zeros(4, dtype=torch.int64)).u_in
    alone, wrapped = model(), model()
    alone(u).square().mean().backward()
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        DistributedDataParallel(wrapped)(u).square().mean().backward()
    finally:
        dist.destroy_process_group()
    for a, b in zip(alone.parameters(), wrapped.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
