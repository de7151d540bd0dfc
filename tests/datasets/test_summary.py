"""The numbers about a dataset are those that numpy finds in its arrays."""

import numpy as np
import pytest

from pdesym.datasets import generate, open_dataset
from pdesym.datasets.spectra import PowerSpectra
from pdesym.datasets.summary import summarise
from tests.datasets.made_dataset import numbered, written

TIMES = np.linspace(0, 1, 6)
X, Y = np.arange(16) / 16, np.arange(8) / 8


def waves(samples=5):
    """(sample, time, x, y): 3 + a cos(2π·2x) + b sin(2π(x + 3y)) with a = 1 + t, b = 0.5."""
    t = TIMES[:, None, None]
    x, y = X[:, None], Y[None, :]
    u = 3 + (1 + t) * np.cos(4 * np.pi * x) + 0.5 * np.sin(2 * np.pi * (x + 3 * y))
    return np.broadcast_to(u, (samples, *u.shape)).copy()


@pytest.fixture
def made(tmp_path):
    momentum = np.full((5, 6), 4.0)
    momentum[3, 2:] += 1e-6
    own = {
        "invariant_momentum": momentum,
        "invariant_mass": np.full((5, 6), 1e-16) * np.arange(6),
        "error": np.array([1e-8, 2e-8, 3e-8, 4e-8, 9e-8]),
        "horizon": np.array([1.0, 1.0, 1.0, 0.5, 1.0]),
        "time_stretch": np.arange(1.0, 6.0),
    }
    return written(
        tmp_path / "made",
        {"train": {"u": waves()}, "test": {"u": numbered(2, 6, 16, 8)}},
        times=TIMES,
        lengths=(2.0, 1.0),
        own={"train": own},
        failed={"train": {1: "it blew up at t = 0.2"}},
    )


def test_ranges_failures_and_errors(made):
    summary = summarise(made)
    assert [split.name for split in summary.splits] == ["train", "test"]
    train, test = summary.splits
    assert (train.samples, train.failures, test.failures) == (5, {1: "it blew up at t = 0.2"}, {})
    (field,) = train.fields
    u = waves(4)
    assert (field.least, field.most) == (u.min(), u.max())
    assert (field.mean, field.std) == (pytest.approx(u.mean(), rel=1e-14), pytest.approx(u.std(), rel=1e-13))
    np.testing.assert_array_equal(np.sort(train.error), [1e-8, 3e-8, 4e-8, 9e-8])
    assert train.beyond == 1
    assert train.drawn == {"time_stretch": (1.0, 5.0)}
    assert train.bytes > 5 * 6 * 16 * 8 * 8
    assert train.stored_bytes > 1000
    assert [(axis.name, axis.points, axis.length, axis.periodic) for axis in summary.axes] == [
        ("x", 16, 2.0, True),
        ("y", 8, 1.0, True),
    ]
    with pytest.raises(KeyError, match="There is no split valid: there are train, test"):
        summary.split("valid")


def test_spectra_are_those_of_the_waves(made):
    (field,) = summarise(made).split("train").fields
    assert field.frames == (0, 1, 2, 4, 5)
    along_x = np.zeros((5, 9))
    along_x[:, 0] = 9.0
    along_x[:, 2] = (1 + TIMES[list(field.frames)]) ** 2 / 2
    along_x[:, 1] = 0.5**2 / 2
    np.testing.assert_allclose(field.power["x"], along_x, atol=1e-14)
    along_y = np.zeros((5, 5))
    along_y[:, 0] = 9.0 + along_x[:, 2]
    along_y[:, 3] = 0.5**2 / 2
    np.testing.assert_allclose(field.power["y"], along_y, atol=1e-14)


@pytest.mark.parametrize("points", [8, 9])
def test_the_power_of_a_frame_adds_up_to_the_mean_square(points):
    u = numbered(3, 4, points, 5, dtype="float64")
    spectra = PowerSpectra(0, np.array([0, 3]))
    spectra.add(u[:2])
    spectra.add(u[:0])
    spectra.add(u[2:])
    expected = np.square(u[:, [0, 3]]).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(spectra.power.sum(axis=1), expected, rtol=1e-14)


def test_a_tail_is_seen():
    smooth, rough = PowerSpectra(0, np.array([0])), PowerSpectra(0, np.array([0]))
    smooth.add(np.cos(2 * np.pi * X)[None, None])
    rough.add((np.cos(2 * np.pi * X) + np.cos(2 * np.pi * 7 * X))[None, None])
    assert smooth.tail < 1e-14
    assert rough.tail == pytest.approx(np.sqrt(0.5), rel=1e-12)


def test_drifts_are_relative_where_there_is_something_to_keep(made):
    invariants = {each.name: each for each in summarise(made).split("train").invariants}
    momentum, mass = invariants["momentum"], invariants["mass"]
    assert momentum.size == pytest.approx(4.0, rel=1e-6)
    assert momentum.relative == pytest.approx(2.5e-7, rel=1e-5)
    np.testing.assert_allclose(momentum.drift, [0, 0, 2.5e-7, 2.5e-7, 2.5e-7, 2.5e-7], rtol=1e-5)
    assert mass.relative is None
    assert mass.absolute == pytest.approx(5e-16)


