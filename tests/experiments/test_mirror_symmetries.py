"""The experiments on mirrors at the smallest size: two neurons become one, and channels are counted."""

import pytest

from experiments.mirror import collapse, homogeneous, two_neurons


def test_weight_decay_makes_two_neurons_one():
    record = two_neurons.measured(two_neurons.Preset(decays=(0.0, 0.1), seeds=2, steps=500, samples=16))
    apart = [row["distance"] for row in record["rows"] if row["decay"] == 0]
    together = [row["distance"] for row in record["rows"] if (row["decay"], row["teacher"]) == (0.1, 1)]
    assert min(apart) > 1e-2
    assert max(together) < 1e-9
    assert "| 1 | 0.1 |" in two_neurons.report(record)


def test_the_published_settings_have_the_fate_that_their_sign_says():
    preset = collapse.Preset(means=(), deviations=(), rates=(), walkers=200, steps=3000)
    rows = collapse.scalars(preset)
    assert len(rows) == 4
    for row, (*_, published) in zip(rows, collapse.PUBLISHED, strict=True):
        assert row["predicted"] == pytest.approx(published, rel=0.1, abs=5e-5)
        assert (row["observed"] < 0) == (published < 0)


@pytest.mark.slow
def test_a_training_counts_its_channels():
    preset = homogeneous.Preset(
        train=8, test=4, points=16, finer=4, width=4, hidden=6, modes=3, steps=(40, 10), checks=2
    )
    for network, channels in (("perceptron", 12), ("operator", 16)):
        result = homogeneous.trained(preset, network, 0.0, 0)
        assert result["channels"] == channels
        assert [each["different"] for each in result["history"]] == [channels] * 3
        assert result["leak"] < 1e-12
