"""The closed forms and the evidence on the cards, beyond those of the cases; bad samples are named one by one."""

import math

import pytest
import torch

from pdesym.solvers import (
    AccuracyWarning,
    BlowUpError,
    Equation,
    GaussianField,
    Grid,
    RandomSinusoids,
    allen_cahn,
    burgers,
    cahn_hilliard,
    ckdv,
    derivative,
    fisher_kpp,
    fitzhugh_nagumo,
    gray_scott,
    kdv,
    ks,
    ks_2d,
    mkdv,
    navier_stokes,
    nkdv,
    nls,
    shallow_water,
    sine_gordon,
    solve,
    swift_hohenberg,
)
from pdesym.solvers.catalogue.allen_cahn import separated, standing_wave
from pdesym.solvers.catalogue.ckdv import faded
from pdesym.solvers.catalogue.fisher_kpp import grown
from pdesym.solvers.catalogue.fitzhugh_nagumo import front_pair
from pdesym.solvers.catalogue.gray_scott import PATTERNS, fed
from pdesym.solvers.catalogue.mkdv import breather
from pdesym.solvers.catalogue.navier_stokes import shielded_vortex
from pdesym.solvers.catalogue.nkdv import clock
from pdesym.solvers.catalogue.nls import plane_wave
from pdesym.solvers.catalogue.shallow_water import linearised, simple_wave
from pdesym.solvers.catalogue.sine_gordon import kink_antikink
from tests.solvers.cases import relative_error

CIRCLE = Grid(64, length=2 * math.pi)
PLANE = Grid(24, 24, length=2 * math.pi)
LINE, LONG = Grid(256, length=60.0), Grid(384, length=60.0)
VORTEX = Grid(64, 64, length=12.0)


def level(value, grid=CIRCLE, fields=1):
    return torch.full((1, fields, *grid.points), value, dtype=torch.float64)


WAVES = RandomSinusoids(terms=3, waves=(1, 2)).sample(PLANE, [0, 1], seed=0)
FORMS = {
    "mkdv breather": (mkdv(), LONG, lambda t: breather(LONG, t, 0.5, 0.8, 30.0), 1.0, 1e-6),
    "nls plane wave": (nls(-2.0), CIRCLE, lambda t: plane_wave(CIRCLE, t, 0.8, (3,), -2.0), 1.0, 1e-6),
    "nls in the plane": (nls(-2.0), PLANE, lambda t: plane_wave(PLANE, t, 0.8, (2, -1), -2.0), 0.5, 1e-6),
    "kink and antikink": (sine_gordon(), LINE, lambda t: kink_antikink(LINE, t + 2.0, 0.5, 30.0), 3.0, 1e-6),
    "nagumo fronts": (fitzhugh_nagumo(epsilon=0.0), LINE, lambda t: front_pair(LINE, t, 14.0), 4.0, 1e-4),
    "no second species": (
        gray_scott(*PATTERNS["maze"], Du=0.01),
        PLANE,
        lambda t: fed(torch.cat([WAVES, 0 * WAVES], 1), PLANE, t, PATTERNS["maze"][0], 0.01),
        5.0,
        1e-12,
    ),
    "shielded vortex": (navier_stokes(0.1), VORTEX, lambda t: shielded_vortex(VORTEX, t, 0.1, 3.5, 5.0), 1.0, 1e-7),
    "logistic growth": (fisher_kpp(r=2.0), CIRCLE, lambda t: grown(level(0.2), t, 2.0), 1.0, 1e-6),
    "logistic growth in the plane": (fisher_kpp(), PLANE, lambda t: grown(level(0.2, PLANE), t), 1.0, 1e-6),
    "separation": (allen_cahn(0.3), CIRCLE, lambda t: separated(level(0.1), t), 1.0, 1e-6),
    "fading": (ckdv(), CIRCLE, lambda t: faded(level(0.7), t), 3.0, 1e-6),
}


@pytest.mark.parametrize("name", FORMS)
def test_closed_forms(name):
    equation, grid, form, horizon, allowed = FORMS[name]
    solution = solve(equation, form(0.0), grid, [horizon], rtol=1e-7).u[:, 0]
    assert relative_error(solution, form(horizon)).max() < allowed
    assert relative_error(solution, form(0.8 * horizon)).max() > 100 * allowed


@pytest.mark.parametrize("equation", [allen_cahn(0.3), cahn_hilliard(0.3)], ids=["allen_cahn", "cahn_hilliard"])
def test_standing_waves_stay_and_others_do_not(equation):
    for waves in (1, 2):
        u0 = standing_wave(CIRCLE, 0.3, waves)
        assert relative_error(solve(equation, u0, CIRCLE, [0.3], rtol=1e-6).u[:, 0], u0).max() < 1e-8
        other = 0.9 * u0
        assert relative_error(solve(equation, other, CIRCLE, [0.3], rtol=1e-6).u[:, 0], other).max() > 1e-2
    with pytest.raises(ValueError, match="A standing wave is longer than"):
        standing_wave(CIRCLE, 0.3, 4)


