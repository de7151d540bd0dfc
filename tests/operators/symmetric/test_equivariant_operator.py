"""Operators with enforced symmetries are modules like any other: saved, opened, exported, cast."""

import pytest
import torch
from torch import nn

from pdesym.operators import (
    GroupFNOConfig,
    MovingFrame,
    Scaling,
    Translation,
    enforce,
    load_operator,
    p4,
    p4m,
    reflection,
    save_operator,
)
from pdesym.symmetry import Generator

BOOST, SHIFT, AMPLITUDE = Generator("t*d_x + d_u"), Generator("d_x"), Generator("u*d_u")
UNEVEN = Generator("(1 + cos(2*pi*x/7)/2)*u*d_u")
SHIFTS = [Generator("d_x", coordinates=("x", "y")), Generator("d_y", coordinates=("x", "y"))]
SIDEWAYS = [Translation(0), Translation(1)]
PHASE = Generator("v*d_u - u*d_v", fields=("u", "v"))


@pytest.mark.parametrize(
    ("points", "symmetries"),
    [
        ((16,), [BOOST, SHIFT, reflection(), Scaling(u=-1, t=2, x=1)]),
        ((16,), [MovingFrame(AMPLITUDE), Translation(0, 1e-2)]),
        ((8, 8), [*SHIFTS, p4m()]),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_reopens_as_it_was(points, symmetries, dtype, inner, frames, box, times, tmp_path):
    network = inner("fno", 1, points, ("duration", "length"), (2.0, 7.0))
    operator = enforce(network, symmetries, box(points), *times).to(dtype)
    u = frames(1, points).to(dtype)
    assert list(operator.state_dict()) == [f"inner.{name}" for name in network.state_dict()]
    assert all(isinstance(value, torch.Tensor) for value in operator.state_dict().values())
    save_operator(operator, tmp_path)
    reopened = load_operator(tmp_path)
    assert reopened.config == operator.config
    assert reopened.layers == operator.layers
    assert torch.equal(reopened(u), operator(u))
    assert operator(u).dtype == dtype


def test_what_cannot_be_reopened_is_said(inner, box, times, tmp_path):
    frame = MovingFrame(BOOST, lambda u, t: u.mean((1, 2, 3)))
    save_operator(enforce(inner("fno", 1, (16,)), [frame], box((16,)), *times), tmp_path / "a")
    with pytest.raises(ValueError, match=r"The section .*<lambda> is a function, and only Mean, LogRms, PairPhase can"):
        load_operator(tmp_path / "a")
    save_operator(enforce(inner("convolutions", 1, (16,)), [BOOST], box((16,)), *times), tmp_path / "b")
    with pytest.raises(ValueError, match=r"the equivariant operator holds a .*Convolutions, and only .*fno"):
        load_operator(tmp_path / "b")


def test_it_is_exported_as_the_network_is(inner, frames, box, times):
    network, grid, u = inner("fno", 1, (16,)), box((16,)), frames(1, (16,))
    operator = enforce(network, [BOOST, SHIFT, reflection()], grid, *times)
    exported = torch.export.export(operator, (u,)).module()
    torch.testing.assert_close(exported(u + 0.1), operator(u + 0.1), rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match=r"found by Newton's method, which torch.export cannot record"):
        torch.export.export(enforce(network, [UNEVEN], grid, *times), (u,))


def test_under_autocast_the_network_alone_is_rounded(inner, frames, box, times):
    operator = enforce(inner("fno", 1, (16,)), [BOOST, SHIFT], box((16,)), *times).float()
    seen = {}

    def keep(_, inputs, output):
        seen.update(input=inputs[0].clone(), output=output.clone())

    operator.inner.register_forward_hook(keep)
    u = frames(1, (16,)).float()
    operator(u)
    plain = dict(seen)
    with torch.autocast("cpu", torch.bfloat16):
        v = operator(u)
    assert seen["output"].dtype == torch.bfloat16
    assert v.dtype == torch.float32
    assert torch.equal(seen["input"], plain["input"])
    # The same frames around what the network gave, without autocast.
    operator.inner = _Gives(seen["output"].float())
    assert torch.equal(operator(u), v)
    assert (v - v.bfloat16().float()).abs().max() > 1e-4


class _Gives(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, u):
        return self.value


def test_what_does_not_fit_is_refused(inner, box, times):
    network, grid = inner("fno", 1, (16,)), box((16,))
    with pytest.raises(ValueError, match="at least one symmetry to enforce, got none"):
        enforce(network, [], grid, *times)
    with pytest.raises(ValueError, match=r"symmetries and a network of one number of fields, got \[1, 2\]"):
        enforce(network, [PHASE], grid, *times)
    operator = enforce(network, [BOOST], grid, *times)
    with pytest.raises(ValueError, match=r"takes frames of shape \(batch, 4 frames, channels, 1 space axes\), got"):
        operator.forward.__wrapped__(operator, torch.zeros(2, 3, 1, 16))
    with pytest.raises(ValueError, match=r"takes parameters of shape \(2, 0\)"):
        operator(torch.zeros(2, 4, 1, 16).double(), torch.ones(2, 1).double())


@pytest.mark.parametrize(
    ("points", "symmetries"),
    [((8, 8), [p4()]), ((8, 8), [p4m(), *SHIFTS]), ((16,), [reflection()]), ((16,), [Scaling(u=1)])],
)
def test_frames_of_other_channels_than_the_symmetries_act_on_are_refused(points, symmetries, inner, frames, box, times):
    operator = enforce(inner("convolutions", 2, points), symmetries, box(points), *times)
    with pytest.raises(ValueError, match=r"acts on frames of 1 channel, got 2: .* ask for symmetries of all of them"):
        operator(frames(2, points))


def test_channels_are_those_of_the_network_inside(inner, frames, box, times, tmp_path):
    """Where the symmetries act on any number, and after a file too."""
    operator = enforce(inner("fno", 2, (16,)), [Translation()], box((16,)), *times)
    save_operator(operator, tmp_path)
    for opened in (operator, load_operator(tmp_path), enforce(operator, [Translation()], box((16,)), *times)):
        assert opened(frames(2, (16,))).shape == (3, 3, 2, 16)
        with pytest.raises(ValueError, match=r"acts on frames of 2 channels, got 1: "):
            opened(frames(1, (16,)))
    free = enforce(inner("convolutions", 2, (16,)), [Translation()], box((16,)), *times)
    assert free(frames(2, (16,))).shape == (3, 3, 2, 16)


def test_the_channels_of_a_vector_are_two(inner, frames, box, times):
    network = GroupFNOConfig(4, 3, ("vector", "scalar"), modes=3, width=2, layers=1).build().double()
    operator = enforce(network, SIDEWAYS, box((8, 8)), *times)
    assert operator(frames(3, (8, 8))).shape == (3, 3, 3, 8, 8)
    with pytest.raises(ValueError, match=r"acts on frames of 3 channels, got 2: "):
        operator(frames(2, (8, 8)))
    with pytest.raises(ValueError, match=r"symmetries and a network of one number of fields, got \[1, 3\]"):
        enforce(network, [p4m()], box((8, 8)), *times)
