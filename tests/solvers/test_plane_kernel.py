"""The kernel on a plane against the torch path, which is the reference: the same steps, the same results."""

import math
from fractions import Fraction

import pytest
import torch

import pdesym.solvers.integrate as module
from pdesym.solvers import BlowUpError, Equation, Grid, kernel
from pdesym.solvers.control import Adaptive, Fixed, Replayed
from pdesym.solvers.steppers import KROGSTAD, STEPPERS
from pdesym.solvers.system import SpectralSystem
from tests.solvers.same import assert_same

NU = torch.tensor([0.02, 0.05, 0.03, 0.1], dtype=torch.float64)
VORTICITY, STREAM = "w_t = -psi_y*w_x + psi_x*w_y + 0.02*lap(w)", "lap(psi) = -w"

# name → (texts, relations, parameters, points, lengths, horizon)
EQUATIONS = {
    "vorticity": ((VORTICITY,), STREAM, {}, (24, 24), 6.0, 0.6),
    "vorticity, forced": ((VORTICITY + " - 4*cos(4*pi*y/3) + 1",), STREAM, {}, (24, 24), 6.0, 0.6),
    "vorticity, an odd number of rows": ((VORTICITY,), STREAM, {}, (27, 20), (6.0, 4.0), 0.6),
    "vorticity, an odd number of rows and of blocks": ((VORTICITY,), STREAM, {}, (27, 16), (6.0, 4.0), 0.3),
    "waves, three blocks of odd rows": (("u_t = v", "v_t = lap(u) - u**3"), None, {}, (9, 48), 6.0, 0.3),
    "a viscosity for each sample": ((VORTICITY.replace("0.02", "nu"),), STREAM, {"nu": NU}, (24, 24), 6.0, 0.6),
    "burgers": (
        ("u_t = -u*u_x - v*u_y + 0.1*lap(u)", "v_t = -u*v_x - v*v_y + 0.1*lap(v)"), None, {}, (20, 24), 6.0, 0.5,
    ),
    "a speed for each sample": (("u_t = -nu*u**2*u_x + u_y + 0.1*lap(u)",), None, {"nu": NU}, (24, 18), 6.0, 0.5),
    "kuramoto-sivashinsky": (("u_t = -lap(u + lap(u)) - 0.5*(u_x**2 + u_y**2)",), None, {}, (32, 32), 20.0, 1.0),
    "gray-scott": (
        ("u_t = 0.1*lap(u) - u*v**2 + 0.04*(1 - u)", "v_t = 0.05*lap(v) + u*v**2 - 0.1*v"),
        None, {}, (20, 20), 10.0, 0.5,
    ),
    "wave": (("u_t = v", "v_t = lap(u) - u**3"), None, {}, (24, 16), 6.0, 0.5),
    "heat": (("u_t = 0.3*lap(u)",), None, {}, (16, 16), 6.0, 0.5),
    "schrödinger": (
        ("p_t = -0.5*lap(q) - (p**2 + q**2)*q", "q_t = 0.5*lap(p) + (p**2 + q**2)*p"), None, {}, (24, 24), 12.0, 0.3,
    ),
    "a drift across, dispersive": (("u_t = -u*u_x - u_xxx - u_xyy + 0.3*u_y",), None, {}, (30, 24), 12.0, 0.3),
}  # fmt: skip


