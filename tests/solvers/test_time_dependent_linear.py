"""Linear parts whose coefficients are functions of t: what becomes of them, and that steps with them are of order 4."""

import math

import pytest
import sympy
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from pdesym.solvers import Equation, FlowMap, Grid
from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.jets import TIME
from pdesym.solvers.system import SpectralSystem
from pdesym.solvers.wellposed import refuse_ill_posed

NKDV = "u_t = -exp(t/50)*(u*u_x + u_xxx)"
CKDV = "u_t = -u*u_x - u_xxx - u/(2*(t + 1))"
LINE = Grid(32, length=2 * math.pi)


def smooth(rows: int, fields: int, grid: Grid) -> Tensor:
    random = torch.Generator().manual_seed(0)
    phases = torch.rand(rows, fields, 3, *(1,) * grid.dims, dtype=torch.float64, generator=random) * 6
    axes = torch.meshgrid(
        *(2 * math.pi * x / n for x, n in zip(grid.coordinates(), grid.length, strict=True)), indexing="ij"
    )
    waves = torch.stack([torch.cos((k + 1) * axes[0] + k * axes[-1] + phases[:, :, k]) for k in range(3)], -1)
    return waves.sum(-1)


def test_what_is_linear_with_a_coefficient_of_time_is_named():
    split = Equation("u_t = -exp(t/50)*(u*u_x + u_xxx) - 2*u_xx + t*u + sin(x)*u_xx*t").split(1)
    assert split.linear == (({(2,): -2},),)
    assert split.explicit_linear == (({(3,): -sympy.exp(TIME / 50), (0,): TIME},),)
    u_xxx = sympy.Symbol("u_xxx", real=True)
    assert split.remainder[0].coeff(u_xxx) == -sympy.exp(TIME / 50), "it stays part of the remainder"
    assert compile_equation(Equation(NKDV), 1).products[0].terms[0].orders == (1,)
    assert Equation("u_t = -u_xxx - u/(2*(t + 1))").split(1).explicit_linear == (
        ({(0,): sympy.expand(-1 / (2 * TIME + 2))},),
    )


@pytest.mark.parametrize(("text", "flag"), [(NKDV, True), (CKDV, False), ("u_t = t*u_xx", True), ("u_t = t*u", False)])
def test_only_derivatives_ask_to_be_frozen(text, flag):
    system = SpectralSystem(Equation(text), LINE)
    assert system.explicit_linear is flag
    assert system.explicit_time
    constant = SpectralSystem(Equation("u_t = u_xx - u*u_x"), LINE)
    assert not constant.explicit_linear
    assert constant.frozen_at(torch.zeros(3, dtype=torch.float64)) is constant


