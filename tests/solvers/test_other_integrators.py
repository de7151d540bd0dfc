"""Against scipy's DOP853 on right-hand sides that are written here with NumPy alone."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, advection, heat, solve
from pdesym.solvers.catalogue.heat import diffused
from tests.solvers.cases import relative_error


def integrated(rhs, u0: torch.Tensor, horizon: float, rtol: float = 1e-10) -> torch.Tensor:
    """Fields `(fields, *space)` by DOP853; `rhs(t, fields)` in NumPy."""
    shape = u0.shape

    def flat(t, y):
        return rhs(t, y.reshape(shape)).ravel()

    y = solve_ivp(flat, (0.0, horizon), u0.numpy().ravel(), method="DOP853", rtol=rtol, atol=1e-12).y[:, -1]
    return torch.from_numpy(y.reshape(shape))


def frequencies(grid: Grid) -> list[np.ndarray]:
    axes = [2 * np.pi / length * np.fft.fftfreq(n, 1 / n) for n, length in zip(grid.points, grid.length, strict=True)]
    return list(np.meshgrid(*axes, indexing="ij"))


def lap(u: np.ndarray, grid: Grid) -> np.ndarray:
    return np.fft.ifftn(-sum(k**2 for k in frequencies(grid)) * np.fft.fftn(u)).real


def plane_waves(grid: Grid) -> torch.Tensor:
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    return torch.sin(2 * math.pi * x / grid.length[0]) * torch.cos(4 * math.pi * y / grid.length[1])


def test_gray_scott_in_two_dimensions():
    grid = Grid(24, 20, length=(1.2, 1.0))
    wave = plane_waves(grid)
    u0 = torch.stack([1 - 0.3 * torch.exp(wave / 4), 0.2 * torch.exp(wave / 4)])
    rates = {"Du": 2e-3, "Dv": 1e-3, "F": 0.037, "k": 0.06}
    equation = Equation("u_t = Du*lap(u) - u*v**2 + F*(1 - u)", "v_t = Dv*lap(v) + u*v**2 - (F + k)*v", **rates)

    def rhs(_, fields):
        u, v = fields
        reaction = u * v**2
        return np.stack(
            [
                rates["Du"] * lap(u, grid) - reaction + rates["F"] * (1 - u),
                rates["Dv"] * lap(v, grid) + reaction - (rates["F"] + rates["k"]) * v,
            ]
        )

    theirs = integrated(rhs, u0, 8.0)
    ours = solve(equation, u0[None], grid, [8.0], rtol=1e-8)
    assert (ours.u[0, 0] - theirs).norm() < 1e-7 * theirs.norm()
    assert (u0 - theirs).norm() > 0.1 * theirs.norm()


def test_a_predator_and_its_prey_coupled_in_the_linear_part():
    """FitzHugh-Nagumo: the linear part mixes the fields, so φ of 2×2 matrices is at work."""
    grid = Grid(48, length=20.0)
    (x,) = grid.coordinates()
    u0 = torch.stack([torch.exp(torch.sin(2 * math.pi * x / 20)), 0.1 * torch.cos(2 * math.pi * x / 20)])
    equation = Equation("u_t = u_xx + u - u**3/3 - w + I", "w_t = eps*(u - c*w) + 0.1*w_xx", I=0.5, eps=0.2, c=0.8)

    def rhs(_, fields):
        u, w = fields
        return np.stack(
            [lap(u, grid) + u - u**3 / 3 - w + 0.5, 0.2 * (u - 0.8 * w) + 0.1 * lap(w, grid)],
        )

    theirs = integrated(rhs, u0, 5.0)
    for control in ({"rtol": 1e-8}, {"dt": 0.01}):
        ours = solve(equation, u0[None], grid, [5.0], **control).u[0, 0]
        assert (ours - theirs).norm() < 1e-7 * theirs.norm()


def test_forcing_in_space_and_time_with_variable_coefficients():
    grid = Grid(64, length=2 * math.pi)
    (x,) = grid.coordinates()
    u0 = torch.cos(x)[None]
    equation = Equation("u_t = dx((1 + sin(x)/2)*u_x) - exp(-t)*u*u_x + cos(5*t)*cos(2*x)/(2 + cos(x)) - u**3")
    k = 1j * np.fft.rfftfreq(64, 1 / 64)
    k[-1] = 0
    xs = x.numpy()

    def dx(u):
        return np.fft.irfft(k * np.fft.rfft(u), 64)

    def rhs(t, fields):
        (u,) = fields
        forcing = np.cos(5 * t) * np.cos(2 * xs) / (2 + np.cos(xs))
        return (dx((1 + np.sin(xs) / 2) * dx(u)) - np.exp(-t) * u * dx(u) + forcing - u**3)[None]

    theirs = integrated(rhs, u0, 1.5)
    ours = solve(equation, u0[None], grid, [0.7, 1.5], rtol=1e-8)
    assert (ours.u[0, 1] - theirs).norm() < 1e-7 * theirs.norm()
    late = FlowMap(equation, grid, (0.7, 1.5), rtol=1e-9)(ours.at(0.7))
    assert (late[0] - theirs).norm() < 1e-7 * theirs.norm()
    early = FlowMap(equation, grid, (0.0, 0.8), rtol=1e-9)(ours.at(0.7))
    assert (early[0] - theirs).norm() > 1e-3 * theirs.norm(), "the equation depends on time, not on elapsed time"


def test_burgers_in_two_dimensions_for_a_viscosity_of_each_sample():
    grid = Grid(32, 24, length=(2 * math.pi, 2 * math.pi))
    wave = plane_waves(grid)
    nu = torch.tensor([0.3, 0.5], dtype=torch.float64)
    u0 = torch.stack([torch.stack([wave, 0.5 * wave.roll((5, 3), (0, 1))])] * 2)
    equation = Equation("u_t = -u*u_x - v*u_y + nu*lap(u)", "v_t = -u*v_x - v*v_y + nu*lap(v)", nu=nu)
    ours = solve(equation, u0, grid, [1.0], rtol=1e-7).u[:, 0]
    kx, ky = frequencies(grid)
    for sample in range(2):

        def rhs(_, fields, nu=float(nu[sample])):
            u, v = fields
            slopes = [[np.fft.ifftn(1j * k * np.fft.fftn(f)).real for k in (kx, ky)] for f in (u, v)]
            return np.stack([nu * lap(f, grid) - u * fx - v * fy for f, (fx, fy) in zip((u, v), slopes, strict=True)])

        theirs = integrated(rhs, u0[sample], 1.0)
        assert (ours[sample] - theirs).norm() < 1e-6 * theirs.norm()
    assert (ours[0] - ours[1]).norm() > 1e-2 * ours[0].norm()


@pytest.mark.parametrize("points", [(16, 24), (15, 21), (8, 12, 10)])
def test_linear_equations_are_exact_in_more_dimensions_and_on_odd_grids(points):
    grid = Grid(*points, length=[1.0, 2.0, 3.0][: len(points)])
    generator = torch.Generator().manual_seed(0)
    rough = torch.randn(2, 1, *points, generator=generator, dtype=torch.float64)
    u0 = diffused(rough, grid, 0.02, 1.0)  # every mode, decaying
    axes = "xyz"[: len(points)]
    speeds = (0.7, -0.4, 1.1)
    text = "u_t = nu*lap(u)" + "".join(f" - {s}*u_{a}" for s, a in zip(speeds, axes, strict=False))
    ours = FlowMap(Equation(text, nu=0.05), grid, (0.0, 0.5), dt=0.5)(u0)
    spectrum = np.fft.fftn(u0.numpy(), axes=tuple(range(2, 2 + len(points))))
    k = frequencies(grid)
    rate = sum(-0.05 * f**2 - 1j * s * f for f, s in zip(k, speeds, strict=False))
    for f, n, length in zip(k, points, grid.length, strict=True):
        if n % 2 == 0:
            spectrum[:, :, np.isclose(np.abs(f), np.pi * n / length)] = 0
    theirs = np.fft.ifftn(spectrum * np.exp(0.5 * rate), axes=tuple(range(2, 2 + len(points)))).real
    assert relative_error(ours, torch.from_numpy(theirs)).max() < 1e-13


def test_catalogue_equations_take_a_coefficient_for_each_sample():
    grid = Grid(32, length=1.0)
    u0 = RandomSinusoids().sample(grid, range(3), seed=4)
    values = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float32)
    for equation in (advection, heat):
        together = FlowMap(equation(values), grid, (0.0, 0.3), dt=0.3)(u0)
        for i in range(3):
            alone = FlowMap(equation(float(values[i])), grid, (0.0, 0.3), dt=0.3)(u0[i : i + 1])
            assert relative_error(together[i : i + 1], alone).max() < 1e-14
