"""Arguments of another kind: one sentence, with what would be right."""

import numpy as np
import pytest
import torch

from pdesym.solvers import Grid, kdv
from pdesym.solvers.kinds import output_times, refuse_no_number, refuse_other_kinds

U = torch.zeros(1, 1, 16)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("u_t = u_xx", U, Grid(16, length=1.0)), r"Expected an equation, such as kdv\(\).* got 'str'"),
        ((kdv, U, Grid(16, length=1.0)), "got the class or function kdv"),
        ((kdv(), np.zeros((1, 1, 16)), Grid(16, length=1.0)), r"got 'ndarray': torch\.as_tensor\(u0\)"),
        ((kdv(), U, 16), r"Expected a grid, such as Grid\(64, length=1\.0\), got 'int'"),
    ],
)
def test_other_kinds_are_told(arguments, sentence):
    with pytest.raises(TypeError, match=sentence):
        refuse_other_kinds(*arguments)


def test_the_right_kinds_pass():
    refuse_other_kinds(kdv(), U, Grid(16, length=1.0))
    refuse_no_number(rtol=None, dt=1, start=np.float64(0.5))
    assert (
        output_times([1, np.float32(2.0)])
        == output_times(torch.tensor([1.0, 2.0]))
        == output_times(np.array([1.0, 2.0]))
    )


@pytest.mark.parametrize("times", [1.0, None, "12", torch.tensor(1.0), torch.ones(1, 1), ["1"]])
def test_times_are_a_list_of_numbers(times):
    with pytest.raises(TypeError, match=r"Expected a list of output times, such as \[1\.0, 2\.0\]"):
        output_times(times)


@pytest.mark.parametrize("value", ["1e-3", True, [0.1]])
def test_numbers_are_numbers(value):
    with pytest.raises(TypeError, match="Expected rtol to be a number"):
        refuse_no_number(rtol=value)