@pytest.mark.parametrize(
    ("equation", "rate"),
    [
        (cahn_hilliard(0.2), lambda k: k**2 * (1 - 0.04 * k**2)),
        (swift_hohenberg(0.3), lambda k: 0.3 - (1 - k**2) ** 2),
        (allen_cahn(0.2), lambda k: 1 - 0.04 * k**2),
    ],
    ids=["cahn_hilliard", "swift_hohenberg", "allen_cahn"],
)
def test_small_waves_grow_at_the_rates_on_the_cards(equation, rate):
    (x,) = CIRCLE.coordinates()
    for k in (1, 2):
        u0 = 1e-5 * torch.cos(k * x).reshape(1, 1, -1)
        grown_wave = solve(equation, u0, CIRCLE, [0.5], rtol=1e-8).u[:, 0]
        assert relative_error(grown_wave, u0 * math.exp(0.5 * rate(k))).max() < 1e-7


def test_nkdv_is_kdv_on_another_clock():
    grid = Grid(96, length=32.0)
    u0 = RandomSinusoids(terms=4).sample(grid, range(2), seed=0)
    there = solve(nkdv(t0=5.0), u0, grid, [1.0, 3.0], rtol=1e-7).u
    here = solve(kdv(), u0, grid, [clock(1.0, 5.0), clock(3.0, 5.0)], rtol=1e-7).u
    assert relative_error(there, here).max() < 2e-7
    assert relative_error(there, solve(kdv(), u0, grid, [1.0, 3.0], rtol=1e-7).u).max() > 1e-2


def test_ckdv_is_the_same_in_fields_that_do_not_fade():
    grid = Grid(96, length=32.0)
    u0 = RandomSinusoids(terms=4).sample(grid, range(2), seed=0)
    steady = solve(Equation("w_t = -w*w_x/sqrt(t + 1) - w_xxx"), u0, grid, [3.0], rtol=1e-7).u
    assert relative_error(solve(ckdv(), u0, grid, [3.0], rtol=1e-7).u, steady / 2).max() < 2e-7


def test_ks_in_the_plane_is_ks_for_fields_of_x_alone():
    plane, line = Grid(48, 8, length=(32.0, 5.0)), Grid(48, length=32.0)
    height = RandomSinusoids(terms=4, amplitude=0.8).sample(line, range(2), seed=0)
    flat = solve(ks_2d(), height[..., None].expand(-1, -1, 48, 8).contiguous(), plane, [3.0], rtol=1e-7).u[:, 0]
    slopes = derivative(flat, plane, (1, 0))[..., 0]
    expected = solve(ks(), derivative(height, line, 1), line, [3.0], rtol=1e-7).u[:, 0]
    assert relative_error(slopes, expected).max() < 2e-6


def test_small_waves_in_shallow_water_are_linear_and_large_ones_break():
    grid = PLANE
    waves = torch.cat([RandomSinusoids(terms=3).sample(grid, [0], seed=field) for field in range(3)], 1)
    equation = shallow_water(g=2.0, H=0.5, f=0.7)
    defects = []
    for size in (1e-3, 1e-4):
        solution = solve(equation, size * waves, grid, [1.0], rtol=1e-9).u[:, 0]
        defects.append(relative_error(solution, linearised(size * waves, grid, 1.0, 2.0, 0.5, 0.7)).item())
    assert defects[0] / defects[1] == pytest.approx(10, rel=0.05)
    with pytest.raises(ValueError, match=r"This wave breaks at t = 5, before t = 6"):
        simple_wave(grid, 6.0, 0.2)


def test_a_sample_that_blows_up_is_named():
    u0 = RandomSinusoids(terms=2, amplitude=0.1, mean=0.5).sample(CIRCLE, range(3), seed=0)
    solve(fisher_kpp(), u0, CIRCLE, [3.0], rtol=1e-4)
    u0[1] -= 1.0
    with pytest.raises(BlowUpError) as caught:
        solve(fisher_kpp(), u0, CIRCLE, [3.0], rtol=1e-4)
    assert caught.value.sample == 1


def test_samples_that_no_grid_resolves_are_named_and_the_others_are_right():
    grid, rtol = Grid(16, length=2 * math.pi), 1e-6
    (x,) = grid.coordinates()
    u0 = torch.stack([0.02 * torch.sin(x), torch.sin(x), 0.01 * torch.cos(x)])[:, None]
    with pytest.warns(AccuracyWarning, match=r"samples \[1\]"):
        solution = solve(burgers(2e-3), u0, grid, [3.0], rtol=rtol)
    assert (solution.error > rtol).tolist() == [False, True, False]


def test_a_text_of_the_user_is_served_like_the_catalogue():
    mine = Equation(
        "w_t = -psi_y*w_x + psi_x*w_y + nu*lap(w)",
        where="lap(psi) = -w",
        nu=torch.tensor([0.02, 0.05], dtype=torch.float64),
    )
    u0 = GaussianField(tau=2.0, modes=3).sample(PLANE, range(2), seed=0)
    solution = solve(mine, u0, PLANE, [0.5], rtol=1e-6)
    for i, nu in enumerate((0.02, 0.05)):
        alone = solve(navier_stokes(nu), u0[i : i + 1], PLANE, [0.5], rtol=1e-6)
        assert relative_error(solution.u[i : i + 1], alone.u).max() < 1e-12
