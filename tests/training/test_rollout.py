import pytest
import torch

from pdesym.training import unroll, unrolled_nmse


def counting(frames_out):
    """An operator that continues 0, 1, 2, … from the newest frame it is shown, and notes what it was shown."""
    shown = []

    def operator(u):
        shown.append(u[0, :, 0, 0].tolist())
        return u[:, -1:] + torch.arange(1, frames_out + 1, dtype=u.dtype)[:, None, None]

    return operator, shown


def frames(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)[None, :, None, None].expand(2, -1, 1, 4)


@pytest.mark.parametrize(
    ("frames_out", "windows"),
    [
        (3, [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
        (1, [[0, 1, 2], [1, 2, 3], [2, 3, 4]]),
        (2, [[0, 1, 2], [2, 3, 4], [4, 5, 6]]),
        (5, [[0, 1, 2], [5, 6, 7], [10, 11, 12]]),
    ],
)
def test_the_window_slides_on_by_the_new_frames(frames_out, windows):
    operator, shown = counting(frames_out)
    u = unroll(operator, frames(0, 1, 2), 3)
    assert shown == windows
    assert u[1, :, 0, 0].tolist() == list(range(3, 3 + 3 * frames_out))


def test_an_exact_operator_stays_exact():
    """The wave of one mode is advanced by the recursion u(t+h) = 2cos(k³h) u(t) − u(t−h)."""
    k = 2 * torch.pi / 16
    x = torch.arange(16, dtype=torch.float64)
    times = torch.arange(12, dtype=torch.float64) * 0.25
    u = torch.cos(k * x + k**3 * times[:, None])[None, :, None]
    factor = 2 * torch.cos(torch.tensor(k**3 * 0.25, dtype=torch.float64))
    prediction = unroll(lambda w: factor * w[:, 1:] - w[:, :1], u[:, :2], 10)
    assert unrolled_nmse(prediction, u[:, 2:]).value < 1e-20
    late = unroll(lambda w: 1.001 * factor * w[:, 1:] - w[:, :1], u[:, :2], 10)
    assert unrolled_nmse(late, u[:, 2:]).value > 1e-6


def test_gradients_flow_through_all_blocks():
    rate = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    last = unroll(lambda u: rate * u[:, -1:], frames(0, 1, 1), 5)[0, -1, 0, 0]
    (gradient,) = torch.autograd.grad(last, rate)
    assert gradient.item() == 5 * 2.0**4


def test_what_cannot_be_unrolled_is_refused():
    with pytest.raises(ValueError, match="at least 1 block to unroll, got 0"):
        unroll(lambda u: u, frames(0, 1), 0)
    with pytest.raises(
        ValueError, match=r"must keep batch, channels and space, here \(frames aside\) \(2, 1, 4\); its"
    ):
        unroll(lambda u: u[..., :2], frames(0, 1), 1)


def test_nmse_is_the_sum_over_frames_and_the_mean_over_samples():
    truth = torch.ones(2, 3, 1, 4, dtype=torch.float64) * torch.tensor([1.0, 10.0])[:, None, None, None]
    prediction = truth.clone()
    prediction[0, 0] += 0.1  # relative error 0.1
    prediction[1, 2] += 5.0  # relative error 0.5
    error = unrolled_nmse(prediction, truth)
    assert error.frames.tolist() == [pytest.approx([0.01, 0, 0]), pytest.approx([0, 0, 0.25])]
    assert error.per_frame.tolist() == pytest.approx([0.005, 0, 0.125])
    assert error.per_sample.tolist() == pytest.approx([0.01, 0.25])
    assert error.value == pytest.approx(0.13)


def test_each_channel_has_its_own_scale():
    truth = torch.ones(1, 1, 2, 4, dtype=torch.float64) * torch.tensor([1.0, 100.0])[:, None]
    prediction = truth * 1.1
    assert unrolled_nmse(prediction, truth).value == pytest.approx(0.01)


def test_a_frame_of_zeros_is_named():
    truth = torch.ones(3, 4, 1, 8)
    truth[2, 1] = 0
    with pytest.raises(ValueError, match="Frame 1 of sample 2, channel 0, is zero everywhere in the truth"):
        unrolled_nmse(torch.ones(3, 4, 1, 8), truth)
