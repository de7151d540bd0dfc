"""Scalings of fields together with durations, lengths and parameters of the equation."""

import math

import pytest
import torch

from pdesym.operators import Scaling, enforce
from pdesym.symmetry import Generator, finite_defect, horizon_lie_derivative

NAMES, REFERENCE = ("duration", "length", "nu"), (2.0, 7.0, 0.1)
KNOWN = dict(zip(NAMES, REFERENCE, strict=True))
CASES = {
    "KdV": (Scaling(u=-2, t=3, x=1), Scaling(u=2, t=3, x=1)),
    "Burgers, by the length": (Scaling("length", u=-1, t=2, x=1), Scaling(u=-2, t=3, x=1)),
    "fixed box": (Scaling(u=1, t=-1, nu=1), Scaling(u=1, t=1, nu=-1)),
    "KS": (Scaling("nu", u=-1, t=2, x=1, nu=2), Scaling(u=1, t=-1, nu=1)),
}


def parameters(batch):
    factors = torch.tensor([1.0, 1.3, 0.8], dtype=torch.float64)[:batch]
    return factors.unsqueeze(-1) ** torch.tensor([1.0, -1.0, 2.0]) * torch.tensor(REFERENCE, dtype=torch.float64)


def finite(operator, scaling, u, p, size=0.3):
    """‖F(λu, λp) − λF(u, p)‖ over the fluctuation of λF."""
    factor = math.exp(size * scaling.weight("u"))
    moved = p * torch.tensor([math.exp(size * scaling.weight(name)) for name in NAMES], dtype=p.dtype)
    expected = (factor * operator(u, p)).detach()
    difference = (operator(factor * u, moved) - expected).norm().detach()
    return float(difference / expected.std() / expected.numel() ** 0.5)


def infinitesimal(network, scaling, generator, u, grid):
    """Along the orbit of the scaling the parameters are functions of the horizon T alone."""
    a = scaling.weight("duration")

    def operator(field, horizon):
        growth = torch.as_tensor(horizon, dtype=field.dtype) / REFERENCE[0]
        values = [reference * growth ** (scaling.weight(n) / a) for n, reference in zip(NAMES, REFERENCE, strict=True)]
        frames = field.unsqueeze(1) * torch.tensor([1.0, 0.5, -0.3, 0.8], dtype=field.dtype).reshape(-1, 1, 1)
        return network(frames, torch.stack(values).expand(len(field), -1))[:, 0]

    return float(horizon_lie_derivative(operator, generator, u[:, 0], grid, REFERENCE[0]))


@pytest.mark.parametrize("kind", ["fno", "convolutions"])
@pytest.mark.parametrize("name", CASES)
def test_the_enforced_scaling_holds_and_another_does_not(name, kind, inner, frames, box, times):
    scaling, other = CASES[name]
    network, u, grid = inner(kind, 1, (24,), NAMES, REFERENCE), frames(1, (24,)), box((24,))
    operator, p = enforce(network, [scaling], grid, *times, KNOWN), parameters(3)
    generator = Generator(f"{scaling.weight('u'):g}*u*d_u + {scaling.weight('duration'):g}*t*d_t")
    assert finite(operator, scaling, u, p) < 1e-10
    assert infinitesimal(operator, scaling, generator, u, grid) < 1e-10
    assert finite(network, scaling, u, p) > 0.05
    assert infinitesimal(network, scaling, generator, u, grid) > 0.05
    assert finite(operator, other, u, p) > 0.05


@pytest.mark.parametrize("name", ["KdV", "fixed box"])
@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 1e-4), (torch.float32, 0.0), (torch.float64, 0.0)])
def test_it_holds_for_small_fluctuations_and_for_none(name, dtype, size, inner, box, times):
    scaling, other = CASES[name]
    x = torch.arange(24, dtype=torch.float64) * (2 * math.pi / 24)
    u = (1 + size * torch.sin(x)).repeat(3, 4, 1, 1).to(dtype)
    network = inner("convolutions", 1, (24,), NAMES, REFERENCE).requires_grad_(False)
    operator, p = enforce(network, [scaling], box((24,)), *times, KNOWN).to(dtype), parameters(3).to(dtype)
    bound = 30 * torch.finfo(dtype).eps / (size or 0.02)
    assert finite(operator, scaling, u, p) < bound < 0.05
    assert finite(operator, other, u, p) > 0.05
    assert operator(0 * u, p).isfinite().all()


def test_without_parameters_the_reference_is_meant(inner, frames, box, times):
    operator = enforce(inner("fno", 1, (24,), NAMES, REFERENCE), [Scaling(u=-2, t=3, x=1)], box((24,)), *times)
    u, p = frames(1, (24,)), torch.tensor(REFERENCE, dtype=torch.float64).expand(3, -1)
    torch.testing.assert_close(operator(u), operator(u, p), rtol=1e-13, atol=1e-13)


def test_beside_a_boost_in_boxes_and_over_durations_of_each_sample(inner, frames, box, times):
    """u(x, t) + c moves by c t of the sample's own time, in its own box; in the reference box the test fails."""
    boost, grid = Generator("t*d_x + d_u"), box((24,))
    network = inner("convolutions", 1, (24,), NAMES, REFERENCE)
    operator = enforce(network, [Scaling(u=-2, t=3, x=1), boost], grid, *times, KNOWN)
    u, p = frames(1, (24,)), parameters(3)
    assert finite(operator, Scaling(u=-2, t=3, x=1), u, p) < 1e-10
    for i, (duration, length, _) in enumerate(p.tolist()):
        own = type(grid)(24, length=length)
        moments = [torch.tensor(t, dtype=torch.float64) * duration / REFERENCE[0] for t in times]

        def at(v, i=i):
            return operator(v, p[i : i + 1].expand(len(v), -1))

        assert float(finite_defect(at, boost, u, own, *moments, 0.3)) < 1e-10
        if i:
            assert float(finite_defect(at, boost, u, grid, *moments, 0.3)) > 0.05


def test_what_cannot_be_scaled_is_refused(inner, box, times):
    with pytest.raises(ValueError, match=r"changes duration, length, and the network takes \(\): build it with param"):
        enforce(inner("fno", 1, (24,)), [Scaling(u=-2, t=3, x=1)], box((24,)), *times)
    with pytest.raises(ValueError, match="a section that the scaling changes, 'amplitude' or a parameter with a wei"):
        Scaling("length", u=1, t=-1)
    with pytest.raises(ValueError, match="a section that the scaling changes"):
        Scaling(t=1)
    uneven = Generator("(1 + cos(2*pi*x/7)/2)*u*d_u")
    with pytest.raises(ValueError, match="which means another thing on a box of another length"):
        enforce(inner("fno", 1, (24,), ("length",), (7.0,)), [uneven], box((24,)), *times)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("duration", 4.0, "Expected 1.25 or 2 as the reference of 'duration', as in the grid and the times, got 4"),
        ("length", 3.5, "Expected 7 as the reference of 'length'"),
        ("nu", 0.0, "Expected references that are positive and finite, got 0.0 of nu"),
    ],
)
def test_references_that_do_not_belong_to_the_frames_are_refused(inner, box, times, name, value, message):
    network = inner("convolutions", 1, (24,), (name,))
    with pytest.raises(ValueError, match=message):
        enforce(network, [Generator("t*d_x + d_u")], box((24,)), *times, parameters={name: value})
