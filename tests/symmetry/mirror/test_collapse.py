"""The exponent of collapse: its four published settings, its expansion, and the fate of a scalar under SGD."""

import pytest
import torch

from pdesym.symmetry.mirror import batch_curvatures, collapse_exponent, critical_learning_rate, small_rate_exponent

SETTINGS = [(-0.1, 3.0, 0.1, -0.0436), (-0.1, 1.0, 0.1, 0.005), (-0.1, 3.0, 0.01, 0.0006), (0.1, 6.0, 0.5, 0.51)]


def normal(mean, std, count=1_000_000):
    """Curvatures whose distribution is the normal one, without chance: its quantiles."""
    return mean + std * torch.special.ndtri((torch.arange(count, dtype=torch.float64) + 0.5) / count)


@pytest.mark.parametrize(("mean", "std", "rate", "published"), SETTINGS)
def test_the_published_exponents(mean, std, rate, published):
    assert collapse_exponent(normal(mean, std), rate) == pytest.approx(published, rel=0.1, abs=5e-5)


@pytest.mark.parametrize(("mean", "std", "rate", "published"), SETTINGS)
def test_the_sign_is_the_fate_of_a_scalar(mean, std, rate, published):
    generator = torch.Generator().manual_seed(0)
    drawn = mean + std * torch.randn(400, 4000, generator=generator, dtype=torch.float64)
    w, log = torch.ones(400, dtype=torch.float64), torch.zeros(400, dtype=torch.float64)
    for curvature in drawn.T:
        w = w * (1 - rate * curvature)
        log, w = log + w.abs().log(), w.sign()  # so that nothing leaves the range of float64
    assert (float(log.median()) < 0) == (published < 0)


def test_the_expansion_is_of_third_order():
    curvatures = normal(0.3, 1.0, 1000)
    rates = torch.tensor([0.02, 0.04, 0.08], dtype=torch.float64)
    errors = torch.tensor(
        [
            abs(collapse_exponent(curvatures, float(r), 0.2) - small_rate_exponent(curvatures, float(r), 0.2))
            for r in rates
        ]
    )
    slope = float((errors[-1] / errors[0]).log2() / 2)
    assert 2.8 < slope < 3.3


def test_beyond_the_critical_rate_a_saddle_attracts():
    curvatures = normal(-0.1, 3.0)
    critical = critical_learning_rate(curvatures)
    assert critical == pytest.approx(0.2 / 9.01, rel=1e-3)
    assert collapse_exponent(curvatures, 0.7 * critical) > 0 > collapse_exponent(curvatures, 1.4 * critical)
    assert collapse_exponent(curvatures, 10.0) > 0  # reversed again
    assert critical_learning_rate(curvatures, weight_decay=0.2) == 0
    assert collapse_exponent(curvatures, 1e-3, weight_decay=0.2) < 0 < collapse_exponent(curvatures, 1e-3)


def test_batches_average_the_noise_away():
    curvatures = normal(-0.1, 3.0, 512)
    generator = torch.Generator().manual_seed(1)
    batches = batch_curvatures(curvatures, 64, 4000, generator)
    assert float(batches.mean()) == pytest.approx(-0.1, abs=0.02)
    assert float(batches.std()) == pytest.approx(3 / 8 * (1 - 64 / 512) ** 0.5, rel=0.05)
    torch.testing.assert_close(
        batch_curvatures(curvatures, 512, 3, generator), curvatures.mean().expand(3), rtol=0, atol=1e-12
    )
    assert collapse_exponent(curvatures, 0.1) < 0 < collapse_exponent(batches, 0.1)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="Expected curvatures of at least one sample, got none"):
        collapse_exponent(torch.zeros(0), 0.1)
    with pytest.raises(ValueError, match="Expected a positive learning rate, got 0"):
        collapse_exponent(torch.zeros(3), 0.0)
    for entry in (torch.nan, torch.inf):
        with pytest.raises(ValueError, match="Expected finite curvatures, got others"):
            critical_learning_rate(torch.tensor([entry, -1.0]))
    with pytest.raises(ValueError, match="Expected batches of 1 to 3 samples, got 4"):
        batch_curvatures(torch.zeros(3), 4, 2, torch.Generator())
