"""Moved trajectories against solutions from their own first frames."""

import dataclasses
import json
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from pdesym.solvers import (
    Equation,
    FiniteDifferenceGrid,
    FlowMap,
    Grid,
    RandomSinusoids,
    burgers,
    burgers_2d,
    ckdv,
    kdv,
    ks,
    nkdv,
    nls,
    solve,
)
from pdesym.symmetry import Generator
from pdesym.symmetry.augment import augment, family_of, move, on_shell_residual, random_parameters

SHIFT, TIME, BOOST = Generator("d_x"), Generator("d_t"), Generator("t*d_x + d_u")
SCALING = Generator("x*d_x + 3*t*d_t - 2*u*d_u")
PARABOLIC = Generator("x*d_x + 2*t*d_t - u*d_u")
LINE = Grid(256, length=128.0)
CIRCLE = Grid(128, length=2 * math.pi)
SEVERAL = RandomSinusoids(terms=10, amplitude=0.5, waves=(1, 2))
# Equation, grid, law, first time, step, frames.
SETTINGS = {
    "kdv": (kdv(), LINE, SEVERAL, 20.0, 0.4016, 24),
    "ks": (ks(), Grid(192, length=64.0), SEVERAL, 60.0, 0.2004, 24),
    "burgers": (burgers(nu=0.1), CIRCLE, RandomSinusoids(terms=10, amplitude=0.3, waves=(1, 2, 3)), 1.0, 0.1006, 24),
    "nkdv": (nkdv(), LINE, RandomSinusoids(terms=10, amplitude=0.5, waves=(1,)), 2.0, 0.4016, 12),
    "ckdv": (ckdv(), LINE, SEVERAL, 2.0, 0.4016, 12),
}
# Symmetries and scales: all that leave a periodic box periodic, or stretch it.
USABLE = {
    "kdv": [(SHIFT, 64.0), (TIME, 2.0), (BOOST, 0.4), (SCALING, 0.05)],
    "ks": [(SHIFT, 32.0), (TIME, 2.0), (BOOST, 0.4)],
    "burgers": [(SHIFT, 3.0), (TIME, 0.5), (BOOST, 0.4), (PARABOLIC, 0.05)],
    "kdv, one box": [(SHIFT, 64.0), (TIME, 2.0), (BOOST, 0.4)],
    "nkdv": [
        (SHIFT, 64.0),
        (Generator("exp(-t/50)*d_t"), 2.0),
        (Generator("50*(exp(t/50) - 1)*d_x + d_u"), 0.4),
        (Generator("x*d_x + 150*(1 - exp(-t/50))*d_t - 2*u*d_u"), 0.05),
    ],
    "ckdv": [
        (SHIFT, 64.0),
        (Generator("sqrt(t + 1)*d_x + 1/(2*sqrt(t + 1))*d_u"), 0.4),
        (Generator("x*d_x + 3*(t + 1)*d_t - 2*u*d_u"), 0.05),
    ],
}


@pytest.fixture(scope="module")
def data():
    kept = {}

    def of(name):
        if name not in kept:
            equation, grid, law, first, step, count = SETTINGS[name]
            times = first + step * torch.arange(count, dtype=torch.float64)
            kept[name] = solve(equation, law.sample(grid, range(2), seed=1), grid, times, rtol=1e-9)
        return kept[name]

    return of


def nmse(u, truth):
    """Mean over the first axis, that of the frames."""
    return float(((u - truth) ** 2).flatten(1).mean(1).div((truth**2).flatten(1).mean(1)).mean())


def against_solutions(moved, last=None):
    """The largest error of a sample against the solution from its first valid frame."""
    worst = 0.0
    for i, valid in enumerate(moved.mask):
        u, times = moved.u[i, valid][:last], moved.times[i, valid][:last]
        length = moved.grid.length if moved.length is None else moved.length[i].tolist()
        again = FlowMap(moved.equation.select([i]), Grid(*moved.grid.points, length=length), times, rtol=1e-9)(u[:1])
        worst = max(worst, nmse(u[1:], again[0]))
    return worst


