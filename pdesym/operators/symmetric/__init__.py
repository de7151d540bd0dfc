"""Operators with symmetries that hold exactly, whatever the weights of the network inside."""

from pdesym.operators.symmetric.equivariant_operator import EquivariantConfig, EquivariantOperator, enforce
from pdesym.operators.symmetric.finite_group import FiniteGroup
from pdesym.operators.symmetric.groups import p4, p4m, reflection
from pdesym.operators.symmetric.moving_frame import MovingFrame
from pdesym.operators.symmetric.scaling import Scaling
from pdesym.operators.symmetric.sections import LogRms, Mean, PairPhase
from pdesym.operators.symmetric.translation import Translation
from pdesym.symmetry.grid_element import Element

__all__ = [
    "Element",
    "EquivariantConfig",
    "EquivariantOperator",
    "FiniteGroup",
    "LogRms",
    "Mean",
    "MovingFrame",
    "PairPhase",
    "Scaling",
    "Translation",
    "enforce",
    "p4",
    "p4m",
    "reflection",
]
