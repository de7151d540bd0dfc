"""The layers are their formulas, written out, and keep the energy of what they are given as they say."""

import itertools

import pytest
import torch

from pdesym.operators.group_fourier import GroupSpectralConvolution, PlaneGroup, field_representation
from pdesym.operators.group_fourier.group_pointwise import GroupPointwise
from pdesym.operators.group_fourier.lifting import Lifting, Projection

GROUPS = ["p4", "p4m"]


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape):
    return torch.randn(*shape, generator=draw(9), dtype=torch.float64)


def weight_at(layer, h, k):
    """W(h, k) from what is stored: k in S or rS, else the conjugate of W(h, −k)."""
    a, b = k
    if (a, b) == (0, 0):
        return layer.mean[h].to(torch.complex128)
    for sector, (p, q) in enumerate(((a, b), (b, -a))):
        if p > 0 and q >= 0:
            return torch.view_as_complex(layer.waves[sector, p - 1, q, h])
    return weight_at(layer, h, (-a, -b)).conj()


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize(("points", "kept"), [(7, 2), (8, 2), (4, 1), (3, 1), (1, 0)])
def test_the_spectral_convolution_is_its_formula(name, points, kept):
    group, channels = PlaneGroup(name), (2, 3)
    layer = GroupSpectralConvolution(group, *channels, 2, draw()).double()
    u = random(2, group.order * channels[0], points, points)
    spectrum = torch.fft.fft2(u, norm="forward").unflatten(1, (group.order, channels[0]))
    result = torch.zeros(2, group.order, channels[1], points, points, dtype=torch.complex128)
    for k in itertools.product(range(-kept, kept + 1), repeat=2):
        for g, h in itertools.product(range(group.order), repeat=2):
            turned = tuple((group.matrices[g].T @ torch.tensor(k)).tolist())
            weight = weight_at(layer, group.quotients[g, h], turned)
            result[:, g, :, k[0], k[1]] += spectrum[:, h, :, k[0], k[1]] @ weight
    expected = torch.fft.ifft2(result, norm="forward")
    assert expected.imag.abs().max() < 1e-14
    torch.testing.assert_close(layer(u), expected.real.flatten(1, 2), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", GROUPS)
def test_the_pointwise_layer_is_its_formula(name):
    group = PlaneGroup(name)
    layer = GroupPointwise(group, 2, 3, draw()).double()
    u = random(2, group.order * 2, 3, 3)
    parts = u.unflatten(1, (group.order, 2))
    for g, v in enumerate(layer(u).unflatten(1, (group.order, 3)).unbind(1)):
        weights = [layer.weight[group.quotients[g, h]] for h in range(group.order)]
        expected = sum(torch.einsum("io,bi...->bo...", weight, parts[:, h]) for h, weight in enumerate(weights))
        torch.testing.assert_close(v, expected + layer.bias[:, None, None])


def test_lifting_and_projection_are_their_formulas():
    group = PlaneGroup("p4m")
    rho = field_representation(("vector", "scalar"), group)
    lifting, projection = (layer(rho, 2, 5, draw()).double() for layer in (Lifting, Projection))
    u = random(1, 2, 3, 4, 4)
    for g, v in enumerate(lifting(u).unflatten(1, (8, 5)).unbind(1)):
        turned_back = torch.einsum("dc,bfd...->bfc...", rho[g], u)  # ρ(g)⁻¹ is the transpose
        expected = torch.einsum("ofc,bfc...->bo...", lifting.weight, turned_back) + lifting.bias[:, None, None]
        torch.testing.assert_close(v, expected)
    v = random(1, 8 * 5, 4, 4)
    expected = torch.einsum("gcd,fdi,bgi...->bfc...", rho, projection.weight, v.unflatten(1, (8, 5)))
    bias = torch.cat((torch.zeros(2, 2, dtype=torch.float64), projection.bias), 1)
    torch.testing.assert_close(projection(v), expected + bias[:, :, None, None])


@pytest.mark.parametrize(
    ("name", "field", "biases"),
    [
        ("p4", "scalar", 1),
        ("p4m", "scalar", 1),
        ("p4", "pseudoscalar", 1),
        ("p4m", "pseudoscalar", 0),
        ("p4", "vector", 0),
    ],
)
def test_constants_are_added_only_where_the_group_leaves_them(name, field, biases):
    projection = Projection(field_representation((field,), PlaneGroup(name)), 3, 2, draw())
    assert (0 if projection.bias is None else projection.bias.shape[1]) == biases


@pytest.mark.parametrize("name", GROUPS)
def test_a_mode_keeps_at_first_the_share_of_energy_that_is_said(name):
    group = PlaneGroup(name)
    layer = GroupSpectralConvolution(group, 16, 24, 6, draw()).double()
    with torch.no_grad():
        u = random(32, group.order * 16, 13, 13)
        before, after = (torch.fft.fft2(x).abs().square().mean((0, 1)) for x in (u, layer(u)))
    ratio = after / before * group.order * 24
    assert 0.8 < ratio.min() < ratio.max() < 1.25
    assert abs(ratio.mean() - 1) < 0.05


@pytest.mark.parametrize("name", GROUPS)
def test_no_parameter_is_redundant(name):
    """The derivatives with respect to all numbers are independent, and there are (2K + 1)² · order · in · out."""
    group = PlaneGroup(name)
    layer = GroupSpectralConvolution(group, 1, 1, 2, draw()).double()
    count = sum(p.numel() for p in layer.parameters())
    assert count == 25 * group.order
    u = random(1, group.order, 5, 5)
    weights = dict(layer.named_parameters())
    jacobian = torch.func.jacrev(lambda w: torch.func.functional_call(layer, w, (u,)))(weights)
    flat = torch.cat([j.reshape(group.order * 25, -1) for j in jacobian.values()], 1)
    assert torch.linalg.matrix_rank(flat) == count
