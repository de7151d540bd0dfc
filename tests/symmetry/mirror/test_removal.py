"""What has nearly vanished becomes exactly zero, and the function stays."""

import copy

import pytest
import torch
from torch import nn

from pdesym.symmetry.mirror.declared import dense
from pdesym.symmetry.mirror.kinds import Elementwise, Grouped, LowRank
from pdesym.symmetry.mirror.removal import removable, remove
from pdesym.symmetry.mirror.reparametrised import constrain
from pdesym.symmetry.mirror.strength import optimiser_groups


def trained(kind, kappa=0.5, steps=300, rate=0.2, dtype=torch.float32):
    """A layer fitted to noisy targets of which some do not depend on some inputs."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(64, 6, generator=rng, dtype=dtype)
    truth = torch.zeros(6, 5, dtype=dtype)
    truth[:3, :2] = torch.tensor([[2.0, 1.0], [-1.0, 2.0], [1.0, -2.0]])
    y = x @ truth + 0.1 * torch.randn(64, 5, generator=rng, dtype=dtype)
    layer = nn.Linear(6, 5).to(dtype)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=dtype))
    constrain(layer, "weight", kind)
    optimiser = torch.optim.SGD(optimiser_groups(layer, kappa), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        (0.5 * ((layer(x) - y) ** 2).sum(1).mean()).backward()
        optimiser.step()
    return layer, x


@pytest.mark.parametrize(
    ("kind", "units", "removed"), [(Elementwise(), 30, 24), (Grouped((0,)), 6, 3), (LowRank(), 5, 3)]
)
def test_what_vanished_is_removed_and_outputs_stay(kind, units, removed):
    layer, x = trained(kind)
    layer.requires_grad_(False)
    given, weight = layer(x), layer.weight.clone()
    untouched = copy.deepcopy(layer)
    found = removable(layer)["weight"]
    assert (found.units, found.removed) == (units, removed)
    assert found.largest_gone < 1e-6 < 1e-3 < found.smallest_kept
    report = remove(layer)
    assert report.fraction == pytest.approx(removed / units)
    assert report.sparsity == pytest.approx(float((layer.weight == 0).double().mean()))
    assert type(layer) is nn.Linear
    assert set(dict(layer.named_parameters())) == {"weight", "bias"}
    assert all(isinstance(p, nn.Parameter) for p in (layer.weight, layer.bias))
    assert float((layer(x) - given).abs().max()) < 1e-6 * float(given.abs().max())
    if isinstance(kind, LowRank):
        assert int(torch.linalg.matrix_rank(layer.weight.double(), rtol=1e-6)) == units - removed
    else:
        kept = layer.weight != 0
        assert torch.equal(layer.weight[kept], weight[kept])
        assert int(kept.sum()) == (units - removed) * weight.numel() // units
    # The other copy is as it was: torch gives copies one class.
    assert torch.equal(untouched(x), given)
    assert remove(untouched).fraction == report.fraction


def test_without_decay_nothing_can_be_removed():
    layer, _ = trained(Elementwise(), kappa=0.0)
    found = removable(layer)["weight"]
    assert found.removed == 0
    assert found.largest_gone == 0.0
    weight = layer.weight.detach().clone()
    assert remove(layer).sparsity == 0
    assert torch.equal(layer.weight, weight)


def test_a_tensor_that_vanished_as_a_whole_is_measured_by_what_it_was():
    layer, _ = trained(Grouped((0, 1)), kappa=5.0, rate=0.05)
    assert removable(layer)["weight"].removed == 1
    remove(layer.requires_grad_(False))
    assert torch.equal(layer.weight, torch.zeros_like(layer.weight))
    assert not layer.get_parameter("weight").requires_grad


def test_coordinates_of_a_mirror_are_removed():
    """θ is left with Oᵀθ = 0 to rounding."""
    layer = nn.Linear(6, 5).double()
    basis = torch.linalg.qr(torch.randn(30, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).Q
    mirror = dense(dict(layer.named_parameters()), ["weight"], basis)
    target = (
        torch.zeros(5, 6, dtype=torch.float64)
        + mirror.lift(torch.tensor([3.0, 0, 0, 0], dtype=torch.float64))["weight"]
    )
    constrain(layer, "weight", Elementwise(), mirror)
    optimiser = torch.optim.SGD(optimiser_groups(layer, 0.5), lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        (0.5 * ((layer.weight - target) ** 2).sum()).backward()
        optimiser.step()
    before = layer.weight.detach().clone()
    assert remove(layer).tensors["weight"].gone.tolist() == [False, True, True, True]
    assert float((layer.weight - before).detach().abs().max()) < 1e-6
    z = mirror.coordinates({"weight": layer.weight.detach()})
    assert z[0] == pytest.approx(2.5, abs=1e-6)
    assert float(z[1:].abs().max()) < 1e-14


def test_refusals_of_removal():
    with pytest.raises(ValueError, match="a module with constraints, got one without: call constrain first"):
        remove(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="a tolerance from 0 to below 1, got 1"):
        removable(constrain(nn.Linear(2, 2), "weight", Elementwise()), 1.0)
