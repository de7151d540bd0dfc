"""Mixtures of solutions of Burgers' equation."""

import math
from dataclasses import replace
from importlib import import_module

import pytest
import torch

from pdesym.solvers import Grid, RandomSinusoids, burgers, heat, solve
from pdesym.symmetry.augment.superposition import (
    RandomSuperposition,
    augment_by_superposition,
    draw_superposition,
    superpose,
)

GRID = Grid(256, length=2 * math.pi)
TIMES = torch.linspace(0, 3, 13, dtype=torch.float64)
NU = 0.05


def nmse(u, truth):
    return (u - truth).square().flatten(1).sum(1) / truth.square().flatten(1).sum(1)


def solved(u0, equation, length=None):
    return solve(equation, u0, GRID, TIMES, rtol=1e-7, **({} if length is None else {"length": length}))


@pytest.fixture(scope="module")
def solutions():
    """Six solutions with different means."""
    u0 = RandomSinusoids(waves=(1, 2, 3)).sample(GRID, range(6), seed=0)
    return solved(u0 + torch.linspace(-0.5, 0.7, 6, dtype=torch.float64)[:, None, None], burgers(NU))


def test_a_mixture_is_the_solution_from_its_first_frame(solutions):
    partner, share = draw_superposition(solutions, seed=3)
    mixed = superpose(solutions, partner, share)
    assert nmse(mixed.u, solved(mixed.u[:, 0], burgers(NU)).u).max() < 1e-9
    assert (nmse(mixed.u, solutions.u) > 1e-2).all()
    assert mixed.error.isnan().all()
    # Mixing u itself does not give a solution.
    share = share.reshape(-1, 1, 1, 1)
    linear = (1 - share) * solutions.u + share * solutions.u[partner]
    assert nmse(linear, solved(linear[:, 0], burgers(NU)).u).min() > 1e-3


def test_a_steep_potential_does_not_overflow():
    """max φ − min φ is beyond 800, where e^φ is no float64; the mean is that of the grid's own resolution."""
    nu = 5e-4
    (x,) = GRID.coordinates()
    u = torch.stack([torch.cos(x) / 2, torch.sin(x - 1) / 2 + 0.2])[:, None, None]
    frame = replace(
        solved(torch.zeros(2, 1, 256, dtype=torch.float64), burgers(nu)),
        u=u,
        times=torch.zeros(1, dtype=torch.float64),
    )
    mixed = superpose(frame, torch.tensor([1, 0]), torch.tensor([0.5, 0.5], dtype=torch.float64)).u
    assert mixed.isfinite().all()
    assert mixed.abs().max() < 2


def test_each_sample_keeps_its_mean_and_a_share_of_one_is_the_partner_in_its_frame(solutions):
    partner = torch.tensor([1, 2, 3, 4, 5, 0])
    mixed = superpose(solutions, partner, torch.ones(6, dtype=torch.float64))
    mean = solutions.u[:, 0].mean(-1, keepdim=True)
    torch.testing.assert_close(mixed.u.mean(-1), mean.expand(-1, 13, -1)[..., 0].unsqueeze(-1), rtol=0, atol=1e-9)
    expected = solutions.u[partner, 0] - mean[partner] + mean
    torch.testing.assert_close(mixed.u[:, 0], expected, rtol=0, atol=1e-12)


def test_a_share_of_zero_changes_no_bit(solutions):
    single = replace(solutions, u=solutions.u.float())
    share = torch.tensor([0.0, 0.5, 0.0, 1.0, 0.0, 0.3], dtype=torch.float64)
    mixed = superpose(single, torch.tensor([1, 2, 3, 4, 5, 0]), share)
    assert mixed.u.dtype == torch.float32
    for sample, s in enumerate(share):
        assert torch.equal(mixed.u[sample], single.u[sample]) == (s == 0)


