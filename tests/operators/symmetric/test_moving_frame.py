"""One-parameter groups, alone: exact around any network, and absent from the network."""

import pytest
import torch

from pdesym.operators import MovingFrame, PairPhase, enforce
from pdesym.operators.symmetric.newton import root
from pdesym.operators.symmetric.sections import LogRms, Mean
from pdesym.symmetry import Generator, finite_defect, lie_derivative

EXACT, ABSENT = 1e-10, 0.05
PLANE = {"coordinates": ("x", "y")}
PAIR = {"fields": ("u", "v")}
CASES = {
    "boost": (Generator("t*d_x + d_u"), Generator("t*d_x - d_u")),
    "boost of KdV with 6": (Generator("6*t*d_x + d_u"), Generator("t*d_x + d_u")),
    "amplitude": (Generator("u*d_u"), Generator("d_u")),
    "growth": (Generator("exp(t/2)*u*d_u"), Generator("u*d_u")),
    "translation": (Generator("d_x"), Generator("t*d_x + d_u")),
    "affine": (Generator("(u + 1)*d_u"), Generator("u*d_u")),
    "uneven, by Newton": (Generator("(1 + cos(2*pi*x/7)/2)*u*d_u"), Generator("u*d_u")),
    "rotation of a pair": (Generator("v*d_u - u*d_v", **PAIR), Generator("v*d_u + u*d_v", **PAIR)),
    "boost along y": (Generator("t*d_y + d_v", **PAIR, **PLANE), Generator("t*d_x + d_u", **PAIR, **PLANE)),
    "amplitude of a pair": (Generator("u*d_u + v*d_v", **PAIR, **PLANE), Generator("u*d_u - v*d_v", **PAIR, **PLANE)),
    "translation along y": (Generator("d_y", **PLANE), Generator("d_x", **PLANE)),
}


def defects(operator, generator, u, grid, times):
    times_in, times_out = (torch.tensor(t, dtype=torch.float64) for t in times)
    infinitesimal = lie_derivative(operator, generator, u, grid, times_in, times_out)
    finite = finite_defect(operator, generator, u, grid, times_in, times_out, 0.3)
    return float(infinitesimal), float(finite)


@pytest.mark.parametrize("kind", ["fno", "convolutions"])
@pytest.mark.parametrize("name", CASES)
def test_what_is_enforced_holds_and_nothing_else(name, kind, inner, frames, box, times):
    generator, other = CASES[name]
    points = (24,) if len(generator.coordinates) == 1 else (12, 10)
    network, u, grid = inner(kind, len(generator.fields), points), frames(len(generator.fields), points), box(points)
    operator = enforce(network, [generator], grid, *times)
    assert max(defects(operator, generator, u, grid, times)) < EXACT
    # An FNO hardly tells a field from its shifted self where its band is narrow: one of the two measures shows it.
    assert max(defects(network, generator, u, grid, times)) > ABSENT
    assert max(defects(operator, other, u, grid, times)) > ABSENT


@pytest.mark.parametrize("points", [(24,), (25,)])
@pytest.mark.parametrize("frame", [Generator("t*d_x + d_u"), Generator("d_x")])
def test_it_holds_on_grids_of_odd_and_even_size_and_finer_ones(points, frame, inner, frames, box, times):
    grid, finer = box(points), box((2 * points[0],))
    operator = enforce(inner("fno", 1, points), [frame], grid, *times)
    for where in (grid, finer):
        assert max(defects(operator, frame, frames(1, where.points), where, times)) < EXACT


SECTIONS = {
    "boost": ("t*d_x + d_u", Mean(0), lambda u, t: u[:, :, 0].mean((1, 2))),
    "time in the rate": ("t*d_x + (1 + t)*d_u", Mean(0), lambda u, t: u[:, :, 0].mean((1, 2))),
    "amplitude": ("u*d_u", LogRms((0,)), lambda u, t: u.var((1, 2, 3), correction=0).log()),
    "growth": ("exp(t/2)*u*d_u", LogRms((0,), True), lambda u, t: u.var((2, 3), correction=0).log().sum(1)),
}


