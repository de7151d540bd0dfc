"""The data of the steppers: order conditions, agreement with the exact solution, damping of stiff waves."""

import math

import pytest
import torch

from pdesym.solvers import Grid, heat, solve
from pdesym.solvers.steppers import STATE, STEPPERS, Stepper, estimate, step, stepper_named

METHODS = list(STEPPERS)


def take(stepper: Stepper, symbol: complex, h: float, v: complex, nonlinear):
    """One step of a single mode, and its estimated error, for N(t, v)."""
    table = stepper.coefficients(torch.full((1, 1, 1), symbol, dtype=torch.complex128), h, True).unbind()

    def add(base, coefficient, value):
        return coefficient * value if base is None else base + coefficient * value

    state = torch.full((1, 1, 1), v, dtype=torch.complex128)
    new, evaluated = step(
        state, nonlinear(0.0, state), lambda i, u: nonlinear(stepper.nodes[i] * h, u), table, stepper, add
    )
    error = estimate(state, [*evaluated, nonlinear(h, new)], table, stepper, add)
    return new.item(), error.item()


def runge_kutta_tableau(stepper: Stepper) -> tuple[list[list[float]], list[float]]:
    """a_ij and b_j of the method without a linear part."""
    size = len(stepper.nodes)
    table = stepper.coefficients(torch.zeros(1, 1, 1, dtype=torch.complex128), 1.0, True).real.flatten().tolist()
    assert table[: len(stepper.stages) + 1] == pytest.approx([1.0] * size)
    entries = iter(table[size:])
    a = [[0.0] * size for _ in range(size)]
    for i, stage in enumerate(stepper.stages, start=1):
        for j in stage:
            a[i][j] = next(entries)
    b = [0.0] * size
    for j in stepper.weights:
        b[j] = next(entries)
    assert len(list(entries)) == len(stepper.estimate)
    return a, b


@pytest.mark.parametrize("method", METHODS)
def test_order_conditions_without_a_linear_part(method: str):
    stepper = STEPPERS[method]
    a, b = runge_kutta_tableau(stepper)
    c, size = stepper.nodes, range(len(stepper.nodes))

    def total(values):
        return sum(b[i] * values(i) for i in size)

    def through(i, values):
        return sum(a[i][j] * values(j) for j in size)

    for i in size:
        assert sum(a[i]) == pytest.approx(c[i], abs=1e-14)
    conditions = {
        1: [(lambda i: 1.0, 1.0)],
        2: [(lambda i: c[i], 1 / 2)],
        3: [(lambda i: c[i] ** 2, 1 / 3), (lambda i: through(i, lambda j: c[j]), 1 / 6)],
        4: [
            (lambda i: c[i] ** 3, 1 / 4),
            (lambda i: c[i] * through(i, lambda j: c[j]), 1 / 8),
            (lambda i: through(i, lambda j: c[j] ** 2), 1 / 12),
            (lambda i: through(i, lambda j: through(j, lambda k: c[k])), 1 / 24),
        ],
        5: [(lambda i: c[i] ** 4, 1 / 5), (lambda i: through(i, lambda j: c[j] ** 3), 1 / 20)],
    }
    for order, each in conditions.items():
        residuals = [abs(total(values) - exact) for values, exact in each]
        if order <= stepper.order:
            assert max(residuals) < 1e-13, order
        else:
            assert max(residuals) > 1e-4, "its order is said to be lower than it is"
            break


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("symbol", [-1.3, 2j, -0.4 + 3j])
def test_one_step_against_the_exact_solution(method: str, symbol: complex):
    """v' = L v + exp(-t) from v = 1: the local error and its estimate fall as they should."""
    stepper, tests = STEPPERS[method], (0.05, 0.025)

    def exact(h: float) -> complex:
        growth = torch.exp(torch.tensor(symbol * h, dtype=torch.complex128)).item()
        return growth + (growth - math.exp(-h)) / (symbol + 1)

    errors, estimates = [], []
    for h in tests:
        value, error = take(stepper, symbol, h, 1.0, lambda t, u: torch.full_like(u, math.exp(-t)) + 0.0 * u)
        errors.append(abs(value - exact(h)))
        estimates.append(abs(error))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(stepper.order + 1, abs=0.4)
    if STATE in stepper.estimate:
        assert math.log2(estimates[0] / estimates[1]) == pytest.approx(stepper.estimate_order, abs=0.4)


@pytest.mark.parametrize("method", METHODS)
def test_the_estimate_sees_a_nonlinear_error(method: str):
    stepper = STEPPERS[method]
    estimates = [abs(take(stepper, -1.0 + 2j, h, 1.0, lambda t, u: u * u)[1]) for h in (0.02, 0.01)]
    assert math.log2(estimates[0] / estimates[1]) == pytest.approx(stepper.estimate_order, abs=0.4)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "dopri5"])
def test_stiff_waves_are_damped_but_not_by_an_explicit_method(method: str):
    for symbol in (-1e8, -1e8 + 1e8j):
        assert abs(take(STEPPERS[method], symbol, 1.0, 1.0, lambda t, u: 0 * u)[0]) < 1e-6
    assert abs(take(STEPPERS["dopri5"], -1e8, 1.0, 1.0, lambda t, u: 0 * u)[0]) > 1e6


@pytest.mark.parametrize("method", METHODS)
def test_matrices_give_what_numbers_give(method: str):
    symbol = torch.tensor([[[-0.5 + 1j], [-2.0 - 0.3j]]], dtype=torch.complex128)
    table = STEPPERS[method].coefficients(symbol, 0.3, True)
    matrices = STEPPERS[method].coefficients(torch.diag_embed(symbol.movedim(1, -1)), 0.3, False)
    torch.testing.assert_close(matrices, torch.diag_embed(table.movedim(2, -1)), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_keeps_to_a_tolerance(method: str):
    grid = Grid(16, length=2 * math.pi)
    (x,) = grid.coordinates()
    u0 = (torch.sin(x) + 0.5 * torch.cos(2 * x)).reshape(1, 1, -1)
    result = solve(heat(0.3), u0, grid, [0.5, 1.0], rtol=1e-6, method=method)
    exact = torch.stack(
        [math.exp(-0.3 * t) * torch.sin(x) + 0.5 * math.exp(-1.2 * t) * torch.cos(2 * x) for t in (0.5, 1.0)]
    )
    assert float((result.u[0, :, 0] - exact).norm() / exact.norm()) < 1e-6
    assert float(result.error) <= 1e-6


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="no method 'rk4': choose one of etdrk4, "):
        stepper_named("rk4")
