"""Relaxed equivariance on periodic fields under translations by any distance."""

import copy
import math
import random

import pytest
import torch
from torch import nn

from pdesym.operators import fno
from pdesym.solvers import Grid
from pdesym.solvers.spectral import translate
from pdesym.symmetry.relax import (
    PlaneGroup,
    Product,
    RelaxedEquivariant,
    SignFlip,
    TorusPlaneGroup,
    TorusTranslations,
    orbit_distance,
    orbit_mean,
    relaxed_defect,
    strict_defect,
)


class Dense(nn.Module):
    """A network without any symmetry: tanh of a random matrix and bias."""

    def __init__(self, size, seed=0):
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(size, size, generator=rng, dtype=torch.float64) / size**0.5)
        self.bias = nn.Parameter(torch.randn(size, generator=rng, dtype=torch.float64))

    def forward(self, x):
        return torch.tanh(x.double().flatten(1) @ self.weight + self.bias).reshape(x.shape).to(x.dtype)


def angles(grid):
    turned = [2 * math.pi * c / length for c, length in zip(grid.coordinates(), grid.length, strict=True)]
    return torch.meshgrid(*turned, indexing="ij")


def noise(shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Fields of 1D with the number of translations that leave them, 0 for all of them.
LINES = {
    "a wave and its double": (lambda x: torch.cos(x) + 0.3 * torch.sin(2 * x), 1),
    "period L/3": (lambda x: torch.cos(3 * x) + 0.2 * torch.sin(6 * x), 3),
    "modes 2 and 3 that tie": (lambda x: torch.cos(2 * x) + torch.cos(3 * x), 1),
    "a sine among cosines": (lambda x: torch.cos(2 * x) + torch.sin(3 * x), 1),
    "modes 4 and 6": (lambda x: torch.cos(4 * x) - torch.cos(6 * x), 2),
    "modes 6, 9 and 10": (lambda x: torch.cos(6 * x) + torch.cos(10 * x) + torch.cos(9 * x), 1),
    "phases of one radian": (lambda x: torch.cos(4 * x + math.pi) + 0.1 * torch.cos(6 * x + 1), 2),
    "a weak odd mode": (lambda x: torch.cos(4 * x) + 1e-4 * torch.sin(7 * x), 1),
    "on a large mean": (lambda x: 1000 + torch.cos(5 * x), 5),
    "constant": (lambda x: 0 * x + 3, 0),
    "zero": (lambda x: 0 * x, 0),
}
# Fields of 2D; 5 = |det ((2, 1), (1, −2))|.
PLANES = {
    "sin(x + y)": (lambda x, y: torch.sin(x + y), 0),
    "sin(x + y) and sin(2x + 2y)": (lambda x, y: torch.sin(2 * (x + y)) + torch.sin(3 * (x + y)), 0),
    "a sheared lattice": (lambda x, y: torch.cos(2 * x + y) + torch.sin(x - 2 * y), 5),
    "a checkerboard": (lambda x, y: torch.cos(x) * torch.cos(y), 2),
    "four cells": (lambda x, y: torch.cos(2 * x) + torch.cos(2 * y), 4),
    "stripes": (lambda x, y: torch.cos(3 * x) + 0 * y, 0),
    "no symmetry": (lambda x, y: noise(x.shape), 1),
}


def named(cases, verdicts):
    """What holds, by the name of the case."""
    return dict(zip(cases, verdicts.tolist(), strict=True))


@pytest.mark.parametrize("points", [24, 25])
def test_lines_of_every_period(points):
    """Relaxed to 1e-10 for off-grid shifts; strict where nothing but the identity leaves the field as it is."""
    grid = Grid(points, length=7.0)
    shifts, (x,) = TorusTranslations(grid), angles(grid)
    u = torch.stack([function(x) for function, _ in LINES.values()]).unsqueeze(1)
    orders = {name: order for name, (_, order) in LINES.items()}
    module = RelaxedEquivariant(Dense(points), shifts)
    elements = torch.tensor([[0.21], [3.5], [7 / 3], [-2.9], [6.99]], dtype=torch.float64)
    assert named(LINES, shifts.stabiliser(u).order) == orders
    assert relaxed_defect(module, shifts, u, elements=elements).max() < 1e-10
    strict = strict_defect(module, shifts, u, elements=elements)
    assert named(LINES, strict < 1e-10) == {name: order == 1 for name, order in orders.items()}
    assert (shifts.stabiliser(module(u)).order == 1).all()
    bare = relaxed_defect(module.network, shifts, u, elements=elements[:2])
    assert all(defect > 0.05 for name, defect in named(LINES, bare).items() if orders[name])


@pytest.mark.parametrize("points", [(16, 12), (15, 15)])
def test_planes_of_every_lattice(points):
    grid = Grid(*points, length=(7.0, 3.0))
    shifts, corner = TorusTranslations(grid), angles(grid)
    rng = torch.Generator().manual_seed(0)
    u = torch.stack([function(*corner) for function, _ in PLANES.values()]).unsqueeze(1)
    u = shifts.act(shifts.random(len(u), rng), u)
    orders = {name: order for name, (_, order) in PLANES.items()}
    module = RelaxedEquivariant(Dense(math.prod(points)), shifts)
    stabiliser = shifts.stabiliser(u)
    assert named(PLANES, stabiliser.order) == orders
    assert torch.allclose(shifts.act(stabiliser.random(rng), u), u, atol=1e-12)
    elements = shifts.random(3, rng)
    assert relaxed_defect(module, shifts, u, elements=elements).max() < 1e-10
    strict = strict_defect(module, shifts, u, elements=elements)
    assert named(PLANES, strict < 1e-10) == {name: order == 1 for name, order in orders.items()}


def test_space():
    grid = Grid(6, 6, 7, length=1.0)
    shifts, (x, y, z) = TorusTranslations(grid), angles(grid)
    u = torch.stack([torch.cos(2 * x + z) + torch.sin(y - z), noise(grid.points)]).unsqueeze(1)
    rng = torch.Generator().manual_seed(0)
    module = RelaxedEquivariant(Dense(math.prod(grid.points)), shifts)
    assert shifts.stabiliser(u).order.tolist() == [0, 1]
    assert relaxed_defect(module, shifts, u, generator=rng).max() < 1e-10


def test_a_batch_mixes_stabilisers_channels_and_frames():
    """All leading axes are moved alike and tell the place together: periods L/2 and L/3 leave nothing."""
    grid = Grid(24, length=7.0)
    shifts, (x,) = TorusTranslations(grid), angles(grid)
    rows = [(2, 4, 6), (2, 3, 6), (0, 0, 0), (3, 6, 9)]
    u = torch.stack([torch.stack([torch.cos(k * x + k) for k in row]) for row in rows])
    u = torch.stack([u, 0.5 * u], 1)
    module = RelaxedEquivariant(Dense(u[0].numel()), shifts)
    assert shifts.stabiliser(u).order.tolist() == [2, 1, 0, 3]
    rng = torch.Generator().manual_seed(0)
    assert relaxed_defect(module, shifts, u, generator=rng).max() < 1e-10
    assert torch.allclose(module(u)[1:2], module(u[1:2]), atol=1e-13)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e20])