def parameters(*rows):
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("name", ["kdv", "ks"])
def test_a_boost(data, name):
    moved = move(data(name), [BOOST], parameters([0.4], [-0.4]))
    assert against_solutions(moved) < 1e-9
    assert moved.mask.all()
    assert moved.accepted.all()


@pytest.mark.parametrize("name", USABLE)
def test_all_that_is_usable_together(data, name):
    generators, scales = zip(*USABLE[name], strict=True)
    moved = augment(data(name.split(",")[0]), generators, scales, seed=3)
    assert moved.accepted.all()
    assert moved.mask.sum(1).min() > 5
    assert against_solutions(moved) < 1e-9


def test_half_a_frame(data):
    equation, grid, law, first, step, count = SETTINGS["kdv"]
    later = first + step * (torch.arange(count - 1, dtype=torch.float64) + 0.5)
    truth = solve(equation, law.sample(grid, range(2), seed=1), grid, later, rtol=1e-9).u
    moved = move(data("kdv"), [TIME], parameters([-step / 2], [step / 2]))
    assert moved.mask.sum(1).tolist() == [count - 1, count - 1]
    assert nmse(moved.u[0, :-1], truth[0]) < 1e-9
    assert nmse(moved.u[1, 1:], truth[1]) < 1e-9


def test_stretched_time(data):
    """t ∂_t is no symmetry: only the resampling is right."""
    equation, grid, law, *_ = SETTINGS["kdv"]
    trajectories = data("kdv")
    moved = move(trajectories, [Generator("t*d_t")], parameters([math.log(1.1)], [math.log(1.1)]))
    sources = trajectories.times / 1.1
    inside = sources >= trajectories.times[0]
    assert torch.equal(moved.mask, inside.expand(2, -1))
    truth = solve(equation, law.sample(grid, range(2), seed=1), grid, sources[inside], rtol=1e-9).u
    assert nmse(moved.u[:, inside].flatten(0, 1), truth.flatten(0, 1)) < 1e-9
    assert not moved.accepted.any()
    assert moved.residual.min() > 0.05


@pytest.mark.parametrize("wrong", ["u*d_u", "t*d_x - d_u", "d_u", "x*d_x + 2*t*d_t - u*d_u"])
@pytest.mark.parametrize("name", ["kdv", "ks"])
def test_wrong_generators_are_rejected(data, name, wrong):
    moved = move(data(name), [Generator(wrong), SHIFT], parameters([0.2, 1.0], [0.0, 1.0]))
    assert moved.residual[0] > 0.05
    assert moved.accepted.tolist() == [False, True]


def test_points_that_move_against_each_other(data):
    """u² ∂_u commutes with transport, and with nothing else."""
    transport = Equation("u_t = -c*u_x", c=2.0)
    u0 = 0.2 * SETTINGS["burgers"][2].sample(CIRCLE, range(2), seed=1)
    trajectories = solve(transport, u0, CIRCLE, 0.1 * torch.arange(8, dtype=torch.float64), rtol=1e-10)
    moved = move(trajectories, [Generator("u**2*d_u"), SHIFT], parameters([0.2, 1.0], [0.0, 0.0]))
    assert moved.accepted.all()
    assert against_solutions(moved) < 1e-9
    assert torch.equal(moved.u[1], trajectories.u[1])
    wrong = move(data("burgers"), [Generator("u**2*d_u")], parameters([0.2], [0.2]))
    assert wrong.residual.min() > 0.05
    assert not wrong.accepted.any()


