"""Symmetries of operators from frames to frames, against the algebras that are known."""

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids
from pdesym.symmetry import Generator
from pdesym.symmetry.discover import discover, discover_from_windows
from pdesym.symmetry.discover.time_differences import rates_of_frames
from pdesym.symmetry.library import Library
from tests.symmetry.known_flows import KNOWN

STEP = 0.02


class Frames:
    """The exact solution from the last of the frames given, at the steps that follow."""

    def __init__(self, equation, grid, frames_out):
        self.flow = FlowMap(equation, grid, [STEP * k for k in range(frames_out + 1)], rtol=1e-11)

    def __call__(self, u):
        return self.flow(u[:, -1])

    def tangent(self, u, w):
        return self.flow.tangent(u[:, -1], w[:, :, -1])


def case(name, frames_in=7, frames_out=4, equation=None):
    known, length, wavenumber, texts, wrong = KNOWN[name]
    equation, grid = equation or known, Grid(256, length=length)
    u = RandomSinusoids(waves=(1, int(wavenumber * length / 6.283))).sample(grid, range(6), 1)
    later = FlowMap(equation, grid, [STEP * k for k in range(frames_in)], rtol=1e-11)(u)
    windows = torch.cat([u[:, None], later], dim=1)
    return Frames(equation, grid, frames_out), grid, windows, [Generator(text) for text in texts], Generator(wrong)


@pytest.mark.parametrize("name", ["burgers", "kdv", "ks"])
def test_the_algebra_of_exact_frames(name):
    operator, grid, windows, algebra, wrong = case(name)
    found = discover_from_windows(operator, windows, grid, step=STEP, rhs=operator.flow.rhs, name=name)
    assert found.dimension == len(algebra)
    assert found.angle_to(algebra) < 1e-5
    assert found.margin > 100
    assert not found.contains(wrong)
    assert found.closed
    assert not found.flags
    assert found.source == "operator"


def test_one_function_tells_windows_from_fields():
    operator, grid, windows, algebra, _ = case("ks")
    library = Library.polynomial(1, space=False)
    found = discover(operator, library, u=windows, grid=grid, step=STEP, rhs=operator.flow.rhs)
    assert found.angle_to(algebra) < 1e-5
    assert not found.contains(Generator("u*d_u"))


def test_differences_of_frames_stand_for_the_equation():
    operator, grid, windows, algebra, wrong = case("burgers")
    found = discover_from_windows(operator, windows, grid, step=STEP)
    assert found.dimension == len(algebra)
    assert found.angle_to(algebra) < 1e-3
    assert not found.contains(wrong)


def test_translation_in_time_is_null_whatever_the_operator_does():
    _, grid, windows, _, _ = case("ks")

    def nonsense(u):
        return u[:, -4:] ** 3 + u[:, :4]

    found = discover_from_windows(nonsense, windows, grid, Library.polynomial(1, space=False), step=STEP)
    assert found.defect(Generator("d_t")) < 1e-12
    assert found.defect(Generator("t*d_x + d_u")) > 0.1


def test_every_input_frame_counts_at_its_own_time():
    """Linear extrapolation from the last two frames takes t ∂_u, which moves each by its time, to itself."""
    _, grid, windows, _, _ = case("ks")
    ahead = torch.arange(1.0, 4.0, dtype=torch.float64).reshape(3, 1, 1)

    def extrapolated(u):
        last, before = u[:, -1:], u[:, -2:-1]
        return last + ahead * (last - before)

    found = discover_from_windows(extrapolated, windows, grid, Library.polynomial(1, space=False), step=STEP)
    assert found.defect(Generator("t*d_u")) < 1e-12
    assert found.defect(Generator("u*d_u")) < 1e-12
    assert found.defect(Generator("t*d_x")) > 1e-3


def test_a_broken_symmetry_is_not_reported():
    damped = Equation("u_t = -u*u_x + 0.1*u_xx - 0.5*u")
    operator, grid, windows, algebra, _ = case("burgers", equation=damped)
    found = discover_from_windows(operator, windows, grid, step=STEP, rhs=operator.flow.rhs)
    assert found.contains(Generator("d_x"))
    assert not any(found.contains(generator) for generator in algebra[2:])


