"""Kinds of operators, described and built again."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from torch import nn

from pdesym.operators import FNOConfig, describe_operator, fno
from pdesym.operators.registry import completed, configuration


@dataclass(frozen=True)
class Stranger:
    kind: ClassVar[str] = "stranger"


def test_a_description_is_json_and_builds_the_same():
    operator = fno(2, 1, modes=3, width=4, parameters=("nu",), reference=(0.1,))
    described = describe_operator(operator)
    assert described["kind"] == "fno"
    assert described["parameters"] == ["nu"]
    assert configuration(described, "here") == operator.config


def test_a_configuration_that_is_not_registered_is_the_name_of_the_class():
    module = nn.Linear(1, 1)
    module.config = Stranger()
    assert describe_operator(module) == {"kind": "torch.nn.modules.linear.Linear"}
    with pytest.raises(ValueError, match="here holds a stranger, and only fno"):
        configuration({"kind": "stranger"}, "here")


def test_a_description_from_before_an_entry_was_added_is_completed():
    """So that a training goes on from a checkpoint of an earlier version."""
    described = describe_operator(fno(2, 1, modes=3, width=4))
    earlier = {name: value for name, value in described.items() if name not in ("parameters", "reference", "increment")}
    assert earlier != described
    assert completed(earlier) == described
    assert completed({"kind": "stranger", "size": 3}) == {"kind": "stranger", "size": 3}
    assert "frames_in" not in completed({"kind": FNOConfig.kind})
