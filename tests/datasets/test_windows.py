"""Windows of frames."""

import dataclasses

import numpy as np
import pytest
import torch

from pdesym.datasets import Windows, generate, open_dataset
from pdesym.datasets import windows as windows_module
from pdesym.datasets.normaliser import Normaliser
from pdesym.solvers import Grid, kdv, solve
from pdesym.training.shown_windows import ShownWindows
from tests.datasets.made_dataset import numbered as drawn
from tests.datasets.made_dataset import written

GRID = Grid(8, length=8.0)
TIMES = torch.linspace(0, 1, 6, dtype=torch.float64)


def numbered(samples: int = 3, frames: int = 6, channels: int = 2) -> torch.Tensor:
    """Trajectories in which every number is another."""
    return torch.arange(samples * frames * channels * 8, dtype=torch.float64).reshape(samples, frames, channels, 8)


def test_windows_are_the_frames_they_say():
    u = numbered()
    windows = Windows(u, TIMES, GRID, frames_in=2, frames_out=3, fields=("u", "v"))
    assert (windows.samples, windows.starts) == (3, 2)
    sample, start = torch.tensor([2, 0, 0, 1]), torch.tensor([1, 0, 1, 1])
    window = windows.gather(sample, start)
    assert window.u_in.shape == (4, 2, 2, 8)
    assert window.u_out.shape == (4, 3, 2, 8)
    for row, (i, j) in enumerate(zip(sample.tolist(), start.tolist(), strict=True)):
        assert torch.equal(window.u_in[row], u[i, j : j + 2])
        assert torch.equal(window.u_out[row], u[i, j + 2 : j + 5])
        assert torch.equal(window.times[row], TIMES[j : j + 5])


def test_a_window_may_be_the_whole_trajectory_and_two_dimensional():
    grid = Grid(4, 6, length=1.0)
    u = torch.randn(2, 6, 1, 4, 6, generator=torch.Generator().manual_seed(0))
    windows = Windows(u, TIMES, grid, frames_in=3, frames_out=3)
    assert windows.starts == 1
    window = windows.gather(torch.tensor([1]), torch.tensor([0]))
    assert torch.equal(torch.cat([window.u_in, window.u_out], dim=1)[0], u[1])


def test_a_gathered_window_is_a_copy():
    u = numbered()
    window = Windows(u, TIMES, GRID, 2, 3, ("u", "v")).gather(torch.tensor([0]), torch.tensor([0]))
    window.u_in.zero_()
    assert torch.equal(u, numbered())


@pytest.mark.parametrize(
    ("sample", "start", "name"), [(-1, 0, "sample"), (3, 0, "sample"), (0, -1, "start"), (0, 2, "start")]
)
def test_a_window_that_is_not_there_is_refused(sample, start, name):
    windows = Windows(numbered(), TIMES, GRID, 2, 3, ("u", "v"))
    with pytest.raises(IndexError, match=f"Expected every {name} to be in 0"):
        windows.gather(torch.tensor([sample]), torch.tensor([start]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"frames_in": 4}, r"4 \+ 3 frames does not fit into trajectories of 6: ask for fewer frames"),
        ({"frames_in": 0}, "at least 1 frame in and 1 out, got 0 and 3"),
        ({"fields": ("u",)}, r"shape \(sample, 6, 1, 8\) from the times, fields and grid, got \(3, 6, 2, 8\)"),
        ({"times": TIMES[:5]}, r"\(sample, 5, 2, 8\)"),
        ({"grid": Grid(16, length=8.0)}, r"\(sample, 6, 2, 16\)"),
    ],
)
def test_windows_that_cannot_be_are_refused(change, sentence):
    arguments = {"u": numbered(), "times": TIMES, "grid": GRID, "frames_in": 2, "frames_out": 3, "fields": ("u", "v")}
    with pytest.raises(ValueError, match=sentence):
        Windows(**{**arguments, **change})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_dataset_is_decoded_once_with_its_grid_times_and_fields(small_dataset, dtype):
    windows = Windows.open(small_dataset, "train", frames_in=2, frames_out=1, dtype=dtype)
    data = open_dataset(small_dataset, "train")
    assert windows.u.dtype == dtype
    assert torch.equal(windows.u[:, :, 0], torch.from_numpy(data.u.values).to(dtype))
    assert torch.equal(windows.times, torch.tensor(data.time.values))
    assert windows.times.dtype == torch.float64
    assert windows.grid == Grid(32, length=32.0)
    assert windows.fields == ("u",)