def initial(batch, fields, grid, waves=3, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw():
        return torch.rand(batch, fields, 1, 1, generator=generator, dtype=torch.float64)

    x, y = (torch.arange(n, dtype=torch.float64) / n for n in grid.points)
    x, y = x[:, None], y[None, :]
    turns = [(a, b) for a in range(waves) for b in range(-waves + 1, waves)]
    return 0.2 * draw() + sum((draw() - 0.5) * torch.cos(2 * math.pi * (a * x + b * y + draw())) for a, b in turns)


def case(name, batch=4):
    texts, where, parameters, points, length, horizon = EQUATIONS[name]
    equation = Equation(*texts, where=where or (), **parameters).select(list(range(batch)))
    grid, times = Grid(*points, length=length), tuple(horizon * j / 4 for j in range(1, 5))
    return equation, initial(batch, len(equation.fields), grid), grid, times


def both(monkeypatch, equation, u, grid, *arguments, **options):
    assert kernel.supports(SpectralSystem(equation, grid, stretch=options.get("stretch")))
    compiled = module.integrate(equation, u, grid, *arguments, **options)
    with monkeypatch.context() as patched:
        patched.setattr(kernel, "supports", lambda *_: False)
        return compiled, module.integrate(equation, u, grid, *arguments, **options)


def adaptive(batch, tolerance=1e-6, tail=1e-3):
    return Adaptive(tuple(tolerance * 4.0 ** (j % 3) for j in range(batch)), tail)


@pytest.mark.parametrize("name", EQUATIONS)
def test_adaptive_steps_and_results_are_those_of_torch(name, monkeypatch):
    equation, u, grid, times = case(name)
    compiled, reference = both(monkeypatch, equation, u, grid, 0.0, times, adaptive(len(u), tolerance=1e-9))
    assert_same(compiled, reference)
    # Steps are repeated and change from one segment to the next, so that results of this kind are compared.
    assert len({m for row in reference.taken for m in row}) > 1 or name == "heat"


@pytest.mark.parametrize("rows", [5, 8, 9, 15])
@pytest.mark.parametrize("columns", [4, 6, 16, 32, 36, 48])
def test_no_part_of_memory_is_written_by_its_neighbour(rows, columns):
    """A mean that nothing can change, beside waves, on grids of every parity."""
    grid = Grid(rows, columns, length=6.0)
    u = 3 + 0.1 * initial(2, 1, grid, waves=2)
    equation = Equation("u_t = lap(u) + u*u_x")
    for control in (Fixed(0.1, float("inf")), Fixed(0.1, 0.0), adaptive(2)):
        result = module.integrate(equation, u, grid, 0.0, (0.5, 1.0), control).u
        mean = u.mean((-2, -1), keepdim=True).unsqueeze(1)
        assert (result.mean((-2, -1), keepdim=True) - mean).abs().max() < 1e-13
        assert (result - mean).abs().max() < 0.5


@pytest.mark.parametrize("name", STEPPERS)
@pytest.mark.parametrize("equation", ["burgers", "wave"])
def test_every_stepper_is_the_same_data(name, equation, monkeypatch):
    stepper = STEPPERS[name]
    text, u, grid, times = case(equation, batch=2)
    control = Adaptive((1e-6,) * 2, 1e-3, stepper.estimate_order)
    assert_same(*both(monkeypatch, text, u, grid, 0.0, times[:2], control, stepper))


@pytest.mark.parametrize("name", ["vorticity", "a viscosity for each sample", "wave"])
def test_boxes_of_other_lengths(name, monkeypatch):
    equation, u, grid, times = case(name)
    stretch = torch.tensor([[1.0, 1.0], [2.0, 1.0], [1.0, 0.8], [1.3, 1.3]], dtype=torch.float64)
    assert_same(*both(monkeypatch, equation, u, grid, 0.0, times, adaptive(4), KROGSTAD, stretch=stretch))


def test_rows_that_outgrow_their_grid_go_on_where_they_left_off(monkeypatch):
    equation, u, grid, times = case("vorticity")
    u[::2] *= 0.1
    compiled, reference = both(monkeypatch, equation, 4 * u, grid, 0.0, times, adaptive(4, tail=1e-5))
    assert_same(compiled, reference)
    assert len({stages[-1] for stages in reference.stages}) > 1


def test_fixed_steps_with_padded_products_and_steps_of_another_run(monkeypatch):
    equation, u, grid, times = case("vorticity")
    compiled, reference = both(monkeypatch, equation, 8 * u, grid, 0.0, times, Fixed(0.02, 1e-4))
    assert any(1 in stages for stages in reference.stages)
    assert_same(compiled, reference)
    first = module.integrate(equation, u, grid, 0.0, times, adaptive(len(u)))
    replayed = Replayed(tuple(map(tuple, first.taken)), (Fraction(3, 2),) * len(u), 1e-3)
    assert_same(*both(monkeypatch, equation, u, grid, 0.0, times, replayed))


@pytest.mark.parametrize("name", ["vorticity, forced", "burgers", "a speed for each sample", "wave", "gray-scott"])
def test_tangents_are_carried_along(name, monkeypatch):
    equation, u, grid, times = case(name, batch=3)
    w = torch.stack([initial(3, u.shape[1], grid, seed=seed) for seed in (5, 6)], dim=1)
    compiled, reference = both(monkeypatch, equation, u, grid, 0.0, times, adaptive(3), tangents=w)
    assert_same(compiled, reference)
    assert (compiled.w - reference.w).norm() <= 1e-12 * reference.w.norm()
    # The same without tangents, and with others beside them.
    torch.testing.assert_close(
        module.integrate(equation, u, grid, 0.0, times, adaptive(3)).u, compiled.u, rtol=0, atol=1e-14
    )
    one = module.integrate(equation, u, grid, 0.0, times, adaptive(3), tangents=w[:, 1:])
    torch.testing.assert_close(one.w[:, 0], compiled.w[:, 1], rtol=0, atol=1e-14)


def test_tangents_outgrow_their_grid_with_their_state(monkeypatch):
    equation, u, grid, times = case("vorticity")
    w = initial(4, 1, grid, seed=7).unsqueeze(1)
    compiled, reference = both(monkeypatch, equation, 4 * u, grid, 0.0, times, adaptive(4, tail=1e-5), tangents=w)
    assert len({stages[-1] for stages in reference.stages}) > 1
    assert (compiled.w - reference.w).norm() <= 1e-11 * reference.w.norm()


def test_a_blow_up_is_that_of_torch(monkeypatch):
    equation = Equation("u_t = 0.1*lap(u) + u**2")
    grid = Grid(16, 16, length=6.0)
    u = 2.0 + initial(2, 1, grid)
    found = []
    for supported in (None, lambda *_: False):
        with monkeypatch.context() as patched:
            if supported is not None:
                patched.setattr(kernel, "supports", supported)
            with pytest.raises(BlowUpError) as caught:
                module.integrate(equation, u, grid, 0.0, (0.1, 2.0), adaptive(2))
        found.append(caught.value)
    assert found[0].sample == found[1].sample
    assert found[0].time == pytest.approx(found[1].time, rel=1e-6)


def test_no_sample_depends_on_its_neighbours():
    equation, u, grid, times = case("vorticity")
    together = module.integrate(equation, u, grid, 0.0, times, adaptive(4, tolerance=1e-6))
    alone = module.integrate(equation, u[2:3], grid, 0.0, times, Adaptive((1e-6 * 16.0,), 1e-3))
    assert torch.equal(alone.u[0], together.u[2])


@pytest.mark.parametrize(
    ("texts", "where", "why"),
    [
        (("u_t = lap(u) + sin(u)",), (), "no polynomial"),
        (("u_t = lap(u) + t*u**2",), (), "explicit time"),
        (("u_t = lap(u) + sin(2*pi*x/6)*u",), (), "a function of x before a jet"),
        (("u_t = lap(u) - u*v",), "v - v_x = u", "a relation whose symbol is neither real nor imaginary"),
    ],
)
def test_what_is_left_to_torch(texts, where, why):
    assert not kernel.supports(SpectralSystem(Equation(*texts, where=where), Grid(16, 16, length=6.0))), why


def test_points_with_other_prime_factors_are_left_to_torch():
    equation = Equation("u_t = lap(u) - u**3")
    assert kernel.supports(SpectralSystem(equation, Grid(18, 20, length=6.0)))
    assert not kernel.supports(SpectralSystem(equation, Grid(14, 20, length=6.0)))
    assert not kernel.supports(SpectralSystem(equation, Grid(18, 15, length=6.0)))
