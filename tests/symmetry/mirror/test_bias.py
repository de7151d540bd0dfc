"""A fixed bias takes a permutation symmetry away: equal neurons part."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from pdesym.symmetry.mirror.bias import fixed_bias, fold_bias
from pdesym.symmetry.mirror.declared import permutation

DECAY = 0.05


def student(seed=0):
    """Two tanh neurons that are equal."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).double()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
        for row in (net[0].weight, net[0].bias):
            row[1] = row[0]
        net[2].weight[:, 1] = net[2].weight[:, 0]
    return net


X = torch.randn(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.tanh(X @ torch.tensor([1.0, -2.0], dtype=torch.float64))[:, None] + X[:, :1] ** 2


def leak(net):
    """‖Oᵀ∇L‖/‖∇L‖ of the trained parameters at equal neurons, with weight decay."""
    trained = {name.replace("parametrizations.", "").replace(".original", ""): p for name, p in net.named_parameters()}
    mirror = permutation(trained, [("0.weight", 0), ("0.bias", 0), ("2.weight", 1)], 0, 1)
    loss = ((net(X) - Y) ** 2).mean() + DECAY * sum((p**2).sum() for p in trained.values())
    gradients = dict(zip(trained, torch.autograd.grad(loss, list(trained.values())), strict=True))
    assert mirror.violation({name: p.detach() for name, p in trained.items()}) < 1e-15
    size = torch.cat([g.flatten() for g in gradients.values()]).norm()
    return float(mirror.coordinates(gradients).norm() / size)


def distance(net, steps=300):
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=2 * DECAY)
    for _ in range(steps):
        optimiser.zero_grad()
        ((net(X) - Y) ** 2).mean().backward()
        optimiser.step()
    return float((net[0].weight[0] - net[0].weight[1]).detach().norm())


def test_equal_neurons_stay_equal_without_a_bias_and_part_with_one():
    biased = fixed_bias(student(), 0.1, seed=3)
    assert leak(student()) < 1e-15
    assert leak(biased) > 1e-3
    assert distance(student()) < 1e-12
    assert distance(biased) > 0.05


def test_the_bias_is_fixed_seeded_and_saved():
    plain, biased = student(), fixed_bias(student(), 0.1, seed=3)
    trained = [name for name, _ in biased.named_parameters()]
    assert len(trained) == 4
    given, moved = dict(plain.named_parameters()), biased[0].weight - plain[0].weight
    assert torch.equal(biased.get_parameter("0.parametrizations.weight.original"), given["0.weight"])
    assert 0.01 < float(moved.detach().abs().max()) < 0.5
    assert torch.equal(fixed_bias(student(), 0.1, seed=3)(X), biased(X))
    other = fixed_bias(student(seed=5), 0.1, seed=4)
    assert not torch.allclose(other(X), biased(X))
    other.load_state_dict(biased.state_dict())
    assert torch.equal(other(X), biased(X))
    parameters = {name: p.detach() for name, p in biased.named_parameters()}
    assert torch.equal(functional_call(other, parameters, (X,)), biased(X))
    copied, expected = copy.deepcopy(biased), biased(X)
    fold_bias(copied)
    assert torch.equal(copied(X), expected)
    assert set(copied.state_dict()) == set(plain.state_dict())
    assert torch.equal(biased(X), expected)
    some = fixed_bias(student(), 0.1, 3, names=["2.weight"])
    assert torch.equal(some[0].weight, plain[0].weight)
    assert not torch.equal(some[2].weight, plain[2].weight)


def test_refusals_of_biases():
    with pytest.raises(ValueError, match="a positive deviation of the bias, got 0"):
        fixed_bias(student(), 0.0, 0)
    with pytest.raises(ValueError, match="the name of a parameter, got 'weight'"):
        fixed_bias(student(), 0.1, 0, ["weight"])
    with pytest.raises(ValueError, match="a module with fixed biases, got one without"):
        fold_bias(student())
