"""Gradients through solutions: against differences at frozen steps, and against tangents to round-off."""

import math
import weakref

import pytest
import torch
from torch import Tensor

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, burgers, kdv, solve
from pdesym.solvers.finite_differences.conditions import Dirichlet
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.steppers import STEPPERS
from tests.solvers.differentiable import CASES, LINE, MIXED, TIME_IN_N

NAMES = ("u0", "nu", "length")


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def smooth(rows: int, fields: int, grid: Grid) -> Tensor:
    """A few waves along each axis, of size 1."""
    modes = torch.fft.rfftn(random(rows, fields, *grid.points), dim=tuple(range(-grid.dims, 0)), norm="ortho")
    for axis, n in enumerate(grid.points):
        k = (torch.fft.rfftfreq if axis == grid.dims - 1 else torch.fft.fftfreq)(n, 1 / n)
        modes = modes * (k.abs() <= 3).reshape([-1 if i == axis else 1 for i in range(grid.dims)])
    return torch.fft.irfftn(modes, s=grid.points, norm="ortho")


def difference(inputs: tuple[Tensor, ...], directions: tuple[Tensor, ...], values, h: float = 1e-3) -> Tensor:
    """Fourth-order central differences along one input at a time, `(inputs, rows)`; all in one batch of `values`."""
    batch = [
        tuple(x + (e * h * d if i == which else 0) for i, (x, d) in enumerate(zip(inputs, directions, strict=True)))
        for which in range(len(inputs))
        for e in (-2, -1, 1, 2)
    ]
    result = values(*(torch.cat(each) for each in zip(*batch, strict=True))).unflatten(0, (len(inputs), 4, -1))
    weights = torch.tensor([1, -8, 8, -1], dtype=torch.float64) / (12 * h)
    return (result * weights[:, None]).sum(1)


