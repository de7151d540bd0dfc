"""Shock capturing: exact solutions with jumps, orders, conservation, boundaries, and what the stated error is worth.

Every claim about shocks is checked to fail for a scheme that should fail: central differences oscillate, and the upwind
scheme without entropy fix keeps a jump that should fan out.
"""

import math
import warnings

import numpy as np
import pytest
import sympy
import torch

from pdesym.solvers import AccuracyWarning, BlowUpError, Equation, Grid, burgers
from pdesym.solvers import solve as solve_periodic
from pdesym.solvers.finite_differences import Dirichlet, FiniteDifferenceGrid, Neumann, Normal, Outflow, Robin
from pdesym.solvers.finite_differences.shock_capturing_form import conservation_law
from pdesym.solvers.finite_differences.shock_capturing_system import ShockCapturingSystem, _eigenvectors
from pdesym.solvers.finite_differences.shock_capturing_transfer import transferred
from pdesym.solvers.finite_differences.solve import solve_finite_differences

BURGERS = Equation("u_t = -u*u_x")
WATER = ("h_t = -dx(q)", "q_t = -dx(q**2/h + g*h**2/2)")
WATER_2D = (
    "h_t = -dx(p) - dy(q)",
    "p_t = -dx(p**2/h + g*h**2/2) - dy(p*q/h)",
    "q_t = -dx(p*q/h) - dy(q**2/h + g*h**2/2)",
)
WALLS = {"h": Neumann(0), "q": Dirichlet(0)}
GAS = (
    "r_t = -dx(m)",
    "m_t = -dx(m**2/r + (G - 1)*(E - m**2/(2*r)))",
    "E_t = -dx(m/r*(E + (G - 1)*(E - m**2/(2*r))))",
)
# Largest growth of the total variation, as a share of the jump, that the scheme is said to make.
MOST_GROWTH = 0.005


def line(points, length=1.0, boundary=Outflow):
    grid = FiniteDifferenceGrid(points, length=length, boundary=boundary, scheme="weno")
    return grid, grid.coordinates()[0]


def solve(equation, u0, grid, times, rtol=1e-6, dt=None, method=None):
    return solve_finite_differences(equation, u0, grid, tuple(times), rtol, dt, method=method)


def at(equation, u0, grid, times, dt=1.0, **options):
    """Solutions at the largest stable steps, without estimates."""
    return solve(equation, u0, grid, times, dt=dt, **options).u


def variation(u):
    return u.diff(dim=-1).abs().sum(-1)


def steps_of_three(slope, u, horizon, count):
    """The time stepping of the solver around another spatial scheme."""
    h = horizon / count
    for _ in range(count):
        first = u + h * slope(u)
        second = 0.75 * u + 0.25 * (first + h * slope(first))
        u = u / 3 + (2 / 3) * (second + h * slope(second))
    return u


def burgers_sine(x, t, mean=0.0):
    """Entropy solution from mean + sin(x), by bisection for the foot of the characteristic; shock at π + mean t."""
    x = (x - mean * t) % (2 * math.pi)
    place = torch.minimum(x, 2 * math.pi - x)
    low, high = torch.zeros_like(place), torch.full_like(place, math.acos(-1 / t) if t > 1 else math.pi)
    for _ in range(60):
        middle = (low + high) / 2
        beyond = middle + t * torch.sin(middle) > place
        low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
    u = torch.sin((low + high) / 2)
    return mean + torch.where(x <= math.pi, u, -u)


def stoker(x, t, left, right, g, dam):
    """Depth and flow after a dam breaks (Stoker, Water Waves, 1957, section 10.8), the middle state by bisection."""
    fast = math.sqrt(g * left)

    def excess(h):
        return 2 * (fast - math.sqrt(g * h)) - (h - right) * math.sqrt(0.5 * g * (1 / h + 1 / right))

    low, high = right, left
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    u = 2 * (fast - math.sqrt(g * low))
    shock = low * u / (low - right)
    xi = (x - dam) / t
    fan_depth, fan_speed = (2 * fast - xi) ** 2 / (9 * g), 2 / 3 * (xi + fast)
    inside = xi < u - math.sqrt(g * low)
    h = torch.where(xi < -fast, left, torch.where(inside, fan_depth, torch.where(xi < shock, low, right)))
    speed = torch.where(xi < -fast, 0.0, torch.where(inside, fan_speed, torch.where(xi < shock, u, 0.0)))
    return torch.stack((h, h * speed)), shock


