"""The shapes and types in public signatures are checked while the tests run, through the links as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pytest
import torch
from beartype import beartype
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from pdesym.cli.app import lab
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import derivative, wavenumbers
from tests.checked_signatures import checked, thorough


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


def beside(u: Float[Tensor, "n m"], v: Float[Tensor, " m"], left_out: int = 0) -> Float[Tensor, "n m"]:
    return u[left_out:] + v


def rows(u: Float[Tensor, "n m"]) -> Iterator[Tensor]:
    yield from u


def quoted(u: "Float[Tensor, 'n m']") -> "Float[Tensor, ' n']":
    return u[:, 0]


def counted(names: list[str], where: Literal["left", "right"] = "left") -> int:
    return len(names) if where == "left" else -1.0


@pytest.mark.parametrize("check", [checked, partial(thorough, typechecker=beartype)])
def test_the_quick_check_refuses_what_jaxtyping_refuses(check):
    u, v = torch.zeros(3, 4), torch.zeros(4)
    assert check(beside)(u, v).shape == (3, 4)
    assert check(beside)(v[None], u[0]).shape == (1, 4)  # axes have sizes of their own in every call
    for wrong in ((u, u[:, 0]), (u, v, 1), (u, v, "1"), (u.int(), v), (u, [0.0])):
        with pytest.raises(TypeCheckError, match="beside"):
            check(beside)(*wrong)
    assert len(list(check(rows)(u))) == 3
    with pytest.raises(TypeCheckError, match="rows"):
        check(rows)(v)
    assert check(quoted)(u).shape == (3,)
    with pytest.raises(TypeCheckError, match="quoted"):
        check(quoted)(v)
    assert check(counted)(["a", "b"]) == 2
    for wrong in ((["a"], "right"), (["a"], "up"), ([1],)):
        with pytest.raises(TypeCheckError, match="counted"):
            check(counted)(*wrong)


@pytest.mark.parametrize("check", [checked, partial(thorough, typechecker=beartype)])
def test_the_names_of_axes_hold_inside_a_call_and_not_in_those_it_makes(check):
    @check
    def halves(u: Float[Tensor, " n"], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return check(beside)(u.reshape(2, -1), v[::2]).flatten()

    assert halves(torch.zeros(8), torch.zeros(8)).shape == (8,)
    with pytest.raises(TypeCheckError, match="halves"):
        halves(torch.zeros(8), torch.zeros(6))


@pytest.mark.parametrize("check", [checked, partial(thorough, typechecker=beartype)])
def test_what_a_dataclass_is_made_of_is_checked(check):
    @check
    @dataclass
    class Pair:
        u: Float[Tensor, " n"]
        v: Float[Tensor, " n"]

    assert Pair(torch.zeros(3), torch.zeros(3)).u.shape == (3,)
    with pytest.raises(TypeCheckError, match="Pair"):
        Pair(torch.zeros(3), torch.zeros(4))
