"""Mirror symmetries of a network's parameters: declare, find, measure what they catch."""

from pdesym.symmetry.mirror.declared import Axis, dense, double_rotation, permutation, rescaling, rotation, sign
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry

__all__ = [
    "Axis",
    "MirrorSymmetry",
    "dense",
    "double_rotation",
    "permutation",
    "rescaling",
    "rotation",
    "sign",
]
