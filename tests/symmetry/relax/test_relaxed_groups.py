"""Relaxed equivariance under plane groups, changes of sign, permutations and products."""

import math

import pytest
import torch
from torch import nn

from pdesym.solvers import Grid
from pdesym.symmetry.grid_element import Element
from pdesym.symmetry.grid_generators import axis_reflection, mirror, quarter_turn
from pdesym.symmetry.relax import (
    CyclicShifts,
    Permutations,
    PlaneGroup,
    Product,
    RelaxedEquivariant,
    SignFlip,
    SymmetryBreakingInput,
    TorusPlaneGroup,
    TorusTranslations,
    orbit_distance,
    orbit_mean,
    relaxed_defect,
    strict_defect,
)


def noise(shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Dense(nn.Module):
    """A network without any symmetry: tanh of a random matrix and bias."""

    def __init__(self, shape, out=None, seed=0):
        super().__init__()
        self.out = shape if out is None else out
        sizes = math.prod(shape), math.prod(self.out)
        self.weight = nn.Parameter(noise(sizes, seed) / sizes[0] ** 0.5)
        self.bias = nn.Parameter(noise(sizes[1:], seed + 1))

    def forward(self, x):
        y = torch.tanh(x.double().flatten(1) @ self.weight + self.bias)
        return y.reshape(len(x), *self.out).to(x.dtype)


def projected(group, members, x):
    """The mean of x over some elements that form a subgroup: a sample with that stabiliser."""
    images = [group.act(torch.full((len(x),), member), x) for member in members]
    return torch.stack(images).mean(0)


def members_of(group, order):
    """The elements of a subgroup: powers of an element of that order, or all."""
    if order == len(group):
        return list(range(order))
    for member in range(len(group)):
        powers, g = [0], torch.tensor([member])
        while int(g) != 0:
            powers.append(int(g))
            g = group.compose(g, torch.tensor([member]))
        if len(powers) == order:
            return powers
    raise AssertionError(f"no cyclic subgroup of order {order}")


PLANES = {
    "p4": (PlaneGroup.p4(), (1, 2, 4)),
    "p4m": (PlaneGroup.p4m(), (1, 2, 4, 8)),
    "p4m of a velocity": (PlaneGroup.p4m(("vector",)), (1, 2, 4, 8)),
    "p4 of shallow water": (PlaneGroup.p4(("scalar", "vector")), (1, 2, 4)),
    "p4m of a vorticity": (PlaneGroup.p4m(("pseudoscalar",)), (1, 2, 4, 8)),
}


@pytest.mark.parametrize("name", PLANES)
def test_plane_groups(name):
    """For every order of the stabiliser: relaxed holds, strict where it is 1; a bare network has neither."""
    group, orders = PLANES[name]
    channels = len(group.generators[0].channels)
    shape = (channels, 6, 6)
    x = torch.cat([projected(group, members_of(group, order), noise((1, *shape))) for order in orders])
    module = RelaxedEquivariant(Dense(shape), group)
    assert group.stabiliser(x).order.tolist() == list(orders)
    assert relaxed_defect(module, group, x).max() < 1e-12
    strict = strict_defect(module, group, x)
    assert strict[0] < 1e-12
    assert (strict[1:] > 0.1).all()
    assert relaxed_defect(module.network, group, x)[0] > 0.1
    assert group.stabiliser(module(x)).order.tolist() == [1] * len(orders)


def test_frames_stand_before_the_channels():
    group = PlaneGroup.p4m(("vector",))
    shape = (3, 2, 6, 6)
    module = RelaxedEquivariant(Dense(shape), group)
    assert relaxed_defect(module, group, noise((2, *shape))).max() < 1e-12


def test_an_output_of_other_channels_shares_the_elements():
    """A velocity from a stream function, which is a pseudoscalar."""
    group = PlaneGroup.p4m(("pseudoscalar",))
    out = group.on(quarter_turn(("vector",)), mirror(("vector",)))
    module = RelaxedEquivariant(Dense((1, 6, 6), (2, 6, 6)), group, out)
    x = noise((2, 1, 6, 6))
    assert strict_defect(module, group, x, out).max() < 1e-12
    mistaken = PlaneGroup.p4m(("scalar", "scalar"))
    assert strict_defect(module, group, x, mistaken).min() > 0.1
    with pytest.raises(ValueError, match="Expected 2 elements, one for each generator, got 1"):
        group.on(quarter_turn(("vector",)))
    with pytest.raises(ValueError, match="Expected elements whose products are those of the group, got others"):
        group.on(quarter_turn(("vector",)), quarter_turn(("vector",)))


@pytest.mark.parametrize("points", [11, 12])
def test_the_reflection_of_a_line(points):
    """(x, u) → (−x, −u): odd fields are left where they are."""
    group = PlaneGroup.reflection()
    x = noise((2, 1, points))
    x[1] = projected(group, [0, 1], x[1:])
    module = RelaxedEquivariant(Dense((1, points)), group)
    assert group.stabiliser(x).order.tolist() == [1, 2]
    assert relaxed_defect(module, group, x).max() < 1e-12
    assert (strict_defect(module, group, x) > 0.1).tolist() == [False, True]


def test_a_change_of_sign():
    group = SignFlip()
    x = torch.stack([noise((4,)), torch.zeros(4, dtype=torch.float64)])
    module = RelaxedEquivariant(Dense((4,)), group)
    stabiliser = group.stabiliser(x)
    assert stabiliser.order.tolist() == [1, 2]
    assert relaxed_defect(module, group, x).max() < 1e-12
    assert (strict_defect(module, group, x) > 0.1).tolist() == [False, True]
    assert orbit_distance(-x, x, group, stabiliser)[1] == 0
    assert (orbit_mean(noise((2, 4)), group, stabiliser) != 0).any(1).tolist() == [True, False]


SETS = {
    "all different": ([0.0, 1.0, 2.0, 3.0, 4.0], 1),
    "a pair": ([1.0, 0.0, 1.0, 2.0, 3.0], 2),
    "two and three": ([1.0, 0.0, 1.0, 0.0, 1.0], 12),
    "all equal": ([1.0] * 5, 120),
}


@pytest.mark.parametrize("name", SETS)
def test_sets(name):
    entries, order = SETS[name]
    group = Permutations(5)
    # The second feature depends on the first, so that equal members stay equal.
    x = torch.tensor(entries, dtype=torch.float64).reshape(1, 5, 1)
    x = torch.cat([x, (3 * x).sin()], 2)
    module = RelaxedEquivariant(Dense((5, 2)), group)
    rng = torch.Generator().manual_seed(0)
    stabiliser = group.stabiliser(x)
    assert stabiliser.order.tolist() == [order]
    elements = stabiliser.elements(0)
    assert elements.shape == elements.unique(dim=0).shape == (order, 5)
    assert torch.equal(group.act(elements, x.expand(order, 5, 2)), x.expand(order, 5, 2))
    assert relaxed_defect(module, group, x, generator=rng).item() < 1e-12
    assert (strict_defect(module, group, x, generator=rng).item() < 1e-12) == (order == 1)
    if order < 120:
        assert relaxed_defect(module.network, group, x, generator=rng).item() > 0.1
    y = noise((1, 5, 2))
    images = group.act(elements, y.expand(order, 5, 2))
    assert torch.allclose(orbit_mean(y, group, stabiliser), images.mean(0, keepdim=True))
    found = orbit_distance(y, x, group, stabiliser)
    assert torch.allclose(found, (images - x).square().sum((1, 2)).min())


def test_permutations_are_drawn_evenly_from_the_stabiliser():
    group = Permutations(4)
    x = torch.tensor([2.0, 1.0, 2.0, 2.0], dtype=torch.float64).reshape(1, 4, 1).expand(1200, 4, 1)
    stabiliser = group.stabiliser(x)
    drawn = stabiliser.random(torch.Generator().manual_seed(0))
    kinds, counts = drawn.unique(dim=0, return_counts=True)
    assert torch.equal(group.act(drawn, x), x)
    assert torch.equal(kinds, stabiliser.elements(0).unique(dim=0))
    assert ((counts > 150) & (counts < 250)).all()


def test_permutations_form_a_group():
    group, rng = Permutations(6), torch.Generator().manual_seed(0)
    x, g, h = noise((50, 6, 2)), group.random(50, rng), group.random(50, rng)
    assert torch.equal(group.act(group.compose(g, h), x), group.act(g, group.act(h, x)))
    assert torch.equal(group.act(group.inverse(g), group.act(g, x)), x)
    assert torch.equal(group.act(group.identity(50), x), x)
    assert torch.equal(group.act(torch.tensor([[1, 2, 0, 3, 4, 5]]), x[:1])[0, 1], x[0, 0])


def test_members_that_rounding_makes_different_are_one():
    group = Permutations(6)
    x = torch.tensor([3.0, 1.0, 3.0, 1.0, 3.0, 2.0], dtype=torch.float32).reshape(1, 6, 1)
    rough = x * (1 + 1e-7 * noise((1, 6, 1)).float())
    assert group.stabiliser(rough).order.tolist() == [12]
    assert group.stabiliser(x + 1e-2 * noise((1, 6, 1)).float()).order.tolist() == [1]


def lines(points):
    x = 2 * math.pi * torch.arange(points, dtype=torch.float64) / points
    rows = [torch.sin(x), torch.sin(x) + 0.5 * torch.cos(2 * x), torch.sin(3 * x), 0 * x + 1, 0 * x, noise((points,))]
    return torch.stack(rows).unsqueeze(1)


def test_half_a_period_with_a_change_of_sign():
    """Under translations and u → −u the stabiliser of sin 3x has 6 elements: 3 translations, and 3 with the sign."""
    grid = Grid(24, length=7.0)
    group = Product(TorusTranslations(grid), SignFlip())
    x = group.first.act(torch.full((6, 1), 0.3, dtype=torch.float64), lines(24))
    stabiliser = group.stabiliser(x)
    assert stabiliser.order.tolist() == [2, 1, 6, 0, 0, 1]
    elements = stabiliser.elements(2)
    assert torch.allclose(group.act(elements, x[2].expand(6, 1, 24)), x[2].expand(6, 1, 24), atol=1e-12)
    rng = torch.Generator().manual_seed(0)
    assert torch.allclose(group.act(stabiliser.random(rng), x), x, atol=1e-12)
    module = RelaxedEquivariant(Dense((1, 24)), group)
    tried = group.random(3, rng)
    assert relaxed_defect(module, group, x, elements=tried).max() < 1e-10
    strict = strict_defect(module, group, x, elements=tried) < 1e-10
    assert strict.tolist() == [order == 1 for order in (2, 1, 6, 0, 0, 1)]
    y = noise((6, 1, 24))
    mean = orbit_mean(y, group, stabiliser)
    images = group.act(elements, y[2].expand(6, 1, 24))
    assert torch.allclose(mean[2], images.mean(0), atol=1e-12)
    assert mean[4].abs().max() < 1e-12
    found = orbit_distance(y, x, group, stabiliser)
    assert torch.allclose(found[2], (images - x[2]).square().sum((1, 2)).min())


SQUARES = {
    "sin x": (lambda x, y: torch.sin(x) + 0 * y, 0),
    "a square lattice": (lambda x, y: torch.cos(x) + torch.cos(y), 8),
    "cells of a quarter": (lambda x, y: torch.cos(2 * x) + torch.cos(2 * y), 32),
    "a turned lattice": (lambda x, y: torch.cos(2 * x + y) + torch.cos(x - 2 * y), 20),
    "a mirror off the origin": (
        lambda x, y: (
            torch.cos(x - 0.4) + 0.5 * torch.cos(2 * x - 0.8) * torch.sin(y) + torch.cos(y + 1) + torch.sin(2 * y)
        ),
        2,
    ),
    "none": (lambda x, y: noise(x.shape), 1),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_all_symmetries_of_a_square_box(dtype):
    """p4m with all translations: h(g x) ∈ g G_x h(x) for elements of both, wherever the centre of a symmetry lies."""
    grid = Grid(12, 12, length=5.0)
    plane = PlaneGroup.p4m()
    group = TorusPlaneGroup(TorusTranslations(grid), plane)
    axis = 2 * math.pi * torch.arange(12, dtype=torch.float64) / 12
    corner = torch.meshgrid(axis, axis, indexing="ij")
    x = torch.stack([function(*corner) for function, _ in SQUARES.values()]).unsqueeze(1)
    rng = torch.Generator().manual_seed(0)
    x = group.act(group.random(len(x), rng), x).to(dtype)
    module = RelaxedEquivariant(Dense((1, 12, 12)), group)
    orders = [order for _, order in SQUARES.values()]
    assert group.stabiliser(x).order.tolist() == orders
    bound = 1e-10 if dtype == torch.float64 else 1e-4
    elements = group.random(2, rng)
    assert relaxed_defect(module, group, x, elements=elements).max() < bound
    assert (strict_defect(module, group, x, elements=elements) < bound).tolist() == [order == 1 for order in orders]


def test_pairs_of_a_plane_group_and_translations_form_a_group():
    grid = Grid(9, 9, length=5.0)
    group = TorusPlaneGroup(TorusTranslations(grid), PlaneGroup.p4m())
    rng = torch.Generator().manual_seed(0)
    x, g, h = noise((20, 1, 9, 9)), group.random(20, rng), group.random(20, rng)
    assert torch.allclose(group.act(group.compose(g, h), x), group.act(g, group.act(h, x)))
    assert torch.allclose(group.act(group.inverse(g), group.act(g, x)), x)
    assert torch.allclose(group.act(group.identity(20), x), x)
    plain = group.first.compose(g[0], h[0]), group.second.compose(g[1], h[1])
    assert not torch.allclose(group.act(plain, x), group.act(g, group.act(h, x)))


def test_finite_products():
    group = Product(CyclicShifts(6), SignFlip())
    x = torch.tensor([[1, -1, 1, -1, 1, -1], [1, 2, 3, -1, -2, -3], [1, 1, 2, 3, 5, 8]], dtype=torch.float64)
    module = RelaxedEquivariant(Dense((6,)), group)
    assert len(group.everything()[1]) == 12
    assert group.stabiliser(x).order.tolist() == [6, 2, 1]
    assert relaxed_defect(module, group, x).max() < 1e-12
    assert (strict_defect(module, group, x) > 0.1).tolist() == [True, True, False]


class Twice(nn.Module):
    """Equivariant under shifts on a pair of channels: circular convolutions of products."""

    def forward(self, x):
        y = torch.tanh(x[:, :1] + 0.5 * x[:, :1].roll(1, -1) + x[:, 1:]) * (1 + x[:, 1:].roll(2, -1))
        return y + 0.3 * y.roll(1, -1)


@pytest.mark.parametrize(("period", "kept"), [(12, 1), (6, 2), (4, 3), (2, 6), (1, 12)])
def test_a_symmetry_breaking_input_keeps_the_symmetries_it_has(period, kept):
    """z₀ of period p under C_12, x constant: the output keeps the stabiliser K of z₀ and no more."""
    group = CyclicShifts(12)
    z0 = noise((1, period)).repeat(1, 12 // period)
    module = SymmetryBreakingInput(Twice(), group, z0)
    x = torch.cat([torch.ones(1, 1, 12, dtype=torch.float64), noise((1, 1, 4)).repeat(1, 1, 3), noise((1, 1, 12))])
    assert relaxed_defect(module, group, x).max() < 1e-12
    shared = [kept, math.gcd(3, kept), 1]
    assert group.stabiliser(module(x)).order.tolist() == shared
    assert (strict_defect(module, group, x) > 1e-3).tolist() == [kept < 12, kept % 3 != 0, False]
    assert "z0" in module.state_dict()
    drawn = SymmetryBreakingInput(Twice(), group, nn.Parameter(z0), mode="coset")
    y = drawn(x, generator=torch.Generator().manual_seed(0))
    assert orbit_distance(module(x), y, group, group.stabiliser(x)).max() < 1e-20
    y.square().sum().backward()
    assert drawn.z0.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: Product(SignFlip(), TorusTranslations(Grid(8, length=1.0))),
            "got TorusTranslations: exchange the two",
        ),
        (lambda: Product(Permutations(3), Permutations(3)), "got Permutations: one of the two must be finite"),
        (
            lambda: Product(TorusTranslations(Grid(8, length=1.0)), PlaneGroup.reflection()),
            "Expected actions that commute, got translations and rotations or reflections of space",
        ),
        (
            lambda: TorusPlaneGroup(TorusTranslations(Grid(8, 8, length=(1.0, 2.0))), PlaneGroup.p4()),
            "it needs the same points and the same length on them",
        ),
        (lambda: Permutations(0), "sets of at least one member, got 0"),
        (lambda: Permutations(3).canonical(noise((1, 4))), r"sets \(batch, 3 members, …\), got shape \(1, 4\)"),
        (lambda: Permutations(3).inverse(torch.zeros(1, 4)), r"permutations \(batch, 3\) int64, got torch.float32 of"),
        (
            lambda: Permutations(12).stabiliser(torch.ones(1, 12)).elements(0),
            "at most 50000 permutations to list, got 479001600",
        ),
        (lambda: PlaneGroup.p4().canonical(noise((1, 2, 6, 6))), r"\(batch, …, 1 channels, 2 space axes\), got shape"),
        (
            lambda: PlaneGroup.p4().canonical(noise((1, 1, 6, 8))),
            r"exchanges axes of space, got \(6, 8\) points on them",
        ),
        (lambda: PlaneGroup(axis_reflection(), quarter_turn()), "elements for one number of axes and channels"),
        (lambda: Product(Permutations(3), SignFlip()).act(torch.zeros(1), noise((1, 3))), "Expected the pair of an"),
        (
            lambda: orbit_mean(noise((1, 3)), Permutations(3), SignFlip().stabiliser(noise((1, 3)))),
            "Expected a stabiliser of permutations, got FiniteStabiliser",
        ),
        (
            lambda: orbit_mean(
                noise((1, 8)), TorusTranslations(Grid(8, length=1.0)), SignFlip().stabiliser(noise((1, 8)))
            ),
            "Expected a stabiliser of translations, got FiniteStabiliser",
        ),
        (lambda: SymmetryBreakingInput(Twice(), SignFlip(), noise((1, 3)), mode="no"), "'deterministic' or 'coset'"),
    ],
)
def test_what_cannot_be_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_orders_beyond_the_integers_stay_the_largest():
    group = Product(Permutations(25), SignFlip())
    sets = torch.stack([torch.zeros(25, 2), noise((25, 2)).float()])
    assert group.stabiliser(sets).order.tolist() == [2**63 - 1, 1]


def test_translations_commute_with_what_leaves_space_as_it_is():
    """The refusal of plane groups is of those that turn translations."""
    u = noise((2, 1, 8))
    group = Product(TorusTranslations(Grid(8, length=1.0)), PlaneGroup(Element(((1,),), ((-1.0,),))))
    rng = torch.Generator().manual_seed(0)
    assert relaxed_defect(RelaxedEquivariant(nn.Linear(8, 8).double(), group), group, u, generator=rng).max() < 1e-10
