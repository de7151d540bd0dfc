"""Promote: as many symmetries as the data allow.

Of an operator, by its field-level Lie derivatives:

    penalty = SymmetryPenalty([Generator("d_x"), Generator("t*d_x + d_u"), Generator("u*d_u")])
    penalty(operator, u, grid, times_in=0.0, times_out=1.0)            # a number, differentiable
    penalty.spectrum(operator, u, grid, times_in=0.0, times_out=1.0)   # near 0: a symmetry; near 1: none

In a training, `pdesym.training.SymmetryPromotion` makes it a term of the loss. Of a network layer by layer, where a
symmetry acts in the same way on every slice of time:

    LayerwisePenalty([linear_symmetry(vector, vector), linear_symmetry(vector, scalar)])(weights)

Of a model that is linear in its coefficients, as a convex problem:

    tensor = polynomial_lie_tensor(library, CandidateAlgebra.special_euclidean(10), points)
    fit_exact(library.evaluate(x), y, [tensor]).algebras[0].nullity
"""

from pdesym.symmetry.promote.admm import Settings
from pdesym.symmetry.promote.candidate import CandidateAlgebra
from pdesym.symmetry.promote.convex import Promoted, fit_exact, fit_penalised
from pdesym.symmetry.promote.layer_symmetry import LayerSymmetry, kernel_symmetry, linear_symmetry, spectral_symmetry
from pdesym.symmetry.promote.layerwise import LayerwisePenalty
from pdesym.symmetry.promote.lie_tensors import polynomial_lie_tensor, sampled_lie_tensor
from pdesym.symmetry.promote.nuclear_norm import smooth_nuclear_norm
from pdesym.symmetry.promote.penalty import SymmetryPenalty
from pdesym.symmetry.promote.recovered import RecoveredAlgebra, recovered_algebra
from pdesym.symmetry.promote.unseen import unseen_motion, unseen_widths

__all__ = [
    "CandidateAlgebra",
    "LayerSymmetry",
    "LayerwisePenalty",
    "Promoted",
    "RecoveredAlgebra",
    "Settings",
    "SymmetryPenalty",
    "fit_exact",
    "fit_penalised",
    "kernel_symmetry",
    "linear_symmetry",
    "polynomial_lie_tensor",
    "recovered_algebra",
    "sampled_lie_tensor",
    "smooth_nuclear_norm",
    "spectral_symmetry",
    "unseen_motion",
    "unseen_widths",
]
