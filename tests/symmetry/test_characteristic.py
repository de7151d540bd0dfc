"""The characteristic against formulas, exact solutions and the refusals."""

import math

import pytest
import torch

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative
from pdesym.symmetry import Generator

PLANE = {"coordinates": ("x", "y"), "fields": ("u", "v")}
WIDE = Grid(512, length=80.0)


def soliton(speed, t):
    """u = 3c sech²(√c (x − ct)/2) solves u_t = −u u_x − u_xxx; centred in the box, (1, 1, 512)."""
    (x,) = WIDE.coordinates()
    speed = torch.as_tensor(speed, dtype=torch.float64)
    return (3 * speed / torch.cosh(torch.sqrt(speed) * (x - 40 - speed * t) / 2) ** 2).reshape(1, 1, -1)


def kdv(u, t):
    return -u * derivative(u, WIDE, 1) - derivative(u, WIDE, 3)


def test_every_coefficient_enters_with_its_sign(exact, waves):
    (x,) = exact.grid.coordinates()
    u_x = derivative(waves, exact.grid, 1)
    generator = Generator("(sin(x) + t*u)*d_x + 3*t*d_t + (u**2 - cos(x))*d_u")
    expected = waves**2 - torch.cos(x) - (torch.sin(x) + 0.5 * waves) * u_x - 1.5 * exact.rhs["burgers"](waves, 0.5)
    torch.testing.assert_close(
        generator.characteristic(waves, exact.grid, 0.5, exact.rhs["burgers"]), expected, rtol=0, atol=1e-13
    )


def test_a_constant_coefficient_fills_the_field(exact, waves):
    q = Generator("t*d_x + sqrt(2)*d_u").characteristic(torch.zeros_like(waves), exact.grid, 2.0)
    torch.testing.assert_close(q, torch.full_like(waves, math.sqrt(2)))


def test_the_zero_generator_moves_nothing(exact, waves):
    assert torch.equal(Generator("0").characteristic(waves, exact.grid, 0.0), torch.zeros_like(waves))


def test_each_frame_and_each_sample_has_its_own_time(exact, waves):
    generator = Generator("t*d_x + t**2*d_t + d_u")
    rhs = lambda u, t: torch.as_tensor(t).reshape(-1, 1, 1) * u  # noqa: E731
    frames = torch.stack([waves, 2 * waves, waves**2], dim=1)
    times = torch.tensor([0.0, 0.5, 1.5])
    expected = torch.stack(
        [generator.characteristic(frames[:, k], exact.grid, float(times[k]), rhs) for k in range(3)], dim=1
    )
    torch.testing.assert_close(generator.characteristic(frames, exact.grid, times, rhs), expected)
    each = times + torch.arange(4.0).reshape(-1, 1)
    expected = torch.stack([generator.characteristic(frames[:, k], exact.grid, each[:, k], rhs) for k in range(3)], 1)
    torch.testing.assert_close(generator.characteristic(frames, exact.grid, each, rhs), expected)
    assert not torch.allclose(expected, generator.characteristic(frames, exact.grid, times, rhs))


@pytest.mark.parametrize(("speed", "vanishes"), [("1", True), ("1.1", False), ("-1", False)])
def test_a_soliton_is_invariant_under_its_own_travelling_frame(speed, vanishes):
    u = soliton(1.0, 2.0)
    q = Generator(f"d_t + {speed}*d_x").characteristic(u, WIDE, 2.0, kdv)
    assert (q.abs().max() < 1e-8) == vanishes


@pytest.mark.parametrize(("text", "holds"), [("x - 40", True), ("2*(x - 40)", False)])
def test_the_scaling_of_kdv_moves_one_soliton_to_another(text, holds):
    """exp(ε(x ∂_x + 3t ∂_t − 2u ∂_u)) takes the soliton of speed c to that of speed c e^{−2ε}."""
    c, t = torch.tensor(1.0, dtype=torch.float64), 3.0
    u, along = torch.func.jvp(lambda speed: soliton(speed, t), (c,), (-2 * c,))
    q = Generator(f"({text})*d_x + 3*t*d_t - 2*u*d_u").characteristic(u, WIDE, t, kdv)
    assert ((q - along).abs().max() < 1e-6) == holds


def test_the_precision_is_that_of_the_fields(exact, waves):
    generator = Generator("sin(x)*d_x + t/3*d_u")
    q = generator.characteristic(waves.float(), exact.grid, torch.tensor(0.5, dtype=torch.float64))
    assert q.dtype == torch.float32
    torch.testing.assert_close(q.double(), generator.characteristic(waves, exact.grid, 0.5), rtol=0, atol=1e-4)


