"""Lie point symmetries: generators, and what operators make of them."""

from pdesym.symmetry.algebra import Algebra
from pdesym.symmetry.augment import RandomFlow, draw_parameters
from pdesym.symmetry.defect import Defect
from pdesym.symmetry.finite import finite_defect
from pdesym.symmetry.flow import Flow
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.horizon import horizon_lie_derivative, semigroup_defect
from pdesym.symmetry.library import Library
from pdesym.symmetry.lie_derivative import lie_derivative, lie_derivatives
from pdesym.symmetry.pushforward import pushforward

__all__ = [
    "Algebra",
    "Defect",
    "Flow",
    "Generator",
    "Library",
    "RandomFlow",
    "draw_parameters",
    "finite_defect",
    "horizon_lie_derivative",
    "lie_derivative",
    "lie_derivatives",
    "pushforward",
    "semigroup_defect",
]
