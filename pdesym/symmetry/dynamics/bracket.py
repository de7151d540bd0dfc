"""The Lie derivative of a vector field along the generators of an affine action, and the symmetries of the field."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.discover.spectrum import Decision, by_gap, scaled_spectrum
from pdesym.symmetry.dynamics.action import AffineAction

VectorField: TypeAlias = Callable[[Tensor], Tensor]
"""F: states `(points, n)` to velocities `(points, n)`, point by point and differentiable."""


def bracket(
    field: VectorField, action: AffineAction, x: Float[Tensor, "points n"]
) -> Float[Tensor, "generators points n"]:
    """(L_ξ F)(x) = A F(x) − ∂F(x)(A x + b) = −[θ, F](x) for the field θ(x) = A x + b of each generator.

    It vanishes for all x where the motion along θ takes solutions of x' = F(x) to solutions, by Theorem 3 and
    Definition 12 of the source; [θ, F] = ∂F θ − ∂θ F. Differentiable in what the field depends on.

    Args:
        field: F.
        action: the generators.
        x: where to look; the result has its dtype.

    Raises:
        ValueError: where action and states differ in size.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eq. 14, with this sign, and section 7.3.
    """
    if action.dimension != x.shape[1]:
        raise ValueError(
            f"Expected states of {action.dimension} variables, as the action moves, got {x.shape[1]}: place the action "
            "in the state with `on`."
        )
    carried = torch.einsum("qij,pj->qpi", action.linear.to(x), field(x))
    pushed = [torch.func.jvp(field, (x,), (direction,))[1] for direction in action.velocity(x)]
    return carried - torch.stack(pushed)


def _bracket_size(field: VectorField, action: AffineAction, x: Tensor) -> Tensor:
    """|A||F(x)| + |∂F(x)||A x + b|, entry by entry: what could have cancelled in `bracket`."""
    unit = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    jacobian = torch.stack([torch.func.jvp(field, (x,), (e.expand_as(x).clone(),))[1] for e in unit], -1).abs()
    carried = torch.einsum("qij,pj->qpi", action.linear.to(x).abs(), field(x).abs())
    return carried + torch.einsum("pij,qpj->qpi", jacobian, action.velocity(x).abs())


@dataclass(frozen=True, eq=False)
class FieldSymmetries:
    """Which combinations of the generators of a candidate algebra are symmetries of a vector field.

    Attributes:
        singular_values: of ξ ↦ L_ξ F, ascending, relative to the size of what cancels in it.
        combinations: one row of constants for each symmetry, orthonormal, `(dimension, generators)`.
        decision: how many singular values count as zero, and why.
    """

    singular_values: Float[Tensor, " generators"]
    combinations: Float[Tensor, "dimension generators"]
    decision: Decision

    @property
    def dimension(self) -> int:
        """Of the symmetry algebra in the candidate one."""
        return self.decision.dimension


def field_symmetries(
    field: VectorField, action: AffineAction, x: Float[Tensor, "points n"], floor: float = 1e-12
) -> FieldSymmetries:
    """Null space of ξ ↦ L_ξ F over the span of the generators, from sample points, float64.

    Args:
        field: F.
        action: the candidate generators.
        x: sample points; as many in general position as the functions in F have parameters suffice for polynomials.
        floor: relative size below which a singular value is surely zero, the accuracy of F.

    Source: Otto et al. 2025, eq. 17 and section 7.2.
    """
    spectrum = scaled_spectrum(_columns(bracket(field, action, x)), _columns(_bracket_size(field, action, x)))
    decision = by_gap(spectrum.singular_values, floor)
    combinations = torch.from_numpy(spectrum.null_space(decision.dimension).copy())
    return FieldSymmetries(torch.from_numpy(spectrum.singular_values.copy()), combinations, decision)


def _columns(each: Tensor) -> Tensor:
    return each.detach().flatten(1).mT.double().cpu()