def test_a_generated_dataset_is_within_its_tolerance(small_dataset):
    summary = summarise(small_dataset)
    train = summary.split("train")
    assert train.error.max() < 1e-5
    assert {each.name for each in train.invariants} == {"mass", "momentum", "energy"}
    assert all(each.relative is None or each.relative < 1e-4 for each in train.invariants)


def test_variables_come_in_the_order_in_which_they_are_stored(made):
    assert list(open_dataset(made, "train").data_vars) == [
        "u",
        "invariant_momentum",
        "invariant_mass",
        "error",
        "horizon",
        "time_stretch",
        "checksum",
        "status",
    ]


def test_an_unfinished_dataset_is_refused(tmp_path):
    folder = written(tmp_path, {"train": {"u": numbered(5, 6, 8)}}, times=TIMES, unfinished=("train",))
    with pytest.raises(ValueError, match=r"The split train .* is not complete"):
        summarise(folder)


def made_series(tmp_path, waves, momentum, **own):
    """Four samples cos(2π·wave·x), each wave of its own, whose stored momentum over time is given."""
    u = np.stack([np.broadcast_to(np.cos(2 * np.pi * wave * X), (6, 16)) for wave in waves])
    own = {"invariant_momentum": np.broadcast_to(momentum, (4, 6)).copy(), "error": np.full(4, 1e-5), **own}
    made = written(tmp_path, {"train": {"u": u}}, times=TIMES, lengths=(1.0,), own={"train": own})
    train = summarise(made).split("train")
    return train.resolution, train.invariants[0]


KEPT, LOST = np.array([4, 4, 4, 4, 4, 4 + 1e-5]), 4 * np.exp(-TIMES)
USED = {"points_used": np.array([16, 16, 32, 16])}


def test_a_drift_beside_a_spectrum_that_does_not_end_is_one_of_sampling(tmp_path):
    resolution, momentum = made_series(tmp_path, [1, 2, 3, 7], LOST, **USED)
    assert momentum.sampled
    assert resolution.is_enough is False
    assert resolution.share == pytest.approx(1.0)
    assert resolution.reasons == (
        "the solver used up to 32 points along x where 16 are stored",
        "the last third of the stored wavenumbers has up to 1 of the norm of u, more than 1e-06",
    )


def test_a_series_that_is_not_kept_is_one_where_the_points_are_enough(tmp_path):
    resolution, momentum = made_series(tmp_path / "lost", [1, 2, 3, 1], LOST)
    assert (resolution.is_enough, resolution.reasons, momentum.sampled) == (True, (), False)
    assert momentum.relative > 0.5
    resolution, momentum = made_series(tmp_path / "used", [1, 2, 3, 1], LOST, **USED)  # by frames that are not stored
    assert (resolution.is_enough, momentum.sampled) == (True, False)


def test_a_drift_within_the_errors_is_none_of_sampling(tmp_path):
    resolution, momentum = made_series(tmp_path, [1, 2, 3, 7], KEPT)
    assert (resolution.is_enough, momentum.sampled) == (False, False)


def test_nothing_is_known_without_a_spectrum(tmp_path):
    own = {"invariant_momentum": np.full((4, 6), 4.0)}
    made = written(tmp_path, {"train": {"u": numbered(4, 6, 16)}}, times=TIMES, own={"train": own}, periodic=0)
    assert summarise(made).split("train").resolution.is_enough is None


def test_one_rough_sample_among_many_is_seen_and_rounding_is_not():
    smooth, noise = np.cos(2 * np.pi * X), np.cos(2 * np.pi * 7 * X)
    spectra = PowerSpectra(0, np.array([0, 1]))
    spectra.add(np.broadcast_to(3 + smooth, (50, 2, 16)))
    spectra.add(np.stack([smooth, 1e-12 * noise])[None])  # has decayed to rounding
    assert spectra.roughest < 1e-11
    spectra.add(np.stack([smooth, 0.01 * noise])[None])
    assert spectra.roughest == pytest.approx(0.01)


@pytest.mark.parametrize(("points", "coarse"), [(32, True), (128, False)])
def test_the_drift_of_a_generated_dataset_is_that_of_its_points(changed, tmp_path, points, coarse):
    wanted = {"grid": {"points": points, "length": 32.0}, "splits": {"train": 4}, "dtype": "float64", "rtol": 1e-5}
    initial = {"law": "sinusoids", "terms": 4, "amplitude": 1.0, "waves": [2, 4]}
    train = summarise(generate(changed(**wanted, initial=initial), tmp_path / "made", progress=False)).split("train")
    energy = next(each for each in train.invariants if each.name == "energy")
    assert energy.sampled == coarse
    assert train.resolution.is_enough == (not coarse)
    assert (energy.relative > 10 * train.error.max()) == coarse
