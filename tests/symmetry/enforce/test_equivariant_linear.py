"""The linear layer: it commutes with the group whatever its parameters, in every precision, and keeps the variance."""

import copy

import pytest
import torch

from pdesym.symmetry.enforce import (
    EquivariantLinear,
    cyclic,
    hyperoctahedral,
    special_euclidean,
    special_orthogonal,
    symmetric,
)


def mixed(group):
    v, s = group.vector, group.scalar
    return EquivariantLinear(s + 3 * v + 2 * s, v + v * v + 3 * s + v)


LAYERS = {
    "SO(3)": mixed(special_orthogonal(3)),
    "S_4": mixed(symmetric(4)),
    "C_5": mixed(cyclic(5)),
    "p4m": mixed(hyperoctahedral(2)),
    "SE(2)": EquivariantLinear(special_euclidean(2).vector, special_euclidean(2).vector),
}


@pytest.fixture(params=LAYERS.values(), ids=LAYERS)
def layer(request):
    return copy.deepcopy(request.param)


def randomise(layer, seed=0):
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=parameter.dtype))
    return layer


def defect(layer, weight, bias, word):
    before, after = layer.rep_in.matrix(word), layer.rep_out.matrix(word)
    maps = (after @ weight - weight @ before).norm() / (after @ weight).norm()
    return float(maps), float((after @ bias - bias).norm() / (bias.norm() + 1e-300))


def test_it_commutes_with_the_group_whatever_the_parameters(layer):
    layer = randomise(layer.double())
    rng = torch.Generator().manual_seed(1)
    other = torch.randn(layer.weight.shape, generator=rng, dtype=torch.float64)
    broken = []
    for _ in range(4):
        word = layer.rep_in.group.random_element(rng, size=0.4)
        assert max(defect(layer, layer.weight.detach(), layer.bias.detach(), word)) <= 1e-10
        broken.append(defect(layer, other, other[:, 0], word))
    assert min(max(column) for column in zip(*broken, strict=True)) > 0.05
    x = torch.randn(2, 3, layer.rep_in.dimension, generator=rng, dtype=torch.float64)
    expected = torch.einsum("oi,bki->bko", layer.weight, x) + layer.bias
    assert torch.allclose(layer(x), expected)


def test_the_parameters_are_the_coefficients_and_count_as_known():
    group = special_orthogonal(3)
    v, s = group.vector, group.scalar
    layer = EquivariantLinear(3 * v + 2 * s, v * v + 4 * s)
    # vector → rank 2: 1 (cross product); scalar → rank 2: 1; vector → scalar: 0; scalar → scalar: 1
    assert layer.weight_coefficients.numel() == 3 * 1 + 2 * 1 + 0 + 4 * 2
    assert layer.bias_coefficients.numel() == 1 + 4
    assert list(layer.state_dict()) == ["weight_coefficients", "bias_coefficients"]
    assert EquivariantLinear(v, v, bias=False).bias is None


def test_its_state_goes_into_another_layer(layer):
    source, target = randomise(layer), copy.deepcopy(layer)
    target.reset_parameters(seed=5)
    assert not torch.equal(source.weight, target.weight)
    target.load_state_dict(source.state_dict())
    assert torch.equal(source.weight, target.weight)


def test_the_initial_layer_keeps_the_variance():
    group = special_orthogonal(3)
    v, s = group.vector, group.scalar
    rep_in, rep_out = 20 * v + 20 * s, 20 * v + 20 * s + 20 * (v * v)
    layer = EquivariantLinear(rep_in, rep_out, seed=3)
    x = torch.randn(4000, rep_in.dimension, generator=torch.Generator().manual_seed(0))
    variance = layer(x).detach().var(0)
    for part in variance.split([60, 20, 180]):
        assert float(part.mean()) == pytest.approx(1.0, abs=0.15)
    assert torch.equal(EquivariantLinear(rep_in, rep_out, seed=3).weight, layer.weight)


def test_a_summand_that_no_map_reaches_is_zero():
    group = special_orthogonal(2)
    layer = EquivariantLinear(group.scalar, group.scalar + group.vector)
    assert layer.weight.shape == (3, 1)
    assert torch.equal(layer.weight[1:], torch.zeros(2, 1))


def test_precision_comes_back_after_float32_and_stays_under_autocast(layer):
    word = layer.rep_in.group.random_element(torch.Generator().manual_seed(1), size=0.4)
    there_and_back = randomise(layer.float().double())
    assert there_and_back.weight.dtype == torch.float64
    weight, bias = there_and_back.weight.detach(), there_and_back.bias.detach()
    assert max(defect(layer, weight, bias, word)) <= 1e-10
    single = randomise(layer.float())
    assert single.weight.dtype == torch.float32
    x = torch.randn(5, layer.rep_in.dimension, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert single(x).dtype == torch.bfloat16
        assert single.weight.dtype == torch.float32
    assert torch.equal(copy.deepcopy(single)(x), single(x))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_moves_to_another_device(layer):
    x = torch.randn(5, layer.rep_in.dimension, generator=torch.Generator().manual_seed(0))
    expected = randomise(layer)(x)
    moved = layer.to("cuda")
    assert torch.allclose(moved(x.to("cuda")).cpu(), expected, atol=1e-4)


def test_gradients_reach_every_coefficient_and_training_keeps_the_symmetry():
    layer = mixed(symmetric(4)).double()
    x = torch.randn(64, layer.rep_in.dimension, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    (layer(x) - 1).square().mean().backward()
    assert all(bool((parameter.grad != 0).all()) for parameter in layer.parameters())
    optimiser.step()
    word = layer.rep_in.group.random_element(torch.Generator().manual_seed(1))
    assert max(defect(layer, layer.weight.detach(), layer.bias.detach(), word)) <= 1e-10
