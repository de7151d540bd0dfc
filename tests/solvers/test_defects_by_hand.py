"""Symmetries of the flow written out by hand, without pdesym.symmetry: dS·Q[u₀] = Q[u] for true generators alone."""

import pytest
import torch

from pdesym.solvers import FlowMap, Grid, RandomSinusoids, burgers, derivative, kdv, ks

CASES = {
    "kdv": (kdv(), Grid(512, length=128.0), 4.0),
    "ks": (ks(), Grid(192, length=64.0), 3.0),
    "burgers": (burgers(0.5), Grid(192, length=16.0), 1.5),
}


def defect(pushed: torch.Tensor, expected: torch.Tensor) -> float:
    return float((pushed - expected).norm() / (pushed.norm() ** 2 + expected.norm() ** 2).sqrt())


@pytest.mark.parametrize("name", CASES)
def test_true_generators_commute_with_the_flow_and_wrong_ones_do_not(name):
    equation, grid, horizon = CASES[name]
    u0 = RandomSinusoids().sample(grid, range(2), seed=0) + 0.3
    flow = FlowMap(equation, grid, (0.0, horizon))
    one = torch.ones_like(u0)
    u, (slope, boost, rate, scaling) = flow.tangent(u0, torch.stack([derivative(u0, grid, 1), one, flow.rhs(u0), u0]))
    u_x = derivative(u, grid, 1)
    assert defect(slope, u_x) <= 1e-12
    assert defect(boost, one - horizon * u_x) <= 1e-9
    assert defect(rate, flow.rhs(u, horizon)) <= 1e-8
    assert defect(boost, one + horizon * u_x) >= 0.1
    assert defect(scaling, u) >= 0.1
