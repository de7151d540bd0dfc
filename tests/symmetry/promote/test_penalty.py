"""The penalty on operators whose symmetries are known, and what cannot cheat it."""

import math

import pytest
import torch

from pdesym.symmetry import Generator
from pdesym.symmetry.promote import SymmetryPenalty

SHIFT, BOOST, TIME = Generator("d_x"), Generator("t*d_x + d_u"), Generator("d_t")
WRONG, SIZE = Generator("-t*d_x + d_u"), Generator("u*d_u")
HORIZON = 0.5


def measured(penalty, operator, u, grid, of="__call__"):
    return getattr(penalty, of)(operator, u, grid, 0.0, HORIZON)


@pytest.fixture
def burgers(exact):
    return lambda u: exact.burgers(u, HORIZON)


@pytest.mark.parametrize("kind", ["nuclear", "group", "squared"])
def test_symmetries_cost_nothing_and_a_wrong_one_does(exact, burgers, waves, kind):
    true = SymmetryPenalty([SHIFT, BOOST, TIME], kind, rhs=exact.rhs["burgers"], floor=1e-6)
    assert 0 <= measured(true, burgers, waves, exact.grid) < 1e-5
    for wrong in (WRONG, SIZE):
        mixed = SymmetryPenalty([SHIFT, BOOST, wrong, TIME], kind, rhs=exact.rhs["burgers"])
        assert measured(mixed, burgers, waves, exact.grid) > 0.01


def test_the_spectrum_counts_symmetries_that_no_single_generator_is(exact, burgers, waves):
    """Neither of two generators is a symmetry, but their difference is."""
    first, second = BOOST + SIZE, 2 * BOOST + SIZE
    penalty = SymmetryPenalty([SHIFT, first, second])
    spectrum = measured(penalty, burgers, waves, exact.grid, "spectrum")
    assert spectrum.shape == (3,)
    assert (spectrum[:2] < 1e-6).all()
    assert spectrum[2] > 0.1
    each = measured(penalty, burgers, waves, exact.grid, "defects")
    assert each[0] < 1e-10
    assert (each[1:] > 0.02).all()


def test_the_nuclear_norm_depends_on_the_span_alone(exact, burgers, waves):
    one = measured(SymmetryPenalty([SHIFT, BOOST, SIZE]), burgers, waves, exact.grid)
    mixed = [SHIFT + 3 * BOOST, 20 * BOOST - SIZE, SIZE + SHIFT]
    assert measured(SymmetryPenalty(mixed), burgers, waves, exact.grid) == pytest.approx(float(one), rel=1e-3)
    groups = [
        measured(SymmetryPenalty(basis, "group"), burgers, waves, exact.grid) for basis in ([SHIFT, BOOST], mixed)
    ]
    assert groups[1] > 10 * groups[0]


@pytest.mark.parametrize("kind", ["nuclear", "group", "squared"])
def test_shrinking_the_output_gains_nothing(exact, waves, kind):
    """Of a × F every part of the penalty is that of F, where absolute Lie derivatives would fall with a."""
    (x,) = exact.grid.coordinates()
    size = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)

    def operator(u):
        return size * (u + 0.5 * torch.sin(x) * u**2)

    penalty = SymmetryPenalty([SHIFT, SIZE], kind)
    value = measured(penalty, operator, waves, exact.grid)
    (slope,) = torch.autograd.grad(value, size)
    assert value > 0.02
    assert abs(slope) < 1e-6 * value
    shrunk = measured(penalty, lambda u: 1e-3 * operator(u), waves, exact.grid)
    assert shrunk.item() == pytest.approx(value.item(), rel=1e-6)
    boosted = SymmetryPenalty([BOOST], kind)
    lazy = measured(boosted, lambda u: 1e-3 * exact.burgers(u, HORIZON), waves, exact.grid)
    assert lazy > 0.5 * measured(boosted, lambda u: 0 * u, waves, exact.grid) > 0.4


@pytest.mark.parametrize("kind", ["nuclear", "group", "squared"])
def test_its_gradient_leads_to_the_symmetric_operator(exact, waves, kind):
    """F(u) = a S(u) + b sin(x) u: nothing but b breaks the translation, and the size of a is free."""
    (x,) = exact.grid.coordinates()
    weights = torch.tensor([0.7, 0.3], dtype=torch.float64, requires_grad=True)
    penalty = SymmetryPenalty([SHIFT, SIZE], kind)

    def value(w):
        return measured(penalty, lambda u: w[0] * exact.heat(u, HORIZON) + w[1] * torch.sin(x) * u, waves, exact.grid)

    assert torch.autograd.gradcheck(value, (weights,), atol=1e-6)
    optimiser = torch.optim.Adam([weights], lr=0.02)
    for _ in range(80):
        optimiser.zero_grad()
        value(weights).backward()
        optimiser.step()
    assert abs(weights[1]) < 0.03 * abs(weights[0])
    assert abs(weights[0]) > 0.5


