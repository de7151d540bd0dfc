"""Augmentation: solutions moved to other solutions by random symmetries."""

from pdesym.symmetry.augment.interpolation import TimeInterpolant
from pdesym.symmetry.augment.random_flow import RandomFlow, draw_parameters

__all__ = ["RandomFlow", "TimeInterpolant", "draw_parameters"]
