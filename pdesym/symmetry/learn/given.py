"""Given vector fields in the place of learned ones, so that both are measured alike."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.augment.family import Family, family_of
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.problem import LearningProblem
from pdesym.symmetry.learn.scales import Scales


class GivenFields(GeneratorNetwork):
    """The vector fields of a family, without weights: every component is a feature of its own.

    Args:
        family: the vector fields.
        scales: names and units of the variables.

    Raises:
        ValueError: for vector fields of other variables.
    """

    def __init__(self, family: Family, scales: Scales):
        torch.nn.Module.__init__(self)
        scales.require(family)
        self.family, self.scales = family, scales
        count, variables = len(family), len(scales.units)
        # Component v of field a is feature (a, v).
        self.heads = torch.nn.Parameter(
            torch.eye(count * variables, dtype=torch.float64).reshape(count, variables, -1), requires_grad=False
        )

    def basis(
        self, point: Sequence[Float[Tensor, "*points"]], rate: Sequence[Float[Tensor, "*points"]] | None = None
    ) -> tuple[Float[Tensor, "*points features"], Float[Tensor, "*points features"] | None]:
        """The components of all vector fields at points, in the units of the scales, and how they change."""

        def components(*z: Tensor) -> Tensor:
            return self.scales.components(self.family, z).flatten(0, 1).movedim(0, -1)

        if rate is None:
            return components(*point), None
        # Forward derivatives refuse tensors that are expanded views.
        at, along = (tuple(z.contiguous() for z in several) for several in (point, rate))
        value, change, *_ = torch.func.jvp(components, at, along)
        return value, change


def relative_breaking(problem: LearningProblem, generators: Family | Sequence[Generator]) -> tuple[float, ...]:
    """ρ of given vector fields on the data held out: what one unit of their flow does to the equation, over u_t.

    Zero to rounding for exact symmetries. A unit is that of the problem's measure, ‖V‖ = 1, so that ρ does not change
    when a generator is multiplied by a number.

    Args:
        problem: of `from_trajectories` or `from_operator`.
        generators: of its variables.

    Raises:
        ValueError: for generators of other variables, or one that is zero or not finite on the data.
    """
    fields = GivenFields(family_of(generators), problem.measure.scales)
    with torch.no_grad():
        levels = problem.held_out.levels(fields, problem.measure)
    wrong = (~torch.isfinite(levels)).nonzero()
    if len(wrong):
        name = fields.family.names[int(wrong[0])]
        raise ValueError(f"Expected vector fields that are finite and not zero on the data, got {name}.")
    return tuple(levels.tolist())