def test_viscosities_and_boxes_of_their_own():
    nu = torch.tensor([0.05, 0.1, 0.05, 0.1, 0.2], dtype=torch.float64)
    length = torch.tensor([[6.0], [7.0], [6.0], [7.0], [6.0]], dtype=torch.float64)
    u0 = 0.3 + RandomSinusoids(waves=(1, 2)).sample(GRID, range(5), seed=1)
    data = solved(u0, burgers(nu), length)
    partner, share = draw_superposition(data, seed=0)
    assert partner.tolist() == [2, 3, 0, 1, 4]
    mixed = superpose(data, partner, share)
    assert nmse(mixed.u, solved(mixed.u[:, 0], burgers(nu), length).u).max() < 1e-9
    with pytest.raises(ValueError, match=r"got sample 1 with nu = 0.1 and L = 7 for sample 0 with nu = 0.05 and L = 6"):
        superpose(data, torch.tensor([1, 0, 3, 2, 4]), share)


def test_the_draw_depends_on_the_seed_and_the_sample(solutions, monkeypatch):
    partner, share = draw_superposition(solutions, seed=1)
    assert (partner != torch.arange(6)).all()
    assert not torch.equal(share, draw_superposition(solutions, seed=2)[1])
    half = draw_superposition(solutions, seed=1, probability=0.5)
    assert torch.equal(half[0], partner)
    assert ((half[1] == 0) | (half[1] == share)).all()
    assert (half[1] == 0).any()
    together = superpose(solutions, partner, share).u
    monkeypatch.setattr(
        import_module("pdesym.symmetry.augment.superposition"), "_CHUNK", 1
    )  # one sample at a time, the same bits
    assert torch.equal(augment_by_superposition(solutions, 1).u, together)
    assert torch.equal(augment_by_superposition(solutions, 1, probability=0.0).u, solutions.u)


def test_windows_of_one_batch_are_mixed(solutions):
    """Windows that begin at different times: each mixture is the solution from its first frame."""
    starts = [0, 3, 5, 2, 1, 4]
    u = torch.stack([solutions.u[sample, start : start + 5] for sample, start in enumerate(starts)])
    times = torch.stack([TIMES[start : start + 5] for start in starts])
    mix = RandomSuperposition(GRID, NU, probability=0.7)
    rng = torch.Generator().manual_seed(2)
    pair = mix(u[:, :2], u[:, 2:], times, rng)
    moved = torch.cat(pair, 1)
    again = solve(burgers(NU), moved[:, 0], GRID, TIMES[:5], rtol=1e-7).u
    assert nmse(moved, again).max() < 1e-9
    same = [torch.equal(a, b) for a, b in zip(moved, u, strict=True)]
    assert any(same)
    assert not all(same)
    repeated = torch.cat(mix(u[:, :2], u[:, 2:], times, torch.Generator().manual_seed(2)), 1)
    assert torch.equal(repeated, moved)
    single = mix(u[:, :2].float(), u[:, 2:].float(), times, torch.Generator().manual_seed(2))
    torch.testing.assert_close(torch.cat(single, 1), moved.float(), rtol=0, atol=1e-4)
    times[0, 1] += 0.01
    with pytest.raises(ValueError, match=r"equally far apart in time, got others: cut them from trajectories"):
        mix(u[:, :2], u[:, 2:], times, rng)


def test_bad_input_is_refused_in_one_sentence(solutions):
    partner, share = draw_superposition(solutions, seed=0)
    with pytest.raises(ValueError, match=r"is one of solutions of u_t = -u\*u_x \+ nu\*u_xx on a 1D .* got u_t = nu"):
        augment_by_superposition(replace(solutions, equation=heat(0.1)), 0)
    with pytest.raises(ValueError, match=r"Expected shares between 0 and 1, got \[2.0"):
        superpose(solutions, partner, share * 0 + 2)
    with pytest.raises(ValueError, match=r"Expected partners in 0 .. 5, got \[6"):
        superpose(solutions, partner * 0 + 6, share)
    with pytest.raises(ValueError, match=r"one partner and one share for each of the 6 samples, got shapes \(5,\)"):
        superpose(solutions, partner[:5], share[:5])
    with pytest.raises(ValueError, match=r"Expected a probability between 0 and 1, got 1.5"):
        draw_superposition(solutions, 0, 1.5)
    with pytest.raises(ValueError, match=r"Expected a viscosity that is positive and finite, got 0"):
        RandomSuperposition(GRID, 0.0)
    with pytest.raises(ValueError, match=r"Expected a 1D grid, got one of 2 axes"):
        RandomSuperposition(Grid(8, 8, length=1.0), 0.1)
