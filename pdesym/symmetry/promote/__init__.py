"""Promote: as many symmetries as the data allow.

    penalty = SymmetryPenalty([Generator("d_x"), Generator("t*d_x + d_u"), Generator("u*d_u")])
    penalty(operator, u, grid, times_in=0.0, times_out=1.0)            # a number, differentiable
    penalty.spectrum(operator, u, grid, times_in=0.0, times_out=1.0)   # near 0: a symmetry; near 1: none

In a training, `pdesym.training.SymmetryPromotion` makes it a term of the loss.
"""

from pdesym.symmetry.promote.nuclear_norm import smooth_nuclear_norm
from pdesym.symmetry.promote.penalty import SymmetryPenalty
from pdesym.symmetry.promote.unseen import unseen_motion, unseen_widths

__all__ = ["SymmetryPenalty", "smooth_nuclear_norm", "unseen_motion", "unseen_widths"]
