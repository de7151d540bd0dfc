"""The row kernel against the torch path, which is the reference: the same steps, the same results to round-off."""

import math
import subprocess
import sys
from fractions import Fraction

import pytest
import torch

import pdesym.solvers.integrate as module
from pdesym.solvers import BlowUpError, Equation, Grid, kernel
from pdesym.solvers.control import Adaptive, Fixed, Replayed
from pdesym.solvers.kernel import supports
from pdesym.solvers.kernel.rows import RowKernel
from pdesym.solvers.steppers import KROGSTAD, STEPPERS
from pdesym.solvers.system import SpectralSystem
from tests.solvers.same import assert_same

NU = torch.linspace(0.05, 0.2, 11, dtype=torch.float64)

# name → (text, parameters, points, length, horizon)
EQUATIONS = {
    "kdv": ("u_t = -6*u*u_x - u_xxx", {}, 96, 20.0, 0.4),
    "ks": ("u_t = -u*u_x - u_xx - u_xxxx", {}, 72, 32.0, 3.0),
    "burgers, a viscosity for each sample": ("u_t = -u*u_x + nu*u_xx", {"nu": NU}, 64, 6.0, 0.5),
    "burgers, a speed for each sample": ("u_t = -nu*u*u_x + 0.1*u_xx", {"nu": NU}, 64, 6.0, 0.5),
    "mkdv": ("u_t = -6*u**2*u_x - u_xxx", {}, 120, 20.0, 0.2),
    "heat": ("u_t = 0.3*u_xx", {}, 32, 6.0, 0.5),
    "several products": ("u_t = u_xx - u**5 + u_x**2*u**3 + a*u_x**2 - u*u_xx", {"a": 0.3}, 80, 20.0, 0.1),
    "functions of x": ("u_t = 0.1*u_xx + a*u - u**3 + sin(2*pi*x)*u_x + 2*cos(2*pi*x)", {"a": 1.5}, 64, 1.0, 0.2),
    "functions of x, for each sample": ("u_t = 0.1*u_xx - u**3 + nu*sin(2*pi*x)*u + nu", {"nu": NU}, 64, 1.0, 0.2),
    "fitzhugh-nagumo": (("u_t = u_xx + u - u**3 - v", "v_t = 0.1*v_xx + 0.08*(u - v + 0.7)"), {}, 60, 30.0, 1.0),
    "schrödinger": (("p_t = -0.5*q_xx - (p**2 + q**2)*q", "q_t = 0.5*p_xx + (p**2 + q**2)*p"), {}, 64, 20.0, 0.5),
    "fields apart": (("u_t = u_xx - u*v", "v_t = 0.5*v_xx + u*v"), {}, 48, 20.0, 0.5),
    "odd number of modes": ("u_t = -6*u*u_x - u_xxx", {}, 50, 20.0, 0.2),
}


def initial(batch, fields, points, seed=0, waves=4):
    generator = torch.Generator().manual_seed(seed)

    def draw():
        return torch.rand(batch, fields, 1, generator=generator, dtype=torch.float64)

    x = torch.arange(points, dtype=torch.float64) / points
    terms = ((draw() - 0.5) * torch.cos(2 * math.pi * (k * x + draw())) for k in range(1, waves))
    return 0.3 * draw() + sum(terms)


def case(name, batch=11):
    text, parameters, points, length, horizon = EQUATIONS[name]
    equation = Equation(*((text,) if isinstance(text, str) else text), **parameters).select(list(range(batch)))
    times = tuple(horizon * j / 7 for j in range(1, 8))
    return equation, initial(batch, len(equation.fields), points), Grid(points, length=length), times


def integrated(path, monkeypatch, *arguments, **options):
    with monkeypatch.context() as patched:
        # Where the kernel is not chosen, `Advance` is.
        patched.setattr(kernel, "supports", lambda *_: False)
        if path == "compiled":
            patched.setattr(module, "Advance", RowKernel)
        return module.integrate(*arguments, **options)


def both(monkeypatch, *arguments, **options):
    return [integrated(path, monkeypatch, *arguments, **options) for path in ("compiled", "torch")]


def adaptive(batch, tolerance=1e-6, tail=1e-6):
    # Each row with its own.
    return Adaptive(tuple(tolerance * 4.0 ** (j % 3) for j in range(batch)), tail)


@pytest.mark.parametrize("name", EQUATIONS)
def test_adaptive_steps_and_results_are_those_of_torch(name, monkeypatch):
    equation, u, grid, times = case(name)
    assert supports(SpectralSystem(equation, grid))
    compiled, reference = both(monkeypatch, equation, u, grid, 0.0, times, adaptive(len(u), tolerance=1e-9))
    assert_same(compiled, reference)
    assert len(set(reference.steps.tolist())) > 1 or name != "kdv"


@pytest.mark.parametrize("name", STEPPERS)
@pytest.mark.parametrize("equation", ["fields apart", "schrödinger"])
def test_every_stepper_is_the_same_data(name, equation, monkeypatch):
    stepper = STEPPERS[name]
    text, u, grid, times = case(equation, batch=3)
    control = Adaptive((1e-6,) * 3, 1e-6, stepper.estimate_order)
    compiled, reference = both(monkeypatch, text, u, grid, 0.0, times[:2], control, stepper)
    assert_same(compiled, reference)


@pytest.mark.parametrize("stretched", [False, True])
@pytest.mark.parametrize("name", ["kdv", "burgers, a viscosity for each sample", "functions of x, for each sample"])
def test_boxes_of_other_lengths(name, stretched, monkeypatch):
    equation, u, grid, times = case(name, batch=4)
    stretch = torch.tensor([[1.0], [2.0], [1.0], [3.0]], dtype=torch.float64) if stretched else None
    compiled, reference = both(
        monkeypatch, equation, u, grid, 0.0, times, adaptive(4, tail=1e-3), KROGSTAD, stretch=stretch
    )
    assert_same(compiled, reference)


