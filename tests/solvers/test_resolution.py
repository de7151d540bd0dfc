"""Grids: refined where the spectrum needs it, never otherwise, and said where none is fine enough."""

import itertools
import math

import pytest
import torch

from pdesym.solvers import (
    AccuracyWarning,
    BlowUpError,
    Equation,
    FlowMap,
    Grid,
    RandomSinusoids,
    advection,
    burgers,
    kdv,
    ks,
    solve,
)
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.control import LADDER, Adaptive, Fixed, plan
from pdesym.solvers.spectral import inverse_transform
from pdesym.solvers.spectrum import interpolated, padded_points, resize, tail_weights
from pdesym.solvers.tolerance import largest_tail
from tests.solvers.cases import relative_error

CIRCLE = Grid(32, length=2 * math.pi)
(X,) = CIRCLE.coordinates()


def field(values: torch.Tensor) -> torch.Tensor:
    return values.reshape(1, 1, -1)


def test_a_wave_at_the_end_of_the_grid_is_evolved_and_not_lost():
    u0 = field(torch.cos(16 * X) + 0.5)
    solution = solve(advection(0.3), u0, CIRCLE, [1.0], rtol=1e-8)
    assert relative_error(solution.at(1.0), field(torch.cos(16 * (X - 0.3)) + 0.5)).max() < 1e-8
    assert solution.points_used.item() > 32
    with_step = solve(advection(0.3), u0, CIRCLE, [1.0], dt=0.1)
    torch.testing.assert_close(with_step.at(1.0), torch.full_like(u0, 0.5), rtol=0, atol=1e-13)


