"""What a dataset is, as a small text file: equation, grid, initial law, times, splits, tolerance, seed."""

import keyword
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from pdesym.datasets import recipe_file

SPLITS = ("train", "valid", "test")

DEFAULT_RTOL = 1e-6


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Uniform(_Section):
    """A parameter that every sample draws for itself, evenly between two bounds: `{uniform: [0.01, 0.1]}`."""

    uniform: tuple[float, float]

    @model_validator(mode="after")
    def _is_ordered(self) -> "Uniform":
        low, high = self.uniform
        if not low < high:
            raise ValueError(f"the lower bound must be below the upper one, got [{low}, {high}]")
        return self


def _kind(value: Any) -> str:
    return "distribution" if isinstance(value, dict | Uniform) else "number"


Parameter = Annotated[
    Annotated[float, Tag("number")] | Annotated[Uniform, Tag("distribution")],
    Discriminator(_kind),
]


class Points(_Section):
    """The stored grid: a periodic box, `{points: 128, length: 128.0}`, one number or one an axis.

    The solver refines its own grid as the tolerance asks; these are the points whose values are kept.
    """

    points: int | tuple[int, ...]
    length: float | tuple[float, ...]


class Sinusoids(_Section):
    """The law of the initial fields, a sum of `terms` sinusoids of random amplitude, phase and wave number.

    u₀(x) = Σ_p A_p sin(2π l_p x/L + φ_p),  A_p uniform in ±amplitude,  φ_p uniform in [0, 2π),  l_p drawn from `waves`.
    """

    law: Literal["sinusoids"] = "sinusoids"
    terms: int = Field(default=10, ge=1)
    amplitude: float = Field(default=0.5, gt=0)
    waves: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(1, 2), min_length=1)


class Times(_Section):
    """The stored frames: `count` equidistant times from `first` to `last`, both included.

    Every solution starts at t = 0, so a `first` above 0 leaves out the time before it.
    """

    first: float = Field(default=0.0, ge=0)
    last: float
    count: int = Field(ge=2)

    @model_validator(mode="after")
    def _is_ordered(self) -> "Times":
        if not self.first < self.last:
            raise ValueError(f"times.last must be after times.first = {self.first}, got {self.last}")
        return self


class Splits(_Section):
    """How many samples each part of the dataset has; a part with none is left out."""

    train: int = Field(default=0, ge=0)
    valid: int = Field(default=0, ge=0)
    test: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _is_not_empty(self) -> "Splits":
        if not self.sizes:
            raise ValueError("one of train, valid and test needs a number of samples above 0")
        return self

    @property
    def sizes(self) -> dict[str, int]:
        """The parts that have samples, with their numbers of samples."""
        return {split: size for split in SPLITS if (size := getattr(self, split)) > 0}


class Recipe(_Section):
    """Everything a dataset depends on; two equal recipes give the same arrays.

    Attributes:
        name: a word for people and titles.
        equation: a name of the catalogue ("kdv"), or the text of the equations ("u_t = -u*u_x - u_xxx").
        parameters: numbers, or laws from which every sample draws its own.
        grid: the stored points. All lengths, times and fields are dimensionless.
        initial: the law of the initial fields.
        times: the stored frames.
        splits: samples of each part.
        rtol: relative L2 error that the solver is to keep within; or
        dt: its fixed step instead.
        dtype: of the stored fields; the computation is in float64 always.
        seed: sample i of a split depends on (seed, split, i) and on the keys above alone.
        shard: samples that are solved together and stored in one piece; what an interruption can cost at most.
    """

    name: str
    equation: str | tuple[str, ...] = Field(min_length=1)
    parameters: dict[str, Parameter] = {}
    grid: Points
    initial: Sinusoids = Sinusoids()
    times: Times
    splits: Splits
    rtol: float | None = Field(default=None, gt=0, lt=1)
    dt: float | None = Field(default=None, gt=0)
    dtype: Literal["float32", "float64"] = "float32"
    seed: int = Field(default=0, ge=0, lt=2**63)
    shard: int = Field(default=32, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _has_a_tolerance(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("rtol") is None and data.get("dt") is None:
            return {**data, "rtol": DEFAULT_RTOL}
        return data

    @model_validator(mode="after")
    def _has_one_tolerance(self) -> "Recipe":
        if self.rtol is not None and self.dt is not None:
            raise ValueError(f"rtol = {self.rtol} and dt = {self.dt} exclude each other; set one of them to null")
        return self

    @field_validator("name")
    @classmethod
    def _is_a_word(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise ValueError(f"expected a word of letters, digits, - and _, got {name!r}")
        return name

    @field_validator("parameters")
    @classmethod
    def _are_names(cls, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
        for name in parameters:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise ValueError(f"a parameter needs a name made of letters, digits and _, got {name!r}")
        return parameters

    @property
    def shard_counts(self) -> dict[str, int]:
        """The number of shards of each split that has samples."""
        return {split: -(-size // self.shard) for split, size in self.splits.sizes.items()}

    @property
    def shards(self) -> tuple[tuple[str, int], ...]:
        """Every unit of work, (split, number of the shard), in the order in which they are done."""
        return tuple((split, k) for split, count in self.shard_counts.items() for k in range(count))

    def samples(self, split: str, shard: int) -> range:
        """The indices of the samples of a shard."""
        return range(shard * self.shard, min((shard + 1) * self.shard, self.splits.sizes[split]))


def load_recipe(source: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a YAML file, or a shipped one by its name, with overrides like "grid.points=256".

    Raises:
        RecipeError: (a ValueError) one sentence that names the key that is wrong and what would be right.
    """
    return recipe_file.load(Recipe, source, overrides, files("pdesym.datasets").joinpath("recipes"))
