"""Augmentation: solutions moved to other solutions by random symmetries."""

from pdesym.symmetry.augment.augment import MovedTrajectories, augment, move
from pdesym.symmetry.augment.draw import random_parameters
from pdesym.symmetry.augment.family import Family, SymbolicFamily, family_of
from pdesym.symmetry.augment.interpolation import TimeInterpolant
from pdesym.symmetry.augment.random_flow import RandomFlow, draw_parameters
from pdesym.symmetry.augment.residual import on_shell_residual

__all__ = [
    "Family",
    "MovedTrajectories",
    "RandomFlow",
    "SymbolicFamily",
    "TimeInterpolant",
    "augment",
    "draw_parameters",
    "family_of",
    "move",
    "on_shell_residual",
    "random_parameters",
]