def test_two_fields_that_turn_into_each_other():
    names = {"fields": ("u", "v")}
    turn, time = Generator("v*d_u - u*d_v", **names), Generator("d_t", **names)
    scaling = Generator("x*d_x + 2*t*d_t - u*d_u - v*d_v", **names)
    grid, times = Grid(32, length=20.0), 0.05 * torch.arange(12, dtype=torch.float64)
    law = RandomSinusoids(terms=3, amplitude=0.3, waves=(1, 2))
    u0 = torch.cat([law.sample(grid, range(2), seed=seed) for seed in (0, 1)], dim=1)
    trajectories = solve(nls(), u0, grid, times, rtol=1e-9)
    for generators, epsilon in (((turn, time), [0.7, 0.12]), ((turn, scaling), [0.7, 0.1])):
        moved = move(trajectories, generators, parameters(epsilon, [0.0, 0.0]))
        assert moved.accepted.all()
        assert against_solutions(moved) < 1e-12
    wrong = move(trajectories, [Generator("v*d_u + u*d_v", **names)], parameters([0.7], [0.7]))
    assert not wrong.accepted.any()


def test_the_plane():
    grid = Grid(24, 16, length=(2.0, 1.0))
    names = {"coordinates": ("x", "y"), "fields": ("u", "v")}
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    u0 = 0.1 * torch.stack([torch.sin(math.pi * x) * torch.cos(2 * math.pi * y), torch.cos(math.pi * x)]).unsqueeze(0)
    times = 0.05 * torch.arange(12, dtype=torch.float64)
    trajectories = solve(burgers_2d(nu=0.02), u0, grid, times, rtol=1e-10)
    generators = [Generator("t*d_x + d_u", **names), Generator("t*d_y + d_v", **names), Generator("d_t", **names)]
    moved = move(trajectories, generators, parameters([0.3, -0.2, 0.07]))
    assert moved.accepted.all()
    assert against_solutions(moved) < 1e-12
    wrong = move(trajectories, [Generator("t*d_x + d_v", **names)], parameters([0.3]))
    assert not wrong.accepted.any()


def test_samples_with_boxes_of_their_own():
    law, lengths = SETTINGS["burgers"][2], torch.tensor([6.0, 7.0], dtype=torch.float64)
    times = 1.0 + 0.1 * torch.arange(12, dtype=torch.float64)
    u0 = law.sample(CIRCLE, range(2), seed=1)
    trajectories = solve(burgers(nu=0.1), u0, CIRCLE, times, rtol=1e-9, length=lengths)
    for generators, epsilon in (((TIME, BOOST), [0.13, 0.4]), ((PARABOLIC, BOOST), [0.1, 0.4])):
        moved = move(trajectories, generators, parameters(epsilon, epsilon))
        growth = epsilon[0] if generators[0] == PARABOLIC else 0.0
        torch.testing.assert_close(moved.length[:, 0], lengths * math.exp(growth))
        assert moved.accepted.all()
        assert against_solutions(moved) < 1e-12


def test_points_do_not_move_against_each_other_on_boxes_of_their_own():
    times = 0.1 * torch.arange(8, dtype=torch.float64)
    u0 = torch.sin(CIRCLE.coordinates()[0]).expand(2, 1, -1)
    lengths = torch.tensor([6.0, 7.0], dtype=torch.float64)
    trajectories = solve(Equation("u_t = -u_x"), u0, CIRCLE, times, rtol=1e-9, length=lengths)
    with pytest.raises(ValueError, match=r"u\*\*2\*d_u move the points .* needs one box for all samples"):
        move(trajectories, [Generator("u**2*d_u")], parameters([0.1], [0.1]))


def test_a_family_gives_the_components_at_points():
    family = family_of([BOOST, SCALING])
    x, t, u = torch.rand(3, 4, 5, dtype=torch.float64)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    expected = torch.stack([torch.stack([t, zero, one]), torch.stack([x, 3 * t, -2 * u])])
    torch.testing.assert_close(family.velocities([x, t, u]), expected)
    assert family.names == (BOOST.text, SCALING.text)
    assert family_of(family) is family
    with pytest.raises(ValueError, match="a tensor for each of x, t, u, got 2"):
        family.velocities([x, t])