@pytest.mark.parametrize(
    ("texts", "parameters", "grid"),
    [
        ((NKDV,), {}, LINE),
        ((CKDV,), {}, LINE),
        (("u_t = a*cos(b*t)*u_xxx + (1 + t)*u_xx - u**3",), {"a": 2.0, "b": torch.tensor([1.0, 2.0])}, LINE),
        (("u_t = v + exp(-t)*v_xx", "v_t = (2 + sin(t))*u_xx + t*u"), {}, LINE),
        (("u_t = (1 + t)*lap(u) - u*u_x - t*u_y",), {}, Grid(12, 16, length=3.0)),
    ],
)
@pytest.mark.parametrize("stretch", [None, torch.tensor([0.8, 1.3], dtype=torch.float64)])
def test_a_frozen_system_is_the_same_equation(texts, parameters, grid, stretch):
    system = SpectralSystem(Equation(*texts, **parameters), grid, stretch=stretch)
    v = system.to_spectrum(smooth(2, len(texts), grid))
    w = system.to_spectrum(smooth(6, len(texts), grid)).unflatten(0, (2, 3))
    times = torch.tensor([0.3, 0.9], dtype=torch.float64)
    frozen = system.frozen_at(torch.tensor([0.2, 1.1], dtype=torch.float64))
    again = frozen.frozen_at(times)
    expected = system.rhs(v, times)
    _, slope = system.linearised(v, times)
    whole = system.apply(system.symbol, w) + slope(w)
    assert not torch.allclose(frozen.symbol, system.symbol)
    for other in (frozen, again):
        torch.testing.assert_close(other.rhs(v, times), expected, rtol=1e-11, atol=1e-11)
        value, slope = other.linearised(v, times)
        torch.testing.assert_close(other.apply(other.symbol, v) + value, expected, rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(other.apply(other.symbol, w) + slope(w), whole, rtol=1e-11, atol=1e-11)
        for row in range(2):
            part = other.select(torch.tensor([row]))
            torch.testing.assert_close(part.rhs(v[[row]], times[[row]]), expected[[row]], rtol=1e-11, atol=1e-11)
    only = SpectralSystem(Equation("u_t = t*u_xx"), LINE).frozen_at(times)
    v = only.to_spectrum(smooth(2, 1, LINE))
    assert float(only.nonlinear(v, times).abs().max()) == 0.0
    assert float(only.nonlinear(v, times + 0.1).abs().max()) > 0.01


def test_the_right_hand_side_by_hand():
    (x,) = LINE.coordinates()
    rhs = FlowMap(Equation(NKDV), LINE, (0.0, 1.0)).rhs(torch.sin(x).reshape(1, 1, -1), t=10.0)[0, 0]
    expected = -math.exp(0.2) * (torch.sin(x) * torch.cos(x) - torch.cos(x))
    torch.testing.assert_close(rhs, expected, rtol=1e-12, atol=1e-12)


def linear_exactly(u0: Tensor, start: float, end: float) -> Tensor:
    """u_t = (1 + t/2) u_xxx + exp(−t) u_xx, mode by mode: û(t) = û(0) exp(−ik³ ∫a − k² ∫b)."""
    k = torch.fft.rfftfreq(u0.shape[-1], 1 / u0.shape[-1], dtype=torch.float64)
    a = (end - start) + (end**2 - start**2) / 4
    b = math.exp(-start) - math.exp(-end)
    return torch.fft.irfft(torch.fft.rfft(u0) * torch.exp(-1j * k**3 * a - k**2 * b), n=u0.shape[-1])


def pseudo_spectrally(u0: Tensor, end: float, right_hand_side) -> Tensor:
    """DOP853 at 1e-12 on a right-hand side in physical space, written here by hand."""
    n = u0.shape[-1]
    k = torch.fft.rfftfreq(n, 1 / n, dtype=torch.float64)
    k[-1] = 0.0

    def derivative(u: Tensor, order: int) -> Tensor:
        return torch.fft.irfft((1j * k) ** order * torch.fft.rfft(u), n=n)

    def rhs(t, u):
        u = torch.from_numpy(u)
        return right_hand_side(t, u, lambda order: derivative(u, order)).numpy()

    rows = [solve_ivp(rhs, (0, end), row[0].numpy(), method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1] for row in u0]
    return torch.stack([torch.from_numpy(row) for row in rows]).unsqueeze(1)


def etdrk4(system: SpectralSystem, u0: Tensor, end: float, steps: int) -> Tensor:
    """Cox and Matthews' scheme by a dense contour mean, each step from a system frozen at its beginning."""
    h = end / steps
    v = system.to_spectrum(u0)
    circle = 3 * torch.exp(2j * math.pi * (torch.arange(64, dtype=torch.float64) + 0.5) / 64)
    for j in range(steps):
        now = torch.full((len(u0),), j * h, dtype=torch.float64)
        frozen = system.frozen_at(now)
        z = h * frozen.symbol
        around = z.unsqueeze(-1) + circle
        whole, half = torch.exp(z), torch.exp(z / 2)
        q = (torch.expm1(around / 2) / around).mean(-1)
        f1 = ((-4 - around + torch.exp(around) * (4 - 3 * around + around**2)) / around**3).mean(-1)
        f2 = ((2 + around + torch.exp(around) * (around - 2)) / around**3).mean(-1)
        f3 = ((-4 - 3 * around - around**2 + torch.exp(around) * (4 - around)) / around**3).mean(-1)
        n0 = frozen.nonlinear(v, now)
        a = half * v + h * q * n0
        na = frozen.nonlinear(a, now + h / 2)
        b = half * v + h * q * na
        nb = frozen.nonlinear(b, now + h / 2)
        c = half * a + h * q * (2 * nb - n0)
        nc = frozen.nonlinear(c, now + h)
        v = whole * v + h * (f1 * n0 + 2 * f2 * (na + nb) + f3 * nc)
    return system.to_field(v)


FINE = Grid(64, length=2 * math.pi)


def linear_case():
    u0 = 0.25 * smooth(2, 1, FINE)
    equation = Equation("u_t = (1 + t/2)*u_xxx + exp(-t)*u_xx")
    return equation, u0, 1.0, (50, 100, 200, 400), linear_exactly(u0, 0.0, 1.0)


def nkdv_case():
    u0 = 0.25 * smooth(1, 1, FINE)
    reference = pseudo_spectrally(u0, 0.1, lambda t, u, d: -math.exp(t / 50) * (u * d(1) + d(3)))
    return Equation(NKDV), u0, 0.1, (10, 20, 40, 80, 160), reference


def ckdv_case():
    u0 = 0.25 * smooth(1, 1, FINE)
    reference = pseudo_spectrally(u0, 0.1, lambda t, u, d: -u * d(1) - d(3) - u / (2 * (t + 1)))
    return Equation(CKDV), u0, 0.1, (10, 20, 40, 80, 160), reference


@pytest.mark.parametrize("case", [linear_case, nkdv_case, ckdv_case])
def test_steps_with_a_frozen_linear_part_are_of_fourth_order(case):
    equation, u0, end, steps, exact = case()
    system = SpectralSystem(equation, FINE)
    errors = [float((etdrk4(system, u0, end, n) - exact).norm() / exact.norm()) for n in steps]
    x, y = torch.tensor([steps, errors], dtype=torch.float64).log()
    slope = -float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    assert abs(slope - 4) < 0.2, (slope, errors)


@pytest.mark.parametrize(
    ("text", "span", "accepted"),
    [
        ("u_t = (1 - t)*u_xx", (0.0, 1.0), True),
        ("u_t = (1 - t)*u_xx", (0.0, 2.0), False),
        ("u_t = t*u_xx", (0.0, 5.0), True),
        ("u_t = t*u_xx", (-1.0, 5.0), False),
        ("u_t = cos(t)*u_xxx + u_xx", (0.0, 9.0), True),
        ("u_t = cos(t)*u_xx + 1.1*u_xx", (0.0, 9.0), True),
        ("u_t = cos(t)*u_xx + 0.9*u_xx", (0.0, 9.0), False),
        ("u_t = -t*u_xx - 1e-6*u_xxxx", (0.0, 9.0), True),
        (NKDV, (0.0, 100.0), True),
        (CKDV, (0.0, 100.0), True),
    ],
)
def test_well_posedness_is_judged_at_many_times(text, span, accepted):
    if accepted:
        refuse_ill_posed(Equation(text), 1, span)
    else:
        with pytest.raises(ValueError, match=r"ill-posed forward in time: .* at t = "):
            refuse_ill_posed(Equation(text), 1, span)
