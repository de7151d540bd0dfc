"""What a dataset is, as a small text file: equation, grid, initial law, times, splits, tolerance, seed."""

import keyword
import math
import re
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from pdesym.datasets import recipe_file
from pdesym.datasets.distributions import Choice, Distribution, Drawn, LogUniform, Normal, Uniform, kind
from pdesym.datasets.laws import InitialLaw, Sinusoids
from pdesym.datasets.section import Number, Section, Whole

SPLITS = ("train", "valid", "test")

DEFAULT_RTOL = 1e-6

METHODS = ("etdrk4", "etdrk4-cox-matthews", "etdrk2", "imex4", "dopri5")
"""The names of time steppers that `pdesym.solvers.solve` takes."""

# What lies beyond is a slip of the finger, or would exhaust a machine before anything else is said about it.
_MOST_POINTS = 2**27
_MOST_VALUES = 2**34
_MOST_SAMPLES = 10**9
_MOST_BYTES = 10**16
_MOST_IN_SHARD = 10**6
_MOST_DRAWN = 10

_Length = Annotated[Number, Field(ge=1e-30, le=1e30)]
_Text = Annotated[str, Field(min_length=1, max_length=10_000)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=64)]


class Points(Section):
    """The stored grid: a periodic box, `{points: 128, length: 128.0}`, one number or one an axis.

    The solver refines its own grid as the tolerance asks; these are the points whose values are kept. A length that
    every sample draws for itself, `{points: 128, length: {uniform: [115, 141]}}`, is that of all axes.
    """

    points: Whole | tuple[Whole, ...]
    length: Annotated[
        Annotated[_Length, Tag("number")]
        | Annotated[tuple[_Length, ...], Tag("list")]
        | Annotated[Uniform, Tag("<uniform>")]
        | Annotated[LogUniform, Tag("<log_uniform>")]
        | Annotated[Normal, Tag("<normal>")]
        | Annotated[Choice, Tag("<choice>")],
        Discriminator(kind),
    ]

    @field_validator("points")
    @classmethod
    def _are_not_too_many(cls, points: int | tuple[int, ...]) -> int | tuple[int, ...]:
        if isinstance(points, tuple) and len(points) > 3:
            raise ValueError(f"a grid has 1 to 3 axes, got {len(points)}")
        if math.prod((points,) if isinstance(points, int) else points) > _MOST_POINTS:
            raise ValueError(f"a frame has at most {_MOST_POINTS} points in all, got {points}"[:200])
        return points

    @field_validator("length")
    @classmethod
    def _is_drawn_positive(cls, length: Any) -> Any:
        if isinstance(length, Distribution):
            _refuse_what_is_not_positive("the length of a box", length)
        return length

    @model_validator(mode="after")
    def _has_a_length_for_each_axis(self) -> "Points":
        if isinstance(self.length, tuple) and len(self.length) != len(self.shape):
            raise ValueError(f"grid.length should be one number, or {len(self.shape)}, got {len(self.length)}")
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """The points along each axis."""
        return (self.points,) if isinstance(self.points, int) else self.points


class Times(Section):
    """The stored frames: `count` equidistant times from `first` to `last`, both included.

    Every solution starts at t = 0, so a `first` above 0 leaves out the time before it. With a `burn_in` the field that
    the law draws stands at t = −burn_in; what has become of it at t = 0, on the stored points, is the initial field:
    errors, steps and points count from there, and leave out the burn-in. With a `stretch` s, a number or a law from
    which every sample draws its own, the frames lie at s times these times (and the field of the law s times as long
    before them): those of u_t = s N[u] at these times, for an equation u_t = N[u] in which t does not occur. A fixed
    step is one of these times too.
    """

    first: Number = Field(default=0.0, ge=0)
    last: Number
    count: Whole = Field(ge=2)
    burn_in: Number = Field(default=0.0, ge=0)
    stretch: Drawn | None = None

    @field_validator("stretch")
    @classmethod
    def _is_positive(cls, stretch: Drawn | None) -> Drawn | None:
        if stretch is not None:
            _refuse_what_is_not_positive("a factor on the times", stretch)
        return stretch

    @model_validator(mode="after")
    def _is_ordered(self) -> "Times":
        if not self.first < self.last:
            raise ValueError(f"times.last must be after times.first = {self.first}, got {self.last}")
        return self


class Splits(Section):
    """How many samples each part of the dataset has; a part with none is left out."""

    train: Whole = Field(default=0, ge=0, le=_MOST_SAMPLES)
    valid: Whole = Field(default=0, ge=0, le=_MOST_SAMPLES)
    test: Whole = Field(default=0, ge=0, le=_MOST_SAMPLES)

    @model_validator(mode="after")
    def _is_not_empty(self) -> "Splits":
        if not self.sizes:
            raise ValueError("one of train, valid and test needs a number of samples above 0")
        return self

    @property
    def sizes(self) -> dict[str, int]:
        """The parts that have samples, with their numbers of samples."""
        return {split: size for split in SPLITS if (size := getattr(self, split)) > 0}


