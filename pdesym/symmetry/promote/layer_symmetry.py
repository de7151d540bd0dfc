"""How the symmetries of a group are broken by the weights of one layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.equivariant_functions import function_constraint
from pdesym.symmetry.enforce.group import MatrixGroup
from pdesym.symmetry.enforce.kernels import kernel_action
from pdesym.symmetry.enforce.maps import invariance
from pdesym.symmetry.enforce.mode_orbits import axis_permutations
from pdesym.symmetry.enforce.null_space import LinearConstraint
from pdesym.symmetry.enforce.permuted import Permuted
from pdesym.symmetry.enforce.point_action import PointAction
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.functions import FunctionLibrary


@dataclass(frozen=True, eq=False)
class LayerSymmetry:
    """ξ ↦ L_ξ W for the generators of a group, and g ↦ K_g W − W for its discrete elements, W the weights of a layer.

    Args:
        group: whose symmetries.
        constraint: L and K, on the coordinates of the weights.
        coordinates: from the weights to the vector whose norm is the size of the layer; linear.
    """

    group: MatrixGroup
    constraint: LinearConstraint
    coordinates: Callable[[Tensor], Tensor]

    def relative(self, weight: Float[Tensor, "..."]) -> tuple[Float[Tensor, "rows q"], Float[Tensor, "rows k"]]:
        """The columns L_ξ W / ‖W‖ and (K_g W − W) / ‖W‖, differentiable in W; 0 for W = 0.

        The norm is differentiated too: to make the weights smaller changes nothing.

        Raises:
            ValueError: for weights of another size.
        """
        coordinates = self.coordinates(weight).flatten()
        if coordinates.numel() != self.constraint.size:
            raise ValueError(
                f"Expected {self.constraint.size} weights, got {coordinates.numel()} from a tensor of shape "
                f"{tuple(weight.shape)}: give the weight of the layer that this symmetry was built for."
            )
        norm = torch.linalg.vector_norm(coordinates).clamp_min(torch.finfo(coordinates.dtype).tiny)
        columns = self.constraint.apply((coordinates / norm)[:, None])
        columns = columns.reshape(max(len(self.constraint.sizes), 1), -1).T
        q = len(self.group.lie_algebra)
        return columns[:, :q], columns[:, q : len(self.constraint.sizes)]


def linear_symmetry(rep_in: Representation, rep_out: Representation) -> LayerSymmetry:
    """Of a matrix W `(d_out, d_in)`: L_ξ W = dρ_out(ξ) W − W dρ_in(ξ), K_g W = ρ_out(g) W ρ_in(g)⁻¹.

    A layer W x + b is the matrix [W b] from `rep_in + group.scalar`. A bias by itself would count in full however small
    it is.
    """
    return LayerSymmetry(rep_out.group, invariance(rep_out * rep_in.dual), torch.flatten)


def kernel_symmetry(
    library: FunctionLibrary,
    point_out: PointAction,
    points_in: Sequence[PointAction],
    rep_out: Representation,
    reps_in: Sequence[Representation],
    points: Float[Tensor, "points variables"] | None = None,
    weights: Float[Tensor, " points"] | None = None,
) -> LayerSymmetry:
    """Of the coefficients `(d_out, d_1, …, d_r, size)` of a kernel in a library; arguments as `equivariant_kernels`.

    The norm is that of the coefficients for polynomials, the root mean square over the points for other libraries.

    Raises:
        ValueError: as `equivariant_kernels`.
    """
    action, values = kernel_action(point_out, points_in, rep_out, reps_in)
    constraint, transform = function_constraint(library, action, values, points, weights)
    if transform is None:
        return LayerSymmetry(action.group, constraint, torch.flatten)
    back = torch.linalg.inv(transform).T
    return LayerSymmetry(action.group, constraint, lambda weight: (weight @ back.to(weight)).flatten())


def spectral_symmetry(
    highest: Sequence[int], space: Representation, rep_in: Representation, rep_out: Representation
) -> LayerSymmetry:
    """Of the weights `(*modes, c_in, c_out, 2)` of a spectral convolution, R(k) for all |k_j| ≤ highest_j:

        L_ξ R(k) = dρ_out(ξ) R(k) − R(k) dρ_in(ξ),   (K_g R)(k) = ρ_out(g) R(g⁻¹k) ρ_in(g)⁻¹.

    Discrete elements permute the axes with signs; the generators act on channels alone.

    Raises:
        ValueError: as `spectral_multipliers`.
    """
    images = axis_permutations(space, highest)
    modes = torch.cartesian_prod(*(torch.arange(-top, top + 1) for top in highest)).reshape(-1, len(highest))
    sides = torch.tensor([2 * top + 1 for top in highest])
    tops = torch.tensor(list(highest))

    def place(k: Tensor) -> Tensor:
        index = torch.zeros_like(k[:, 0])
        for axis, side in enumerate(sides.tolist()):
            index = index * side + k[:, axis] + tops[axis]
        return index

    permuted = Permuted(space.group, tuple(place(modes @ image.T.cpu()) for image in images), len(modes))
    whole = permuted * rep_out * rep_in.dual * (2 * space.group.scalar)
    # The stored half, in the order of torch.fft; of k and −k on its border only the Hermitian part reaches the output.
    stored = (modes[:, -1] >= 0).nonzero().squeeze(1)
    wrapped = torch.zeros_like(stored)
    for axis, side in enumerate([*sides[:-1].tolist(), int(tops[-1]) + 1]):
        wrapped = wrapped * side + modes[stored, axis] % side
    half = torch.zeros(len(modes), dtype=torch.int64)
    half[stored] = wrapped
    opposite = place(-modes)

    def coordinates(weight: Float[Tensor, "*modes c_in c_out 2"]) -> Float[Tensor, " numbers"]:
        flat = weight.flatten(0, len(highest) - 1).transpose(1, 2)
        known = torch.where((modes[:, -1] >= 0).to(weight.device)[:, None, None, None], flat[half], 0.0)
        both = torch.where(modes[:, -1] == 0, 0.5, 1.0).to(weight)[:, None, None, None]
        conjugate = torch.tensor([1.0, -1.0]).to(weight)
        return ((known + known[opposite] * conjugate) * both).flatten()

    return LayerSymmetry(space.group, invariance(whole), coordinates)