def test_what_is_not_moved_comes_back_bit_for_bit(data):
    generators, scales = zip(*USABLE["burgers"], strict=True)
    trajectories = data("burgers")
    none = augment(trajectories, generators, scales, seed=0, probability=0.0)
    assert torch.equal(none.u, trajectories.u)
    assert torch.equal(none.times, trajectories.times.expand(2, -1))
    assert none.length is None
    one = move(trajectories, generators, parameters([0.0] * 4, [0.1, 0.2, 0.3, 0.05]))
    assert torch.equal(one.u[0], trajectories.u[0])
    assert torch.equal(one.times[0], trajectories.times)
    assert not torch.equal(one.times[1], trajectories.times)


def test_single_precision(data):
    trajectories = data("kdv")
    single = dataclasses.replace(trajectories, u=trajectories.u.float())
    moved = move(single, [TIME, BOOST], parameters([0.3, 0.4], [-0.3, 0.4]))
    exact = move(trajectories, [TIME, BOOST], parameters([0.3, 0.4], [-0.3, 0.4]))
    assert moved.u.dtype == torch.float32
    assert moved.accepted.all()
    assert nmse(moved.u.double().flatten(0, 1), exact.u.flatten(0, 1)) < 1e-10


def test_a_sample_depends_on_the_seed_and_its_number_alone(data):
    scales = [1.0, 0.0, 0.4]
    drawn = random_parameters(range(1000), scales, seed=7, probability=0.25)
    assert torch.equal(drawn[[500, 3]], random_parameters([500, 3], scales, seed=7, probability=0.25))
    assert not torch.equal(drawn, random_parameters(range(1000), scales, seed=8, probability=0.25))
    moved = drawn[(drawn != 0).any(1)]
    assert abs(len(moved) / 1000 - 0.25) < 0.05
    assert (moved.abs() <= torch.tensor(scales)).all()
    assert (moved.mean(0).abs() < 0.12 * torch.tensor([1.0, 1.0, 0.4])).all()
    generators, widths = zip(*USABLE["kdv"], strict=True)
    trajectories = data("kdv")
    both = augment(trajectories, generators, widths, seed=1)
    again = move(trajectories, generators, both.parameters.flip(0))
    assert not torch.allclose(again.u[1], both.u[1])
    of_samples = ("u", "error", "horizon", "steps", "points_used", "tail")
    first = dataclasses.replace(trajectories, **{name: getattr(trajectories, name)[:1] for name in of_samples})
    torch.testing.assert_close(augment(first, generators, widths, seed=1).u, both.u[:1], rtol=0, atol=1e-12)


def test_the_residual_of_a_solution_vanishes_with_the_step(data):
    """As Δt⁸; on other equations it stays."""
    equation, grid, law, *_ = SETTINGS["burgers"]
    steps = [0.4 / 2**k for k in range(4)]
    residuals = []
    for step in steps:
        times = 1.0 + step * torch.arange(-2, 3, dtype=torch.float64)
        u = solve(equation, law.sample(grid, range(1), seed=1), grid, times, rtol=1e-11).u
        residuals.append(float(on_shell_residual(u, times.unsqueeze(0), grid, equation)))
    slopes = [math.log2(a / b) for a, b in pairwise(residuals)]
    assert max(abs(slope - 8) for slope in slopes[1:]) < 0.2
    assert float(on_shell_residual(u, times.unsqueeze(0), grid, burgers(nu=0.11))) > 1e-2