def test_single_precision_at_every_scale(scale):
    grid = Grid(24, length=7.0)
    shifts, (x,) = TorusTranslations(grid), angles(grid)
    u = torch.stack([function(x) for function, _ in LINES.values()]).unsqueeze(1)[:6]
    u = (scale * u).float()
    found = shifts.stabiliser(shifts.act(shifts.random(6, torch.Generator().manual_seed(0)), u))
    assert found.order.tolist() == [1, 3, 1, 1, 2, 1]
    module = RelaxedEquivariant(Dense(24), shifts)
    if scale == 1:
        assert relaxed_defect(module, shifts, u, generator=torch.Generator().manual_seed(1)).max() < 1e-4


def test_what_rounding_left_is_no_wave():
    grid = Grid(24, length=7.0)
    shifts, (x,) = TorusTranslations(grid), angles(grid)
    u = (2 + torch.cos(3 * x)).reshape(1, 1, 24)
    for size, order in ((1e-11, 3), (1e-3, 1)):
        assert shifts.stabiliser(u * (1 + size * noise((1, 1, 24)))).order.tolist() == [order]


def test_a_channel_of_a_large_constant_hides_no_other():
    grid = Grid(24, length=7.0)
    shifts, (x,) = TorusTranslations(grid), angles(grid)
    u = torch.stack([torch.cos(2 * x) + torch.sin(3 * x), 1e6 + 0 * x]).unsqueeze(0)
    assert shifts.stabiliser(u).order.tolist() == [1]
    silent = torch.stack([torch.cos(2 * x), 1e-17 * noise((24,))]).unsqueeze(0)
    assert shifts.stabiliser(silent).order.tolist() == [2]


