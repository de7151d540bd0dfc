"""Relaxed equivariance on vectors with shifts and reflections of their entries."""

import copy

import pytest
import torch
from torch import nn

from pdesym.symmetry.relax import (
    CyclicShifts,
    Dihedral,
    RelaxedEquivariant,
    orbit_distance,
    orbit_mean,
    relaxed_defect,
    strict_defect,
)


def tanh_network(n, seed=0):
    rng = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Linear(n, 24), nn.Tanh(), nn.Linear(24, n)).double()
    for weight in network.parameters():
        weight.data = torch.randn(weight.shape, generator=rng, dtype=torch.float64)
    return network.requires_grad_(False)


def circular(n, seed=0):
    """A strictly equivariant network: circular convolutions."""
    rng = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, n, generator=rng, dtype=torch.float64)

    def convolved(x, kernel):
        return torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(kernel), n=n)

    return lambda x: convolved(torch.tanh(convolved(x, first)), second)


def periodic(period, n=12, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(1, period, generator=rng, dtype=torch.float64).repeat(1, n // period)


@pytest.mark.parametrize("order", [1, 3, 12])
def test_the_table_of_twelve_shifts(order):
    """|G_x| = 1, 3, 12: relaxed holds for all three, strict for the first alone, and the output breaks all symmetry."""
    group, x = CyclicShifts(12), periodic(12 // order)
    module = RelaxedEquivariant(tanh_network(12), group)
    assert group.stabiliser(x).order.tolist() == [order]
    assert relaxed_defect(module, group, x).item() < 1e-12
    if order < 12:  # of a constant x all maps are relaxed equivariant: the orbit is a point
        assert relaxed_defect(module.network, group, x).item() > 0.1
    strict = strict_defect(module, group, x).item()
    assert strict < 1e-12 if order == 1 else strict > 0.1
    assert group.stabiliser(module(x)).order.tolist() == [1]
    equivariant = circular(12)
    assert strict_defect(equivariant, group, x).item() < 1e-12
    assert group.stabiliser(equivariant(x)).order.item() >= order


def test_every_element_acts_as_the_table_says():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(100, 5, generator=rng, dtype=torch.float64)
    for group in (CyclicShifts(5), Dihedral(5)):
        g, h = group.random(100, rng), group.random(100, rng)
        assert torch.equal(group.act(group.compose(g, h), x), group.act(g, group.act(h, x)))
        assert torch.equal(group.act(group.inverse(g), group.act(g, x)), x)
        assert torch.equal(group.act(group.identity(100), x), x)
        assert len(group.act(group.everything(), x[:1].expand(len(group), 5)).unique(dim=0)) == len(group)


@pytest.mark.parametrize(("entries", "order"), [((1, 2, 3, 4, 5, 6), 1), ((1, 2, 3, 3, 2, 1), 2), ((1, 2) * 3, 6)])
def test_reflections_count_as_symmetries(entries, order):
    group, x = Dihedral(6), torch.tensor([entries], dtype=torch.float64)
    module = RelaxedEquivariant(tanh_network(6), group)
    stabiliser = group.stabiliser(x)
    assert stabiliser.order.tolist() == [order]
    assert torch.equal(group.act(stabiliser.elements(0), x.expand(order, 6)), x.expand(order, 6))
    assert relaxed_defect(module, group, x).item() < 1e-12
    assert (strict_defect(module, group, x).item() > 0.1) == (order > 1)


def test_a_batch_mixes_stabilisers():
    group = CyclicShifts(12)
    x = torch.cat([periodic(period) for period in (12, 4, 1, 6)])
    module = RelaxedEquivariant(tanh_network(12), group)
    assert group.stabiliser(x).order.tolist() == [1, 3, 12, 2]
    assert relaxed_defect(module, group, x).max() < 1e-12
    assert torch.allclose(module(x)[2:3], module(x[2:3]))


def test_the_distance_up_to_the_stabiliser_and_the_mean_over_it():
    """An equivariant prediction is no nearer than the mean; a member of the orbit is at distance 0."""
    group, x = CyclicShifts(12), periodic(4)
    stabiliser = group.stabiliser(x)
    y = periodic(12, seed=5)
    mean = orbit_mean(y, group, stabiliser)
    assert torch.allclose(mean, y.reshape(3, 4).mean(0).repeat(3)[None])
    assert orbit_distance(group.act(torch.tensor([8]), y), y, group, stabiliser).item() < 1e-25
    assert orbit_distance(group.act(torch.tensor([1]), y), y, group, stabiliser).item() > 1
    bound = (mean - y).square().sum()
    assert orbit_distance(circular(12)(x), y, group, stabiliser) >= bound
    assert torch.allclose(orbit_distance(mean, y, group, stabiliser), bound)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_does_not_choose(dtype):
    """Entries that tie exactly, and the same entries with rounding errors, have one canonical form."""
    x = torch.tensor([[1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 2]], dtype=dtype)
    group = CyclicShifts(12)
    rng = torch.Generator().manual_seed(0)
    moved = torch.cat([x.roll(shift, 1) for shift in range(12)])
    rough = moved * (1 + 4 * torch.finfo(dtype).eps * torch.randn(moved.shape, generator=rng).to(dtype))
    forms = group.act(group.inverse(group.canonical(rough)), rough)
    assert (forms - forms[0]).abs().max() < 1e3 * torch.finfo(dtype).eps


def test_the_coset_draws_an_equivariant_distribution():
    """All outcomes s h f(h⁻¹ x), s ∈ G_x, of g x are those of x moved by g, with their frequencies."""
    group, x = CyclicShifts(12), periodic(4)
    module = RelaxedEquivariant(tanh_network(12), group, mode="coset")

    def outcomes(x):
        h, elements = group.canonical(x), group.stabiliser(x).elements(0)
        y = module.network(group.act(group.inverse(h), x)).expand(len(elements), 12)
        return group.act(group.compose(elements, h.expand(len(elements))), y)

    for g in range(12):
        expected, found = outcomes(x).roll(g, 1), outcomes(x.roll(g, 1))
        distance = torch.cdist(expected, found)
        assert (distance.amin(0) < 1e-12).all()
        assert (distance.amin(1) < 1e-12).all()
        assert (distance > 0.1).sum() == 6
    drawn = module(x.expand(600, 12), generator=torch.Generator().manual_seed(3))
    nearest = torch.cdist(drawn, outcomes(x))
    assert (nearest.amin(1) < 1e-12).all()
    assert all(150 < count < 250 for count in nearest.argmin(1).bincount().tolist())


def test_it_trains_and_is_copied():
    group = CyclicShifts(12)
    network = nn.Linear(12, 12, dtype=torch.float64)
    module = RelaxedEquivariant(network, group)
    module(periodic(12)).square().sum().backward()
    assert network.weight.grad.abs().max() > 0
    copied = copy.deepcopy(module)
    assert torch.equal(copied(periodic(4)), module(periodic(4)))
    assert list(module.state_dict()) == ["network.weight", "network.bias"]


@pytest.mark.parametrize("entry", [torch.nan, torch.inf])
def test_a_sample_that_is_not_finite_has_no_symmetry_but_the_identity(entry):
    group, x = CyclicShifts(12), torch.cat([periodic(4), periodic(4)])
    x[1, 2] = entry
    assert group.stabiliser(x).order.tolist() == [3, 1]
    y = RelaxedEquivariant(nn.Identity(), group, mode="coset")(x, generator=torch.Generator().manual_seed(0))
    assert torch.equal(y[0], x[0])
    assert not y[1].isfinite().all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda group, x: RelaxedEquivariant(nn.Identity(), group, mode="strict"), "'deterministic' or 'coset', got"),
        (lambda group, x: RelaxedEquivariant(nn.Identity(), group, mode="coset")(x), "give generator=torch.Generator"),
        (lambda group, x: group.act(torch.zeros(1), x), r"indices \(batch,\) of elements, int64, got torch.float32"),
        (lambda group, x: group.act(torch.tensor([12]), x), "an index from 0 to 11 for each of 1 samples, got 1"),
        (lambda group, x: group.act(torch.tensor([1]), torch.cat([x, x])), "for each of 2 samples, got 1"),
        (lambda group, x: group.canonical(x[:, :5]), r"vectors of 12 entries, the last axis, got shape \(1, 5\)"),
        (lambda group, x: group.canonical(x.half()), "float32 or float64 to look for symmetries in, got torch.float16"),
        (lambda group, x: group.stabiliser(x, 2.0), "a tolerance between 0 and 1, a part of the size of a sample"),
        (lambda group, x: CyclicShifts(0), "at least one entry to shift, got 0"),
        (lambda group, x: Dihedral(2), r"on fewer take CyclicShifts\(2\)"),
    ],
)
def test_what_cannot_be_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(CyclicShifts(12), periodic(12))