def test_what_cannot_serve_is_refused(data):
    kdv_data, one = data("kdv"), parameters([0.1], [0.1])
    plane = Generator("d_x", coordinates=("x", "y"))
    cases = [
        (kdv_data, [plane], one, r"variables \(x, t, u\) of the data, got d_x of \(x, y, t, u\)"),
        (kdv_data, [Generator("d_w", fields=("w",))], one, "declare coordinates and fields as the equation has them"),
        (kdv_data, [BOOST], parameters([0.1, 0.2]), r"parameters of shape \(2, 1\), .* got \(1, 2\)"),
        (kdv_data, [BOOST], parameters([0.1], [math.nan]), "Expected finite parameters"),
        (
            kdv_data,
            [Generator("log(t - 21)*d_x"), SHIFT],
            parameters([0.1, 0.0], [0.1, 0.0]),
            r"The flow of log\(t - 21\)\*d_x with a parameter of size 0.1 leaves the domain .* give smaller scales",
        ),
        (kdv_data, [Generator("t**2*d_t")], -one, r"t\*\*2\*d_t with a parameter of size 0.1 leaves"),
        (
            dataclasses.replace(kdv_data, u=kdv_data.u[:, :4], times=kdv_data.times[:4]),
            [BOOST],
            one,
            "at least 5 frames .* got 4: keep more output times",
        ),
        (
            dataclasses.replace(kdv_data, times=kdv_data.times + 0.01 * torch.arange(24.0) ** 2),
            [BOOST],
            one,
            "Expected frames in equal steps",
        ),
        (
            dataclasses.replace(kdv_data, equation=ks()),
            [BOOST],
            one,
            r"got a residual of .* in sample 0 before any motion: the equation is another one, the frames",
        ),
        (
            dataclasses.replace(kdv_data, u=kdv_data.u[:, ::12], times=kdv_data.times[::12]),
            [BOOST],
            one,
            "at least 5 frames",
        ),
        (
            dataclasses.replace(kdv_data, grid=FiniteDifferenceGrid(256, length=128.0)),
            [BOOST],
            one,
            "box of finite differences",
        ),
        (kdv_data, [], torch.zeros(2, 0), "at least one generator, got none"),
        (kdv_data, [BOOST, plane], parameters([0, 0], [0, 0]), "Expected generators of the same variables"),
        (kdv_data, [Generator("nu*d_x", parameters=("nu",))], one, "contains nu"),
    ]
    for trajectories, generators, epsilon, sentence in cases:
        with pytest.raises(ValueError, match=sentence):
            move(trajectories, generators, epsilon)
    with pytest.raises(ValueError, match="got a SymbolicFamily in the sequence: give a learned family by itself"):
        family_of([BOOST, family_of([SHIFT])])
    for settings, sentence in [
        ({"scales": [0.1]}, r"one scale for each of the 2 generators \(d_x, t\*d_x \+ d_u\), got 1"),
        ({"scales": [0.1, -1.0]}, "scales that are finite and not negative, got -1"),
        ({"scales": [0.1, math.inf]}, "scales that are finite"),
        ({"scales": [0.1, 0.1], "probability": 1.5}, "probability between 0 and 1, got 1.5"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            augment(kdv_data, [SHIFT, BOOST], seed=0, **settings)


def test_frames_that_are_too_coarse_are_refused():
    equation, grid, law, *_ = SETTINGS["ks"]
    times = 72.0 + 3.0 * torch.arange(8, dtype=torch.float64)
    trajectories = solve(equation, law.sample(grid, range(1), seed=1), grid, times, rtol=1e-7)
    with pytest.raises(ValueError, match="the frames are too coarse in time"):
        move(trajectories, [TIME], parameters([0.1]))


@pytest.mark.slow
def test_many_trajectories_take_little_memory():
    script = Path(__file__).parents[2] / "experiments" / "benchmarks" / "augmentation.py"
    run = subprocess.run([sys.executable, script, "--peak"], capture_output=True, text=True, check=True)
    measured = json.loads(run.stdout)
    assert measured["trajectories"] == 512
    assert measured["peak_above_data_mib"] < 1024


def test_a_stiff_equation_that_the_data_do_not_solve_leaves_a_residual():
    # Where N is far larger than what the data do, it must not hide that they do not do it.
    grid = Grid(128, length=2 * math.pi)
    u0 = RandomSinusoids(waves=(1, 2)).sample(grid, range(2), seed=0)
    data = solve(burgers(0.05), u0, grid, torch.linspace(1, 3, 21, dtype=torch.float64), rtol=1e-8)
    times = data.times.expand(2, -1)
    assert on_shell_residual(data.u, times, grid, burgers(0.05)).max() < 1e-3
    for wrong in (kdv(), ks()):
        assert on_shell_residual(data.u, times, grid, wrong).min() > 0.3