def test_fluxes_and_wave_speeds_are_found_in_the_text():
    u, h, q, g, x = sympy.symbols("u h q g x", real=True)
    for text, flux, speed in (
        ("u_t = -u**2*u_x", u**3 / 3, u**2),
        ("u_t = -dx(sin(x)*u) + u_xx", u * sympy.sin(x), sympy.sin(x)),
        ("u_t = -sin(u)*u_x + dx(u**2*u_x)", -sympy.cos(u), sympy.sin(u)),
        ("u_t = -t*u_x - u**3", u * sympy.Symbol("t", real=True), sympy.Symbol("t", real=True)),
    ):
        law = conservation_law(Equation(text), 1)
        assert law.fluxes == ((flux,),)
        assert law.eigenvalues == ((speed,),)
    water = conservation_law(Equation(*WATER, g=9.81), 1)
    assert water.fluxes[0] == (q, q**2 / h + g * h**2 / 2)
    assert set(water.eigenvalues[0]) == {q / h - sympy.sqrt(g * h), q / h + sympy.sqrt(g * h)}
    assert [len(row) for row in conservation_law(Equation(*WATER_2D, g=9.81), 2).eigenvalues] == [3, 3]
    # dx(u**2*u_x) is kept under two derivatives.
    assert conservation_law(Equation("u_t = -u_x + dx(u**2*u_x)"), 1).terms == ((0, (2,), u**3 / 3),)


@pytest.mark.parametrize(
    "texts",
    [
        ("u_t = -sin(x)*u_x",),
        ("u_t = -v*u_x", "v_t = -v*v_x"),
        ("u_t = u_x**2",),
        ("u_t = -u_x*u_y",),
        ("u_t = -u*u_x - v*u_y", "v_t = -u*v_x - v*v_y"),
    ],
)
def test_what_has_no_conservative_form_is_refused(texts):
    with pytest.raises(ValueError, match="not the derivative of a flux"):
        conservation_law(Equation(*texts), 2)


def test_laws_without_flux_and_with_auxiliary_fields_are_refused():
    with pytest.raises(ValueError, match="no first-order term: use the scheme 'central'"):
        conservation_law(Equation("u_t = u_xx"), 1)
    with pytest.raises(ValueError, match="defines 'p' by a relation"):
        conservation_law(Equation("u_t = -u*u_x - p", where="p_xx = u"), 1)


