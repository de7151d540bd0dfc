"""Translations by the phase of the lowest mode, on fields of which some translations are symmetries too."""

import math

import pytest
import torch

from pdesym.operators import Translation, enforce
from pdesym.solvers.spectral import translate
from pdesym.symmetry import Generator

LENGTH = 7.0


def waves(modes, points=24):
    x = torch.arange(points, dtype=torch.float64) * (2 * math.pi / points)
    u = torch.zeros(points, dtype=torch.float64)
    for k in modes:
        u = u + torch.cos(k * x + 0.3 * k) / k
    return 0.2 + u * torch.tensor([1.0, 0.7, -0.4, 1.2], dtype=torch.float64).reshape(1, 4, 1, 1)


@pytest.mark.parametrize("modes", [(1, 2, 3), (2, 3), (4, 6), (3,), (6, 9, 4), ()])
@pytest.mark.parametrize("shift", [0.21, LENGTH / 2, LENGTH / 3, -2.9])
def test_it_commutes_on_fields_of_every_period(modes, shift, inner, box, times):
    network, u, grid = inner("convolutions", 1, (24,)), waves(modes), box((24,))
    operator = enforce(network, [Translation()], grid, *times)
    network.requires_grad_(False)
    expected = translate(operator(u), grid, shift)
    assert (operator(translate(u, grid, shift)) - expected).norm() < 1e-11 * expected.norm()
    bare = translate(network(u), grid, shift)
    assert (network(translate(u, grid, shift)) - bare).norm() > 0.05 * bare.norm()


@pytest.mark.parametrize(("modes", "period"), [((2, 3), 1), ((4, 6), 2), ((3,), 3), ((), 24)])
def test_the_output_has_the_period_of_the_input_and_no_other(modes, period, inner, box, times):
    operator = enforce(inner("convolutions", 1, (24,)), [Translation()], box((24,)), *times)
    v = operator(waves(modes))
    size = torch.fft.rfft(v).abs().amax((0, 1, 2))
    k = torch.arange(13)
    assert (size[k % period != 0] < 1e-12).all()
    assert (size[(k % period == 0) & (k < 12)] > 1e-6).all()


def of_two_channels(first, second, points=24):
    x = torch.arange(points, dtype=torch.float64) * (2 * math.pi / points)
    frames = torch.tensor([1.0, 0.7, -0.4, 1.2], dtype=torch.float64).reshape(1, 4, 1, 1)
    return torch.stack((first(x), second(x))).reshape(1, 1, 2, points) * frames


@pytest.mark.parametrize("mean", [0.0, 1.0, 300.0])
@pytest.mark.parametrize("relative", [1e-2, 1e-3, 1e-6, 1e-9])
def test_a_mean_of_any_size_leaves_it_as_it_is(mean, relative, inner, box, times):
    """The measure is the part of the output that depends on the place."""
    grid, u = box((24,)), mean + max(mean, 1.0) * relative * (waves((1, 3)) - 0.2)
    operator = enforce(inner("convolutions", 1, (24,)).requires_grad_(False), [Translation()], grid, *times)
    for shift in (0.21, LENGTH / 3):
        expected = translate(operator(u), grid, shift)
        defect = (operator(translate(u, grid, shift)) - expected).norm() / expected.std() / expected.numel() ** 0.5
        assert defect < 1e-12 / relative


def test_the_mean_leaves_it_as_it_is_in_single_precision(inner, box, times):
    grid, u = box((24,)), (300 + 0.3 * (waves((1, 3)) - 0.2)).float()
    operator = enforce(inner("fno", 1, (24,)).requires_grad_(False).float(), [Translation()], grid, *times)
    expected = translate(operator(u), grid, 0.21)
    assert (operator(translate(u, grid, 0.21)) - expected).std() < 1e-2 * expected.std()


@pytest.mark.parametrize("modes", [(1, 3), (2, 3)])
@pytest.mark.parametrize(
    "second",
    [
        lambda k, x: -torch.cos(k * x),
        lambda k, x: torch.cos(k * x + 1.1 * k),
        lambda k, x: (5 - 2 * k) * torch.cos(k * x),
        lambda k, x: 1e9 + 0 * x,
    ],
)
def test_channels_do_not_hide_one_another(second, modes, inner, box, times):
    u = of_two_channels(*(lambda x, f=f: sum(f(k, x) for k in modes) for f in (lambda k, x: torch.cos(k * x), second)))
    grid = box((24,))
    operator = enforce(inner("convolutions", 2, (24,)).requires_grad_(False), [Translation()], grid, *times)
    for shift in (0.21, LENGTH / 2, LENGTH / 3, -2.9):
        expected = translate(operator(u), grid, shift)
        moved = operator(translate(u, grid, shift))
        assert (moved - expected).norm() < (1e-4 if u.abs().max() > 1e8 else 1e-11) * expected.norm()
        assert moved.std(-1).max() > 1e-3


def test_a_sine_among_cosines_tells_the_place(inner, box, times):
    u = of_two_channels(lambda x: torch.cos(2 * x), lambda x: torch.sin(3 * x)).sum(2, keepdim=True)
    grid = box((24,))
    operator = enforce(inner("convolutions", 1, (24,)).requires_grad_(False), [Translation()], grid, *times)
    for shift in (0.21, LENGTH / 2, LENGTH / 3, -2.9):
        expected = translate(operator(u), grid, shift)
        assert (operator(translate(u, grid, shift)) - expected).norm() < 1e-11 * expected.norm()


def test_where_no_mode_tells_the_place_it_is_finite(inner, box, times):
    x = torch.arange(12, dtype=torch.float64) * (2 * math.pi / 12)
    u = torch.sin(x + x.unsqueeze(-1)).repeat(2, 4, 1, 1, 1)
    operator = enforce(inner("convolutions", 1, (12, 12)), [Translation(0), Translation(1)], box((12, 12)), *times)
    value, tangent = torch.func.jvp(operator, (u,), (torch.ones_like(u),))
    assert value.isfinite().all()
    assert tangent.isfinite().all()


def test_an_axis_that_is_not_there_is_refused(inner, box, times):
    with pytest.raises(ValueError, match="a translation along one of 1 axes, got 1"):
        enforce(inner("convolutions", 1, (24,)), [Translation(1)], box((24,)), *times)


def test_a_sample_that_is_not_finite_leaves_the_others_alone(inner, frames, box, times):
    operator = enforce(inner("fno", 1, (24,)), [Generator("d_x")], box((24,)), *times)
    u = frames(1, (24,))
    alone = operator(u)
    u[1] = torch.nan
    beside = operator(u)
    assert beside[1].isnan().all()
    assert torch.allclose(beside[[0, 2]], alone[[0, 2]])
