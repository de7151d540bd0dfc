import math

import pytest
import sympy
import torch
from findiff import Diff

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, kdv, solve
from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.conservative import conservative_form, count_transforms, fewest_transforms
from pdesym.solvers.jets import JetSpace
from pdesym.solvers.system import SpectralSystem

GRID = Grid(96, length=2 * math.pi)
SPACE = JetSpace(("u",), 1)
U, U_X, U_XX, U_XXX = sympy.symbols("u u_x u_xx u_xxx", real=True)


@pytest.mark.parametrize(
    ("expression", "form", "transforms"),
    [
        (-U * U_X, {(1,): -(U**2) / 2}, 2),
        (U**2 * U_X, {(1,): U**3 / 3}, 2),
        (3 * U**2 * U_XX + 6 * U * U_X**2, {(2,): U**3}, 2),
        (sympy.cos(U) * U_X, {(1,): sympy.sin(U)}, 2),
        (U - U**3, {(0,): U - U**3}, 2),
        (U * U_XX, {(0,): U * U_XX}, 3),
    ],
)
def test_the_form_with_the_fewest_transforms(expression, form, transforms):
    found = fewest_transforms((expression,), SPACE)
    assert found == (form,)
    assert count_transforms(found, SPACE) == transforms


@pytest.mark.parametrize("expression", [U * U_X + U_X * U_XX, U * U_XXX + 2 * U_X * U_XX, U**3 * U_X + U_X**2, U_X * U])
def test_the_conservative_form_is_the_same_expression(expression):
    expanded = sympy.Integer(0)
    for (order,), flux in conservative_form(expression, SPACE).items():
        for _ in range(order):
            flux = SPACE.total_derivative(flux, 0)
        expanded += flux
    assert sympy.expand(expanded - expression) == 0


def test_a_product_of_another_field_with_a_derivative_stays_as_it_is():
    space = JetSpace(("u", "v"), 2)
    v, u_y = sympy.symbols("v u_y", real=True)
    assert conservative_form(v * u_y, space) == {(0, 0): v * u_y}


def test_kdv_takes_one_pair_of_transforms_an_evaluation(monkeypatch):
    calls = []
    for name in ("irfft", "rfft"):
        original = getattr(torch.fft, name)
        monkeypatch.setattr(torch.fft, name, lambda *a, _f=original, _n=name, **k: (calls.append(_n), _f(*a, **k))[1])
    system = SpectralSystem(kdv(), GRID)
    v = system.to_spectrum(RandomSinusoids().sample(GRID, [0], seed=0))
    calls.clear()
    system.nonlinear(v, torch.zeros(()))
    assert calls == ["irfft", "rfft"]


def test_the_linear_part_is_split_off_with_its_parameters():
    split = Equation("u_t = -u*u_x + nu*u_xx - 3*u + x*u_x", nu=0.1).split(1)
    assert split.linear == (({(2,): sympy.Symbol("nu", real=True), (0,): -3},),)
    assert split.remainder == (-U * U_X + sympy.Symbol("x", real=True) * U_X,)


def test_the_right_hand_side_agrees_with_finite_differences():
    (x,) = GRID.coordinates()
    u = torch.exp(torch.sin(x))
    equation = Equation("u_t = -2*u*u_x + nu*u_xx - u_xxx + sin(x)*cos(t)*u**2 + exp(-u)", nu=0.3)
    ours = FlowMap(equation, GRID, times=(0.0, 1.0)).rhs(u[None, None], t=0.7)[0, 0]
    errors = []
    for n in (96, 192):
        fine = Grid(n, length=2 * math.pi)
        y = fine.coordinates()[0].numpy()
        w = torch.exp(torch.sin(fine.coordinates()[0])).numpy()
        d = Diff(0, fine.spacing[0], periodic=True, acc=4)
        theirs = -2 * w * d(w) + 0.3 * (d**2)(w) - (d**3)(w)
        theirs += torch.sin(torch.from_numpy(y)).numpy() * math.cos(0.7) * w**2
        theirs += torch.exp(-torch.from_numpy(w)).numpy()
        errors.append(float((torch.from_numpy(theirs)[:: n // 96] - ours).abs().max()))
    assert errors[0] < 1e-2
    assert abs(math.log2(errors[0] / errors[1]) - 4) < 0.3


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("u_t = dx(u**2)", "u_t = 2*u*u_x"),
        ("u_t = lap(u**3 - u)", "u_t = 3*u**2*u_xx + 6*u*u_x**2 - u_xx"),
        ("u_t = u_xx/2 + 0.25", "u_t = 0.5*u_xx + 1/4"),
    ],
)
def test_texts_that_mean_the_same(short, long):
    first, second = (Equation(text).right_hand_sides(1)[0] for text in (short, long))
    assert sympy.expand(first - second) == 0


def test_parameters_for_each_sample_are_parameters_one_by_one():
    u0 = RandomSinusoids().sample(GRID, range(3), seed=0)
    nu = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    together = solve(Equation("u_t = -u*u_x + nu*u_xx", nu=nu), u0, GRID, [1.0], dt=0.01).u
    for i in range(3):
        alone = solve(Equation("u_t = -u*u_x + nu*u_xx", nu=float(nu[i])), u0[i : i + 1], GRID, [1.0], dt=0.01).u
        assert float((together[i] - alone[0]).abs().max()) < 1e-13


def test_two_fields_in_two_dimensions_against_the_text():
    grid = Grid(32, 32, length=2 * math.pi)
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    u, v = torch.sin(x) * torch.cos(y), torch.cos(x + y)
    equation = Equation("u_t = lap(u) - u*v**2", "v_t = 2*v_xy + u*u_y")
    rhs = FlowMap(Equation("u_t = lap(u) - u*v**2", "v_t = lap(v) + u*u_y"), grid, (0.0, 0.1)).rhs(
        torch.stack([u, v])[None]
    )[0]
    u_y = -torch.sin(x) * torch.sin(y)
    assert float((rhs[0] - (-2 * u - u * v**2)).abs().max()) < 1e-12
    assert float((rhs[1] - (-2 * v + u * u_y)).abs().max()) < 1e-12
    assert compile_equation(equation, 2).linear[1][1] == {(1, 1): 2}


def test_a_default_adds_nothing_to_the_equation():
    assert kdv().split(1).linear == (({(3,): -sympy.Symbol("b", real=True)},),)


@pytest.mark.parametrize("text", ["u_t = exp(-(1000*(t - 0.5))**2)", "u_t = exp(-1000*(1 - cos(x - 0.5))) + u_x"])
def test_exponentials_of_sums_stay_whole(text):
    """exp(a + b) written as exp(a)·exp(b) would be 0 times infinity here."""
    solution = solve(Equation(text), torch.ones(1, 1, 96, dtype=torch.float64), GRID, [0.1], rtol=1e-4)
    assert torch.isfinite(solution.u).all()