def test_eigenvectors_diagonalise_the_jacobian_of_a_gas():
    system = ShockCapturingSystem.of(Equation(*GAS, G=1.4), line(16)[0])
    u = torch.rand(5, 3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5
    u[:, 2] += 1.0
    others = [torch.zeros(1).double(), torch.zeros(5, 1).double(), *system.parameters]
    matrices, eigenvalues = system._jacobian(0, u, others), system._speeds(0, u, others)
    left, right = _eigenvectors(matrices, eigenvalues)
    diagonal = torch.einsum("rpak,rabk,rbqk->rpqk", left, matrices, right)
    assert torch.allclose(diagonal, torch.diag_embed(eigenvalues.mT).permute(0, 2, 3, 1), atol=1e-12)
    identity = torch.einsum("rpak,raqk->rpqk", left, right) - torch.eye(3).double()[None, :, :, None]
    assert identity.abs().max() < 1e-13
    # Where eigenvalues meet there is no basis: the fields themselves.
    assert torch.equal(_eigenvectors(matrices, eigenvalues * 0)[0][0, :, :, 0], torch.eye(3).double())


def derivative_slopes(u0, exact):
    """Orders at which −∂ₓ(u²/2 + 2u) converges in the mean and in the maximum."""
    errors = []
    for points in (96, 192, 384, 768):
        grid, x = line(points, 2 * math.pi, "periodic")
        system = ShockCapturingSystem.of(Equation("u_t = -u*u_x - 2*u_x"), grid)
        slope, _ = system.slope(u0(x)[None, None], torch.zeros(1).double())
        error = (slope[0, 0] - exact(x)).abs()
        errors.append([float(error.mean()), float(error.max())])
    return -np.diff(np.log2(np.array(errors)), axis=0)


def test_fifth_order_at_extrema_too():
    def wave(x):
        return torch.sin(x - torch.sin(x) / 2)

    def change(x):
        return -(wave(x) + 2) * torch.cos(x - torch.sin(x) / 2) * (1 - torch.cos(x) / 2)

    slopes = derivative_slopes(wave, change)
    assert (abs(slopes[1:, 0] - 5) < 0.3).all()
    assert (slopes[:, 1] > 4.7).all()

    def kink(x):
        return torch.sin(x).abs()

    broken = derivative_slopes(kink, lambda x: -(kink(x) + 2) * torch.cos(x) * torch.sign(torch.sin(x)))
    assert (broken[:, 1] < 0.5).all()


def test_third_order_in_time():
    grid, x = line(64, 2 * math.pi, "periodic")
    u0 = (2 + torch.sin(x))[None, None]
    dts = [0.01 / 2**k for k in range(4)]
    exact = at(BURGERS, u0, grid, [0.05], dt=0.01 / 64)
    errors = np.array([float((at(BURGERS, u0, grid, [0.05], dt=dt) - exact).norm()) for dt in dts])
    assert (abs(np.log2(errors[:-1] / errors[1:]) - 3) < 0.2).all()


def riemann(left, right, middle=0.5):
    return lambda x: torch.where(x < middle, left, right).double()[None, None]


def test_burgers_shock_moves_with_its_speed_and_does_not_oscillate():
    errors = []
    for points in (50, 100, 200):
        grid, x = line(points)
        u = at(BURGERS, riemann(1.0, 0.2, 0.3)(x), grid, [0.5])[0, 0, 0]
        exact = riemann(1.0, 0.2, 0.3 + 0.6 * 0.5)(x)[0, 0]
        errors.append(float((u - exact).abs().mean()))
        assert abs(float(u.sum() - exact.sum())) < 1e-6  # in cells: the place of the shock
        assert float(variation(u)) <= 0.8 * (1 + MOST_GROWTH)
    assert abs(np.polyfit(np.log([50, 100, 200]), np.log(errors), 1)[0] + 1) < 0.2


def test_burgers_rarefaction_fans_out():
    errors = []
    for points in (50, 100, 200):
        grid, x = line(points)
        u = at(BURGERS, riemann(-1.0, 1.0)(x), grid, [0.3])[0, 0, 0]
        errors.append(float((u - ((x - 0.5) / 0.3).clamp(-1, 1)).abs().mean()))
        assert float(variation(u)) <= 2 * (1 + MOST_GROWTH)
    assert errors[-1] < 4e-3
    assert abs(np.polyfit(np.log([50, 100, 200]), np.log(errors), 1)[0] + 1) < 0.2


def test_other_schemes_do_oscillate_and_do_violate_entropy():
    grid, x = line(100, boundary="periodic")
    (h,) = grid.spacing
    smooth = (1 + 0.5 * torch.sin(2 * math.pi * x))[None, None]  # shock at t = 1/π

    def central(u):
        flux = u.square() / 2
        return -(flux.roll(-1, -1) - flux.roll(1, -1)) / (2 * h)

    def upwind(u):
        """Roe's flux: by the sign of the mean speed, without entropy fix."""
        right, flux = u.roll(-1, -1), u.square() / 2
        face = (flux + flux.roll(-1, -1)) / 2 - (u + right).abs() / 4 * (right - u)
        return -(face - face.roll(1, -1)) / h

    assert float(variation(steps_of_three(central, smooth, 0.4, 400))) > 1.5 * float(variation(smooth))
    assert float(variation(at(BURGERS, smooth, grid, [0.4])[0, 0, 0])) < 2 * (1 + MOST_GROWTH)
    jumps = torch.where((x > 0.25) & (x < 0.75), 1.0, -1.0).double()[None, None]
    fan = ((x - 0.255) / 0.1).clamp(-1, 1)  # the jump is half way between two points
    near = (x - 0.25).abs() < 0.2
    assert float((steps_of_three(upwind, jumps, 0.1, 100)[0, 0] - fan)[near].abs().mean()) > 0.2
    assert float((at(BURGERS, jumps, grid, [0.1])[0, 0, 0] - fan)[near].abs().mean()) < 0.02


def test_burgers_from_a_sine_past_its_shock():
    errors = []
    means = torch.linspace(0.1, 0.9, 6, dtype=torch.float64)[:, None]  # shocks at many places between the points
    for points in (50, 100, 200):
        grid, x = line(points, 2 * math.pi, "periodic")
        u = at(BURGERS, (means + torch.sin(x))[:, None], grid, [2.0])[:, 0, 0]
        exact = burgers_sine(x, 2.0, means)
        errors.append(float((u - exact).abs().mean()))
        away = ((x - math.pi - 2.0 * means + math.pi) % (2 * math.pi) - math.pi).abs() > 1.0
        assert float((u - exact)[away].abs().max()) < 50 * points**-3.0
    assert abs(np.polyfit(np.log([50, 100, 200]), np.log(errors), 1)[0] + 1) < 0.25


def test_a_jump_carried_along():
    equation = Equation("u_t = -a*u_x", a=torch.tensor([1.0, -0.5]).double())
    errors = []
    for points in (50, 100, 200):
        grid, x = line(points, boundary="periodic")
        box = lambda x: ((x % 1 > 0.25) & (x % 1 < 0.55)).double()  # noqa: E731
        u = at(equation, box(x).expand(2, 1, -1), grid, [0.4])[:, 0, 0]
        errors.append(float((u - torch.stack((box(x - 0.4), box(x + 0.2)))).abs().mean()))
        assert float(variation(u).max()) < 2 * (1 + MOST_GROWTH)
    # A contact has nothing that steepens it: order 5/6 for a scheme of order 5.
    assert abs(np.polyfit(np.log([50, 100, 200]), np.log(errors), 1)[0] + 5 / 6) < 0.1


def test_dam_break():
    errors = []
    for points in (50, 100, 200):
        grid, x = line(points, 2.0, WALLS)
        depth = riemann(1.0, 0.25, 1.0)(x)
        u = at(Equation(*WATER, g=1.0), torch.cat((depth, 0 * depth), 1), grid, [0.4])[0, 0]
        exact, shock = stoker(x, 0.4, 1.0, 0.25, 1.0, 1.0)
        errors.append(float((u - exact).abs().mean()))
        assert float(variation(u[0])) <= 0.75 * (1 + MOST_GROWTH)
        assert abs(float(u[0].sum() - depth.sum())) < 1e-11
        # The shock stands where the depth passes the mean of both sides.
        place = x[u[0] > (0.25 + float(exact[0][x < 1.0 + 0.4 * shock][-1])) / 2][-1]
        assert abs(float(place) - (1.0 + 0.4 * shock)) < 1.5 * grid.spacing[0]
    assert abs(np.polyfit(np.log([50, 100, 200]), np.log(errors), 1)[0] + 1) < 0.25


def test_sod_shock_tube():
    """Between fan and shock p = 0.30313, u = 0.92745, and ρ = 0.42632 or 0.26557 (Toro, Riemann Solvers, table 4.2)."""
    grid, x = line(100)
    left = x < 0.5
    density = torch.where(left, 1.0, 0.125).double()
    u0 = torch.stack((density, 0 * x, torch.where(left, 2.5, 0.25).double()))[None]
    r, m, energy = at(Equation(*GAS, G=1.4), u0, grid, [0.2])[0, 0]
    pressure, speed, xi = 0.4 * (energy - 0.5 * m**2 / r), m / r, (x - 0.5) / 0.2
    star = (xi > 0.1) & (xi < 1.55)
    assert float((pressure[star] - 0.30313).abs().max()) < 5e-4
    assert float((speed[star] - 0.92745).abs().max()) < 1e-3
    assert abs(float(r[(xi > 1.2) & (xi < 1.55)].mean()) - 0.26557) < 5e-4
    assert abs(float(r[(xi > 0.1) & (xi < 0.7)].mean()) - 0.42632) < 2e-3
    assert float(variation(r)) < 0.875 * (1 + MOST_GROWTH)


def test_a_wall_is_a_mirror():
    equation = Equation(*WATER, g=1.0)
    grid, x = line(40, 1.0, WALLS)
    depth = riemann(1.0, 0.3)(x)
    half = torch.cat((depth, 0.2 * depth), 1)
    whole = torch.cat((half, half.flip(-1) * torch.tensor([1.0, -1.0])[:, None]), -1)
    double, _ = line(80, 2.0, "periodic")
    walled, mirrored = at(equation, half, grid, [0.7]), at(equation, whole, double, [0.7])
    assert float((walled - mirrored[..., :40]).abs().max()) < 1e-12
    assert float((at(equation, half, line(40)[0], [0.7]) - mirrored[..., :40]).abs().max()) > 0.1  # an open end is not


@pytest.mark.parametrize(
    "equation",
    [BURGERS, Equation("u_t = -dx(u**2/2) + nu*u_xx + dx(u**2*u_x)/20 - u_xxx/20000", nu=0.01)],
    ids=["inviscid", "viscous"],
)
def test_the_integral_is_kept_to_round_off(equation):
    grid, x = line(50, boundary="periodic")
    u0 = torch.where(x < 0.5, 1.0, -0.3).double()[None, None] + 0.1 * torch.sin(4 * math.pi * x)
    u = at(equation, u0, grid, [0.1])
    assert abs(float(u.mean() - u0.mean())) < 1e-14


def test_viscous_solutions_converge_to_the_captured_one():
    length, points = 2 * math.pi, 256
    grid, x = line(points, length, "periodic")
    u0 = (0.3 + torch.sin(x))[None, None]
    captured = at(BURGERS, u0, grid, [2.0])[0, 0, 0]
    distances = []
    for nu in (0.08, 0.04, 0.02):
        viscous = solve_periodic(burgers(nu), u0, Grid(points, length=length), [2.0], rtol=1e-4).u[0, 0, 0]
        distances.append(float((viscous - captured).abs().mean()))
    # A front of width ν leaves O(ν) in L1, with a logarithm.
    assert (abs(np.diff(np.log2(distances)) + 1) < 0.35).all()


@pytest.mark.parametrize("order", [2, 4])
def test_viscous_terms_have_the_order_of_the_grid(order):
    equation, errors = Equation("u_t = -u*u_x + nu*u_xx", nu=0.3), []
    reference = solve_periodic(burgers(0.3), _sine(96), Grid(96, length=2 * math.pi), [0.3], rtol=1e-10).u[0, 0, 0]
    for points in (24, 48, 96):
        grid = FiniteDifferenceGrid(points, length=2 * math.pi, order=order, scheme="weno")
        u = at(equation, _sine(points), grid, [0.3], dt=0.005)[0, 0, 0]
        errors.append(float((u - reference[:: 96 // points]).norm()) / math.sqrt(points))
    # At order 4 what the fluxes contribute still falls faster.
    assert -np.diff(np.log2(errors))[-1] > order - 0.3
    assert errors[-1] < 20 * 0.3 * (2 * math.pi / 96) ** order
    assert order == 4 or errors[-1] > 1e-5


def _sine(points):
    return torch.sin(2 * math.pi * torch.arange(points, dtype=torch.float64) / points)[None, None]


def test_two_dimensions_along_the_diagonal():
    """u(x + y) under u_t + (u²/2)_x + (u²/2)_y = 0 is a solution of Burgers' equation at twice the speed."""
    equation, errors = Equation("u_t = -dx(u**2/2) - dy(u**2/2)"), []
    for points in (32, 64):
        grid = FiniteDifferenceGrid(points, points, length=2 * math.pi, scheme="weno")
        x, y = grid.coordinates()
        s = x[:, None] + y
        u = at(equation, (0.2 + torch.sin(s))[None, None], grid, [1.0])[0, 0, 0]
        errors.append(float((u - burgers_sine(s, 2.0, 0.2)).abs().mean()))
        assert abs(float(u.mean()) - 0.2) < 1e-14
    assert 0.6 < math.log2(errors[0] / errors[1]) < 1.6


def test_two_dimensional_water_along_either_axis():
    walls = {"h": Neumann(0), "p": Dirichlet(0), "q": Dirichlet(0)}
    grid = FiniteDifferenceGrid(30, 8, length=(1.0, 0.3), boundary=(walls, "periodic"), scheme="weno")
    depth = riemann(1.0, 0.3)(grid.coordinates()[0])[0, 0, :, None].expand(30, 8)
    u = at(Equation(*WATER_2D, g=1.0), torch.stack((depth, 0 * depth, 0 * depth))[None], grid, [0.2])[0, 0]
    turned = FiniteDifferenceGrid(8, 30, length=(0.3, 1.0), boundary=("periodic", walls), scheme="weno")
    v = at(Equation(*WATER_2D, g=1.0), torch.stack((depth.T, 0 * depth.T, 0 * depth.T))[None], turned, [0.2])[0, 0]
    assert float((u[0] - v[0].T).abs().max()) < 1e-13
    assert float((u[1] - v[2].T).abs().max()) < 1e-13
    assert float((u - u[..., :1]).abs().max()) < 1e-13
    one, _ = line(30, 1.0, WALLS)
    w = at(Equation(*WATER, g=1.0), torch.stack((depth[:, 0], 0 * depth[:, 0]))[None], one, [0.2])[0, 0]
    assert float((u[:2, :, 0] - w).abs().max()) < 3e-3  # steps differ by the waves across


def test_many_fields_take_a_numerical_spectral_radius():
    wave = ("a_t = -dx(b)", "b_t = -dx(4*a)")
    two = ("c_t = -dx(d)", "d_t = -dx(4*c)")
    grid, x = line(60, boundary="periodic")
    u0 = torch.stack((((x > 0.3) & (x < 0.6)).double(), 0 * x))[None]
    assert conservation_law(Equation(*wave, *two), 1).eigenvalues == (None,)
    pair = at(Equation(*wave), u0, grid, [0.2])
    four = at(Equation(*wave, *two), torch.cat((u0, u0), 1), grid, [0.2])
    assert torch.equal(four[:, :, :2], four[:, :, 2:])
    exact = 0.5 * (((x - 0.4) % 1 > 0.3) & ((x - 0.4) % 1 < 0.6)).double()
    exact = exact + 0.5 * (((x + 0.4) % 1 > 0.3) & ((x + 0.4) % 1 < 0.6)).double()
    for u in (pair[0, 0, 0], four[0, 0, 0]):
        assert float((u - exact).abs().mean()) < 0.05


def test_what_leaves_is_gone():
    grid, x = line(60)
    u = at(BURGERS, riemann(1.0, 0.2)(x), grid, [2.0])
    assert float((u - 1.0).abs().max()) < 1e-6
    walled, _ = line(60, boundary=Dirichlet(0))
    assert float((at(BURGERS, riemann(1.0, 0.2)(x), walled, [2.0]) - 1.0).abs().max()) > 0.5


def test_what_enters_has_third_order_and_a_jump_does_not_overshoot():
    errors = []
    for points in (40, 80, 160):
        grid, x = line(points, boundary=(Dirichlet("sin(6*t)"), Outflow))
        u = at(Equation("u_t = -u_x"), (0 * x)[None, None], grid, [1.1])[0, 0, 0]
        errors.append(float((u - torch.sin(6 * (1.1 - x)))[:-3].abs().mean()))
    assert (np.diff(np.log2(errors)) < -2.7).all()
    grid, x = line(50, boundary=(Dirichlet(1.0), Outflow))
    u = at(BURGERS, (0 * x)[None, None], grid, [1.0])[0, 0, 0]
    assert float(u.max()) < 1 + MOST_GROWTH
    assert abs(float(u.mean()) - 0.5) < 0.02  # the shock enters with speed 1/2


@pytest.mark.parametrize(("left", "slope", "value"), [(Neumann(-2.0), 2.0, 5.0), (Robin(3.0, 1.0, 13.0), 2.0, 5.0)])
def test_ghosts_continue_a_straight_line(left, slope, value):
    # ∂u/∂n = −u' at the left: −2 = −slope, 3·5 − 2 = 13.
    grid, x = line(16, boundary=(left, Outflow))
    system = ShockCapturingSystem.of(Equation("u_t = -u_x"), grid)
    u = system.ghosts((value + slope * x)[None, None], torch.zeros(1).double(), system.coordinates)
    assert torch.allclose(u[0, 0, :3], value + slope * system.coordinates[0][:3], atol=1e-13)


def test_conditions_that_no_ghost_cell_can_meet_are_refused():
    u0 = torch.ones(1, 1, 32).double()
    for condition in (Normal(2), Dirichlet(0) & Neumann(0)):
        with pytest.raises(ValueError, match="takes one of Dirichlet, Neumann, Robin and Outflow"):
            solve(BURGERS, u0, line(32, boundary=condition)[0], [0.1], rtol=0.1)
    with pytest.raises(ValueError, match="needs at least 6 points"):
        solve(BURGERS, u0[..., :5], line(5)[0], [0.1], rtol=0.1)
    with pytest.raises(ValueError, match="is stepped by 'ssprk3', got method = 'dopri5'"):
        solve(BURGERS, u0, line(32)[0], [0.1], rtol=0.1, method="dopri5")


def test_the_stated_error_holds_with_shocks_anywhere_between_the_points():
    means = torch.linspace(-1, 1, 24, dtype=torch.float64)[:, None]
    for points in (50, 64):
        grid, x = line(points, 2 * math.pi, "periodic")
        times = [0.5, 1.3, 2.0]
        with pytest.warns(AccuracyWarning, match=r"stays above rtol = 0.001 .* it would take about"):
            result = solve(BURGERS, (means + torch.sin(x))[:, None], grid, times, rtol=1e-3)
        exact = torch.stack([burgers_sine(x, t, means) for t in times], 1)[:, :, None]
        error = (result.u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)
        assert float((result.error / error).min()) > 1
        assert float((result.error / error).median()) < 4
        assert (result.horizon < 2.0).all()


def test_smooth_samples_reach_the_tolerance_on_finer_grids():
    grid, x = line(48, 2 * math.pi, "periodic")
    u0 = torch.stack((0.5 + 0.2 * torch.sin(x), 0.5 + torch.sin(x)))[:, None]
    result = solve(BURGERS, u0, grid, [0.5], rtol=1e-4)
    exact = burgers_sine(x, 0.5, 0.5)
    assert float((result.u[1, 0, 0] - exact).norm() / exact.norm()) < 1e-4
    assert (result.error < 1e-4).all()
    assert result.points_used[0] < result.points_used[1]


def test_fields_go_to_other_grids_without_overshoot():
    for boundary in ("periodic", Outflow):
        errors = []
        for points in (24, 48, 96):
            grid, x = line(points, 2 * math.pi, boundary)
            coarse, y = line(points * 2 // 3, 2 * math.pi, boundary)
            errors.append(float((transferred(torch.sin(x), grid, coarse.points) - torch.sin(y)).abs().max()))
        assert (np.diff(np.log2(errors)) < -5.5).all()
        step = (x > 3.0).double()
        moved = transferred(step, grid, (61,))
        assert moved.min() >= 0
        assert moved.max() <= 1


def test_a_sample_does_not_depend_on_the_others():
    grid, x = line(32, boundary=WALLS)
    depth = torch.stack([riemann(1.0, 0.2)(x)[0, 0], 1 + 0.1 * torch.sin(7 * x), riemann(0.1, 2.0)(x)[0, 0]])
    u0 = torch.stack((depth, 0 * depth), 1)
    equation = Equation(*WATER, g=torch.tensor([1.0, 2.0, 3.0]).double())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        together = solve(equation, u0, grid, [0.05, 0.1], rtol=1e-3)
        for row in range(3):
            alone = solve(equation.select([row]), u0[row : row + 1], grid, [0.05, 0.1], rtol=1e-3)
            assert float((alone.u[0] - together.u[row]).abs().max()) < 1e-13
            assert alone.steps[0] == together.steps[row]
    assert len(set(together.steps.tolist())) > 1


def test_states_without_wave_speeds_are_refused():
    grid, x = line(32, boundary=WALLS)
    dry = torch.stack((torch.where(x < 0.5, 1.0, -0.1), 0 * x))[None].double()
    with pytest.raises(ValueError, match="Initial condition 0 has no real and finite wave speeds"):
        solve(Equation(*WATER, g=1.0), dry, grid, [0.1], dt=0.1)
    # Blow-up in finite time by a source: u' = u², from 1 at t = 1.
    with pytest.raises(BlowUpError, match="blew up shortly after t = 1"):
        solve(Equation("u_t = -u_x + u**2"), torch.ones(1, 1, 32).double(), line(32)[0], [2.0], dt=1.0)
