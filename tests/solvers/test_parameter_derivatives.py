"""Tangents with parameters, lengths and times: against differences, the adjoint, and scaling symmetries."""

import math

import pytest
import torch
from torch import Tensor

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, burgers, heat, kdv
from tests.solvers.differentiable import CASES, LINE


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def smooth(rows: int, fields: int, grid: Grid) -> Tensor:
    """A few waves along each axis, of size 1."""
    modes = torch.fft.rfftn(random(rows, fields, *grid.points), dim=tuple(range(-grid.dims, 0)), norm="ortho")
    for axis, n in enumerate(grid.points):
        k = (torch.fft.rfftfreq if axis == grid.dims - 1 else torch.fft.fftfreq)(n, 1 / n)
        modes = modes * (k.abs() <= 3).reshape([-1 if i == axis else 1 for i in range(grid.dims)])
    return torch.fft.irfftn(modes, s=grid.points, norm="ortho")


@pytest.mark.parametrize(("texts", "options", "grid", "method"), CASES)
@pytest.mark.parametrize("per_sample", [True, False])
def test_the_adjoint_is_the_transpose_of_the_tangent(texts, options, grid, method, per_sample):
    """⟨J (w, ṗ, L̇, Ṫ), g⟩ = ⟨(w, ṗ, L̇, Ṫ), Jᵀ g⟩; the adjoint is held against differences elsewhere."""
    u, g = smooth(2, len(texts), grid), random(2, 2, len(texts), *grid.points)
    times = torch.tensor([0.0, 0.05, 0.12], dtype=torch.float64)
    w, of_nu, of_length, of_times = smooth(6, len(texts), grid), random(3, 2), random(3, 2, grid.dims), random(3, 2)
    w = w.unflatten(0, (3, 2))
    nu = torch.tensor([0.1, 0.13 if per_sample else 0.1], dtype=torch.float64)
    length = torch.tensor(grid.length, dtype=torch.float64) + torch.tensor([[0.3 if per_sample else 0.0], [0.0]])

    def flow(nu, length, times=times):
        return FlowMap(Equation(*texts, nu=nu, **options), grid, times, dt=0.006, method=method, length=length)

    forward = flow(nu, length) if per_sample else flow(float(nu[0]), None)
    value, pushed = forward.tangent(u, w, parameters={"nu": of_nu}, length=of_length, times=of_times)
    assert torch.equal(value, forward(u))
    leaves = [each.clone().requires_grad_() for each in (u, nu, length, times)]
    gradients = torch.autograd.grad(flow(leaves[1], leaves[2], leaves[3])(leaves[0]), leaves, g)
    of_times = torch.cat([torch.zeros(3, 1), of_times], dim=1)
    for k in range(3):
        directions = (w[k], of_nu[k], of_length[k], of_times[k])
        parts = torch.stack([(a * b).sum() for a, b in zip(directions, gradients, strict=True)])
        assert float(((pushed[k] * g).sum() - parts.sum()).abs()) < 1e-12 * float(pushed[k].norm() * g.norm())
        assert float(parts[1:].abs().min()) > 1e-6, "each of them counts"


def test_rates_against_differences():
    """At frozen steps; the rate of a time is the right-hand side there."""
    u, rates = smooth(2, 1, LINE), torch.eye(3, dtype=torch.float64)
    text = "u_t = -u*u_x + nu*u_xx - 0.1*u_xxx + nu*sin(t)*u**2"

    def flow(e: Tensor) -> FlowMap:
        return FlowMap(Equation(text, nu=0.1 + float(e[0])), LINE, (0.0, 0.3), dt=0.01, length=6.0 + float(e[1]))

    at = flow(torch.zeros(3))
    nothing = torch.zeros(3, *u.shape, dtype=torch.float64)
    value, pushed = at.tangent(u, nothing, parameters={"nu": rates[:, 0]}, length=rates[:, 1], times=rates[:, 2])
    h = 1e-3
    for unit, image in zip(rates[:2], pushed, strict=False):
        near, far = (flow(k * h * unit)(u) - flow(-k * h * unit)(u) for k in (1, 2))
        expected = (8 * near - far) / (12 * h)
        assert float((image - expected).norm() / expected.norm()) < 1e-9
        elsewhere = (flow(1.01 * h * unit)(u) - flow(-h * unit)(u)) / (2 * h)
        assert float((image - elsewhere).norm() / elsewhere.norm()) > 1e-6
    rhs = at.rhs(value, t=0.3)
    assert float((pushed[2] - rhs).norm() / rhs.norm()) < 1e-6
    assert float((pushed[2] - at.rhs(value, t=0.2)).norm() / rhs.norm()) > 1e-4


WAVES = RandomSinusoids(waves=(1, 2, 3))
CHAOS = Equation("u_t = -u*u_x - u_xx - p*u_xxxx", p=1.0)


