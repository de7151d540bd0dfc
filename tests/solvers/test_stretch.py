"""A box of another length for each sample, and what can be differentiated with respect to it."""

import math

import pytest
import torch
from torch import Tensor

from pdesym.solvers import Equation, Grid
from pdesym.solvers.system import SpectralSystem

LENGTHS = torch.tensor([0.8, 1.0, 1.7], dtype=torch.float64)
LINE, PLANE = Grid(24, length=2 * math.pi), Grid(12, 16, length=(2 * math.pi, 3.0))
TIME = torch.zeros((), dtype=torch.float64)


def fields(rows: int, channels: int, grid: Grid) -> Tensor:
    noise = torch.randn(rows, channels, *grid.points, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return SpectralSystem(Equation("u_t = 0"), grid).to_field(
        SpectralSystem(Equation("u_t = 0"), grid).to_spectrum(noise)
    )


CASES = [
    (("u_t = -u*u_x + nu*u_xx - u_xxx",), {"nu": 0.3}, LINE),
    (("u_t = -u*u_x + nu*u_xx",), {"nu": torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)}, LINE),
    (("u_t = v + u_x**2", "v_t = u_xx - u**3"), {}, LINE),
    (("u_t = lap(u) - u*u_x - u*u_y + u_xy*u",), {}, PLANE),
]


@pytest.mark.parametrize(("texts", "parameters", "grid"), CASES)
@pytest.mark.parametrize("padded", [False, True])
def test_a_stretched_box_is_a_longer_box(texts, parameters, grid, padded):
    u = fields(3, len(texts), grid)
    factors = torch.stack([LENGTHS, LENGTHS.flip(0)], dim=1)[:, : grid.dims]
    together = SpectralSystem(Equation(*texts, **parameters), grid, padded, stretch=factors)
    rhs = together.to_field(together.rhs(together.to_spectrum(u), TIME))
    assert together.per_sample
    for row, factor in enumerate(factors.tolist()):
        longer = Grid(*grid.points, length=tuple(a * b for a, b in zip(grid.length, factor, strict=True)))
        values = {n: float(v[row]) if isinstance(v, Tensor) else v for n, v in parameters.items()}
        alone = SpectralSystem(Equation(*texts, **values), longer, padded)
        expected = alone.to_field(alone.rhs(alone.to_spectrum(u[row : row + 1]), TIME))[0]
        torch.testing.assert_close(rhs[row], expected, rtol=1e-12, atol=1e-12)
        selected = together.select(torch.tensor([row]))
        again = selected.to_field(selected.rhs(selected.to_spectrum(u[row : row + 1]), TIME))[0]
        torch.testing.assert_close(again, rhs[row], rtol=1e-13, atol=1e-13)


def test_one_factor_serves_all_axes():
    u = fields(3, 1, PLANE)
    equation = Equation("u_t = lap(u) - u*u_x")
    one = SpectralSystem(equation, PLANE, stretch=LENGTHS)
    both = SpectralSystem(equation, PLANE, stretch=torch.stack([LENGTHS, LENGTHS], dim=1))
    assert torch.equal(one.rhs(one.to_spectrum(u), TIME), both.rhs(both.to_spectrum(u), TIME))


def test_coordinates_are_stretched_as_well():
    grid = Grid(16, length=1.0)
    system = SpectralSystem(Equation("u_t = sin(k*x)*u", k=2 * math.pi / LENGTHS), grid, stretch=LENGTHS)
    v = system.to_spectrum(torch.ones(3, 1, 16, dtype=torch.float64))
    (x,) = grid.coordinates()
    expected = torch.sin(2 * math.pi * x).expand(3, 1, -1)
    torch.testing.assert_close(system.to_field(system.nonlinear(v, TIME)), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("texts", "parameters", "grid"), CASES)
def test_derivatives_with_respect_to_the_stretch_and_the_parameters(texts, parameters, grid):
    u = fields(3, len(texts), grid)
    names = list(parameters)
    values = [torch.as_tensor(v, dtype=torch.float64).expand(3).clone() for v in parameters.values()]

    def rhs(stretch: Tensor, *values: Tensor) -> Tensor:
        equation = Equation(*texts, **dict(zip(names, values, strict=True)))
        system = SpectralSystem(equation, grid, stretch=stretch)
        return system.to_field(system.rhs(system.to_spectrum(u), TIME)) / 100

    inputs = tuple(each.clone().requires_grad_() for each in (LENGTHS, *values))
    torch.autograd.gradcheck(rhs, inputs, atol=1e-6)

    tangent = torch.func.jvp(lambda s: rhs(s, *values), (LENGTHS,), (torch.ones_like(LENGTHS),))[1]
    h = 1e-6
    difference = (rhs(LENGTHS + h, *values) - rhs(LENGTHS - h, *values)) / (2 * h)
    torch.testing.assert_close(tangent, difference, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("texts", "parameters", "grid"), CASES)
def test_the_linearisation_in_a_stretched_box(texts, parameters, grid):
    system = SpectralSystem(Equation(*texts, **parameters), grid, stretch=LENGTHS)
    v = system.to_spectrum(fields(3, len(texts), grid))
    w = system.to_spectrum(fields(6, len(texts), grid)).unflatten(0, (3, 2))
    _, linearisation = system.linearised(v, TIME)
    h = 1e-5
    for k in range(2):
        plus, minus = (system.nonlinear(v + sign * h * w[:, k], TIME) for sign in (1, -1))
        torch.testing.assert_close(linearisation(w)[:, k], (plus - minus) / (2 * h), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (3, 2), (3, 1, 1)])
def test_a_stretch_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"Expected a stretch of shape \(rows,\) or \(rows, 1\)"):
        SpectralSystem(Equation("u_t = u_xx"), LINE, stretch=torch.ones(shape))


def test_a_stretch_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="A stretch must be positive, got -1"):
        SpectralSystem(Equation("u_t = u_xx"), LINE, stretch=torch.tensor([1.0, -1.0]))