def test_the_nearest_translation_of_a_continuous_stabiliser():
    """Against a search over 20 000 distances; the mean over it is the mean of the field."""
    grid = Grid(24, length=7.0)
    shifts = TorusTranslations(grid)
    y_hat, y = shifts.act(shifts.identity(2), noise((2, 2, 24))), noise((2, 2, 24), seed=1)
    stabiliser = shifts.stabiliser(torch.ones(2, 1, 24, dtype=torch.float64))
    found = orbit_distance(y_hat, y, shifts, stabiliser)
    tried = torch.linspace(0, 7, 20001, dtype=torch.float64).unsqueeze(1)
    for i in range(2):
        all_of_them = (shifts.act(tried, y_hat[i].expand(len(tried), 2, 24)) - y[i]).square().sum((1, 2))
        assert 0 <= all_of_them.min() - found[i] < 1e-3 * found[i]
    assert torch.allclose(orbit_mean(y, shifts, stabiliser), y.mean(-1, keepdim=True).expand_as(y))


def test_the_mean_over_translations_by_a_third():
    grid = Grid(24, length=7.0)
    shifts, (x,) = TorusTranslations(grid), angles(grid)
    u, y = torch.cos(3 * x).reshape(1, 1, 24), noise((1, 3, 24))
    stabiliser = shifts.stabiliser(u)
    elements = stabiliser.elements(0)
    assert torch.allclose(elements, torch.tensor([[0.0], [7 / 3], [14 / 3]], dtype=torch.float64))
    expected = shifts.act(elements, y.expand(3, 3, 24)).mean(0, keepdim=True)
    assert torch.allclose(orbit_mean(y, shifts, stabiliser), expected)
    y = shifts.act(shifts.identity(1), y)
    assert orbit_distance(translate(y, grid, 7 / 3), y, shifts, stabiliser).item() < 1e-24
    assert orbit_distance(translate(y, grid, 1.0), y, shifts, stabiliser).item() > 1


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_simple_field_is_at_a_jump(dtype):
    """Sums of up to four waves of simple amplitudes and phases, many of which tie: one form for each orbit."""
    rng = random.Random(0)
    phases = [0, math.pi / 2, math.pi, -math.pi / 2, math.pi / 4, math.pi / 3, math.pi / 5, 1.0, 0.5, 0.3, 0.1]
    sizes = [1, 1, 1, 1, 0.5, 0.25, 2, 0.1, 1e-2, 1e-3, 1 / 3]
    for grid in (Grid(24, length=7.0), Grid(25, length=7.0), Grid(12, 12, length=3.0)):
        corner, fields = angles(grid), []
        for _ in range(300):
            u = torch.zeros(grid.points, dtype=torch.float64)
            for _ in range(rng.randint(1, 4)):
                wave = sum(rng.randint(-5, 5) * axis for axis in corner)
                u = u + rng.choice(sizes) * torch.cos(wave + rng.choice(phases))
            fields.append(u if u.abs().max() > 1e-9 else 1 + u)
        u = torch.stack(fields).unsqueeze(1).to(dtype)
        shifts = TorusTranslations(grid)
        groups = [shifts, Product(shifts, SignFlip())]
        groups.append(TorusPlaneGroup(shifts, PlaneGroup.reflection((1,)) if grid.dims == 1 else PlaneGroup.p4m()))
        for group in groups:
            moved = group.act(group.random(len(u), torch.Generator().manual_seed(0)), u)
            forms = [group.act(group.inverse(group.canonical(v)), v).double().flatten(1) for v in (u, moved)]
            size = u.double().flatten(1).norm(dim=1)
            bound = 1e-10 if dtype == torch.float64 else 3e-4
            assert ((forms[0] - forms[1]).norm(dim=1) / size).max() < bound
            assert torch.equal(group.stabiliser(u).order, group.stabiliser(moved).order)


