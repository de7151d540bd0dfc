"""Enforce: layers, functions and kernels with given symmetries, as bases of the null space of their Lie derivatives.

    group = special_orthogonal(3)
    vector, scalar = group.vector, group.scalar
    layer = EquivariantLinear(8 * scalar + 4 * vector, 2 * vector * vector)   # y = W x + b, always equivariant
    equivariant_maps(vector * vector, vector * vector).shape                  # (3, 9, 9): a basis of such W

    plane = special_euclidean(2)
    points, turn = affine_action(plane), directions(plane)
    kernels = equivariant_kernels(Polynomials(4, 2), points, [points], turn, [turn])
    kernels.dimension                                                         # 6 kernels K(x, y) in R^{2x2}

A null space tells how clear its dimension is (`gap`); where it is not, an error says so. Only symmetries that act the
same on every slice of time belong into hidden layers: those of a solution operator that depend on its horizon, such as
the Galilean pair, hold from end to end, and `slice_pair_kernels` takes them.
"""

from pdesym.symmetry.enforce.equivariant_functions import FunctionSpace, equivariant_functions
from pdesym.symmetry.enforce.group import MatrixGroup
from pdesym.symmetry.enforce.groups import (
    cyclic,
    direct_product,
    euclidean,
    general_linear,
    hyperoctahedral,
    orthogonal,
    quarter_turns,
    scalings,
    special_euclidean,
    special_orthogonal,
    symmetric,
    translations,
)
from pdesym.symmetry.enforce.kernels import equivariant_kernels, kernel_action
from pdesym.symmetry.enforce.linear import EquivariantLinear
from pdesym.symmetry.enforce.maps import equivariant_maps, invariant_vectors
from pdesym.symmetry.enforce.null_space import LinearConstraint, NullSpace, null_space
from pdesym.symmetry.enforce.on_polynomials import OnPolynomials
from pdesym.symmetry.enforce.point_action import PointAction, affine_action, directions, linear_action
from pdesym.symmetry.enforce.regular import regular
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.enforce.slice_pair import SliceOperator, slice_pair_kernels
from pdesym.symmetry.enforce.spectral_multipliers import SpectralMultipliers, spectral_multipliers
from pdesym.symmetry.enforce.spectral_weights import SpectralWeights

__all__ = [
    "EquivariantLinear",
    "FunctionSpace",
    "LinearConstraint",
    "MatrixGroup",
    "NullSpace",
    "OnPolynomials",
    "PointAction",
    "Representation",
    "SliceOperator",
    "SpectralMultipliers",
    "SpectralWeights",
    "affine_action",
    "cyclic",
    "direct_product",
    "directions",
    "equivariant_functions",
    "equivariant_kernels",
    "equivariant_maps",
    "euclidean",
    "general_linear",
    "hyperoctahedral",
    "invariant_vectors",
    "kernel_action",
    "linear_action",
    "null_space",
    "orthogonal",
    "quarter_turns",
    "regular",
    "scalings",
    "slice_pair_kernels",
    "special_euclidean",
    "special_orthogonal",
    "spectral_multipliers",
    "symmetric",
    "translations",
]