@pytest.mark.parametrize(("texts", "options", "grid", "method"), CASES)
def test_gradients_are_those_of_the_steps_taken(texts, options, grid, method):
    inputs = (
        smooth(2, len(texts), grid),
        torch.tensor([0.1, 0.13], dtype=torch.float64),
        6.0 + random(2, grid.dims) / 3,
    )
    directions = (
        smooth(2, len(texts), grid).flip(0),
        torch.tensor([0.1, 0.2], dtype=torch.float64),
        random(2, grid.dims),
    )
    weights = random(2, 2, len(texts), *grid.points)

    def values(u0: Tensor, nu: Tensor, length: Tensor) -> Tensor:
        equation = Equation(*texts, nu=nu, **options)
        u = solve(equation, u0, grid, [0.05, 0.12], dt=0.006, method=method, length=length).u
        return (u * weights.repeat(len(u0) // 2, *(1,) * (u.ndim - 1))).flatten(1).sum(1)

    expected = difference(inputs, directions, values)

    def derivatives(*at: Tensor) -> Tensor:
        leaves = [each.clone().requires_grad_() for each in at]
        gradients = torch.autograd.grad(values(*leaves).sum(), leaves)
        return torch.stack([(g * d).reshape(2, -1).sum(1) for g, d in zip(gradients, directions, strict=True)])

    scale = expected.abs().amax(1, keepdim=True)
    found = (derivatives(*inputs) - expected) / scale
    assert float(found.abs().max()) < 1e-7, dict(zip(NAMES, found.tolist(), strict=True))
    elsewhere = (derivatives(inputs[0], 1.01 * inputs[1], inputs[2]) - expected) / scale
    assert float(elsewhere.abs().amax(1).min()) > 1e-6, "the comparison sees a gradient at another parameter"


@pytest.mark.parametrize("method", STEPPERS)
@pytest.mark.parametrize("control", [{"dt": 0.004}, {"rtol": 1e-5}])
def test_the_adjoint_is_the_transpose_of_the_tangent(method, control):
    """⟨J w, g⟩ = ⟨w, Jᵀ g⟩; the tangents are carried along by the solver itself."""
    grid = Grid(24, length=2 * math.pi)
    u, w, g = smooth(3, 1, grid), random(2, 3, 1, 24), random(3, 2, 1, 24)
    flow = FlowMap(Equation(*MIXED, nu=0.1), grid, (0.0, 0.2, 0.5), method=method, **control)
    value, pushed = flow.tangent(u, w)
    leaf = u.clone().requires_grad_()
    differentiable = flow(leaf)
    assert torch.equal(differentiable.detach(), value)
    (pulled,) = torch.autograd.grad(differentiable, leaf, g)
    for k in range(2):
        one, other = (pushed[k] * g).sum(), (w[k] * pulled).sum()
        assert float((one - other).abs()) < 1e-12 * float(pushed[k].norm() * g.norm())
    assert abs(float((pushed[0] * g).sum() - (w[1] * pulled).sum())) > 1e-3


def test_samples_on_different_grids_with_different_steps():
    """One sample stays on its grid, one outgrows it on the way, one has Nyquist modes and starts on a finer one."""
    grid = Grid(32, length=2 * math.pi)
    (x,) = grid.coordinates()
    sharp = torch.sin(x) + 0.1 * torch.cos(16 * x)
    u = torch.stack([0.1 * torch.sin(x), 1.5 * torch.sin(x), sharp])[:, None]
    w, g = random(1, 3, 1, 32), random(3, 3, 1, 32)
    flow = FlowMap(burgers(torch.tensor([0.1, 0.04, 0.1])), grid, (0.0, 0.1, 0.3, 0.7), rtol=1e-6)
    runs = flow._runs(u, None)[0]
    assert runs.stages[0][-1] == 0 < runs.stages[1][-1]
    assert runs.stages[1][0] == 0 < runs.stages[2][0]
    assert len(set(map(tuple, runs.taken))) == 3
    _, pushed = flow.tangent(u, w)
    leaf = u.clone().requires_grad_()
    (pulled,) = torch.autograd.grad(flow(leaf), leaf, g)
    one, other = (pushed[0] * g).flatten(1).sum(1), (w[0] * pulled).flatten(1).sum(1)
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_gradients_to_a_tolerance_are_those_of_the_true_solution():
    """Heat: u(T) = Σ exp(−ν (2πk/L)² T) û_k exp(2πikx/L)."""
    u0, nu, length = (
        smooth(2, 1, LINE),
        torch.tensor([0.2, 0.3], dtype=torch.float64),
        torch.tensor([5.0, 7.0], dtype=torch.float64),
    )
    times = torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64)
    g = smooth(6, 1, LINE).reshape(2, 3, 1, 24)

    def exact(u0: Tensor, nu: Tensor, length: Tensor, times: Tensor) -> Tensor:
        k = torch.arange(13).double() * 2 * math.pi / length[:, None, None, None]
        decay = torch.exp(-nu[:, None, None, None] * k**2 * times[:, None, None])
        return torch.fft.irfft(decay * torch.fft.rfft(u0).unsqueeze(1), n=24)

    def solved(u0: Tensor, nu: Tensor, length: Tensor, times: Tensor) -> Tensor:
        return solve(Equation("u_t = nu*u_xx + 0*u**2", nu=nu), u0, LINE, times, rtol=1e-9, length=length).u

    leaves = [each.clone().requires_grad_() for each in (u0, nu, length, times)]
    for one, other in zip(
        torch.autograd.grad(solved(*leaves), leaves, g), torch.autograd.grad(exact(*leaves), leaves, g), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def test_times_of_a_flow_map_and_its_initial_time():
    equation, u0, g = Equation(*TIME_IN_N, nu=0.1), smooth(1, 1, LINE) / 2, random(1, 2, 1, 24)
    times = torch.tensor([0.1, 0.4, 0.9], dtype=torch.float64)

    def value(times: Tensor) -> Tensor:
        return (FlowMap(equation, LINE, times, rtol=1e-9)(u0) * g).sum()

    leaf = times.clone().requires_grad_()
    (found,) = torch.autograd.grad(value(leaf), leaf)
    h = 5e-3
    for i, unit in enumerate(torch.eye(3, dtype=torch.float64)):
        near, far = (value(times + e * unit) - value(times - e * unit) for e in (h, 2 * h))
        assert float(found[i]) == pytest.approx(float(8 * near - far) / (12 * h), rel=1e-7)


def test_one_parameter_and_one_length_for_all_samples():
    u0, g = smooth(3, 1, LINE), random(3, 1, 1, 24)

    def gradients(nu: Tensor, length: Tensor) -> tuple[Tensor, ...]:
        leaves = [each.clone().requires_grad_() for each in (nu, length)]
        u = solve(Equation(*MIXED, nu=leaves[0]), u0, LINE, [0.3], dt=0.01, length=leaves[1]).u
        return torch.autograd.grad(u, leaves, g)

    one = gradients(torch.tensor(0.1, dtype=torch.float64), torch.tensor(6.0, dtype=torch.float64))
    each = gradients(torch.full((3,), 0.1, dtype=torch.float64), torch.full((3,), 6.0, dtype=torch.float64))
    for a, b in zip(one, each, strict=True):
        torch.testing.assert_close(a, b.sum(), rtol=1e-11, atol=1e-11)


def test_only_what_is_asked_is_followed():
    u0 = smooth(2, 1, LINE)
    assert not solve(kdv(), u0, LINE, [0.1], dt=0.01).u.requires_grad
    with torch.no_grad():
        assert not solve(kdv(), u0.clone().requires_grad_(), LINE, [0.1], dt=0.01).u.requires_grad
    nu = torch.tensor(0.1, requires_grad=True)
    result = solve(burgers(nu), u0.float(), LINE, [0.0, 0.1], rtol=1e-5, verify=1)
    assert result.u.requires_grad
    assert result.u.dtype == torch.float32
    assert not result.error.requires_grad
    (found,) = torch.autograd.grad(result.u[:, 0].sum(), nu, retain_graph=True)
    assert float(found) == 0.0, "the initial condition does not depend on the parameter"
    (found,) = torch.autograd.grad(result.u.square().sum(), nu)
    assert found.dtype == torch.float32
    assert float(found) < 0.0, "viscosity takes energy away"


def test_an_output_at_the_initial_time_is_the_initial_condition():
    u0 = smooth(2, 1, LINE).requires_grad_()
    u = solve(kdv(), u0, LINE, [0.0], dt=0.1).u
    (found,) = torch.autograd.grad(u, u0, random(2, 1, 1, 24))
    assert torch.equal(found, random(2, 1, 1, 24)[:, 0])


def test_second_derivatives_are_refused():
    u0 = smooth(1, 1, LINE).requires_grad_()
    loss = solve(kdv(), u0, LINE, [0.1], dt=0.05).u.square().sum()
    with pytest.raises(RuntimeError, match="cannot be differentiated again: ask for it without create_graph=True"):
        torch.autograd.grad(loss, u0, create_graph=True)


def peak_of_saved_numbers(run) -> int:
    """The largest number of numbers that graphs hold at once while `run` runs."""
    held = peak = 0

    class Saved:
        def __init__(self, tensor: Tensor):
            self.tensor = tensor

    def release(size: int) -> None:
        nonlocal held
        held -= size

    def pack(tensor: Tensor) -> Saved:
        nonlocal held, peak
        saved = Saved(tensor)
        held += tensor.numel()
        peak = max(peak, held)
        weakref.finalize(saved, release, tensor.numel())
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved.tensor):
        run()
    return peak


def test_memory_does_not_grow_with_the_number_of_steps(monkeypatch):
    def gradient(steps: int) -> None:
        u0 = smooth(2, 1, LINE).requires_grad_()
        nu = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
        u = solve(Equation(*MIXED, nu=nu), u0, LINE, [0.1, 0.2], dt=0.2 / steps).u
        torch.autograd.grad(u.sum(), (u0, nu))

    monkeypatch.setattr("pdesym.solvers.adjoint.STEPS_AT_ONCE", 4)
    few, many = (peak_of_saved_numbers(lambda steps=steps: gradient(steps)) for steps in (128, 512))
    assert many <= 1.05 * few
    monkeypatch.setattr("pdesym.solvers.adjoint.STEPS_AT_ONCE", 10**6)
    assert peak_of_saved_numbers(lambda: gradient(512)) > 1.5 * few


def test_a_sample_has_the_same_gradient_in_any_batch():
    u0 = RandomSinusoids().sample(LINE, range(3), seed=0)
    leaf = u0.clone().requires_grad_()
    (together,) = torch.autograd.grad(solve(kdv(), leaf, LINE, [0.1], rtol=1e-6).u.square().sum(), leaf)
    alone = u0[1:2].clone().requires_grad_()
    (single,) = torch.autograd.grad(solve(kdv(), alone, LINE, [0.1], rtol=1e-6).u.square().sum(), alone)
    torch.testing.assert_close(together[1:2], single, rtol=1e-12, atol=1e-12)


def test_where_gradients_do_not_pass_they_are_refused():
    u0, nu = smooth(2, 1, LINE), torch.tensor(0.1, requires_grad=True)
    with pytest.raises(ValueError, match=r"double precision: leave out precision=.mixed., or detach the input"):
        solve(burgers(nu), u0, LINE, [0.1], dt=0.05, precision="mixed")
    with pytest.raises(ValueError, match="double precision"):
        solve(burgers(0.1), u0, LINE, [0.1], dt=0.05, precision="mixed", length=torch.tensor(6.0, requires_grad=True))
    walls = FiniteDifferenceGrid(33, length=1.0, boundary=Dirichlet(0))
    with pytest.raises(ValueError, match="periodic grids only: detach u0, the parameters and the times"):
        solve(burgers(nu), torch.zeros(1, 1, *walls.points), walls, [0.1])


def test_large_batches_are_taken_in_parts(monkeypatch):
    u0 = smooth(5, 1, LINE)

    def gradient() -> Tensor:
        leaf = u0.clone().requires_grad_()
        nu = torch.full((5,), 0.1, dtype=torch.float64, requires_grad=True)
        u = solve(Equation(*MIXED, nu=nu), leaf, LINE, [0.1], dt=0.01).u
        return torch.cat([g.flatten() for g in torch.autograd.grad(u.square().sum(), (leaf, nu))])

    whole = gradient()
    monkeypatch.setattr("pdesym.solvers.replay._VALUES_ON_A_CPU", 2 * 24)
    torch.testing.assert_close(gradient(), whole, rtol=1e-12, atol=1e-12)