def test_it_differentiates_and_vectorises(exact, waves):
    generator = Generator("t*u*d_x + exp(u)*d_u")

    def q(u):
        return generator.characteristic(u, exact.grid, 0.7)

    direction = waves.roll(1, dims=0)
    _, slope = torch.func.jvp(q, (waves,), (direction,))
    difference = (q(waves + 1e-6 * direction) - q(waves - 1e-6 * direction)) / 2e-6
    torch.testing.assert_close(slope, difference, rtol=1e-6, atol=1e-6)
    both = torch.stack([waves, 2 * waves])
    torch.testing.assert_close(torch.func.vmap(q)(both), torch.stack([q(u) for u in both]))
    leaf = waves.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((q(leaf) * direction).sum(), leaf)
    torch.testing.assert_close((gradient * direction).sum(), (slope * direction).sum())


def test_two_dimensions_and_two_fields():
    grid = Grid(16, 24, length=(2 * math.pi, 4 * math.pi))
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    fields = torch.stack([torch.sin(x) * torch.cos(y), torch.cos(x + y / 2)]).unsqueeze(0)
    q = Generator("t*d_y + v*d_u - u*d_v", **PLANE).characteristic(fields, grid, 2.0)
    expected = torch.stack(
        [torch.cos(x + y / 2) + 2 * torch.sin(x) * torch.sin(y), -fields[0, 0] + torch.sin(x + y / 2)]
    )
    torch.testing.assert_close(q[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("generator", "u", "t", "sentence"),
    [
        ("d_t", torch.zeros(2, 1, 16), 0.0, "The generator d_t moves time, .* pass rhs="),
        ("d_x", torch.zeros(2, 2, 16), 0.0, r"one of 1 field \(u\), but the data has 2 channels"),
        ("d_x", torch.zeros(2, 1, 17), 0.0, r"the grid's space axes \(16,\), got shape \(2, 1, 17\)"),
        ("d_x", torch.zeros(1, 16), 0.0, r"got shape \(1, 16\)"),
        ("d_x", torch.zeros(2, 1, 16), torch.zeros(3), r"one for each sample, of shape \(\) or \(2,\), got .* \(3,\)"),
        ("d_x", torch.zeros(2, 5, 1, 16), 0.0, r"one time for each frame, of shape \(5,\) or \(2, 5\), got .* \(\)"),
        ("d_x", torch.zeros(2, 5, 1, 16), torch.zeros(2), "one time for each frame"),
    ],
)
def test_what_does_not_fit_is_refused(generator, u, t, sentence):
    with pytest.raises(ValueError, match=sentence):
        Generator(generator).characteristic(u, Grid(16, length=1.0), t)


def test_a_generator_of_another_dimension_is_refused():
    plane = Generator("d_y", coordinates=("x", "y"))
    with pytest.raises(ValueError, match=r"2 coordinates \(x, y\), but the grid has 1 axes: declare one for each axis"):
        plane.characteristic(torch.zeros(2, 1, 16), Grid(16, length=1.0), 0.0)
    with pytest.raises(ValueError, match="declare one for each axis"):
        plane.require_periodic(Grid(16, length=1.0))


@pytest.mark.parametrize(
    ("text", "length", "closes"),
    [
        ("t*d_x + u**2*d_u", 128.0, True),
        ("sin(2*pi*x/128)*d_u", 128.0, True),
        ("exp(cos(pi*x/64))*u*d_x", 128.0, True),
        ("sin(x/4)*d_u", 8 * math.pi, True),
        ("cos(x)**2*log(u)*d_x", math.pi, True),
        ("sin(x)*d_u", 128.0, False),
        ("sin(2*pi*x/128)*d_u", 128.1, False),
        ("sin(2*pi*x/128)*d_u", 64.0, False),
        ("x*d_x", 128.0, False),
        ("1e-12*x*d_u", 128.0, False),
        ("x*d_x + 3*t*d_t - 2*u*d_u", 128.0, False),
        ("exp(-x)*d_t", 128.0, False),
        ("t*d_x - x*u*d_u", 128.0, False),
        ("d_u/sqrt(x - 200)", 128.0, False),
    ],
)
def test_coefficients_must_close_where_the_grid_does(text, length, closes):
    grid = Grid(16, length=length)
    if closes:
        Generator(text).require_periodic(grid)
    else:
        with pytest.raises(ValueError, match=r"does not close on this grid, .* integer dilations, .* residual form"):
            Generator(text).require_periodic(grid)


def test_a_rotation_does_not_close_in_the_plane():
    grid = Grid(16, 16, length=1.0)
    Generator("d_x + sin(2*pi*y)*d_u - u*d_v", **PLANE).require_periodic(grid)
    with pytest.raises(ValueError, match=r"The coefficient -y of d_x .* y = 0 and y = 1 are one point"):
        Generator("x*d_y - y*d_x", **PLANE).require_periodic(grid)
