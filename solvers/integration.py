"""What passes through an integration: the samples under way, the results, and the error of those that end early."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor


class AccuracyWarning(UserWarning):
    """The tolerance asked for was not reached for some samples."""


class BlowUpError(ArithmeticError):
    """A solution that ceased to be finite.

    Attributes:
        sample: index in the batch.
        time: the last time at which it was found finite, in the equation's unit of time.
        remedy: what to do about it.
    """

    def __init__(self, sample: int, time: float, remedy: str):
        super().__init__(f"The solution of sample {sample} blew up shortly after t = {time:.6g}: {remedy}.")
        self.sample, self.time, self.remedy = sample, time, remedy

    def __reduce__(self) -> tuple[type, tuple[int, float, str]]:
        return type(self), (self.sample, self.time, self.remedy)


@dataclass(frozen=True)
class Integration:
    """What an integration delivers, float64.

    Attributes:
        u: `(batch, outputs, fields, *space)`.
        w: `(batch, tangents, outputs, fields, *space)` when tangents were given.
        steps: number of steps that each sample took, repeated ones included.
        points: points of the finest grid that each sample used, along the first axis.
        tail: largest share of the norm in the last third of the spectrum at the end of a segment.
        aliased: relative error that functions of x in the equation have on the finest grid, where that is too coarse.
        taken: for each sample the number of steps in each segment.
        stages: for each sample the grid of each segment, as an index into `control.stages(grid)`.
    """

    u: Tensor
    w: Tensor | None
    steps: Tensor
    points: Tensor
    tail: Tensor
    aliased: Tensor
    taken: tuple[list[int], ...]
    stages: tuple[list[int], ...]


@dataclass
class Rows:
    """Samples on one grid, at the start of their segments; `singular` are times at which some seem to blow up."""

    ids: list[int] = field(default_factory=list)
    v: list[Tensor] = field(default_factory=list)
    w: list[Tensor] = field(default_factory=list)
    segment: list[int] = field(default_factory=list)
    substeps: list[int] = field(default_factory=list)
    singular: dict[int, float] = field(default_factory=dict)

    def chosen(self, places: Sequence[int]) -> "Rows":
        """The samples at some places."""
        ids = [self.ids[i] for i in places]
        return Rows(
            ids=ids,
            v=[self.v[i] for i in places],
            w=[self.w[i] for i in places] if self.w else [],
            segment=[self.segment[i] for i in places],
            substeps=[self.substeps[i] for i in places],
            singular={row: time for row, time in self.singular.items() if row in ids},
        )

    def join(self, others: "Rows") -> None:
        """Take in other samples on the same grid."""
        for mine, theirs in (
            (self.ids, others.ids),
            (self.v, others.v),
            (self.w, others.w),
            (self.segment, others.segment),
            (self.substeps, others.substeps),
        ):
            mine.extend(theirs)  # type: ignore[arg-type]
        self.singular |= others.singular
