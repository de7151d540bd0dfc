"""Mirror symmetries of a network's parameters: declare, find, measure what they catch."""

from pdesym.symmetry.mirror.bias import fixed_bias, fold_bias
from pdesym.symmetry.mirror.candidate import (
    CandidateSymmetry,
    averaged,
    constrained_by,
    cyclic_matrices,
    even_matrices,
    real_multipliers,
)
from pdesym.symmetry.mirror.channel_group import ChannelGroup
from pdesym.symmetry.mirror.collapse import (
    batch_curvatures,
    collapse_exponent,
    critical_learning_rate,
    small_rate_exponent,
)
from pdesym.symmetry.mirror.constraint import constrained_tensors
from pdesym.symmetry.mirror.curvature import Curvature, curvature, gradient_leak, sample_curvatures
from pdesym.symmetry.mirror.declared import Axis, dense, double_rotation, permutation, rescaling, rotation, sign
from pdesym.symmetry.mirror.diagnostics import (
    channel_distances,
    channel_vectors,
    dead_channels,
    different_channels,
    effective_rank,
)
from pdesym.symmetry.mirror.finding import IncompleteSearch, confirmed, find_channels, find_mirrors
from pdesym.symmetry.mirror.gates import gate_symmetries
from pdesym.symmetry.mirror.kinds import Elementwise, Grouped, LowRank
from pdesym.symmetry.mirror.removal import removable, remove
from pdesym.symmetry.mirror.reparametrised import constrain, constrain_mirror
from pdesym.symmetry.mirror.shared_gates import share_gates
from pdesym.symmetry.mirror.strength import ConstraintPenalty, constraint_cost, constraint_parameters, optimiser_groups
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry

__all__ = [
    "Axis",
    "CandidateSymmetry",
    "ChannelGroup",
    "ConstraintPenalty",
    "Curvature",
    "Elementwise",
    "Grouped",
    "IncompleteSearch",
    "LowRank",
    "MirrorSymmetry",
    "averaged",
    "batch_curvatures",
    "channel_distances",
    "channel_vectors",
    "collapse_exponent",
    "confirmed",
    "constrain",
    "constrain_mirror",
    "constrained_by",
    "constrained_tensors",
    "constraint_cost",
    "constraint_parameters",
    "critical_learning_rate",
    "curvature",
    "cyclic_matrices",
    "dead_channels",
    "dense",
    "different_channels",
    "double_rotation",
    "effective_rank",
    "even_matrices",
    "find_channels",
    "find_mirrors",
    "fixed_bias",
    "fold_bias",
    "gate_symmetries",
    "gradient_leak",
    "optimiser_groups",
    "permutation",
    "real_multipliers",
    "removable",
    "remove",
    "rescaling",
    "rotation",
    "sample_curvatures",
    "share_gates",
    "sign",
    "small_rate_exponent",
]
