"""The Lie derivative of exact solution maps: true generators pass and false ones fail in the same test."""

import math

import pytest
import torch

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import translate
from pdesym.symmetry import Generator, lie_derivative, lie_derivatives, pushforward

# The equation, its symmetries, and what is no symmetry of it.
CASES = {
    "heat": (
        ["d_x", "d_t", "u*d_u", "d_u", "exp(-0.1*t)*sin(x)*d_u", "exp(-0.4*t)*cos(2*x)*d_u", "d_t + 2*d_x - u*d_u"],
        ["t*d_x + d_u", "sin(x)*d_u", "u**2*d_u", "sin(x)*d_x", "exp(t)*u*d_u"],
    ),
    "airy": (
        ["d_x", "d_t", "u*d_u", "d_u", "sin(x + t)*d_u", "cos(2*x + 8*t)*d_u"],
        ["t*d_x + d_u", "sin(x)*d_u", "sin(x - t)*d_u", "u**2*d_u"],
    ),
    "burgers": (
        ["d_x", "d_t", "t*d_x + d_u", "0.5*d_x + 2*t*d_x + 2*d_u", "d_t + t*d_x + d_u"],
        ["d_u", "-t*d_x + d_u", "2*t*d_x + d_u", "u*d_u", "t*d_x", "cos(x)*d_u"],
    ),
    "riccati": (
        ["d_x", "d_t", "u**2*d_u", "t*d_t - u*d_u", "t**2*d_t - (1 + 2*t*u)*d_u", "sin(x)*d_x", "cos(x)*u**2*d_u"],
        ["u*d_u", "d_u", "t*d_t + u*d_u", "t*d_x + d_u"],
    ),
}
HORIZON = {"heat": 1.0, "airy": 1.0, "burgers": 1.0, "riccati": 0.4}


@pytest.mark.parametrize("name", CASES)
def test_true_generators_pass_and_false_ones_fail(exact, waves, name):
    true, false = CASES[name]
    end = HORIZON[name]
    measured = lie_derivatives(
        lambda u: exact.maps[name](u, end),
        [Generator(text) for text in true + false],
        waves,
        exact.grid,
        0.0,
        end,
        exact.rhs[name],
    )
    defects = dict(zip(true + false, (float(defect.relative) for defect in measured), strict=True))
    for text in true:
        assert defects[text] < (1e-8 if "d_t" in text else 1e-10), defects
    for text in false:
        assert 0.05 < defects[text] <= math.sqrt(2), defects


def test_the_bars_of_burgers(exact, waves):
    """What an exact solver reaches: translation 1e-12 and boost 1e-11 up to Cole-Hopf's own rounding, others 0.1."""
    bars = [("d_x", 0, 1e-10), ("t*d_x + d_u", 0, 1e-11), ("d_t", 0, 1e-8)]
    bars += [("u*d_u", 0.1, 1.5), ("-t*d_x + d_u", 0.1, 1.5), ("d_u", 0.1, 1.5)]
    generators = [Generator(text) for text, *_ in bars]
    rhs = exact.rhs["burgers"]
    defects = lie_derivatives(lambda u: exact.burgers(u, 1.0), generators, waves, exact.grid, 0.0, 1.0, rhs)
    for defect, (text, low, high) in zip(defects, bars, strict=True):
        assert low <= defect.relative <= high, text


def test_the_sign_is_output_minus_pushed_input(exact, waves):
    defect = lie_derivative(lambda u: 3 * u, Generator("d_u"), waves, exact.grid, 0.0, 1.0)
    torch.testing.assert_close(defect.residual, torch.full_like(waves, 1.0 - 3.0))
    torch.testing.assert_close(defect.relative, torch.tensor(2 / math.sqrt(10), dtype=torch.float64))
    torch.testing.assert_close(defect.per_sample, torch.full((4,), 2 / math.sqrt(10), dtype=torch.float64))


def test_opposite_sides_reach_the_largest_defect(exact, waves):
    defect = lie_derivative(lambda u: -u, Generator("d_u"), waves, exact.grid, 0.0, 1.0)
    torch.testing.assert_close(defect.relative, torch.tensor(math.sqrt(2), dtype=torch.float64))


def test_the_whole_batch_weighs_samples_by_their_size(exact, waves):
    u = waves * torch.tensor([1.0, 10.0, 0.1, 1.0], dtype=torch.float64).reshape(4, 1, 1)
    defect = lie_derivative(lambda u: u**2, Generator("u*d_u"), u, exact.grid, 0.0, 1.0)
    scale = (defect.target**2 + defect.pushed**2).sum((1, 2))
    expected = (((defect.per_sample**2) * scale).sum() / scale.sum()).sqrt()
    torch.testing.assert_close(defect.relative, expected)


