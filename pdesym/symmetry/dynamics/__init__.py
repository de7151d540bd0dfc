"""Dynamical systems x' = F(x): their symmetries and conserved functions, and fields found with these in mind.

action = particles_together(affine_action(special_euclidean(3)), particles=5)
field_symmetries(field, action, points).dimension
library = Polynomials(variables=30, degree=1)
tensor = field_lie_tensor(library, action, points)
found = promoted_field(library, x, velocity, tensor, weight=1e-2).field
conserved_functions(Polynomials(30, 2), points, found(points)).independent
"""

from pdesym.symmetry.dynamics.action import AffineAction, affine_action, independent, linear_action, side_by_side
from pdesym.symmetry.dynamics.bracket import FieldSymmetries, bracket, field_symmetries
from pdesym.symmetry.dynamics.conserved import ConservedFunctions, conservation_defect, conserved_functions
from pdesym.symmetry.dynamics.epnn import EPNN
from pdesym.symmetry.dynamics.epnn_brackets import stacked_brackets
from pdesym.symmetry.dynamics.library_field import LibraryField, coefficient_brackets, sampled_brackets
from pdesym.symmetry.dynamics.particles import particles_apart, particles_together
from pdesym.symmetry.dynamics.promoted_fields import PromotedField, field_lie_tensor, promoted_field
from pdesym.symmetry.dynamics.regression import (
    L1Field,
    l1_field,
    least_squares_field,
    restricted_field,
    thresholded_field,
)
from pdesym.symmetry.dynamics.rollout import rollout
from pdesym.symmetry.dynamics.symmetric_fields import enforced_field, symmetric_fields
from pdesym.symmetry.dynamics.trajectories import trajectories
from pdesym.symmetry.dynamics.velocities import MeasuredVelocities, measured_velocities

__all__ = [
    "EPNN",
    "AffineAction",
    "ConservedFunctions",
    "FieldSymmetries",
    "L1Field",
    "LibraryField",
    "MeasuredVelocities",
    "PromotedField",
    "affine_action",
    "bracket",
    "coefficient_brackets",
    "conservation_defect",
    "conserved_functions",
    "enforced_field",
    "field_lie_tensor",
    "field_symmetries",
    "independent",
    "l1_field",
    "least_squares_field",
    "linear_action",
    "measured_velocities",
    "particles_apart",
    "particles_together",
    "promoted_field",
    "restricted_field",
    "rollout",
    "sampled_brackets",
    "side_by_side",
    "stacked_brackets",
    "symmetric_fields",
    "thresholded_field",
    "trajectories",
]
