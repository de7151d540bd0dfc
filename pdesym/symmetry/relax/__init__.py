"""Relaxed equivariance: maps that may give less symmetric outputs than their inputs are, and nothing else that breaks.

    grid = Grid(128, length=22.0)
    shifts = TorusTranslations(grid)
    module = RelaxedEquivariant(network, shifts)          # h f(h⁻¹ u): trains as the network does
    relaxed_defect(module, shifts, u, generator=rng)      # about 1e-12, also for u of period L/3
    orbit_distance(module(u), target, shifts, shifts.stabiliser(u))

An equivariant map S has S(g u) = g S(u), so that its output keeps every symmetry of its input. For the solution
operator of a well-posed equation that is right. Where one input has many answers, an orbit of them, it can give no
better than their mean: steady states after a bifurcation, inverse problems, what a coarse field leaves open. Relaxed
equivariance, S(g u) = g s S(u) for an s with s u = u, lets a map choose one.

Source: Kaba and Ravanbakhsh, Symmetry Breaking and Equivariant Neural Networks (NeurReps 2023).
"""

from pdesym.symmetry.relax.action import GroupAction, GroupElement, Stabiliser
from pdesym.symmetry.relax.breaking_input import SymmetryBreakingInput
from pdesym.symmetry.relax.cyclic import CyclicShifts, Dihedral
from pdesym.symmetry.relax.defects import orbit_distance, orbit_mean, relaxed_defect, strict_defect
from pdesym.symmetry.relax.equivariant import RelaxedEquivariant
from pdesym.symmetry.relax.finite_action import FiniteAction, FiniteStabiliser
from pdesym.symmetry.relax.permutations import Permutations, PermutationStabiliser
from pdesym.symmetry.relax.plane_group import PlaneGroup
from pdesym.symmetry.relax.product import Product, ProductStabiliser, TorusPlaneGroup
from pdesym.symmetry.relax.relaxed_linear import RelaxedLinear, RelaxedMLP
from pdesym.symmetry.relax.representation_action import RepresentationAction
from pdesym.symmetry.relax.sign_flip import SignFlip
from pdesym.symmetry.relax.torus import TorusStabiliser, TorusTranslations

__all__ = [
    "CyclicShifts",
    "Dihedral",
    "FiniteAction",
    "FiniteStabiliser",
    "GroupAction",
    "GroupElement",
    "PermutationStabiliser",
    "Permutations",
    "PlaneGroup",
    "Product",
    "ProductStabiliser",
    "RelaxedEquivariant",
    "RelaxedLinear",
    "RelaxedMLP",
    "RepresentationAction",
    "SignFlip",
    "Stabiliser",
    "SymmetryBreakingInput",
    "TorusPlaneGroup",
    "TorusStabiliser",
    "TorusTranslations",
    "orbit_distance",
    "orbit_mean",
    "relaxed_defect",
    "strict_defect",
]
