"""Whether the stored points carry the fields: a solver may have used more, and a spectrum may not end on them."""

import math
from dataclasses import dataclass

ENDED = 1e-4
"""A spectrum ends on the stored points where its last third has at most this share of the norm, in every sample."""

ENDED_WHERE_MORE_WERE_USED = 1e-6
"""The same where the solver used more points than are stored: it had reason to, for frames stored or not."""


@dataclass(frozen=True)
class Resolution:
    """How well the stored points of a split carry its fields.

    Where they do not, an integral over them is not the integral: it changes from frame to frame although the solution
    keeps it, as what the points miss changes.

    Attributes:
        axis: the first one.
        points: that are stored along it.
        used: points along it that the solver used at most; None where that is not known.
        rough: the field with the largest `share`, "" without a periodic axis.
        share: the largest share of the last third of the wavenumbers in the norm of one sample, over fields, axes and
            some frames; nan without a periodic axis.
    """

    axis: str
    points: int
    used: int | None
    rough: str
    share: float

    @property
    def is_enough(self) -> bool | None:
        """Whether spectra end on the stored points and the solver used no more; None where nothing is known of both."""
        if self.reasons:
            return False
        return None if math.isnan(self.share) else True

    @property
    def level(self) -> float:
        """What `share` may be."""
        return ENDED_WHERE_MORE_WERE_USED if self._more_were_used else ENDED

    @property
    def _more_were_used(self) -> bool:
        return self.used is not None and self.used > self.points

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the stored points are too few, in words; none where they are not."""
        found = []
        if self.share <= self.level:
            return ()
        if self._more_were_used:
            found.append(f"the solver used up to {self.used} points along {self.axis} where {self.points} are stored")
        if self.share > self.level:
            found.append(
                f"the last third of the stored wavenumbers has up to {self.share:.2g} of the norm of {self.rough}, "
                f"more than {self.level:g}"
            )
        return tuple(found)