@pytest.mark.parametrize("points", [(24,), (25,), (12, 10), (9, 12)])
def test_noise_diffuses_as_its_trigonometric_interpolant(points):
    grid = Grid(*points, length=2 * math.pi)
    u0 = torch.randn(2, 1, *points, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    solution = solve(Equation("u_t = 0.02*lap(u)"), u0, grid, [0.1], rtol=1e-8)
    assert relative_error(solution.at(0.1), diffused(u0, grid, 0.1, 0.02)).max() < 1e-8


def test_tangents_follow_a_field_to_a_finer_grid():
    u0, w = field(torch.cos(16 * X) + torch.sin(X)), field(torch.cos(16 * X) - 2 * torch.sin(3 * X))
    value, pushed = FlowMap(advection(0.3), CIRCLE, (0.0, 1.0), rtol=1e-8).tangent(u0, w[None])
    assert relative_error(value, field(torch.cos(16 * (X - 0.3)) + torch.sin(X - 0.3))).max() < 1e-12
    exact = field(torch.cos(16 * (X - 0.3)) - 2 * torch.sin(3 * (X - 0.3)))
    assert relative_error(pushed[0], exact).max() < 1e-12


@pytest.mark.parametrize("wave", [20, 32, 60, 61])
def test_a_forcing_too_short_for_the_grid_is_no_longer_wave(wave):
    """sin(60x) on 32 points has the values of −sin(4x)."""
    equation = Equation("u_t = u_xx + m*sin(m*x)*cos(t)", m=float(wave))
    times = [0.5, 1.0]
    solution = solve(equation, field(torch.sin(X)), CIRCLE, times, rtol=1e-6)
    fine = Grid(256, length=2 * math.pi)
    exact = solve(equation, field(torch.sin(fine.coordinates()[0])), fine, times, rtol=1e-8).u[..., ::8]
    assert relative_error(solution.u, exact).max() < 1e-6
    assert solution.points_used.item() > 2 * wave
    smooth = solve(Equation("u_t = u_xx + 3*sin(3*x)*cos(t)"), field(torch.sin(X)), CIRCLE, times, rtol=1e-6)
    assert smooth.points_used.item() == 32


def test_a_coefficient_too_short_for_the_grid():
    equation = Equation("u_t = u_xx/10 + cos(40*x)*u_x")
    solution = solve(equation, field(torch.sin(X)), CIRCLE, [0.5], rtol=1e-5)
    fine = Grid(512, length=2 * math.pi)
    exact = solve(equation, field(torch.sin(fine.coordinates()[0])), fine, [0.5], rtol=1e-7).u[..., ::16]
    assert relative_error(solution.u, exact).max() < 1e-5
    assert solution.points_used.item() > 80


def test_every_sample_has_the_grid_that_it_needs():
    u0 = torch.cat([field(torch.sin(X)) * size for size in (0.01, 1.0, 1.5)])
    solution = solve(burgers(0.1), u0, CIRCLE, [1.0], rtol=1e-6)
    small, middle, large = solution.points_used.tolist()
    assert 32 == small < middle < large
    assert (solution.tail <= largest_tail(1e-6)).all()


@pytest.mark.parametrize("rtol", [1e-3, 1e-5, 1e-7])
def test_what_the_grid_leaves_out_is_a_small_part_of_the_error(rtol):
    """On the grid that was chosen and with tiny steps, so that all that is left is the error of the grid."""
    u0 = field(torch.sin(X))
    points = solve(burgers(0.1), u0, CIRCLE, [1.0], rtol=rtol).points_used.item()
    fine = Grid(512, length=2 * math.pi)
    exact = solve(burgers(0.1), field(torch.sin(fine.coordinates()[0])), fine, [1.0], dt=1e-3).u

    def error(n):
        grid = CIRCLE.refined([n])
        u = solve(burgers(0.1), field(torch.sin(grid.coordinates()[0])), grid, [1.0], dt=1e-3).u
        common = math.gcd(n, 512)
        return relative_error(u[..., :: n // common], exact[..., :: 512 // common]).item()

    assert error(points) < 0.1 * rtol
    assert error(points // 4 * 2) > 0.1 * rtol, "the control: half the points would not do"


def test_a_looser_tolerance_takes_a_coarser_grid():
    points = [
        solve(burgers(0.1), field(torch.sin(X)), CIRCLE, [1.0], rtol=rtol).points_used.item()
        for rtol in (1e-2, 1e-5, 1e-8)
    ]
    assert points == sorted(set(points))


def test_a_front_that_no_grid_resolves_is_said_and_not_solved_over_and_over():
    with pytest.warns(AccuracyWarning, match=r"samples \[1\] .* spectrum does not end on 256 points, so start from a"):
        solution = solve(burgers(1e-3), torch.cat([0 * field(X) + 1, field(torch.sin(X))]), CIRCLE, [2.0], rtol=1e-4)
    fine = Grid(4096, length=2 * math.pi)
    exact = solve(burgers(1e-3), field(torch.sin(fine.coordinates()[0])), fine, [2.0], dt=1e-3).u[..., ::128]
    true = relative_error(solution.u[1:], exact).item()
    assert true > 1e-4
    assert solution.error[1] > true / 2
    assert solution.error[0] < 1e-10
    with pytest.warns(AccuracyWarning, match="does not end on 256 points"):
        FlowMap(burgers(1e-3), CIRCLE, (0.0, 2.0), rtol=1e-4)(field(torch.sin(X)))


def test_dispersive_waves_that_no_grid_resolves_are_said():
    with pytest.warns(AccuracyWarning, match="does not end on 256 points"):
        solution = solve(kdv(6.0, 1e-3), 3 * field(torch.sin(X)), CIRCLE, [0.2], rtol=1e-4)
    assert solution.error.item() > 1e-3


def test_chaos_is_not_solved_over_and_over():
    grid = Grid(32, length=22.0)
    u0 = RandomSinusoids().sample(grid, [0], seed=0)
    with pytest.warns(AccuracyWarning, match=r"samples \[0\] .* chaotic solution loses digits"):
        solution = solve(ks(), u0, grid, [1000.0], rtol=1e-2)
    assert solution.error.item() > 0.05
    # Thirty times what the first solution takes.
    assert solution.steps.item() < 3e5


def test_chaos_within_reach_is_solved():
    """Errors grow a million times over this horizon; a control at a looser tolerance misses the tighter one."""
    grid = Grid(32, length=22.0)
    u0 = RandomSinusoids().sample(grid, [0], seed=0)
    solution, exact = (solve(ks(), u0, grid, [300.0], rtol=rtol) for rtol in (1e-2, 1e-5))
    true = relative_error(solution.u, exact.u).item()
    assert 1e-5 < true <= solution.error.item() <= 1e-2


def test_a_solution_that_leaves_its_domain_in_time_is_a_blow_up():
    """u′ = −1/(2u) from 1 reaches 0 at t = 1."""
    with pytest.raises(BlowUpError, match="sample 1 blew up") as caught:
        solve(
            Equation("u_t = -sqrt(u)*u**(-3/2)/2"),
            torch.stack([field(X)[0] * 0 + c for c in (3.0, 1.0)]),
            CIRCLE,
            [2.0],
        )
    assert caught.value.time == pytest.approx(1.0, abs=0.07)


def test_a_right_hand_side_without_a_value_at_the_start():
    u0 = torch.stack([field(X)[0] * 0 + c for c in (1.0, 2.0, -1.0)])
    for control in ({"rtol": 1e-4}, {"dt": 0.1}):
        with pytest.raises(BlowUpError, match=r"sample 2 .* its right-hand side is not finite there") as caught:
            solve(Equation("u_t = log(u)"), u0, CIRCLE, [1.0], **control)
        assert (caught.value.sample, caught.value.time) == (2, 0.0)


def test_the_sample_is_counted_over_the_whole_batch_and_not_over_what_fits_in_cache():
    grid = Grid(256, length=1.0)
    u0 = torch.full((68, 1, 256), 0.1, dtype=torch.float64)
    u0[66] = 4.0
    equation = Equation("u_t = u**2 + u_xx")
    for attempt in (
        lambda: solve(equation, u0, grid, [0.5], dt=0.01),
        lambda: FlowMap(equation, grid, (0.0, 0.5), dt=0.01)(u0),
    ):
        with pytest.raises(BlowUpError, match="sample 66 blew up") as caught:
            attempt()
        assert caught.value.time == pytest.approx(0.25, abs=0.03)


def test_equal_segments_are_equal_to_the_last_bit():
    times = tuple(torch.linspace(0, 100, 251, dtype=torch.float64)[1:].tolist())
    adaptive = plan(0.0, times, Adaptive((1e-6,), 1e-7))
    assert len(adaptive) == 250
    assert len({segment.length for segment in adaptive}) == 1
    fixed = plan(0.0, (10.0,), Fixed(0.03, 1e-10))
    steps = [Fixed(0.03, 1e-10).substeps(0, 0, segment, None) for segment in fixed]
    assert sum(steps) == 334
    assert len(fixed) >= 32
    assert max(s.length / m for s, m in zip(fixed, steps, strict=True)) == pytest.approx(10 / 334)
    assert min(s.length / m for s, m in zip(fixed, steps, strict=True)) == pytest.approx(10 / 334)


@pytest.mark.parametrize("dt", [0.5, 0.4, 0.3, 0.011, 3.0])
@pytest.mark.parametrize("times", [(1.0,), (0.25, 1.0), (0.3, 0.31, 2.0)])
def test_segments_cover_the_time_and_end_on_the_outputs(dt, times):
    for control in (Fixed(dt, 1e-10), Adaptive((1e-6,), 1e-7)):
        segments = plan(-0.1, times, control)
        ends = [segment.start + segment.length for segment in segments]
        assert [segment.start for segment in segments] == pytest.approx([-0.1, *ends[:-1]])
        outputs = [(s.output, end) for s, end in zip(segments, ends, strict=True) if s.output is not None]
        assert outputs == [(index, pytest.approx(time)) for index, time in enumerate(times)]
        for segment in segments if isinstance(control, Fixed) else ():
            assert segment.length / control.substeps(0, 0, segment, None) <= dt * (1 + 1e-9)


def test_the_ladder_rises_by_no_more_than_a_factor_of_two():
    assert list(LADDER) == sorted(set(LADDER))
    assert all(b <= 2 * a for a, b in itertools.pairwise(LADDER))


@pytest.mark.parametrize(
    ("old", "new"), [((8,), (12,)), ((9,), (8,)), ((8, 6), (12, 9)), ((7, 10), (7, 4)), ((6, 5, 8), (9, 5, 6))]
)
def test_resizing_a_spectrum_keeps_the_modes_that_both_grids_have(old, new):
    axes = tuple(range(1, 1 + len(old)))
    u = torch.randn(2, *old, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    v = torch.fft.rfftn(u, dim=axes, norm="forward")
    larger = tuple(n + 2 for n in old)
    v = resize(resize(v, old, larger), larger, old)  # without Nyquist modes
    there = resize(v, old, new)
    assert there.shape[1:] == (*new[:-1], new[-1] // 2 + 1)
    both = tuple(min(pair) for pair in zip(old, new, strict=True))
    torch.testing.assert_close(resize(there, new, old), resize(resize(v, old, both), both, old))


@pytest.mark.parametrize("old", [(8,), (7,), (8, 6), (7, 6), (4, 5, 6)])
def test_the_interpolant_passes_through_the_points(old):
    axes = tuple(range(1, 1 + len(old)))
    u = torch.randn(2, *old, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    new, three = tuple(n + 3 for n in old), tuple(3 * n for n in old)
    v = interpolated(torch.fft.rfftn(u, dim=axes, norm="forward"), old, new)
    values = inverse_transform(interpolated(v, new, three), three, norm="forward")
    torch.testing.assert_close(values[(..., *(slice(None, None, 3) for _ in old))], u)


def test_padding_and_tail():
    assert padded_points((64, 20), 2) == (96, 30)
    assert all(n >= 2 * 33 for n in padded_points((33,), 3))
    weights = tail_weights(Grid(12, 9, length=1.0), None)
    modes = (weights == 0).nonzero().tolist()
    assert sorted({i for i, _ in modes}) == [0, 1, 2, 3, 4, 8, 9, 10, 11]
    assert sorted({j for _, j in modes}) == [0, 1, 2, 3]
