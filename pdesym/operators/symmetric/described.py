"""Layers as what JSON can hold, and back."""

from collections.abc import Mapping
from typing import Any

from pdesym.operators.symmetric.finite_group import FiniteGroup
from pdesym.operators.symmetric.moving_frame import MovingFrame
from pdesym.operators.symmetric.scaling import Scaling
from pdesym.operators.symmetric.sections import LogRms, Mean, PairPhase, Section
from pdesym.operators.symmetric.setting import Layer
from pdesym.operators.symmetric.translation import Translation
from pdesym.symmetry import Generator
from pdesym.symmetry.grid_element import Element

_SECTIONS: dict[str, Any] = {section.__name__: section for section in (Mean, LogRms, PairPhase)}


def layer_of(described: Mapping[str, Any]) -> Layer:
    """The layer that `described` described.

    Raises:
        ValueError: for one that is not of this package, a section that is a user's function for one.
    """
    entries = dict(described)
    kind = entries.pop("symmetry", None)
    if kind == "frame":
        generator = Generator(entries["generator"], tuple(entries["fields"]), tuple(entries["coordinates"]))
        return MovingFrame(generator, _section(entries["section"]))
    if kind == "translation":
        return Translation(**entries)
    if kind == "scaling":
        return Scaling(entries["section"], entries["fields"], **entries["weights"])
    if kind == "finite":
        return FiniteGroup(tuple(Element(_rows(g["space"]), _rows(g["channels"])) for g in entries["generators"]))
    raise ValueError(
        f"Expected a symmetry of this version of pdesym, got {kind!r}: open it with the one that wrote it."
    )


def _section(described: Mapping[str, Any]) -> Section:
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in described.items()}
    name = arguments.pop("name")
    if name not in _SECTIONS:
        raise ValueError(
            f"The section {name} is a function, and only {', '.join(_SECTIONS)} can be reopened: call enforce with the "
            "function yourself and fill the operator with load_weights."
        )
    section: Section = _SECTIONS[name](**arguments)
    return section


def _rows(matrix: Any) -> Any:
    return tuple(tuple(row) for row in matrix)