def test_gradients_are_finite_at_an_exact_symmetry(exact, waves):
    power = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    for kind in ("nuclear", "group", "squared"):
        penalty = SymmetryPenalty([SHIFT, BOOST, Generator("d_u")], kind)
        value = measured(penalty, lambda u: (1 + power) * u, waves, exact.grid)
        (slope,) = torch.autograd.grad(value, power)
        assert slope.isfinite()


@pytest.mark.parametrize("mixing", [1e-1, 1e-3, 1e-5])
def test_no_basis_hides_what_is_broken(exact, waves, mixing):
    (x,) = exact.grid.coordinates()

    def operator(u):
        return (1 + 0.5 * torch.cos(x)) * u

    one = measured(SymmetryPenalty([SIZE, SHIFT]), operator, waves, exact.grid)
    mixed = measured(SymmetryPenalty([SIZE, SIZE + mixing * SHIFT]), operator, waves, exact.grid)
    assert mixed.item() == pytest.approx(one.item(), rel=0.1)
    late = SymmetryPenalty([SHIFT, WRONG])(operator, waves, exact.grid, 100.0, 100.0 + HORIZON)
    early = measured(SymmetryPenalty([SHIFT, WRONG]), operator, waves, exact.grid)
    assert late.item() == pytest.approx(early.item(), rel=0.1)


def test_the_unit_of_a_field_does_not_count(exact, waves):
    """F moves one field as it should and the other not; in other units of the first it is as wrong."""
    (x,) = exact.grid.coordinates()
    both = torch.cat([waves, waves.flip(0)], 1)
    shift = Generator("d_x", fields=("u", "v"))

    def operator(u):
        return torch.stack([u[:, 0] * 2, (1 + torch.sin(x)) * u[:, 1]], 1)

    units = [torch.tensor([unit, 1.0], dtype=torch.float64).reshape(2, 1) for unit in (1.0, 100.0)]
    values = [measured(SymmetryPenalty([shift]), operator, both * unit, exact.grid).item() for unit in units]
    assert values[1] == pytest.approx(values[0], rel=1e-6)
    assert values[0] > 0.05


def test_candidate_algebras_add_up(exact, burgers, waves):
    def value(*arguments, **options):
        return float(measured(SymmetryPenalty(*arguments, **options), burgers, waves, exact.grid))

    first, second = [SHIFT, WRONG], [SHIFT, BOOST, SIZE]
    together = value([first, second], weights=[1.0, 0.5])
    assert together == pytest.approx(value(first) + 0.5 * value(second), rel=1e-9)
    both = SymmetryPenalty([first, second])
    assert both.generators == (SHIFT, WRONG, BOOST, SIZE)
    overlapping = SymmetryPenalty([[SHIFT, BOOST], [BOOST, SHIFT + BOOST, SIZE]])
    assert len(measured(overlapping, burgers, waves, exact.grid, "spectrum")) == 3


def test_a_generator_that_moves_nothing_costs_nothing(exact, burgers):
    still = torch.full((2, 1, 256), 0.3, dtype=torch.float64)
    for kind in ("nuclear", "group", "squared"):
        value = measured(SymmetryPenalty([SHIFT, WRONG], kind), lambda u: u, still, exact.grid)
        assert math.isfinite(value)
    assert measured(SymmetryPenalty([SHIFT]), burgers, still, exact.grid) < 1e-3
    shift, boost = measured(SymmetryPenalty([SHIFT, WRONG]), lambda u: u, still, exact.grid, "defects")
    assert shift.isnan()
    assert boost.isfinite()


@pytest.mark.parametrize(
    ("generators", "options", "message"),
    [
        ([], {}, "Expected at least one generator in each candidate algebra"),
        ([[SHIFT], []], {}, "Expected at least one generator in each candidate algebra"),
        ([SHIFT, [BOOST]], {}, "got a mixture"),
        ([SHIFT], {"kind": "l1"}, "Expected the kind of a penalty to be one of nuclear, group, squared, got 'l1'"),
        ([SHIFT], {"weights": (1.0, 2.0)}, "Expected 1 weights"),
        ([SHIFT, 2 * SHIFT], {}, "do not depend on each other in a candidate algebra, got d_x, 2\\*d_x"),
        ([SHIFT, BOOST, SHIFT + BOOST], {}, "do not depend on each other"),
        ([SHIFT - SHIFT], {}, "do not depend on each other"),
        ([SHIFT], {"floor": 0.0}, "Expected the floor of a penalty to be positive"),
        ([SHIFT, Generator("d_y", coordinates=("x", "y"))], {}, "Expected generators of the same variables"),
    ],
)
def test_what_cannot_be_is_refused(generators, options, message):
    with pytest.raises(ValueError, match=message):
        SymmetryPenalty(generators, **options)


def test_time_needs_the_right_hand_side(exact, burgers, waves):
    with pytest.raises(ValueError, match="pass rhs="):
        measured(SymmetryPenalty([TIME]), burgers, waves, exact.grid)


def test_an_operator_that_diverged_has_no_number(exact, waves):
    for kind in ("nuclear", "group", "squared"):
        value = measured(SymmetryPenalty([SHIFT, SIZE], kind), lambda u: u * torch.inf, waves, exact.grid)
        assert value.isnan()