@pytest.mark.parametrize("name", SECTIONS)
def test_newton_finds_what_the_closed_form_says(name, inner, frames, box, times):
    text, section, function = SECTIONS[name]
    generator, grid, network = Generator(text), box((24,)), inner("fno", 1, (24,))
    # Frames have equal means only by chance, so that the amplitude of all is not that of each.
    u = frames(1, (24,))
    u = u - u.mean((2, 3), keepdim=True) + 0.4
    closed, automatic = (enforce(network, [v], grid, *times) for v in (MovingFrame(generator, section), generator))
    numeric = enforce(network, [MovingFrame(generator, function)], grid, *times)
    assert automatic.layers == closed.layers
    setting = closed.config.setting
    epsilon = closed.layers[0].epsilon(u, setting, None)
    assert epsilon.abs().min() > 1e-3
    torch.testing.assert_close(numeric.layers[0].epsilon(u, setting, None), epsilon, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(numeric(u), closed(u), rtol=1e-10, atol=1e-10)
    w = frames(1, (24,), seed=1)
    tangents = [torch.func.jvp(operator, (u,), (w,))[1] for operator in (numeric, closed)]
    torch.testing.assert_close(*tangents, rtol=1e-10, atol=1e-10)


def test_newton_that_finds_no_root_says_so(inner, box, times):
    """u² never has the mean −1: the output is not a number rather than one without the symmetry."""
    generator = Generator("u*d_u")
    frame = MovingFrame(generator, lambda u, t: u.square().mean((1, 2, 3)) + 1)
    network = inner("fno", 1, (24,))
    with pytest.raises(ValueError, match=r"every orbit of u\*d_u, and with this one it fails by nan"):
        enforce(network, [frame], box((24,)), *times)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_newton_gives_a_root_or_none(dtype):
    """m³ + m = 0 has the root 0 alone; a start where the value is large is no reason to stop before it."""
    m = torch.tensor([0.0, 0.3, 5.0, 50.0, 1e3, 3e3, 1e5], dtype=dtype)

    def cubic(epsilon):
        return (m - epsilon) ** 3 + (m - epsilon)

    epsilon = root(cubic, cubic, torch.zeros_like(m))
    assert epsilon[:4].isfinite().all()
    found = epsilon.isfinite()
    torch.testing.assert_close(epsilon[found], m[found], rtol=1e-5, atol=1e-5)


def test_a_frame_of_newton_holds_or_says_that_it_does_not(inner, frames, box, times):
    boost = MovingFrame(Generator("t*d_x + d_u"), lambda u, t: u.mean((1, 2, 3)) ** 3 + u.mean((1, 2, 3)))
    operator = enforce(inner("fno", 1, (24,)), [boost], box((24,)), *times).float()
    u = frames(1, (24,)).float()
    for mean in (0.0, 10.0, 1000.0):
        epsilon = operator.layers[0].epsilon(u + mean, operator.config.setting, None)
        wrong = (epsilon - (u + mean).mean((1, 2, 3))).abs() > 1e-3
        assert not wrong.any() or mean == 1000
        assert epsilon[wrong].isnan().all()


@pytest.mark.parametrize(
    ("dtype", "mean", "size"),
    [
        (torch.float32, 1.0, 1e-4),
        (torch.float32, 10.0, 1e-3),
        (torch.float32, 0.7, 0.0),
        (torch.float64, 1.0, 1e-13),
        (torch.float64, 0.7, 0.0),
    ],
)
@pytest.mark.parametrize("text", ["u*d_u", "exp(t/2)*u*d_u"])
def test_amplitudes_hold_for_fluctuations_of_every_size(text, dtype, mean, size, inner, box, times):
    """For constants too, and not in the network."""
    rounding = torch.finfo(dtype).eps / (size / mean or 0.02)
    generator, grid = Generator(text), box((24,))
    x = torch.arange(24, dtype=torch.float64) * (2 * torch.pi / 24)
    u = (mean + size * torch.sin(x)).repeat(1, 4, 1, 1).to(dtype)
    network = inner("fno", 1, (24,)).requires_grad_(False)
    network, operator = network.to(dtype), enforce(network, [generator], grid, *times).to(dtype)
    moments = [torch.tensor(t, dtype=torch.float64) for t in times]

    def defect(f):
        expected = generator.act(f(u), grid, moments[1], 1.1)
        return float((f(generator.act(u, grid, moments[0], 1.1)) - expected).norm() / expected.norm())

    assert defect(operator) < 10 * rounding < 0.05
    assert defect(network) > 0.02


def test_a_field_without_fluctuation_stays_finite(inner, box, times):
    u = torch.full((2, 4, 1, 24), 0.7, dtype=torch.float64)
    u[1] = 0
    for symmetry in (Generator("u*d_u"), Generator("t*d_x + d_u"), Generator("d_x")):
        operator = enforce(inner("fno", 1, (24,)), [symmetry], box((24,)), *times)
        value, tangent = torch.func.jvp(operator, (u,), (torch.ones_like(u),))
        assert value.isfinite().all()
        assert tangent.isfinite().all()
    pair = Generator("v*d_u - u*d_v", fields=("u", "v"))
    operator = enforce(inner("fno", 2, (24,)), [MovingFrame(pair, PairPhase())], box((24,)), *times)
    assert operator(torch.zeros(2, 4, 2, 24, dtype=torch.float64)).isfinite().all()


@pytest.mark.parametrize(
    ("generator", "sentence"),
    [
        (Generator("x*d_x + 2*t*d_t - u*d_u"), "moves time, which frames at given times do not show: write a scaling"),
        (Generator("x*d_x"), "moves x by x, which is no shift of whole frames"),
        (Generator("u**2*d_u"), r"vanishes once on every orbit of u\*\*2\*d_u, and with this one it fails by"),
        (Generator("t*d_x"), "moves none of the mean of a field, the size of its fluctuation"),
        (Generator("x*u*d_u"), "does not close on this grid"),
        (Generator("c*d_x + d_u", parameters=("c",)), r"give values with \.at\(c="),
    ],
)
def test_generators_that_cannot_be_enforced_are_refused(generator, sentence, inner, box, times):
    with pytest.raises(ValueError, match=sentence):
        enforce(inner("fno", 1, (24,)), [generator], box((24,)), *times)
