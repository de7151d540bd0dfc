import math

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, burgers, kdv, ks, solve

GRID = Grid(128, length=40.0)
U0 = RandomSinusoids().sample(GRID, range(2), seed=0) + 0.2


def directions(count):
    return torch.stack([RandomSinusoids(waves=(1, 3)).sample(GRID, range(2), seed=10 + k) for k in range(count)])


@pytest.mark.parametrize("equation", [kdv(), burgers(0.3), ks()])
def test_the_tangent_is_the_derivative_of_the_map(equation):
    flow = FlowMap(equation, GRID, times=(0.0, 1.0), dt=0.02)
    w = directions(3)
    value, pushed = flow.tangent(U0, w)
    assert torch.equal(value, flow(U0))
    for direction, image in zip(w, pushed, strict=True):
        h = 1e-4
        ahead, behind = flow(U0 + h * direction), flow(U0 - h * direction)
        further, before = flow(U0 + 2 * h * direction), flow(U0 - 2 * h * direction)
        difference = (8 * (ahead - behind) - (further - before)) / (12 * h)
        assert float((image - difference).norm() / difference.norm()) < 1e-8
    assert float((pushed[0] - pushed[1]).norm() / pushed[0].norm()) > 0.1


def test_tangents_are_linear_and_independent_of_one_another():
    flow = FlowMap(kdv(), GRID, times=(0.0, 1.0), rtol=1e-7)
    w = directions(2)
    _, both = flow.tangent(U0, w)
    _, combined = flow.tangent(U0, (2 * w[0] - w[1])[None])
    assert float((combined[0] - (2 * both[0] - both[1])).abs().max()) < 1e-12


def test_several_output_times_and_the_semigroup():
    several = FlowMap(burgers(0.3), GRID, times=(0.0, 0.5, 1.0), rtol=1e-10)
    half = FlowMap(burgers(0.3), GRID, times=(0.0, 0.5), rtol=1e-10)
    u = several(U0)
    assert u.shape == (2, 2, 1, 128)
    assert float((half(half(U0)) - u[:, 1]).norm() / u[:, 1].norm()) < 1e-9
    w = directions(1)
    _, pushed = several.tangent(U0, w)
    middle, first = half.tangent(U0, w)
    _, second = half.tangent(middle, first)
    assert float((second[0] - pushed[0, :, 1]).norm() / second.norm()) < 1e-8


def test_the_right_hand_side_is_the_rate_of_the_flow():
    flow = FlowMap(ks(), GRID, times=(0.0, 1e-4), dt=1e-4)
    rate = (flow(U0) - U0) / 1e-4
    assert float((flow.rhs(U0) - rate).norm() / rate.norm()) < 1e-3


def test_explicit_time_starts_where_it_is_said_to():
    equation = Equation("u_t = t*u")
    u = FlowMap(equation, GRID, times=(1.0, 2.0))(U0)
    assert torch.allclose(u, U0 * math.exp(1.5), rtol=1e-8)


def test_precision_follows_the_input_and_the_work_is_in_double():
    flow = FlowMap(kdv(), GRID, times=(0.0, 1.0), rtol=1e-9)
    single = flow(U0.float())
    assert single.dtype == torch.float32
    assert float((single - flow(U0.float().double()).float()).abs().max()) == 0.0


@pytest.mark.parametrize("padded", [True, False])
def test_translation_commutes_with_an_unresolved_flow_only_where_products_are_padded(padded, monkeypatch):
    from pdesym.solvers import derivative, flow_map

    if not padded:
        monkeypatch.setattr(flow_map, "FIXED_TAIL", float("inf"))
    grid = Grid(48, length=2 * math.pi)
    u = 2 * RandomSinusoids(waves=(1, 2, 3)).sample(grid, range(2), seed=0)
    flow = FlowMap(burgers(0.05), grid, times=(0.0, 0.5), dt=0.01)
    value, pushed = flow.tangent(u, derivative(u, grid, 1)[None])
    defect = float((pushed[0] - derivative(value, grid, 1)).norm() / pushed.norm())
    assert (defect < 1e-11) == padded, defect


def test_solve_and_flow_map_are_the_same_solution():
    solution = solve(kdv(), U0, GRID, [1.0, 2.0], rtol=1e-9)
    flow = FlowMap(kdv(), GRID, times=(0.0, 1.0, 2.0), rtol=1e-9)
    assert float((solution.u - flow(U0)).norm() / solution.u.norm()) < 2e-9


def test_the_right_hand_side_takes_a_time_for_each_sample():
    flow = FlowMap(Equation("u_t = t*u"), GRID, times=(0.0, 1.0))
    rates = flow.rhs(U0, t=torch.tensor([2.0, 3.0]))
    assert torch.allclose(rates, U0 * torch.tensor([2.0, 3.0]).reshape(-1, 1, 1), atol=1e-12)
