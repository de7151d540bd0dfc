"""Mirror symmetries of a network's parameters: declare, find, measure what they catch."""

from pdesym.symmetry.mirror.collapse import batch_curvatures, collapse_exponent, critical_learning_rate, small_rate_exponent
from pdesym.symmetry.mirror.constraint import Constrained, Constraint, constrained_tensors
from pdesym.symmetry.mirror.curvature import Curvature, curvature, gradient_leak, sample_curvatures
from pdesym.symmetry.mirror.declared import Axis, dense, double_rotation, permutation, rescaling, rotation, sign
from pdesym.symmetry.mirror.kinds import Elementwise, Grouped, Kind, LowRank
from pdesym.symmetry.mirror.removal import Removable, Removed, removable, remove
from pdesym.symmetry.mirror.reparametrised import Reparametrised, constrain
from pdesym.symmetry.mirror.strength import ConstraintPenalty, constraint_cost, constraint_parameters, optimiser_groups
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry

__all__ = [
    "Axis",
    "Constrained",
    "Constraint",
    "ConstraintPenalty",
    "Curvature",
    "Elementwise",
    "Grouped",
    "Kind",
    "LowRank",
    "MirrorSymmetry",
    "Removable",
    "Removed",
    "Reparametrised",
    "batch_curvatures",
    "collapse_exponent",
    "constrain",
    "constrained_tensors",
    "constraint_cost",
    "constraint_parameters",
    "critical_learning_rate",
    "curvature",
    "dense",
    "double_rotation",
    "gradient_leak",
    "optimiser_groups",
    "permutation",
    "removable",
    "remove",
    "rescaling",
    "rotation",
    "sample_curvatures",
    "sign",
    "small_rate_exponent",
]