@pytest.mark.parametrize(
    ("equation", "weights", "wrong"),
    [
        (heat(0.3), {"u": 0.7, "t": 2.0}, {"u": 0.7, "t": 1.0}),
        (burgers(0.3), {"u": -1.0, "t": 2.0}, {"u": 1.0, "t": 2.0}),
        (kdv(), {"u": -2.0, "t": 3.0}, {"u": -1.0, "t": 3.0}),
        (CHAOS, {"u": -1.0, "t": 2.0, "p": 2.0}, {"u": -1.0, "t": 2.0, "p": 4.0}),
    ],
)
def test_scalings_that_stretch_the_box(equation, weights, wrong):
    """dS·(b u) + a T ∂S/∂T + L ∂S/∂L + Σ κ p ∂S/∂p = b S at fixed x/L, for x ↦ λx, t ↦ λᵃt, u ↦ λᵇu, p ↦ λᵏp."""
    grid, times = Grid(64, length=14.0), (0.0, 0.3, 0.6)
    u = 0.5 * WAVES.sample(grid, range(2), seed=0)
    flow = FlowMap(equation, grid, times, rtol=1e-10)

    def defect(weights: dict[str, float]) -> float:
        parameters = {
            name: torch.tensor([weights[name]], dtype=torch.float64) for name in equation.parameters if name in weights
        }
        value, pushed = flow.tangent(
            u,
            weights["u"] * u[None],
            parameters=parameters,
            length=torch.tensor([grid.length[0]], dtype=torch.float64),
            times=weights["t"] * torch.tensor([times[1:]], dtype=torch.float64),
        )
        return float((pushed[0] - weights["u"] * value).norm() / value.norm())

    assert defect(weights) < 1e-8
    assert defect(wrong) > 1e-2


@pytest.mark.parametrize(("equation", "name"), [(burgers(0.3), "nu"), (kdv(), "b")])
def test_scalings_within_the_box(equation, name):
    """(u, T, p) ↦ (μu, T/μ, μp): dS·u − T ∂S/∂T + p ∂S/∂p = S."""
    grid, time = Grid(64, length=14.0), torch.tensor([0.6], dtype=torch.float64)
    u, p = 0.5 * WAVES.sample(grid, range(2), seed=0), float(equation.parameters[name])
    flow = FlowMap(equation, grid, (0.0, 0.6), rtol=1e-10)
    defects = []
    for sign in (1, -1):
        value, pushed = flow.tangent(
            u, u[None], parameters={name: sign * torch.tensor([p], dtype=torch.float64)}, times=-time
        )
        defects.append(float((pushed[0] - value).norm() / value.norm()))
    assert defects[0] < 1e-8
    assert defects[1] > 1e-2


def test_samples_on_different_grids_with_different_steps():
    grid = Grid(32, length=2 * math.pi)
    (x,) = grid.coordinates()
    u, nu = torch.stack([0.1 * torch.sin(x), 1.5 * torch.sin(x)])[:, None], random(2).abs() / 10 + 0.04
    rates, g = random(2, 2), random(2, 2, 1, 32)
    instants = torch.tensor([0.0, 0.3, 0.7], dtype=torch.float64)
    flow = FlowMap(burgers(nu), grid, instants, rtol=1e-6)
    assert len(set(flow._runs(u, None)[0].points.tolist())) == 2
    _, pushed = flow.tangent(u, random(2, 2, 1, 32), parameters={"nu": rates}, times=rates)
    _, carried = flow.tangent(u, random(2, 2, 1, 32))
    _, timed = flow.tangent(u, random(2, 2, 1, 32), times=rates)
    leaves = [each.clone().requires_grad_() for each in (u, nu, instants)]
    gradients = torch.autograd.grad(FlowMap(burgers(leaves[1]), grid, leaves[2], rtol=1e-6)(leaves[0]), leaves, g)
    for k in range(2):
        of_nu, of_times = (rates[k] * gradients[1]).sum(), (rates[k] * gradients[2][1:]).sum()
        assert float(((pushed - timed)[k] * g).sum()) == pytest.approx(float(of_nu), rel=1e-10)
        assert float(((timed - carried)[k] * g).sum()) == pytest.approx(float(of_times), rel=1e-12)


def test_the_right_hand_side_has_derivatives_too():
    """∂N/∂ν = u_xx and L ∂N/∂L = u u_x − 2ν u_xx for Burgers; at fixed x/L."""
    u = smooth(2, 1, LINE)
    nu, length = torch.tensor([0.1, 0.2], dtype=torch.float64), torch.tensor([6.0, 7.0], dtype=torch.float64)

    def rhs(nu: Tensor, length: Tensor) -> Tensor:
        return FlowMap(burgers(nu), LINE, (0.0, 1.0), length=length).rhs(u)

    _, by_nu = torch.func.jvp(lambda nu: rhs(nu, length), (nu,), (nu,))
    _, by_length = torch.func.jvp(lambda length: rhs(nu, length), (length,), (length,))
    torch.testing.assert_close(rhs(nu, length) - by_nu, -by_length - 2 * by_nu, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"parameters": {"mu": torch.ones(2)}}, "no parameter 'mu' to be differentiated by; it has: nu"),
        ({"parameters": {"nu": torch.ones(3)}}, r"rates of parameter 'nu' must have the shape \(2,\) or \(2, 3\)"),
        ({"length": torch.ones(2, 3, 2)}, r"rates of the length must have the shape \(2,\) or \(2, 3\) or \(2, 3, 1\)"),
        ({"times": torch.ones(2, 2)}, r"rates of the times must have the shape \(2,\) or \(2, 1\), got \(2, 2\)"),
        ({"times": torch.tensor([1.0, math.nan])}, "rates of the times must be finite"),
        ({"u": smooth(3, 1, LINE).requires_grad_()}, "A tangent cannot be differentiated by autograd"),
    ],
)
def test_rates_that_do_not_fit(change, sentence):
    flow = FlowMap(burgers(0.1), LINE, (0.0, 0.1), dt=0.1)
    arguments = {"u": smooth(3, 1, LINE), "w": random(2, 3, 1, 24)} | change
    with pytest.raises(ValueError, match=sentence):
        flow.tangent(arguments.pop("u"), arguments.pop("w"), **arguments)