class Recipe(Section):
    """Everything a dataset depends on; two equal recipes give the same arrays.

    Attributes:
        name: a word for people and titles.
        equation: a name of the catalogue ("kdv"), or the text of the equations ("u_t = -u*u_x - u_xxx").
        where: relations that define the auxiliary fields of such texts ("lap(psi) = -w").
        parameters: numbers, or laws from which every sample draws its own: {uniform: [a, b]}, {log_uniform: [a, b]},
            {normal: [mean, std]}, {choice: [a, b, c]}.
        grid: the stored points. All lengths, times and fields are dimensionless.
        initial: the law of the initial fields, see `pdesym.datasets.laws`.
        times: the stored frames.
        splits: samples of each part.
        rtol: relative L2 error that the solver is to keep within; or
        dt: its fixed step instead.
        method: the solver's time stepper, of its names; exponential Runge-Kutta of fourth order when not given.
        dtype: of the stored fields; the computation is in float64 always.
        seed: sample i of a split depends on (seed, split, i) and on the keys above alone.
        shard: samples that are stored in one piece, and solved together unless batch says fewer.
        batch: samples that are solved together, at most those of a shard: they bound the memory that a worker needs,
            and what an interruption can cost. All of a shard when not given. No number depends on it.
    """

    name: str = Field(max_length=100)
    equation: _Text | _Texts = Field(min_length=1)
    where: _Text | _Texts = ()
    parameters: dict[str, Drawn] = Field(default_factory=dict)
    grid: Points
    initial: InitialLaw = Sinusoids()
    times: Times
    splits: Splits
    rtol: Number | None = Field(default=None, gt=0, lt=1)
    dt: Number | None = Field(default=None, gt=0)
    method: Literal["etdrk4", "etdrk4-cox-matthews", "etdrk2", "imex4", "dopri5"] | None = None
    dtype: Literal["float32", "float64"] = "float32"
    seed: Whole = Field(default=0, ge=0, lt=2**63)
    shard: Whole = Field(default=32, ge=1, le=_MOST_IN_SHARD)
    batch: Whole | None = Field(default=None, ge=1)

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
    def _are_names(cls, parameters: dict[str, Drawn]) -> dict[str, Drawn]:
        drawn = [name for name, law in parameters.items() if isinstance(law, Distribution)]
        if len(drawn) > _MOST_DRAWN:
            raise ValueError(f"expected at most {_MOST_DRAWN} parameters that are drawn, got {len(drawn)}")
        for name in parameters:
            if len(name) > 100:
                raise ValueError(f"a parameter's name has at most 100 characters, got {len(name)}")
            if not name.isidentifier() or keyword.iskeyword(name):
                raise ValueError(f"a parameter needs a name made of letters, digits and _, got {name!r}")
        return parameters

    @model_validator(mode="after")
    def _is_of_a_size(self) -> "Recipe":
        if self.batch is not None and self.batch > self.shard:
            raise ValueError(f"batch must be at most shard = {self.shard}, got {self.batch}")
        values = math.prod(self.grid.shape) * self.times.count
        if values > _MOST_VALUES:
            raise ValueError(
                f"a field of one sample has at most {_MOST_VALUES} values, times.count = {self.times.count} frames of "
                f"grid.points = {self.grid.points} are {values}"
            )
        size = sum(self.splits.sizes.values()) * values * (4 if self.dtype == "float32" else 8)
        if size > _MOST_BYTES:
            raise ValueError(
                f"each field of the dataset takes at most {_MOST_BYTES:g} bytes, splits, times.count and grid.points "
                f"make {size:.3g}"
            )
        return self

    @property
    def equations(self) -> tuple[str, ...]:
        """The texts of the equation, or its one name."""
        return (self.equation,) if isinstance(self.equation, str) else self.equation

    @property
    def relations(self) -> tuple[str, ...]:
        """The texts of `where`."""
        return (self.where,) if isinstance(self.where, str) else self.where

    @property
    def laws(self) -> dict[str, Distribution]:
        """The laws of the parameters that every sample draws for itself."""
        return {name: law for name, law in self.parameters.items() if isinstance(law, Distribution)}

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
    return recipe_file.load(Recipe, source, overrides, _shipped())


def recipe_text(name: str) -> str:
    """The file of a shipped recipe, with its comments.

    Raises:
        RecipeError: when none has this name.
    """
    return recipe_file.source_text(name, _shipped())[0]


def shipped_recipes() -> dict[str, str]:
    """The names of the shipped recipes, sorted, each with the first line of what its file says about it."""
    folder = _shipped()
    shipped = {Path(file.name).stem: file for file in folder.iterdir() if file.name.endswith(".yaml")}
    first_lines = {name: shipped[name].read_text(encoding="utf-8").partition("\n")[0] for name in sorted(shipped)}
    return {name: line.removeprefix("#").strip() for name, line in first_lines.items()}


def _shipped() -> Traversable:
    return files("pdesym.datasets").joinpath("recipes")


def _refuse_what_is_not_positive(what: str, law: Drawn) -> None:
    if not (low := law.ends[0] if isinstance(law, Distribution) else law) > 0:
        bound = " five standard deviations below its mean" if isinstance(law, Normal) else ""
        raise ValueError(f"{what} must be positive, got {low:g}{bound}")
