"""What the conditions of an operator say, however well it is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.discover.assemble import assembled
from pdesym.symmetry.discover.conditions import noise_of, uncertainty_of
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.spectrum import Decision, by_error, by_gap, by_spread, scaled_spectrum
from pdesym.symmetry.discover.spread import angle_of_spread, noise_of_spread
from pdesym.symmetry.discover.window import EXACT, TRAINED, Margins
from pdesym.symmetry.library import Library

Conditions = tuple[Float[Tensor, "rows columns"], Float[Tensor, "rows columns"], Float[Tensor, "rows columns"]]
"""The conditions, the size of what cancels in them, and their change by another probe; see `conditions`."""


@dataclass(frozen=True)
class Knowledge:
    """How well an operator is known, which decides how singular values are read.

    Attributes:
        error: relative error of its increments on data that it has not seen; None for an exact operator.
        trained_alike: whether there are others beside it, trained alike from other seeds.
        factor: how many times an error or a spread counts as zero.

    Raises:
        ValueError: for both an error and others.
    """

    error: float | None = None
    trained_alike: bool = False
    factor: float = 2.0

    def __post_init__(self) -> None:
        if self.error is not None and self.trained_alike:
            raise ValueError(
                "Give either error or others: the spread over operators is the error along every direction."
            )

    @property
    def exact(self) -> bool:
        """Whether the operator counts as exact."""
        return self.error is None and not self.trained_alike

    @property
    def margins(self) -> Margins:
        """Of the plateaus and the window: where all is compared."""
        return EXACT if self.exact else TRAINED


def judged(
    own: Conditions,
    others: Sequence[Float[Tensor, "rows columns"]],
    knowledge: Knowledge,
    library: Library,
    *,
    linear: bool,
    seed: int,
    name: str,
    flags: tuple[str, ...] = (),
) -> Discovery:
    """The symmetries of an operator from its conditions and those of others, by the rule that fits what is known of it.

    Args:
        own: of the operator.
        others: the conditions of operators trained alike, where there are any.
        knowledge: which rule holds.
        library: what the columns mean.
        linear: whether the operator is.
        seed: of the choices of pivots.
        name: of the operator.
        flags: what is doubtful beforehand.
    """
    matrix, size, change = own
    spectrum = scaled_spectrum(matrix, size)
    values, noise = spectrum.singular_values, noise_of(spectrum, change)
    if others:
        decision = by_spread(values, np.hypot(noise, noise_of_spread(spectrum, matrix, others)), knowledge.factor)
        uncertainty = angle_of_spread(spectrum, others, size, decision.dimension)
    else:
        if knowledge.error is None:
            decision = by_gap(values, noise=noise)
            flags += undecided(values, noise, decision)
        else:
            decision = by_error(values, knowledge.error, knowledge.factor)
        uncertainty = uncertainty_of(spectrum, decision)
    return assembled(
        spectrum,
        decision,
        library,
        linear=linear,
        uncertainty=uncertainty,
        seed=seed,
        source="operator",
        subject=name,
        flags=flags,
    )


def undecided(values: np.ndarray, noise: np.ndarray, decision: Decision) -> tuple[str, ...]:
    """What a second probe leaves open: directions that count as no symmetries and lie within their noise."""
    count = int((values[decision.dimension :] <= noise[decision.dimension :]).sum())
    if not count:
        return ()
    return (
        f"undecided: {count} more direction{'s lie' if count > 1 else ' lies'} within the noise of the probe, and "
        "symmetries may be among them; a longer box, a shorter horizon or a finer grid would tell",
    )
