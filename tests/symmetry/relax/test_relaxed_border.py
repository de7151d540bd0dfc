"""What is no finite sample has no symmetry, and what is no input is refused in a sentence."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from pdesym.solvers import Grid
from pdesym.symmetry.enforce import cyclic, quarter_turns
from pdesym.symmetry.relax import (
    CyclicShifts,
    Permutations,
    PlaneGroup,
    Product,
    RelaxedEquivariant,
    RelaxedLinear,
    RelaxedMLP,
    SignFlip,
    SymmetryBreakingInput,
    TorusPlaneGroup,
    TorusTranslations,
    orbit_distance,
    orbit_mean,
    relaxed_defect,
    strict_defect,
)
from pdesym.symmetry.relax.action import tolerance_for
from pdesym.symmetry.relax.defects import _tried
from pdesym.symmetry.relax.equivariant import relaxed_frame

SHIFTS = TorusTranslations(Grid(12, length=2.0))
SQUARE = TorusTranslations(Grid(6, 6, length=1.0))
ACTIONS = {
    "shifts": (CyclicShifts(12), (12,)),
    "torus": (SHIFTS, (2, 12)),
    "square": (SQUARE, (1, 6, 6)),
    "permutations": (Permutations(4), (4, 3)),
    "product": (Product(SHIFTS, SignFlip()), (1, 12)),
    "plane": (TorusPlaneGroup(SQUARE, PlaneGroup.p4()), (1, 6, 6)),
    "signed permutations": (Product(Permutations(4), SignFlip()), (4, 3)),
}


def rng():
    return torch.Generator().manual_seed(0)


def noise(*shape):
    return torch.randn(shape, generator=rng(), dtype=torch.float64)


@pytest.mark.parametrize("entry", [torch.nan, torch.inf, 1e200])
@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_not_finite_has_the_identity_alone(name, entry):
    action, shape = ACTIONS[name]
    x = torch.zeros(3, *shape, dtype=torch.float64)  # all of G leaves 0 where it is
    x[1:].flatten(1)[:, 1] = entry
    x[2] = entry
    stabiliser = action.stabiliser(x)
    assert stabiliser.order.tolist()[1:] == [1, 1]
    assert stabiliser.order[0] != 1
    drawn, kept = stabiliser.random(rng()), action.identity(3)
    y = noise(3, *shape)
    assert torch.allclose(action.act(drawn, y)[1:], action.act(kept, y)[1:])
    h = action.canonical(x)
    assert action.act(h, y).isfinite().all()
    assert torch.allclose(orbit_mean(y, action, stabiliser)[1:], action.act(kept, y)[1:])
    distance = orbit_distance(x, y, action, action.stabiliser(torch.zeros_like(y)))
    assert distance[0].isfinite()
    assert entry == 1e200 or not distance[1:].isfinite().any()


@pytest.mark.parametrize("keep", [(), ((0,),)])
def test_representations_of_different_groups_are_refused(keep):
    one, other = cyclic(4).vector, quarter_turns().vector  # of one order, and isomorphic
    for call in (
        lambda: RelaxedLinear(one, other, keep),
        lambda: RelaxedMLP([one, one, other], keep),
        lambda: RelaxedLinear(cyclic(6).vector, cyclic(12).vector, keep),
    ):
        with pytest.raises(ValueError, match="Expected representations of one group, got some of"):
            call()
    assert RelaxedLinear(one, cyclic(4).vector, keep) is not None  # equal groups, made twice


class Pair(nn.Module):
    """Gives a tuple."""

    def forward(self, x):
        return x, x


def plain(function):
    """Without the check of shapes that tests put around it: as users call it."""
    return inspect.unwrap(function)


def called(module, *given, **options):
    return plain(type(module).forward)(module, *given, **options)


def made(kind, *given, **options):
    plain(kind.__init__)(kind.__new__(kind), *given, **options)


X = noise(2, 1, 12)
RELAXED = RelaxedEquivariant(nn.Identity(), SHIFTS)
COSET = RelaxedEquivariant(nn.Identity(), SHIFTS, mode="coset")
VECTOR = cyclic(12).vector


@pytest.mark.parametrize("action", [SHIFTS, CyclicShifts(12), Product(SHIFTS, SignFlip()), Permutations(1)])
def test_an_empty_batch_is_refused_by_all_alike(action):
    none, one = X[:0], action.stabiliser(X)
    calls = (
        lambda: RelaxedEquivariant(nn.Identity(), action)(none),
        lambda: action.stabiliser(none),
        lambda: action.canonical(none),
        lambda: action.act(action.identity(0), none),
        lambda: strict_defect(nn.Identity(), action, none, generator=rng()),
        lambda: relaxed_defect(nn.Identity(), action, none, generator=rng()),
        lambda: orbit_mean(none, action, one),
        lambda: orbit_distance(none, none, action, one),
    )
    for call in calls:
        with pytest.raises(ValueError, match="Expected at least one sample, got an empty batch of shape"):
            call()
    assert len(one) == 2


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: SHIFTS.canonical(X[0, 0]), r"a batch axis and 1 of space at the end, got shape \(12,\)"),
        (lambda: SHIFTS.act(torch.zeros(1, 1), X[0, 0]), r"a batch axis and 1 of space at the end, got shape"),
        (lambda: CyclicShifts(12).canonical(X[0, 0]), r"a batch axis and one of entries behind it, got shape \(12,\)"),
        (lambda: called(RELAXED, X.numpy()), "a tensor with the batch as its first axis, got ndarray"),
        (lambda: called(RELAXED, X.tolist()), "a tensor with the batch as its first axis, got list"),
        (lambda: called(RELAXED, "u"), "a tensor with the batch as its first axis, got 'u'"),
        (lambda: plain(strict_defect)(nn.Identity(), SHIFTS, X.numpy()), "batch as its first axis, got ndarray"),
        (lambda: plain(orbit_mean)(X.numpy(), SHIFTS, SHIFTS.stabiliser(X)), "its first axis, got ndarray"),
        (lambda: plain(tolerance_for)(np.zeros((1, 12)), None), "first axis, got ndarray"),
        (lambda: called(RelaxedEquivariant(Pair(), SHIFTS), X), "a network that gives one tensor, got tuple"),
        (lambda: called(SymmetryBreakingInput(Pair(), SHIFTS, X[0]), X), "that gives one tensor, got tuple"),
        (lambda: strict_defect(lambda x: x[:1], SHIFTS, X), r"gives 2 outputs for as many samples, got \(1, 1, 12\)"),
        (lambda: plain(relaxed_defect)(Pair(), SHIFTS, X), "a network that gives one tensor, got tuple"),
        (
            lambda: plain(relaxed_frame)(SHIFTS, X, "coset", None, 0),
            r"Expected a torch.Generator, got 0: give torch.Generator\(\)",
        ),
        (lambda: plain(_tried)(SHIFTS, X, None, 0), "Expected a torch.Generator, got 0"),
        (lambda: made(TorusTranslations, 64), r"such as Grid\(64, length=1.0\), got 64"),
        (lambda: made(RelaxedEquivariant, nn.Identity(), "C_12"), "Expected a group action.*, got 'C_12'"),
        (lambda: orbit_mean(X, SHIFTS, SHIFTS.stabiliser(X[:1])), "the stabiliser of 2 inputs.*got one of 1"),
        (lambda: plain(orbit_distance)(X, X[:1], SHIFTS, SHIFTS.stabiliser(X)), r"one shape, got \(1, 1, 12\) and \(2"),
        (
            lambda: plain(orbit_distance)(X, X, SHIFTS.stabiliser(X), SHIFTS),
            "the action on the outputs before the stabiliser, got TorusStabiliser",
        ),
        (lambda: plain(orbit_mean)(X, SHIFTS, SHIFTS), "inputs after the action.*, got TorusTranslations"),
        (lambda: SymmetryBreakingInput(nn.Identity(), SHIFTS, X[:1])(X), "give z0 without the batch axis"),
        (lambda: SymmetryBreakingInput(nn.Identity(), SHIFTS, X[0, :, :6])(X), r"got \(1, 6\): give z0 without"),
        (lambda: made(SymmetryBreakingInput, nn.Identity(), SHIFTS, None), "a tensor z0 of .*, got None"),
        (lambda: made(SymmetryBreakingInput, nn.Identity(), SHIFTS, np.zeros(3)), "a tensor z0 of .*, got ndarray"),
        (lambda: RelaxedMLP([VECTOR, VECTOR], keep=((7,),)), r"words of the generators 0 to 0 of .*got \(\(7,\),\)"),
        (lambda: made(RelaxedMLP, [VECTOR, VECTOR], keep=(0, 0)), r"Expected keep as words .*got \(0, 0\)"),
        (lambda: made(RelaxedMLP, [VECTOR, VECTOR], keep="e"), "Expected keep as words .*got 'e'"),
        (lambda: made(RelaxedMLP, [6, 12]), r"Expected representations of a finite group, .*got int"),
        (lambda: made(RelaxedMLP, [VECTOR, VECTOR], activation="tanh"), r"such as nn.Tanh\(\), got 'tanh'"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_a_sentence(call, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_what_can_be_taken_is():
    """The same calls as they should be."""
    assert torch.allclose(RELAXED(X), SHIFTS.act(SHIFTS.identity(2), X))
    assert COSET(X, generator=rng()).shape == X.shape
    assert SymmetryBreakingInput(nn.Identity(), SHIFTS, X[0])(X).shape == (2, 2, 12)
    wider = SymmetryBreakingInput(nn.Identity(), SHIFTS, noise(3, 12))
    assert wider(X).shape == (2, 4, 12)
    assert RelaxedMLP([VECTOR, VECTOR], keep=((0, 0),))(X[:, 0].float()).shape == (2, 12)
    assert SignFlip().stabiliser(torch.zeros(2, 1, dtype=torch.float64)).order.tolist() == [2, 2]
