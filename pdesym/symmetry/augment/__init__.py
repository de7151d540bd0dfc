"""Augmentation: solutions moved to other solutions by random symmetries."""

from pdesym.symmetry.augment.augment import MovedTrajectories, augment, move
from pdesym.symmetry.augment.draw import random_parameters
from pdesym.symmetry.augment.family import Family, SymbolicFamily, family_of
from pdesym.symmetry.augment.interpolation import TimeInterpolant
from pdesym.symmetry.augment.random_flow import RandomFlow, draw_parameters
from pdesym.symmetry.augment.residual import on_shell_residual
from pdesym.symmetry.augment.superposition import (
    RandomSuperposition,
    augment_by_superposition,
    draw_superposition,
    superpose,
)

__all__ = [
    "Family",
    "MovedTrajectories",
    "RandomFlow",
    "RandomSuperposition",
    "SymbolicFamily",
    "TimeInterpolant",
    "augment",
    "augment_by_superposition",
    "draw_parameters",
    "draw_superposition",
    "family_of",
    "move",
    "on_shell_residual",
    "random_parameters",
    "superpose",
]
