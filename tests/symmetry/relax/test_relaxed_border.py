"""What is no finite sample has no symmetry, and what is no input is refused in a sentence."""

import pytest
import torch

from pdesym.solvers import Grid
from pdesym.symmetry.enforce import cyclic, quarter_turns
from pdesym.symmetry.relax import (
    CyclicShifts,
    Permutations,
    PlaneGroup,
    Product,
    RelaxedLinear,
    RelaxedMLP,
    SignFlip,
    TorusPlaneGroup,
    TorusTranslations,
    orbit_distance,
    orbit_mean,
)

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