def test_several_generators_share_one_evaluation(exact, waves):
    calls = []

    def counted(u):
        calls.append(u.shape)
        return exact.burgers(u, 1.0)

    generators = [Generator(text) for text in ("d_x", "t*d_x + d_u", "u*d_u")]
    together = lie_derivatives(counted, generators, waves, exact.grid, 0.0, 1.0)
    assert len(calls) == 1
    for generator, defect in zip(generators, together, strict=True):
        alone = lie_derivative(counted, generator, waves, exact.grid, 0.0, 1.0)
        torch.testing.assert_close(alone.residual, defect.residual, rtol=0, atol=1e-12)


class CarriesTangent:
    """Heat flow that differentiates itself and says so."""

    def __init__(self, exact):
        self.exact, self.asked = exact, 0

    def __call__(self, u):
        raise AssertionError("The tangent gives the value too.")

    def tangent(self, u, w):
        self.asked += 1
        return self.exact.heat(u, 1.0), self.exact.heat(w, 1.0)

    def rhs(self, u, t):
        return self.exact.rhs["heat"](u, t)


def test_an_operator_that_carries_its_tangent_is_asked_for_it(exact, waves):
    own = CarriesTangent(exact)
    generators = [Generator(text) for text in ("u*d_u", "t*d_x + d_u", "d_t")]
    carried = lie_derivatives(own, generators, waves, exact.grid, 0.0, 1.0)
    assert own.asked == 1
    rhs = exact.rhs["heat"]
    forward = lie_derivatives(lambda u: exact.heat(u, 1.0), generators, waves, exact.grid, 0.0, 1.0, rhs)
    for a, b in zip(carried, forward, strict=True):
        torch.testing.assert_close(a.pushed, b.pushed, rtol=0, atol=1e-12)
        torch.testing.assert_close(a.target, b.target, rtol=0, atol=1e-12)
    assert carried[1].relative > 0.1


def test_the_pushforward_is_the_derivative(exact, waves):
    directions = torch.stack([waves.roll(1, 0), waves.roll(2, 0)])
    value, pushed = pushforward(lambda u: exact.burgers(u, 1.0), waves, directions)
    torch.testing.assert_close(value, exact.burgers(waves, 1.0))
    for w, image in zip(directions, pushed, strict=True):
        up, down = (exact.burgers(waves + step * w, 1.0) for step in (1e-5, -1e-5))
        torch.testing.assert_close(image, (up - down) / 2e-5, rtol=0, atol=1e-6)


def test_frames_in_and_frames_out(exact, waves):
    """An operator on trajectories: two frames in, the last one decides, three frames out."""
    times_in, times_out = torch.tensor([0.0, 0.5]), torch.tensor([1.0, 1.5, 2.0])

    def operator(frames):
        return torch.stack([exact.burgers(frames[:, 1], float(t) - 0.5) for t in times_out], dim=1)

    frames = torch.stack([waves, exact.burgers(waves, 0.5)], dim=1)
    boost, wrong = Generator("t*d_x + d_u"), Generator("-t*d_x + d_u")
    rhs = exact.rhs["burgers"]
    good, bad, shift = lie_derivatives(
        operator, [boost, wrong, Generator("d_t")], frames, exact.grid, times_in, times_out, rhs
    )
    assert good.target.shape == (4, 3, 1, 256)
    assert good.relative < 1e-11
    assert shift.relative < 1e-8
    assert bad.relative > 0.1
    # The boost is tied to the clock: the same operator with other times has no such symmetry.
    assert lie_derivative(operator, boost, frames, exact.grid, times_in, times_out + 1.0).relative > 0.05
    # Any common origin of the clock will do.
    assert lie_derivative(operator, boost, frames, exact.grid, times_in + 3.0, times_out + 3.0).relative < 1e-10


def test_fields_in_and_frames_out(exact, waves):
    times = torch.tensor([1.0, 2.0])
    operator = lambda u: torch.stack([exact.burgers(u, float(t)) for t in times], dim=1)  # noqa: E731
    assert lie_derivative(operator, Generator("t*d_x + d_u"), waves, exact.grid, 0.0, times).relative < 1e-11
    assert lie_derivative(operator, Generator("d_u"), waves, exact.grid, 0.0, times).relative > 0.1


def test_transport_in_the_plane():
    """u_t = −u_x − 2u_y: translations and transported coefficients pass, fixed ones fail, a rotation is refused."""
    grid = Grid(24, 24, length=2 * math.pi)
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    u = torch.stack([torch.sin(x + y) + torch.cos(2 * x), torch.cos(x - 2 * y)]).unsqueeze(1)
    velocity = torch.tensor([1.0, 2.0], dtype=torch.float64)
    axes = ("x", "y")

    def defect(text):
        generator = Generator(text, coordinates=axes)
        return lie_derivative(lambda u: translate(u, grid, velocity), generator, u, grid, 0.0, 1.0).relative

    true = ["d_x", "d_y", "u*d_u", "cos(x - t)*d_u", "sin(x + y - 3*t)*u*d_u", "cos(y - 2*t)*d_x"]
    false = ["cos(x)*d_u", "cos(y - t)*d_x", "t*d_x + d_u"]
    assert max(defect(text) for text in true) < 1e-12
    assert min(defect(text) for text in false) > 0.1
    with pytest.raises(ValueError, match=r"The coefficient -y of d_x does not close on this grid"):
        defect("x*d_y - y*d_x")


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv1d(1, 8, 5, padding=2, padding_mode="circular"),
        torch.nn.GELU(),
        torch.nn.Conv1d(8, 1, 5, padding=2, padding_mode="circular"),
    )


