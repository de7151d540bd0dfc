"""Scalings of flows with the length of the box and parameters among what is scaled."""

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, allen_cahn, burgers, heat, kdv, ks, navier_stokes
from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.discover.scalings import discover_scalings

GRID = Grid(64, length=12.0)
HYPERVISCOUS = Equation("u_t = -u*u_x - u_xx - p*u_xxxx", p=1.0)

# (equation, parameters, rows of weights of u, t, x and the parameters)
KNOWN = {
    "heat": (heat(0.1), ("nu",), [(1, 0, 0, 0), (0, 2, 1, 0), (0, 1, 0, -1)]),
    "burgers": (burgers(0.3), ("nu",), [(-1, 2, 1, 0), (1, -1, 0, 1)]),
    "burgers, its viscosity kept": (burgers(0.3), (), [(-1, 2, 1)]),
    "kdv": (kdv(), ("b",), [(-2, 3, 1, 0), (1, -1, 0, 1)]),
    "kuramoto-sivashinsky": (ks(), (), []),
    "kuramoto-sivashinsky, its hyperviscosity scaled": (HYPERVISCOUS, ("p",), [(-1, 2, 1, 2)]),
    "allen-cahn": (allen_cahn(0.3), (), []),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_scalings_of_known_equations(name):
    equation, parameters, rows = KNOWN[name]
    u = RandomSinusoids(waves=(1, 2)).sample(GRID, range(3), 0)
    found = discover_scalings(FlowMap(equation, GRID, (0.0, 0.1), rtol=1e-10), u, parameters)
    assert found.dimension == len(rows)
    assert found.decision.margin > 1e5
    if rows:
        weights = torch.tensor(rows, dtype=torch.float64).numpy()
        assert largest_angle(found.weights.matrix, weights) < 1e-5
        assert found.weights.rational


def test_they_are_written_as_vector_fields():
    u = RandomSinusoids(waves=(1, 2)).sample(GRID, range(3), 0)
    found = discover_scalings(FlowMap(kdv(), GRID, (0.0, 0.1), rtol=1e-10), u)
    assert "2*u*d_u - 3*t*d_t - x*d_x" in str(found)
    assert "1 scalings" in str(found)


def test_a_flow_in_the_plane():
    grid = Grid(24, 24, length=6.0)
    w = RandomSinusoids(waves=(1, 3)).sample(grid, range(2), 0)
    w = w - w.mean((-2, -1), keepdim=True)
    found = discover_scalings(FlowMap(navier_stokes(0.05), grid, (0.0, 0.1), rtol=1e-9), w, ("nu",))
    assert found.dimension == 2
    assert largest_angle(found.weights.matrix, torch.tensor([[1, -1, 0, 1], [0, 0, 1, 2.0]]).double().numpy()) < 1e-4


def test_what_cannot_be_scaled_is_refused():
    u = RandomSinusoids(waves=(1, 2)).sample(GRID, range(2), 0)
    with pytest.raises(ValueError, match="Expected parameters among nu"):
        discover_scalings(FlowMap(burgers(0.3), GRID, (0.0, 0.5)), u, ("mu",))
    with pytest.raises(ValueError, match="initial time 0"):
        discover_scalings(FlowMap(burgers(0.3), GRID, (1.0, 1.5)), u)
