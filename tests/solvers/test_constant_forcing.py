"""Terms that depend on x alone are transformed once; functions of x that do not fit the torus are refused."""

import math

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, solve
from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.system import SpectralSystem

LINE = Grid(32, length=2 * math.pi)
BOX = Grid(16, 24, length=1.0)
NOW = torch.zeros((), dtype=torch.float64)


def transforms(system: SpectralSystem, monkeypatch: pytest.MonkeyPatch) -> int:
    v = torch.zeros(2, len(system.equation.fields), *system.symbol.shape[2:], dtype=torch.complex128)
    made = []
    with monkeypatch.context() as patch:
        for name in ("rfft", "irfft", "fft", "ifft", "rfftn"):
            original = getattr(torch.fft, name)
            patch.setattr(torch.fft, name, lambda *a, _f=original, **k: (made.append(1), _f(*a, **k))[1])
        system.nonlinear(v, NOW)
    return len(made)


@pytest.mark.parametrize(
    ("text", "constant", "made"),
    [
        ("u_t = u_xx + sin(x) + 3", "sin(x) + 3", 0),
        ("u_t = -u*u_x + a*cos(2*x)", "a*cos(2*x)", 2),
        ("u_t = -u*(u_x + sin(x)) + a*sin(x)**2", "a*sin(x)**2", 3),
        ("u_t = t*sin(x) + cos(x)", "cos(x)", 1),
        ("u_t = u_xx + u*sin(x) + a", "a", 2),
    ],
)
@pytest.mark.parametrize("padded", [False, True])
def test_what_depends_on_x_alone_is_transformed_once(text, constant, made, padded, monkeypatch):
    values = {"a": torch.tensor([0.5, 2.0], dtype=torch.float64)} if "a" in constant.replace("cos", "") else {}
    system = SpectralSystem(Equation(text, **values), LINE, padded)
    assert str(compile_equation(system.equation, 1).constants[0]) in (constant, " + ".join(constant.split(" + ")[::-1]))
    assert transforms(system, monkeypatch) == made
    (x,) = LINE.coordinates()
    u = torch.exp(torch.sin(x)).expand(2, 1, -1)
    a = next(iter(values.values()), torch.ones(2, dtype=torch.float64)).reshape(2, 1, 1)
    names = {"u": u, "x": x, "a": a, "t": 0.6, "sin": torch.sin, "cos": torch.cos}
    names |= {"u_x": torch.cos(x) * u, "u_xx": (torch.cos(x) ** 2 - torch.sin(x)) * u}
    expected = eval(text.partition("=")[2], names).expand(2, 1, 32)
    t = torch.tensor(0.6, dtype=torch.float64)
    torch.testing.assert_close(system.to_field(system.rhs(system.to_spectrum(u), t)), expected, rtol=1e-11, atol=1e-11)
    one = system.select(torch.tensor([1]))
    torch.testing.assert_close(one.rhs(system.to_spectrum(u[1:]), t), system.rhs(system.to_spectrum(u), t)[1:])


def test_a_benchmark_force_costs_no_transform(monkeypatch):
    flow, force = "w_t = psi_x*w_y - psi_y*w_x + 0.001*lap(w)", "0.1*(sin(2*pi*(x + y)) + cos(2*pi*(x + y)))"
    free = SpectralSystem(Equation(flow, where="lap(psi) = -w"), BOX, padded=True)
    forced = SpectralSystem(Equation(f"{flow} + {force}", where="lap(psi) = -w"), BOX, padded=True)
    assert transforms(forced, monkeypatch) == transforms(free, monkeypatch)
    x, y = torch.meshgrid(*BOX.coordinates(), indexing="ij")
    zero = torch.zeros(1, 1, *BOX.points, dtype=torch.float64)
    expected = 0.1 * (torch.sin(2 * math.pi * (x + y)) + torch.cos(2 * math.pi * (x + y)))
    result = forced.to_field(forced.rhs(forced.to_spectrum(zero), NOW))[0, 0]
    torch.testing.assert_close(result, expected, rtol=1e-13, atol=1e-13)