def test_single_precision_measures_what_double_does(exact, waves):
    net = network()
    generators = [Generator("d_x"), Generator("t*d_x + d_u"), Generator("u*d_u")]
    single = lie_derivatives(net, generators, waves.float(), exact.grid, 0.0, 1.0)
    double = lie_derivatives(net.double(), generators, waves, exact.grid, 0.0, 1.0)
    assert single[0].pushed.dtype == torch.float32
    assert single[0].relative.dtype == torch.float64
    assert double[0].relative < 1e-4 < 0.1 < double[1].relative
    for a, b in zip(single, double, strict=True):
        torch.testing.assert_close(a.relative, b.relative, rtol=0, atol=1e-4)


def test_the_defect_can_be_trained_away(exact, waves):
    net = network().double()
    (before,) = lie_derivatives(net, [Generator("u*d_u")], waves, exact.grid, 0.0, 1.0)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(20):
        optimiser.zero_grad()
        loss = lie_derivative(net, Generator("u*d_u"), waves, exact.grid, 0.0, 1.0).relative
        loss.backward()
        optimiser.step()
    assert loss < 0.5 * before.relative


def test_the_gradient_of_a_perfect_operator_is_zero(exact, waves):
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    defect = lie_derivative(lambda u: scale * u, Generator("u*d_u"), waves, exact.grid, 0.0, 1.0)
    assert defect.relative == 0
    (gradient,) = torch.autograd.grad(defect.relative, scale)
    assert gradient == 0


class TestTrivial:
    """A generator that moves nothing is a symmetry of nothing: no number, rather than a perfect one."""

    def test_translation_of_constants(self, exact, waves):
        flat = torch.ones_like(waves) * torch.tensor([1.0, -3.0, 1e3, 0.1], dtype=torch.float64).reshape(4, 1, 1)
        defect = lie_derivative(lambda u: u**2, Generator("d_x"), flat, exact.grid, 0.0, 1.0)
        assert defect.trivial.all()
        assert defect.relative.isnan()
        assert defect.per_sample.isnan().all()

    def test_one_trivial_sample_is_named_and_the_others_count(self, exact, waves):
        u = torch.cat([torch.zeros(1, 1, 256, dtype=torch.float64), waves])
        defect = lie_derivative(lambda u: u**2, Generator("u*d_u"), u, exact.grid, 0.0, 1.0)
        assert defect.trivial.tolist() == [True, False, False, False, False]
        assert defect.per_sample.isnan().tolist() == [True, False, False, False, False]
        rest = lie_derivative(lambda u: u**2, Generator("u*d_u"), waves, exact.grid, 0.0, 1.0)
        torch.testing.assert_close(defect.relative, rest.relative)

    def test_the_zero_generator(self, exact, waves):
        assert lie_derivative(lambda u: u, Generator("0"), waves, exact.grid, 0.0, 1.0).relative.isnan()

    def test_an_operator_that_forgets_everything(self, exact, waves):
        assert lie_derivative(lambda u: 0 * u, Generator("d_x"), waves, exact.grid, 0.0, 1.0).relative.isnan()

    def test_a_small_motion_is_a_motion(self, exact, waves):
        ripple = 1.0 + 1e-9 * waves
        defect = lie_derivative(lambda u: u, Generator("1e-20*d_x"), ripple, exact.grid, 0.0, 1.0)
        assert defect.relative < 1e-12

    def test_an_operator_that_moves_what_the_generator_does_not(self, exact, waves):
        (x,) = exact.grid.coordinates()
        flat = torch.ones_like(waves)
        defect = lie_derivative(lambda u: u * torch.sin(x), Generator("d_x"), flat, exact.grid, 0.0, 1.0)
        torch.testing.assert_close(defect.relative, torch.ones((), dtype=torch.float64))


def test_bad_input_is_refused(exact, waves):
    operator = lambda u: u  # noqa: E731
    with pytest.raises(ValueError, match="Expected at least one generator"):
        lie_derivatives(operator, [], waves, exact.grid, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"The coefficient x of d_x does not close .* the residual form"):
        lie_derivative(operator, Generator("x*d_x + 3*t*d_t - 2*u*d_u"), waves, exact.grid, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"The generator d_t moves time, .* pass rhs=.*horizon_lie_derivative"):
        lie_derivative(operator, Generator("d_t"), waves, exact.grid, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"2 fields \(u, v\), but the data has 1 channel:"):
        lie_derivative(operator, Generator("d_x", fields=("u", "v")), waves, exact.grid, 0.0, 1.0)
