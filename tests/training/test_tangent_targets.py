"""Training on derivatives of the solution map beside its values."""

import pytest
import torch

from pdesym.training import TangentTargets, TrainingSettings, train


class Square(torch.nn.Module):
    """F(u) = a u², dF[u]·w = 2 a u w."""

    def __init__(self, factor):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(factor, dtype=torch.float64))

    def forward(self, u):
        return self.factor * u**2


def targets(count=40, factor=1.5, **options):
    u, w = torch.randn(2, count, 1, 1, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return TangentTargets(u, w, 2 * factor * u * w, **{"batch": 16, **options})


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def value(penalty, model, seed=0):
    return penalty(model, rng(seed)).item()


def test_the_penalty_is_zero_for_the_right_derivative_alone():
    assert value(targets(), Square(1.5)) < 1e-30
    wrong = value(targets(), Square(1.0))
    assert wrong > 0.1
    assert value(targets(size=2.0), Square(1.0)) == pytest.approx(wrong / 4)
    model = Square(1.0)
    targets()(model, rng()).backward()
    assert model.factor.grad < 0


def test_examples_depend_on_the_generator_alone():
    values = [value(targets(), Square(1.0), seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_a_model_learns_the_derivative_with_the_values(example, tmp_path):
    """Sobolev training of the linear waves: of two runs with the same windows the one with targets knows dF better."""
    data = example.dispersive_waves(samples=2)
    linear = example.Convolution(8)
    windows = data.gather(torch.arange(2).repeat(40), torch.arange(80) % data.starts)
    generator = torch.Generator().manual_seed(2)
    w = torch.randn(80, 2, 1, example.POINTS, generator=generator)
    # The next frame of two, for any field: û(t+h) = 2 cos(k³h) û(t) − û(t−h).
    k = 2 * torch.pi * torch.fft.rfftfreq(example.POINTS, example.LENGTH / example.POINTS)
    twice = (2 * torch.cos(k**3 * 0.25) * (k < 1.3)).to(torch.complex64)
    smooth = torch.fft.irfft(torch.fft.rfft(w) * (k < 1.3), n=example.POINTS)
    image = torch.fft.irfft(twice * torch.fft.rfft(smooth[:, 1:]), n=example.POINTS) - smooth[:, :1]
    penalty = TangentTargets(windows.u_in, smooth, image, batch=8, size=float(image.std()))
    errors = []
    for name, term in (("values", None), ("derivatives", penalty)):
        model = example.Convolution(8)
        settings = TrainingSettings(steps=300, batch=8, learning_rate=0.02, weight_decay=0.0)
        run = train(model, data, settings, tmp_path / name, penalty=term, progress=False)
        errors.append(value(penalty, model))
    assert errors[1] < 0.3 * errors[0]
    other = TangentTargets(windows.u_in, smooth, 2 * image, batch=8, size=float(image.std()))
    with pytest.raises(ValueError, match="was started with penalty"):
        train(linear, data, settings, run.directory, penalty=other, progress=False)


def test_what_does_not_belong_together_is_refused():
    u = torch.zeros(4, 1, 1, 8)
    with pytest.raises(ValueError, match="of one shape and as many images"):
        TangentTargets(u, u[:, :, :, :4], u, batch=2)
    with pytest.raises(ValueError, match="positive batch and size, got batch=0"):
        TangentTargets(u, u, u, batch=0)
    with pytest.raises(ValueError, match=r"size=0\.0"):
        TangentTargets(u, u, u, batch=1, size=0.0)
