"""Group FNOs are stored, reopened, trained and resumed like any other operator."""

import pytest
import torch

from pdesym.datasets.windows import Windows
from pdesym.operators import GroupFNOConfig, load_operator, save_operator
from pdesym.operators.group_fourier import PlaneGroup, act_on_grid
from pdesym.solvers import Grid
from pdesym.training import TrainingSettings, load_checkpoint, mean_squared_error, train

CONFIG = GroupFNOConfig(2, 1, ("pseudoscalar",), "p4m", modes=3, width=2, layers=2, seed=5, increment=0.5)


@pytest.fixture
def windows(travelling_waves):
    grid, times = Grid(12, 12, length=1.0), torch.arange(6).double()
    return Windows(travelling_waves(4, 6, 1, (12, 12)).float(), times, grid, 2, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_group_fno_reopens_as_it_was(dtype, tmp_path, device):
    operator = CONFIG.build().to(device, dtype)
    with torch.no_grad():
        for parameter in operator.parameters():
            parameter += 0.01
    save_operator(operator, tmp_path)
    reopened = load_operator(tmp_path, device)
    assert reopened.config == CONFIG
    u = torch.ones(1, 2, 1, 8, 8, device=device, dtype=dtype).cumsum(-1)
    assert torch.equal(reopened(u), operator(u))
    assert operator.state_dict().keys() == dict(operator.named_parameters()).keys()


def test_training_continues_to_the_same_weights_and_keeps_the_symmetry(windows, tmp_path):
    whole, parts = CONFIG.build(), CONFIG.build()
    settings = TrainingSettings(steps=20, batch=4, checkpoint_every=5, log_every=1, learning_rate=5e-3)
    metrics = train(whole, windows, settings, tmp_path / "whole", progress=False).metrics
    assert metrics[-1]["loss"] < 0.5 * metrics[0]["loss"]

    def stops(prediction, target):
        calls.append(0)
        if len(calls) == 14:
            raise KeyboardInterrupt
        return mean_squared_error(prediction, target)

    calls = []
    stops.__module__, stops.__qualname__ = mean_squared_error.__module__, mean_squared_error.__qualname__
    with pytest.raises(KeyboardInterrupt):
        train(parts, windows, settings, tmp_path / "parts", loss=stops, progress=False)
    parts = CONFIG.build()
    assert load_checkpoint(tmp_path / "parts", parts)["step"] == 10
    train(parts, windows, settings, tmp_path / "parts", progress=False)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(a, b)

    group, u = PlaneGroup("p4m"), windows.u[:, :2].double()
    trained = load_operator(tmp_path / "parts").double()
    for element in range(group.order):
        turned, given = (act_on_grid(f, element, group, ("pseudoscalar",)) for f in (u, trained(u)))
        assert (trained(turned) - given).norm() < 1e-12 * given.norm()
