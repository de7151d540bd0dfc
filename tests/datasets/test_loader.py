"""The loader: every window once an epoch, the same order for the same seed, and after an interruption what was left."""

import json
import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader

from pdesym.datasets import Windows
from pdesym.datasets.loader import WindowLoader
from pdesym.datasets.normaliser import Normaliser
from pdesym.datasets.window_dataset import WindowDataset
from pdesym.solvers import Grid
from pdesym.training.shown_windows import ShownWindows
from tests.datasets.made_dataset import numbered, written

TIMES = torch.linspace(0, 1, 6, dtype=torch.float64)
SAMPLES, STARTS = 5, 4


@pytest.fixture
def windows():
    """20 windows, told apart by their first number."""
    u = torch.arange(SAMPLES * 6 * 8, dtype=torch.float64).reshape(SAMPLES, 6, 1, 8)
    return Windows(u, TIMES, Grid(8, length=8.0), 2, 1)


def named(window):
    """The numbers of the windows of a batch."""
    first = window.u_in[:, 0, 0, 0] / 8
    return [int(f) // 6 * STARTS + int(f) % 6 for f in first]


def epochs(loader, count):
    return [[named(window) for window in loader] for _ in range(count)]


def flat(epoch):
    return [n for batch in epoch for n in batch]


def test_every_window_comes_once_an_epoch_in_another_order_each(windows):
    one, two = epochs(WindowLoader(windows, 3, seed=0), 2)
    assert [len(batch) for batch in one] == [3, 3, 3, 3, 3, 3, 2]
    assert sorted(flat(one)) == sorted(flat(two)) == list(range(20))
    assert flat(one) != flat(two)
    assert flat(one) != list(range(20))


def test_the_order_depends_on_seed_and_epoch_alone(windows):
    assert epochs(WindowLoader(windows, 3, seed=4), 3) == epochs(WindowLoader(windows, 3, seed=4), 3)
    assert epochs(WindowLoader(windows, 3, seed=4), 1) != epochs(WindowLoader(windows, 3, seed=5), 1)
    by_ones = WindowLoader(windows, 1, seed=4)
    by_ones.seek(2)
    assert flat(epochs(by_ones, 1)[0]) == flat(epochs(WindowLoader(windows, 7, seed=4), 3)[2])
    torch.manual_seed(0)
    torch.rand(5)  # nothing global is used
    assert epochs(WindowLoader(windows, 3, seed=4), 1) == epochs(WindowLoader(windows, 3, seed=4), 1)


def test_without_shuffling_in_order(windows):
    assert flat(epochs(WindowLoader(windows, 6, seed=0, shuffle=False), 1)[0]) == list(range(20))


def test_the_last_batch_is_dropped_when_asked(windows):
    loader = WindowLoader(windows, 6, seed=0, drop_last=True)
    assert len(loader) == 3
    assert [len(batch) for batch in epochs(loader, 1)[0]] == [6, 6, 6]


def interrupted(windows, steps, resume):
    """All batches of three epochs, by a run that ends after so many steps and another that goes on."""
    seen = []
    loader = WindowLoader(windows, 3, seed=9)
    state = loader.state_dict()
    while loader.epoch < 3 and len(seen) < steps:
        for window in loader:
            seen.append(named(window))
            state = loader.state_dict()
            if len(seen) == steps:
                break
    again = WindowLoader(windows, 3, seed=9)
    resume(again, json.loads(json.dumps(state)))
    while again.epoch < 3:
        seen += [named(window) for window in again]
    return seen


@pytest.mark.parametrize("steps", range(0, 22))
def test_a_resumed_run_sees_exactly_the_batches_that_were_left(windows, steps):
    whole = [batch for epoch in epochs(WindowLoader(windows, 3, seed=9), 3) for batch in epoch]
    assert interrupted(windows, steps, lambda loader, state: loader.load_state_dict(state)) == whole


@pytest.mark.parametrize(
    "wrong",
    [
        lambda loader, state: loader.load_state_dict({**state, "position": 0}),  # the epoch from its beginning
        lambda loader, state: loader.load_state_dict({**state, "position": state["position"] + 1}),
        lambda loader, state: loader.load_state_dict({**state, "epoch": state["epoch"] + 1}),
        lambda loader, state: loader.seek(0),
    ],
)
def test_one_that_resumes_wrongly_is_seen(windows, wrong):
    whole = [batch for epoch in epochs(WindowLoader(windows, 3, seed=9), 3) for batch in epoch]
    assert interrupted(windows, 10, wrong) != whole


def test_an_iteration_that_was_left_goes_on(windows):
    loader = WindowLoader(windows, 3, seed=0)
    first = [named(next(iter(loader))), named(next(iter(loader)))]
    assert first + [named(window) for window in loader] == epochs(WindowLoader(windows, 3, seed=0), 1)[0]
    assert (loader.epoch, loader.position) == (1, 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": 1}, "a loader with seed = 1, this one has 0"),
        ({"batch": 4}, "a loader with batch = 4, this one has 3"),
        ({"windows": 21}, "a loader with windows = 21, this one has 20"),
        ({"shuffle": False}, "with shuffle = False"),
        ({"position": 7}, r"a batch in 0 \.\. 6, got 0 and 7"),
        ({"epoch": -1}, "Expected an epoch from 0 on"),
        ({"epoch": "0"}, "Expected the numbers epoch and position"),
    ],
)
def test_the_state_of_another_loader_is_refused(windows, change, sentence):
    loader = WindowLoader(windows, 3, seed=0)
    with pytest.raises(ValueError, match=sentence):
        loader.load_state_dict({**loader.state_dict(), **change})
    assert (loader.epoch, loader.position) == (0, 0)


