"""The solver has the symmetries that an equation has, and none that it lacks."""

import itertools

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, burgers, kdv, ks, translate
from pdesym.solvers.steppers import STEPPERS
from tests.solvers.cases import cases, galilean, relative_error

every_case = cases()


def reflected(u, grid, signs):
    """u at −x, with a sign for each field."""
    axes = tuple(range(-grid.dims, 0))
    mirrored = u.flip(axes).roll((1,) * grid.dims, axes)
    return mirrored * torch.tensor(signs, dtype=u.dtype).reshape(-1, *(1,) * grid.dims)


def defect(flow, u0, before, after):
    """‖F(g u₀) − g F(u₀)‖ relative to ‖F(u₀)‖, the largest of the samples."""
    there = flow(u0)
    return relative_error(flow(before(u0)), after(there)).max().item()


def fixed(case, steps=40):
    return FlowMap(case.equation(), case.grid, (0.0, case.horizon), dt=case.horizon / steps)


@every_case
def test_translations(case):
    distance = torch.tensor([0.1234 * length for length in case.grid.length], dtype=torch.float64)

    def moved(u):
        return translate(u, case.grid, distance if case.grid.dims > 1 else float(distance))

    found = defect(fixed(case), case.initial(case.grid), moved, moved)
    assert found < 1e-10 if case.moves else found > 1e-3


@every_case
def test_reflections(case):
    flow, u0 = fixed(case), case.initial(case.grid)

    def found(signs):
        return defect(flow, u0, *(lambda u: reflected(u, case.grid, signs),) * 2)

    if case.reflects is not None:
        assert found(case.reflects) < 1e-10
    elif case.exact is None or case.grid.dims == 1:  # closed forms in the plane may be symmetric by themselves
        for signs in itertools.product((1, -1), repeat=u0.shape[1]):
            assert found(signs) > 1e-4, signs


@every_case
def test_moving_frames(case):
    flow, u0 = FlowMap(case.equation(), case.grid, (0.0, case.horizon), rtol=1e-8), case.initial(case.grid)
    boost = case.boost or galilean

    def at(t):
        return lambda u: boost(u, case.grid, t)

    if case.boost is not None:
        assert defect(flow, u0, at(0.0), at(case.horizon)) < 1e-6
        assert defect(flow, u0, at(0.0), at(0.9 * case.horizon)) > 1e-3
    elif u0.shape[1] >= case.grid.dims and "navier" not in case.name and "kolmogorov" not in case.name:
        loose = FlowMap(case.equation(), case.grid, (0.0, case.horizon), rtol=1e-4)
        assert defect(loose, u0, at(0.0), at(case.horizon)) > 1e-3


@pytest.mark.parametrize("method", STEPPERS)
@pytest.mark.parametrize(
    ("equation", "mirrors"), [(burgers(0.1), True), (kdv(), False), (ks(), True)], ids=["real", "imaginary", "mixed"]
)
def test_every_stepper_has_the_symmetries_of_the_equation(method, equation, mirrors):
    grid = Grid(32, length=32.0)
    u0 = RandomSinusoids(terms=4, amplitude=0.3, mean=0.2).sample(grid, range(2), seed=0)
    flow = FlowMap(equation, grid, (0.0, 1.0), dt=0.01, method=method)
    assert defect(flow, u0, *(lambda u: translate(u, grid, 1.234),) * 2) < 1e-11
    mirror = defect(flow, u0, *(lambda u: reflected(u, grid, (-1,)),) * 2)
    assert mirror < 1e-11 if mirrors else mirror > 1e-3
    found = defect(flow, u0, lambda u: galilean(u, grid, 0.0), lambda u: galilean(u, grid, 1.0))
    assert found < (1e-3 if method == "etdrk2" else 1e-6)
    assert defect(flow, u0, lambda u: u + 0.7, lambda u: u + 0.7) > 1e-3


@pytest.mark.parametrize("method", STEPPERS)
def test_a_text_of_the_user_has_its_symmetries_too(method):
    grid = Grid(32, length=16.0)
    u0 = RandomSinusoids(terms=4, amplitude=0.3).sample(grid, range(2), seed=0)
    equation = Equation("u_t = 0.1*u_xx + sin(u)*u_x**2 - u**3")
    flow = FlowMap(equation, grid, (0.0, 1.0), dt=0.02, method=method)
    assert defect(flow, u0, *(lambda u: reflected(u, grid, (1,)),) * 2) < 1e-12
    assert defect(flow, u0, *(lambda u: translate(u, grid, 1.234),) * 2) < 1e-10
    assert defect(flow, u0, *(lambda u: reflected(u, grid, (-1,)) + 0.1,) * 2) > 1e-3