def test_a_dataset_with_too_few_frames_is_refused(small_dataset):
    with pytest.raises(ValueError, match=r"6 \+ 2 frames does not fit into trajectories of 7"):
        Windows.open(small_dataset, "train", frames_in=6, frames_out=2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_windows_live_on_the_gpu_when_asked(small_dataset):
    windows = Windows.open(small_dataset, "train", 2, 1, device="cuda")
    window = windows.gather(torch.tensor([0, 1]), torch.tensor([0, 4]))
    assert window.u_in.device.type == window.times.device.type == "cuda"
    here = Windows.open(small_dataset, "train", 2, 1).gather(torch.tensor([0, 1]), torch.tensor([0, 4]))
    assert torch.equal(window.u_in.cpu(), here.u_in)


@pytest.fixture
def own_scales(tmp_path):
    """Five trajectories, the second of which failed, with boxes and times of their own."""
    own = {"length": np.linspace(6.0, 10.0, 5), "time_stretch": np.array([1.0, 3.0, 0.5, 2.0, 4.0])}
    return written(
        tmp_path / "own",
        {"train": {"u": drawn(5, 6, 8)}},
        times=TIMES.numpy(),
        own={"train": own},
        failed={"train": {1: "it blew up"}},
    )


def test_windows_have_the_times_and_boxes_of_their_own_trajectories(own_scales):
    windows = Windows.open(own_scales, "train", 2, 1, dtype=torch.float64)
    assert windows.index.tolist() == [0, 2, 3, 4]
    window = windows.gather(torch.tensor([3, 1]), torch.tensor([2, 0]))
    assert torch.equal(window.times, torch.stack([4.0 * TIMES[2:5], 0.5 * TIMES[:3]]))
    assert torch.equal(window.length, torch.tensor([[10.0], [8.0]], dtype=torch.float64))
    np.testing.assert_array_equal(window.u_in[0, :, 0], drawn(5, 6, 8)[4, 2:4])


def test_a_window_is_a_solution_in_its_own_box_at_its_own_times(changed, tmp_path):
    recipe = changed(
        grid={"points": 32, "length": {"uniform": [28, 36]}},
        times={"first": 0.5, "last": 4.0, "count": 8, "stretch": {"uniform": [0.5, 2.0]}},
        splits={"train": 3},
        dtype="float64",
        rtol=1e-8,
    )
    windows = Windows.open(generate(recipe, tmp_path / "own", progress=False), "train", 1, 4, dtype=torch.float64)
    window = windows.gather(torch.tensor([0, 2]), torch.tensor([1, 3]))

    def solved(row, length, times):
        grid = Grid(32, length=float(length))
        return solve(kdv(), window.u_in[row : row + 1, 0], grid, times[1:], start=float(times[0]), rtol=1e-9).u[0]

    for row in range(2):
        length, times, expected = window.length[row, 0], window.times[row], window.u_out[row]
        scale = 1e-6 * expected.norm()
        assert (solved(row, length, times) - expected).norm() < scale
        assert (solved(row, 1.01 * length, times) - expected).norm() > 100 * scale
        assert (solved(row, length, 1.01 * times) - expected).norm() > 100 * scale


def test_windows_of_one_box_have_no_lengths(small_dataset):
    windows = Windows.open(small_dataset, "train", 2, 1)
    assert (windows.length, windows.stretch, windows.index) == (None, None, None)
    assert windows.gather(torch.tensor([0]), torch.tensor([0])).length is None


def test_too_few_frames_are_said_before_anything_is_decoded(own_scales, monkeypatch):
    monkeypatch.setattr(windows_module, "decode_into", None)
    with pytest.raises(ValueError, match=r"5 \+ 2 frames does not fit into trajectories of 6"):
        Windows.open(own_scales, "train", 5, 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"length": torch.ones(3, 2, dtype=torch.float64)}, r"Expected length of shape \(3, 1\)"),
    ],
)
def test_numbers_of_other_trajectories_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        Windows(numbered(), TIMES, GRID, 2, 3, ("u", "v"), **change)


def test_what_moves_frames_refuses_windows_that_it_would_move_wrongly(own_scales):
    windows = Windows.open(own_scales, "train", 2, 1)
    with pytest.raises(ValueError, match=r"ShownWindows cannot use windows that have times of their own: generate"):
        ShownWindows(windows)
    boxes = dataclasses.replace(windows, stretch=None)
    with pytest.raises(ValueError, match=r"cannot use windows that have boxes of their own"):
        ShownWindows(boxes)
    plain = dataclasses.replace(boxes, length=None)
    assert ShownWindows(plain).samples == 4
    with pytest.raises(ValueError, match="cannot use windows that are normalised"):
        ShownWindows(plain.normalised(Normaliser(("u",), (0.0,), (2.0,), 1)))


def test_normalised_windows_are_normalised_when_they_are_cut():
    windows = Windows(numbered(), TIMES, GRID, 2, 3, ("u", "v"))
    normaliser = Normaliser(("u", "v"), (3.0, -1.0), (2.0, 10.0), 1)
    found, plain = (w.gather(torch.tensor([2]), torch.tensor([1])) for w in (windows.normalised(normaliser), windows))
    assert torch.equal(found.u_in[:, :, 0], (plain.u_in[:, :, 0] - 3.0) / 2.0)
    assert torch.equal(found.u_out[:, :, 1], (plain.u_out[:, :, 1] + 1.0) / 10.0)
    assert torch.equal(windows.u, numbered())
    with pytest.raises(ValueError, match="normalised already"):
        windows.normalised(normaliser).normalised(normaliser)
    with pytest.raises(ValueError, match=r"for the fields w in 1D, got u, v in 1D"):
        windows.normalised(Normaliser(("w",), (0.0,), (1.0,), 1))


def test_windows_carry_the_parameters_that_their_trajectories_drew():
    parameters = {"nu": torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)}
    windows = Windows(numbered(), TIMES, GRID, 2, 3, ("u", "v"), parameters=parameters)
    window = windows.gather(torch.tensor([2, 0]), torch.tensor([0, 1]))
    assert window.parameters["nu"].tolist() == [0.3, 0.1]
    assert windows.digest() != Windows(numbered(), TIMES, GRID, 2, 3, ("u", "v")).digest()