U = torch.arange(SAMPLES * 6 * 8, dtype=torch.float64).reshape(SAMPLES, 6, 1, 8)
NORMALISER = Normaliser(("u",), (0.0,), (2.0,), 1)


def changed_at(frame):
    """The trajectories with another last one at this frame."""
    u = U.clone()
    u[-1, frame] += 1.0
    return u


OTHERS = {
    "nothing": lambda: Windows(U.clone(), TIMES.clone(), Grid(8, length=8.0), 2, 1),
    "values": lambda: Windows(changed_at(0), TIMES, Grid(8, length=8.0), 2, 1),
    "what became of the same initial fields": lambda: Windows(changed_at(-1), TIMES, Grid(8, length=8.0), 2, 1),
    "times": lambda: Windows(U, 2 * TIMES, Grid(8, length=8.0), 2, 1),
    "grid": lambda: Windows(U, TIMES, Grid(8, length=9.0), 2, 1),
    "field": lambda: Windows(U, TIMES, Grid(8, length=8.0), 2, 1, ("v",)),
    "cut": lambda: Windows(U, TIMES, Grid(8, length=8.0), 1, 2),
    "boxes": lambda: Windows(U, TIMES, Grid(8, length=8.0), 2, 1, length=torch.full((5, 1), 8.0)),
    "clocks": lambda: Windows(U, TIMES, Grid(8, length=8.0), 2, 1, stretch=torch.full((5,), 8.0)),
    "samples": lambda: Windows(U, TIMES, Grid(8, length=8.0), 2, 1, index=torch.tensor([0, 1, 2, 3, 5])),
    "normaliser": lambda: Windows(U, TIMES, Grid(8, length=8.0), 2, 1).normalised(NORMALISER),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_state_knows_its_data(windows, name):
    other = OTHERS[name]()
    loader = WindowLoader(windows, 3, seed=0)
    next(iter(loader))
    state = json.loads(json.dumps(loader.state_dict()))
    again = WindowLoader(other, 3, seed=0)
    if name == "nothing":
        again.load_state_dict(state)
        assert again.position == 1
        assert ShownWindows(windows).digest() == state["data"]
        return
    with pytest.raises(ValueError, match=r"a loader of other windows.*: give the same dataset to go on from it"):
        again.load_state_dict(state)
    assert (again.epoch, again.position) == (0, 0)


def test_the_state_of_a_dataset_loads_wherever_its_numbers_lie(folder):
    first, *others = (
        WindowLoader(Windows.open(folder, "train", 2, 1, place=place), 3, seed=0)
        for place in ("memory", "memmap", "device")
    )
    for loader in others:
        loader.load_state_dict(first.state_dict())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"batch": 0, "seed": 0}, "a batch of at least 1"),
        ({"batch": 1, "seed": -1}, "a seed of at least 0"),
        ({"batch": 21, "seed": 0, "drop_last": True}, "20 windows, fewer than a batch of 21"),
    ],
)
def test_loaders_that_cannot_be_are_refused(windows, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        WindowLoader(windows, **arguments)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own = {"time_stretch": np.arange(1.0, 6.0)}
    return written(
        tmp_path / "made",
        {"train": {"u": numbered(5, 6, 8)}},
        times=TIMES.numpy(),
        own={"train": own},
        failed={"train": {3: "it blew up"}},
    )


def test_a_dataset_gives_the_windows_one_by_one(folder):
    windows = Windows.open(folder, "train", 2, 1)
    data = WindowDataset(folder, "train", 2, 1)
    assert len(data) == 4 * 4
    for number in (0, 5, 15, -1):
        expected = windows.gather(torch.tensor([number % 16 // 4]), torch.tensor([number % 4]))
        found = data[number]
        for one, other in zip(found, (expected.u_in, expected.u_out, expected.times), strict=True):
            assert torch.equal(one, other[0])
    batch = windows.gather(torch.tensor([3, 0]), torch.tensor([2, 1]))
    assert all(map(torch.equal, data[[14, 1]], (batch.u_in, batch.u_out, batch.times)))
    with pytest.raises(IndexError, match=r"Expected a window in 0 \.\. 15, got 16"):
        data[16]


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow), None])
@pytest.mark.parametrize("whole", [False, True])
def test_workers_give_the_same_windows(folder, context, whole):
    normaliser = Normaliser.fit(folder)
    windows = Windows.open(folder, "train", 2, 1).normalised(normaliser)
    data = WindowDataset(folder, "train", 2, 1, normaliser=normaliser)
    assert data[0][0].shape == (2, 1, 8)  # the parent has read, too, before workers are forked
    loader = DataLoader(
        data,
        batch_size=None if whole else 5,
        sampler=BatchSampler(range(16), 5, drop_last=False) if whole else None,
        num_workers=0 if context is None else 2,
        multiprocessing_context=context,
        persistent_workers=context is not None,
        timeout=0 if context is None else 300,
    )
    for _ in range(2):
        found = [torch.cat(parts) for parts in zip(*loader, strict=True)]
        expected = windows.gather(torch.arange(16) // 4, torch.arange(16) % 4)
        for one, other in zip(found, (expected.u_in, expected.u_out, expected.times), strict=True):
            assert torch.equal(one, other)


def test_workers_are_handed_a_path_and_no_numbers(folder, tmp_path):
    big = written(tmp_path / "big", {"train": {"u": numbered(40, 6, 512)}}, times=TIMES.numpy())
    data = WindowDataset(big, "train", 2, 1)
    data[0]
    assert len(pickle.dumps(data)) < 10_000 < 40 * 6 * 512 * 4


def test_the_box_of_each_window_comes_along(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own = {"length_y": np.array([3.0, 4.0, 5.0])}
    u = {"train": {"u": numbered(3, 6, 8, 4)}}
    made = written(tmp_path / "made", u, times=TIMES.numpy(), lengths=(8.0, 4.0), own={"train": own})
    data = WindowDataset(made, "train", 2, 1)
    lengths = torch.tensor([[8.0, 3.0], [8.0, 4.0], [8.0, 5.0]], dtype=torch.float64)
    assert torch.equal(data[9][3], lengths[2])
    assert torch.equal(data[[9, 0]][3], lengths[[2, 0]])
    batches = list(DataLoader(data, batch_size=5, num_workers=2, multiprocessing_context="fork", timeout=300))
    assert torch.equal(torch.cat([batch[3] for batch in batches]), lengths.repeat_interleave(4, dim=0))
    assert [len(batch) for batch in batches] == [4, 4, 4]