def test_a_known_error_decides():
    operator, grid, windows, algebra, _ = case("kdv")
    library = Library.polynomial(2, space=False)
    found = discover_from_windows(operator, windows, grid, library, step=STEP, error=1e-5)
    assert found.angle_to(algebra[:3]) < 1e-3
    assert "1.0e-05" in found.rule


def test_operators_trained_alike_tell_their_error():
    """The exact frames and smooth errors of one in a hundred, another for each operator."""
    operator, grid, windows, algebra, _ = case("ks")
    library = Library.polynomial(1, space=False)
    modes = torch.cos(2 * torch.pi * torch.outer(torch.arange(1.0, 6.0), torch.arange(256.0)) / 256).double()

    class Wrong:
        def __init__(self, seed):
            rng = torch.Generator().manual_seed(seed)
            self.mixing = 0.01 / 128 * modes.T @ torch.randn(5, 5, generator=rng, dtype=torch.float64) @ modes

        def __call__(self, u):
            return operator(u) + u[:, -1:] @ self.mixing

        def tangent(self, u, w):
            value, pushed = operator.tangent(u, w)
            return value + u[:, -1:] @ self.mixing, pushed + w[:, :, -1:] @ self.mixing

    wrong = [Wrong(seed) for seed in range(3)]
    found = discover_from_windows(wrong[0], windows, grid, library, step=STEP, rhs=operator.flow.rhs, others=wrong[1:])
    assert found.dimension == len(algebra)
    assert found.angle_to(algebra) < 5
    assert "trained alike" in found.rule
    assert found.singular_values[1] > 1e-6
    with pytest.raises(ValueError, match="either error or others"):
        discover_from_windows(wrong[0], windows, grid, library, step=STEP, error=0.1, others=wrong[1:])


def test_one_frame_is_enough_where_the_rate_is_known():
    operator, grid, windows, algebra, wrong = case("ks")

    class OneFrame:
        def __call__(self, u):
            return operator.flow(u[:, 0])

        def tangent(self, u, w):
            return operator.flow.tangent(u[:, 0], w[:, :, 0])

    one = windows[:, -1:]
    found = discover_from_windows(OneFrame(), one, grid, step=STEP, rhs=operator.flow.rhs)
    assert found.angle_to(algebra) < 1e-5
    assert not found.contains(wrong)


def test_one_frame_without_it_is_a_map_of_fields():
    _, grid, windows, _, _ = case("ks")

    def heat(u):
        spectrum = torch.fft.rfft(u) * torch.exp(-0.1 * STEP * (2 * torch.pi * torch.fft.rfftfreq(256, 40 / 256)) ** 2)
        return torch.fft.irfft(spectrum, n=256)

    library = Library.polynomial(1, space=False)
    alone = discover_from_windows(heat, windows[:, -1:], grid, library, step=STEP)
    assert alone.contains(Generator("u*d_u"))
    assert not alone.contains(Generator("t*d_x + d_u"))


def test_differences_are_exact_for_polynomials():
    t = STEP * torch.arange(9, dtype=torch.float64)
    u = (t**6).reshape(1, 9, 1, 1).expand(2, 9, 1, 4)
    fine, coarse = rates_of_frames(u, STEP)
    torch.testing.assert_close(fine[0, :, 0, 0], 6 * t**5, rtol=1e-9, atol=1e-15)
    assert (coarse - fine).abs().max() > 0


def test_what_cannot_be_looked_at_is_refused():
    operator, grid, windows, _, _ = case("ks")
    with pytest.raises(ValueError, match="float64"):
        discover_from_windows(operator, windows.float(), grid, step=STEP)
    with pytest.raises(ValueError, match="Expected windows"):
        discover_from_windows(operator, windows[:, 0], grid, step=STEP)
    with pytest.raises(ValueError, match="2 fields on 1 axes"):
        discover_from_windows(operator, windows, grid, Library.polynomial(1, ("u", "v")), step=STEP)
    with pytest.raises(ValueError, match=r"at least 2 output frames for a library with t\*\*2, got 1"):
        discover_from_windows(lambda u: u[:, -1:] ** 2, windows, grid, step=STEP)