def test_rows_that_outgrow_their_grid_go_on_where_they_left_off(monkeypatch):
    equation, u, _, times = case("kdv")
    u[::2] *= 0.1
    compiled, reference = both(
        monkeypatch, equation, u[..., ::3], Grid(32, length=20.0), 0.0, times, adaptive(len(u), tail=1e-7)
    )
    assert_same(compiled, reference)
    # Of all kinds: those that stay, those that move on at once, and those that do so on the way.
    assert {stages[0] for stages in reference.stages} == {0} or len({stages[-1] for stages in reference.stages}) > 1
    assert any(len(set(stages)) > 1 for stages in reference.stages)


def test_padded_products(monkeypatch):
    equation, u, _, times = case("mkdv")
    grid = Grid(24, length=20.0)
    control = Fixed(0.002, 1e-10)
    compiled, reference = both(monkeypatch, equation, u[..., ::5], grid, 0.0, times, control)
    assert any(1 in stages for stages in reference.stages)
    assert_same(compiled, reference)


def test_fixed_steps_and_steps_of_another_run(monkeypatch):
    equation, u, grid, times = case("ks")
    compiled, reference = both(monkeypatch, equation, u, grid, 0.0, times, Fixed(0.013, 1e-3))
    assert_same(compiled, reference)
    first = module.integrate(equation, u, grid, 0.0, times, adaptive(len(u)))
    factors = tuple(Fraction(2 + j % 3, 2) for j in range(len(u)))
    replayed = Replayed(tuple(map(tuple, first.taken)), factors, 1e-3)
    assert_same(*both(monkeypatch, equation, u, grid, 0.0, times, replayed))


def test_irregular_output_times_and_one_at_the_start(monkeypatch):
    equation, u, grid, _ = case("burgers, a viscosity for each sample")
    times = (0.1, 0.101, 0.17, 0.4, 0.41, 0.9)
    compiled, reference = both(monkeypatch, equation, u, grid, 0.1, times, adaptive(len(u)))
    assert_same(compiled, reference)
    assert torch.equal(compiled.u[:, 0], u)


@pytest.mark.parametrize("name", ["mkdv", "schrödinger", "functions of x", "several products", "heat"])
def test_tangents(name, monkeypatch):
    equation, u, grid, times = case(name)
    w = torch.stack([initial(len(u), u.shape[1], u.shape[2], seed) for seed in (1, 2, 3)], dim=1)
    compiled, reference = both(monkeypatch, equation, u, grid, 0.0, times[:3], adaptive(len(u), tail=0.1), KROGSTAD, w)
    assert_same(compiled, reference)
    assert ((compiled.w - reference.w).norm() <= 1e-12 * reference.w.norm()).all()
    assert compiled.w[:, 1].norm() > 0


def test_a_row_does_not_depend_on_its_neighbours(monkeypatch):
    equation, u, grid, times = case("kdv", batch=21)
    w = initial(21, 1, u.shape[2], seed=5).unsqueeze(1)

    def run(rows):
        control = Adaptive(tuple(1e-6 * 4.0 ** (row % 3) for row in rows), 1e-3)
        return integrated("compiled", monkeypatch, equation, u[rows], grid, 0.0, times, control, KROGSTAD, w[rows])

    together, order = run(list(range(21))), [20, 3, 17, 4]
    some = run(order)
    assert torch.equal(some.u, together.u[order])
    assert torch.equal(some.w, together.w[order])
    assert torch.equal(run([17]).u, together.u[[17]])


@pytest.mark.parametrize("control", ["adaptive", "fixed"])
def test_blow_up_is_found_in_the_same_sample_at_the_same_time(control, monkeypatch):
    equation, grid = Equation("u_t = u_xx + u**2"), Grid(32, length=2 * math.pi)
    u = torch.full((10, 1, 32), -1.0, dtype=torch.float64)
    u[6] = 1.0
    u[6, 0] += 0.1 * torch.cos(grid.coordinates()[0])
    chosen = adaptive(10, tolerance=1e-4) if control == "adaptive" else Fixed(0.01, 1e-10)
    messages = []
    for path in ("compiled", "torch"):
        with pytest.raises(BlowUpError) as raised:
            integrated(path, monkeypatch, equation, u, grid, 0.0, (0.4, 0.8, 1.2), chosen)
        messages.append(str(raised.value))
        assert raised.value.sample == 6
    assert messages[0] == messages[1]
    # A negative control: without that sample nothing blows up.
    rest = [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert torch.isfinite(
        integrated("compiled", monkeypatch, equation, u[rest], grid, 0.0, (1.2,), adaptive(9)).u
    ).all()


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("u_t = u_xx + sin(u)", (32,)),
        ("u_t = u_xx + cos(t)*u**2", (32,)),
        ("u_t = u_xx - u*u_x/(1 + u**2)", (32,)),
        ("u_t = u_xx - u*u_x", (33,)),
        ("u_t = u_xx - u*u_x", (14,)),
    ],
)
def test_what_the_kernel_leaves_to_torch(text, points):
    equation = Equation(text)
    assert not supports(SpectralSystem(equation, Grid(*points, length=1.0)))


def test_importing_the_solvers_does_not_import_numba():
    code = "import sys, pdesym.solvers, pdesym.solvers.kernel; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_everything_above_was_one_compilation():
    from pdesym.solvers.kernel import lanes

    assert len(lanes.advance.signatures) <= 1, [
        pair for pair in zip(*lanes.advance.signatures, strict=True) if pair[0] != pair[1]
    ]
