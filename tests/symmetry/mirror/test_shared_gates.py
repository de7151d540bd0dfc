"""Gates that several parameters share: the group lasso over all that belongs to a channel."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from pdesym.symmetry.mirror.removal import removable, remove
from pdesym.symmetry.mirror.shared_gates import share_gates
from pdesym.symmetry.mirror.strength import ConstraintPenalty, constraint_cost, constraint_parameters, optimiser_groups


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Pair(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = nn.Parameter(a.clone()), nn.Parameter(b.clone())

    def forward(self, x):
        return x @ self.a + x @ self.b.T


PLACES = [("a", 0), ("b", 1)]


def test_channels_are_thresholded_over_all_their_parameters():
    """½‖θ − y‖² + κ Σ_c ‖(a[c], b[:, c])‖: one threshold for both, which neither alone would have."""
    a, b = random(4, 3), random(3, 4, seed=1)
    norms = (a.square().sum(1) + b.square().sum(0)).sqrt()
    wanted = torch.tensor([0.3, 0.8, 1.2, 1.6], dtype=torch.float64) / norms
    a, b = a * wanted[:, None], b * wanted
    model = share_gates(Pair(torch.zeros_like(a), torch.zeros_like(b)), PLACES)
    optimiser = torch.optim.SGD(optimiser_groups(model, 1.0), lr=0.2)
    for _ in range(300):
        optimiser.zero_grad()
        (0.5 * ((model.a - a) ** 2).sum() + 0.5 * ((model.b - b) ** 2).sum()).backward()
        optimiser.step()
    shrink = (1 - 1.0 / (wanted * norms)).clamp_min(0)
    model.requires_grad_(False)
    assert float((model.a - a * shrink[:, None]).abs().max()) < 1e-6
    assert float((model.b - b * shrink).abs().max()) < 1e-6
    alone = (1 - 1.0 / a.norm(dim=1)).clamp_min(0)
    assert float((model.a - a * alone[:, None]).abs().max()) > 0.05
    expected = float((shrink * wanted * norms).sum())
    assert float(constraint_cost(model)) == pytest.approx(expected, abs=1e-6)
    assert float(ConstraintPenalty(1.0)(model)) == pytest.approx(expected, abs=1e-6)
    assert [found.gone.tolist() for found in removable(model).values()] == [[True, True, False, False]] * 2
    kept = model.a.clone()
    report = remove(model)
    assert report.fraction == 0.5
    assert not model.a[:2].any()
    assert not model.b[:, :2].any()
    assert torch.equal(model.a[2:], kept[2:])


def test_shared_gates_are_copied_loaded_and_called():
    given = Pair(random(4, 3), random(3, 4, seed=1))
    x = random(2, 4, seed=2)
    model = share_gates(copy.deepcopy(given), PLACES)
    assert torch.equal(model(x), given(x))
    assert len(constraint_parameters(model)) == 3
    copied = copy.deepcopy(model)
    with torch.no_grad():
        copied.get_parameter("parametrizations.a.original0")[1] = 0.0
    assert not copied.b[:, 1].any()
    assert torch.equal(model(x), given(x))
    moved = {name: p.detach() for name, p in copied.named_parameters()}
    assert torch.equal(functional_call(model, moved, (x,)), copied(x))
    model.load_state_dict(copied.state_dict())
    assert torch.equal(model(x), copied(x))
    assert share_gates(copy.deepcopy(given).float(), PLACES).b.dtype == torch.float32


def test_neurons_have_gates_with_their_biases():
    network = nn.Linear(6, 4).double()
    before = network(random(5, 6))
    share_gates(network, [("weight", 0), ("bias", 0)]).requires_grad_(False)
    assert torch.equal(network(random(5, 6)), before)
    wanted = float((network.weight.square().sum(1) + network.bias.square()).sqrt().sum())
    assert float(constraint_cost(network)) == pytest.approx(wanted)
    with torch.no_grad():
        network.parametrizations.weight.original0[1] = 0
    remove(network)
    assert not network.weight[1].any()
    assert network.bias[1] == 0
    assert network.weight[0].all()


def test_refusals_of_shared_gates():
    for text, places in {
        r"different parameters with as many channels each, got \{'a': 4, 'b': 3\}": [("a", 0), ("b", 0)],
        r"different parameters with as many channels each": [("a", 0), ("a", 0)],
        r"an axis of a from 0 to 1, got 2": [("a", 2)],
        r"Expected parameters and a positive size of their gates, got \[\]": [],
        r"the name of a parameter, got 'c'": [("c", 0)],
    }.items():
        with pytest.raises(ValueError, match=text):
            share_gates(Pair(random(4, 3), random(3, 4)), places)


def test_a_value_that_is_given_to_one_parameter_leaves_the_others():
    model = share_gates(Pair(random(4, 3), random(3, 4, seed=1)), PLACES)
    with torch.no_grad():
        model.get_parameter("parametrizations.a.original0").mul_(2.0)
        b, given = model.b.clone(), random(*model.a.shape, seed=5)
        model.a = given
        assert torch.allclose(model.a, given)
        assert torch.equal(model.b, b)
        model.get_parameter("parametrizations.a.original0")[1] = 0.0
        with pytest.raises(ValueError, match="Expected open gates to give a parameter its value, got closed ones"):
            model.a = given
