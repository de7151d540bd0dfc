"""Combinations of vector fields that exact and inexact operators on a torus respect."""

import math

import pytest
import torch

from pdesym.solvers import FlowMap, Grid, RandomSinusoids, burgers, heat, kdv
from pdesym.symmetry import Generator, Library
from pdesym.symmetry.discover import discover_equivariances
from tests.symmetry.noisy import Noisy

GRID = Grid(128, length=8 * math.pi)
BOOST = "t*d_x + d_u"


def generators(*texts):
    return [Generator(text) for text in texts]


def waves(samples=6):
    return 0.3 + RandomSinusoids(waves=(1, 3)).sample(GRID, range(samples), 0)


def test_known_symmetries_of_kdv_stand_apart_from_a_false_one():
    flow = FlowMap(kdv(), GRID, (0.0, 0.5), rtol=1e-11)
    found = discover_equivariances(flow, generators("d_x", "d_t", BOOST, "u*d_u"), waves(), GRID, 0.0, 0.5)
    assert found.dimension == 3
    assert found.spectrum[:3].max() <= 1e-9
    assert 0.1 <= found.spectrum[3] <= math.sqrt(2)
    assert set(map(str, found.generators)) == {"d_x", "d_t", BOOST}
    assert not found.flags
    assert 0.1 <= found.alone[3] <= found.spectrum[3]
    assert found.algebra.closure == 0


def test_a_symmetry_is_found_as_a_combination():
    """Neither t ∂_x nor ∂_u nor u ∂_u is a symmetry of Burgers: one combination of them is."""
    flow = FlowMap(burgers(0.5), GRID, (0.0, 0.5), rtol=1e-11)
    found = discover_equivariances(flow, Library.polynomial(1, space=False), waves(), GRID, 0.0, 0.5)
    assert set(map(str, found.generators)) == {"d_x", "d_t", BOOST}
    assert found.alone.max() > 0.1
    assert found.spectrum[3] > 1e-3


def test_a_linear_equation_has_more():
    flow = FlowMap(heat(0.1), GRID, (0.0, 0.5), rtol=1e-11)
    candidates = generators("d_x", "d_t", "u*d_u", "d_u", BOOST, "u**2*d_u")
    found = discover_equivariances(flow, candidates, waves(), GRID, 0.0, 0.5)
    assert set(map(str, found.generators)) == {"d_x", "d_t", "u*d_u", "d_u"}


def test_what_moves_nothing_is_no_symmetry():
    flow = FlowMap(burgers(0.5), GRID, (0.0, 0.5), rtol=1e-11)
    found = discover_equivariances(flow, generators("d_x", "2*d_x", "u*d_u"), waves(), GRID, 0.0, 0.5)
    assert len(found.spectrum) == 2
    assert len(found.dropped) == 1
    assert "dropped" in str(found)
    assert found.dimension == 1
    # Rows that do not vary in x: translation leaves them where they are.
    flat = torch.ones_like(waves()) * torch.arange(1.0, 7.0).reshape(-1, 1, 1)
    still = discover_equivariances(flow, generators("d_x", "u*d_u"), flat, GRID, 0.0, 0.5)
    assert [str(generator) for generator in still.dropped] == ["d_x"]
    assert math.isnan(still.alone[0])
    with pytest.raises(ValueError, match="moves these data"):
        discover_equivariances(flow, generators("d_x"), flat, GRID, 0.0, 0.5)


def test_errors_of_a_thousandth_leave_the_ranking():
    flow = Noisy(FlowMap(kdv(), GRID, (0.0, 0.5), rtol=1e-10), 1e-3)
    candidates = generators("d_t", BOOST, "u*d_u", "u**2*d_u")
    found = discover_equivariances(flow, candidates, waves(), GRID, 0.0, 0.5, calibration=Generator("d_x"))
    assert found.dimension == 2
    assert set(map(str, found.generators)) == {"d_t", BOOST}
    assert 1e-4 < found.calibration < 1e-2
    assert "calibration" in found.decision.rule
    assert not found.flags


def test_errors_as_large_as_everything_are_flagged():
    flow = Noisy(FlowMap(kdv(), GRID, (0.0, 0.5), rtol=1e-10), 0.3)
    candidates = generators("d_t", BOOST, "u*d_u")
    found = discover_equivariances(flow, candidates, waves(), GRID, 0.0, 0.5, calibration=Generator("d_x"))
    assert any("unclear" in flag for flag in found.flags)


def test_one_sample_tells_nothing():
    with pytest.raises(ValueError, match="at least two samples"):
        discover_equivariances(lambda u: u, generators("d_x"), waves(1), GRID, 0.0, 0.5)