def test_an_operator_with_frames_trains_inside_and_keeps_its_weights():
    grid = Grid(24, length=7.0)
    shifts = TorusTranslations(grid)
    network = fno(2, 3, 2, modes=4, width=6, layers=2, dims=1, seed=0)
    module = RelaxedEquivariant(network, shifts)
    u = noise((2, 2, 2, 24)).float()
    v = module(u)
    assert v.shape == (2, 3, 2, 24)
    v.square().mean().backward()
    assert all(weight.grad is not None for weight in network.parameters())
    assert torch.equal(copy.deepcopy(module)(u), v)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = module(u)
    assert rough.dtype == torch.float32
    assert 0 < (rough - v).norm() < 0.05 * v.norm()
    assert list(module.state_dict()) == ["network." + name for name in network.state_dict()]


def test_the_derivative_goes_through_the_frame():
    """Along an orbit an equivariant map moves as its input does: dφ(u) u_x = φ(u)_x."""
    grid = Grid(25, length=7.0)
    shifts = TorusTranslations(grid)
    module = RelaxedEquivariant(Dense(25).requires_grad_(False), shifts)
    u = noise((2, 1, 25))
    length = 2 * math.pi / 7

    def slope(u):
        k = 1j * length * torch.arange(13, dtype=torch.float64)
        return torch.fft.irfft(torch.fft.rfft(u) * k, n=25)

    value, tangent = torch.func.jvp(module, (u,), (slope(u),))
    assert (tangent - slope(value)).norm() < 1e-10 * tangent.norm()


def test_an_output_on_a_finer_grid_shares_the_elements():
    coarse, fine = Grid(12, length=7.0), Grid(36, length=7.0)
    shifts, finer = TorusTranslations(coarse), TorusTranslations(fine)

    class Finer(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = Dense(36)

        def forward(self, x):
            return self.dense(x.repeat(1, 1, 3))

    module = RelaxedEquivariant(Finer(), shifts, finer)
    u = torch.stack([torch.cos(2 * angles(coarse)[0]), noise((12,))]).unsqueeze(1)
    rng = torch.Generator().manual_seed(0)
    assert module(u).shape == (2, 1, 36)
    assert relaxed_defect(module, shifts, u, finer, generator=rng).max() < 1e-10
    assert strict_defect(module, shifts, u, finer, generator=rng)[0] > 0.1


def test_a_sample_that_is_not_finite_leaves_the_others_alone():
    shifts = TorusTranslations(Grid(24, length=7.0))
    u = noise((3, 1, 24))
    u[1] = torch.nan
    h = shifts.canonical(u)
    assert torch.equal(h[[0, 2]], shifts.canonical(u[[0, 2]]))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda shifts, u: shifts.act(torch.zeros(1, 2), u),
            r"translations \(batch, 1\) in units of length, got shape",
        ),
        (lambda shifts, u: shifts.canonical(u[..., 1:]), r"last axes are \(24,\) like the grid, got \(1, 1, 23\)"),
        (lambda shifts, u: shifts.stabiliser(u).elements(0), "at most 65536 translations to list, got divisors"),
        (lambda shifts, u: relaxed_defect(nn.Identity(), shifts, u), "elements to try, or a generator that draws them"),
    ],
)
def test_what_cannot_be_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(TorusTranslations(Grid(24, length=7.0)), torch.ones(1, 1, 24, dtype=torch.float64))
