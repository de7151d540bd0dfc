"""Theorem 1: gradient and Hessian where a mirror is fulfilled, weight decay there, and which optimiser stays."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from pdesym.symmetry.mirror import (
    curvature,
    dense,
    double_rotation,
    gradient_leak,
    permutation,
    rescaling,
    sample_curvatures,
    sign,
)

AXES = [("0.weight", 0), ("0.bias", 0), ("2.weight", 1)]


def problem(activation=None, hidden=6, seed=0):
    """A network of two layers, its parameters, and the losses of eleven samples."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(3, hidden), activation or nn.Tanh(), nn.Linear(hidden, 2)).double()
        inputs, targets = torch.randn(11, 3).double(), torch.randn(11, 2).double()

    def losses(parameters):
        return (functional_call(network, dict(parameters), (inputs,)) - targets).square().sum(1)

    return network, {name: p.detach().clone() for name, p in network.named_parameters()}, losses


def unit(size):
    n = torch.randn(size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return n / n.norm()


def mirrors(parameters):
    true = [permutation(parameters, AXES, 0, 3), sign(parameters, AXES, 2)]
    turned = double_rotation(parameters, ("0.weight", 0), ("2.weight", 1), unit(6))
    false = [permutation(parameters, AXES[:2], 0, 3), sign(parameters, AXES[1:], 2)]
    return true, [*false, turned]


def test_no_sample_has_a_gradient_out_of_a_true_mirror():
    _, parameters, losses = problem()
    true, false = mirrors(parameters)
    for mirror in true:
        assert float(gradient_leak(losses, parameters, mirror).max()) < 1e-12
    for mirror in false:
        assert float(gradient_leak(losses, parameters, mirror).min()) > 1e-3


def test_the_hessian_does_not_couple_a_true_mirror_to_the_rest():
    _, parameters, losses = problem()
    true, false = mirrors(parameters)
    for mirror in true:
        assert curvature(losses, parameters, mirror).off_block < 1e-13
    for mirror in false:
        assert curvature(losses, parameters, mirror).off_block > 1e-2


@pytest.mark.parametrize("hidden", [6, 40])
def test_the_lowest_curvature_is_that_of_the_dense_hessian(hidden):
    _, parameters, losses = problem(hidden=hidden)
    names = ("0.weight", "0.bias", "2.weight")
    size = sum(parameters[name].numel() for name in names)
    generator = torch.Generator().manual_seed(7)
    basis = torch.linalg.qr(torch.randn(size, size // 3, generator=generator, dtype=torch.float64))[0]
    for mirror in (permutation(parameters, AXES, 0, 3), dense(parameters, names, basis)):  # formed, or by Lanczos
        at = mirror.project(parameters)
        flat = torch.cat([at[name].flatten() for name in names])

        def loss(θ, at=at):
            parts = θ.split([at[name].numel() for name in names])
            moved = {name: part.reshape(at[name].shape) for name, part in zip(names, parts, strict=True)}
            return losses(at | moved).mean()

        hessian = torch.autograd.functional.hessian(loss, flat)
        columns = torch.stack(
            [
                torch.cat([mirror.lift(z)[name].flatten() for name in mirror.names])
                for z in torch.eye(mirror.rank, dtype=torch.float64)
            ],
            1,
        )
        block = columns.T @ hessian @ columns
        values, vectors = torch.linalg.eigh(block)
        found = curvature(losses, parameters, mirror)
        assert found.lowest == pytest.approx(float(values[0]), rel=1e-7, abs=1e-9)
        direction = float((found.direction @ vectors[:, 0]).abs())
        assert direction == pytest.approx(1, abs=1e-5)
        each = sample_curvatures(losses, parameters, mirror, found.direction)
        assert each.shape == (11,)
        assert float(each.mean()) == pytest.approx(found.lowest, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_weight_decay_beyond_the_lowest_curvature_empties_a_product(factor):
    parameters = {"u": torch.tensor(0.3, dtype=torch.float64), "w": torch.tensor(0.2, dtype=torch.float64)}
    plus = rescaling(parameters, "u", "w")[1]

    def losses(at):
        return (at["u"] * at["w"] - 0.7).square() / 2

    found = curvature(losses, parameters, plus)
    origin = curvature(losses, {name: torch.zeros_like(p) for name, p in parameters.items()}, plus)
    assert origin.critical_weight_decay == pytest.approx(0.7)
    assert found.critical_weight_decay == pytest.approx(0.7 + 0.05**2, rel=1e-9)  # u = −w = 0.05 is left of θ
    leaves = [p.clone().requires_grad_() for p in parameters.values()]
    optimiser = torch.optim.SGD(leaves, lr=0.2, weight_decay=factor * origin.critical_weight_decay)
    for _ in range(1000):
        optimiser.zero_grad()
        losses(dict(zip(parameters, leaves, strict=True))).backward()
        optimiser.step()
    left = float(plus.coordinates(dict(zip(parameters, leaves, strict=True))).detach().norm())
    assert (left < 1e-5) == (factor > 1)
    assert (left > 0.1) == (factor < 1)


@pytest.mark.slow
def test_weight_decay_beyond_the_lowest_curvature_holds_two_neurons_together():
    network, parameters, losses = problem(seed=1)
    mirror = permutation(parameters, AXES, 0, 3)

    # To the minimum of the constrained problem first: the theorem speaks of stationary points.
    def descended(start, decay, steps, rate=0.02):
        network.load_state_dict(start)
        optimiser = torch.optim.SGD(network.parameters(), lr=rate, weight_decay=decay)
        for _ in range(steps):
            optimiser.zero_grad()
            losses(dict(network.named_parameters())).mean().backward()
            optimiser.step()
        return {name: p.detach().clone() for name, p in network.named_parameters()}

    for factor in (0.5, 1.5):
        # The curvature depends on where weight decay leads, so the decay is found from itself in a few rounds.
        decay, at = 0.05, mirror.project(parameters)
        for _ in range(4):
            at = mirror.project(descended(at, decay, 1500))
            decay = factor * curvature(losses, at, mirror).critical_weight_decay
        at = mirror.project(descended(at, decay, 1500))
        found = curvature(losses, at, mirror)
        off = mirror.lift(1e-4 * found.direction)
        start = {name: θ + off[name] if name in off else θ for name, θ in at.items()}
        before, after = mirror.coordinates(start).norm(), mirror.coordinates(descended(start, decay, 1500)).norm()
        stays = found.lowest + decay > 0
        assert bool(after < before) == stays == (factor > 1)


def steps(optimiser_of, network, losses, count=50):
    optimiser = optimiser_of(network.parameters())
    for number in range(count):
        optimiser.zero_grad()
        losses(dict(network.named_parameters()))[number % 5 :: 5].mean().backward()
        optimiser.step()
    return dict(network.named_parameters())


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.01)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.01)


def test_sgd_stays_where_a_mirror_is_fulfilled_and_adam_where_it_is_of_single_entries():
    def violation(optimiser, activation, mirror_of):
        network, parameters, losses = problem(activation)
        mirror = mirror_of(parameters)
        network.load_state_dict(mirror.project(parameters))
        return mirror.violation(steps(optimiser, network, losses))

    def turned(parameters):
        return double_rotation(parameters, ("0.weight", 0), ("2.weight", 1), unit(6))

    def turned_with_bias(parameters):
        rotated = [torch.outer(unit(6), e).flatten() for e in torch.eye(3, dtype=torch.float64)]
        outward = [torch.outer(e, unit(6)).flatten() for e in torch.eye(2, dtype=torch.float64)]
        columns = [torch.cat((r, torch.zeros(18, dtype=torch.float64))) for r in rotated]
        columns.append(torch.cat((torch.zeros(18, dtype=torch.float64), unit(6), torch.zeros(12, dtype=torch.float64))))
        columns += [torch.cat((torch.zeros(24, dtype=torch.float64), o)) for o in outward]
        return dense(parameters, ("0.weight", "0.bias", "2.weight"), torch.stack(columns, 1))

    for mirror in (lambda p: permutation(p, AXES, 1, 4), lambda p: sign(p, AXES, 2)):
        assert violation(sgd, nn.Tanh(), mirror) < 1e-13
        assert violation(adam, nn.Tanh(), mirror) < 1e-13
    assert violation(sgd, nn.Identity(), turned_with_bias) < 1e-13
    assert violation(adam, nn.Identity(), turned_with_bias) > 1e-2
    # Negative control: what is no symmetry holds nobody.
    assert violation(sgd, nn.Tanh(), turned) > 1e-2


@pytest.mark.parametrize("size", [3, 40])
def test_a_loss_without_curvature_and_one_that_is_not_finite(size):
    """Formed and by Lanczos: a linear loss has curvature 0, and one of nan none at all."""
    θ = {"u": torch.ones(size, dtype=torch.float64), "w": torch.ones(size, dtype=torch.float64)}
    (mirror,) = rescaling(θ, "u", "w")
    found = curvature(lambda p: (p["u"] + p["w"])[:1], θ, mirror)
    assert (found.lowest, found.off_block, found.critical_weight_decay) == (0.0, 0.0, 0.0)
    assert float(found.direction.norm()) == pytest.approx(1.0)
    assert curvature(lambda p: -p["u"] @ p["w"], θ, mirror).lowest == pytest.approx(-1.0)
    with pytest.raises(ValueError, match="Expected a finite Hessian where sign of u and w is fulfilled, got nan"):
        curvature(lambda p: torch.nan * (p["u"] @ p["w"]), θ, mirror)


def test_a_parameter_that_is_no_number_violates_every_mirror():
    θ = {"u": torch.tensor([1.0, torch.nan]), "w": torch.zeros(2)}
    (mirror,) = rescaling(θ, "u", "w")
    assert not mirror.violation(θ) < torch.inf
    assert mirror.violation({"u": torch.zeros(2), "w": torch.zeros(2)}) == 0
