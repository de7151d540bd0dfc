"""The shapes and types in public signatures are checked while the tests run, through the links as well."""

import pytest
import torch
from jaxtyping import TypeCheckError

from pdesym.cli.app import lab
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative, wavenumbers


def test_a_tensor_of_the_wrong_kind_is_refused():
    with pytest.raises(TypeCheckError, match="derivative"):
        derivative(torch.zeros(8, dtype=torch.int64), Grid(8, length=1.0), 1)


def test_an_argument_of_the_wrong_type_is_refused():
    with pytest.raises(TypeCheckError, match="wavenumbers"):
        wavenumbers(8)
    with pytest.raises(TypeCheckError, match="lab"):
        lab(out="a string, where a Path is expected")


def test_a_right_call_passes():
    assert derivative(torch.zeros(8), Grid(8, length=1.0), 1).shape == (8,)
