"""Reflections and the symmetries of the square."""

import pytest
import torch

from pdesym.operators import Element, FiniteGroup, enforce, p4, p4m, reflection
from pdesym.solvers import Grid
from pdesym.symmetry.grid_element import closure

SWAP = Element(((0, 1), (1, 0)), ((1.0,),))
CASES = {
    "reflection of Burgers": ((24,), reflection(), reflection((1,))),
    "odd points": ((25,), reflection((1,)), reflection()),
    "a pair": ((24,), reflection((1, -1)), reflection((1, 1))),
    "along y": ((10, 12), reflection((1,), axis=1, dims=2), reflection((1,), axis=0, dims=2)),
    "p4": ((12, 12), p4(), p4m()),
    "p4m of a vorticity": ((12, 12), p4m(("pseudoscalar",)), p4m(("scalar",))),
    "p4m of a velocity": ((9, 9), p4m(("vector",)), p4m(("scalar", "scalar"))),
    "p4m of shallow water": ((8, 8), p4m(("scalar", "vector")), p4m(("vector", "scalar"))),
}


def defect(operator, element, u):
    """Of what depends on the place: an untrained network mostly gives a constant."""
    expected = element(operator(u)).detach()
    return float((operator(element(u)) - expected).norm().detach() / expected.std() / expected.numel() ** 0.5)


@pytest.mark.parametrize("kind", ["fno", "convolutions"])
@pytest.mark.parametrize("name", CASES)
def test_every_element_holds_and_the_others_do_not(name, kind, inner, frames, box, times):
    points, group, other = CASES[name]
    fields = len(group.generators[0].channels)
    network, u = inner(kind, fields, points), frames(fields, points)
    operator = enforce(network, [group], box(points), *times)
    assert max(defect(operator, element, u) for element in group.elements) < 1e-14
    assert max(defect(network, element, u) for element in group.elements) > 0.05
    assert max(defect(operator, element, u) for element in other.elements) > 0.05


def test_an_element_moves_points_as_its_matrix_does():
    """w → w∘A⁻¹ for a quarter turn: a peak at x is afterwards at A x; velocities turn with the points."""
    (quarter,) = p4(("scalar", "vector")).generators
    u = torch.zeros(1, 1, 3, 8, 8)
    u[0, 0, :, 2, 1] = torch.tensor([5.0, 1.0, 0.0])
    moved = quarter(u)
    assert torch.equal(moved[0, 0, :, -1, 2], torch.tensor([5.0, 0.0, 1.0]))
    assert moved.abs().sum() == 6
    (mirror,) = reflection().generators
    field = torch.arange(4.0).reshape(1, 1, 1, 4)
    assert torch.equal(mirror(field), -torch.tensor([0.0, 3.0, 2.0, 1.0]).reshape(1, 1, 1, 4))


def test_products_act_one_after_the_other():
    u = torch.randn(2, 1, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    group = p4m(("vector",))
    for g in group.elements:
        for h in group.elements:
            assert torch.equal(g.after(h)(u), g(h(u)))


def test_the_closure_is_the_group():
    assert len(p4().elements) == 4
    assert len(p4m().elements) == 8
    assert len(closure([SWAP])) == 2
    assert len(closure([SWAP, *p4().generators])) == 8
    third = torch.tensor(2 * torch.pi / 3, dtype=torch.float64)
    c, s = float(third.cos()), float(third.sin())
    assert len(closure([Element(((1,),), ((c, -s), (s, c)))])) == 3
    with pytest.raises(ValueError, match="elements that generate at most 384 others, and these give more"):
        closure([Element(((1,),), ((2.0,),))])


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: Element(((-1,),), ((1.0,),), time=-1), "one that turns time back maps an operator to its inverse"),
        (lambda: Element(((1, 1), (0, 1)), ((1.0,),)), "Expected a signed permutation of the axes"),
        (lambda: Element(((2,),), ((1.0,),)), "Expected a signed permutation of the axes"),
        (lambda: Element(((1,),), ((1.0, 0.0),)), "Expected a square matrix on the channels"),
        (lambda: FiniteGroup((SWAP, *reflection().generators)), "elements for one number of axes and channels"),
        (lambda: p4("scalar"), "kinds of fields among scalar, pseudoscalar, vector"),
        (lambda: reflection((2,)), "a parity 1 or -1 for each channel"),
    ],
)
def test_what_is_no_such_group_is_refused(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


def test_a_grid_that_is_not_mapped_to_itself_is_refused(inner, times):
    network = inner("convolutions", 1, (8, 8))
    with pytest.raises(ValueError, match=r"exchanges axes of the grid \(8, 8\) of lengths \(1.0, 2.0\)"):
        enforce(network, [p4()], Grid(8, 8, length=(1.0, 2.0)), *times)
    with pytest.raises(ValueError, match="a group that acts on 2 space axes, got one on 1"):
        enforce(network, [reflection()], Grid(8, 8, length=1.0), *times)
