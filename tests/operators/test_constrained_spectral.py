"""Spectral convolutions with a symmetry: they commute with turned fields whatever their parameters are."""

import copy

import pytest
import torch

from pdesym.operators.constrained_spectral import EquivariantSpectralConvolution
from pdesym.operators.spectral_convolution import SpectralConvolution
from pdesym.symmetry.enforce import cyclic, hyperoctahedral, quarter_turns

REFLECTION, P4, P4M, CUBE = hyperoctahedral(1), quarter_turns(), hyperoctahedral(2), hyperoctahedral(3)


def layer_of(group, modes, rep_in, rep_out):
    torch.manual_seed(0)
    layer = EquivariantSpectralConvolution(rep_in.dimension, rep_out.dimension, modes, group.vector, rep_in, rep_out)
    return layer, group.vector, rep_in, rep_out


LAYERS = {
    "reflection": layer_of(REFLECTION, (9,), 2 * REFLECTION.scalar + REFLECTION.vector, 3 * REFLECTION.vector),
    "p4": layer_of(P4, (6, 6), P4.vector + 2 * P4.scalar, P4.scalar + 2 * P4.vector),
    "p4m": layer_of(P4M, (5, 5), P4M.scalar + P4M.vector + P4M.scalar, P4M.vector * P4M.vector + P4M.scalar),
    "cube": layer_of(CUBE, (4, 4, 4), CUBE.vector, CUBE.vector + CUBE.scalar),
}


@pytest.fixture(params=LAYERS.values(), ids=LAYERS)
def case(request):
    layer, *representations = request.param
    return (copy.deepcopy(layer).double(), *representations)


def randomise(layer):
    rng = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=parameter.dtype))
    return layer


def turned(u, points, values):
    """ρ(g) u(g⁻¹ x) on the grid x_j = j, periodic, for a signed permutation of the axes."""
    dims, n = len(points), u.shape[-1]
    where = torch.cartesian_prod(*[torch.arange(n)] * dims).reshape(-1, dims)
    back = (where.double() @ points).round().long() % n
    index = tuple(back.T)
    return torch.einsum("ab,nbp->nap", values, u[(slice(None), slice(None), *index)]).reshape(len(u), -1, *[n] * dims)


@pytest.mark.parametrize("points", [11, 14])
def test_it_commutes_with_turned_and_translated_fields_and_a_free_layer_does_not(case, points):
    layer, space, rep_in, rep_out = case
    randomise(layer)
    dims = space.dimension
    free = SpectralConvolution(rep_in.dimension, rep_out.dimension, [2 * k for k in layer.highest]).double()
    u = torch.randn(
        2, rep_in.dimension, *[points] * dims, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    for j, g in enumerate(space.discrete()):
        for subject, passes in ((layer, True), (free, False)):
            after, before = turned(subject(u), g, rep_out.discrete()[j]), subject(turned(u, g, rep_in.discrete()[j]))
            defect = float(((after - before).norm() / after.norm()).detach())
            assert defect <= 1e-12 if passes else defect > 0.05
    assert torch.allclose(layer(u.roll(3, -1)), layer(u).roll(3, -1), atol=1e-12)


def test_the_state_is_tensors_that_another_layer_reads(case):
    layer, *_ = case
    source, target = randomise(layer), copy.deepcopy(layer)
    target.reset_parameters()
    assert not torch.equal(source.weight, target.weight)
    target.load_state_dict(source.state_dict())
    assert torch.equal(source.weight, target.weight)
    assert set(source.state_dict()) == {"parametrizations.weight.original", "parametrizations.bias.original"}


def test_setting_an_equivariant_weight_and_training(case):
    layer, *_ = case
    randomise(layer)
    weight = layer.weight.detach().clone()
    layer.weight = 2 * weight
    assert torch.allclose(layer.weight, 2 * weight, atol=1e-12)
    u = torch.randn(1, layer.in_channels, *[9] * layer.dims, generator=torch.Generator().manual_seed(0)).double()
    layer(u).square().mean().backward()
    gradients = [parameter.grad for parameter in layer.parameters()]
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients)
    assert all(bool((gradient != 0).any()) for gradient in gradients if gradient.numel())


def test_its_initial_energy_is_that_of_a_free_layer():
    scalars = 16 * P4M.scalar
    torch.manual_seed(0)
    constrained = EquivariantSpectralConvolution(16, 16, (12, 12), P4M.vector, scalars, scalars)
    free = SpectralConvolution(16, 16, (12, 12))
    u = torch.randn(20, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    assert float((constrained(u).var() / free(u).var()).detach()) == pytest.approx(1.0, abs=0.15)


def test_derivatives_pass_through(case):
    layer, *_ = case
    u = torch.randn(1, layer.in_channels, *[9] * layer.dims, generator=torch.Generator().manual_seed(0)).double()
    _, tangent = torch.func.jvp(layer, (u,), (u,))
    constant = layer(torch.zeros_like(u))
    assert torch.allclose(tangent, layer(u) - constant, atol=1e-12)


def test_autocast_keeps_the_weights_and_the_bias_is_invariant(case):
    layer, _, _, rep_out = case
    randomise(layer)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer.weight.dtype == torch.float64
    for image in rep_out.discrete():
        assert torch.allclose(image @ layer.bias.flatten(), layer.bias.flatten(), atol=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_moves_to_another_device(case):
    layer, *_ = case
    u = torch.randn(1, layer.in_channels, *[9] * layer.dims, generator=torch.Generator().manual_seed(0)).double()
    expected = layer(u)
    assert torch.allclose(layer.to("cuda")(u.to("cuda")).cpu(), expected, atol=1e-10)


def test_channels_that_are_not_the_representations_are_refused():
    with pytest.raises(
        ValueError, match="Expected 1 channels in and 2 out, the dimensions of the representations, got 3"
    ):
        EquivariantSpectralConvolution(3, 2, (4, 4), P4M.vector, P4M.scalar, P4M.vector)


def test_axes_that_are_exchanged_need_equal_modes():
    swap = cyclic(2)
    with pytest.raises(ValueError, match="give equal n_modes"):
        EquivariantSpectralConvolution(1, 1, (4, 6), swap.vector, swap.scalar, swap.scalar)
