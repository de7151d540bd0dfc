"""The units in which vector fields are learned: box, time span and spread of the fields."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.augment.family import Family
from pdesym.symmetry.vector_field import TIME, check_names

# The standard deviation of a coordinate that is uniform on [0, 1]: fields are scaled to the same.
_SPREAD = 1 / math.sqrt(12)


@dataclass(frozen=True)
class Scales:
    """Units of x…, t and u…, in which each of them has the spread of a uniform variable on [0, 1].

    In them ‖V‖² = ⟨Σ V_k²⟩ weighs what a vector field does to coordinates, time and fields alike.

    Attributes:
        coordinates: names of the space coordinates.
        fields: names of the dependent variables.
        length: of the box, one for each coordinate; the unit of x.
        start: the first time.
        span: from the first time to the last, the unit of t.
        centre: mean of each field.
        spread: standard deviation of each field.

    Source: Ko, Kim and Lee, NeurIPS 2024, appendix F.2.
    """

    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    length: tuple[float, ...]
    start: float
    span: float
    centre: tuple[float, ...]
    spread: tuple[float, ...]

    def __post_init__(self) -> None:
        check_names(self.coordinates, self.fields)
        if not all(0 < unit < math.inf for unit in (*self.length, self.span, *self.spread)):
            raise ValueError(
                "Expected a box, a span of time and fields that vary, got "
                f"length={self.length}, span={self.span:g}, spread={self.spread}."
            )

    @classmethod
    def of(
        cls,
        u: Float[Tensor, "batch time channel *space"],
        times: Float[Tensor, " instants"],
        grid: Grid,
        fields: Sequence[str],
    ) -> "Scales":
        """Those of trajectories.

        Raises:
            ValueError: for fields that do not vary, or a single time.
        """
        flat = u.detach().double().movedim(2, 0).flatten(1)
        centre, spread = flat.mean(1), flat.std(1)
        start, end = float(times.min()), float(times.max())
        return cls(
            grid.axes, tuple(fields), grid.length, start, end - start, tuple(centre.tolist()), tuple(spread.tolist())
        )

    @property
    def units(self) -> tuple[float, ...]:
        """The physical size of one unit of x…, t, u…."""
        return (*self.length, self.span, *(spread / _SPREAD for spread in self.spread))

    def require(self, family: Family) -> None:
        """Refuse vector fields of other variables.

        Raises:
            ValueError: naming both.
        """
        theirs, ours = ((*each.coordinates, TIME, *each.fields) for each in (family, self))
        if theirs != ours:
            raise ValueError(f"Expected generators of {', '.join(ours)}, got generators of {', '.join(theirs)}.")

    def components(
        self, family: Family, point: Sequence[Float[Tensor, "*points"]]
    ) -> Float[Tensor, "generators variables *points"]:
        """What vector fields are at points (x…, t, u…), in these units."""
        values = family.velocities(point)
        units = torch.tensor(self.units, dtype=values.dtype, device=values.device)
        scaled: Tensor = values / units.reshape(-1, *(1,) * (values.ndim - 2))
        return scaled
