"""A box of another length for each sample."""

import math

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, kdv, solve

LINE, PLANE = Grid(32, length=10.0), Grid(12, 16, length=5.0)
U = RandomSinusoids(waves=(1, 2)).sample(LINE, range(3), seed=0)
LENGTHS = torch.tensor([8.0, 10.0, 15.0], dtype=torch.float64)


@pytest.mark.parametrize("control", [{"rtol": 1e-6}, {"dt": 0.02}])
def test_each_sample_is_solved_in_its_own_box(control):
    together = solve(kdv(), U, LINE, [0.2, 0.5], length=LENGTHS, verify=1, **control)
    assert together.length.tolist() == LENGTHS[:, None].tolist()
    assert max(together.verified.values()) < 1e-5
    names = kdv().card.invariants
    for row, length in enumerate(LENGTHS.tolist()):
        alone = solve(kdv(), U[row : row + 1], Grid(32, length=length), [0.2, 0.5], **control)
        torch.testing.assert_close(together.u[row : row + 1], alone.u, rtol=1e-11, atol=1e-11)
        for name in names:
            expected = alone.invariant(name)
            torch.testing.assert_close(together.invariant(name)[row : row + 1], expected, rtol=1e-10, atol=1e-10)
    assert float((together.u[0] - solve(kdv(), U[:1], LINE, [0.2, 0.5], **control).u[0]).abs().max()) > 1e-2


def test_a_number_serves_all_samples():
    one = solve(kdv(), U, LINE, [0.2], rtol=1e-6, length=12.0)
    assert one.grid == Grid(32, length=12.0)
    assert one.length is None
    torch.testing.assert_close(
        one.u, solve(kdv(), U, LINE, [0.2], rtol=1e-6, length=torch.tensor(12.0)).u, rtol=1e-11, atol=1e-11
    )


def test_each_axis_has_its_length():
    u = torch.randn(2, 1, 12, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([[4.0, 5.0], [6.0, 3.0]], dtype=torch.float64)
    equation = Equation("u_t = lap(u) - u*u_x")
    together = FlowMap(equation, PLANE, (0.0, 0.05), dt=0.01, length=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = FlowMap(equation, Grid(12, 16, length=length), (0.0, 0.05), dt=0.01)
        torch.testing.assert_close(together(u)[row], alone(u[row : row + 1])[0], rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(together.rhs(u)[row], alone.rhs(u[row : row + 1])[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("length", "sentence"),
    [
        (
            torch.ones(2),
            r"float tensor of shape \(3,\) or \(3, 1\) with one a sample, got a torch.float32 tensor of sha",
        ),
        (torch.tensor([1.0, -2.0, 1.0]), "The length of a box must be positive and finite, got -2"),
        (torch.tensor([1.0, math.inf, 1.0]), "must be positive and finite, got inf"),
        (-1.0, "must be positive and finite"),
    ],
)
def test_lengths_that_cannot_be(length, sentence):
    with pytest.raises(ValueError, match=sentence):
        solve(kdv(), U, LINE, [0.1], dt=0.1, length=length)
