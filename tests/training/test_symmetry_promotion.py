"""Promotion in the training loop: the symmetry that the data leave open is learned, and a wrong one is not."""

import pytest
import torch

from pdesym.operators import fno
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import inverse_transform, transform, translate, wavenumbers
from pdesym.symmetry import Generator
from pdesym.symmetry.promote import SymmetryPenalty
from pdesym.training import SymmetryPromotion, TrainingSettings, train

GRID = Grid(32, length=10.0)
SHIFT, BOOST, WRONG = Generator("d_x"), Generator("t*d_x + d_u"), Generator("-t*d_x + d_u")
HORIZON = 1.0


def solution(u):
    """Heat that its own mean carries along, with the symmetries d_x and t*d_x + d_u."""
    mean = u.mean(-1)
    (k,) = wavenumbers(GRID)
    spread = inverse_transform(transform(u - mean.unsqueeze(-1), GRID) * torch.exp(-0.3 * k**2 * HORIZON), GRID.points)
    return mean.unsqueeze(-1) + translate(spread, GRID, mean * HORIZON)


def fields(samples, seed, mean=0.0):
    rng = torch.Generator().manual_seed(seed)
    (x,) = GRID.coordinates()
    angle = 2 * torch.pi * torch.arange(1, 5, dtype=torch.float64).unsqueeze(-1) * x / 10.0
    amplitude = torch.randn(2, samples, 4, generator=rng, dtype=torch.float64) / 2
    waves = amplitude[0] @ torch.sin(angle) + amplitude[1] @ torch.cos(angle)
    return (waves + mean * torch.randn(samples, 1, generator=rng, dtype=torch.float64)).reshape(samples, 1, 1, 32)


class Pairs:
    """Zero-mean fields and what becomes of them, as windows of one frame each."""

    def __init__(self, samples=64):
        self.u = fields(samples, seed=1)
        self.samples, self.starts = samples, 1

    def gather(self, sample, start):
        u, after = self.u[sample].float(), solution(self.u[sample]).float()
        times = torch.tensor([0.0, HORIZON], dtype=torch.float64).expand(len(sample), 2)
        return type("Batch", (), {"u_in": u, "u_out": after, "times": times})


def promotion(generators, **options):
    penalty = SymmetryPenalty(generators)
    return SymmetryPromotion(
        penalty, fields(64, seed=1).float(), GRID, (0.0,), (HORIZON,), **{"weight": 0.05, "batch": 4, **options}
    )


def trained(tmp_path, name, penalty):
    model = fno(1, 1, modes=8, width=12, layers=2)
    train(model, Pairs(), TrainingSettings(steps=250, batch=16, learning_rate=5e-3), tmp_path / name, penalty=penalty,
          progress=False)  # fmt: skip
    return model


def defect(model, generator, mean):
    times = torch.zeros(1), torch.full((1,), HORIZON)
    return SymmetryPenalty([generator]).defects(model, fields(32, 2, mean).float(), GRID, *times).item()


def error(model, mean):
    u = fields(32, 3, mean)
    with torch.no_grad():
        return float((model(u.float()) - solution(u)).square().mean().sqrt() / solution(u).std())


def test_a_promoted_network_has_the_boost_that_zero_mean_data_leave_open(tmp_path):
    plain, promoted = trained(tmp_path, "plain", None), trained(tmp_path, "promoted", promotion([SHIFT, BOOST]))
    assert defect(plain, BOOST, 0.5) > 0.1
    assert defect(promoted, BOOST, 0.5) < 0.2 * defect(plain, BOOST, 0.5)
    assert defect(promoted, WRONG, 0.5) > 0.1
    assert error(promoted, 0.0) < 0.06
    assert error(promoted, 0.5) < 0.3 * error(plain, 0.5)


class Means(torch.nn.Module):
    """The identity, which keeps the means of what it saw."""

    def forward(self, u):
        self.seen = u.mean((1, 2, 3))
        return u


def test_inputs_are_moved_where_data_say_nothing():
    penalty = promotion([SHIFT, BOOST])
    assert penalty.widths[0] == 0
    assert penalty.widths[1] == pytest.approx(float(fields(64, 1).std()), rel=0.1)
    model = Means()
    penalty(model, torch.Generator().manual_seed(0))
    assert model.seen.abs().max() > 0.2
    still = promotion([SHIFT, BOOST], widths=(0.0, 0.0))
    still(model, torch.Generator().manual_seed(0))
    assert model.seen.abs().max() < 1e-6


def test_inputs_depend_on_the_generator_alone():
    model, penalty = fno(1, 1, modes=4, width=4, layers=1), promotion([SHIFT, BOOST])
    values = [penalty(model, torch.Generator().manual_seed(seed)).item() for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_a_run_is_not_resumed_with_another_promotion(tmp_path):
    model, settings = fno(1, 1, modes=4, width=4, layers=1), TrainingSettings(steps=2, batch=2)
    train(model, Pairs(), settings, tmp_path, penalty=promotion([SHIFT, BOOST]), progress=False)
    with pytest.raises(ValueError, match="was started with penalty"):
        train(model, Pairs(), settings, tmp_path, penalty=promotion([SHIFT, BOOST], weight=0.1), progress=False)


def test_under_autocast_it_is_the_same_up_to_the_precision():
    model, penalty = fno(1, 1, modes=8, width=12, layers=2), promotion([SHIFT, BOOST])
    full = penalty(model, torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = penalty(model, torch.Generator().manual_seed(0))
    low.backward()
    assert low.item() == pytest.approx(full.item(), rel=0.1)
    assert low.item() != full.item()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": 0.0}, "Expected a positive batch and weight"),
        ({"batch": 0}, "Expected a positive batch and weight"),
        ({"widths": (1.0,)}, "Expected 2 widths"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        promotion([SHIFT, BOOST], **options)


class Regularised(torch.nn.Module):
    """A network with dropout and batch statistics, which a derivative of a training step does not go through."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(1))

    def forward(self, u):
        return self.layers(u.squeeze(1)).unsqueeze(1)


def test_networks_with_dropout_and_batch_statistics_are_judged_as_they_will_be_used():
    model, penalty = Regularised(), promotion([SHIFT, BOOST])
    values = [penalty(model, torch.Generator().manual_seed(0)) for _ in range(2)]
    assert values[0].item() == values[1].item()
    assert model.training
    assert model.layers[1].training
    values[0].backward()


def test_a_training_that_diverges_says_so(tmp_path):
    model = fno(1, 1, modes=4, width=4, layers=1)
    settings = TrainingSettings(steps=20, batch=2, learning_rate=1e30, checkpoint_every=1)
    with pytest.raises(FloatingPointError, match="The loss is"):
        train(model, Pairs(), settings, tmp_path, penalty=promotion([SHIFT, BOOST]), progress=False)