def test_the_linearisation_does_not_see_it():
    system = SpectralSystem(Equation("u_t = -u*u_x + sin(x)"), LINE)
    _, slope = system.linearised(torch.zeros(1, 1, 17, dtype=torch.complex128), NOW)
    assert float(slope(torch.ones(1, 1, 1, 17, dtype=torch.complex128)).abs().max()) == 0.0


def test_a_steady_force_is_integrated_exactly():
    """u_t = −u + sin x from 0: u = (1 − e^{−t}) sin x, in one step."""
    (x,) = LINE.coordinates()
    u = solve(Equation("u_t = -u + sin(x)"), torch.zeros(1, 1, 32, dtype=torch.float64), LINE, [2.0], dt=2.0).u[0, 0, 0]
    torch.testing.assert_close(u, (1 - math.exp(-2)) * torch.sin(x), rtol=1e-13, atol=1e-13)


def test_a_force_that_the_grid_does_not_resolve_is_seen():
    sharp = SpectralSystem(Equation("u_t = exp(-300*(1 - cos(x - 1)))"), LINE)
    smooth = SpectralSystem(Equation("u_t = exp(-3*(1 - cos(x - 1)))"), LINE)
    v = torch.zeros(1, 1, 17, dtype=torch.complex128)
    assert sharp.aliasing(v, NOW).item() > 1e-2
    assert smooth.aliasing(v, NOW).item() < 1e-10


REFUSED = [
    ("u_t = x*u_x", LINE),
    ("u_t = x", LINE),
    ("u_t = x*(2*pi - x)", LINE),
    ("u_t = sin(x/2)*u", LINE),
    ("u_t = u_xx + sin(1.001*x)", LINE),
    ("u_t = sin(k*x)", LINE),
    ("u_t = y*u_x", BOX),
    ("u_t = sin(2*pi*x)*cos(y)*u", BOX),
    ("u_t = exp(x)*u**2", LINE),
]
ACCEPTED = [
    ("u_t = sin(x)*u_x", LINE),
    ("u_t = exp(sin(3*x) + t)*u", LINE),
    ("u_t = exp(-30*(x - 3)**2)*u", LINE),
    ("u_t = sin(2*x/k)", LINE),
    ("u_t = sin(2*pi*(x - y))*u**2 + cos(4*pi*y)", BOX),
    ("u_t = u_xx/(2 + cos(x))", LINE),
    ("u_t = sin(x)**2*u/t", LINE),
]


@pytest.mark.parametrize(("text", "grid"), REFUSED)
def test_functions_that_do_not_repeat_are_refused(text, grid):
    values = {"k": torch.tensor([1.0, 2.0, 1.5], dtype=torch.float64)} if "k*" in text else {}
    axis = "y" if "(y)" in text or "y*" in text else "x"
    sentence = (
        rf"contains a function of {axis} that does not repeat with the period .* or solve on a FiniteDifferenceGrid"
    )
    with pytest.raises(ValueError, match=sentence):
        SpectralSystem(Equation(text, **values), grid)


@pytest.mark.parametrize(("text", "grid"), ACCEPTED)
def test_functions_that_repeat_are_not(text, grid):
    SpectralSystem(Equation(text, **({"k": torch.tensor([1.0, 2.0])} if "/k" in text else {})), grid)


def test_they_are_refused_wherever_a_solution_is_asked_for():
    equation, u = Equation("u_t = x*u_x"), torch.ones(1, 1, 32, dtype=torch.float64)
    with pytest.raises(ValueError, match="does not repeat"):
        solve(equation, u, LINE, [0.1])
    with pytest.raises(ValueError, match="does not repeat"):
        FlowMap(equation, LINE, (0.0, 0.1))(u)


def test_in_a_stretched_box_the_period_is_stretched_too():
    factor = torch.tensor([0.5, 2.0], dtype=torch.float64)
    with pytest.raises(ValueError, match="does not repeat"):
        SpectralSystem(Equation("u_t = sin(x)*u"), LINE, stretch=factor)
    SpectralSystem(Equation("u_t = sin(x/a)*u", a=factor), LINE, stretch=factor)
