"""Laws of single numbers, from which every sample draws its own: `{uniform: [0.01, 0.1]}` and its relatives."""

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Discriminator, Field, Tag, model_validator

from pdesym.datasets.section import Number, Section

if TYPE_CHECKING:
    import numpy as np

_STANDARD_DEVIATIONS = 5.0


class _Distribution(Section):
    name: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _is_one(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(named := [key for key in data if key in NAMES]) > 1:
            raise ValueError(f"expected one distribution, got {' and '.join(named)}")
        return data

    @property
    def text(self) -> str:
        """The law as a person reads it, "uniform [0.01, 0.1]"."""
        return f"{self.name} {list(getattr(self, self.name))}"


class _Between(_Distribution):
    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest number that is drawn."""
        low, high = getattr(self, self.name)
        return low, high

    @model_validator(mode="after")
    def _is_ordered(self) -> "_Between":
        low, high = self.ends
        if not low < high:
            raise ValueError(f"the lower bound must be below the upper one, got [{low}, {high}]")
        return self


class Uniform(_Between):
    """A number that every sample draws for itself, evenly between two bounds: `{uniform: [0.01, 0.1]}`."""

    name = "uniform"
    uniform: tuple[Number, Number]

    @property
    def centre(self) -> float:
        """The mean."""
        return math.fsum(self.uniform) / 2

    def draw(self, rng: "np.random.Generator") -> float:
        """One number."""
        return float(rng.uniform(*self.uniform))


class LogUniform(_Between):
    """A number whose logarithm is drawn evenly between those of two positive bounds: `{log_uniform: [1e-3, 1]}`."""

    name = "log_uniform"
    log_uniform: tuple[Annotated[Number, Field(gt=0)], Annotated[Number, Field(gt=0)]]

    @property
    def centre(self) -> float:
        """The median, the geometric mean of the bounds."""
        return math.exp(math.fsum(map(math.log, self.log_uniform)) / 2)

    def draw(self, rng: "np.random.Generator") -> float:
        """One number."""
        low, high = self.log_uniform
        # The exponential may round to the other side of a bound.
        return min(max(math.exp(rng.uniform(math.log(low), math.log(high))), low), high)


class Normal(_Distribution):
    """A number drawn from the normal law with a mean and a standard deviation: `{normal: [1.0, 0.1]}`.

    The law has no bounds; what is checked before a run is that the recipe makes sense within five standard deviations.
    """

    name = "normal"
    normal: tuple[Number, Number]

    @model_validator(mode="after")
    def _spreads(self) -> "Normal":
        if not self.normal[1] > 0:
            raise ValueError(f"the standard deviation of normal: [mean, std] must be positive, got {self.normal[1]}")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """Five standard deviations below and above the mean."""
        mean, deviation = self.normal
        return mean - _STANDARD_DEVIATIONS * deviation, mean + _STANDARD_DEVIATIONS * deviation

    @property
    def centre(self) -> float:
        """The mean."""
        return self.normal[0]

    def draw(self, rng: "np.random.Generator") -> float:
        """One number."""
        return float(rng.normal(*self.normal))


class Choice(_Distribution):
    """A number drawn from a list, each entry as likely as the others: `{choice: [0.01, 0.02, 0.04]}`."""

    name = "choice"
    choice: tuple[Number, ...] = Field(min_length=1, max_length=10_000)

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest number of the list."""
        return min(self.choice), max(self.choice)

    @property
    def centre(self) -> float:
        """The mean."""
        return math.fsum(self.choice) / len(self.choice)

    def draw(self, rng: "np.random.Generator") -> float:
        """One number."""
        return self.choice[int(rng.integers(len(self.choice)))]


DISTRIBUTIONS = (Uniform, LogUniform, Normal, Choice)
NAMES = tuple(distribution.name for distribution in DISTRIBUTIONS)

Distribution = Uniform | LogUniform | Normal | Choice


def kind(value: Any) -> str:
    """The tag of a number, of a list, or of the distribution whose key a section has; of `uniform` for any other.

    A tag stands in the path of what pydantic finds wrong, so it is no word that is a key.
    """
    if isinstance(value, DISTRIBUTIONS):
        return f"<{value.name}>"
    if isinstance(value, dict):
        return f"<{next((name for name in NAMES if name in value), Uniform.name)}>"
    return "list" if isinstance(value, list | tuple) else "number"


Drawn = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[Uniform, Tag("<uniform>")]
    | Annotated[LogUniform, Tag("<log_uniform>")]
    | Annotated[Normal, Tag("<normal>")]
    | Annotated[Choice, Tag("<choice>")],
    Discriminator(lambda value: "number" if kind(value) == "list" else kind(value)),
]
"""A number, or the law from which every sample draws its own."""
