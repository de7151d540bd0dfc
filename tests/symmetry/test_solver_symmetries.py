"""What the spectral solver keeps of the symmetries of its equations, against what is no symmetry of them."""

import pytest
import torch

from pdesym.solvers import FlowMap, Grid, RandomSinusoids, burgers, kdv, ks
from pdesym.symmetry import Generator, finite_defect, lie_derivatives

BOUNDS = {"d_x": 1e-12, "t*d_x + d_u": 1e-9, "d_t": 1e-8}
FALSE = ["-t*d_x + d_u", "u*d_u"]
CASES = {
    "kdv": (kdv(), Grid(512, length=128.0), 4.0),
    "ks": (ks(), Grid(192, length=64.0), 3.0),
    "burgers": (burgers(0.5), Grid(192, length=16.0), 1.5),
}


@pytest.mark.parametrize("name", CASES)
def test_the_solver_has_the_symmetries_of_the_equation_and_no_others(name):
    equation, grid, horizon = CASES[name]
    u = RandomSinusoids().sample(grid, range(2), seed=0) + 0.3
    solver = FlowMap(equation, grid, times=(0.0, horizon))
    generators = [Generator(text) for text in [*BOUNDS, *FALSE]]
    measured = lie_derivatives(solver, generators, u, grid, 0.0, horizon)
    defects = {str(g): float(defect.relative) for g, defect in zip(generators, measured, strict=True)}
    for text, bound in BOUNDS.items():
        assert defects[text] <= bound, defects
    for text in FALSE:
        assert defects[text] >= 0.1, defects
    assert finite_defect(solver, generators[1], u, grid, 0.0, horizon, 0.4).relative < 1e-9
    assert finite_defect(solver, generators[3], u, grid, 0.0, horizon, 0.4).relative > 0.1


def test_frames_of_the_solver():
    equation, grid, _ = CASES["burgers"]
    u = RandomSinusoids().sample(grid, range(2), seed=1) + 0.3
    times = torch.tensor([1.0, 1.2, 1.5], dtype=torch.float64)
    solver = FlowMap(equation, grid, times=times)
    generators = [Generator(text) for text in ("t*d_x + d_u", "d_t", "u*d_u")]
    boost, shift, wrong = lie_derivatives(solver, generators, u, grid, 1.0, times[1:])
    assert boost.target.shape == (2, 2, 1, 192)
    assert boost.relative < 1e-9
    assert shift.relative < 1e-8
    assert wrong.relative > 0.05
