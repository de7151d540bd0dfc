"""The normaliser: the mean and the standard deviation of the training data, and of nothing else."""

import json

import numpy as np
import pytest
import torch

from pdesym.datasets.moments import Moments
from pdesym.datasets.normaliser import Normaliser
from pdesym.operators import fno
from pdesym.training.checkpoint import load_checkpoint, save_checkpoint
from tests.datasets.made_dataset import numbered, written

TIMES = np.linspace(0, 1, 6)
U, V = numbered(7, 6, 8, 4), 1e6 + 1e-2 * numbered(7, 6, 8, 4, dtype="float64", seed=1)


@pytest.fixture
def made(tmp_path):
    splits = {
        "train": {"u": U, "v": V},
        "valid": {"u": U[:2] + 1e3, "v": V[:2]},
        "test": {"u": U[:2] + 1e3, "v": V[:2]},
    }
    return written(
        tmp_path / "made", splits, times=TIMES, lengths=(8.0, 4.0), shard=3, failed={"train": {5: "it blew up"}}
    )


def test_it_is_numpys_over_the_training_data_alone(made):
    kept = [0, 1, 2, 3, 4, 6]
    found = Normaliser.fit(made)
    assert (found.fields, found.dims) == (("u", "v"), 2)
    for number, stored in enumerate((U, V)):
        exact = stored[kept].astype(np.longdouble)
        assert found.mean[number] == pytest.approx(float(exact.mean()), rel=1e-14)
        assert found.std[number] == pytest.approx(float(exact.std()), rel=1e-12)


@pytest.mark.parametrize("split", ["valid", "test"])
def test_other_splits_are_refused(made, split):
    with pytest.raises(ValueError, match=f"fitted on the split train alone, got {split}: what is known of the other"):
        Normaliser.fit(made, split)


def test_one_that_saw_the_test_data_would_be_another(made, tmp_path):
    mixed = written(tmp_path / "mixed", {"train": {"u": np.concatenate([U, U + 1e3])}}, times=TIMES, lengths=(8.0, 4.0))
    assert abs(Normaliser.fit(mixed).mean[0] - Normaliser.fit(made).mean[0]) > 1


@pytest.mark.parametrize("shape", [(3, 2, 8, 4), (3, 5, 2, 8, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_apply_and_invert(made, shape, dtype):
    normaliser = Normaliser.fit(made)
    u = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    there = normaliser.apply(u)
    assert there.dtype == dtype
    back = normaliser.invert(there)
    bound = 4 * torch.finfo(dtype).eps * (u.abs() + 1e6)  # v is far from 0
    assert ((back - u).abs() <= bound).all()
    channel = (..., 1, slice(None), slice(None))
    expected = (u[channel].double() - normaliser.mean[1]) / normaliser.std[1]
    torch.testing.assert_close(there[channel].double(), expected, rtol=1e-5, atol=1e-5)


def test_normalised_training_data_have_mean_0_and_deviation_1(made):
    normaliser = Normaliser.fit(made)
    kept = torch.from_numpy(np.stack([U, V], axis=2)[[0, 1, 2, 3, 4, 6]])
    there = normaliser.apply(kept)
    assert there.mean((0, 1, 3, 4)).abs().max() < 1e-7
    assert (there.std((0, 1, 3, 4), correction=0) - 1).abs().max() < 1e-9


@pytest.mark.parametrize("value", [3.7, 0.0])
def test_a_constant_field_is_said(tmp_path, value):
    fields = {"u": numbered(3, 6, 8), "b": np.full((3, 6, 8), value, dtype="float32")}
    folder = written(tmp_path, {"train": fields}, times=TIMES)
    with pytest.raises(ValueError, match=rf"The field b of the split train .* is {value:g} everywhere"):
        Normaliser.fit(folder)
    kept = Normaliser.fit(folder, constant="keep")
    assert kept.std[1] == 1.0
    assert kept.mean[1] == pytest.approx(value, rel=1e-6)


def test_a_field_that_is_not_finite_is_said(tmp_path):
    u = numbered(3, 6, 8)
    u[1, 2, 3] = np.inf
    with pytest.raises(ValueError, match=r"The field u .* values that are not finite"):
        Normaliser.fit(written(tmp_path, {"train": {"u": u}}, times=TIMES))


def test_it_comes_back_from_json_and_from_a_checkpoint(made, tmp_path):
    normaliser = Normaliser.fit(made)
    assert Normaliser.from_dict(json.loads(json.dumps(normaliser.to_dict()))) == normaliser
    model = fno(1, 1, modes=2, width=4, layers=1)
    state = {"normaliser": normaliser.to_dict()}
    save_checkpoint(tmp_path / "run", model, 1, state, {"normaliser": normaliser.to_dict()}, keep=1)
    assert Normaliser.from_dict(load_checkpoint(tmp_path / "run", model)["normaliser"]) == normaliser


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"std": [1.0, 0.0]}, r"standard deviations above 0, got \[1\.0, 0\.0\]"),
        ({"mean": [1.0]}, r"one mean for each of the fields \['u', 'v'\], got \[1\.0\]"),
        ({"mean": [1.0, float("nan")]}, "a finite mean"),
        ({"dims": 4}, "1 to 3 space dimensions, got 4"),
        ({"mode": 1}, "Expected the keys fields, mean, std, dims"),
        ({"mean": None}, "Expected lists of names and numbers"),
    ],
)
def test_what_is_no_normaliser_is_refused(change, sentence):
    saved = {"fields": ["u", "v"], "mean": [0.0, 1.0], "std": [1.0, 2.0], "dims": 1}
    with pytest.raises(ValueError, match=sentence):
        Normaliser.from_dict({**saved, **change})


def test_other_tensors_are_refused():
    normaliser = Normaliser(("u", "v"), (0.0, 1.0), (1.0, 2.0), 1)
    with pytest.raises(ValueError, match=r"Expected 2 channels before 1 space axes, got a tensor of shape \(4, 3, 8\)"):
        normaliser.apply(torch.zeros(4, 3, 8))


def test_moments_do_not_depend_on_the_pieces():
    values = 1e8 + np.random.default_rng(0).normal(size=10_001)
    whole, pieces = Moments(), Moments()
    whole.add(values)
    for piece in np.split(values, [0, 1, 700, 701, 5000]):
        pieces.add(piece)
    exact = values.astype(np.longdouble)
    for moments in (whole, pieces):
        assert moments.mean == pytest.approx(float(exact.mean()), rel=1e-15)
        assert moments.std == pytest.approx(float(exact.std()), rel=1e-10)
    assert (pieces.count, pieces.least, pieces.most) == (10_001, values.min(), values.max())
    # What would not do: the difference of two large numbers.
    assert abs(np.sqrt(np.mean(values**2) - values.mean() ** 2) - float(exact.std())) > 1e-3
