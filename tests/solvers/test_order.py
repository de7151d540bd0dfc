"""The order of the steppers, as a slope in float64 over halvings of the step, down to round-off."""

import dataclasses
import importlib
import math
from functools import cache

import numpy as np
import pytest
import torch

from pdesym.solvers import Equation, Grid, RandomSinusoids, burgers, kdv, ks, solve
from pdesym.solvers.catalogue.burgers import cole_hopf
from pdesym.solvers.catalogue.kdv import soliton
from pdesym.solvers.steppers import KROGSTAD, STEPPERS


def slopes(equation, u0, grid, horizon, steps, reference, method="etdrk4"):
    errors = []
    for n in steps:
        u = solve(equation, u0, grid, [horizon], dt=horizon / n, method=method).u[:, 0]
        errors.append(float((u - reference).norm() / reference.norm()))
    errors = np.array(errors)
    return -np.diff(np.log2(errors)), errors


def finest(equation, u0, grid, horizon, n):
    return solve(equation, u0, grid, [horizon], dt=horizon / n).u[:, 0]


def kdv_case():
    grid = Grid(256, length=40.0)
    u0 = soliton(grid, 0.0, speed=2.0, centre=15.0)
    return kdv(), u0, grid, 1.0, (50, 100, 200, 400, 800), soliton(grid, 1.0, speed=2.0, centre=15.0)


def burgers_case():
    grid = Grid(256, length=2 * math.pi)
    u0 = RandomSinusoids(waves=(1, 2)).sample(grid, range(3), seed=1) + 0.3
    return burgers(0.1), u0, grid, 1.0, (16, 32, 64, 128, 256), cole_hopf(u0, grid, 1.0, 0.1)


def ks_case():
    # At larger |h L| the order of every such method sinks towards its stiff order, 3 for this one (Hochbruck and
    # Ostermann, SIAM J. Numer. Anal. 43, 2005); these steps are in the classical range.
    grid = Grid(48, length=64.0)
    u0 = RandomSinusoids().sample(grid, range(3), seed=2)
    equation = ks()
    return equation, u0, grid, 4.0, (20, 40, 80, 160, 320), finest(equation, u0, grid, 4.0, 2560)


def explicit_time_case():
    grid = Grid(64, length=2 * math.pi)
    (x,) = grid.coordinates()
    u0 = torch.sin(x).reshape(1, 1, -1)
    equation = Equation("u_t = nu*u_xx - u*u_x + cos(3*t)*sin(x)", nu=0.2)
    return equation, u0, grid, 1.0, (8, 16, 32, 64, 128), finest(equation, u0, grid, 1.0, 2048)


def coupled_case():
    grid = Grid(64, length=2 * math.pi)
    (x,) = grid.coordinates()
    u0 = torch.stack([torch.sin(x), torch.cos(2 * x)])[None]
    equation = Equation("u_t = v + 0.1*u_xx", "v_t = u_xx - u**3 + 0.1*v_xx")
    return equation, u0, grid, 1.0, (16, 32, 64, 128, 256), finest(equation, u0, grid, 1.0, 2048)


@pytest.mark.parametrize("case", [kdv_case, burgers_case, ks_case, explicit_time_case, coupled_case])
def test_the_method_is_of_fourth_order(case):
    equation, u0, grid, horizon, steps, reference = case()
    slope, errors = slopes(equation, u0, grid, horizon, steps, reference)
    assert errors[-1] > 1e-13, "an error at round-off has no slope"
    assert np.all(np.abs(slope - 4) < 0.2), (slope, errors)


def test_a_real_part_in_the_coefficients_would_make_kdv_first_order(monkeypatch):
    """The control of the test above: the mistake that it is there to find."""
    equation, u0, grid, horizon, steps, reference = kdv_case()

    def crippled(symbol, step, diagonal):
        table = KROGSTAD.coefficients(symbol, step, diagonal).clone()
        exponentials = len(KROGSTAD.stages) + 1
        table[exponentials:] = table[exponentials:].real.to(table.dtype)
        return table

    # The module; the package has a function of that name.
    module = importlib.import_module("pdesym.solvers.solve")
    monkeypatch.setattr(module, "stepper_named", lambda _: dataclasses.replace(KROGSTAD, coefficients=crippled))
    slope, _ = slopes(equation, u0, grid, horizon, steps, reference)
    assert slope[-1] < 1.5


@cache  # what it is measured against is the same for every method
def imaginary_case():
    """A soliton wide enough for an explicit method."""
    grid = Grid(64, length=40.0)
    u0 = soliton(grid, 0.0, speed=0.5, centre=15.0)
    return kdv(), u0, grid, 1.0, finest(kdv(), u0, grid, 1.0, 2048)


@cache
def real_case():
    grid = Grid(32, length=2 * math.pi)
    u0 = RandomSinusoids(waves=(1, 2)).sample(grid, range(2), seed=1) + 0.3
    equation = Equation("u_t = nu*u_xx - u*u_x + u - u**3", nu=0.03)
    return equation, u0, grid, 1.0, finest(equation, u0, grid, 1.0, 2048)


@cache
def mixed_case():
    grid = Grid(32, length=2 * math.pi)
    (x,) = grid.coordinates()
    u0 = torch.stack([torch.sin(x), torch.cos(2 * x)])[None]
    equation = Equation("u_t = v_x + 0.1*u_xx + 0.05*u_xxx", "v_t = u_x - u**3 + 0.1*v_xx + cos(t)")
    return equation, u0, grid, 1.0, finest(equation, u0, grid, 1.0, 2048)


STEPS = {"etdrk4": 32, "etdrk4-cox-matthews": 32, "etdrk2": 64, "imex4": 32, "dopri5": 64}


@pytest.mark.parametrize("method", STEPPERS)
@pytest.mark.parametrize("case", [real_case, imaginary_case, mixed_case])
def test_every_method_has_its_order_on_every_kind_of_spectrum(case, method):
    equation, u0, grid, horizon, reference = case()
    steps = [STEPS[method] * 2**k for k in range(3)]
    slope, errors = slopes(equation, u0, grid, horizon, steps, reference, method)
    # The explicit method reaches round-off soon after it is stable.
    resolved = slope[errors[1:] > 5e-12]
    assert abs(resolved[-1] - STEPPERS[method].order) < 0.25, (slope, errors)
