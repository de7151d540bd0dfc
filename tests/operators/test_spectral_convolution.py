import itertools

import pytest
import torch

from pdesym.operators import SpectralConvolution
from pdesym.operators.neuralop_import import neuralop_models


def direct(layer, u):
    """v_o(x) = Re Σ_k Σ_i W_io(k) û_i(k) e^{ikx} with the sum written out, over the half spectrum on the last axis."""
    dims, points = layer.dims, u.shape[2:]
    weight = torch.view_as_complex(layer.weight)
    positions = [torch.arange(n, dtype=torch.float64, device=u.device) / n for n in points]
    x = torch.meshgrid(*positions, indexing="ij")
    v = torch.zeros(u.shape[0], layer.out_channels, *points, dtype=torch.complex128, device=u.device)
    ranges = [range(-k, k + 1) for k in layer.highest[:-1]] + [range(layer.highest[-1] + 1)]
    for wavenumber in itertools.product(*ranges):
        if any(2 * abs(k) >= n for k, n in zip(wavenumber, points, strict=True)):
            continue
        wave = torch.exp(2j * torch.pi * sum(k * position for k, position in zip(wavenumber, x, strict=True)))
        amplitude = (u * wave.conj()).flatten(2).mean(-1)
        place = tuple(k if k >= 0 else k + 2 * top + 1 for k, top in zip(wavenumber, layer.highest, strict=True))
        twice = 1 if wavenumber[-1] == 0 else 2
        v += twice * torch.einsum("bi,io->bo", amplitude, weight[place])[(..., *(None,) * dims)] * wave
    return v.real + layer.bias


@pytest.mark.parametrize(
    ("points", "modes"),
    [
        ((33,), (12,)),
        ((32,), (12,)),
        ((32,), (64,)),  # more modes than the grid has
        ((9, 12), (4, 6)),
        ((9, 12), (20, 6)),
        ((8, 7), (40, 40)),
        ((6, 5, 8), (4, 4, 4)),
        ((4, 5, 4), (9, 8, 7)),
    ],
)
def test_it_is_the_sum_over_the_kept_modes(points, modes, device):
    torch.manual_seed(0)
    layer = SpectralConvolution(2, 3, modes).double().to(device)
    with torch.no_grad():
        layer.bias.normal_()
    u = torch.randn(2, 2, *points, dtype=torch.float64, device=device)
    torch.testing.assert_close(layer(u), direct(layer, u), rtol=0, atol=1e-13)


@pytest.mark.parametrize("points", [(33,), (32,), (15, 16), (16, 15), (5, 6, 7)])
def test_it_can_commute_with_reflections(points):
    """W(−k) = conj W(k) and real: then v(−x) belongs to u(−x). The same with other weights does not."""
    layer = SpectralConvolution(2, 2, (6,) * len(points)).double()
    axes = tuple(range(2, 2 + len(points)))

    def reflected(u):
        return u.flip(axes).roll((1,) * len(axes), axes)

    def defect():
        u = torch.randn(2, 2, *points, dtype=torch.float64)
        v = layer(u)
        return ((layer(reflected(u)) - reflected(v)).norm() / v.norm()).item()

    torch.manual_seed(0)
    assert defect() > 1e-2
    with torch.no_grad():
        layer.weight[..., 1] = 0
        for axis in range(len(points) - 1):  # the same weight at k and −k of every two-sided axis
            top = layer.highest[axis]
            size = 2 * top + 1
            mirror = [(size - i) % size for i in range(size)]
            layer.weight.copy_((layer.weight + layer.weight.index_select(axis, torch.tensor(mirror))) / 2)
    assert defect() < 1e-14


@pytest.mark.parametrize("points", [(64,), (33,), (24, 25)])
def test_a_field_means_the_same_on_every_grid(points):
    """The layer of a band-limited field, sampled on two grids, is one function."""
    layer = SpectralConvolution(1, 1, (6,) * len(points)).double()

    def field(sizes):
        x = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) / n for n in sizes], indexing="ij")
        return torch.cos(2 * torch.pi * (2 * x[0] + x[-1]) + 0.4)[None, None]

    coarse, fine = field(points), field([2 * n for n in points])
    every_second = (..., *(slice(None, None, 2),) * len(points))
    torch.testing.assert_close(layer(fine)[every_second], layer(coarse), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("dims", "modes"), [(1, 60), (2, 24)])
def test_initial_weights_keep_the_stated_part_of_the_energy(dims, modes):
    torch.manual_seed(0)
    channels = 40
    layer = SpectralConvolution(channels, channels, (modes,) * dims).double()
    u = torch.randn(16, channels, *(modes + 1,) * dims, dtype=torch.float64)  # every mode of this grid is kept
    ratio = layer(u).square().mean() / u.square().mean()
    assert abs(ratio.item() * channels - 1) < 0.05
    mean_field = u.mean(tuple(range(2, 2 + dims)), keepdim=True).expand_as(u)
    ratio = layer(mean_field).square().mean() / mean_field.square().mean()
    assert abs(ratio.item() * channels - 1) < 0.15


def test_precision_follows_the_module(device):
    layer = SpectralConvolution(2, 2, (6,)).to(device)
    u = torch.randn(1, 2, 16, device=device)
    assert layer(u).dtype == torch.float32
    assert layer.double()(u.double()).dtype == torch.float64
    assert not any(parameter.is_complex() for parameter in layer.parameters())
    stock = neuralop_models().FNO((6,), 1, 1, 4, n_layers=1).double()
    with pytest.raises(RuntimeError):  # why this layer exists
        stock(u[:, :1].double())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"factorization": "Tucker"}, "has factorization=None alone, got 'Tucker': leave it out"),
        ({"separable": True}, "has separable=False alone"),
        ({"complex_data": True}, "has complex_data=False alone"),
        ({"resolution_scaling_factor": 2}, "has resolution_scaling_factor=None alone"),
        ({"fno_block_precision": "half"}, "has fno_block_precision='full' alone"),
    ],
)
def test_options_of_another_layer_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        SpectralConvolution(2, 2, (6,), **options)


def test_unknown_options_and_missing_modes_are_refused():
    with pytest.raises(TypeError, match="no option 'mode'"):
        SpectralConvolution(2, 2, (6,), mode=3)
    with pytest.raises(ValueError, match="positive number of modes for each axis"):
        SpectralConvolution(2, 2, (0,))


def test_another_grid_for_the_output_is_refused():
    layer = SpectralConvolution(1, 1, (4,))
    with pytest.raises(ValueError, match="answers on the grid of its input"):
        layer(torch.randn(1, 1, 16), output_shape=(32,))
    with pytest.raises(ValueError, match="answers on the grid of its input"):
        layer.transform(torch.randn(1, 1, 16), output_shape=(32,))
